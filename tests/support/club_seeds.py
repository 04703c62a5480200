"""Small seeds of members in the test's database."""

from backend.club_seed import filling
from backend.club_seed.filling import Outcome
from backend.core import clock
from backend.core.viewer import SYSTEM
from backend.infra import db
from backend.stores import seeding as stores
from tests.support import member_workers
from tests.support.debts import NOON

MEMBERS, PURCHASES = 600, 900


def ignore(_step: str, _done: int, _of: int) -> None:
    """Nobody looks at the progress."""


async def seed_stores() -> None:
    """Sixty stores for the members to buy in."""
    await stores.seed_stores(
        viewer=SYSTEM, count=60, seed=1, today=NOON.date(), progress=lambda _: None
    )


async def seed(count: int = MEMBERS, bought: int = PURCHASES, *, number: int = 1) -> Outcome:
    """Members and purchases as of noon."""
    with clock.frozen(NOON):
        return await filling.seed_members(
            viewer=SYSTEM,
            members_count=count,
            purchases_count=bought,
            seed=number,
            prepare=member_workers.prepare,
            progress=ignore,
        )


async def count(what: str) -> int:
    """How many rows a table, or a table and a condition, has."""
    row = await db.fetch_one(f"SELECT count(*) AS count FROM {what}")
    assert row is not None
    return int(row["count"])
