"""Whom the servers run as: PostgreSQL refuses root, so root lends them one without rights."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from backend.infra.embedded import failures

_ACCOUNTS = (
    "bashgah",
    "nobody",
)  # the first that the machine knows: initdb wants a name for its uid
_PROBE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Identity:
    """A user and a group of the machine."""

    uid: int
    gid: int


def server_identity(data_dir: Path) -> Identity | None:
    """Whom to run the servers as; None: as this process, which is not root.

    Root keeps to the owner of existing data: a change of accounts never locks the data away.
    Raises: AccountMissing.
    """
    if os.geteuid() != 0:
        return None
    cluster = data_dir / "postgres"
    if cluster.exists() and (status := cluster.stat()).st_uid != 0:
        return Identity(status.st_uid, status.st_gid)
    for name in _ACCOUNTS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(account.pw_uid, account.pw_gid)
    raise failures.AccountMissing(_ACCOUNTS)


def can_enter(identity: Identity, folder: Path) -> bool:
    """Whether that account can pass through `folder`, by asking the kernel as that account."""
    return _succeeds(identity, ["/bin/sh", "-c", 'test -x "$1"', "sh", os.fspath(folder)])


def can_run(identity: Identity, program: Path, *, reading: Path) -> bool:
    """Whether that account can run `program` and read `reading`, a file that the program needs."""
    check = 'test -r "$2" && exec "$1" --version'
    return _succeeds(
        identity, ["/bin/sh", "-c", check, "sh", os.fspath(program), os.fspath(reading)]
    )


def _succeeds(identity: Identity, command: list[str]) -> bool:
    try:
        ended = subprocess.run(  # noqa: S603 - our own command
            command,
            user=identity.uid,
            group=identity.gid,
            extra_groups=[],
            cwd="/",
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except PermissionError as error:
        raise failures.RootIsConfined from error
    return ended.returncode == 0
