"""Small files beside the demo's servers: which cluster has its data, what other shells need, who may sign in."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import asyncpg

DEMO_DATA_VERSION = 4  # raise it when the demo's data change: every demo then loads them once more
_MEMBER = "demo-member"
_STAFF = "demo-staff"
_TOTP = "demo-totp"


@dataclass(frozen=True, slots=True)
class DemoStaff:
    """What the invented staff sign in with: all operators and the cashier by one password, the cashier at one till."""

    password: str = field(repr=False)
    totp_secret: str = field(repr=False)
    store_code: str
    device_id: str = field(repr=False)


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


def write_staff(data_dir: Path, staff: DemoStaff) -> None:
    """Note what the invented staff sign in with, for a shell to source and for `bashgah operator code`.

    Nobody else can read it.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    values = {name: shlex.quote(value) for name, value in asdict(staff).items()}
    _write_secret(
        data_dir / _STAFF, "".join(f"{name.upper()}={value}\n" for name, value in values.items())
    )
    _write_secret(data_dir / _TOTP, f"{staff.totp_secret}\n")


def find_staff(data_dir: Path) -> DemoStaff | None:
    """What the invented staff sign in with; None where it was not noted."""
    file = data_dir / _STAFF
    if not file.exists():
        return None
    lines = (line.partition("=") for line in file.read_text(encoding="utf-8").splitlines())
    return DemoStaff(**{name.lower(): "".join(shlex.split(value)) for name, _, value in lines})


def totp_file(data_dir: Path) -> Path:
    """The file with the secret of the invented operators' one-time passwords."""
    return data_dir / _TOTP


def _write_secret(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text, encoding="utf-8")


def _marker(data_dir: Path) -> Path:
    return data_dir / "demo-data"
