"""What an auditor reads of the trail, and how reads of members' files are kept."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from backend.audit import domain, repository, service
from backend.audit.domain import ReasonInvalid, TrailFilter, TrailFilterInvalid
from backend.core import clock, paging
from backend.core.errors import Forbidden, Unauthenticated
from backend.core.permissions import Permission
from backend.core.viewer import ANONYMOUS, SYSTEM, ActorKind, OwnFile, Scope, Viewer
from backend.infra import db as database
from tests.support.plans import Mode, plan_of, scanned

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
AUDITOR = Viewer(
    ActorKind.OPERATOR,
    actor="operator:1",
    permissions=frozenset({Permission.AUDIT_READ}),
    scope=Scope(nation=True),
)


async def record(at: datetime = NOW, viewer: Viewer = AUDITOR, **changed: object) -> int:
    arguments = {"action": "test.done", "object_type": "Thing", "object_id": "1"}
    with clock.frozen(at):
        await service.record(viewer=viewer, **(arguments | changed))  # type: ignore[arg-type]
    row = await database.fetch_one("SELECT max(id) AS id FROM audit_entry")
    assert row is not None
    return int(row["id"])


async def listed(viewer: Viewer = AUDITOR, **asked: object) -> list[int]:
    page = await service.list_entries(
        viewer=viewer,
        asked=TrailFilter(**asked),  # type: ignore[arg-type]  # of the test's own making
        first=100,
        after=None,
    )
    return [each.id for each in page.items]


async def test_each_filter_finds_its_entries_newest_first(db: None) -> None:
    a = await record(NOW, action="a", object_type="Store", object_id="7", member_id=3)
    b = await record(NOW + HOUR, action="b", object_type="Store", object_id="8", viewer=SYSTEM)
    c = await record(NOW - HOUR, action="a", object_type="Member", object_id="7", member_id=4)

    assert await listed() == [b, a, c]
    assert await listed(action="a") == [a, c]
    assert await listed(actor="system") == [b]
    assert await listed(object_type="Store") == [b, a]
    assert await listed(object_type="Store", object_id="7") == [a]
    assert await listed(member_id=4) == [c]
    assert await listed(since=NOW) == [b, a]
    assert await listed(until=NOW) == [c]
    assert await listed(since=NOW, until=NOW + HOUR) == [a]
    assert await listed(action="a", member_id=9) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"object_id": "7"},
        {"since": NOW, "until": NOW},
        {"actor": ""},
        {"action": "x" * (domain.MAX_FILTER_CHARACTERS + 1)},
    ],
)
async def test_a_filter_that_can_find_nothing_is_refused(
    db: None, asked: dict[str, object]
) -> None:
    with pytest.raises(TrailFilterInvalid):
        await listed(AUDITOR, **asked)


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (Scope(nation=True), {"none", "fars", "tehran", "shiraz 5"}),
        (Scope(province_codes=frozenset({"IR-07"})), {"fars", "shiraz 5"}),
        (Scope(province_codes=frozenset({"IR-07", "IR-23"})), {"fars", "tehran", "shiraz 5"}),
        (Scope(association_id=5), {"shiraz 5"}),
        (Scope(), set()),
    ],
)
async def test_a_scoped_auditor_sees_exactly_the_scope(
    db: None, scope: Scope, seen: set[str]
) -> None:
    ids = {
        "none": await record(),
        "fars": await record(province_code="IR-07"),
        "tehran": await record(province_code="IR-23"),
        "shiraz 5": await record(province_code="IR-07", association_id=5),
    }

    assert set(await listed(replace(AUDITOR, scope=scope))) == {ids[name] for name in seen}


async def test_pages_follow_each_other_over_entries_of_one_moment_and_fit_one_viewer_s_scope(
    db: None,
) -> None:
    ids = [await record(NOW + HOUR * (number // 3), province_code="IR-07") for number in range(7)]
    seen: list[int] = []
    after: str | None = None
    while True:
        page = await service.list_entries(
            viewer=AUDITOR, asked=TrailFilter(action="test.done"), first=2, after=after
        )
        seen += [each.id for each in page.items]
        if not page.has_next:
            break
        after = page.cursors[-1]
    assert seen == sorted(ids, reverse=True)

    fars = replace(AUDITOR, scope=Scope(province_codes=frozenset({"IR-07"})))
    for viewer, asked in ((fars, TrailFilter(action="test.done")), (AUDITOR, TrailFilter())):
        with pytest.raises(paging.InvalidCursor):
            await service.list_entries(viewer=viewer, asked=asked, first=2, after=after)


async def test_only_who_may_read_the_trail_does(db: None) -> None:
    for viewer, error in (
        (ANONYMOUS, Unauthenticated),
        (replace(AUDITOR, permissions=frozenset({Permission.MEMBERS_READ})), Forbidden),
    ):
        with pytest.raises(error):
            await listed(viewer)


async def test_who_may_read_a_file_sees_what_was_done_with_it_but_nobody_the_own(db: None) -> None:
    support = replace(AUDITOR, permissions=frozenset({Permission.MEMBERS_READ}), own_member_id=4)
    mine = await record(member_id=3)
    await record(member_id=4)

    page = await service.list_entries_of_member(viewer=support, member_id=3, first=10, after=None)

    assert [each.id for each in page.items] == [mine]
    with pytest.raises(OwnFile):
        await service.list_entries_of_member(viewer=support, member_id=4, first=10, after=None)
    with pytest.raises(Forbidden):
        await service.list_entries_of_member(viewer=AUDITOR, member_id=3, first=10, after=None)


@pytest.mark.parametrize("plans", ["custom", "generic"])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"actor": "a5"},
        {"action": "b5"},
        {"object_type": "T", "object_id": "5"},
        {"member_id": 5},
        {"actor": "a5", "since": NOW - 5 * HOUR},
    ],
)
async def test_a_page_reads_little_more_than_it_shows(
    db: None, asked: dict[str, object], plans: Mode
) -> None:
    await database.execute(
        "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id, subject_member_id)"
        " SELECT timestamptz '2026-11-01' + n * interval '2 minutes', 'SYSTEM', 'a' || n % 97, 'b' || n % 97, 'T',"
        " n % 97, n % 97 FROM generate_series(1, 20000) n"
    )
    await database.execute("ANALYZE audit_entry")

    plan = await plan_of(
        lambda: service.list_entries(
            viewer=AUDITOR,
            asked=TrailFilter(**asked),  # type: ignore[arg-type]  # of the test's own making
            first=20,
            after=None,
        ),
        mark="FROM audit_entry",
        plans=plans,
    )

    assert scanned(plan) <= 100


async def reads() -> list[tuple[int, str]]:
    rows = await database.fetch("SELECT member_id, purpose FROM file_read ORDER BY member_id")
    return [tuple(row) for row in rows]


async def keep(member_id: int, purpose: str = "پیگیری") -> None:
    await service.record_read(
        viewer=AUDITOR,
        member_id=member_id,
        reader_role="پشتیبان",
        reader_office="شعبهٔ یک",
        purpose=purpose,
    )


async def test_reads_of_one_moment_share_a_statement_and_each_is_kept_when_it_returns(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    insert = repository.insert_file_reads

    async def counted(found: list[domain.NewFileRead]) -> None:
        written.append(len(found))
        await insert(found)

    monkeypatch.setattr(repository, "insert_file_reads", counted)
    await keep(0)
    assert await reads() == [(0, "پیگیری")]
    await asyncio.gather(*(keep(number) for number in range(1, 41)))

    assert [member_id for member_id, _ in await reads()] == list(range(41))
    assert sum(written) == 41
    assert len(written) <= 4


async def test_a_read_that_can_t_be_kept_is_refused_and_so_are_those_with_it(
    db: None, database_url: str
) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute("ALTER TABLE file_read ADD CONSTRAINT no CHECK (member_id <> 2)")
    await owner.close()

    outcomes = await asyncio.gather(*(keep(n) for n in (1, 2)), return_exceptions=True)
    assert any(isinstance(each, asyncpg.CheckViolationError) for each in outcomes)
    await keep(3)

    kept = [member_id for member_id, _ in await reads()]
    assert 2 not in kept
    assert 3 in kept
    assert (1 in kept) is (outcomes[0] is None)


async def test_a_reader_who_goes_away_leaves_the_others_alone(db: None) -> None:
    gone, stays = asyncio.create_task(keep(1)), asyncio.create_task(keep(2))
    await asyncio.sleep(0)
    gone.cancel()
    await stays

    assert (2, "پیگیری") in await reads()


async def test_a_read_in_a_transaction_goes_with_it(db: None) -> None:
    async def fail() -> None:
        async with database.transaction():
            await keep(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await reads() == []


async def test_a_read_needs_a_purpose(db: None) -> None:
    with pytest.raises(ReasonInvalid):
        await keep(1, " ")

    assert await reads() == []
