"""What the parts of the compiled execution know of each other: a request, a selected field, an answer's part.

A trusted operation is compiled once (`compiler.py`) into a plan; a plan answers requests without graphql-core.
Whatever a plan can't do is no error of the client's: it raises, and graphql-core answers the whole request
(`fallback`). So a part may refuse at any time, before or while it runs, and never has to report an error itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from graphql import GraphQLOutputType
from strawberry.types.field import StrawberryField

from backend.core.locale import Locale
from backend.core.viewer import Viewer
from schema.context import Context


class Tier(IntEnum):
    """How a field is answered; the lower, the faster."""

    REFERENCE_DATA = 1  # from this process's memory
    READ_VIEW = 2  # by one SQL statement that answers JSON, shared by the requests of a turn
    RESOLVER = 3  # by its resolver, called from generated code
    GRAPHQL_CORE = 4  # as always


class Refused(Exception):
    """The compiled path does not answer this request: graphql-core does. Says why, without any personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Ask:
    """One request for a compiled operation.

    `variables` holds the coerced values by the variables' names; one that was not given and has no default is
    absent. The context, with its loaders, is made when a resolver first needs it.
    """

    viewer: Viewer
    locale: Locale
    now: datetime
    variables: Mapping[str, object]
    make_context: Callable[[], Context]
    tier: Tier = Tier.GRAPHQL_CORE  # of the plan that answers it
    _context: Context | None = field(default=None, repr=False)
    _info: "Info | None" = field(default=None, repr=False)

    @property
    def context(self) -> Context:
        """The context that resolvers get; one a request."""
        if self._context is None:
            self._context = self.make_context()
        return self._context

    @property
    def info(self) -> "Info":
        """What resolvers get as their `info`."""
        if self._info is None:
            self._info = Info(self.context)
        return self._info


@dataclass(frozen=True, slots=True)
class Info:
    """As much of Strawberry's info as our resolvers look at; one that asks for more is refused."""

    context: Context

    def __getattr__(self, name: str) -> object:
        raise Refused(f"a resolver that needs info.{name}")


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a selected field as its resolver takes them: by Python names, input objects built.

    `names` are those that the document gives or that have defaults; `variables` those that a value depends on.
    `constant` holds the values where they depend on no variable.
    """

    names: tuple[str, ...]
    variables: frozenset[str]
    values: Callable[[Mapping[str, object]], dict[str, object]]
    constant: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Selected:
    """A field of an operation with all that was merged into it; directives are applied already.

    `key` is its name in the answer, `parent` the type it stands in, `name` its name in the schema, `attribute`
    that of its Python attribute. `guards` are the permissions that a viewer must have. `fields` are what is
    selected below, by the name of the concrete type: one entry for an object type, one for each possible type
    of an interface or a union, none for a leaf. `field` is None for `__typename`.
    """

    key: str
    parent: str
    name: str
    attribute: str
    output: GraphQLOutputType
    arguments: Arguments
    guards: tuple[str, ...]
    fields: Mapping[str, tuple["Selected", ...]]
    field: StrawberryField | None

    def only(self) -> tuple["Selected", ...]:
        """What is selected below an object type."""
        (found,) = self.fields.values()
        return found


@dataclass(frozen=True, slots=True)
class Note:
    """What `bashgah explain` shows of a field: its path, its tier, and the SQL or the code behind it."""

    path: str
    tier: Tier
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """The compiled form of one selected field.

    `start` gives the field's value, or an awaitable of it where `is_async`: what orjson writes, in which any
    part may be an `orjson.Fragment`. Where `is_async`, it may still give a Fragment at once. It raises Refused or
    anything else where it can't.
    """

    tier: Tier
    start: Callable[[Ask], object | Awaitable[object]]
    is_async: bool
    notes: Sequence[Note] = ()


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes objects of one type of the schema, for what is selected of it: tier 3 below a resolver or a part.

    `write` takes an object and gives what orjson writes, or an awaitable of that where `is_async`.
    """

    write: Callable[[object, Ask], object | Awaitable[object]]
    is_async: bool
    notes: Sequence[Note] = ()


# Given the type's name, what is selected of it and the path: how objects of that type are written by tier 3.
MakeWriter = Callable[[str, tuple[Selected, ...], str], Writer]

# A faster way for one field of the schema: gives None where it does not fit what is selected; then tier 3 takes it.
Binding = Callable[[Selected, MakeWriter, str], Part | None]
