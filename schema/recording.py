"""A mark for fields of Query that write down that they were asked: a member's file was read, members were searched."""

from collections.abc import Callable

from strawberry.extensions import FieldExtension
from strawberry.types import Info as StrawberryInfo

from schema.context import Context


class Recorded(FieldExtension):
    """Asking is recorded, so it is done once: `@strawberry.field(extensions=[Recorded()])`.

    Compiled code may be given up in the middle and the operation asked anew of graphql-core, which would record it a
    second time. The compiler leaves operations with an extension that is no guard to graphql-core from the start.
    """

    async def resolve_async(
        self,
        next_: Callable[..., object],
        source: object,
        info: StrawberryInfo[Context, None],
        **arguments: object,
    ) -> object:
        """Resolve."""
        answer = next_(source, info, **arguments)
        return await answer if hasattr(answer, "__await__") else answer
