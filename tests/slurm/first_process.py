"""Process 1 of a namespace: buries orphans. When it is killed, the kernel kills all processes of the namespace."""

import os
import time

os.write(1, b"ready\n")
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.2)
