"""Times that a site or a test sets by environment variables."""

import math
import os

from gaugeflow.errors import ConfigError


def seconds_from(variable: str, default: float) -> float:
    """A positive number of seconds from the environment; the default where the variable is not set.

    Raises    ConfigError for anything else
    """
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ConfigError(f"{variable}={text}: wanted a positive number of seconds; correct or unset it")
    return value
