"""How objects of the schema are written by SQL: for each type its fields, as expressions over the rows of a read view.

A field that stands here gives exactly what its resolver would; one that does not is Unreadable, and is left to
resolvers with all that was selected beside it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from backend.core.locale import Locale
from backend.deductions import domain as deductions
from backend.deductions.domain import InstalmentKind, InstalmentState
from backend.infra.readviews import expressions
from backend.infra.readviews.expressions import Json
from backend.infra.readviews.statements import OWNER, Row, StatementMaker
from backend.loans.domain import ROUND_STATE_TEXTS, LoanRoundState, LoanSelection
from backend.members.domain import MemberState, PensionKind
from backend.notifications.domain import NoticeCategory
from backend.purchases.domain import PURCHASE_STATE_TEXTS, PurchaseState
from backend.stores import views as stores
from backend.stores.domain import PlaceKind
from schema import member_types
from schema.execution.plan import Selected

_CODE: Final = "{code}"


class Unreadable(Exception):
    """A field has no expression; `str()` is its name."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a statement writes: the language, and what it leaves where a store is filled in later (see `Hole`)."""

    locale: Locale
    hole: "Hole | None" = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field is written: the row it is of, and how."""

    row: Row
    manner: Manner

    @property
    def locale(self) -> Locale:
        """The language."""
        return self.manner.locale


# From what is selected of a store, the language, and SQL of its id.
Hole = Callable[[Selected, Locale, str], Json]
Reading = Callable[[Place, Selected], Json]
Readings = Mapping[str, Reading]


def write(type_name: str, place: Place, selected: tuple[Selected, ...]) -> Json:
    """An object of a type with what is selected of it. Raises Unreadable."""
    readings = _TYPES[type_name]
    return expressions.obj(
        [(each.key, field(type_name, readings, place, each)) for each in selected]
    )


def field(type_name: str, readings: Readings, place: Place, selected: Selected) -> Json:
    """One field of an object. Raises Unreadable."""
    if selected.field is None:
        return expressions.constant(type_name)
    reading = readings.get(selected.name)
    if reading is None or selected.guards:
        raise Unreadable(f"{type_name}.{selected.name}")
    return reading(place, selected)


def _column(expression: Callable[[str], Json], name: str, *, optional: bool = False) -> Reading:
    def read(place: Place, _: Selected) -> Json:
        written = expression(place.row.column(name))
        return expressions.optional(written) if optional else written

    return read


def _text(name: str, *, optional: bool = False) -> Reading:
    return _column(expressions.text, name, optional=optional)


def _number(name: str, *, optional: bool = False) -> Reading:
    return _column(expressions.number, name, optional=optional)


def _moment(name: str, *, optional: bool = False) -> Reading:
    return _column(expressions.moment, name, optional=optional)


def _enum(kind: type[StrEnum], name: str) -> Reading:
    names = {each.value: each.name for each in kind}
    return _column(lambda sql: expressions.words(sql, names), name)


def _words(texts: Mapping[Any, Mapping[Locale, str]], name: str) -> Reading:
    def read(place: Place, _: Selected) -> Json:
        known = {str(value): words[place.locale] for value, words in texts.items()}
        return expressions.words(place.row.column(name), known)

    return read


def _id(type_name: str, name: str = "id") -> Reading:
    return _column(lambda sql: expressions.global_id(type_name, sql), name)


def _own_id(type_name: str) -> Reading:
    return _column(lambda sql: expressions.global_id(type_name, sql, OWNER), "id")


def store(maker: StatementMaker, key: str, selected: Selected, manner: Manner) -> Json:
    """The store with this id, which is SQL; NULL where there is none. Raises Unreadable."""
    return maker.one(
        stores.PLACE, key, lambda row: write("Store", Place(row, manner), selected.only())
    )


def _store(place: Place, selected: Selected) -> Json:
    key, manner = place.row.column("store_id"), place.manner
    if manner.hole is not None:
        return manner.hole(selected, manner.locale, key)
    return store(place.row.maker, key, selected, manner)


def _category(place: Place, selected: Selected) -> Json:
    return place.row.follow(
        "category_id",
        stores.CATEGORY,
        lambda row: write("StoreCategory", Place(row, place.manner), selected.only()),
    )


def _category_name(place: Place, _: Selected) -> Json:
    return expressions.text(place.row.column("name_fa" if place.locale is Locale.FA else "name_en"))


def _terms(place: Place, selected: Selected) -> Json:
    terms = write("InstalmentTerms", place, selected.only()).sql
    is_none = f"{place.row.column('min_months')} IS NULL"
    return expressions.computed(f"CASE WHEN {is_none} THEN 'null' ELSE {terms} END")


def _failure(place: Place, _: Selected) -> Json:
    """The bank's reason in words; null where there is none."""
    sql = place.row.column("failure")
    before, after = deductions.failure_text(_CODE, place.locale).split(_CODE)
    other = f"to_json({expressions.quoted(before)} || {sql} || {expressions.quoted(after)})::text"
    known = {code: words[place.locale] for code, words in deductions.FAILURE_TEXTS.items()}
    return expressions.optional(
        expressions.words(sql, known, otherwise=expressions.computed(other))
    )


_PURCHASE: Final[Readings] = {
    "id": _own_id("Purchase"),
    "store": _store,
    "amount": _number("amount_rials"),
    "instalmentCount": _number("instalment_count"),
    "state": _enum(PurchaseState, "state"),
    "stateText": _words(PURCHASE_STATE_TEXTS, "state"),
    "createdAt": _moment("created_at"),
    "expiresAt": _moment("expires_at", optional=True),
    "confirmedAt": _moment("confirmed_at", optional=True),
    "refundedAmount": _number("refunded_rials"),
    "paidAmount": _number("paid_rials"),
}
_STORE: Final[Readings] = {
    "id": _id("Store"),
    "kind": _enum(PlaceKind, "kind"),
    "name": _text("name"),
    "category": _category,
    "address": _text("address"),
    "city": _text("city"),
    "location": lambda place, selected: write("GeoPoint", place, selected.only()),
    "phones": _column(expressions.texts, "phones"),
    "active": _column(lambda sql: expressions.boolean(f"{sql} = 'ACTIVE'"), "state"),
    "terms": _terms,
}
_INSTALMENT: Final[Readings] = {
    "id": _own_id("Instalment"),
    "kind": _enum(InstalmentKind, "kind"),
    "number": _number("number"),
    "dueMonth": _column(expressions.month, "due_month"),
    "amount": _number("amount_rials"),
    "paidAmount": _number("paid_rials"),
    "state": _enum(InstalmentState, "state"),
    "stateText": _words(deductions.INSTALMENT_STATE_TEXTS, "state"),
    "failure": _failure,
}
_NOTICE: Final[Readings] = {
    "id": _own_id("Notice"),
    "category": _enum(NoticeCategory, "category"),
    "title": _text("title"),
    "body": _text("body"),
    "deepLink": _text("deep_link", optional=True),
    "createdAt": _moment("created_at"),
    "readAt": _moment("read_at", optional=True),
}
_LOAN_ROUND: Final[Readings] = {
    "id": _id("LoanRound"),
    "title": _text("title"),
    "state": _enum(LoanRoundState, "state"),
    "stateText": _words(ROUND_STATE_TEXTS, "state"),
    "amount": _number("amount_rials"),
    "months": _number("months"),
    "graceMonths": _number("grace_months"),
    "feeTotal": _number("fee_total_rials"),
    "opensAt": _moment("opens_at"),
    "closesAt": _moment("closes_at"),
    "selection": _enum(LoanSelection, "selection"),
    "budget": _number("budget_rials"),
    "listSha256": _text("list_sha256", optional=True),
    "seedSource": _text("seed_source", optional=True),
}
# The member's file. `id` needs no row: it is known of who asks.
MEMBER: Final[Readings] = MappingProxyType(
    {
        "firstName": _text("first_name"),
        "lastName": _text("last_name"),
        "pensionNumber": _text("pension_number"),
        "pensionKind": _enum(PensionKind, "pension_kind"),
        "state": _enum(MemberState, "state"),
        "stateText": _words(member_types.STATE_TEXTS, "state"),
        "city": _text("city", optional=True),
        "address": _text("address", optional=True),
        "netPension": _number("net_pension_rials", optional=True),
        "phone": _text("phone", optional=True),
    }
)
_TYPES: Final[Mapping[str, Readings]] = MappingProxyType(
    {
        "Purchase": _PURCHASE,
        "Store": _STORE,
        "StoreCategory": {"id": _id("StoreCategory"), "name": _category_name},
        "GeoPoint": {
            "latitude": _column(expressions.decimal, "latitude"),
            "longitude": _column(expressions.decimal, "longitude"),
        },
        "InstalmentTerms": {
            "minMonths": _number("min_months"),
            "maxMonths": _number("max_months"),
            "minAmount": _number("min_amount_rials"),
            "maxAmount": _number("max_amount_rials"),
        },
        "Instalment": _INSTALMENT,
        "Notice": _NOTICE,
        "LoanRound": _LOAN_ROUND,
    }
)
