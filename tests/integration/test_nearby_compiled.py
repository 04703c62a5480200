"""`nearbyStores` from memory answers byte for byte what graphql-core answers, and refuses what it has not."""

import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import orjson
import pytest
from graphql import OperationDefinitionNode, parse
from strawberry import Schema

from backend.core import clock
from backend.core.calendar import Weekday
from backend.core.geo import GeoPoint
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, Viewer
from backend.infra import db as database
from backend.stores import directory, directory_places
from backend.stores.directory import Directory
from schema import root
from schema.context import Context
from schema.execution import nearby
from schema.execution.compiler import CompiledOperation
from schema.execution.plan import Ask, Refused, Tier
from schema.loaders import Loaders
from tests.support import api as support
from tests.support import directories, places
from tests.support.directories import Kept
from tests.support.places import AZADI, draft

NOON = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
AT: Mapping[str, object] = {"latitude": AZADI.latitude, "longitude": AZADI.longitude}
EVERYTHING = """
query ($at: GeoPointInput, $radiusMeters: Int, $filter: StoreFilter, $first: Int, $after: String) {
  near: nearbyStores(at: $at, radiusMeters: $radiusMeters, filter: $filter, first: $first, after: $after) {
    __typename
    originUsed { latitude, y: longitude, kind: __typename }
    edges { __typename cursor m: distanceMeters node { ...Whole } again: distanceMeters }
    pageInfo { startCursor hasPreviousPage, hasNextPage, end: endCursor __typename }
  }
}
fragment Whole on Store {
  openStateChangesAt id __typename kind name category { id name } address city open: openNow active
  location { latitude longitude } phones terms { minMonths maxMonths minAmount maxAmount } openNow
}
"""


@dataclass(frozen=True, slots=True)
class Both:
    """The compiled operation and the reference, over the same places and at the same moment."""

    schema: Schema
    kept: Kept

    async def answers(
        self, document: str, variables: Mapping[str, object], locale: Locale, now: datetime
    ) -> tuple[bytes, bytes]:
        """The compiled answer and the reference's, from memory and from SQL."""
        with clock.frozen(now):
            compiled = await self.compiled(document, variables, locale=locale, now=now)
            kept, directory._this_process = directory._this_process, Directory()
            try:
                reference = await self.schema.execute(
                    document,
                    variable_values=dict(variables),
                    context_value=context(ANONYMOUS, locale, now),
                )
            finally:
                directory._this_process = kept
        assert reference.errors is None
        return compiled, orjson.dumps({"data": reference.data})

    async def compiled(
        self,
        document: str,
        variables: Mapping[str, object],
        *,
        locale: Locale = Locale.FA,
        now: datetime = NOON,
    ) -> bytes:
        operation = self.operation(document)
        coerced = operation.coerce(variables)
        ask = Ask(ANONYMOUS, locale, now, coerced, lambda: context(ANONYMOUS, locale, now))
        return await operation.plan(coerced).answer(ask)

    def operation(self, document: str) -> CompiledOperation:
        ast = parse(document)
        bindings = {("Query", "nearbyStores"): nearby.bind_nearby_stores}
        definition = cast("OperationDefinitionNode", ast.definitions[0])
        return CompiledOperation(self.schema, ast, definition, bindings)


def context(viewer: Viewer, locale: Locale, now: datetime) -> Context:
    return Context(viewer, locale, now, Loaders(viewer=viewer, now=now))


@pytest.fixture
async def both(db: None, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Both]:
    """Forty places of all sorts, loaded at noon; nothing grows old while a test runs."""
    del db
    monkeypatch.setattr(directory, "FRESH_SECONDS", 3_600)
    mine = Directory()
    monkeypatch.setattr(directory, "_this_process", mine)
    sorts = itertools.cycle(
        (
            {},
            {"terms": None, "phones": ()},
            {"schedule": places.weekly((Weekday.SATURDAY, 540, 721), (Weekday.SUNDAY, 540, 720))},
            {"schedule": places.NEVER, "category_code": "health"},
            {"schedule": places.exceptional(places.ALWAYS, NOON.date() + timedelta(days=2))},
            {"name": 'نام %s "نقل" \\ \u2028', "phones": ("+982166001122", "+989121234567")},
        )
    )
    await places.save(
        *(
            draft(f"s{n}", at=GeoPoint(AZADI.latitude + n // 2 / 1000, AZADI.longitude), **sort)  # type: ignore[arg-type]  # of the test's own making
            for n, sort in zip(range(40), sorts, strict=False)
        )
    )
    with clock.frozen(NOON):
        async with directories.kept(database_url, mine) as kept:
            yield Both(root.build(), kept)


@pytest.mark.parametrize("locale", Locale)
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"first": 1},
        {"first": 100, "radiusMeters": 100_000},
        {"first": 5, "radiusMeters": 1},
        {"filter": {}},
        {"filter": {"openNow": True}},
        {"filter": {"openNow": False, "categoryIds": [places.category_id("health")]}},
        {"filter": {"kind": "CLINIC"}},
        {"filter": None, "first": None, "radiusMeters": None, "after": None},
    ],
)
async def test_it_answers_what_the_reference_answers(
    both: Both, variables: Mapping[str, object], locale: Locale
) -> None:
    """Also again, from what is kept, and after hours have passed, forwards and backwards."""
    for minutes in (0, 0, 1, 2, 61, 60 * 24, -30, 0):
        now = NOON + timedelta(minutes=minutes)
        compiled, reference = await both.answers(EVERYTHING, {"at": AT, **variables}, locale, now)
        assert compiled == reference


async def test_the_apps_operation_is_answered_from_memory_alone(both: Both) -> None:
    document = support.operation("NearbyStores")
    operation = both.operation(document)
    assert operation.tier is Tier.REFERENCE_DATA
    with database.count_statements() as counter:
        compiled, _ = await both.compiled(document, {"at": AT}), None
    assert counter.count == 0
    assert len(orjson.loads(compiled)["data"]["nearbyStores"]["edges"]) == 20


async def test_cursors_of_memory_and_of_sql_are_interchangeable(both: Both) -> None:
    after = None
    for _ in range(6):
        variables = {"at": AT, "first": 7, "after": after}
        compiled, reference = await both.answers(EVERYTHING, variables, Locale.FA, NOON)
        assert compiled == reference
        after = orjson.loads(compiled)["data"]["near"]["pageInfo"]["end"]
    assert orjson.loads(compiled)["data"]["near"]["pageInfo"]["hasNextPage"] is False


async def test_a_change_is_in_the_next_answer(both: Both) -> None:
    document = "query ($at: GeoPointInput!) { nearbyStores(at: $at, first: 1) { edges { node { name } } } }"
    await both.compiled(document, {"at": AT})
    await database.execute("UPDATE store SET name = 'نو' WHERE code = 's0'")
    await database.execute("UPDATE store_category SET name_fa = 'نو'")
    await both.kept.refresh()

    compiled, reference = await both.answers(document, {"at": AT}, Locale.FA, NOON)

    assert compiled == reference
    assert "نو".encode() in compiled


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (EVERYTHING, {"at": AT, "first": 0}),
        (EVERYTHING, {"at": AT, "radiusMeters": 100_001}),
        (EVERYTHING, {"at": {"latitude": 91.0, "longitude": 0.0}}),
        (EVERYTHING, {"at": AT, "after": "x"}),
        (EVERYTHING, {"at": AT, "filter": {"provinceCode": "x"}}),
        (EVERYTHING, {"at": AT, "filter": {"withinMyCredit": True}}),
        (EVERYTHING, {}),
    ],
)
async def test_what_is_refused_is_left_to_the_reference(
    both: Both, document: str, variables: Mapping[str, object]
) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever hinders it
        await both.compiled(document, variables)


@pytest.mark.parametrize(
    "field", ["isFavourite", "offers { id }", "province { name }", "openingHours { opens }"]
)
async def test_what_is_not_in_memory_is_left_to_resolvers(both: Both, field: str) -> None:
    operation = both.operation(
        f"query ($at: GeoPointInput!) {{ nearbyStores(at: $at) {{ edges {{ node {{ id {field} }} }} }} }}"
    )

    assert operation.tier is Tier.RESOLVER


async def test_a_directory_that_is_not_fresh_is_not_answered_from(both: Both) -> None:
    both.kept.keeper.lose(ConnectionError())

    with pytest.raises(Refused):
        await both.compiled(EVERYTHING, {"at": AT})


async def test_what_is_kept_written_goes_with_a_change_and_with_the_hour(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same operation asks again and again from the same place, as a phone does."""
    operation = both.operation(EVERYTHING)
    monkeypatch.setattr(Both, "operation", lambda *_: operation)

    async def asked(now: datetime = NOON) -> bytes:
        compiled, reference = await both.answers(
            EVERYTHING, {"at": AT, "first": 40}, Locale.FA, now
        )
        assert compiled == reference
        return compiled

    first = await asked()
    assert await asked() == first

    await database.execute("UPDATE store SET name = 'changed' WHERE code = 's0'")
    await both.kept.refresh()
    renamed = await asked()
    assert renamed != first

    later = await asked(NOON + timedelta(minutes=1))  # some close at a minute past noon
    assert later != renamed
    assert await asked() == renamed

    await database.execute(
        "UPDATE store_opening_period SET closes_minute = closes_minute - 2 WHERE closes_minute = 721"
    )
    await both.kept.refresh()
    assert await asked() != renamed


async def test_what_is_kept_written_is_bounded(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    await both.compiled(EVERYTHING, {"at": AT, "first": 1})
    of_one = both.kept.directory.written_bytes
    monkeypatch.setattr(directory, "MAX_WRITTEN_BYTES", 5 * of_one)

    await both.compiled(EVERYTHING, {"at": AT, "first": 40})

    assert 0 < both.kept.directory.written_bytes <= 5 * of_one
    held = [
        directory_places.WRITTEN_BYTES + len(text)
        for place in both.kept.directory.places.values()
        for *_, text in place.written.values()
    ]
    assert sum(held) == both.kept.directory.written_bytes
