"""The demo's members, and one of them whom a visitor may sign in as."""

from collections import Counter
from collections.abc import Callable

from backend.club_seed import chunks, filling
from backend.club_seed.filling import Outcome, Report
from backend.core import clock
from backend.core.viewer import Viewer
from backend.members.domain import MemberState
from backend.members.seed.people import Person
from backend.organization.seeding import DEMO_OPEN_PROVINCES

_FEWEST_PURCHASES = 3


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
    """An active member of an open province with some purchases, one of them not yet paid off.

    The one of the data that this day's seed has made. Raises as `filling.describe`.
    """
    world = await filling.describe(
        viewer=viewer,
        members_count=filling.DEMO_MEMBERS,
        purchases_count=filling.DEMO_PURCHASES,
        seed=filling.DEMO_SEED,
        now=clock.now(),
    )
    made = chunks.generate(world, 0)
    bought = Counter(each.member_id for each in made.purchases)
    owing = {plan.member_id for plan in made.plans if plan.paid_months < plan.months}
    return next(
        person
        for person in made.people
        if person.state is MemberState.ACTIVE
        and person.phone is not None
        and person.town.province_code in DEMO_OPEN_PROVINCES
        and bought[person.number] >= _FEWEST_PURCHASES
        and person.number in owing
    )
