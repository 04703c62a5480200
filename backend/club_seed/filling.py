"""Filling a club that has no members: `bashgah seed --members N --purchases P`. All of it is one transaction."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from backend.audit import seeding as audit
from backend.club_seed import disk, lending, repository_indexes, workers
from backend.club_seed import world as worlds
from backend.club_seed.chunks import ChunkRows
from backend.club_seed.refusals import ForeignMembers, NoStores, OtherSeed, TooMany
from backend.club_seed.world import World
from backend.core import clock
from backend.core.viewer import Viewer
from backend.deductions import seeding as deductions
from backend.infra import db
from backend.loans import seeding as loans
from backend.loans.seeding import SeedRound
from backend.members import seeding as members
from backend.members.seed.people import Town
from backend.notifications import seeding as notifications
from backend.organization import seeding as organization
from backend.purchases import seeding as purchases
from backend.stores import seeding as stores

PERMISSION = "members.seed"
MAX_MEMBERS = 10_000_000
MAX_PURCHASES = 30_000_000
DEMO_MEMBERS = 20_000
DEMO_PURCHASES = 40_000
DEMO_SEED = 1

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('bashgah.seed', 0))"
_PLANS_A_STEP = 50_000
_TABLES = (
    *members.TABLES, *deductions.TABLES, *purchases.TABLES, *loans.TABLES, *notifications.TABLES, *audit.TABLES,
    *stores.FAVOURITE_TABLES,
)  # fmt: skip

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many rows were written, and for how many seconds each step went on; nothing where all was there."""

    members: int = 0
    purchases: int = 0
    instalments: int = 0
    transfers: int = 0
    seconds: float = 0.0
    steps: tuple[tuple[str, float], ...] = ()


async def seed_members(
    *,
    viewer: Viewer,
    members_count: int,
    purchases_count: int,
    seed: int,
    prepare: Callable[[], None],
    progress: Report,
) -> Outcome:
    """Write so many members and purchases with their plans, movements, loans, notices, file reads, favourites.

    All or nothing; where the members of this seed are there already, nothing is touched. `prepare` sets up
    sealing in a worker process; `progress` gets a step, what is done of it, and of how many.
    Raises Unauthenticated, Forbidden, TooMany, ForeignMembers, OtherSeed, NoStores, DiskTooSmall.
    """
    viewer.require(PERMISSION)
    if not (1 <= members_count <= MAX_MEMBERS and 0 <= purchases_count <= MAX_PURCHASES):
        raise TooMany(members=MAX_MEMBERS, purchases=MAX_PURCHASES)
    async with db.transaction():
        await db.execute(_LOCK)
        if await _is_done(members_count, seed):
            return Outcome()
        await check_disk(members_count=members_count, purchases_count=purchases_count)
        world = await describe(
            viewer=viewer,
            members_count=members_count,
            purchases_count=purchases_count,
            seed=seed,
            now=clock.now(),
        )
        writer = _Writer(world, progress)
        async with db.acquire() as connection:
            await writer.write(connection, prepare)
    await repository_indexes.analyze(_TABLES)
    return writer.outcome()


async def check_disk(*, members_count: int, purchases_count: int) -> tuple[int, int | None]:
    """The bytes that such a seed needs, and those that are free, None where we can't see. Raises DiskTooSmall."""
    needed = disk.needed_bytes(members=members_count, purchases=purchases_count)
    return needed, disk.check_room(await repository_indexes.database_directory(), needed)


async def describe(
    *, viewer: Viewer, members_count: int, purchases_count: int, seed: int, now: datetime
) -> World:
    """The world that a seed is made for; its rounds have no ids yet. Raises NoStores, Unauthenticated, Forbidden."""
    by_town = await stores.list_store_ids(viewer=viewer)
    if not by_town:
        raise NoStores
    return World(
        seed=seed,
        members=members_count,
        purchases=purchases_count,
        now=now,
        today=now.astimezone(clock.TEHRAN).date(),
        towns=tuple(
            Town(each.province_code, each.name, each.population, each.branches, each.associations)
            for each in await organization.list_city_units()
        ),
        stores=worlds.stores_of(by_town),
        rounds=tuple((0, each) for each in lending.rounds(now)),
    )


async def _is_done(members_count: int, seed: int) -> bool:
    foreign = await members.count_foreign_members()
    if foreign:
        raise ForeignMembers(foreign)
    there = await members.count_members()
    if there and not (
        there == members_count and await members.is_seeded(count=members_count, seed=seed)
    ):
        raise OtherSeed(there)
    return there > 0


class _Writer:
    """The steps of writing a world on one connection, each timed."""

    def __init__(self, world: World, progress: Report) -> None:
        self._world = world
        self._progress = progress
        self._steps: list[tuple[str, float]] = []
        self._instalments = 0
        self._transfers = 0

    def outcome(self) -> Outcome:
        return Outcome(
            members=self._world.members,
            purchases=self._world.purchases,
            instalments=self._instalments,
            transfers=self._transfers,
            seconds=sum(seconds for _, seconds in self._steps),
            steps=tuple(self._steps),
        )

    async def write(self, connection: db.RawConnection, prepare: Callable[[], None]) -> None:
        await repository_indexes.lift_limits(connection)
        rounds = await self._write_rounds(connection)
        taken = await repository_indexes.take_off(connection, _TABLES)
        await deductions.open_staging(connection)
        world = replace(self._world, rounds=tuple(rounds))
        with self._timed("members and purchases"):
            await self._copy(connection, world, prepare)
        with self._timed("instalments and ledger"):
            await self._write_plans(connection)
        with self._timed("loan applications"):
            await loans.write_events(connection)
        with self._timed("indexes and references"):
            await repository_indexes.renew_sequences(connection, _TABLES)
            await repository_indexes.put_back(
                connection,
                taken,
                lambda done: self._progress("indexes", done, len(taken.statements)),
            )

    async def _write_rounds(self, connection: db.RawConnection) -> list[tuple[int, SeedRound]]:
        rounds = [each for _, each in self._world.rounds]
        codes = sorted({code for town in self._world.towns for code in town.associations})
        ids = await loans.write_rounds(
            connection, rounds, association_codes=codes, places=lending.PLACES
        )
        return list(zip(ids, rounds, strict=True))

    async def _copy(
        self, connection: db.RawConnection, world: World, prepare: Callable[[], None]
    ) -> None:
        done = 0
        async with workers.made(world, prepare=prepare) as chunk_rows:
            async for rows in chunk_rows:
                await _copy_chunk(connection, rows)
                done += 1
                self._progress("members", world.members_of(done - 1)[1] - 1, world.members)

    async def _write_plans(self, connection: db.RawConnection) -> None:
        beyond = await deductions.close_staging(connection)
        for first in range(1, beyond, _PLANS_A_STEP):
            instalments, transfers = await deductions.write_plans(
                connection, first=first, beyond=first + _PLANS_A_STEP
            )
            self._instalments += instalments
            self._transfers += transfers
            self._progress("plans", min(first + _PLANS_A_STEP, beyond) - 1, beyond - 1)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._steps.append((step, time.monotonic() - began))


async def _copy_chunk(connection: db.RawConnection, rows: ChunkRows) -> None:
    await members.copy_members(connection, rows.members)
    await deductions.stage_plans(connection, rows.plans)
    await purchases.copy_purchases(connection, rows.purchases)
    await loans.copy_applications(connection, rows.applications)
    await notifications.copy_notices(connection, rows.notices)
    await audit.copy_file_reads(connection, rows.file_reads)
    await stores.copy_favourites(connection, rows.favourites)
