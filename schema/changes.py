"""What changed, value by value, as a console shows it beside each other."""

from collections.abc import Mapping

import orjson
import strawberry


@strawberry.type(description="A value before and after an act.")
class ValueChange:
    """One name of two mappings."""

    name: str = strawberry.field(description="The value's name.")
    before: str | None = strawberry.field(description="As JSON; null where there was none.")
    after: str | None = strawberry.field(description="As JSON; null where there is none.")


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
