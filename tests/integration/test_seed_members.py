"""The seed of members against a real database: whole, within credit, repeatable, never mixed with real members."""

import re
from datetime import timedelta

import asyncpg
import pytest

from backend.club_seed import disk, filling, repository_indexes, workers
from backend.club_seed.disk import DiskTooSmall
from backend.club_seed.filling import Outcome
from backend.club_seed.refusals import ForeignMembers, NoStores, OtherSeed, TooMany
from backend.club_seed.repository_indexes import TakenOff
from backend.core import calendar, clock, identifiers, money
from backend.core.errors import Forbidden, Unauthenticated
from backend.core.viewer import ANONYMOUS, SYSTEM
from backend.infra import db as database
from backend.infra import sealing
from backend.members import seals
from backend.members import service as members
from backend.members.domain import MemberState
from backend.members.seed import numbers
from backend.purchases import credit
from backend.purchases import service as purchases
from backend.purchases.domain import PurchaseFilter, Waiting
from tests.support import debts, member_workers
from tests.support.club_seeds import MEMBERS, PURCHASES, count, ignore, seed, seed_stores
from tests.support.debts import NOON

TABLES = (
    "member", "plan", "instalment", "ledger_transfer", "purchase", "loan_round", "loan_quota", "loan_application",
    "loan_application_event", "notice", "file_read", "store_favourite",
)  # fmt: skip


@pytest.fixture(autouse=True)
async def ready(db: None) -> None:
    member_workers.prepare()


async def contents() -> dict[str, str]:
    """A digest of every table, without what is drawn anew each time."""
    drawn = "'{national_code_sealed,iban_sealed,club_secret,created_at,changed_at,state_changed_at,public_id}'"
    found = {}
    for table in TABLES:
        kept = drawn if table == "member" else "'{public_id,xid}'"
        row = await database.fetch_one(
            f"SELECT md5(coalesce(string_agg(line, '' ORDER BY line), '')) AS digest"
            f" FROM (SELECT (to_jsonb(t) - {kept}::text[])::text AS line FROM {table} t) l"
        )
        assert row is not None
        found[table] = str(row["digest"])
    return found


async def structure() -> list[str]:
    """Every index and constraint of the tables; PostgreSQL writes casts in another way after a re-creation."""
    rows = await database.fetch(
        """
        SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') AS text FROM pg_index
         WHERE indrelid = ANY($1::text[]::regclass[])
        UNION ALL SELECT conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
         WHERE conrelid = ANY($1::text[]::regclass[]) ORDER BY 1
        """,
        list(TABLES),
    )
    casts = re.compile(r"::(character varying|text)(\[\])?|[()]")
    return sorted(casts.sub("", row["text"]) for row in rows)


async def test_all_is_written_and_the_tables_keep_their_indexes_and_references() -> None:
    await seed_stores()
    before = await structure()

    outcome = await seed()

    assert (outcome.members, outcome.purchases) == (MEMBERS, PURCHASES)
    assert outcome.members == await count("member")
    assert outcome.purchases == await count("purchase")
    assert outcome.instalments == await count("instalment")
    assert outcome.transfers == await count("ledger_transfer")
    assert await structure() == before
    assert await count("notice_default") == 0
    assert await count("file_read") > 0
    assert await count("loan_round WHERE state = 'OPEN'") == 1
    assert await count("loan_round WHERE state <> 'OPEN'") == 2
    assert await count("loan_application") == await count(
        "loan_application_event WHERE state = 'SUBMITTED'"
    )


async def test_instalments_are_those_of_the_house_and_sum_up() -> None:
    await seed_stores()
    await seed()

    plans = await database.fetch(
        """
        SELECT p.kind, p.principal_rials, p.fee_rials, p.paid_rials, p.state, p.created_at,
               array_agg(i.amount_rials ORDER BY i.number) FILTER (WHERE i.kind = 'PRINCIPAL') AS parts,
               array_agg(i.due_month ORDER BY i.number) AS months,
               sum(i.amount_rials) FILTER (WHERE i.kind = 'FEE') AS fees, sum(i.paid_rials) AS paid
          FROM plan p JOIN instalment i ON i.plan_id = p.id GROUP BY p.id
        """
    )
    assert len(plans) == await count("plan")
    for plan in plans:
        parts = plan["parts"]
        assert tuple(parts) == money.split_instalments(plan["principal_rials"], len(parts))
        assert plan["fee_rials"] == (plan["fees"] or 0)
        assert plan["paid_rials"] == plan["paid"]
        months = plan["months"]
        assert months == [calendar.add_months(months[0], place) for place in range(len(months))]
        if plan["kind"] == "PURCHASE":
            day = plan["created_at"].astimezone(clock.TEHRAN).date()
            late = int(calendar.format_jalali_date(day)[-2:] > "20")
            assert months[0] == calendar.add_months(calendar.month_of(day), late)


async def test_the_ledger_holds_each_movement_of_a_plan_once() -> None:
    await seed_stores()
    await seed()

    rows = await database.fetch(
        """
        SELECT p.principal_rials + p.fee_rials AS owed, p.paid_rials,
               sum(t.amount_rials) FILTER (WHERE d.code = 'members_receivable') AS lent,
               coalesce(sum(t.amount_rials) FILTER (WHERE t.kind = 'INSTALMENT_COLLECTED'), 0) AS collected,
               coalesce(sum(t.amount_rials) FILTER (WHERE c.code = 'members_receivable'), 0) AS taken_off,
               CASE p.state WHEN 'CANCELLED' THEN p.principal_rials ELSE p.paid_rials END AS settled
          FROM plan p JOIN ledger_transfer t ON t.plan_id = p.id AND t.member_id = p.member_id
          JOIN account d ON d.id = t.debit_account_id JOIN account c ON c.id = t.credit_account_id
         GROUP BY p.id
        """
    )
    assert len(rows) == await count("plan")
    assert all(row["owed"] == row["lent"] and row["paid_rials"] == row["collected"] for row in rows)
    assert all(row["taken_off"] == row["settled"] for row in rows)
    assert await count("ledger_transfer WHERE created_at > '2026-11-21 08:30+00'") == 0


async def test_nobody_owes_more_than_the_credit_line_and_the_monthly_cap() -> None:
    await seed_stores()
    await seed()

    rows = await database.fetch(
        """
        SELECT m.state, m.net_pension_rials, m.other_deductions_rials,
               coalesce((SELECT sum(principal_rials - paid_rials) FROM plan p
                 WHERE p.member_id = m.id AND p.state = 'RUNNING' AND p.kind = 'PURCHASE'), 0) AS used,
               (SELECT array_agg(ARRAY[amount_rials, instalment_count]) FROM purchase p
                 WHERE p.member_id = m.id AND p.state = 'AWAITING_MEMBER') AS waiting,
               coalesce((SELECT max(total) FROM (
                   SELECT sum(amount_rials - paid_rials) AS total FROM instalment i
                    WHERE i.member_id = m.id AND i.state NOT IN ('PAID', 'CANCELLED')
                    GROUP BY greatest(i.due_month, 140508)) d), 0) AS most
          FROM member m
        """
    )
    owing = 0
    for row in rows:
        line = credit.credit_line(
            credit.Standing(
                state=MemberState(row["state"]),
                net_pension_rials=row["net_pension_rials"],
                other_deductions_rials=row["other_deductions_rials"],
                used_rials=int(row["used"]),
                waiting=tuple(Waiting(*each) for each in row["waiting"] or ()),
                dues=(),
                today=NOON.date(),
            ),
            credit.CreditPolicy(),
        )
        assert line.used_rials + line.reserved_rials <= line.limit_rials
        assert row["most"] <= line.monthly_cap_rials
        owing += row["used"] > 0
    assert owing > MEMBERS // 10


async def test_a_seeded_member_signs_in_by_the_own_numbers_and_reads_the_own_purchases() -> None:
    await seed_stores()
    await seed()
    row = await database.fetch_one(
        """
        SELECT id, phone, national_code_index, national_code_sealed, national_code_key_id, iban_sealed, iban_key_id
          FROM member m
         WHERE state = 'ACTIVE' AND phone IS NOT NULL AND iban_sealed IS NOT NULL
           AND EXISTS (SELECT FROM purchase p WHERE p.member_id = m.id) ORDER BY id LIMIT 1
        """
    )
    assert row is not None
    sealer = sealing.current()
    index = row["national_code_index"]
    code = seals.open_national_code(
        sealing.Sealed(row["national_code_sealed"], row["national_code_key_id"]),
        index=index,
        sealer=sealer,
    )
    account = seals.open_iban(
        sealing.Sealed(row["iban_sealed"], row["iban_key_id"]), index=index, sealer=sealer
    )

    found = await members.find_for_sign_in(
        national_code=identifiers.normalize_national_code(code), phone=row["phone"]
    )

    assert found is not None
    assert found.id == row["id"]
    assert identifiers.normalize_iban(account) == account
    viewer = debts.viewer_of(found.id)
    page = await purchases.list_purchases(
        viewer=viewer, matching=PurchaseFilter(), first=20, after=None
    )
    assert len(page.items) == min(20, await count(f"purchase WHERE member_id = {found.id}"))
    assert (await members.get_member(viewer=viewer)).id == found.id


async def test_the_same_again_changes_nothing() -> None:
    await seed_stores()
    await seed()
    before = await contents()

    assert await seed() == Outcome()

    assert await contents() == before


async def test_two_databases_hold_the_same_data() -> None:
    await seed_stores()
    await seed()
    first = await contents()
    # The ledger and the trail forbid it; nobody but a test that owns the tables takes that away.
    await database.execute(
        "BEGIN; SET LOCAL session_replication_role = replica;"
        " TRUNCATE member, loan_round, notice, file_read, store_favourite RESTART IDENTITY CASCADE; COMMIT"
    )

    await seed()

    assert await contents() == first


@pytest.mark.parametrize(("count_asked", "number"), [(MEMBERS + 1, 1), (MEMBERS, 2)])
async def test_another_seed_or_number_is_refused(count_asked: int, number: int) -> None:
    await seed_stores()
    await seed()
    before = await contents()

    with pytest.raises(OtherSeed):
        await seed(count_asked, number=number)

    assert await contents() == before


async def test_a_database_with_real_members_is_refused() -> None:
    await seed_stores()
    await debts.member()

    with pytest.raises(ForeignMembers):
        await seed()

    assert await count("member") == 1


async def test_new_rows_follow_the_seeded_ones() -> None:
    await seed_stores()
    await seed(50, 50)

    member_id = await debts.member()
    plan_id = await debts.plan(member_id)

    assert member_id == 51
    assert plan_id > 50


async def test_worker_processes_make_the_members_of_many_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "CHUNKS_HERE", 1)
    await seed_stores()

    outcome = await seed(5_010, 0)

    assert outcome.members == 5_010
    assert await count("(SELECT DISTINCT national_code_index FROM member) m") == 5_010
    assert (
        await count(f"member WHERE starts_with(pension_number, '{numbers.PENSION_PREFIX}')")
        == 5_010
    )


async def test_without_stores_nothing_is_written() -> None:
    with pytest.raises(NoStores):
        await seed()

    assert await count("member") + await count("loan_round") == 0


@pytest.mark.parametrize(
    ("count_asked", "bought"),
    [(0, 0), (filling.MAX_MEMBERS + 1, 0), (1, -1), (1, filling.MAX_PURCHASES + 1)],
)
async def test_unreasonable_numbers_are_refused(count_asked: int, bought: int) -> None:
    with pytest.raises(TooMany):
        await seed(count_asked, bought)


async def test_strangers_and_others_are_turned_away() -> None:
    for viewer, refusal in ((ANONYMOUS, Unauthenticated), (debts.viewer_of(1), Forbidden)):
        with pytest.raises(refusal):
            await filling.seed_members(
                viewer=viewer,
                members_count=1,
                purchases_count=0,
                seed=1,
                prepare=member_workers.prepare,
                progress=ignore,
            )


def test_a_disk_without_room_is_refused() -> None:
    with pytest.raises(DiskTooSmall):
        disk.check_room("/", 10**18)

    assert disk.check_room(None, 10**18) is None
    assert disk.needed_bytes(members=3_000_000, purchases=3_000_000) > 20 * 10**9


async def test_the_same_day_counts_in_tehran() -> None:
    await seed_stores()
    with clock.frozen(NOON + timedelta(hours=13)):  # past midnight in Tehran
        outcome = await filling.seed_members(
            viewer=SYSTEM,
            members_count=100,
            purchases_count=200,
            seed=1,
            prepare=member_workers.prepare,
            progress=ignore,
        )

    assert outcome.purchases == 200


async def test_no_time_limit_of_the_pool_or_the_role_cuts_an_index_that_takes_long(
    database_url: str,
) -> None:
    connection: database.RawConnection = await asyncpg.connect(
        database_url,
        command_timeout=0.5,
        server_settings={"statement_timeout": "500", "transaction_timeout": "800"},
    )
    try:
        async with connection.transaction():
            await repository_indexes.lift_limits(connection)
            # It stands for a CREATE INDEX that takes longer than any of the three limits.
            await repository_indexes.put_back(
                connection, TakenOff(("SELECT pg_sleep(1)",)), lambda _: None
            )
    finally:
        await connection.close()
