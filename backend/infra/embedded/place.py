"""Where the servers live: the data folder, its lock, a folder for sockets, and programs."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from backend.infra.embedded import failures, identity, programs
from backend.infra.embedded.identity import Identity
from backend.infra.embedded.programs import Programs

_SOCKET_PATH_MAX = 103  # bytes without the final NUL: sun_path has 104 on macOS, 108 on Linux
_LONGEST_SOCKET = ".s.PGSQL.5432.lock"
_LIST_SEPARATORS = frozenset(',"')  # PostgreSQL and asyncpg take a list of folders
_SHORT_ROOT = Path("/tmp")  # noqa: S108 - mkdtemp inside it; TMPDIR may be long
_FALLBACK_ROOT = Path("/var/tmp")  # noqa: S108 - survives a restart; ownership is checked


@dataclass(frozen=True, slots=True)
class Place:
    """A claimed data folder; nobody else uses it until `release`.

    `data_dir` differs from `wanted` where the servers' account can't enter the wanted folder.
    """

    wanted: Path
    data_dir: Path
    identity: Identity | None
    programs: Programs
    sockets: Path
    lock: TextIO

    @property
    def moved(self) -> bool:
        return self.data_dir != self.wanted

    @property
    def cluster(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def cache(self) -> Path:
        return self.data_dir / "valkey"

    def log(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"

    def record(self, name: str) -> Path:
        """Where the pid of a child is kept for the next supervisor; root's, not the servers'."""
        return self.data_dir / "pids" / name

    def folder(self, path: Path) -> Path:
        """Make a private folder of the servers' account."""
        path.mkdir(mode=0o700, exist_ok=True)
        _give(path, self.identity)
        return path

    def release(self) -> None:
        """Give the folder back, once the servers have ended."""
        if self.sockets.parent == _SHORT_ROOT:
            shutil.rmtree(self.sockets, ignore_errors=True)
        self.lock.close()


def claim(wanted: Path) -> Place:
    """Find a folder that the servers can use and lock it.

    Raises: FolderInUse, FolderRefused, ProgramsMissing, AccountMissing, RootIsConfined.
    """
    wanted = wanted.expanduser().resolve()
    found = programs.locate()
    account = identity.server_identity(wanted)
    data_dir = wanted
    if account is not None and not identity.can_enter(account, _nearest_folder(wanted)):
        data_dir = _fallback(wanted)
        account = identity.server_identity(data_dir)
    _make(data_dir)
    _check_owner(data_dir / "postgres", account)
    lock = _lock(data_dir)
    try:
        if account is not None and not programs.reachable_by(account, found):
            found = programs.copy(found, data_dir / "programs")
        for name in ("logs", "pids"):
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
        sockets = _sockets(data_dir, account)
    except BaseException:
        lock.close()
        raise
    return Place(wanted, data_dir, account, found, sockets, lock)


def _nearest_folder(path: Path) -> Path:
    """The folder itself, or the one that it would be made in."""
    nearest = next(candidate for candidate in (path, *path.parents) if candidate.exists())
    if not nearest.is_dir():
        raise failures.FolderRefused(nearest, "it is a file")
    return nearest


def _fallback(wanted: Path) -> Path:
    """A folder outside private homes, the same for the same wanted folder."""
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    folder = _FALLBACK_ROOT / f"bashgah-{digest}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o711)
    status = folder.lstat()  # everyone may write /var/tmp: someone else may have been there first
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise failures.FolderRefused(folder, "it belongs to someone else")
    return folder


def _make(folder: Path) -> None:
    """Make the folder and its parents; the servers' account can pass through what root makes."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        missing = [p for p in (folder, *folder.parents) if not p.exists()]
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            path.chmod(mode)  # whatever the umask is
    except OSError as error:
        raise failures.FolderRefused(folder, error.strerror or "it can't be made") from error
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise failures.FolderRefused(folder, "it can't be written")


def _check_owner(cluster: Path, account: Identity | None) -> None:
    owner = account.uid if account else os.geteuid()
    if cluster.exists() and cluster.stat().st_uid != owner:
        reason = f"it belongs to user {cluster.stat().st_uid}; start as that user, or as root"
        raise failures.FolderRefused(cluster, reason)


def _lock(data_dir: Path) -> TextIO:
    try:
        lock = (data_dir / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise failures.FolderRefused(data_dir, error.strerror or "it can't be written") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise failures.FolderInUse(data_dir, holder) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _sockets(data_dir: Path, account: Identity | None) -> Path:
    """A private folder whose path is short enough for a socket's address."""
    note = data_dir / "pids" / "sockets"
    _remove_stale(note)
    folder = data_dir / "run"
    path_bytes = len(os.fsencode(folder / _LONGEST_SOCKET))
    if path_bytes <= _SOCKET_PATH_MAX and not _LIST_SEPARATORS & set(str(folder)):
        folder.mkdir(mode=0o700, exist_ok=True)
    else:
        folder = Path(tempfile.mkdtemp(prefix="bashgah-", dir=_SHORT_ROOT))
        note.write_text(str(folder), encoding="utf-8")
    _give(folder, account)
    return folder


def _remove_stale(note: Path) -> None:
    """Remove the short folder that a killed supervisor left."""
    if not note.exists():
        return
    folder = Path(note.read_text(encoding="utf-8"))
    if folder.parent == _SHORT_ROOT and folder.name.startswith("bashgah-"):
        shutil.rmtree(folder, ignore_errors=True)  # refuses links
    note.unlink()


def _give(path: Path, account: Identity | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)
