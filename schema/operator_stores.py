"""What those do who keep the stores: read all of them, add, change, suspend, resume, and ask for another account."""

from typing import Annotated

import strawberry

from backend.core.errors import DomainError
from backend.stores import iban_change, managing, store_forms
from backend.stores.domain import StoreState
from schema import (
    approval_asked,
    errors,
    operator_store_forms,
    operator_store_types,
    staff_answers,
)
from schema.approval_asked import ApprovalAsked
from schema.context import Info
from schema.errors import UserError
from schema.operator_store_inputs import (
    StoreCreateInput,
    StoreIbanChangeInput,
    StoreResumeInput,
    StoreSuspendInput,
    StoreUpdateInput,
)
from schema.operator_store_types import (
    StoreRecord,
    StoreRecordConnection,
    StoreRecordEdge,
    StoreSettlement,
)
from schema.relay import After, First, Id, page_info, public_key
from schema.staff_answers import ActRefused, ReauthenticationNeeded

DEFAULT_FIRST = 20


@strawberry.type(description="What is wrong about a field of a store.")
class StoreProblem:
    """A problem."""

    field: list[str] = strawberry.field(description="The path in the input.")
    message: str = strawberry.field(description="What is wrong, in the viewer's language.")
    hint: str = strawberry.field(description="What to write.")


@strawberry.type(description="What was given does not make a store; nothing was saved.")
class StoreInvalid(UserError):
    """STORE_INVALID."""

    problems: list[StoreProblem] = strawberry.field(description="All that is wrong.")


@strawberry.type(description="Somebody else has changed the store since the operator saw it.")
class StoreChangedMeanwhile(UserError):
    """STORE_CHANGED_MEANWHILE."""


@strawberry.type(description="The store as it is now.")
class StoreSaved:
    """The success of the mutations of stores."""

    record: StoreRecord = strawberry.field(description="The store.")


StoreCreateResult = Annotated[
    StoreSaved | StoreInvalid | ActRefused,
    strawberry.union("StoreCreateResult", description="What `storeCreate` answers."),
]
StoreUpdateResult = Annotated[
    StoreSaved | StoreInvalid | StoreChangedMeanwhile | ActRefused,
    strawberry.union("StoreUpdateResult", description="What `storeUpdate` answers."),
]
StoreStateResult = Annotated[
    StoreSaved | StoreChangedMeanwhile | ActRefused,
    strawberry.union(
        "StoreStateResult", description="What `storeSuspend` and `storeResume` answer."
    ),
]
StoreIbanChangeResult = Annotated[
    ApprovalAsked | ReauthenticationNeeded | ActRefused,
    strawberry.union("StoreIbanChangeResult", description="What `storeIbanChange` answers."),
]


@strawberry.type
class OperatorStoresQuery:
    """The root fields of stores for those who keep them."""

    @strawberry.field(
        description="Stores in the operator's scope by their codes, suspended ones too."
    )
    async def store_records(
        self,
        info: Info,
        search: Annotated[
            str | None, strawberry.argument(description="Words of the code, the name or the place.")
        ] = None,
        state: Annotated[
            StoreState | None, strawberry.argument(description="In this state only.")
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> StoreRecordConnection:
        """A page of stores."""
        page = await managing.list_records(
            viewer=info.context.viewer,
            search=search,
            state=state,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return StoreRecordConnection(
            edges=[
                StoreRecordEdge(cursor=cursor, node=operator_store_types.record(each))
                for each, cursor in zip(page.items, page.cursors, strict=True)
            ],
            page_info=page_info(page, after=after),
        )

    @strawberry.field(
        description="A store in the operator's scope, suspended or not; null where there is none."
    )
    async def store_record(self, info: Info, id: Id) -> StoreRecord | None:  # noqa: A002
        """A store by its global id."""
        found = await managing.find_record(
            viewer=info.context.viewer, store_id=public_key(id, "Store")
        )
        return None if found is None else operator_store_types.record(found)

    @strawberry.field(
        description="How a store in the operator's scope is paid; null where there is none, or nothing is agreed."
    )
    async def store_settlement(self, info: Info, id: Id) -> StoreSettlement | None:  # noqa: A002
        """A settlement by its store."""
        found = await iban_change.find_settlement(
            viewer=info.context.viewer, store_id=public_key(id, "Store")
        )
        if found is None:
            return None
        return StoreSettlement(
            iban_masked=found.iban_masked,
            mode=found.mode,
            contract_number=found.contract_number,
        )


@strawberry.type
class OperatorStoresMutation:
    """What those do who keep the stores."""

    @strawberry.mutation(
        description="Adds a store; how it is paid is asked for by `storeIbanChange`."
    )
    async def store_create(
        self,
        info: Info,
        input: StoreCreateInput,  # noqa: A002 - the contract's name
    ) -> StoreCreateResult:
        """Add a store."""
        try:
            saved = await managing.create_store(
                viewer=info.context.viewer,
                code=input.code,
                form=await operator_store_forms.form_of(input),
            )
        except store_forms.StoreFormInvalid as error:
            return _invalid(info, error)
        except DomainError as error:
            return staff_answers.refused(info, error)
        return StoreSaved(record=operator_store_types.record(saved))

    @strawberry.mutation(
        description="Changes a store that is still as the operator saw it; every process shows it within a second."
    )
    async def store_update(
        self,
        info: Info,
        input: StoreUpdateInput,  # noqa: A002 - the contract's name
    ) -> StoreUpdateResult:
        """Change what is given."""
        try:
            saved = await managing.update_store(
                viewer=info.context.viewer,
                store_id=public_key(input.id, "Store"),
                version=input.version,
                form=await operator_store_forms.form_of(input),
            )
        except store_forms.StoreFormInvalid as error:
            return _invalid(info, error)
        except managing.StoreChangedMeanwhile as error:
            return errors.user_error(StoreChangedMeanwhile, error, info.context.locale)
        except DomainError as error:
            return staff_answers.refused(info, error)
        return StoreSaved(record=operator_store_types.record(saved))

    @strawberry.mutation(description="Takes a store off the map, and out of purchases.")
    async def store_suspend(
        self,
        info: Info,
        input: StoreSuspendInput,  # noqa: A002 - the contract's name
    ) -> StoreStateResult:
        """Suspend a store."""
        return await _set_state(info, input, StoreState.SUSPENDED)

    @strawberry.mutation(description="Puts a store back on the map.")
    async def store_resume(
        self,
        info: Info,
        input: StoreResumeInput,  # noqa: A002 - the contract's name
    ) -> StoreStateResult:
        """Resume a store."""
        return await _set_state(info, input, StoreState.ACTIVE)

    @strawberry.mutation(
        description="Asks that a store be paid to another account, or by another contract: the store's mobiles are told"
        " at once, another operator grants it, and nothing is done for 72 hours from when they were."
    )
    async def store_iban_change(
        self,
        info: Info,
        input: StoreIbanChangeInput,  # noqa: A002 - the contract's name
    ) -> StoreIbanChangeResult:
        """Ask for it."""
        try:
            approval = await iban_change.ask_iban_change(
                viewer=info.context.viewer,
                store_id=public_key(input.store_id, "Store"),
                iban=input.iban,
                mode=input.mode,
                contract_number=input.contract_number,
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return approval_asked.asked(approval)


async def _set_state(
    info: Info, given: StoreSuspendInput | StoreResumeInput, state: StoreState
) -> StoreSaved | StoreChangedMeanwhile | ActRefused:
    try:
        saved = await managing.set_state(
            viewer=info.context.viewer,
            store_id=public_key(given.id, "Store"),
            version=given.version,
            state=state,
            reason=given.reason,
        )
    except managing.StoreChangedMeanwhile as error:
        return errors.user_error(StoreChangedMeanwhile, error, info.context.locale)
    except DomainError as error:
        return staff_answers.refused(info, error)
    return StoreSaved(record=operator_store_types.record(saved))


def _invalid(info: Info, error: store_forms.StoreFormInvalid) -> StoreInvalid:
    locale = info.context.locale
    return StoreInvalid(
        code=error.code,
        message=error.message(locale),
        hint=error.hint(locale),
        field=list(error.field),
        problems=[
            StoreProblem(
                field=list(each.field),
                message=each.error.message(locale),
                hint=each.error.hint(locale),
            )
            for each in error.problems
        ],
    )
