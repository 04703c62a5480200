"""Loan rounds and applications as a member reads them: no drafts, and only the own applications."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from backend.core import viewer
from backend.core.errors import Unauthenticated
from backend.core.paging import InvalidCursor
from backend.infra import db as database
from backend.loans import domain, service
from backend.loans.domain import (
    LoanApplicationEvent,
    LoanApplicationState,
    LoanRoundState,
    LoanSelection,
    LoanSubmitter,
)
from backend.organization import service as organization
from backend.organization.domain import Unit
from tests.support import debts
from tests.support.debts import NOON, viewer_of

DAY = timedelta(days=1)


async def loan_round(
    state: str = "OPEN", *, opens_at: datetime = NOON, title: str = "وام ۵۰ میلیون تومانی"
) -> int:
    row = await database.fetch_one(
        """
        INSERT INTO loan_round (title, state, amount_rials, months, fee_total_rials, opens_at, closes_at, selection,
                                budget_rials, list_sha256, seed_source)
        VALUES ($1, $2, 500000000, 24, 30000000, $3::timestamptz, $3 + interval '10 days', 'LOTTERY',
                5000000000000, NULL, NULL)
        RETURNING id
        """,
        title,
        state,
        opens_at,
    )
    assert row is not None
    return int(row["id"])


async def application(
    member_id: int,
    round_id: int,
    *,
    state: str = "SUBMITTED",
    at: datetime = NOON,
    plan_id: int | None = None,
) -> int:
    row = await database.fetch_one(
        """
        INSERT INTO loan_application (member_id, round_id, state, amount_rials, submitted_at, submitted_by, plan_id,
                                      quota, rank, last_selected_rank, reasons)
        VALUES ($1, $2, $3, 500000000, $4, 'member', $5, 40, 57, 40, '["QUOTA_FILLED"]') RETURNING id
        """,
        member_id,
        round_id,
        state,
        at,
        plan_id,
    )
    assert row is not None
    return int(row["id"])


async def event(application_id: int, member_id: int, state: str, at: datetime) -> None:
    await database.execute(
        "INSERT INTO loan_application_event (application_id, member_id, at, state, note) VALUES ($1, $2, $3, $4, 'ن')",
        application_id,
        member_id,
        at,
        state,
    )


async def test_rounds_are_listed_without_drafts_the_latest_first(db: None) -> None:
    me = viewer_of(await debts.member())
    past = await loan_round("CLOSED", opens_at=NOON - 300 * DAY)
    current = await loan_round("OPEN")
    draft = await loan_round("DRAFT", opens_at=NOON + 30 * DAY)

    with database.count_statements() as counted:
        found = await service.list_rounds(viewer=me, state=None)

    assert counted.count == 1
    assert [each.id for each in found] == [current, past]
    listed = {
        state: [each.id for each in await service.list_rounds(viewer=me, state=state)]
        for state in LoanRoundState
    }
    assert listed == {
        **{each: [] for each in LoanRoundState},
        LoanRoundState.OPEN: [current],
        LoanRoundState.CLOSED: [past],
    }
    assert await service.find_round(viewer=me, key=draft) is None
    one = await service.find_round(viewer=me, key=current)
    assert one == found[0]
    assert one is not None
    assert (one.amount_rials, one.months, one.fee_total_rials) == (500_000_000, 24, 30_000_000)
    assert one.selection is LoanSelection.LOTTERY
    assert (one.opens_at, one.closes_at) == (NOON, NOON + 10 * DAY)


async def test_an_application_comes_with_its_round_and_its_steps_by_one_statement(db: None) -> None:
    member = await debts.member()
    round_id = await loan_round("SELECTED")
    key = await application(member, round_id, state="NOT_SELECTED")
    later = datetime(2026, 11, 25, 10, 0, 0, 123456, tzinfo=UTC)
    await event(key, member, "NOT_SELECTED", later)
    await event(key, member, "SUBMITTED", NOON)

    with database.count_statements() as counted:
        page = await service.list_applications(viewer=viewer_of(member), first=20, after=None)

    assert counted.count == 1
    [found] = page.items
    assert (found.id, found.round.id, found.state) == (
        key,
        round_id,
        LoanApplicationState.NOT_SELECTED,
    )
    assert (found.quota, found.rank, found.last_selected_rank) == (40, 57, 40)
    assert (found.reasons, found.submitted_by, found.plan_id) == (
        ("QUOTA_FILLED",),
        LoanSubmitter.MEMBER,
        None,
    )
    assert found.public_id.version == 4  # random: it must not show who came first
    assert found.timeline == (
        LoanApplicationEvent(NOON, LoanApplicationState.SUBMITTED, "ن"),
        LoanApplicationEvent(later, LoanApplicationState.NOT_SELECTED, "ن"),
    )
    assert await service.find_application(viewer=viewer_of(member), key=key) == found


async def test_pages_hold_every_application_once_newest_first(db: None) -> None:
    member = await debts.member()
    keys = [
        await application(member, await loan_round(title=f"{n}"), at=NOON + DAY * (n // 2))
        for n in (4, 0, 2, 1, 3)
    ]
    expected = [keys[n] for n in (0, 4, 2, 3, 1)]  # the two of one moment: the higher id first

    seen: list[int] = []
    after: str | None = None
    while True:
        page = await service.list_applications(viewer=viewer_of(member), first=2, after=after)
        seen += [each.id for each in page.items]
        if not page.has_next:
            break
        after = page.cursors[-1]

    assert seen == expected


async def test_the_steps_of_an_application_are_bounded(db: None) -> None:
    member = await debts.member()
    key = await application(member, await loan_round())
    for n in range(domain.MAX_EVENTS + 1):
        await event(key, member, "SUBMITTED", NOON + n * DAY)

    found = await service.find_application(viewer=viewer_of(member), key=key)

    assert found is not None
    assert len(found.timeline) == domain.MAX_EVENTS
    assert found.timeline[0].at == NOON


async def test_another_members_application_does_not_exist(db: None) -> None:
    owner, other = await debts.member(), await debts.member()
    plan = await debts.plan(owner, kind="LOAN", amounts=(500_000_000,))
    key = await application(owner, await loan_round(), state="REPAYING", plan_id=plan)
    own = await service.find_application(viewer=viewer_of(owner), key=key)
    assert own is not None

    assert await service.find_application(viewer=viewer_of(other), key=key) is None
    page = await service.list_applications(viewer=viewer_of(other), first=20, after=None)
    assert page.items == ()
    by_plan = service.applications_by_plan
    assert await by_plan(viewer=viewer_of(other), plan_ids=[plan]) == {}
    assert await by_plan(viewer=viewer_of(owner), plan_ids=[plan]) == {plan: own}


async def test_a_cursor_of_another_member_is_refused(db: None) -> None:
    member, other = await debts.member(), await debts.member()
    await application(member, await loan_round())
    [cursor] = (
        await service.list_applications(viewer=viewer_of(member), first=1, after=None)
    ).cursors

    with pytest.raises(InvalidCursor):
        await service.list_applications(viewer=viewer_of(other), first=1, after=cursor)


async def test_the_quota_is_that_of_the_members_association(db: None) -> None:
    units = [Unit(code, f"کانون {code}", "IR-07", "شیراز") for code in ("A1", "A2")]
    await organization.save_units(viewer=viewer.SYSTEM, branches=[], associations=units)
    with_quota, without = await loan_round(), await loan_round()
    await database.execute(
        "INSERT INTO loan_quota (round_id, association_code, places) VALUES ($1, 'A1', 120), ($1, 'A2', 7)",
        with_quota,
    )
    asked = [with_quota, without]
    first = viewer_of(await debts.member(association_code="A1"))
    none = viewer_of(await debts.member())

    assert await service.my_quotas(viewer=first, round_ids=asked) == {with_quota: 120}
    assert await service.my_quotas(viewer=none, round_ids=asked) == {}


async def test_who_is_not_signed_in_reads_nothing(db: None) -> None:
    with pytest.raises(Unauthenticated):
        await service.list_rounds(viewer=viewer.ANONYMOUS, state=None)
    with pytest.raises(Unauthenticated):
        await service.list_applications(viewer=viewer.ANONYMOUS, first=20, after=None)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE loan_round SET state = 'LOST'", "loan_round_state"),
        ("UPDATE loan_round SET selection = 'FAVOUR'", "loan_round_selection"),
        ("UPDATE loan_round SET budget_rials = amount_rials - 1", "loan_round_amounts"),
        ("UPDATE loan_round SET months = 0", "loan_round_months"),
        ("UPDATE loan_round SET closes_at = opens_at", "loan_round_window"),
        ("UPDATE loan_round SET list_sha256 = 'ABC'", "loan_round_list"),
        (
            "INSERT INTO loan_quota (round_id, association_code, places) SELECT id, 'X', 1 FROM loan_round",
            "loan_quota_association",
        ),
        (
            "INSERT INTO loan_quota (round_id, association_code, places) SELECT id, 'X', -1 FROM loan_round",
            "loan_quota_places",
        ),
        (
            (
                "INSERT INTO loan_application (member_id, round_id, amount_rials, submitted_by)"
                " SELECT member_id, round_id, 1, 'member' FROM loan_application"
            ),
            "loan_application_once",
        ),
        ("UPDATE loan_application SET state = 'LOST'", "loan_application_state"),
        ("UPDATE loan_application SET submitted_by = 'عضو'", "loan_application_submitter"),
        ("UPDATE loan_application SET amount_rials = 0", "loan_application_amount"),
        ("UPDATE loan_application SET rank = 0", "loan_application_places"),
        ("UPDATE loan_application SET reasons = '{}'", "loan_application_reasons"),
        ("UPDATE loan_application SET plan_id = NULL", "loan_application_plan"),
        (
            "UPDATE loan_application SET member_id = 0, plan_id = NULL, state = 'REFUSED'",
            "loan_application_member",
        ),
        (
            "UPDATE loan_application SET member_id = (SELECT max(id) FROM member)",
            "loan_application_plan_of_member",
        ),
        (
            (
                "INSERT INTO loan_application_event (application_id, member_id, state)"
                " SELECT id, (SELECT max(id) FROM member), 'SUBMITTED' FROM loan_application"
            ),
            "loan_application_event_application",
        ),
        (
            (
                "INSERT INTO loan_application_event (application_id, member_id, state)"
                " SELECT id, member_id, 'LOST' FROM loan_application"
            ),
            "loan_application_event_state",
        ),
    ],
)
async def test_the_database_repeats_the_invariants(
    db: None, statement: str, constraint: str
) -> None:
    member = await debts.member()
    plan = await debts.plan(member, kind="LOAN", amounts=(500_000_000,))
    await application(member, await loan_round(), state="REPAYING", plan_id=plan)
    await debts.member()

    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await database.execute(statement)

    assert refused.value.constraint_name == constraint
