"""Folders that a worker writes an import's file into, readable by its user alone, and gone after the run.

A folder is held by a lock on a file in it, which dies with the process: what a killed worker has left is deleted by
the next run on the same machine. `TMPDIR` says where; a membership file of the greatest size needs 2 GiB there.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_LOCK_NAME: Final = "lock"


class WorkFolderUnsafe(Exception):
    """Somebody else owns, or may read, the folder that files are to be written into."""


@contextmanager
def work_folder() -> Iterator[Path]:
    """A new folder; deleted with the block. It blocks: enter and leave it in a thread. Raises WorkFolderUnsafe."""
    folder, lock = _make()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _make() -> tuple[Path, int]:
    """A folder, and the lock that holds it; others sweep before or after, never between the two."""
    root = _root()
    order = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(order, fcntl.LOCK_EX)
        _sweep(root)
        folder = Path(tempfile.mkdtemp(dir=root))  # 0700
        lock = os.open(folder / _LOCK_NAME, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder, lock
    finally:
        os.close(order)


def _root() -> Path:
    root = Path(tempfile.gettempdir()) / f"bashgah-imports-{os.getuid()}"
    with suppress(FileExistsError):
        root.mkdir(mode=0o700)
    found = root.lstat()
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not is_ours or stat.S_IMODE(found.st_mode) & 0o077:
        raise WorkFolderUnsafe(f"{root} is not a folder of this user alone")
    return root


def _sweep(root: Path) -> None:
    """Delete the folders that no process holds any more."""
    for folder in root.iterdir():
        try:
            lock = os.open(folder / _LOCK_NAME, os.O_RDWR)
        except FileNotFoundError:  # being deleted, or its maker died before it held it
            shutil.rmtree(folder, ignore_errors=True)
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
