"""wrk, the load generator: one thread, many connections, a prepared list of requests."""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from benchmarks.refusals import Refused

CONNECTIONS: Final = 32
_SCRIPT: Final = Path(__file__).resolve().with_name("requests.lua")
_GRACE_SECONDS: Final = 30
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of wrk saw; times in microseconds."""

    requests: int
    requests_per_second: float
    p50: float
    p99: float
    bytes_an_answer: float


def check_installed() -> None:
    """Raises Refused where the machine has no wrk."""
    if shutil.which("wrk") is None:
        raise Refused("wrk is not installed. On Debian: sudo apt-get install wrk, or make wrk.")


def write_requests(file: Path, requests: Iterable[tuple[str, bytes]]) -> None:
    """Keep a list of tokens and bodies for `run`."""
    file.write_bytes(b"".join(b"%s\t%s\n" % (token.encode(), body) for token, body in requests))


def run(
    url: str, requests: Path, *, seconds: int, connections: int = CONNECTIONS, checked: bool = False
) -> Load:
    """Ask for so many seconds. Raises Refused where an answer is no 2xx or, when checked, has errors."""
    argv = [
        "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s",
        "--timeout", "10s", "--script", str(_SCRIPT), url, "--", str(requests),
    ]  # fmt: skip
    ended = subprocess.run(  # noqa: S603 - our own command
        [*argv, "checked"] if checked else argv,
        capture_output=True,
        text=True,
        timeout=seconds + _GRACE_SECONDS,
        check=False,
    )
    lines = ended.stdout.splitlines()
    if ended.returncode or not lines or not lines[-1].startswith("{"):
        raise Refused(f"wrk failed on {url}: {ended.stdout[-500:]}{ended.stderr[-500:]}")
    found = orjson.loads(lines[-1])
    if found["failures"] or not found["requests"]:
        raise Refused(
            f"{found['failures']} of {found['requests']} answers of {url} were refusals, errors or none at "
            f"all: {found['example']}"
        )
    return Load(
        requests=found["requests"],
        requests_per_second=found["requests"] * _MICROSECONDS / found["microseconds"],
        p50=found["p50"],
        p99=found["p99"],
        bytes_an_answer=found["bytes"] / found["requests"],
    )
