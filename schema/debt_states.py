"""The states of what a member owes, in words: purchases, loans and the instalments of both."""

from typing import Final

from backend.deductions.domain import InstalmentKind, InstalmentState
from backend.loans.domain import LoanApplicationState, LoanRoundState, LoanSelection
from backend.purchases.domain import PurchaseState
from schema import enums

STATE_TEXT: Final = (
    "`state` in the viewer's language; also for states that an app does not know yet."
)

enums.describe(
    PurchaseState,
    "Where a purchase stands between counter and last instalment.",
    AWAITING_MEMBER="The store has opened it, and it waits for the member's word.",
    CONFIRMED="The member has agreed; its instalments are collected.",
    SETTLING="The rest is being paid early, in one sum.",
    CLOSED="Paid in full.",
    DECLINED="The member has refused it.",
    CANCELLED="The store took it back before it was confirmed.",
    EXPIRED="It was not confirmed in time.",
    DISPUTED="The member has objected, and an operator looks into it.",
    REFUNDED="The store gave all of it back.",
)
enums.describe(
    InstalmentKind,
    "What an instalment pays.",
    PRINCIPAL="A part of what was borrowed or bought.",
    FEE="The service fee of a loan.",
)
enums.describe(
    InstalmentState,
    "Where an instalment stands between plan and payment.",
    PLANNED="Not due yet.",
    ORDERED="The bank has the order to deduct it.",
    PARTLY_PAID="A part of it was deducted.",
    PAID="Paid in full.",
    OVERDUE="Its month has passed, and it is not paid in full.",
    SUSPENDED="Not collected for the time being.",
    CANCELLED="Not owed any more.",
)
enums.describe(
    LoanRoundState,
    "Where a loan round stands.",
    DRAFT="In preparation; not shown to members.",
    ANNOUNCED="Its terms are known; applications open later.",
    OPEN="Applications are taken.",
    FROZEN="Applications have ended, and nobody is chosen yet.",
    SELECTED="The applicants are chosen.",
    PAYING="The loans are being paid out.",
    CLOSED="At its end.",
)
enums.describe(
    LoanSelection,
    "How a round chooses among its applicants.",
    FIRST_COME="In the order of their applications.",
    SCORE="By a score, the highest first.",
    LOTTERY="By lot, from a seed that anybody can check.",
)
enums.describe(
    LoanApplicationState,
    "Where an application stands between submission and the end.",
    SUBMITTED="Taken; it may still be withdrawn.",
    FROZEN="The round takes no more applications, and has not chosen yet.",
    SELECTED="Chosen.",
    WAITLISTED="Not chosen; next in line where somebody drops out.",
    NOT_SELECTED="Not chosen.",
    APPROVED="Checked and approved.",
    SENT_TO_BANK="The bank has the order to pay it out.",
    DISBURSED="Paid out.",
    REPAYING="Its instalments are collected.",
    CLOSED="Repaid in full.",
    WITHDRAWN="Withdrawn by the member.",
    REFUSED="Refused; `reasons` says why.",
    RETURNED="The bank could not pay it out.",
)
