"""The demo's members, and one of them whom a visitor may sign in as."""

from collections.abc import Callable

from backend.club_seed import chunks, filling
from backend.club_seed.filling import Outcome, Report
from backend.core import clock
from backend.core.viewer import Viewer
from backend.members.seed.people import Person


async def seed_demo(*, viewer: Viewer, prepare: Callable[[], None], progress: Report) -> Outcome:
    """Write the demo's members and purchases, once. Raises as `filling.seed_members`."""
    return await filling.seed_members(
        viewer=viewer,
        members_count=filling.DEMO_MEMBERS,
        purchases_count=filling.DEMO_PURCHASES,
        seed=filling.DEMO_SEED,
        prepare=prepare,
        progress=progress,
    )


async def guest(*, viewer: Viewer) -> Person:
    """The member of the demo's seed who has something of everything (`showcase`). Raises as `filling.describe`."""
    world = await filling.describe(
        viewer=viewer,
        members_count=filling.DEMO_MEMBERS,
        purchases_count=filling.DEMO_PURCHASES,
        seed=filling.DEMO_SEED,
        now=clock.now(),
    )
    _, found = chunks.people_of(world, 0)
    assert found is not None  # noqa: S101 - among thousands; tests/integration/test_seed_showcase.py
    return found
