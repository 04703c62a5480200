"""The types of what a member owes: purchases, loans and the instalments of both.

They refer to each other, so they stand in one file; their states are in `debt_states`.
"""

from datetime import datetime
from typing import Annotated, TypeVar

import strawberry

from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.deductions import domain as deductions
from backend.deductions.domain import InstalmentKind, InstalmentState, PlanKind
from backend.loans import domain as loans
from backend.loans.domain import LoanApplicationState, LoanRoundState, LoanSelection
from backend.purchases import domain as purchases
from backend.purchases.domain import PurchaseState
from schema import store_types
from schema.context import Info
from schema.debt_states import STATE_TEXT
from schema.relay import Node, own_id
from schema.scalars import JalaliMonth, Rial

T = TypeVar("T")


class SourceMissingError(RuntimeError):
    """An instalment whose plan belongs to no purchase and no loan: the data are broken."""


@strawberry.type(description="A purchase in instalments, without interest.")
class Purchase(Node):
    """A member's purchase."""

    value: strawberry.Private[purchases.Purchase]
    store: store_types.Store = strawberry.field(
        description="Where it was made; readable also when it is suspended since."
    )
    amount: Rial = strawberry.field(description="The price; the instalments add up to it.")
    instalment_count: int = strawberry.field(description="In how many monthly instalments.")
    state: PurchaseState = strawberry.field(description="Where it stands.")
    state_text: str = strawberry.field(description=STATE_TEXT)
    created_at: datetime = strawberry.field(description="When the store opened it.")
    expires_at: datetime | None = strawberry.field(
        description="Until when it waits, or waited, for the member's word; null where it never did."
    )
    confirmed_at: datetime | None = strawberry.field(
        description="When the member agreed, with which the debt began."
    )
    refunded_amount: Rial = strawberry.field(description="What the store took back of the price.")
    paid_amount: Rial = strawberry.field(description="What has been paid of it so far.")

    @strawberry.field(description="Its instalments as they fall due; none before it is confirmed.")
    async def instalments(self, info: Info) -> list["Instalment"]:
        """The instalments of its plan."""
        return await _of_plan(info, self.value.plan_id)


@strawberry.type(description="A round in which members apply for one kind of loan.")
class LoanRound(Node):
    """A loan round."""

    value: strawberry.Private[loans.LoanRound]
    title: str = strawberry.field(description="As it was announced.")
    state: LoanRoundState = strawberry.field(description="Where it stands.")
    state_text: str = strawberry.field(description=STATE_TEXT)
    amount: Rial = strawberry.field(description="The amount of one loan.")
    months: int = strawberry.field(description="Over how many months it is repaid.")
    grace_months: int = strawberry.field(description="Months before the first instalment.")
    fee_total: Rial = strawberry.field(description="The service fee of one loan, over all months.")
    opens_at: datetime = strawberry.field(description="From when on members apply.")
    closes_at: datetime = strawberry.field(description="The moment from which on nobody can.")
    selection: LoanSelection = strawberry.field(description="How it chooses.")
    budget: Rial = strawberry.field(description="What all its loans may amount to.")
    list_sha256: str | None = strawberry.field(
        name="listSha256",
        description="The SHA-256 of the frozen list of applicants, once there is one.",
    )
    seed_source: str | None = strawberry.field(
        description="The public number from which a lottery draws, announced beforehand."
    )

    @strawberry.field(
        description="The places of the member's association; null where it has no quota of its own."
    )
    async def my_quota(self, info: Info) -> int | None:
        """The quota of the member's association."""
        return await info.context.member_loaders.quotas.load(self.value.id)


@strawberry.type(description="A step in the life of an application.")
class LoanApplicationEvent:
    """A step."""

    at: datetime = strawberry.field(description="When it was taken.")
    state: LoanApplicationState = strawberry.field(description="Where the application stood then.")
    state_text: str = strawberry.field(description=STATE_TEXT)
    note: str | None = strawberry.field(description="What was noted for the member.")


@strawberry.type(description="A member's application in a loan round, and the loan it became.")
class LoanApplication(Node):
    """A member's application."""

    value: strawberry.Private[loans.LoanApplication]
    public_id: str = strawberry.field(
        description="The random id by which it stands in the public list of the round."
    )
    round: LoanRound = strawberry.field(description="The round.")
    state: LoanApplicationState = strawberry.field(description="Where it stands.")
    state_text: str = strawberry.field(description=STATE_TEXT)
    amount: Rial = strawberry.field(description="What was applied for.")
    submitted_at: datetime = strawberry.field(description="When it was submitted.")
    submitted_by: str = strawberry.field(
        description="By whom: `member`, or `registrar` where one did it for the member."
    )
    submitted_by_text: str = strawberry.field(
        description="`submittedBy` in the viewer's language; also for values that an app does not know yet."
    )
    quota: int | None = strawberry.field(
        description="The places that it competed for; null before the selection."
    )
    rank: int | None = strawberry.field(description="Its rank; null before the selection.")
    last_selected_rank: int | None = strawberry.field(
        description="The rank of the last one chosen; null before the selection."
    )
    reasons: list[str] = strawberry.field(
        description="Why it was not chosen or refused, in the viewer's language."
    )
    timeline: list[LoanApplicationEvent] = strawberry.field(description="Its steps, first to last.")

    @strawberry.field(
        description="The instalments of the loan and of its fee as they fall due; none before it is paid out."
    )
    async def instalments(self, info: Info) -> list["Instalment"]:
        """The instalments of its plan."""
        return await _of_plan(info, self.value.plan_id)


InstalmentSource = Annotated[
    Purchase | LoanApplication,
    strawberry.union("InstalmentSource", description="What an instalment pays off."),
]


@strawberry.type(description="A part of a debt that is deducted from one month's pension.")
class Instalment(Node):
    """A member's instalment."""

    value: strawberry.Private[deductions.Instalment]
    kind: InstalmentKind = strawberry.field(
        description="A part of the principal, or the service fee of a loan."
    )
    number: int = strawberry.field(
        description="The place of its month in the plan, from 1 on; of a loan over two years, 1 and 13 are the fees."
    )
    due_month: JalaliMonth = strawberry.field(
        description="The month from whose pension it is taken."
    )
    amount: Rial = strawberry.field(description="Its whole amount.")
    paid_amount: Rial = strawberry.field(description="What has been paid of it.")
    state: InstalmentState = strawberry.field(description="Where it stands.")
    state_text: str = strawberry.field(description=STATE_TEXT)
    failure: str | None = strawberry.field(
        description="Why the last deduction failed, in the viewer's language; null where none did."
    )

    @strawberry.field(description="The purchase or the loan that it pays off.")
    async def source(self, info: Info) -> InstalmentSource:
        """The purchase or the loan."""
        loaders, plan_id = info.context.loaders, self.value.plan_id
        if self.value.plan_kind is PlanKind.PURCHASE:
            return purchase(_existing(await loaders.plan_purchases.load(plan_id)), info)
        return loan_application(_existing(await loaders.plan_applications.load(plan_id)), info)


def purchase(value: purchases.Purchase, info: Info) -> Purchase:
    """The GraphQL form of one of the viewer's purchases."""
    locale = info.context.locale
    return Purchase(
        id=own_id(info, "Purchase", value.id),
        value=value,
        store=store_types.store(value.store, locale),
        amount=Rial(value.amount_rials),
        instalment_count=value.instalment_count,
        state=value.state,
        state_text=purchases.PURCHASE_STATE_TEXTS[value.state][locale],
        created_at=value.created_at,
        expires_at=value.expires_at,
        confirmed_at=value.confirmed_at,
        refunded_amount=Rial(value.refunded_rials),
        paid_amount=Rial(value.paid_rials),
    )


def instalment(value: deductions.Instalment, info: Info) -> Instalment:
    """The GraphQL form of one of the viewer's instalments."""
    locale, failure = info.context.locale, value.failure
    return Instalment(
        id=own_id(info, "Instalment", value.id),
        value=value,
        kind=value.kind,
        number=value.number,
        due_month=JalaliMonth(value.due_month),
        amount=Rial(value.amount_rials),
        paid_amount=Rial(value.paid_rials),
        state=value.state,
        state_text=deductions.INSTALMENT_STATE_TEXTS[value.state][locale],
        failure=None if failure is None else deductions.failure_text(failure, locale),
    )


def loan_round(value: loans.LoanRound, locale: Locale) -> LoanRound:
    """The GraphQL form of a round."""
    return LoanRound(
        id=strawberry.ID(GlobalId("LoanRound", value.id).encode()),
        value=value,
        title=value.title,
        state=value.state,
        state_text=loans.ROUND_STATE_TEXTS[value.state][locale],
        amount=Rial(value.amount_rials),
        months=value.months,
        grace_months=value.grace_months,
        fee_total=Rial(value.fee_total_rials),
        opens_at=value.opens_at,
        closes_at=value.closes_at,
        selection=value.selection,
        budget=Rial(value.budget_rials),
        list_sha256=value.list_sha256,
        seed_source=value.seed_source,
    )


def loan_application(value: loans.LoanApplication, info: Info) -> LoanApplication:
    """The GraphQL form of one of the viewer's applications."""
    locale = info.context.locale
    return LoanApplication(
        id=own_id(info, "LoanApplication", value.id),
        value=value,
        public_id=str(value.public_id),
        round=loan_round(value.round, locale),
        state=value.state,
        state_text=loans.APPLICATION_STATE_TEXTS[value.state][locale],
        amount=Rial(value.amount_rials),
        submitted_at=value.submitted_at,
        submitted_by=value.submitted_by.value,
        submitted_by_text=loans.SUBMITTER_TEXTS[value.submitted_by][locale],
        quota=value.quota,
        rank=value.rank,
        last_selected_rank=value.last_selected_rank,
        reasons=[loans.reason_text(code, locale) for code in value.reasons],
        timeline=[
            LoanApplicationEvent(
                at=step.at,
                state=step.state,
                state_text=loans.APPLICATION_STATE_TEXTS[step.state][locale],
                note=step.note,
            )
            for step in value.timeline
        ],
    )


async def _of_plan(info: Info, plan_id: int | None) -> list[Instalment]:
    if plan_id is None:
        return []
    found = await info.context.loaders.plan_instalments.load(plan_id)
    return [instalment(each, info) for each in found]


def _existing(value: T | None) -> T:
    """What a plan pays off: the seed and every use case write both in one transaction."""
    if value is None:
        raise SourceMissingError
    return value
