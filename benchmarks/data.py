"""The benchmark's databases: embedded servers on a folder that is kept between runs, and filled once."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg
import orjson

from backend.infra import migrations
from backend.infra.embedded import failures, servers
from backend.infra.embedded import place as places
from backend.infra.embedded.servers import Servers
from benchmarks.refusals import Refused

ROOT = Path(__file__).resolve().parent.parent
DATA_ROOT = ROOT / ".data"
_MARKER = "bench.json"
_SETTLE_SECONDS = 3_600
_IS_SETTLED = "SELECT last_vacuum IS NOT NULL FROM pg_stat_user_tables WHERE relname = 'purchase'"
_COUNTED = ("member", "purchase", "instalment", "store")
_MACHINE_SHARE, _BUFFERS_MOST_MEGABYTES = 4, 4_096


@dataclass(frozen=True, slots=True)
class Size:
    """How much data there is to be."""

    members: int = 200_000
    purchases: int = 2_000_000
    stores: int = 15_000

    @property
    def folder(self) -> Path:
        """Where data of this size are kept when nobody names another place."""
        return DATA_ROOT / f"bench-{self.members}"


def environment(running: Servers) -> dict[str, str]:
    """The settings of every process of the benchmark: as in production, as far as made-up data allow.

    Production itself refuses embedded servers and the keys of the source code, which sealed the data.
    """
    own = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return {
        **own,
        "BASHGAH_DATA_DIR": str(running.place.data_dir),
        "BASHGAH_DATABASE_URL": running.database_url,
        "BASHGAH_CACHE_URL": running.cache_url,
        "BASHGAH_INTROSPECTION": "false",
        "BASHGAH_GRAPHIQL": "false",
        "BASHGAH_COST_REPORT": "false",
        "BASHGAH_LOG_JSON": "true",
        "BASHGAH_ACCESS_LOG": "notable",
        # On, as in production, and out of reach: all load comes from one address and one client.
        "BASHGAH_ACCOUNT_REQUESTS_PER_MINUTE": "1000000000",
        "BASHGAH_ADDRESS_REQUESTS_PER_MINUTE": "1000000000",
        "BASHGAH_CLIENT_REQUESTS_PER_MINUTE": "1000000000",
    }


@contextlib.contextmanager
def running(folder: Path | None, size: Size) -> Iterator[Servers]:
    """PostgreSQL and Valkey on the folder, migrated and filled; without a folder on the one of that size.

    A folder that somebody names is taken as it is once it holds members. Raises Refused.
    """
    try:
        place = places.claim(folder or size.folder)
    except failures.LaunchFailed as error:
        raise Refused(str(error)) from error
    try:
        started = servers.start(place, settings={"shared_buffers": f"{_buffers_megabytes()}MB"})
        try:
            _fill(started, size, is_named=folder is not None)
            yield started
        finally:
            started.stop()
    except failures.LaunchFailed as error:
        raise Refused(str(error)) from error
    finally:
        place.release()


def drop(folder: Path | None, size: Size) -> Path:
    """Delete the data of a benchmark, and only those; gives the folder. Raises Refused."""
    try:
        place = places.claim(folder or size.folder)
    except failures.LaunchFailed as error:
        raise Refused(str(error)) from error
    try:
        if folder is not None and not (place.data_dir / _MARKER).exists():
            raise Refused(f"{place.data_dir} was not filled by a benchmark: it stays.")
        shutil.rmtree(place.data_dir)
    finally:
        place.release()
    return place.data_dir


def counts(url: str) -> dict[str, int]:
    """How many rows the large tables have, about."""
    return asyncio.run(_counts(url))


def disk_bytes(folder: Path) -> int:
    """What a folder takes on disk."""
    found = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # the server may delete one meanwhile
                found += (Path(parent) / name).lstat().st_blocks * 512
    return found


def _fill(running: Servers, size: Size, *, is_named: bool) -> None:
    marker = running.place.data_dir / _MARKER
    asyncio.run(migrations.migrate(running.database_url))
    if is_named and asyncio.run(_has_members(running.database_url)):
        asyncio.run(_settle(running.database_url))
        return
    if marker.exists():
        found = Size(**orjson.loads(marker.read_bytes()))
        if found != size:
            raise Refused(
                f"{running.place.data_dir} holds {found.members} members, {found.purchases} purchases "
                f"and {found.stores} stores. Ask for those, or drop them: make bench-drop "
                f"MEMBERS={found.members}"
            )
        return
    _seed(running, size)
    marker.write_bytes(orjson.dumps(asdict(size)))


def _seed(running: Servers, size: Size) -> None:
    wanted = (
        ("--stores", size.stores),
        ("--members", size.members),
        ("--purchases", size.purchases),
    )
    options = [part for name, value in wanted for part in (name, str(value))]
    ended = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "backend.cli", "seed", *options],
        env=environment(running),
        cwd=ROOT,
        check=False,
    )
    if ended.returncode:
        raise Refused(f"The data could not be made: bashgah seed ended with {ended.returncode}.")
    asyncio.run(_settle(running.database_url))


async def _settle(url: str) -> None:
    """Do now, once, what the server would do by itself in the middle of a measurement."""
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval(_IS_SETTLED):
            await connection.execute("VACUUM ANALYZE", timeout=_SETTLE_SECONDS)
            await connection.execute("CHECKPOINT", timeout=_SETTLE_SECONDS)
    finally:
        await connection.close()


async def _has_members(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM member)"))
    finally:
        await connection.close()


async def _counts(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT relname::text AS name, reltuples::bigint AS rows FROM pg_class WHERE relname = ANY($1::text[])",
            list(_COUNTED),
        )
    finally:
        await connection.close()
    return {row["name"]: row["rows"] for row in rows}


def _buffers_megabytes() -> int:
    """A quarter of the machine's memory, as PostgreSQL's manual has it, within reason."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(memory // _MACHINE_SHARE // 1_048_576, _BUFFERS_MOST_MEGABYTES)
