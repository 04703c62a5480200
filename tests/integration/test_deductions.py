"""Instalments as their member reads them, what is deducted next, and a ledger that is only added to."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import asyncpg
import pytest

from backend.core import clock, paging, viewer
from backend.core.errors import Forbidden, Unauthenticated
from backend.core.money import InvalidAmount
from backend.core.paging import InvalidCursor, Page
from backend.deductions import service
from backend.deductions.domain import (
    AccountCode,
    Instalment,
    InstalmentKind,
    InstalmentState,
    PlanKind,
    TransferInvalid,
    TransferKind,
)
from backend.infra import db as database
from tests.support import debts, places
from tests.support.debts import NOON, viewer_of
from tests.support.servers import TestPostgres


async def page(
    member_id: int,
    *,
    months: tuple[int | None, int | None] = (None, None),
    state: InstalmentState | None = None,
    first: int = 50,
    after: str | None = None,
) -> Page[Instalment]:
    return await service.list_instalments(
        viewer=viewer_of(member_id),
        from_month=months[0],
        to_month=months[1],
        state=state,
        first=first,
        after=after,
    )


async def set_state(plan_id: int, number: int, state: str) -> None:
    await database.execute(
        "UPDATE instalment SET state = $3 WHERE plan_id = $1 AND number = $2",
        plan_id,
        number,
        state,
    )


async def test_instalments_come_as_they_fall_due_by_one_statement(db: None) -> None:
    member = await debts.member()
    purchase = await debts.plan(member, amounts=(5, 6), first_month=140512, paid=1)
    loan = await debts.plan(member, amounts=(7,), first_month=140601, kind="LOAN", fee_rials=1)

    with database.count_statements() as counted:
        found = await page(member)

    assert counted.count == 1
    assert [
        (each.plan_id, each.plan_kind, each.number, each.due_month, each.amount_rials, each.paid_rials, each.state)
        for each in found.items
    ] == [
        (purchase, PlanKind.PURCHASE, 1, 140512, 5, 5, InstalmentState.PAID),
        (purchase, PlanKind.PURCHASE, 2, 140601, 6, 0, InstalmentState.PLANNED),
        (loan, PlanKind.LOAN, 1, 140601, 7, 0, InstalmentState.PLANNED),
    ]  # fmt: skip
    assert {each.kind for each in found.items} == {InstalmentKind.PRINCIPAL}


async def test_pages_hold_every_instalment_once(db: None) -> None:
    member = await debts.member()
    for first_month in (140509, 140509, 140507):
        await debts.plan(member, amounts=(1,) * 12, first_month=first_month)
    expected = [each.id for each in (await page(member, first=100)).items]

    seen: list[int] = []
    after: str | None = None
    while True:
        found = await page(member, first=7, after=after)
        seen += [each.id for each in found.items]
        if not found.has_next:
            break
        after = found.cursors[-1]

    assert len(expected) == 36
    assert seen == expected


async def test_instalments_are_narrowed_by_months_and_state(db: None) -> None:
    member = await debts.member()
    plan = await debts.plan(member, amounts=(1,) * 6, first_month=140510, paid=1)
    await set_state(plan, 2, "OVERDUE")
    await set_state(plan, 6, "CANCELLED")

    async def numbers(
        state: InstalmentState | None = None, *, since: int | None = None, until: int | None = None
    ) -> list[int]:
        found = await page(member, months=(since, until), state=state)
        return [each.number for each in found.items]

    assert await numbers(since=140511, until=140601) == [2, 3, 4]
    assert await numbers(until=140510) == [1]
    assert await numbers(InstalmentState.PAID) == [1]
    assert await numbers(InstalmentState.OVERDUE) == [2]
    assert await numbers(InstalmentState.PLANNED) == [3, 4, 5]
    assert await numbers(InstalmentState.PLANNED, since=140602) == [5]
    assert await numbers(InstalmentState.CANCELLED) == [6]


async def test_the_next_instalment_is_the_earliest_that_is_still_collected(db: None) -> None:
    member = await debts.member()
    plan = await debts.plan(member, amounts=(1,) * 4, first_month=140507, paid=1)
    await set_state(plan, 2, "SUSPENDED")
    await set_state(plan, 3, "OVERDUE")

    found = await service.next_instalment(viewer=viewer_of(member))

    assert found is not None
    assert (found.plan_id, found.number, found.due_month) == (plan, 3, 140509)


async def test_the_next_deduction_takes_what_is_due_with_the_arrears(db: None) -> None:
    member = await debts.member()
    late = await debts.plan(member, amounts=(100, 200, 400), first_month=140507)  # now is 140508
    await set_state(late, 1, "OVERDUE")
    await database.execute(
        "UPDATE instalment SET state = 'PARTLY_PAID', paid_rials = 50 WHERE plan_id = $1 AND number = 2",
        late,
    )
    await debts.plan(member, amounts=(1_000,), first_month=140508)
    await debts.plan(member, amounts=(9_000,), first_month=140509)

    with clock.frozen(NOON), database.count_statements() as counted:
        found = await service.next_deduction(viewer=viewer_of(member))

    assert counted.count == 1
    assert found is not None
    assert (found.month, found.total_rials, found.count) == (140508, 100 + 150 + 1_000, 3)
    assert [each.amount_rials for each in found.instalments] == [100, 200, 1_000]


async def test_the_next_deduction_is_that_of_a_later_month_where_nothing_is_due_now(
    db: None,
) -> None:
    member = await debts.member()
    await debts.plan(member, amounts=(100, 200), first_month=140509)

    with clock.frozen(NOON):
        found = await service.next_deduction(viewer=viewer_of(member))

    assert found is not None
    assert (found.month, found.total_rials, found.count) == (140509, 100, 1)


async def test_who_owes_nothing_has_nothing_next(db: None) -> None:
    member = await debts.member()
    await debts.plan(member, amounts=(1, 1), paid=2)

    assert await service.next_instalment(viewer=viewer_of(member)) is None
    assert await service.next_deduction(viewer=viewer_of(member)) is None


async def test_a_next_deduction_of_very_many_instalments_is_summed_whole(db: None) -> None:
    member = await debts.member()
    for _ in range(101):
        await debts.plan(member, amounts=(10,), first_month=140508)

    with clock.frozen(NOON):
        found = await service.next_deduction(viewer=viewer_of(member))

    assert found is not None
    assert (found.total_rials, found.count, len(found.instalments)) == (1_010, 101, 100)


async def test_another_members_debts_do_not_exist(db: None) -> None:
    owner, other = await debts.member(), await debts.member()
    plan = await debts.plan(owner)
    [instalment, *_] = (await page(owner)).items
    stranger = viewer_of(other)

    assert (await page(other)).items == ()
    assert await service.find_instalment(viewer=stranger, key=instalment.id) is None
    assert await service.find_instalment(viewer=viewer_of(owner), key=instalment.id) == instalment
    assert await service.next_instalment(viewer=stranger) is None
    assert await service.next_deduction(viewer=stranger) is None
    assert await service.instalments_by_plan(viewer=stranger, plan_ids=[plan]) == {plan: ()}
    owners = await service.instalments_by_plan(viewer=viewer_of(owner), plan_ids=[plan])
    assert [each.number for each in owners[plan]] == [1, 2, 3]


async def test_who_is_not_signed_in_reads_nothing(db: None) -> None:
    with pytest.raises(Unauthenticated):
        await service.next_instalment(viewer=viewer.ANONYMOUS)


async def test_a_forged_cursor_finds_nothing_and_breaks_nothing(db: None) -> None:
    member = await debts.member()
    await debts.plan(member)
    question = paging.fingerprint(
        list="instalments", member=member, from_month=None, to_month=None, state=None
    )

    found = await page(member, after=paging.encode_cursor(question, (2**63 - 1, 2**63 - 1)))

    assert found.items == ()
    with pytest.raises(InvalidCursor):
        await page(member, after=paging.encode_cursor(question, (1, "x")))


async def test_a_transfer_is_one_row_of_two_accounts(db: None) -> None:
    member = await debts.member()
    plan = await debts.plan(member)

    key = await service.record_transfer(
        viewer=viewer.SYSTEM,
        debit=AccountCode.MEMBERS_RECEIVABLE,
        credit=AccountCode.STORES_PAYABLE,
        amount_rials=3_000_000,
        kind=TransferKind.PURCHASE_CONFIRMED,
        plan_id=plan,
        member_id=member,
    )

    row = await database.fetch_one(
        "SELECT d.code AS debit, c.code AS credit, t.amount_rials, t.kind, t.plan_id, t.member_id"
        "  FROM ledger_transfer t JOIN account d ON d.id = t.debit_account_id"
        "  JOIN account c ON c.id = t.credit_account_id WHERE t.id = $1",
        key,
    )
    assert row is not None
    assert dict(row) == {
        "debit": "members_receivable",
        "credit": "stores_payable",
        "amount_rials": 3_000_000,
        "kind": "PURCHASE_CONFIRMED",
        "plan_id": plan,
        "member_id": member,
    }


async def test_every_account_and_kind_can_be_written(db: None) -> None:
    """The enumerations and the rows and CHECKs of the migrations say the same."""
    rows = await database.fetch("SELECT code FROM account")
    assert {row["code"] for row in rows} == {code.value for code in AccountCode}

    for kind in TransferKind:
        await service.record_transfer(
            viewer=viewer.SYSTEM,
            debit=AccountCode.BANK_CLEARING,
            credit=AccountCode.BANK_ADVANCE,
            amount_rials=1,
            kind=kind,
        )

    row = await database.fetch_one("SELECT count(*) AS all FROM ledger_transfer")
    assert row is not None
    assert row["all"] == len(TransferKind)


async def test_a_transfer_that_makes_no_sense_is_refused(db: None) -> None:
    member = await debts.member()
    plan = await debts.plan(member)
    bank, fund = AccountCode.BANK_CLEARING, AccountCode.LOAN_FUND
    kind = TransferKind.LOAN_DISBURSED

    with pytest.raises(InvalidAmount):
        await service.record_transfer(
            viewer=viewer.SYSTEM, debit=bank, credit=fund, amount_rials=0, kind=kind
        )
    with pytest.raises(TransferInvalid):
        await service.record_transfer(
            viewer=viewer.SYSTEM, debit=bank, credit=bank, amount_rials=1, kind=kind
        )
    with pytest.raises(TransferInvalid):
        await service.record_transfer(
            viewer=viewer.SYSTEM, debit=bank, credit=fund, amount_rials=1, kind=kind, plan_id=plan
        )
    row = await database.fetch_one("SELECT count(*) AS all FROM ledger_transfer")
    assert row is not None
    assert row["all"] == 0


async def test_nobody_writes_into_the_ledger_without_the_right_to(db: None) -> None:
    """Not even for the own debts, and whatever kind of account it is."""
    member = await debts.member()
    clerk = viewer.Viewer(viewer.ActorKind.OPERATOR, actor="operator:7", subject=member)
    poster = replace(clerk, permissions=frozenset({service.POST}))

    async def collect(by: viewer.Viewer) -> None:
        await service.record_transfer(
            viewer=by,
            debit=AccountCode.BANK_CLEARING,
            credit=AccountCode.MEMBERS_RECEIVABLE,
            amount_rials=3_000_000,
            kind=TransferKind.INSTALMENT_COLLECTED,
            member_id=member,
        )

    for by, refusal in (
        (viewer_of(member), Forbidden),
        (clerk, Forbidden),
        (viewer.ANONYMOUS, Unauthenticated),
    ):
        with pytest.raises(refusal):
            await collect(by)
    assert await database.fetch("SELECT id FROM ledger_transfer") == []
    await collect(poster)
    assert len(await database.fetch("SELECT id FROM ledger_transfer")) == 1


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE ledger_transfer SET amount_rials = 2", "ledger_transfer_append_only"),
        ("DELETE FROM ledger_transfer", "ledger_transfer_append_only"),
        ("TRUNCATE ledger_transfer", "ledger_transfer_append_only"),
        ("TRUNCATE member CASCADE", "ledger_transfer_append_only"),
        ("UPDATE account SET code = 'own_pocket' WHERE code = 'loan_fund'", "account_permanent"),
        ("DELETE FROM account WHERE code = 'bank_advance'", "account_permanent"),
    ],
)
async def test_the_ledger_is_only_added_to(db: None, statement: str, constraint: str) -> None:
    with pytest.raises(asyncpg.RestrictViolationError) as refused:
        await database.execute(statement)

    assert refused.value.constraint_name == constraint


_TRANSFER = "INSERT INTO ledger_transfer (debit_account_id, credit_account_id, amount_rials, kind, plan_id, member_id)"


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE plan SET paid_rials = principal_rials + 1", "plan_paid"),
        ("UPDATE plan SET paid_rials = -1", "plan_paid"),
        ("UPDATE plan SET fee_rials = 1", "plan_amounts"),
        ("UPDATE plan SET kind = 'GIFT'", "plan_kind"),
        ("UPDATE plan SET state = 'LOST'", "plan_state"),
        ("UPDATE plan SET state = 'CLOSED'", "plan_settled"),
        ("UPDATE plan SET paid_rials = principal_rials", "plan_settled"),
        (
            "INSERT INTO plan (member_id, kind, principal_rials) VALUES (0, 'LOAN', 1)",
            "plan_member",
        ),
        ("UPDATE instalment SET paid_rials = amount_rials + 1", "instalment_amounts"),
        ("UPDATE instalment SET paid_rials = amount_rials", "instalment_paid"),
        ("UPDATE instalment SET state = 'PAID'", "instalment_paid"),
        ("UPDATE instalment SET state = 'PARTLY_PAID'", "instalment_paid"),
        ("UPDATE instalment SET state = 'LOST'", "instalment_state"),
        ("UPDATE instalment SET kind = 'GIFT'", "instalment_kind"),
        ("UPDATE instalment SET due_month = 140513", "instalment_due_month"),
        ("UPDATE instalment SET due_month = 202611", "instalment_due_month"),
        ("UPDATE instalment SET number = 0", "instalment_place"),
        ("UPDATE instalment SET number = 1", "instalment_number"),
        ("UPDATE instalment SET number = 1, kind = 'FEE' WHERE number = 2", "instalment_number"),
        ("UPDATE instalment SET failure = 'poor'", "instalment_failure"),
        ("UPDATE instalment SET member_id = (SELECT max(id) FROM member)", "instalment_plan"),
        (f"{_TRANSFER} SELECT 1, 1, 1, 'REVERSAL', NULL, NULL", "ledger_transfer_accounts"),
        (f"{_TRANSFER} SELECT 1, 2, 0, 'REVERSAL', NULL, NULL", "ledger_transfer_amount"),
        (f"{_TRANSFER} SELECT 1, 2, 1, 'GIFT', NULL, NULL", "ledger_transfer_kind"),
        (f"{_TRANSFER} SELECT 1, 2, 1, 'REVERSAL', id, NULL FROM plan", "ledger_transfer_member"),
        (f"{_TRANSFER} SELECT 1, 2, 1, 'REVERSAL', NULL, 0", "ledger_transfer_of_member"),
        (
            f"{_TRANSFER} SELECT 1, 2, 1, 'REVERSAL', plan.id, (SELECT max(id) FROM member) FROM plan",
            "ledger_transfer_plan",
        ),
    ],
)
async def test_the_database_repeats_the_invariants(
    db: None, statement: str, constraint: str
) -> None:
    await debts.plan(await debts.member())
    await debts.member()

    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await database.execute(statement)

    assert refused.value.constraint_name == constraint


@pytest.fixture(scope="module")
def filled_url(postgres: TestPostgres, migrated_template: str) -> Iterator[tuple[str, int]]:
    """2,000 members with 30 instalments each and one with 30,000, whose id comes with the address; for reading."""
    name = postgres.create("deductions", template=migrated_template)
    url = postgres.url(name)

    async def fill() -> int:
        await database.connect(url, statement_timeout_ms=60_000)
        try:
            keys = await places.save(places.draft("s"))
            return await debts.fill(keys["s"], members=2_000, purchases=10, one_has=10_000)
        finally:
            await database.close()

    rich = asyncio.run(fill())
    yield url, rich
    postgres.drop(name)


@pytest.fixture
async def filled(filled_url: tuple[str, int]) -> AsyncIterator[int]:
    url, rich = filled_url
    await database.connect(url)
    yield rich
    await database.close()


async def test_a_page_is_as_quick_for_30000_instalments_as_for_30(filled: int) -> None:
    """By the index, in its order, and not a row more than the page: first page, deep page, page of a period."""
    deep = (await page(filled, months=(140507, None), first=100)).cursors[-1]

    asked = [
        lambda: page(filled),
        lambda: page(filled, months=(140507, None), first=50, after=deep),
        lambda: page(filled, months=(140507, 140509)),
        lambda: page(filled + 1),
    ]
    for each in asked:
        for scan in await debts.scans(each, "FROM instalment i"):
            assert "Index Scan using instalment_by_member_and_month on instalment" in scan.text, (
                scan.text
            )
            assert "Sort" not in scan.text
            assert "Seq Scan" not in scan.text
            assert scan.most_rows <= 51, scan.text


@pytest.mark.parametrize("pages", [0, 50, 290])
async def test_a_page_looks_at_as_few_blocks_for_30000_instalments_as_for_30(
    filled: int, pages: int
) -> None:
    after = None
    for _ in range(pages):
        after = (await page(filled, first=100, after=after)).cursors[-1]
    assert len((await page(filled, first=9, after=after)).items) == 9

    few = await debts.scans(lambda: page(filled + 1, first=9), "FROM instalment i")
    many = await debts.scans(lambda: page(filled, first=9, after=after), "FROM instalment i")

    # A level more of an index, and its next leaf.
    assert max(each.blocks for each in many) <= max(each.blocks for each in few) + 4


async def test_open_instalments_are_found_by_an_index_of_their_own(filled: int) -> None:
    asked = [
        lambda: page(filled, state=InstalmentState.PLANNED),
        lambda: service.next_instalment(viewer=viewer_of(filled)),
    ]
    for each in asked:
        for scan in await debts.scans(each, "FROM instalment i"):
            assert "Index Scan using instalment_collectable on instalment" in scan.text, scan.text
            assert "Sort" not in scan.text
            assert scan.most_rows <= 51, scan.text
