"""A chunk of members with all that is theirs, ready for COPY. The same for the same world."""

from dataclasses import dataclass
from random import Random

from backend.audit import seeding as audit
from backend.audit.seeding import SeedFileRead
from backend.club_seed import budget, debts, favourites, lending, letters, showcase
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
from backend.notifications.seeding import SeedNotice
from backend.purchases import seeding as purchases
from backend.purchases.seeding import SeedPurchase
from backend.stores import seeding as stores
from backend.stores.seeding import SeedFavourite


@dataclass(frozen=True, slots=True)
class Chunk:
    """Members, their purchases and applications, and the plans of both; the first chunk may have the guest."""

    people: tuple[Person, ...]
    guest: Person | None
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
    favourites: bytes


def people_of(world: World, chunk: int) -> tuple[tuple[Person, ...], Person | None]:
    """The members of a chunk, and the guest if that is one of them."""
    first, beyond = world.members_of(chunk)
    made = people.generate_people(
        first=first, beyond=beyond, seed=world.seed, today=world.today, towns=world.towns
    )
    return tuple(made), None if chunk else showcase.find_guest(world, made)


def generate(world: World, chunk: int) -> Chunk:
    """The members of a chunk and their debts: loans first, purchases with what room is left."""
    made, guest = people_of(world, chunk)
    random = Random(f"debts:{world.seed}:{chunk}")  # noqa: S311 - invented data
    buyers = [(person, budget.budget_of(person)) for person in made]
    applications, lent = lending.draw_loans(random, world, buyers, guest=guest)
    first, beyond = world.purchases_of(chunk)
    bought: list[debts.Bought] = []
    if guest is not None:
        room = next(room for person, room in buyers if person is guest)
        bought += showcase.purchases(world, guest, room, first=first, beyond=beyond)
    bought += debts.draw_purchases(
        random, world, buyers=buyers, first=first + len(bought), beyond=beyond
    )
    return Chunk(
        people=made,
        guest=guest,
        purchases=tuple(purchase for purchase, _ in bought),
        applications=tuple(applications),
        plans=(*(plan for _, plan in bought if plan is not None), *lent),
    )


def rows_of(world: World, chunk: int, sealer: Sealer) -> ChunkRows:
    """A chunk and its letters as COPY text, personal numbers sealed."""
    made = generate(world, chunk)
    notices, reads = _letters(world, chunk, made)
    return ChunkRows(
        members=members.rows_of(made.people, sealer),
        purchases=purchases.rows_of(made.purchases),
        applications=loans.rows_of(made.applications),
        plans=deductions.rows_of(made.plans),
        notices=notifications.rows_of(notices),
        file_reads=audit.rows_of(reads),
        favourites=stores.favourite_rows_of(_favourites(world, chunk, made)),
    )


def _letters(world: World, chunk: int, made: Chunk) -> tuple[list[SeedNotice], list[SeedFileRead]]:
    """The notices and the reads of the members' files; the guest's are set, and some may be drawn too."""
    random = Random(f"letters:{world.seed}:{chunk}")  # noqa: S311 - invented data
    notices, reads = [], []
    if made.guest is not None:
        notices += showcase.notices(world, made.guest)
        reads += showcase.file_reads(world, made.guest)
    for person in made.people:
        notices += letters.draw_notices(random, world, person)
        reads += letters.draw_file_reads(random, world, person)
    return notices, reads


def _favourites(world: World, chunk: int, made: Chunk) -> list[SeedFavourite]:
    random = Random(f"favourites:{world.seed}:{chunk}")  # noqa: S311 - invented data
    return [
        favourite
        for person in made.people
        for favourite in favourites.draw_favourites(
            random, world, person, certain=person is made.guest
        )
    ]
