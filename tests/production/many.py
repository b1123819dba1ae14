"""Run several `gaugeflow` commands one after the other on the same ranks: python many.py '[["measure", ...], ...]'."""

import json
import sys

from gaugeflow.cli.main import main

for command in json.loads(sys.argv[1]):
    if code := main(command):
        sys.exit(code)
