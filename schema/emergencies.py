"""Emergencies: an operator takes a role for some hours, and the auditors look on."""

import strawberry

from backend.access import break_glass
from backend.core.errors import DomainError
from backend.core.permissions import Permission
from schema import operator_types, staff_answers
from schema.context import Info
from schema.operator_inputs import (
    BreakGlassChanged,
    BreakGlassEndInput,
    BreakGlassEndResult,
    BreakGlassInput,
    BreakGlassResult,
)
from schema.operator_types import BreakGlassUseConnection, BreakGlassUseEdge
from schema.permissions import Requires
from schema.relay import After, First, page_info

DEFAULT_FIRST = 20


@strawberry.type
class EmergenciesQuery:
    """The root field of emergencies."""

    @strawberry.field(
        description="Emergencies, the newest first. Needs the permission break_glass.read.",
        extensions=[Requires(Permission.BREAK_GLASS_READ)],
    )
    async def break_glass_uses(
        self, info: Info, first: First = DEFAULT_FIRST, after: After = None
    ) -> BreakGlassUseConnection:
        """A page of emergencies."""
        page = await break_glass.list_uses(
            viewer=info.context.viewer,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return BreakGlassUseConnection(
            edges=[
                BreakGlassUseEdge(cursor=cursor, node=operator_types.break_glass_use(each))
                for each, cursor in zip(page.items, page.cursors, strict=True)
            ],
            page_info=page_info(page, after=after),
        )


@strawberry.type
class EmergenciesMutation:
    """The mutations of emergencies."""

    @strawberry.mutation(
        description="Takes a role for an emergency, for four hours at most in any 24; the auditors are told at once, "
        "and without one who can be told it is refused. What is asked for by it is marked, and it grants no approval. "
        "Needs the permission break_glass.use.",
        extensions=[Requires(Permission.BREAK_GLASS_USE)],
    )
    async def break_glass(
        self,
        info: Info,
        input: BreakGlassInput,  # noqa: A002 - the contract's name
    ) -> BreakGlassResult:
        """Begin an emergency."""
        try:
            use = await break_glass.break_glass(
                viewer=info.context.viewer,
                role=input.role,
                hours=input.hours,
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return BreakGlassChanged(use=operator_types.break_glass_use(use))

    @strawberry.mutation(
        description="Ends the operator's own emergency before its time. Needs an operator.",
        extensions=[Requires(Permission.OPERATOR_SELF)],
    )
    async def break_glass_end(
        self,
        info: Info,
        input: BreakGlassEndInput | None = None,  # noqa: A002 - the contract's name
    ) -> BreakGlassEndResult:
        """End an emergency."""
        del input
        try:
            use = await break_glass.end_break_glass(viewer=info.context.viewer)
        except DomainError as error:
            return staff_answers.refused(info, error)
        return BreakGlassChanged(use=operator_types.break_glass_use(use))
