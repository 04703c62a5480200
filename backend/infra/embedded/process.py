"""Child processes that end with their supervisor, or that a later one recognizes and ends."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.infra.embedded import failures
from backend.infra.embedded.identity import Identity

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
_POLL_SECONDS = 0.005
_LOG_BYTES_MAX = 10_000_000
_TAIL_BYTES = 8_192
_PROC = Path("/proc/self/stat")  # Linux; elsewhere ps is asked
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded here: not after a fork


def never() -> bool:
    """The condition of someone who waits patiently."""
    return False


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: a session of its own, no input, output to `log`.

    `ending` is the signal that asks it to end well; on Linux the kernel sends it when the
    supervisor dies. `record` keeps the pid for the next supervisor.
    """

    name: str
    argv: Sequence[str]
    log: Path
    cwd: Path
    environment: Mapping[str, str]
    identity: Identity | None = None
    ending: signal.Signals = signal.SIGTERM
    hurrying: signal.Signals = signal.SIGKILL
    record: Path | None = None


@dataclass(slots=True)
class Child:
    """A running command."""

    command: Command
    process: "subprocess.Popen[bytes]"
    log_offset: int  # what stands before in the log is of earlier runs
    started_at: float = field(default_factory=time.monotonic)
    was_asked_to_end: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        return self.process.poll() is None

    def ask_to_end(self) -> None:
        """Once: to some programs a second signal means to hurry."""
        if self.is_running() and not self.was_asked_to_end:
            self.was_asked_to_end = True
            self.process.send_signal(self.command.ending)

    def end(self, *, grace_seconds: float, hurry: Callable[[], bool] = never) -> None:
        """Ask it to end and wait; past the grace, or once `hurry()` says so, insist."""
        self.ask_to_end()
        if not _wait(self.is_running, grace_seconds, until=hurry):
            self.process.send_signal(self.command.hurrying)
            if not _wait(self.is_running, grace_seconds=5):
                self._kill_group()
        self.process.wait()
        if self.command.record is not None:
            self.command.record.unlink(missing_ok=True)

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself in the meantime
            os.killpg(self.pid, signal.SIGKILL)

    def last_lines(self, count: int = 15) -> str:
        """The last lines that this run wrote to its log."""
        with self.command.log.open("rb") as log:
            log.seek(max(self.log_offset, self.command.log.stat().st_size - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-count:])


def start(command: Command) -> Child:
    """Start it, from a thread that lives as long as the supervisor: the kernel watches that thread.

    Raises: StartFailed where the program can't be executed.
    """
    _keep_small(command.log)
    identity = command.identity
    supervisor = os.getpid()

    def end_with_supervisor() -> None:
        # Runs in the child after the change of uid, which would clear the wish.
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(command.ending), 0, 0, 0)
            if os.getppid() != supervisor:
                os._exit(1)  # the supervisor died before the wish was heard

    with command.log.open("ab") as log:
        log_offset = log.tell()
        try:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                list(command.argv),
                cwd=command.cwd,
                env=dict(command.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor only
                user=identity.uid if identity else None,
                group=identity.gid if identity else None,
                extra_groups=[] if identity else None,
                preexec_fn=end_with_supervisor,  # noqa: PLW1509 - started before any thread is
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise failures.StartFailed(command.name, f"can't be started ({error})", "") from error
    if command.record is not None:
        command.record.write_text(f"{process.pid} {birth_of(process.pid)}\n")
    return Child(command, process, log_offset)


def wait_until_ready(
    child: Child,
    is_ready: Callable[[], bool],
    *,
    timeout_seconds: float,
    is_cancelled: Callable[[], bool] = never,
) -> None:
    """Wait for `is_ready()`.

    Raises: StartFailed where the child ends, or takes too long and is ended; StartCancelled as
    soon as `is_cancelled()`.
    """
    deadline = time.monotonic() + timeout_seconds
    while not is_ready():
        if not child.is_running():
            reason = f"ended while starting, with code {child.process.returncode}"
            raise failures.StartFailed(child.command.name, reason, child.last_lines())
        if time.monotonic() > deadline:
            child.end(grace_seconds=1)
            reason = f"was not ready within {timeout_seconds:.0f} s"
            raise failures.StartFailed(child.command.name, reason, child.last_lines())
        if is_cancelled():
            raise failures.StartCancelled
        time.sleep(_POLL_SECONDS)


def end_leftover(record: Path, *, ending: signal.Signals, grace_seconds: float = 30) -> int | None:
    """End the process that an earlier supervisor recorded and did not end; gives its pid.

    Only the very process that was recorded: same pid, same birth. A reused pid is left alone.
    """
    try:
        pid_text, _, birth = record.read_text().strip().partition(" ")
        pid = int(pid_text)
    except (FileNotFoundError, ValueError):
        record.unlink(missing_ok=True)
        return None
    ended = None
    if birth and birth_of(pid) == birth:
        end_stranger(pid, birth, ending=ending, grace_seconds=grace_seconds)
        ended = pid
    record.unlink(missing_ok=True)
    return ended


def end_stranger(pid: int, birth: str, *, ending: signal.Signals, grace_seconds: float) -> None:
    """Ask a process that is not our child to end, and kill it past the grace."""

    def lives() -> bool:
        return birth_of(pid) == birth

    for wish, seconds in ((ending, grace_seconds), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):  # it ended by itself in the meantime
            if lives():
                os.kill(pid, wish)
        if _wait(lives, seconds):
            return


def birth_of(pid: int) -> str:
    """When the process was born, as no later process of the same pid was; "" where it is gone."""
    if _PROC.exists():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
        state, *rest = stat.rpartition(")")[2].split()
        if state in "ZX":
            return ""  # ended; only its parent has not noticed yet
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}:{rest[18]}"  # field 22, starttime, of proc_pid_stat(5)
    ps = shutil.which("ps") or "/bin/ps"
    listed = subprocess.run(  # noqa: S603 - our own command
        [ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()


def command_line_of(pid: int) -> list[str]:
    """The arguments of a running process; empty where they can't be read."""
    if _PROC.exists():
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ProcessLookupError):
            return []
        return [os.fsdecode(part) for part in raw.split(b"\0") if part]
    ps = shutil.which("ps") or "/bin/ps"
    listed = subprocess.run(  # noqa: S603 - our own command
        [ps, "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.split()


def _keep_small(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_name(f"{log.name}.1"))


def _wait(
    lives: Callable[[], bool], grace_seconds: float, until: Callable[[], bool] = never
) -> bool:
    """Wait for the end; gives whether it came before the grace was over or `until()` said so."""
    deadline = time.monotonic() + grace_seconds
    while lives():
        if until() or time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
