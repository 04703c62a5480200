"""Who acts, as colleagues are shown: by name where it is a colleague, else by what it is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import strawberry

from backend.core.errors import sentences
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.core.permissions import ROLE_NAMES, Role
from backend.core.viewer import ActorKind
from schema import enums
from schema.context import Info

enums.describe(
    ActorKind,
    "What kind of account acts.",
    ANONYMOUS="Nobody who is known: without a token.",
    MEMBER="A member, or who represents one.",
    OPERATOR="Somebody who works for the club.",
    CASHIER="Somebody who sells in a store.",
    SYSTEM="A job or a command of the club's own.",
)
_NAMES: Final[Mapping[ActorKind, Mapping[Locale, str]]] = MappingProxyType(
    {
        ActorKind.ANONYMOUS: sentences(fa="ناشناس", en="Unknown"),
        ActorKind.MEMBER: sentences(fa="عضو", en="Member"),
        ActorKind.OPERATOR: sentences(fa="همکار", en="Colleague"),
        ActorKind.CASHIER: sentences(fa="صندوق‌دار", en="Cashier"),
        ActorKind.SYSTEM: sentences(fa="سامانه", en="System"),
    }
)


@strawberry.type(
    description="Who did or asked for something. Of a member or a cashier it says no more than that."
)
class Actor:
    """An account that acts."""

    kind: ActorKind = strawberry.field(description="What kind of account it is.")
    name: str = strawberry.field(
        description="What colleagues call an operator; of others what they are, in the viewer's language."
    )
    office: str | None = strawberry.field(
        description="Where an operator works now; null for others."
    )
    role_names: list[str] = strawberry.field(
        description="As what an operator is employed now, in the viewer's language; empty for others."
    )
    user_name: str | None = strawberry.field(
        description="What an operator signs in by; null where the viewer may not look at the account."
    )
    operator_id: strawberry.ID | None = strawberry.field(
        description="For `operator`; null where the viewer may not look at the account."
    )
    is_me: bool = strawberry.field(description="Whether it is who asks.")


async def actor(info: Info, value: str) -> Actor:
    """Who an account's name in the trail ("operator:7") is; one statement for all of a page."""
    kind, locale = kind_of(value), info.context.locale
    known = None
    if kind is ActorKind.OPERATOR:
        known = await info.context.operator_loaders.colleagues.load(value)
    account_id = None if known is None else known.account_id
    return Actor(
        kind=kind,
        name=_NAMES[kind][locale] if known is None else known.name,
        office=None if known is None else known.office,
        role_names=[]
        if known is None
        else [ROLE_NAMES[role][locale] for role in Role if role in known.roles],
        user_name=None if known is None else known.user_name,
        operator_id=None
        if account_id is None
        else strawberry.ID(GlobalId("Operator", account_id).encode()),
        is_me=value == info.context.viewer.actor,
    )


async def actor_or_none(info: Info, value: str | None) -> Actor | None:
    """The same where there may be nobody."""
    return None if value is None else await actor(info, value)


def kind_of(value: str) -> ActorKind:
    """The kind that an account's name begins with; what has no such name is the system's own."""
    kind = value.partition(":")[0].upper()
    return ActorKind(kind) if kind in ActorKind.__members__ else ActorKind.SYSTEM
