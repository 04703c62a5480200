"""What the seed writes of loans: two past rounds and an open one, applications by COPY, their steps from these."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.infra import db
from backend.loans.domain import LoanApplicationState, LoanRoundState, LoanSubmitter

TABLES = ("loan_application", "loan_application_event")

_COLUMNS = (
    "id", "member_id", "round_id", "state", "amount_rials", "submitted_at", "submitted_by", "plan_id", "quota",
    "rank", "last_selected_rank", "reasons",
)  # fmt: skip
_NULL = "\\N"
_ROUND = """
    INSERT INTO loan_round (title, state, amount_rials, months, fee_total_rials, opens_at, closes_at, selection,
                            budget_rials, list_sha256)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 'SCORE', $8, $9) RETURNING id
"""
_QUOTAS = """
    INSERT INTO loan_quota (round_id, association_code, places)
    SELECT r, code, $3 FROM unnest($1::bigint[]) r, unnest($2::text[]) code
"""
_EVENTS = """
    INSERT INTO loan_application_event (application_id, member_id, at, state)
    SELECT a.id, a.member_id, a.submitted_at + e.days * interval '1 day', e.state
      FROM loan_application a JOIN loan_round r ON r.id = a.round_id,
           LATERAL (VALUES
               ('SUBMITTED', 0, true),
               ('SELECTED', 40, a.plan_id IS NOT NULL), ('SENT_TO_BANK', 45, a.plan_id IS NOT NULL),
               ('DISBURSED', 60, a.plan_id IS NOT NULL), ('REPAYING', 61, a.plan_id IS NOT NULL),
               (a.state, 40, a.state IN ('NOT_SELECTED', 'REFUSED')),
               ('CLOSED', 61 + 30 * r.months, a.state = 'CLOSED')
           ) e (state, days, happened)
     WHERE e.happened ORDER BY a.id, e.days
"""


@dataclass(frozen=True, slots=True)
class SeedRound:
    """A round to be written; amounts in rials."""

    title: str
    state: LoanRoundState
    amount_rials: int
    months: int
    fees_rials: tuple[int, ...]
    opens_at: datetime
    closes_at: datetime
    budget_rials: int
    list_sha256: str | None


@dataclass(frozen=True, slots=True)
class SeedApplication:
    """An application to be written."""

    id: int
    member_id: int
    round_id: int
    state: LoanApplicationState
    amount_rials: int
    submitted_at: datetime
    submitted_by: LoanSubmitter
    plan_id: int | None
    quota: int | None
    rank: int | None
    last_selected_rank: int | None
    reason: str | None


def rows_of(applications: Sequence[SeedApplication]) -> bytes:
    """The applications as COPY text."""
    return "".join([_row(each) for each in applications]).encode()


async def write_rounds(
    connection: db.RawConnection,
    rounds: Sequence[SeedRound],
    *,
    association_codes: Sequence[str],
    places: int,
) -> list[int]:
    """Write the rounds, each with so many places for each association; gives their ids in order."""
    ids = [
        int(
            await connection.fetchval(
                _ROUND,
                each.title,
                each.state.value,
                each.amount_rials,
                each.months,
                sum(each.fees_rials),
                each.opens_at,
                each.closes_at,
                each.budget_rials,
                each.list_sha256,
            )
        )
        for each in rounds
    ]
    await connection.execute(_QUOTAS, ids, list(association_codes), places)
    return ids


async def copy_applications(connection: db.RawConnection, rows: bytes) -> None:
    """Write what `rows_of` gave."""
    await connection.copy_to_table(
        "loan_application", columns=_COLUMNS, source=io.BytesIO(rows), format="text"
    )


async def write_events(connection: db.RawConnection) -> None:
    """Write the steps of all applications."""
    await connection.execute(_EVENTS)


def _row(each: SeedApplication) -> str:
    cells = (
        each.id, each.member_id, each.round_id, each.state, each.amount_rials, each.submitted_at,
        each.submitted_by, each.plan_id, each.quota, each.rank, each.last_selected_rank,
    )  # fmt: skip
    reasons = "[]" if each.reason is None else f'["{each.reason}"]'
    return "\t".join(_NULL if cell is None else str(cell) for cell in cells) + f"\t{reasons}\n"
