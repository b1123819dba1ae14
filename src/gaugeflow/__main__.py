"""`python -m gaugeflow`: the command line of the interpreter that runs."""

from gaugeflow.cli.main import entry_point

if __name__ == "__main__":
    entry_point()
