"""`gaugeflow` on several ranks, one of which kills itself: python kill_rank.py RANK write|trajectory WORDS...

write        inside the first write after trajectory 20 began, half of its bytes written (rank 0 writes)
trajectory   before trajectory 20 is computed
"""

import os
import signal
import sys

from ensembles.kill_driver import Injection

from gaugeflow.cli.main import main
from gaugeflow.samplers.hmc import HMC

if int(os.environ["PMI_RANK"]) == int(sys.argv[1]):
    step = HMC.step

    def step_until_killed(self, lattice, links, momenta, trajectory, **options):
        if trajectory == 20 and sys.argv[2] == "trajectory":
            os.kill(os.getpid(), signal.SIGKILL)
        if trajectory == 20:
            Injection(0, "write", 1, "inside")
        return step(self, lattice, links, momenta, trajectory, **options)

    HMC.step = step_until_killed

sys.exit(main(sys.argv[3:]))
