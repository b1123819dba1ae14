"""`gaugeflow` that cuts configurations of 192 KiB into three slabs: python small_pieces.py WORDS..."""

import sys

from gaugeflow.cli.main import main
from gaugeflow.ensembles import pieces

pieces.PIECE_BYTES = pieces.MIN_CHUNK_BYTES

sys.exit(main(sys.argv[1:]))
