"""A headless Chromium, seen by its DevTools protocol over a pipe: what a page shows, asks for and complains about."""

import fcntl
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

INSTALL = Path(__file__).with_name("install.sh")
MISSING = 77
SECONDS = 60.0
WIDTH, HEIGHT = 1280, 900

PROBE = """(() => {
  const box = e => { const r = e.getBoundingClientRect(); return [r.width, r.height]; };
  const target = a => document.getElementById(decodeURIComponent(a.getAttribute('href').slice(1)));
  return JSON.stringify({
    images: [...document.images].map(i => [i.alt, i.complete ? i.naturalWidth : 0, ...box(i)]),
    drawings: [...document.querySelectorAll('svg')].map(s => ['svg', 1, ...box(s)]),
    tables: [...document.querySelectorAll('table')].filter(t => !t.closest('details')).map(t =>
      [t.caption ? t.caption.textContent : '', t.tBodies.length ? t.tBodies[0].rows.length : 0, ...box(t)]),
    headings: [...document.querySelectorAll('h1, h2, h3')].map(h => h.textContent),
    lost: [...document.querySelectorAll('a[href^="#"]')].filter(a => !target(a)).map(a => a.getAttribute('href')),
    overflow: document.documentElement.scrollWidth - window.innerWidth,
  });
})()"""

_installing: list[subprocess.Popen] = []


def begin() -> None:
    """Look for a browser, or start to install one beside whatever tests come before."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    _installing.append(subprocess.Popen(["sh", INSTALL], start_new_session=True, **pipes))


def end() -> None:
    """Wait for an installation that nobody waited for: half a package would be worse than none."""
    if _installing:
        _installed()


def program() -> str:
    """Path of a browser; skips with the reason where there is none and none can be installed."""
    if not _installing:
        begin()
    code, out, errors = _installed()
    if code == MISSING:
        pytest.skip(f"no browser: {out.strip().splitlines()[-1]}")
    assert code == 0, errors
    return out.strip().splitlines()[-1]


@cache
def _installed() -> tuple[int, str, str]:
    """Exit code and output of install.sh."""
    out, errors = _installing[0].communicate(timeout=900)
    return _installing[0].returncode, out, errors


@dataclass(frozen=True)
class Seen:
    """What one page showed: see PROBE; errors of console, scripts and resources; addresses that it asked for."""

    page: dict
    errors: list[str]
    requests: list[str]

    @property
    def faults(self) -> list[str]:
        """Everything that a reader would have to complain about."""
        found = [f"console: {text}" for text in self.errors]
        found += [f"asks for {url}" for url in self.requests if not url.startswith("data:")]
        for kind in ("images", "drawings", "tables"):
            for name, size, width, height in self.page[kind]:
                if not (size > 0 and width > 20 and height > 10):
                    found.append(f"{kind}: {name!r} is empty: {size}, {width} x {height}")
        found += [f"{reference} leads nowhere" for reference in self.page["lost"]]
        return found + ([f"{self.page['overflow']} pixels too wide"] if self.page["overflow"] > 0 else [])


class Browser:
    """A running browser; a context manager that leaves no process behind."""

    def __enter__(self) -> "Browser":
        with ExitStack() as stack:
            profile = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="gaugeflow-browser-", ignore_cleanup_errors=True)
            )
            self._process, self._read, self._write = _started(program(), profile)
            stack.callback(os.close, self._read)
            stack.callback(os.close, self._write)
            stack.callback(_killed, self._process)
            self._buffer, self._number, self._events = b"", 0, []
            target = self._call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self._call(f"{domain}.enable", self._session)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        with self._stack:
            self._call("Browser.close")
            self._process.wait(SECONDS)

    @property
    def group(self) -> int:
        """Process group of the browser and all its helpers."""
        return self._process.pid

    def look(self, path: Path) -> Seen:
        """Open a file, wait until it is loaded, and see what it shows."""
        self._events = []
        url = path.resolve().as_uri()
        self._call("Page.navigate", self._session, url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(self._receive())
        self._call("Runtime.evaluate", self._session, awaitPromise=True,
                   expression="Promise.all([...document.images].map(i => i.decode().catch(() => 0)))")  # fmt: skip
        answer = self._call("Runtime.evaluate", self._session, expression=PROBE, returnByValue=True)
        errors, requests = [], []
        for event in self._events:
            errors += _complaints(event["method"], event["params"])
            if event["method"] == "Network.requestWillBeSent":
                requests.append(event["params"]["request"]["url"])
        return Seen(json.loads(answer["result"]["value"]), errors, [asked for asked in requests if asked != url])

    def _call(self, method: str, session: str | None = None, **parameters: object) -> dict:
        """Result of one command; what else arrives meanwhile is kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": session} if session else {}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._events.append(answer)

    def _receive(self) -> dict:
        """Next message of the browser."""
        until = time.monotonic() + SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            data = os.read(self._read, 1 << 16) if ready else b""
            assert data, "the browser ended or said nothing for a minute"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


def _started(browser: str, profile: str) -> tuple[subprocess.Popen, int, int]:
    """The process, and the descriptors from which it is read and to which is written."""
    browser_reads, write = os.pipe()
    read, browser_writes = os.pipe()
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (browser_reads, browser_writes)]

    def place() -> None:  # the protocol is spoken on descriptors 3 and 4
        for number, descriptor in zip((3, 4), ends, strict=True):
            os.dup2(descriptor, number)

    line = [browser, "--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--no-sandbox"]
    line += ["--disable-dev-shm-usage", f"--user-data-dir={profile}", f"--window-size={WIDTH},{HEIGHT}"]
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "HOME": profile}
    process = subprocess.Popen(
        line, close_fds=False, preexec_fn=place, start_new_session=True, env=environment, **silent
    )
    for descriptor in (browser_reads, browser_writes, *ends):
        os.close(descriptor)
    return process, read, write


def _killed(process: subprocess.Popen) -> None:
    """End what is left of a browser and its helpers."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(SECONDS)


def _complaints(method: str, parameters: dict) -> list[str]:
    """Texts of an event that is an error or a warning."""
    if method == "Runtime.exceptionThrown":
        details = parameters["exceptionDetails"]
        return [details.get("exception", {}).get("description", details["text"])]
    if method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
        return [" ".join(str(argument.get("value", argument)) for argument in parameters["args"])]
    if method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
        return [parameters["entry"]["text"]]
    return []
