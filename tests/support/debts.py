"""Members with what they owe, written straight into the tables; and what PostgreSQL does for a statement."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from backend.core import calendar, money
from backend.core.viewer import ActorKind, Viewer
from backend.infra import db, sealing
from backend.members import seals
from backend.settings import Settings
from tests.support import plans

NOON = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)  # 30 Aban 1405, Saturday

_numbers = count(1)


def viewer_of(member_id: int) -> Viewer:
    """The member, signed in."""
    return Viewer(
        ActorKind.MEMBER,
        actor=f"member:{member_id}",
        subject=member_id,
        permissions=frozenset({"member.self"}),
    )


async def member(
    *,
    state: str = "ACTIVE",
    net_pension_rials: int | None = 120_000_000,
    other_deductions_rials: int = 0,
    association_code: str | None = None,
) -> int:
    """A member of Fars; gives the id."""
    number = next(_numbers)
    sealing.configure(Settings().sealer())
    sealer = sealing.current()
    code = f"{number:010}"
    index = seals.national_code_index(code, sealer)
    sealed = seals.seal_national_code(code, index=index, sealer=sealer)
    row = await db.fetch_one(
        """
        INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index, first_name, last_name,
                            name_sort_key, birth_date, pension_number, pension_kind, state, province_code,
                            association_code, net_pension_rials, other_deductions_rials)
        VALUES ($1, $2, $3, 'مریم', 'احمدی', 'k', '1950-01-01', $4, 'RETIREMENT', $5, 'IR-07', $6, $7, $8)
        RETURNING id
        """,
        sealed.ciphertext,
        sealed.key_id,
        index,
        str(number),
        state,
        association_code,
        net_pension_rials,
        other_deductions_rials,
    )
    assert row is not None
    return int(row["id"])


async def plan(
    member_id: int,
    *,
    amounts: tuple[int, ...] = (1_000_000, 1_000_000, 1_000_000),
    paid: int = 0,
    first_month: int = 140509,
    kind: str = "PURCHASE",
    fee_rials: int = 0,
    state: str | None = None,
    first_number: int = 1,
) -> int:
    """A plan whose first `paid` instalments are paid in full, the others planned; gives the id.

    It is running until all is paid, unless `state` says otherwise.
    """
    paid_rials = sum(amounts[:paid])
    row = await db.fetch_one(
        "INSERT INTO plan (member_id, kind, principal_rials, fee_rials, paid_rials, state)"
        " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        member_id,
        kind,
        sum(amounts),
        fee_rials,
        paid_rials,
        state or ("RUNNING" if paid_rials < sum(amounts) + fee_rials else "CLOSED"),
    )
    assert row is not None
    plan_id = int(row["id"])
    await db.execute(
        """
        INSERT INTO instalment (plan_id, member_id, number, due_month, amount_rials, paid_rials, state)
        SELECT $1, $2, $6 + n - 1, month, amount, CASE WHEN n <= $5 THEN amount ELSE 0 END,
               CASE WHEN n <= $5 THEN 'PAID' ELSE 'PLANNED' END
          FROM unnest($3::int[], $4::bigint[]) WITH ORDINALITY AS i (month, amount, n)
        """,
        plan_id,
        member_id,
        [calendar.add_months(first_month, n) for n in range(len(amounts))],
        list(amounts),
        paid,
        first_number,
    )
    return plan_id


async def purchase(
    member_id: int,
    store_id: int,
    *,
    amount_rials: int = 3_000_000,
    count: int = 3,
    state: str = "CONFIRMED",
    at: datetime = NOON,
    paid: int = 0,
    refunded_rials: int = 0,
    expires_at: datetime | None = None,
) -> int:
    """A purchase made at `at`, confirmed a minute later with its plan unless its state says no; gives the id."""
    confirmed = state not in {"AWAITING_MEMBER", "DECLINED", "EXPIRED", "CANCELLED"}
    plan_id = None
    if confirmed:
        plan_id = await plan(
            member_id, amounts=money.split_instalments(amount_rials, count), paid=paid
        )
    row = await db.fetch_one(
        """
        INSERT INTO purchase (member_id, store_id, plan_id, amount_rials, instalment_count, state, created_at,
                              expires_at, confirmed_at, refunded_rials)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id
        """,
        member_id,
        store_id,
        plan_id,
        amount_rials,
        count,
        state,
        at,
        expires_at or at + timedelta(minutes=15),
        at + timedelta(minutes=1) if confirmed else None,
        refunded_rials,
    )
    assert row is not None
    return int(row["id"])


async def fill(store_id: int, *, members: int, purchases: int, one_has: int) -> int:
    """Many members with `purchases` each and one with `one_has`, each in 3 instalments; gives that one's id.

    All was bought within 1405, an hour apart, and a third is paid.
    """
    rich = await member()
    await db.execute(
        """
        INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index, first_name, last_name,
                            name_sort_key, birth_date, pension_number, pension_kind, province_code)
        SELECT '', 'k', int8send(n), 'ن', 'ن', 'k', '1950-01-01', 'f' || n, 'RETIREMENT', 'IR-07'
          FROM generate_series(1, $1) n
        """,
        members,
    )
    await db.execute(
        """
        INSERT INTO plan (member_id, kind, principal_rials, paid_rials)
        SELECT m.id, 'PURCHASE', 3000000, 1000000
          FROM member m, generate_series(1, CASE WHEN m.id = $1 THEN $2::int ELSE $3::int END)
        """,
        rich,
        one_has,
        purchases,
    )
    await db.execute(
        """
        INSERT INTO purchase (member_id, store_id, plan_id, amount_rials, instalment_count, state, created_at,
                              confirmed_at)
        SELECT p.member_id, $1, p.id, 3000000, 3, 'CONFIRMED', at, at
          FROM (SELECT *, row_number() OVER (PARTITION BY member_id ORDER BY id) AS n FROM plan) p,
               LATERAL (SELECT '2026-03-25'::timestamptz + p.n * interval '30 minutes' AS at) t
        """,
        store_id,
    )
    await db.execute(
        """
        INSERT INTO instalment (plan_id, member_id, number, due_month, amount_rials, paid_rials, state)
        SELECT p.id, p.member_id, n, 140500 + 1 + (p.id + n) % 12, 1000000,
               CASE n WHEN 1 THEN 1000000 ELSE 0 END, CASE n WHEN 1 THEN 'PAID' ELSE 'PLANNED' END
          FROM plan p, generate_series(1, 3) n
        """
    )
    for table in ("member", "plan", "purchase", "instalment"):
        await db.execute(f"VACUUM ANALYZE {table}")
    return rich


@dataclass(frozen=True, slots=True)
class Scan:
    """What EXPLAIN ANALYZE says of one statement."""

    text: str

    @property
    def most_rows(self) -> int:
        """The most rows that any step gave, over all its loops."""
        steps = [line.split("(actual ")[1] for line in self.text.splitlines() if "(actual " in line]
        words = [dict(part.split("=") for part in step.rstrip(")").split()) for step in steps]
        return max(round(float(each["rows"]) * int(each["loops"])) for each in words)

    @property
    def blocks(self) -> int:
        """The blocks of tables and indexes that the whole statement looked at, in memory or not."""
        whole = re.search("Buffers: shared(?: hit=([0-9]+))?(?: read=([0-9]+))?", self.text)
        assert whole is not None, self.text
        return sum(int(each or 0) for each in whole.groups())


async def scans(ask: Callable[[], Awaitable[object]], mark: str, *, times: int = 8) -> list[Scan]:
    """How PostgreSQL ran the statement with `mark` in it, as often as `times`: after five a plan may be generic."""
    found = await plans.plans_of(ask, mark=re.escape(mark), times=times)
    return [Scan(each) for each in found]
