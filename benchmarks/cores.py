"""Which core does what: the server that is measured has one alone; databases and load share another. Linux only."""

import contextlib
import os
import shutil
import sys
from pathlib import Path

from benchmarks.refusals import Refused

_PROC = Path("/proc")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_NEEDED = 2
_KILOBYTE = 1_024


def check() -> None:
    """Raises Refused where nothing can be pinned, or there is one core only."""
    if sys.platform != "linux" or shutil.which("taskset") is None:
        raise Refused("The benchmark pins processes to cores: it needs Linux and taskset.")
    if len(_cores()) < _NEEDED:
        raise Refused("The benchmark needs two cores: one for the server, one for the rest.")


def on_server_core() -> list[str]:
    """What a command begins with that is to run where the servers do."""
    return ["taskset", "--cpu-list", str(_cores()[0])]


def pin_to_other_core(pid: int) -> None:
    """Keep a process, its threads, its children and all that they start on the core of databases and load."""
    for each in (pid, *_children(pid)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
            for thread in (_PROC / str(each) / "task").iterdir():
                os.sched_setaffinity(int(thread.name), {_cores()[1]})


def cpu_seconds(pid: int) -> float:
    """What a process has used of its core so far."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND  # utime, stime of proc_pid_stat(5)


def server_core_seconds() -> tuple[float, float]:
    """How long the server's core has been at work for anybody, stolen time included, and how long in all."""
    name = f"cpu{_cores()[0]}"
    lines = (_PROC / "stat").read_text(encoding="ascii").splitlines()
    ticks = [int(field) for field in next(x for x in lines if x.split()[0] == name).split()[1:9]]
    idle = ticks[3] + ticks[4]  # idle, iowait of proc_stat(5)
    return (sum(ticks) - idle) / _TICKS_A_SECOND, sum(ticks) / _TICKS_A_SECOND


def memory_megabytes(pid: int) -> float:
    """What of a process is in memory now (RSS)."""
    status = (_PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / _KILOBYTE


def model() -> str:
    """The processor's name."""
    lines = (_PROC / "cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")


# Read at the first call: whoever calls may be pinned later.
_found: list[int] = []


def _cores() -> list[int]:
    if not _found:
        _found.extend(sorted(os.sched_getaffinity(0))[:_NEEDED])
    return _found


def _children(pid: int) -> list[int]:
    everybody = [int(folder.name) for folder in _PROC.iterdir() if folder.name.isdigit()]
    return [each for each in everybody if int(_stat(each)[1]) == pid]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the program's name; the second is the parent."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ["", "0"]
    return text.rpartition(")")[2].split()
