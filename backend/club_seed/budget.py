"""What a member may still owe: the credit line and the monthly cap of policy 1, used up debt by debt."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.members.domain import MemberState
from backend.members.seed.people import Person
from backend.purchases import credit


@dataclass(slots=True)
class Budget:
    """The room that is left; what waits for the member's word is used too. Months are counted from the present one."""

    limit_rials: int
    monthly_cap_rials: int
    used_rials: int = 0
    due: dict[int, int] = field(default_factory=dict)

    def take_purchase(self, dues: Sequence[tuple[int, int]]) -> bool:
        """Add what is due of a purchase, as (month, rials), if there is room for all of it."""
        unpaid = sum(rials for _, rials in dues)
        if self.used_rials + unpaid > self.limit_rials or not self.take(dues):
            return False
        self.used_rials += unpaid
        return True

    def take(self, dues: Sequence[tuple[int, int]]) -> bool:
        """Add what is due in each month if no month goes beyond the cap."""
        after = dict(self.due)
        for month, rials in dues:
            after[month] = after.get(month, 0) + rials
        if any(after[month] > self.monthly_cap_rials for month, _ in dues):
            return False
        self.due = after
        return True


def budget_of(person: Person) -> Budget:
    """The whole room of a member who owes nothing; none for one who is not active."""
    if person.state is not MemberState.ACTIVE:
        return Budget(0, 0)
    policy = credit.CreditPolicy()
    pension = person.net_pension_rials or 0
    share = pension * policy.deduction_percent // 100
    return Budget(
        limit_rials=min(policy.cap_rials, policy.pension_multiple * pension),
        monthly_cap_rials=max(0, share - person.other_deductions_rials),
    )
