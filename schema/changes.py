"""What changed, value by value, as a console shows it beside each other."""

from collections.abc import Mapping

import orjson
import strawberry

from schema import act_texts, value_texts
from schema.context import Info


@strawberry.type(description="A value before and after an act.")
class ValueChange:
    """One name of two mappings."""

    name: str = strawberry.field(description="The value's name.")
    before: str | None = strawberry.field(description="As JSON; null where there was none.")
    after: str | None = strawberry.field(description="As JSON; null where there is none.")

    @strawberry.field(description="`name` in the viewer's language.")
    def name_text(self, info: Info) -> str:
        """The name in words."""
        return act_texts.of(value_texts.VALUES, self.name, info.context.locale)


def changes(
    before: Mapping[str, object] | None, after: Mapping[str, object] | None
) -> list[ValueChange]:
    """Each name of either mapping once, those of `before` first."""
    then, now = before or {}, after or {}
    return [
        ValueChange(name=name, before=_text(then, name), after=_text(now, name))
        for name in dict.fromkeys((*then, *now))
    ]


def _text(values: Mapping[str, object], name: str) -> str | None:
    return orjson.dumps(values[name]).decode() if name in values else None
