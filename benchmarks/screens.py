"""What is measured: four screens of the app as it asks for them, and a question that costs nothing to answer.

Each screen of a member has its hand-written statement in `sql/`, the floor below which nobody gets with one plain
statement a request. A statement's `$names` are the arguments that `statements` binds.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import orjson

from backend.core import base64url, geo
from backend.core.geo import GeoPoint

ROOT: Final = Path(__file__).resolve().parent
OPERATIONS: Final = ROOT.parent / "mobile_contracts" / "operations"
NEARBY_METERS: Final = 100_000
HOME_METERS: Final = 100_000
FIRST: Final = 20

_STORE_FILTER: Final = (
    '{"StoreFilter":{"category_ids":null,"has_offers":null,"kind":"STORE",'
    '"open_now":null,"province_code":null,"within_my_credit":null}}'
)
_PURCHASE_FILTER: Final = (
    '{"PurchaseFilter":{"from_date":null,"states":null,"store_id":null,"to_date":null}}'
)

Variables = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Today:
    """The moment by Tehran's clock, as opening hours are kept."""

    day: date
    weekday: int  # 0 is Saturday
    minute: int
    is_holiday: bool
    was_holiday: bool  # the day before


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: by whom, from where, when."""

    member_id: int
    at: GeoPoint
    today: Today


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """A screen: its operation, and the types of its statement's arguments in their order."""

    name: str
    document: str
    columns: Mapping[str, str]

    @property
    def sql(self) -> Path | None:
        """The file of its statement; None where nothing is read."""
        return ROOT / "sql" / f"{_file_name(self.name)}.sql" if self.columns else None

    def variables(self, at: GeoPoint) -> dict[str, object]:
        """The operation's variables for a phone at this place."""
        point: dict[str, object] = {"latitude": at.latitude, "longitude": at.longitude}
        known: dict[str, dict[str, object]] = {
            "Home": {"at": point},
            "NearbyStores": {"at": point, "radiusMeters": NEARBY_METERS, "first": FIRST},
            "PurchaseHistory": {"first": FIRST},
            "Inbox": {"first": FIRST},
        }
        return known.get(self.name, {})

    def arguments(self, asked: Asked) -> tuple[object, ...]:
        """The statement's arguments, as a plain server would work them out for each request."""
        return _ARGUMENTS[self.name](asked)


def _home(asked: Asked) -> tuple[object, ...]:
    at = asked.at
    return (asked.member_id, at.latitude, at.longitude, *geo.unit_vector(at), _HOME_CHORD)


def _nearby_stores(asked: Asked) -> tuple[object, ...]:
    at, today = asked.at, asked.today
    question = (
        f'{{"at":{{"GeoPoint":{{"latitude":{at.latitude!r},"longitude":{at.longitude!r}}}}},'
        f'"list":"nearby","matching":{_STORE_FILTER},"radius":{NEARBY_METERS}}}'
    )
    when = (today.day, today.weekday, today.minute, today.is_holiday, today.was_holiday)
    return (*geo.unit_vector(at), _NEARBY_CHORD, *when, _marker(question))


def _purchase_history(asked: Asked) -> tuple[object, ...]:
    question = f'{{"list":"purchases","matching":{_PURCHASE_FILTER},"member":{asked.member_id}}}'
    return (asked.member_id, _marker(question))


def _inbox(asked: Asked) -> tuple[object, ...]:
    question = (
        f'{{"category":null,"list":"notices","member":{asked.member_id},"unread_only":false}}'
    )
    return (asked.member_id, _marker(question))


def _marker(question: str) -> bytes:
    """What a cursor of the list begins with: the length and the fingerprint of the question."""
    fingerprint = base64url.encode(hashlib.sha256(question.encode()).digest()[:12])
    return bytes((len(fingerprint),)) + fingerprint.encode()


def body(screen: Screen, at: GeoPoint, *, document_id: str | None) -> bytes:
    """The JSON that the app posts: with the document's id where the server knows it, else with its text."""
    asked: dict[str, object] = (
        {"query": screen.document} if document_id is None else {"documentId": document_id}
    )
    variables = screen.variables(at)
    return orjson.dumps(asked | ({"variables": variables} if variables else {}))


def plain_body(screen: Screen, at: GeoPoint) -> bytes:
    """What a plain server needs to be told: the variables."""
    return orjson.dumps({"variables": screen.variables(at)})


def _file_name(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


def _operation(name: str) -> str:
    return (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")


_HOME_CHORD: Final = geo.chord_of(HOME_METERS)
_NEARBY_CHORD: Final = geo.chord_of(NEARBY_METERS)
_ARGUMENTS: Final = {
    "Home": _home,
    "NearbyStores": _nearby_stores,
    "PurchaseHistory": _purchase_history,
    "Inbox": _inbox,
}
_POINT: Final = {"x": "float8", "y": "float8", "z": "float8", "chord_limit": "float8"}
_NOW: Final = {
    "today": "date", "weekday": "int", "minute": "int", "holiday": "boolean", "holiday_before": "boolean",
}  # fmt: skip
_LIST: Final = {"member_id": "bigint", "marker": "bytea"}

SCREENS: Final[Mapping[str, Screen]] = {
    screen.name: screen
    for screen in (
        Screen(
            "Home",
            _operation("Home"),
            {"member_id": "bigint", "latitude": "float8", "longitude": "float8", **_POINT},
        ),
        Screen(
            "NearbyStores",
            _operation("NearbyStores"),
            {**_POINT, **_NOW, "marker": "bytea"},
        ),
        Screen("PurchaseHistory", _operation("PurchaseHistory"), _LIST),
        Screen("Inbox", _operation("Inbox"), _LIST),
        Screen("Typename", "{ __typename }", {}),
    )
}
