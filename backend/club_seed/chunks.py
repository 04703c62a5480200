"""A chunk of members with all that is theirs, ready for COPY. The same for the same world."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from backend.audit import seeding as audit
from backend.club_seed import budget, debts, lending, letters
from backend.club_seed.world import World
from backend.deductions import seeding as deductions
from backend.deductions.seeding import SeedPlan
from backend.infra.sealing import Sealer
from backend.loans import seeding as loans
from backend.loans.seeding import SeedApplication
from backend.members import seeding as members
from backend.members.seed import people
from backend.members.seed.people import Person
from backend.notifications import seeding as notifications
from backend.purchases import seeding as purchases
from backend.purchases.seeding import SeedPurchase


@dataclass(frozen=True, slots=True)
class Chunk:
    """Members, their purchases and applications, and the plans of both."""

    people: tuple[Person, ...]
    purchases: tuple[SeedPurchase, ...]
    applications: tuple[SeedApplication, ...]
    plans: tuple[SeedPlan, ...]


@dataclass(frozen=True, slots=True)
class ChunkRows:
    """A chunk as COPY text, by table."""

    members: bytes
    purchases: bytes
    applications: bytes
    plans: bytes
    notices: bytes
    file_reads: bytes


def generate(world: World, chunk: int) -> Chunk:
    """The members of a chunk and their debts: loans first, purchases with what room is left."""
    first, beyond = world.members_of(chunk)
    made = people.generate_people(
        first=first, beyond=beyond, seed=world.seed, today=world.today, towns=world.towns
    )
    random = Random(f"debts:{world.seed}:{chunk}")  # noqa: S311 - invented data
    budgets = [budget.budget_of(person) for person in made]
    applications, lent = lending.draw_loans(random, world, list(zip(made, budgets, strict=True)))
    first_purchase, beyond_purchase = world.purchases_of(chunk)
    bought, plans = debts.draw_purchases(
        random,
        buyers=[
            (person, room, _stores(world, person))
            for person, room in zip(made, budgets, strict=True)
        ],
        first=first_purchase,
        beyond=beyond_purchase,
        now=world.now,
        today=world.today,
    )
    return Chunk(tuple(made), tuple(bought), tuple(applications), (*plans, *lent))


def rows_of(world: World, chunk: int, sealer: Sealer) -> ChunkRows:
    """A chunk and its notices as COPY text, personal numbers sealed."""
    made = generate(world, chunk)
    random = Random(f"letters:{world.seed}:{chunk}")  # noqa: S311 - invented data
    notices = [
        each for person in made.people for each in letters.draw_notices(random, world, person)
    ]
    reads = [
        each for person in made.people for each in letters.draw_file_reads(random, world, person)
    ]
    return ChunkRows(
        members=members.rows_of(made.people, sealer),
        purchases=purchases.rows_of(made.purchases),
        applications=loans.rows_of(made.applications),
        plans=deductions.rows_of(made.plans),
        notices=notifications.rows_of(notices),
        file_reads=audit.rows_of(reads),
    )


def _stores(world: World, person: Person) -> Sequence[int]:
    return world.stores.get(person.town.province_code) or world.stores[""]
