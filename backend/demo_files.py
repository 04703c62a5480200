"""Two small files beside the demo's servers: which cluster has its data, and the way to it for other shells."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import asyncpg

DEMO_DATA_VERSION = 3  # raise it when the demo's data change: every demo then loads them once more
_MEMBER = "demo-member"
_OPERATORS = "demo-operators"


async def cluster_mark(url: str) -> str:
    """What names this cluster and this version of the demo data; a cluster made anew has another name."""
    connection = await asyncpg.connect(url)
    try:
        cluster = await connection.fetchval("SELECT system_identifier FROM pg_control_system()")
    finally:
        await connection.close()
    return f"{cluster} {DEMO_DATA_VERSION}\n"


def is_loaded(data_dir: Path, mark: str) -> bool:
    """Whether the demo data were loaded to the end into the cluster of this mark."""
    file = _marker(data_dir)
    return file.exists() and file.read_text(encoding="ascii") == mark


def remember_loaded(data_dir: Path, mark: str) -> None:
    """Note that the demo data are there, once they are committed."""
    _marker(data_dir).write_text(mark, encoding="ascii")


def write_environment(data_dir: Path, environment: Mapping[str, str]) -> Path:
    """Write a file that another shell can source before `bashgah doctor`, `seed` or `import`."""
    file = data_dir / "environment"
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
    file.write_text("".join(lines), encoding="utf-8")
    return file


def write_member(data_dir: Path, *, national_code: str, phone: str) -> None:
    """Note an invented member who can sign in, for the demo's panel."""
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / _MEMBER).write_text(f"{national_code} {phone}\n", encoding="ascii")


def find_member(data_dir: Path) -> tuple[str, str] | None:
    """The national code and the phone of that member; None where none was noted."""
    file = data_dir / _MEMBER
    if not file.exists():
        return None
    national_code, _, phone = file.read_text(encoding="ascii").strip().partition(" ")
    return national_code, phone


def write_operators(data_dir: Path, lines: Iterable[str]) -> None:
    """Note the invented operators, a line each: user name, role, password, TOTP secret. Nobody else can read it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    file = data_dir / _OPERATORS
    file.touch(mode=0o600)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def find_operators(data_dir: Path) -> Path | None:
    """The file of the invented operators; None where none were noted."""
    file = data_dir / _OPERATORS
    return file if file.exists() else None


def _marker(data_dir: Path) -> Path:
    return data_dir / "demo-data"
