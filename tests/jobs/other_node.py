"""A gaugeflow command on another machine, as far as its lease can tell, without flock between the two.

python other_node.py WORD...
"""

import fcntl
import sys

from gaugeflow.cli.main import main
from gaugeflow.jobs import owner

if __name__ == "__main__":
    owner.this_machine = lambda: "another boot"
    owner.platform.node = lambda: "node8"
    fcntl.flock = lambda descriptor, operation: None
    sys.exit(main(sys.argv[1:]))
