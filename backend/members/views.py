"""What may be read of a member's own file in statements that answer JSON; what is sealed is not in it."""

from typing import Final

from backend.infra.readviews.views import View

FILE: Final = View(
    table="member",
    columns=frozenset(
        {
            "id", "first_name", "last_name", "pension_number", "pension_kind", "state", "city", "address",
            "net_pension_rials", "other_deductions_rials", "phone", "credit_policy_version",
        }
    ),
    owner="id",
)  # fmt: skip

# Who holds a national code, by its blind index (`service.national_code_index`): for staff, who act on no own file.
PERSON: Final = "(SELECT id, national_code_index FROM member)"
