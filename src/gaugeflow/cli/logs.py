"""Log lines on stderr: coloured on a terminal, plain in files."""

import logging
import sys

PLAIN_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
TIME_FORMAT = "%H:%M:%S"


def set_up_logging(level: int) -> None:
    """Send the log of gaugeflow to stderr at this level; other libraries only from WARNING on."""
    handler: logging.Handler
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.logging import RichHandler

        handler = RichHandler(console=Console(stderr=True), show_path=False, log_time_format=TIME_FORMAT)
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(PLAIN_FORMAT, TIME_FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("gaugeflow").setLevel(level)
    logging.captureWarnings(True)
