"""`gaugeflow` commands in forked children of one process whose imports are done and whose kernels are loaded.

    python fork_server.py     reads one JSON request a line from stdin, answers with one JSON line

A request {"words": [...], "cwd": PATH, "file_size": BYTES or null, "environment": {...}, "fork": true} runs
`gaugeflow WORDS`; the answer has "returncode", "stdout" and "stderr". With "fork": false the server itself runs it,
which loads the kernels for all later children. The server has no threads and no MPI.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from gaugeflow.cli.main import main


def serve() -> None:
    """Answer requests until stdin ends; stdout of the server itself carries answers only."""
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code = forked(request) if request["fork"] else command(request)
            sys.stdout.flush()
            answer = {"returncode": code, "stdout": text(out), "stderr": text(err)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def command(request: dict) -> int:
    """Exit code of a command, as its console script would end."""
    os.chdir(request["cwd"])
    os.environ.update(request["environment"])
    if request["file_size"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_size"],) * 2)
    return main(request["words"])


def forked(request: dict) -> int:
    """The same in a child."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = command(request)
        finally:
            if sys.exc_info()[0] is not None:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def text(file) -> str:
    """All that was written into a file."""
    file.seek(0)
    return file.read().decode()


class ForkServer:
    """The server seen from a test: call it with the words of a command."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __call__(
        self,
        *words: object,
        cwd: Path | str = ".",
        file_size: int | None = None,
        fork: bool = True,
        environment: dict[str, str] | None = None,
    ):
        """Run `gaugeflow WORDS` and return what subprocess.run would return."""
        request = {
            "words": [str(word) for word in words],
            "cwd": os.path.abspath(cwd),
            "file_size": file_size,
            "environment": environment or {},
            "fork": fork,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return subprocess.CompletedProcess(request["words"], **json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the server."""
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


if __name__ == "__main__":
    serve()
