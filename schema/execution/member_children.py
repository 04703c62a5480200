"""The fields of a member that SQL writes: what each reads of the services for a request, and its text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from backend.core.locale import Locale
from backend.deductions import reading as deductions
from backend.deductions import views as deduction_views
from backend.infra.readviews import expressions, lists, statements
from backend.infra.readviews.expressions import Json
from backend.infra.readviews.lists import Rows
from backend.infra.readviews.statements import OWNER, StatementMaker
from backend.infra.readviews.views import Bound, Form
from backend.members import reading as members
from backend.members import views as member_views
from backend.notifications import reading as notifications
from backend.notifications import views as notification_views
from backend.purchases import reading as purchases
from backend.purchases import views as purchase_views
from schema import instalments
from schema import notifications as notices_schema
from schema import purchases as purchases_schema
from schema.execution import connections, readings
from schema.execution.plan import Ask, Selected
from schema.execution.readings import Manner, Place, Unreadable

NO_FORM: Final = Form()


@dataclass(frozen=True, slots=True)
class Child:
    """A field of the member: `write` puts it into a statement, for the form of what `bind` gives a request.

    `usual` is the form that most requests have.
    """

    selected: Selected
    write: Callable[[StatementMaker, Form, Manner], Json]
    bind: Callable[[Ask], Bound] | None = None
    values: Callable[[Bound], list[object]] = lists.values
    usual: Form = NO_FORM


def of(selected: Selected) -> Child | None:
    """How SQL writes a field of the member; None where resolvers must."""
    if selected.field is None or selected.name in readings.MEMBER or selected.name == "id":
        child = _of_file(selected)
    else:
        make = _CHILDREN.get(selected.name)
        if make is None or selected.guards:
            return None
        child = make(selected)
    try:
        child.write(StatementMaker(), child.usual, Manner(Locale.FA))
    except Unreadable:
        return None
    return child


def _of_file(selected: Selected) -> Child:
    def write(maker: StatementMaker, _: Form, manner: Manner) -> Json:
        if selected.name == "id":
            return expressions.global_id("Member", OWNER)
        if selected.field is None:
            return expressions.constant("Member")
        place = Place(maker.single(member_views.FILE), manner)
        return readings.field("Member", readings.MEMBER, place, selected)

    return Child(selected, write)


def _purchases(selected: Selected) -> Child:
    def write(maker: StatementMaker, form: Form, manner: Manner) -> Json:
        rows = Rows(maker, purchase_views.PURCHASES, form)
        return connections.write(rows, selected, "Purchase", manner, is_continued=form.is_continued)

    def bind(ask: Ask) -> Bound:
        given = arguments(selected, ask)
        return purchases.read_purchases(
            viewer=ask.viewer,
            matching=purchases_schema.matching_of(given.get("filter")),
            first=_first(given, purchases_schema.DEFAULT_FIRST),
            after=given.get("after"),
        )

    return Child(selected, write, bind)


def _awaiting(selected: Selected) -> Child:
    def write(maker: StatementMaker, form: Form, manner: Manner) -> Json:
        rows = Rows(maker, purchase_views.PURCHASES, form)
        return connections.write_list(rows, selected, "Purchase", manner)

    return Child(
        selected,
        write,
        lambda ask: purchases.read_awaiting(viewer=ask.viewer, at=ask.now),
        usual=Form(("awaiting_at",)),
    )


def _notices(selected: Selected) -> Child:
    def write(maker: StatementMaker, form: Form, manner: Manner) -> Json:
        rows = Rows(maker, notification_views.NOTICES, form)
        return connections.write(rows, selected, "Notice", manner, is_continued=form.is_continued)

    def bind(ask: Ask) -> Bound:
        given = arguments(selected, ask)
        return notifications.read_notices(
            viewer=ask.viewer,
            first=_first(given, notices_schema.DEFAULT_FIRST),
            after=given.get("after"),
            unread_only=bool(given.get("unread_only")),
            category=given.get("category"),
        )

    return Child(selected, write, bind)


def _unread_count(selected: Selected) -> Child:
    def write(maker: StatementMaker, form: Form, _: Manner) -> Json:
        return maker.count(notification_views.NOTICES, form)

    return Child(
        selected,
        write,
        lambda ask: notifications.read_unread(viewer=ask.viewer),
        statements.count_values,
        Form(("unread",)),
    )


def _instalments(selected: Selected) -> Child:
    def write(maker: StatementMaker, form: Form, manner: Manner) -> Json:
        rows = Rows(maker, deduction_views.INSTALMENTS, form)
        return connections.write(
            rows, selected, "Instalment", manner, is_continued=form.is_continued
        )

    def bind(ask: Ask) -> Bound:
        given = arguments(selected, ask)
        return deductions.read_instalments(
            viewer=ask.viewer,
            from_month=given.get("from_"),
            to_month=given.get("to"),
            state=given.get("state"),
            first=_first(given, instalments.DEFAULT_FIRST),
            after=given.get("after"),
        )

    return Child(selected, write, bind)


def _next_instalment(selected: Selected) -> Child:
    def write(maker: StatementMaker, form: Form, manner: Manner) -> Json:
        rows = Rows(maker, deduction_views.INSTALMENTS, form)
        return connections.write_first(rows, selected, "Instalment", manner)

    return Child(
        selected,
        write,
        lambda ask: deductions.read_next_instalment(viewer=ask.viewer),
        usual=Form(("collectable",)),
    )


def owner(ask: Ask) -> int:
    """The member acted for. Raises what the services do where there is none, or it is not permitted."""
    return members.read_file(viewer=ask.viewer).owner


def arguments(selected: Selected, ask: Ask) -> Mapping[str, Any]:
    """A field's arguments as its resolver takes them."""
    given = selected.arguments
    return given.values(ask.variables) if given.constant is None else given.constant


def _first(given: Mapping[str, Any], default: int) -> int:
    first = given.get("first")
    return default if first is None else int(first)


_CHILDREN: Final[Mapping[str, Callable[[Selected], Child]]] = MappingProxyType(
    {
        "purchases": _purchases,
        "purchasesAwaitingMe": _awaiting,
        "notices": _notices,
        "unreadNoticeCount": _unread_count,
        "instalments": _instalments,
        "nextInstalment": _next_instalment,
    }
)
