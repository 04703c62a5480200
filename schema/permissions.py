"""Guards of fields. The services decide; a guard only says early what they would say, before any work.

A field that a guard does not fit yet asks its service, which raises the same errors.
"""

from collections.abc import Callable

from strawberry.extensions import FieldExtension
from strawberry.types import Info as StrawberryInfo

from schema.context import Context


class Requires(FieldExtension):
    """The viewer must have a permission: `@strawberry.field(extensions=[Requires("stores.manage")])`.

    Raises Unauthenticated or Forbidden, which become top-level errors with these codes.
    """

    def __init__(self, permission: str) -> None:
        self.permission = str(permission)  # plain: compiled operations write it down

    async def resolve_async(
        self,
        next_: Callable[..., object],
        source: object,
        info: StrawberryInfo[Context, None],
        **arguments: object,
    ) -> object:
        """Ask the viewer, then resolve."""
        info.context.viewer.require(self.permission)
        answer = next_(source, info, **arguments)
        return await answer if hasattr(answer, "__await__") else answer
