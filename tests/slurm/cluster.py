"""A private SLURM of several nodes on this machine.

The login node, which runs the controller, has network, mounts, host name, shared memory and processes of its own, all
namespaces of the kernel; every node has others inside it. The machine sees processes and one folder, no address, no
link, no mount. The cluster ends as a whole when one process is killed, and the kernel does so when the process that
started it dies. Any number may run at once.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
from house import surroundings, words
from slurm.configuration import LOGIN, LOGIN_ADDRESS, Layout, write

FIRST_PROCESS = Path(__file__).with_name("first_process.py")
PREFIX = "gaugeflow_slurm_"
NAMESPACES = ("net", "mnt", "uts", "pid")
DAEMONS = ("slurmctld", "slurmd", "munged", "slurmstepd")
SECONDS = 30.0
SLURMD = ("nice", "-n", "5", "prlimit", "--core=0", "slurmd", "-N")
"""Jobs let other tests go first and leave no core files."""

NETWORK = {"MPIR_CVAR_CH4_NETMOD": "ofi", "FI_PROVIDER": "tcp", "FI_TCP_IFACE": "eth0"}
"""MPI over the one network there is, by addresses of few bytes: the long ones of MPICH's other way arrive garbled now
and then through SLURM's PMI-2, and the world ends or waits for ever."""

Output = subprocess.CompletedProcess[str]


class Cluster:
    """A running cluster; a context manager that leaves nothing behind.

    nodes     number of nodes n1, n2, .. of one core; one more has the cards
    disks     size in MB of the small file systems `disk(0)`, `disk(1)`, .., seen by all nodes
    """

    def __init__(self, nodes: int = 5, disks: tuple[int, ...] = ()) -> None:
        remove_abandoned()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.layout = Layout(self.folder, nodes)
        self._lock = _held(self.folder)
        self._first: dict[str, psutil.Process] = {}
        self._launchers: list[subprocess.Popen] = []
        self._started: list[subprocess.Popen] = []
        write(self.layout)
        try:
            self._start_login(disks)
            for node in self.layout.names:
                self._start_node(node)
            self.wait_for(lambda: self._idle() == len(self.layout.names), "all nodes are idle")
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """Variables of every command: SLURM's settings and this environment's programs."""
        return surroundings(SLURM_CONF=str(self.folder / "etc" / "slurm.conf"), USER="root", LOGNAME="root", **NETWORK)

    def command(self, *line: str | Path, node: str = LOGIN, cwd: Path | str = "/") -> list[str]:
        """The line that runs a program of this environment on a node in a folder."""
        return [*self._enter(node), "env", "-C", str(cwd), *words(*line)]

    def run(
        self, *line: str | Path, node: str = LOGIN, cwd: Path | str = "/", timeout: float = 300, **variables: str
    ) -> Output:
        """Run a command on a node, by default where users log in; output as text."""
        environment = {**self.environment, **variables}
        command = self.command(*line, node=node, cwd=cwd)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)

    def begin(self, *line: str | Path, log: Path, cwd: Path, nice: int = 0, **variables: str) -> subprocess.Popen:
        """Start a command on the login node in a session of its own; its output goes to a file."""
        environment = {**self.environment, **variables}
        command = ["nice", "-n", str(nice), *self.command(*line, cwd=cwd)]
        with log.open("ab") as out:
            files = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out}
            process = subprocess.Popen(command, env=environment, start_new_session=True, **files)
        self._started.append(process)
        return process

    def disk(self, number: int) -> Path:
        """Folder of a small file system, as the nodes see it."""
        return self.folder / "disks" / str(number)

    def seen_from_outside(self, path: Path) -> Path:
        """Where this machine sees a path of the login node, also one on a small disk."""
        return Path(f"/proc/{self._first[LOGIN].pid}/root{path}")

    def processes(self, node: str) -> list[psutil.Process]:
        """Processes of a node, its first one left out; what has just ended is not there."""
        first = self._first[node]
        inode = _namespace(first.pid)
        if inode is None:
            return []
        return [p for p in psutil.process_iter() if _namespace(p.pid) == inode and p.pid != first.pid]

    def leftovers(self) -> list[str]:
        """Command lines of all that runs on the nodes beside daemons: of nothing, when no job runs."""
        found = []
        for node in self.layout.names:
            for process in self.processes(node):
                with suppress(psutil.NoSuchProcess):
                    if process.name() not in DAEMONS and process.status() != psutil.STATUS_ZOMBIE:
                        found.append(f"{node}: {' '.join(process.cmdline())}")
        return found

    def jobs(self, *states: str) -> list[dict[str, str]]:
        """Jobs in some states, by default the live ones: id, name, state, partition, comment, nodes, folder."""
        columns = {
            "id": "%i",
            "name": "%j",
            "state": "%T",
            "partition": "%P",
            "comment": "%k",
            "nodes": "%N",
            "folder": "%Z",
        }
        wanted = ",".join(states) or "PENDING,RUNNING,COMPLETING,CONFIGURING,SUSPENDED"
        text = self.run("squeue", "-h", "-t", wanted, "-o", "\t".join(columns.values())).stdout
        return [dict(zip(columns, line.split("\t"), strict=True)) for line in text.splitlines()]

    def node_down(self, node: str) -> None:
        """An administrator takes a node away: its jobs end, those that may be are queued again."""
        self._told("update", f"nodename={node}", "state=down", "reason=test")

    def node_up(self, node: str) -> None:
        """Give a node back, whatever happened to it, and wait until it answers."""
        if not self._first[node].is_running():
            self._start_node(node)
        elif not self._slurmd(node):
            self.start_slurmd(node)
        self.run("scontrol", "update", f"nodename={node}", "state=resume")
        self.wait_for(lambda: self._state(node) in ("idle", "mixed", "allocated", "completing"), f"{node} answers")

    def power_off(self, node: str) -> None:
        """Everything on a node ends at once, as when its power fails."""
        _kill(self._first[node])

    def kill_slurmd(self, node: str) -> None:
        """SIGKILL of the node's daemon; its jobs live on."""
        for process in self._slurmd(node):
            _kill(process)

    def start_slurmd(self, node: str) -> None:
        """Start the node's daemon."""
        self._done(self.run(*SLURMD, node, node=node))

    def wait_for(self, condition, what: str, seconds: float = SECONDS) -> None:
        """Look ten times a second until a condition holds.

        Raises    TimeoutError that says what was waited for, with the end of the controller's log
        """
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                log = self.folder / "log" / "slurmctld.log"
                tail = "\n".join(log.read_text().splitlines()[-15:]) if log.exists() else "no log"
                raise TimeoutError(f"waited {seconds} s until {what}\n{self.run('sinfo', '-N').stdout}{tail}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End every process and remove the folder."""
        if LOGIN in self._first:
            _kill(self._first[LOGIN])
        for process in [*self._started, *self._launchers]:
            if process.poll() is None:
                process.kill()
            process.wait(SECONDS)
        for process in self._first.values():
            with suppress(psutil.NoSuchProcess):
                process.wait(SECONDS)
        self._first.clear()
        shutil.rmtree(self.folder)
        os.close(self._lock)

    def _start_login(self, disks: tuple[int, ...]) -> None:
        self._first[LOGIN] = self._namespace_process([])
        lines = [f"hostname {LOGIN}", f"mount --bind '{self.folder}/hosts' /etc/hosts"]
        lines += [
            f"mount --bind '{self.folder}/etc' /etc/slurm",
            "ip link set lo up",
            f"ip link add cluster address {_hardware(0)} type bridge",
        ]
        lines += [f"ip addr add {LOGIN_ADDRESS}/24 dev cluster", "ip link set cluster up"]
        for number, megabytes in enumerate(disks):
            lines += [
                f"mkdir '{self.disk(number)}'",
                f"mount -t tmpfs -o size={megabytes}m tmpfs '{self.disk(number)}'",
            ]
        folder = self.folder
        files = f"--key-file='{folder}/munge/key' --seed-file='{folder}/munge/seed'"
        files += f" --log-file='{folder}/log/munged.log' --pid-file='{folder}/run/munged.pid'"
        lines.append(f"munged {files} --socket='{folder}/run/munge.socket' --num-threads=2 --force")
        lines.append("slurmctld -i")
        self._done(self.run("sh", "-ec", "\n".join(lines)))
        self.wait_for(lambda: self.run("scontrol", "ping").returncode == 0, "the controller answers")

    def _start_node(self, node: str) -> None:
        self._first[node] = first = self._namespace_process(self._enter(LOGIN))
        number = 1 + self.layout.names.index(node)
        link = f"ip link del {node} 2>/dev/null || :; "  # the old one, unless the kernel, which is late, was faster
        link += f"ip link add {node} type veth peer name eth0 address {_hardware(number)} netns {first.pid}"
        link += f" && ip link set {node} master cluster up"
        enter = ["nsenter", "--target", str(self._first[LOGIN].pid), "--net", "sh", "-ec", link]
        self._done(subprocess.run(enter, capture_output=True, text=True))
        lines = [f"hostname {node}", "mount -t tmpfs tmpfs /dev/shm", "ip link set lo up"]
        lines += [
            f"ip addr add {self.layout.address(node)}/24 dev eth0",
            "ip link set eth0 up",
            f"{' '.join(SLURMD)} {node}",
        ]
        self._done(self.run("sh", "-ec", "\n".join(lines), node=node))

    def _enter(self, node: str) -> list[str]:
        return ["nsenter", "--target", str(self._first[node].pid), "--net", "--mount", "--uts", "--ipc", "--pid", "--"]

    def _namespace_process(self, enter: list[str]) -> psutil.Process:
        """A first process in new namespaces; the login node's dies with the thread that starts it, others with that."""
        new = ["unshare", "--net", "--uts", "--mount", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
        die = [] if enter else ["setpriv", "--pdeathsig", "KILL"]
        line = [*die, *enter, *new, sys.executable, "-S", "-E", str(FIRST_PROCESS)]
        with (self.folder / "log" / "namespaces").open("ab") as log:
            launcher = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        self._launchers.append(launcher)
        assert launcher.stdout.readline() == b"ready\n", "no namespace was made"
        launcher.stdout.close()
        return psutil.Process(launcher.pid).children(recursive=True)[-1]

    def _slurmd(self, node: str) -> list[psutil.Process]:
        return [process for process in self.processes(node) if _name(process) == "slurmd"]

    def _state(self, node: str) -> str:
        return self.run("sinfo", "-h", "-n", node, "-p", "cpu,gpu", "-o", "%T").stdout.strip()

    def _idle(self) -> int:
        return len(self.run("sinfo", "-h", "-N", "-p", "cpu,gpu", "-t", "idle", "-o", "%N").stdout.split())

    def _told(self, *words: str) -> None:
        self._done(self.run("scontrol", *words))

    def _done(self, result: Output) -> Output:
        assert result.returncode == 0, f"{result.args}: {result.stdout}{result.stderr}"
        return result


def remove_abandoned() -> None:
    """Folders of clusters whose process is gone, and with it everything that ran."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            os.close(_held(folder))
            shutil.rmtree(folder)


def _held(folder: Path) -> int:
    """Lock a cluster's folder as long as this process lives; BlockingIOError if another one does."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _hardware(number: int) -> str:
    """Hardware address of a node, the same after it lost its power: the others remember it for a minute."""
    return f"02:00:00:00:00:{number:02x}"


def _namespace(pid: int) -> int | None:
    """Number of the process namespace of a process."""
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino
    except OSError:
        return None


def _name(process: psutil.Process) -> str | None:
    """Name of a process's program; None if it has just ended."""
    with suppress(psutil.NoSuchProcess):
        return process.name()
    return None


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)
