"""What tests of approvals ask of the thing, the approvals and the trail; of `approval_worker`'s kinds."""

import asyncpg
import orjson

from backend.approvals import reading, service
from backend.approvals.domain import Approval
from backend.core.viewer import SYSTEM, Viewer
from backend.infra import db as database
from backend.infra import sealing
from backend.settings import Settings
from tests.support import approval_worker
from tests.support.approval_worker import operator

MAKER, APPROVER, OTHER = operator(1), operator(2), operator(3)


async def set_up(database_url: str) -> None:
    """Things to be painted, in the database that is connected, and who may still do what."""
    sealing.configure(Settings().sealer())
    service.set_still_may(approval_worker.still_may)
    connection = await asyncpg.connect(database_url)
    await connection.execute(approval_worker.TABLES)
    await connection.close()


async def thing() -> tuple[str, int]:
    row = await database.fetch_one("SELECT colour, painted FROM thing WHERE id = 1")
    assert row is not None
    return row["colour"], row["painted"]


async def found(approval: Approval) -> Approval:
    again = await reading.find_approval(viewer=SYSTEM, approval_id=approval.id)
    assert again is not None
    return again


async def granted(approval: Approval, viewer: Viewer = APPROVER) -> Approval:
    return await service.grant(viewer=viewer, approval_id=approval.id, digest=approval.digest)


async def queued() -> list[dict[str, object]]:
    rows = await database.fetch(
        "SELECT payload FROM pgqueuer WHERE entrypoint = $1 ORDER BY id", service.EXECUTE_JOB
    )
    return [orjson.loads(row["payload"]) for row in rows]


async def trail() -> list[tuple[str, str, str | None]]:
    rows = await database.fetch("SELECT action, actor, on_behalf_of FROM audit_entry ORDER BY id")
    return [tuple(row) for row in rows]
