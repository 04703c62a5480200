"""Every query on loan rounds and applications. Those on applications name the member in each condition.

A list of applications is one statement: the round is joined, the steps come as JSON.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import orjson

from backend.infra import db
from backend.loans.domain import (
    LoanApplication,
    LoanApplicationEvent,
    LoanApplicationState,
    LoanRound,
    LoanRoundState,
    LoanSelection,
    LoanSubmitter,
)

_ROUND_COLUMNS = (
    "id", "title", "state", "amount_rials", "months", "grace_months", "fee_total_rials", "opens_at", "closes_at",
    "selection", "budget_rials", "list_sha256", "seed_source",
)  # fmt: skip
_ROUND = ", ".join(_ROUND_COLUMNS)
_APPLICATION = f"""
    SELECT a.id, a.public_id, a.state, a.amount_rials, a.submitted_at, a.submitted_by, a.plan_id, a.quota, a.rank,
           a.last_selected_rank, a.reasons, {", ".join(f"r.{name} AS round_{name}" for name in _ROUND_COLUMNS)},
           (SELECT json_agg(json_build_array(e.at, e.state, e.note) ORDER BY e.at, e.id)
              FROM (SELECT id, at, state, note FROM loan_application_event
                     WHERE application_id = a.id AND member_id = a.member_id ORDER BY at, id LIMIT $2) e) AS events
      FROM loan_application a JOIN loan_round r ON r.id = a.round_id
"""


async def list_rounds(*, state: LoanRoundState | None, limit: int) -> list[LoanRound]:
    """The rounds that members may see, of a state where that is given, the latest to open first."""
    rows = await db.fetch(
        f"""
        SELECT {_ROUND} FROM loan_round WHERE state <> 'DRAFT' AND ($1::text IS NULL OR state = $1)
         ORDER BY opens_at DESC, id DESC LIMIT $2
        """,
        None if state is None else state.value,
        limit,
    )
    return [_round(row) for row in rows]


async def find_round(round_id: int) -> LoanRound | None:
    """A round that members may see."""
    row = await db.fetch_one(
        f"SELECT {_ROUND} FROM loan_round WHERE id = $1 AND state <> 'DRAFT'", round_id
    )
    return None if row is None else _round(row)


async def list_quotas(*, round_ids: Sequence[int], association_code: str) -> dict[int, int]:
    """The places of an association in these rounds, by round."""
    rows = await db.fetch(
        "SELECT round_id, places FROM loan_quota WHERE round_id = ANY($1::bigint[]) AND association_code = $2",
        list(round_ids),
        association_code,
    )
    return {row["round_id"]: row["places"] for row in rows}


async def list_applications(
    *, member_id: int, after_id: int | None, limit: int, events: int
) -> list[LoanApplication]:
    """A member's applications, newest first, after the one with `after_id`."""
    beyond = "" if after_id is None else (
        "AND (a.submitted_at, a.id) < (SELECT seen.submitted_at, seen.id FROM loan_application seen"
        " WHERE seen.member_id = $1 AND seen.id = $4)"
    )  # fmt: skip
    rows = await db.fetch(
        f"""
        {_APPLICATION} WHERE a.member_id = $1 {beyond}
         ORDER BY a.submitted_at DESC, a.id DESC LIMIT $3
        """,
        member_id,
        events,
        limit,
        *(() if after_id is None else (after_id,)),
    )
    return [_application(row) for row in rows]


async def find_application(
    *, member_id: int, application_id: int, events: int
) -> LoanApplication | None:
    """A member's application by its id."""
    row = await db.fetch_one(
        f"{_APPLICATION} WHERE a.member_id = $1 AND a.id = $3", member_id, events, application_id
    )
    return None if row is None else _application(row)


async def list_by_plans(
    *, member_id: int, plan_ids: Sequence[int], events: int
) -> list[LoanApplication]:
    """A member's applications that hold these plans, in no order."""
    rows = await db.fetch(
        f"{_APPLICATION} WHERE a.member_id = $1 AND a.plan_id = ANY($3::bigint[])",
        member_id,
        events,
        list(plan_ids),
    )
    return [_application(row) for row in rows]


def _round(row: asyncpg.Record, prefix: str = "") -> LoanRound:
    value = {name: row[f"{prefix}{name}"] for name in _ROUND_COLUMNS}
    return LoanRound(
        **{
            **value,
            "state": LoanRoundState(value["state"]),
            "selection": LoanSelection(value["selection"]),
        }
    )


def _application(row: asyncpg.Record) -> LoanApplication:
    return LoanApplication(
        id=row["id"],
        public_id=row["public_id"],
        round=_round(row, prefix="round_"),
        state=LoanApplicationState(row["state"]),
        amount_rials=row["amount_rials"],
        submitted_at=row["submitted_at"],
        submitted_by=LoanSubmitter(row["submitted_by"]),
        plan_id=row["plan_id"],
        quota=row["quota"],
        rank=row["rank"],
        last_selected_rank=row["last_selected_rank"],
        reasons=tuple(orjson.loads(row["reasons"])),
        timeline=tuple(
            LoanApplicationEvent(datetime.fromisoformat(at), LoanApplicationState(state), note)
            for at, state, note in orjson.loads(row["events"] or b"[]")
        ),
    )
