"""Approvals of the tests' own kinds, and a worker process that executes them: `python -m tests.support.approval_worker
URL HEARTBEAT`.
"""

import asyncio
import os
import signal
import sys
from datetime import datetime, timedelta

from backend.approvals import jobs as approval_jobs  # noqa: F401 - importing it registers the job
from backend.approvals import service
from backend.approvals.domain import Approval, Execution
from backend.core.errors import DomainError, sentences
from backend.core.permissions import Permission
from backend.core.viewer import ActorKind, Scope, Viewer
from backend.infra import db, job_worker, sealing, telemetry
from backend.settings import Settings

TABLES = """
CREATE TABLE thing (
    id bigint PRIMARY KEY, colour text NOT NULL, painted int NOT NULL DEFAULT 0, moved_to text, moved_into bigint
);
CREATE TABLE thing_mark (id bigserial PRIMARY KEY, what text, pid int);
CREATE TABLE thing_gate (is_open boolean);
CREATE TABLE thing_lost (actor text, permission text);
INSERT INTO thing VALUES (1, 'red'), (2, 'red'), (3, 'red');
"""
PAINT, FAIL, REFUSE, FORGET = "test.paint", "test.fail", "test.refuse", "test.forget"
ASK, APPROVE = "test.ask", "test.approve"


class TooDark(DomainError):
    """What the executor of REFUSE says."""

    code = "TEST_TOO_DARK"
    texts = sentences(fa="خیلی تیره است.", en="It is too dark.")
    hints = sentences(fa="روشن‌تر.", en="Brighter.")


async def mark(what: str) -> None:
    """Leave a mark that stays whatever becomes of the transaction."""
    connection = await db.open_own()
    try:
        await connection.execute(
            "INSERT INTO thing_mark (what, pid) VALUES ($1, $2)", what, os.getpid()
        )
    finally:
        await connection.close()


async def _paint(execution: Execution) -> None:
    """Paint the thing; with `gated` wait, in the transaction, until somebody opens the gate."""
    thing = await db.fetch_one(
        "SELECT colour, moved_to, moved_into FROM thing WHERE id = $1 FOR UPDATE",
        int(execution.approval.object_id),
    )
    asked = execution.approval
    execution.require_unchanged(
        None if thing is None else thing["colour"],
        province_code=asked.province_code
        if thing is None
        else thing["moved_to"] or asked.province_code,
        association_id=asked.association_id
        if thing is None
        else thing["moved_into"] or asked.association_id,
    )
    await db.execute(
        "UPDATE thing SET colour = $2, painted = painted + 1 WHERE id = $1",
        int(execution.approval.object_id),
        execution.payload["colour"],
    )
    if execution.payload.get("gated"):
        await mark("painted")
        while not await db.fetch("SELECT FROM thing_gate WHERE is_open"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _compare(execution: Execution) -> None:
    asked = execution.approval
    execution.require_unchanged(
        asked.fingerprint, province_code=asked.province_code, association_id=asked.association_id
    )


async def _fail(execution: Execution) -> None:
    await db.execute("UPDATE thing SET painted = painted + 1")
    _compare(execution)
    raise LookupError("no such colour")


async def _refuse(execution: Execution) -> None:
    await db.execute("UPDATE thing SET painted = painted + 1")
    _compare(execution)
    raise TooDark


async def _forget(_execution: Execution) -> None:
    await db.execute("UPDATE thing SET painted = painted + 1")


async def _dropped(approval: Approval) -> None:
    await db.execute(
        "INSERT INTO thing_mark (what) VALUES ($1)", f"{approval.id} {approval.state.value}"
    )


async def still_may(
    actor: str,
    permission: str,
    *,
    province_code: str | None,
    association_id: int | None,
    anywhere: bool = False,
    by_role: bool = False,
    held: bool = False,
) -> bool:
    """Everybody may but for whom `thing_lost` names, wherever it is."""
    del province_code, association_id, anywhere, by_role, held
    lost = "SELECT FROM thing_lost WHERE actor = $1 AND permission = $2"
    return not await db.fetch(lost, actor, permission)


service.register(PAINT, _paint, ask_permission=ASK, dropped=_dropped, revealed=("colour", "shade"))
service.register(FAIL, _fail, ask_permission=ASK)
service.register(REFUSE, _refuse, ask_permission=ASK)
service.register(FORGET, _forget, ask_permission=ASK)


def operator(
    number: int,
    *,
    permissions: frozenset[str] = frozenset({ASK, APPROVE, Permission.APPROVALS_READ}),
    scope: Scope = Scope(nation=True),  # noqa: B008 - frozen
    created_by: str | None = None,
    own_member_id: int | None = None,
    reauthenticated_at: datetime | None = None,
) -> Viewer:
    """An operator who may ask and approve what the tests' kinds do."""
    return Viewer(
        ActorKind.OPERATOR,
        actor=f"operator:{number}",
        permissions=permissions,
        scope=scope,
        created_by=created_by,
        own_member_id=own_member_id,
        reauthenticated_at=reauthenticated_at,
    )


async def ask(viewer: Viewer, **changed: object) -> Approval:
    """Ask that thing 1, which is red, is painted green."""
    arguments: dict[str, object] = {
        "kind": PAINT,
        "object_type": "Thing",
        "object_id": "1",
        "member_id": None,
        "payload": {"colour": "green"},
        "before": {"colour": "red"},
        "after": {"colour": "green"},
        "money_effect_rials": None,
        "reason": "رنگ کهنه است",
        "approve_permission": APPROVE,
        "fingerprint": "red",
        "province_code": None,
        "expires_in": timedelta(days=7),
        "not_before": None,
    }
    return await service.ask(viewer=viewer, **(arguments | changed))  # type: ignore[arg-type]  # of the test's own making


async def main(url: str, heartbeat: str) -> None:
    telemetry.configure_logging(level="INFO", json=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sealing.configure(Settings().sealer())
    service.set_still_may(still_may)
    await db.connect(url, pool_max=4)
    try:
        await job_worker.run_worker(url, stop=stop, heartbeat_seconds=float(heartbeat))
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
