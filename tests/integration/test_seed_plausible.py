"""What the seed makes is plausible and obeys the rules: shares of states, what is reserved, favourites."""

import json
from datetime import timedelta

import asyncpg
import pytest

from backend.core import clock
from backend.infra import db as database
from backend.purchases import service as purchases
from tests.support import club_seeds, debts, member_workers
from tests.support.club_seeds import count
from tests.support.debts import NOON

MEMBERS, PURCHASES = 1_000, 4_000


@pytest.fixture(autouse=True)
async def seeded(db: None) -> None:
    member_workers.prepare()
    await club_seeds.seed_stores()
    await club_seeds.seed(MEMBERS, PURCHASES)


async def rows(sql: str) -> list[asyncpg.Record]:
    return await database.fetch(sql)


async def shares() -> dict[str, float]:
    found = await rows("SELECT state, count(*) AS count FROM purchase GROUP BY state")
    return {row["state"]: row["count"] / PURCHASES for row in found}


async def test_every_state_that_a_purchase_can_have_by_now_has_its_share() -> None:
    found = await shares()

    assert found.keys() == {
        "AWAITING_MEMBER", "CONFIRMED", "CLOSED", "DECLINED", "CANCELLED", "EXPIRED", "REFUNDED",
    }  # fmt: skip
    assert 0.002 < found["AWAITING_MEMBER"] < 0.015
    assert 0.004 < found["REFUNDED"] < 0.013
    for state in ("DECLINED", "CANCELLED", "EXPIRED"):
        assert 0.005 < found[state] < 0.016
    assert found["CONFIRMED"] > 0.1
    assert found["CLOSED"] > 0.2


async def test_what_awaits_a_member_was_just_opened_and_is_the_only_one() -> None:
    found = await rows(
        """
        SELECT p.created_at, p.expires_at, m.state AS member_state,
               count(*) OVER (PARTITION BY p.member_id) AS of_member
          FROM purchase p JOIN member m ON m.id = p.member_id WHERE p.state = 'AWAITING_MEMBER'
        """
    )

    assert found
    for row in found:
        assert NOON - timedelta(hours=1) < row["created_at"] < NOON
        assert row["expires_at"] == row["created_at"] + timedelta(days=1)
        assert (row["member_state"], row["of_member"]) == ("ACTIVE", 1)


async def test_what_no_longer_awaits_anybody_has_expired_or_was_answered() -> None:
    assert await count(
        f"purchase WHERE state <> 'AWAITING_MEMBER' AND plan_id IS NULL AND expires_at <= '{NOON}'"
    ) == await count("purchase WHERE state IN ('DECLINED', 'CANCELLED', 'EXPIRED')")


async def test_used_and_reserved_credit_stay_within_every_limit() -> None:
    """The policy's numbers written out: the smaller of 50 million toman and three pensions; a quarter a month."""
    beyond = await rows(
        """
        SELECT m.id FROM member m,
               LATERAL (SELECT CASE m.state WHEN 'ACTIVE' THEN coalesce(m.net_pension_rials, 0) ELSE 0 END
                            AS pension) p,
               LATERAL (SELECT coalesce(sum(principal_rials - paid_rials), 0) AS rials FROM plan
                         WHERE member_id = m.id AND kind = 'PURCHASE' AND state = 'RUNNING') used,
               LATERAL (SELECT coalesce(sum(amount_rials), 0) AS rials,
                               coalesce(sum(amount_rials / instalment_count), 0) AS monthly
                          FROM purchase WHERE member_id = m.id AND state = 'AWAITING_MEMBER') reserved
         WHERE used.rials + reserved.rials > least(500000000, 3 * p.pension)
            OR reserved.monthly > greatest(0, p.pension / 4 - m.other_deductions_rials)
        """
    )

    assert beyond == []


async def test_a_reservation_shows_in_the_credit_line_until_it_expires() -> None:
    [row] = await rows(
        "SELECT member_id, amount_rials, expires_at FROM purchase WHERE state = 'AWAITING_MEMBER' ORDER BY id LIMIT 1"
    )
    viewer = debts.viewer_of(row["member_id"])

    with clock.frozen(NOON):
        line = await purchases.credit_line(viewer=viewer)
        [waiting] = await purchases.list_awaiting(viewer=viewer)
    with clock.frozen(row["expires_at"]):
        later = await purchases.credit_line(viewer=viewer)
        assert await purchases.list_awaiting(viewer=viewer) == []

    assert line.reserved_rials == waiting.amount_rials == row["amount_rials"]
    assert line.available_rials == line.limit_rials - line.used_rials - row["amount_rials"]
    assert later.reserved_rials == 0
    assert later.available_rials == line.available_rials + row["amount_rials"]


async def test_what_was_refunded_is_owed_no_more_and_balances_in_the_ledger() -> None:
    found = await rows(
        """
        SELECT p.amount_rials, p.refunded_rials, plan.state AS plan_state, plan.paid_rials,
               (SELECT array_agg(DISTINCT i.state) FROM instalment i WHERE i.plan_id = plan.id) AS instalment_states,
               (SELECT jsonb_object_agg(t.kind, ARRAY[d.code, c.code, t.amount_rials::text])::text
                  FROM ledger_transfer t JOIN account d ON d.id = t.debit_account_id
                  JOIN account c ON c.id = t.credit_account_id WHERE t.plan_id = plan.id) AS movements
          FROM purchase p JOIN plan ON plan.id = p.plan_id WHERE p.state = 'REFUNDED'
        """
    )

    assert found
    for row in found:
        amount = row["amount_rials"]
        assert (row["refunded_rials"], row["plan_state"], row["paid_rials"]) == (
            amount,
            "CANCELLED",
            0,
        )
        assert row["instalment_states"] == ["CANCELLED"]
        assert json.loads(row["movements"]) == {
            "PURCHASE_CONFIRMED": ["members_receivable", "stores_payable", str(amount)],
            "PURCHASE_REFUNDED": ["stores_payable", "members_receivable", str(amount)],
        }
    assert await count("plan WHERE state = 'CANCELLED'") == len(found)
    assert await count("purchase WHERE refunded_rials > 0") == len(found)


async def test_some_members_have_a_few_different_favourites_of_their_own_province() -> None:
    found = await rows(
        """
        SELECT count(*) AS count, count(DISTINCT f.store_id) AS different,
               bool_and(s.province_code = m.province_code OR NOT EXISTS (
                   SELECT FROM store o WHERE o.province_code = m.province_code)) AS at_home,
               array_agg(f.created_at ORDER BY f.id) AS moments
          FROM store_favourite f JOIN member m ON m.id = f.member_id JOIN store s ON s.id = f.store_id
         GROUP BY f.member_id
        """
    )

    assert 0.12 * MEMBERS < len(found) < 0.18 * MEMBERS
    assert {row["count"] for row in found} == {1, 2, 3, 4, 5}
    for row in found:
        assert row["count"] == row["different"]
        assert row["at_home"]
        assert row["moments"] == sorted(row["moments"])
        assert row["moments"][-1] <= NOON
