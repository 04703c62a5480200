"""An SMS gateway that refuses some numbers and loses the answers about others; and jobs that may fail at it."""

import orjson

from backend.infra import db, jobs
from backend.infra.sms import port as sms


class ChoosyGateway:
    """Sends to all but those whom it refuses for good, or whose answers are lost. `sent` has who got a message."""

    def __init__(self, *, refused: set[str] | None = None, lost: set[str] | None = None) -> None:
        self.refused = refused or set()
        self.lost = lost or set()
        self.sent: list[str] = []

    async def send(self, *, to: str, text: str, message_id: str) -> None:
        del text, message_id
        if to in self.refused:
            raise sms.SmsRefused
        if to in self.lost:
            raise sms.SmsUncertain
        self.sent.append(to)

    async def close(self) -> None:
        """Nothing is open."""


def configure(*, refused: set[str] | None = None, lost: set[str] | None = None) -> ChoosyGateway:
    """Send by such a gateway from now on."""
    gateway = ChoosyGateway(refused=refused, lost=lost)
    sms.configure(gateway)
    return gateway


async def try_jobs() -> int:
    """Try each queued job once, as a worker does; those that fail stay queued. Gives how many failed."""
    failed = 0
    for row in await db.fetch("SELECT id, entrypoint, payload FROM pgqueuer ORDER BY id"):
        try:
            await jobs.registered()[row["entrypoint"]].handler(orjson.loads(row["payload"]))
        except sms.SmsFailed:
            failed += 1
        else:
            await db.execute("DELETE FROM pgqueuer WHERE id = $1", row["id"])
    return failed
