"""One world for the walk through all roles: everybody who may ask, and what they ask about.

The member, the store, the colleague and the approvals that are asked about are of Fars (IR-07), the member and the
approvals of the association A-07-1 too. Of each role there is an operator for the nation; `scoped` makes those for
provinces with and without Fars, and for that association and another one. NOON is the moment.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from backend.core.viewer import SYSTEM
from backend.infra import cache, db
from backend.organization import service as organization
from backend.stores.domain import Settlement, SettlementMode
from tests.support import (
    member_scene,
    operators,
    places,
    role_askers,
    role_imports,
    role_objects,
)
from tests.support.member_scene import IBAN, NOON, SHIRAZ, Scene
from tests.support.role_askers import ASSOCIATION, OTHER_ASSOCIATION, Asker
from tests.support.role_objects import CODE


@dataclass
class World:
    """Everybody, and what stands for `<…>` in a document; `secrets` is what no answer to an outsider may hold."""

    scene: Scene
    data_dir: Path
    given: dict[str, str | int] = field(default_factory=dict)
    askers: dict[str, Asker] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    _tables: str = ""

    async def fingerprint(self) -> dict[str, tuple[int, int]]:
        """How many rows each table holds, and a checksum of them; jobs that wait are rows of a table as well."""
        if not self._tables:
            rows = await db.fetch(
                """
                SELECT c.relname AS name FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
                   AND c.relnamespace = 'public'::regnamespace ORDER BY 1
                """
            )
            assert len(rows) > 40, rows
            self._tables = " UNION ALL ".join(
                f"SELECT '{row['name']}' AS name, count(*) AS rows,"
                f" coalesce(sum(hashtextextended(t::text, 0)), 0) AS sum FROM {row['name']} t"
                for row in rows
            )
        return {row["name"]: (row["rows"], int(row["sum"])) for row in await db.fetch(self._tables)}

    async def has_written(self) -> bool:
        """Whether the current transaction has locked or written anything; if not, nothing can differ."""
        row = await db.fetch_one("SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS yes")
        assert row is not None
        return bool(row["yes"])

    def sent(self) -> int:
        """How much was written of messages."""
        files = [each for each in self.data_dir.rglob("*") if each.is_file()]
        return sum(each.stat().st_size for each in files)


class _Undo(Exception):
    pass


@asynccontextmanager
async def undone() -> AsyncIterator[None]:
    """What the block does is undone, and so is what it counted of tries; what a commit would start never starts."""
    try:
        async with db.transaction():
            yield
            raise _Undo  # noqa: TRY301 - to be caught here, outside the transaction
    except _Undo:
        pass
    await cache.client().flushall()


async def made(data_dir: Path) -> World:
    """The world, in the empty database that is connected."""
    scene = await member_scene.set_up()
    await _places(scene)
    units = await _units()
    askers, given = await role_askers.made(scene, units)
    about, secrets = await role_objects.made(scene, askers, units)
    about["file_import"] = await role_imports.made(
        data_dir, actor="operator:900", approval=str(about["approval"])
    )
    secrets.append(role_imports.FILE_NAME)
    return World(scene, data_dir, {**given, **about}, askers, secrets)


async def _places(scene: Scene) -> None:
    offer = places.offer("تخفیف", date(2026, 11, 1), date(2026, 12, 1))
    hours = places.exceptional(places.ALWAYS, NOON.date() + timedelta(days=3), (480, 720))
    saved = await places.save(
        places.draft(
            "hafez",
            at=SHIRAZ,
            province_code="IR-07",
            city="شیراز",
            phones=("+989121234567",),
            schedule=hours,
            offers=(offer,),
            settlement=Settlement(IBAN, "C-14", SettlementMode.AT_ONCE),
        ),
        places.draft("azadi"),  # alone in its part of the map
        places.draft("closed", at=SHIRAZ, province_code="IR-07", city="شیراز"),
    )
    scene.stores.update(saved)
    await db.execute("UPDATE store SET mobiles_changed_at = NULL")  # known for long
    await places.suspend("closed")
    await organization.open_provinces(viewer=SYSTEM, codes=["IR-07"])


async def _units() -> dict[str, int]:
    others = await operators.associations("A-07-2")
    found = await organization.associations_by_code([CODE])
    return {ASSOCIATION: found[CODE].id, OTHER_ASSOCIATION: others["A-07-2"]}
