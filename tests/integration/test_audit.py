"""The audit trail: what is recorded with a change, what never is, and who read a member's file."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import orjson
import pytest

from backend.audit import service
from backend.audit.domain import MAX_REASON_CHARACTERS, AuditMistakeError, FileRead, ReasonInvalid
from backend.core import clock, origin, paging, viewer
from backend.core.errors import Forbidden, Unauthenticated
from backend.core.origin import Origin
from backend.core.viewer import SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.infra import telemetry
from backend.infra.partitions import Month
from tests.support.plans import Mode, plan_of
from tests.support.servers import TestPostgres

NOVEMBER = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ADDRESS, SESSION = "192.0.2.7:41234", UUID(int=7)
BUSY, QUIET, MEMBER_COUNT = 1, 2, 8_000
OPERATOR = Viewer(ActorKind.OPERATOR, actor="operator:5", permissions=frozenset({"members.read"}))
READS = """
    INSERT INTO file_read (created_at, member_id, reader_role, reader_office, actor, purpose)
    SELECT timestamptz '2025-03-01' + (n * 630.0 / $3::int + m * 7.3) % 630 * interval '1 day', m,
           'REGISTRAR', 'o', 'a', 'p'
      FROM generate_series($1::bigint, $2) m, generate_series(1, $3) n
"""


@contextmanager
def from_(where: Origin) -> Iterator[None]:
    """As a request from there."""
    origin.bind(where)
    try:
        yield
    finally:
        origin.bind(origin.NOWHERE)


def member(member_id: int) -> Viewer:
    return Viewer(
        ActorKind.MEMBER,
        actor=f"member:{member_id}",
        subject=member_id,
        permissions=frozenset({"member.self"}),
    )


async def record(**changed: object) -> None:
    arguments = {"action": "session.ended", "object_type": "Session", "object_id": "7"} | changed
    await service.record(viewer=OPERATOR, **arguments)  # type: ignore[arg-type]  # of the test's own making


async def entries() -> list[asyncpg.Record]:
    return await database.fetch("SELECT * FROM audit_entry ORDER BY id")


async def record_read(member_id: int, purpose: str, *, at: datetime = NOVEMBER) -> None:
    with clock.frozen(at):
        await service.record_read(
            viewer=OPERATOR,
            member_id=member_id,
            reader_role="REGISTRAR",
            reader_office="کانون شیراز",
            purpose=purpose,
        )


async def reads(member_id: int, *, first: int = 100) -> list[FileRead]:
    page = await service.list_reads(
        viewer=member(member_id), member_id=member_id, first=first, after=None
    )
    return list(page.items)


async def test_an_entry_says_who_did_what_to_whom_and_why(db: None) -> None:
    with clock.frozen(NOVEMBER), telemetry.bind_trace("ab" * 16), from_(Origin(ADDRESS, SESSION)):
        await service.record(
            viewer=OPERATOR,
            province_code="IR-07",
            association_id=4,
            action="session.ended",
            object_type="Session",
            object_id="7",
            member_id=3,
            before={"state": "ACTIVE", "count": 1200000000},
            after={"state": "ENDED", "months": [1, 2], "phone": True},
            reason=" گوشی گم شد ",
        )

    [entry] = await entries()
    assert {
        **entry,
        "before": orjson.loads(entry["before"]),
        "after": orjson.loads(entry["after"]),
    } == {
        "id": entry["id"],
        "created_at": NOVEMBER,
        "actor_kind": "OPERATOR",
        "actor": "operator:5",
        "subject_member_id": 3,
        "action": "session.ended",
        "object_type": "Session",
        "object_id": "7",
        "before": {"state": "ACTIVE", "count": 1200000000},
        "after": {"state": "ENDED", "months": [1, 2], "phone": True},
        "reason": "گوشی گم شد",
        "trace_id": "ab" * 16,
        "on_behalf_of": None,
        "province_code": "IR-07",
        "association_id": 4,
        "address": "192.0.2.7",
        "session_id": SESSION,
        "xid": entry["xid"],
    }


async def test_what_is_not_given_stays_empty(db: None) -> None:
    await record()

    [entry] = await entries()
    empty = (
        *("subject_member_id", "before", "after", "reason", "trace_id", "on_behalf_of"),
        *("province_code", "association_id", "address", "session_id"),
    )
    assert [entry[name] for name in empty] == [None] * 10


async def test_an_entry_says_for_whom_the_actor_acts(db: None) -> None:
    representative = Viewer(ActorKind.MEMBER, actor="member:9", subject=3)
    for actor in (representative, member(3)):
        await service.record(viewer=actor, action="a", object_type="T", object_id="1")
    with service.acting_for("operator:8"):
        await service.record(viewer=SYSTEM, action="b", object_type="T", object_id="1")

    assert [entry["on_behalf_of"] for entry in await entries()] == ["member:3", None, "operator:8"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("192.0.2.7:4000", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("<script>" * 20, None),
    ],
)
async def test_what_is_no_address_is_not_kept(db: None, given: str, kept: str | None) -> None:
    with from_(Origin(given)):
        await record()

    assert [entry["address"] for entry in await entries()] == [kept]


async def test_an_entry_of_a_transaction_that_fails_is_not_kept(db: None) -> None:
    async def fail() -> None:
        async with database.transaction():
            await record()
            await record_read(1, "p")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await entries() == []
    assert await reads(1) == []


@pytest.mark.parametrize(
    "change",
    [
        {"national_code": "0012345679"},
        {"iban": "IR130130000000000123456789"},
        {"phone": "+989121234567"},
        {"member": {"firstName": "علی"}},
        {"members": [{"birth_date": "1340-01-01"}]},
        {"refresh_token": "x"},
        {"phone": 9121234567},
    ],
)
async def test_personal_data_under_its_name_is_refused(db: None, change: dict[str, object]) -> None:
    for arguments in ({"before": change}, {"after": change}):
        with pytest.raises(AuditMistakeError):
            await record(**arguments)

    assert await entries() == []


async def test_what_looks_like_a_number_of_a_person_is_blotted_out(db: None) -> None:
    await record(
        after={"note": "کد 0012345679", "list": ["09121234567"]},
        reason="تلفن ۰۹۱۲۱۲۳۴۵۶۷ بود",
    )

    [entry] = await entries()
    assert orjson.loads(entry["after"]) == {"note": "کد [redacted]", "list": ["[redacted]"]}
    assert entry["reason"] == "تلفن [redacted] بود"


async def test_a_reason_stays_within_its_column_when_blots_make_it_longer(db: None) -> None:
    await record(reason="otp=1 " * 83)

    [entry] = await entries()
    assert len(entry["reason"]) == MAX_REASON_CHARACTERS


@pytest.mark.parametrize(
    "change",
    [
        {"text": "x" * 16_384},
        {"one": {"two": {"three": {"four": {"five": {"six": {"seven": 1}}}}}}},
        {"object": object()},
    ],
)
async def test_a_change_has_limits(db: None, change: dict[str, object]) -> None:
    with pytest.raises(AuditMistakeError):
        await record(after=change)

    assert await entries() == []


@pytest.mark.parametrize("reason", ["", " \n", "x" * (MAX_REASON_CHARACTERS + 1)])
async def test_a_reason_that_says_nothing_or_too_much_is_refused(db: None, reason: str) -> None:
    with pytest.raises(ReasonInvalid) as of_entry:
        await record(reason=reason)
    with pytest.raises(ReasonInvalid) as of_read:
        await record_read(1, reason)

    assert (of_entry.value.field, of_read.value.field) == (("reason",), ("purpose",))
    assert await entries() == []
    assert await reads(1) == []


async def test_the_database_knows_the_kinds_of_actors(db: None) -> None:
    await record()

    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await database.execute(
            "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id)"
            " SELECT created_at, 'ROBOT', actor, action, object_type, object_id FROM audit_entry"
        )
    assert refused.value.constraint_name == "audit_entry_actor_kind"


async def test_a_member_sees_who_read_the_own_file(db: None) -> None:
    await record_read(1, "بررسی درخواست وام")
    await record_read(2, "other")

    [read] = await reads(1)
    assert read == FileRead(
        id=read.id,
        created_at=NOVEMBER,
        reader_role="REGISTRAR",
        reader_office="کانون شیراز",
        purpose="بررسی درخواست وام",
    )
    [row] = await database.fetch("SELECT actor FROM file_read WHERE member_id = 1")
    assert row["actor"] == "operator:5"


async def test_pages_of_reads_go_from_the_newest_to_the_oldest(db: None) -> None:
    for months in range(4):
        for copy in range(2):
            await record_read(1, f"{months}-{copy}", at=NOVEMBER - months * 30 * DAY)
    expected = [f"{months}-{copy}" for months in range(4) for copy in (1, 0)]

    for size in (1, 3, 8, 9):
        seen: list[str] = []
        after, more = None, True
        while more:
            page = await service.list_reads(viewer=member(1), member_id=1, first=size, after=after)
            seen += [read.purpose for read in page.items]
            after, more = page.cursors[-1], page.has_next
        assert seen == expected


@pytest.mark.parametrize(
    ("asker", "refusal"),
    [
        (viewer.ANONYMOUS, Unauthenticated),
        (member(2), Forbidden),
        (OPERATOR, Forbidden),
        (viewer.SYSTEM, Forbidden),
    ],
)
async def test_nobody_else_sees_the_reads(
    db: None, asker: Viewer, refusal: type[Exception]
) -> None:
    await record_read(1, "p")

    with pytest.raises(refusal):
        await service.list_reads(viewer=asker, member_id=1, first=1, after=None)


async def test_a_cursor_of_another_members_list_is_refused(db: None) -> None:
    await record_read(1, "p")
    page = await service.list_reads(viewer=member(1), member_id=1, first=1, after=None)

    with pytest.raises(paging.InvalidCursor):
        await service.list_reads(viewer=member(2), member_id=2, first=1, after=page.cursors[0])
    with pytest.raises(paging.PageSizeInvalid):
        await service.list_reads(viewer=member(1), member_id=1, first=0, after=None)


@pytest.fixture(scope="module")
def busy_url(postgres: TestPostgres, migrated_template: str) -> Iterator[str]:
    """A database where one member's file was read 10,000 times and 7,999 others' ten, with fresh statistics."""
    name = postgres.create("busy_file", template=migrated_template)
    url = postgres.url(name)

    async def fill() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(READS, BUSY, BUSY, 10_000)
        await connection.execute(READS, QUIET, MEMBER_COUNT, 10)
        # The months to come are left as they are in production: nothing has ever happened there.
        for month in map(Month(2025, 3).later, range(21)):
            await connection.execute(f"VACUUM (ANALYZE) {month.partition_of('file_read')}")
        await connection.close()

    asyncio.run(fill())
    yield url
    postgres.drop(name)


@pytest.fixture
async def busy(busy_url: str) -> AsyncIterator[None]:
    """`backend.infra.db`, connected to that database."""
    await database.connect(busy_url)
    yield
    await database.close()


@pytest.mark.parametrize("plans", ["custom", "generic"])
@pytest.mark.parametrize("is_later_page", [False, True])
@pytest.mark.parametrize("member_id", [BUSY, QUIET])
async def test_a_page_of_reads_is_read_off_the_indexes_of_the_months_without_a_sort(
    busy: None, *, plans: Mode, is_later_page: bool, member_id: int
) -> None:
    async def page(first: int, after: str | None) -> paging.Page[FileRead]:
        return await service.list_reads(
            viewer=member(member_id), member_id=member_id, first=first, after=after
        )

    start = await page(5, None)

    plan = await plan_of(
        lambda: page(20, start.cursors[-1] if is_later_page else None),
        mark="FROM file_read",
        plans=plans,
    )

    assert "->  Merge Append" in plan
    assert re.search(r"->  (Incremental )?Sort\b", plan) is None
    assert re.findall(r"(Seq|Bitmap \w+) Scan", plan) == []
    scans = map(int, re.findall(r"Scan .*actual time=\S+ rows=(\d+)", plan))
    assert sum(scans) <= 21 + 37  # a page, and what the merge has looked at of each month
    assert "Removed by Filter" not in plan
