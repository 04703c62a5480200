"""What the making of members and debts must know of the club around them; handed to each worker process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from backend.loans.seeding import SeedRound
from backend.members.seed.people import Town

MEMBERS_A_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class World:
    """The seed's numbers, the moment it is made for, towns, stores by province, and loan rounds by id."""

    seed: int
    members: int
    purchases: int
    now: datetime
    today: date  # in Tehran
    towns: tuple[Town, ...]
    stores: Mapping[str, Sequence[int]]
    rounds: tuple[tuple[int, SeedRound], ...]

    @property
    def chunks(self) -> int:
        """How many chunks the members make."""
        return -(-self.members // MEMBERS_A_CHUNK)

    def members_of(self, chunk: int) -> tuple[int, int]:
        """The first number of a chunk from 0 on, and the one beyond its last."""
        return chunk * MEMBERS_A_CHUNK + 1, min((chunk + 1) * MEMBERS_A_CHUNK, self.members) + 1

    def purchases_of(self, chunk: int) -> tuple[int, int]:
        """The first purchase of a chunk, and the one beyond its last: in proportion to the members."""
        first, beyond = self.members_of(chunk)
        return (
            (first - 1) * self.purchases // self.members + 1,
            (beyond - 1) * self.purchases // self.members + 1,
        )
