"""pgbench, from the same wheel as the embedded PostgreSQL: what the database gives without any server of ours."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from backend.infra.embedded import programs
from benchmarks import cores, statements
from benchmarks.refusals import Refused

# As many as a server process opens: more would only take memory caches from each other.
CONNECTIONS: Final = 10
_RATE: Final = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_LATENCY: Final = re.compile(r"^latency average = ([0-9.]+) ms", re.MULTILINE)
_OPTIONS: Final = " ".join(f"-c {name}={value}" for name, value in statements.SESSION.items())
_GRACE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second, and the mean time of a statement in microseconds."""

    requests_per_second: float
    mean: float


def program() -> Path:
    """Where the wheel keeps it."""
    return programs.locate().postgres.with_name("pgbench")


def run(url: str, script: Path, *, seconds: int, at_once: int) -> Rate:
    """Run a script of one statement, which asks `at_once` requests, prepared, in the place of a server.

    Raises Refused.
    """
    address = urlsplit(url)
    query = parse_qs(address.query)
    argv = [
        *cores.on_server_core(), str(program()), "--no-vacuum", "--protocol", "prepared",
        "--client", str(CONNECTIONS), "--jobs", "1", "--time", str(seconds), "--file", str(script),
        "--host", query["host"][0], "--port", query["port"][0], "--username", address.username or "",
        address.path.lstrip("/"),
    ]  # fmt: skip
    ended = subprocess.run(  # noqa: S603 - our own command
        argv,
        env={"PATH": os.defpath, "PGOPTIONS": _OPTIONS},
        capture_output=True,
        text=True,
        timeout=seconds + _GRACE_SECONDS,
        check=False,
    )
    rate, latency = _RATE.search(ended.stdout), _LATENCY.search(ended.stdout)
    if ended.returncode or rate is None or latency is None or "ERROR" in ended.stderr:
        raise Refused(f"pgbench failed on {script.name}: {ended.stderr[-500:]}")
    return Rate(float(rate[1]) * at_once, float(latency[1]) * 1_000)
