"""What SQL writes of a value is what the schema's scalars, ids and cursors write of it in Python."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.core import calendar, paging
from backend.core.ids import MAX_KEY, GlobalId
from backend.infra import db as database
from backend.infra.readviews import expressions
from backend.infra.readviews.expressions import Json
from schema.scalars import SCALARS

_many = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
_TEXTS = st.text(
    st.one_of(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
        st.sampled_from("\"\\/\b\f\n\r\t\x1f\x7f'\u200c\u2028\u202eیپ😀$%{}"),
    ),
    max_size=30,
)
_KEYS = st.integers(1, MAX_KEY)
_MOMENTS = st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
) | st.builds(  # whole seconds, and fractions that end in zeros
    lambda seconds, fraction: (
        datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=fraction)
    ),
    st.integers(0, 10**8),
    st.sampled_from([0, 1, 10, 100_000, 120_000, 999_999]),
)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[database.RawConnection]:
    await database.connect(database_url)
    opened = await database.open_own()
    try:
        yield opened
    finally:
        await opened.close()
        await database.close()


async def _written(
    connection: database.RawConnection, written: Json, type_name: str, values: list[object]
) -> list[object]:
    """The JSON that an expression of `v.x` gives for each value; None for NULL."""
    rows = await connection.fetch(
        f"SELECT {written.sql} FROM unnest($1::{type_name}[]) WITH ORDINALITY AS v (x, n) ORDER BY n",
        values,
    )
    return [None if row[0] is None else orjson.loads(row[0]) for row in rows]


@_many
@given(values=st.lists(_TEXTS, min_size=1, max_size=20))
async def test_texts(connection: database.RawConnection, values: list[object]) -> None:
    written = await _written(connection, expressions.text("v.x"), "text", values)
    assert written == values


@_many
@given(values=st.lists(_TEXTS, min_size=1, max_size=5))
async def test_arrays_of_texts(connection: database.RawConnection, values: list[str]) -> None:
    row = await connection.fetchrow(f"SELECT {expressions.texts('$1::text[]').sql}", values)
    assert row is not None
    assert orjson.loads(row[0]) == values


@_many
@given(values=st.lists(_MOMENTS, min_size=1, max_size=20))
async def test_moments(connection: database.RawConnection, values: list[datetime]) -> None:
    write = SCALARS[datetime].serialize
    assert write is not None
    written = await _written(connection, expressions.moment("v.x"), "timestamptz", [*values])
    assert written == [write(each) for each in values]


@_many
@given(values=st.lists(_MOMENTS, min_size=1, max_size=20), key=_KEYS, member=_KEYS)
async def test_cursors(
    connection: database.RawConnection, values: list[datetime], key: int, member: int
) -> None:
    marker = paging.fingerprint(list="x", member=member)
    keys = [expressions.microseconds("x"), "$2::bigint"]
    rows = await connection.fetch(
        f"SELECT {expressions.cursor('$3::bytea', keys)}"
        " FROM unnest($1::timestamptz[]) WITH ORDINALITY AS v (x, n) ORDER BY n",
        values,
        key,
        paging.cursor_head(marker),
    )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    expected = [
        paging.encode_cursor(marker, ((each - epoch) // timedelta(microseconds=1), key))
        for each in values
    ]
    assert [row[0] for row in rows] == expected


@_many
@given(keys=st.lists(_KEYS, min_size=1, max_size=20), member=_KEYS)
async def test_global_ids(connection: database.RawConnection, keys: list[int], member: int) -> None:
    for type_name in ("Purchase", "LoanApplication", "Store"):
        own = await _written(
            connection,
            expressions.global_id(type_name, "v.x", f"{member}::bigint"),
            "bigint",
            [*keys],
        )
        public = await _written(
            connection, expressions.global_id(type_name, "v.x"), "bigint", [*keys]
        )
        assert own == [GlobalId(type_name, key, member).encode() for key in keys]
        assert public == [GlobalId(type_name, key).encode() for key in keys]


@_many
@given(values=st.lists(st.floats(-180, 180) | st.integers(-180, 180).map(float), min_size=1))
async def test_degrees(connection: database.RawConnection, values: list[float]) -> None:
    rows = await connection.fetch(
        f"SELECT {expressions.decimal('v.x').sql} FROM unnest($1::float8[])"
        " WITH ORDINALITY AS v (x, n) ORDER BY n",
        values,
    )
    written = [orjson.loads(row[0]) for row in rows]
    assert written == values
    assert {type(each) for each in written} == {float}


async def test_numbers_months_truth_and_words(connection: database.RawConnection) -> None:
    amounts: list[object] = [0, 1, 10**18, -(2**63), 2**63 - 1]
    assert await _written(connection, expressions.number("v.x"), "bigint", amounts) == amounts

    months = [140501, 140512, 100001, 999912]
    written = await _written(connection, expressions.month("v.x"), "int", [*months])
    assert written == [calendar.format_month(each) for each in months[:2]] + ["1000-01", "9999-12"]

    assert await _written(connection, expressions.boolean("v.x"), "bool", [True, False, None]) == [
        True,
        False,
        None,
    ]

    odd = "او گفت: \"بله\" \\ 'نه'\n"
    words = expressions.words("v.x", {"A": odd, "B'": "ب"})
    assert await _written(connection, words, "text", ["A", "B'", "C", None]) == [
        odd,
        "ب",
        None,
        None,
    ]


async def test_a_null_makes_all_of_it_null_unless_it_may_be_one(
    connection: database.RawConnection,
) -> None:
    strict = expressions.obj([("a", expressions.text("v.x")), ("ب", expressions.constant(1))])
    lenient = expressions.obj([("a", expressions.optional(expressions.text("v.x")))])

    assert await _written(connection, strict, "text", ["x", None]) == [{"a": "x", "ب": 1}, None]
    assert await _written(connection, lenient, "text", ["x", None]) == [{"a": "x"}, {"a": None}]


async def test_neighbouring_constants_become_one() -> None:
    written = expressions.obj(
        [("a", expressions.constant(True)), ("b", expressions.constant("it's"))]
    )

    assert written.sql == """'{"a":true,"b":"it''s"}'"""
    assert expressions.obj([]).sql == "'{}'"


async def test_a_hole_stands_between_bytes_that_no_json_text_holds(
    connection: database.RawConnection,
) -> None:
    odd = "\\n ' \x01 \\x01"
    written = expressions.obj(
        [("a'\\", expressions.text("$1::text")), ("b", expressions.hole(7, "$2::bigint"))]
    )

    text = await connection.fetchval(f"SELECT {written.sql}", odd, 2**40)

    before, name, after = text.split(expressions.HOLE)
    assert (name, after) == (f"7:{2**40}", "}")
    assert orjson.loads(f"{before}null}}") == {"a'\\": odd, "b": None}
