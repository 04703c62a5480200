"""The queries by which approvals are asked for, decided and done; those that show them are in `repository_looking`."""

from dataclasses import asdict
from datetime import datetime
from typing import Final, cast

import asyncpg
import orjson

from backend.approvals.domain import Approval, ApprovalState, Question
from backend.approvals.notice import Notice, TellRule
from backend.core.viewer import Scope
from backend.infra import db
from backend.infra.sealing import Sealed

COLUMNS: Final = (
    "id, public_id, state, kind, object_type, object_id, member_id, province_code, association_id, before, after,"
    " money_effect_rials, reason, approve_permission, fingerprint, digest, maker, maker_created_by,"
    " asked_at, expires_at, not_before, granted_by, granted_at, closed_by, closed_at, outcome_code, outcome_text, runs,"
    " tell_count, tell_rule, cooling_seconds, told_places, untold_places, notice_known_at, ready_at, maker_makers"
)
_ASKED: Final = (
    "public_id", "kind", "object_type", "object_id", "member_id", "province_code", "association_id", "before", "after",
    "money_effect_rials", "reason", "approve_permission", "fingerprint", "maker", "maker_created_by",
    "asked_at", "expires_at", "not_before", "tell_count", "tell_rule", "cooling_seconds",
    "maker_makers",
)  # fmt: skip


async def insert(question: Question, *, digest: str, payload: Sealed) -> Approval | None:
    """Add a question; None where the same kind is open for the same object."""
    values = asdict(question)
    values["before"] = _json(question.before)
    values["after"] = _json(question.after)
    names = (*_ASKED, "state", "digest", "payload_sealed", "payload_key_id")
    places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    row = await db.fetch_one(
        f"""
        INSERT INTO approval ({", ".join(names)}) VALUES ({places})
        ON CONFLICT (kind, object_type, object_id) WHERE state IN ('WAITING', 'GRANTED') DO NOTHING
        RETURNING {COLUMNS}
        """,
        *(values[name] for name in _ASKED),
        ApprovalState.WAITING.value,
        digest,
        payload.ciphertext,
        payload.key_id,
    )
    return None if row is None else approval_of(row)


async def find(approval_id: int) -> Approval | None:
    """An approval, for jobs."""
    row = await db.fetch_one(f"SELECT {COLUMNS} FROM approval WHERE id = $1", approval_id)
    return None if row is None else approval_of(row)


async def lock(approval_id: int, *, scope: Scope) -> Approval | None:
    """Lock an approval within the scope until the transaction ends."""
    arguments: list[object] = [approval_id]
    row = await db.fetch_one(
        f"SELECT {COLUMNS} FROM approval WHERE id = $1 AND {within(scope, arguments)} FOR UPDATE",
        *arguments,
    )
    return None if row is None else approval_of(row)


async def lock_open(*, kind: str, object_type: str, object_id: str) -> Approval | None:
    """Lock the open approval of a kind for an object, of which there is one at most."""
    row = await db.fetch_one(
        f"""
        SELECT {COLUMNS} FROM approval
         WHERE kind = $1 AND object_type = $2 AND object_id = $3 AND state IN ('WAITING', 'GRANTED') FOR UPDATE
        """,
        kind,
        object_type,
        object_id,
    )
    return None if row is None else approval_of(row)


async def lock_open_of(actor: str) -> list[Approval]:
    """Lock the open approvals that an account has asked for or granted."""
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM approval
         WHERE state IN ('WAITING', 'GRANTED') AND (maker = $1 OR granted_by = $1)
         ORDER BY id FOR UPDATE
        """,
        actor,
    )
    return [approval_of(row) for row in rows]


async def find_payload(approval_id: int) -> Sealed | None:
    """The sealed payload of an open approval."""
    row = await db.fetch_one(
        "SELECT payload_sealed, payload_key_id FROM approval WHERE id = $1 AND payload_sealed IS NOT NULL",
        approval_id,
    )
    return None if row is None else Sealed(row["payload_sealed"], row["payload_key_id"])


async def grant(approval_id: int, *, by: str, at: datetime) -> Approval:
    """A waiting approval that the transaction has locked is granted."""
    row = await db.fetch_one(
        f"""
        UPDATE approval SET state = 'GRANTED', granted_by = $2, granted_at = $3
         WHERE id = $1 AND state = 'WAITING' RETURNING {COLUMNS}
        """,
        approval_id,
        by,
        at,
    )
    assert row is not None  # noqa: S101 - locked and looked at by the caller
    return approval_of(row)


async def note(approval_id: int, notice: Notice) -> Approval:
    """Write what became of those who must be told of an open approval that the transaction has locked."""
    row = await db.fetch_one(
        f"""
        UPDATE approval SET told_places = $2, untold_places = $3, notice_known_at = $4, ready_at = $5
         WHERE id = $1 AND closed_at IS NULL RETURNING {COLUMNS}
        """,
        approval_id,
        list(notice.told_places),
        list(notice.untold_places),
        notice.known_at,
        notice.ready_at,
    )
    assert row is not None  # noqa: S101 - locked and looked at by the caller
    return approval_of(row)


async def reopen(approval_id: int) -> Approval:
    """A granted approval that the transaction has locked waits again, as if nobody had granted it."""
    row = await db.fetch_one(
        f"""
        UPDATE approval SET state = 'WAITING', granted_by = NULL, granted_at = NULL, runs = 0
         WHERE id = $1 AND state = 'GRANTED' RETURNING {COLUMNS}
        """,
        approval_id,
    )
    assert row is not None  # noqa: S101 - locked and looked at by the caller
    return approval_of(row)


async def close(
    approval_id: int,
    state: ApprovalState,
    *,
    by: str,
    at: datetime,
    code: str | None = None,
    text: str | None = None,
) -> Approval:
    """An open approval that the transaction has locked is closed, and its payload forgotten."""
    row = await db.fetch_one(
        f"""
        UPDATE approval SET state = $2, closed_by = $3, closed_at = $4, outcome_code = $5, outcome_text = $6,
                            payload_sealed = NULL, payload_key_id = NULL
         WHERE id = $1 AND closed_at IS NULL RETURNING {COLUMNS}
        """,
        approval_id,
        state.value,
        by,
        at,
        code,
        text,
    )
    assert row is not None  # noqa: S101 - locked and looked at by the caller
    return approval_of(row)


async def begin_run(approval_id: int, *, at: datetime) -> int | None:
    """Count a run of a granted approval that has cooled; gives its number, None where there is nothing to run."""
    row = await db.fetch_one(
        """
        UPDATE approval SET runs = runs + 1
         WHERE id = $1 AND state = 'GRANTED' AND coalesce(greatest(not_before, ready_at) <= $2, true) RETURNING runs
        """,
        approval_id,
        at,
    )
    return None if row is None else int(row["runs"])


async def take_back_run(approval_id: int) -> None:
    """A run that could not even try does not count."""
    await db.execute(
        "UPDATE approval SET runs = runs - 1 WHERE id = $1 AND state = 'GRANTED' AND runs > 0",
        approval_id,
    )


async def list_expired(*, at: datetime, limit: int) -> list[int]:
    """Waiting approvals whose time is over."""
    rows = await db.fetch(
        "SELECT id FROM approval WHERE state = 'WAITING' AND expires_at <= $1 ORDER BY id LIMIT $2",
        at,
        limit,
    )
    return [row["id"] for row in rows]


async def list_due(*, at: datetime, granted_before: datetime, limit: int) -> list[int]:
    """Granted approvals that have cooled, or whose job should long have run."""
    rows = await db.fetch(
        """
        SELECT id FROM approval WHERE state = 'GRANTED'
           AND CASE WHEN greatest(not_before, ready_at) > granted_at THEN greatest(not_before, ready_at) <= $1
                    ELSE granted_at <= $2 END
         ORDER BY id LIMIT $3
        """,
        at,
        granted_before,
        limit,
    )
    return [row["id"] for row in rows]


def within(narrowed: Scope, arguments: list[object]) -> str:
    """The condition that keeps to a scope."""
    if narrowed.nation:
        return "true"
    if narrowed.association_id is not None:
        return f"association_id = {add(narrowed.association_id, arguments)}::bigint"
    return f"province_code = ANY({add(sorted(narrowed.province_codes), arguments)}::text[])"


def add(value: object, arguments: list[object]) -> str:
    """Put a value among the arguments; gives its place."""
    arguments.append(value)
    return f"${len(arguments)}"


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def approval_of(row: asyncpg.Record) -> Approval:
    """The approval in a row of COLUMNS."""
    values = dict(row)
    values["state"] = ApprovalState(values["state"])
    values["before"] = cast("dict[str, object]", orjson.loads(values["before"]))
    values["after"] = cast("dict[str, object]", orjson.loads(values["after"]))
    rule = values["tell_rule"]
    values["tell_rule"] = None if rule is None else TellRule(rule)
    makers = values["maker_makers"]
    values["maker_makers"] = None if makers is None else tuple(makers)
    values["told_places"] = tuple(values["told_places"])
    values["untold_places"] = tuple(values["untold_places"])
    return Approval(**values)
