"""`gaugeflow` on several ranks, one of which kills itself: python kill_rank.py RANK write|trajectory WORDS...

write        inside the 200th write, half of its bytes written (rank 0 is the one that writes)
trajectory   before trajectory 20 is computed
"""

import os
import signal
import sys

from ensembles.kill_driver import Injection

from gaugeflow.cli.main import main
from gaugeflow.samplers.hmc import HMC

if int(os.environ["PMI_RANK"]) == int(sys.argv[1]):
    if sys.argv[2] == "write":
        Injection(0, "write", 200, "inside")
    else:
        step = HMC.step

        def step_until_killed(self, lattice, links, momenta, trajectory):
            if trajectory == 20:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(self, lattice, links, momenta, trajectory)

        HMC.step = step_until_killed

sys.exit(main(sys.argv[3:]))
