"""PostgreSQL and Valkey for the tests of one process: fast, not durable, gone at the end of the run."""

import asyncio
import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import asyncpg

from backend.infra.embedded import place, postgres, servers
from backend.infra.embedded.place import Place
from migrations.rights import APP_ROLE

T = TypeVar("T")

ROOT_FOLDER = Path("/tmp")  # noqa: S108 - short, and the servers' account can enter it
_MEMORY = Path("/dev/shm")  # noqa: S108 - as good, and without a disk
_LEAST_FREE_BYTES = 2 << 30  # all test processes together take up to some 600 MB
_PREFIX = "bashgah-test-"
_ABANDONED_SECONDS = 3600.0
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_size": "128MB",  # it may lie in memory
    # It would keep a template busy, and change statistics, and so plans, in the middle of a test.
    "autovacuum": "off",
}


def root_folder() -> Path:
    """Where test servers keep their data: in memory where there is plenty, else on disk.

    A copy of the template is 1,200 files: 30 ms in memory, and ten times that on a disk that is busy.
    """
    try:
        found = os.statvfs(_MEMORY)
    except OSError:  # not Linux
        return ROOT_FOLDER
    # PostgreSQL is copied there where its account can't enter the environment.
    may_run = not found.f_flag & os.ST_NOEXEC
    has_room = min(found.f_bavail * found.f_frsize, _memory_bytes()) >= _LEAST_FREE_BYTES
    return _MEMORY if may_run and has_room and os.access(_MEMORY, os.W_OK) else ROOT_FOLDER


def _memory_bytes() -> int:
    """The memory that is to be had, or 0: of the machine, and at most what a container may have."""
    bounds = [0]
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        bounds = [1024 * next(int(each.split()[1]) for each in lines if "MemAvailable" in each)]
    with contextlib.suppress(OSError, ValueError):  # no container, or "max"
        bounds.append(int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return min(bounds)


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """A new folder that the servers' account can enter, deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root_folder()))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Delete the folders of runs that were killed: old, and locked by nobody."""
    for folder in itertools.chain.from_iterable(
        root.glob(f"{_PREFIX}*") for root in (ROOT_FOLDER, _MEMORY)
    ):
        with contextlib.suppress(OSError):  # someone else's, in use, or being deleted just now
            if time.time() - folder.stat().st_mtime < _ABANDONED_SECONDS:
                continue
            for lock in folder.rglob("lock"):
                with lock.open("a") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)


@dataclass(slots=True)
class TestPostgres:
    """A running server that makes and drops databases, over one connection kept open."""

    __test__ = False

    sockets: Path
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _connection: "asyncpg.Connection[asyncpg.Record] | None" = None
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def url(self, database: str = postgres.DATABASE) -> str:
        """The address of a database as its owner."""
        return postgres.url(self.sockets, database)

    def app_url(self, database: str) -> str:
        """The same as the role that the API runs as."""
        return postgres.url(self.sockets, database, user=APP_ROLE)

    def create(self, name: str | None = None, *, template: str = "template1") -> str:
        """Make a database as a copy of the template; gives its name."""
        name = name or f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        if template != "template1":  # what `migrate` says of a database itself is not copied
            self.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, sql: str) -> None:
        if self._connection is None:
            self._connection = self._run(asyncpg.connect(self.url()))
        self._run(self._connection.execute(sql))

    def close(self) -> None:
        if self._connection is not None:
            self._run(self._connection.close())
        self._loop.close()

    def _run(self, work: Coroutine[object, object, T]) -> T:
        return self._loop.run_until_complete(work)


@dataclass(frozen=True, slots=True)
class TestValkey:
    """A running server's address."""

    __test__ = False

    url: str


@dataclass(frozen=True, slots=True)
class TestServers:
    """Both servers of this process."""

    __test__ = False

    postgres: TestPostgres
    valkey: TestValkey


@contextlib.contextmanager
def running() -> Iterator[TestServers]:
    """Both servers in a folder of their own, until the block ends."""
    remove_abandoned()
    with short_folder() as folder, claimed(folder / "data") as claimed_place:
        started = servers.start(claimed_place, settings=SETTINGS, persistent=False)
        admin = TestPostgres(claimed_place.sockets)
        try:
            yield TestServers(admin, TestValkey(started.cache_url))
        finally:
            admin.close()
            started.stop()


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[Place]:
    """The folder, claimed until the block ends."""
    found = place.claim(folder)
    try:
        yield found
    finally:
        found.release()


@contextlib.contextmanager
def without_libpq_environment() -> Iterator[None]:
    """No PG* variable of the caller's shell, which asyncpg would read."""
    hidden = {key: os.environ.pop(key) for key in list(os.environ) if key.startswith("PG")}
    try:
        yield
    finally:
        os.environ.update(hidden)
