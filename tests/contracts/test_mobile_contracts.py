"""What the apps were promised: their operations, the golden answers, the codes of errors, the versions.

`UPDATE_GOLDEN=1 pytest tests/contracts/test_mobile_contracts.py` writes the answers anew.
"""

import json
import os
import re
import tomllib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import orjson
import pytest
from graphql import (
    GraphQLInterfaceType,
    OperationDefinitionNode,
    build_schema,
    parse,
    print_ast,
    validate,
)

from backend.access import code_requests
from backend.access import domain as access
from backend.core import clock, errors
from backend.core.calendar import Weekday
from backend.core.geo import GeoPoint
from backend.core.locale import Locale
from backend.members import domain as members
from backend.stores import domain as store_domain
from backend.stores.domain import PlaceKind, StoreState
from schema import errors as schema_errors
from tests.support import api as support
from tests.support import member_scene, places
from tests.support.api import Api
from tests.support.member_scene import Scene
from tests.support.places import AZADI, draft

CONTRACTS = support.OPERATIONS.parent
SDL = CONTRACTS.parent / "schema" / "schema.graphql"
OPERATIONS = sorted(path.stem for path in support.OPERATIONS.glob("*.graphql"))
SATURDAY = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)  # 12:00 in Tehran

NEAR: Mapping[str, object] = {"latitude": AZADI.latitude, "longitude": AZADI.longitude}
GOLDEN: list[tuple[str, str, Mapping[str, object]]] = [
    ("NearbyStores", "NearbyStores", {"at": NEAR, "radiusMeters": 5000, "first": 2}),
    ("NearbyStores", "NearbyStores.open", {"at": NEAR, "filter": {"openNow": True}}),
    ("NearbyStores", "NearbyStores.none", {"at": {"latitude": 27.0, "longitude": 60.0}}),
    ("NearbyStores", "NearbyStores.without-place", {}),
    ("StoreSearch", "StoreSearch", {"search": "لوازم خانگی"}),
    ("StoreSearch", "StoreSearch.slip", {"search": "گلسنان"}),
    ("StoreDetails", "StoreDetails", {"id": places.store_id(1)}),
    ("StoreDetails", "StoreDetails.unknown", {"id": places.store_id(99)}),
    (
        "StoreClusters",
        "StoreClusters",
        {"bounds": {"south": 35.6, "west": 51.2, "north": 35.8, "east": 51.6}, "zoom": 12},
    ),
]
SHIRAZ: Mapping[str, object] = {"latitude": 29.6, "longitude": 52.54}
MEMBER_GOLDEN: list[tuple[str, str, Mapping[str, object]]] = [
    ("Home", "Home", {"at": SHIRAZ}),
    ("Inbox", "Inbox", {"first": 3}),
    *member_scene.GOLDEN,
    ("NoticesMarkRead", "NoticesMarkRead", {"input": {"before": "2026-11-20T00:00:00Z"}}),
    ("NoticesMarkRead", "NoticesMarkRead.neither", {"input": {}}),
    (
        "StoreFavouriteSet",
        "StoreFavouriteSet",
        {"input": {"storeId": places.store_id(1), "favourite": True}},
    ),
    (
        "StoreFavouriteSet",
        "StoreFavouriteSet.suspended",
        {"input": {"storeId": places.store_id(2), "favourite": True}},
    ),
]

# Tokens and ids of sessions are random: tests/api/test_sign_in_api.py holds their shape.
WITHOUT_GOLDEN = {
    *("SignInCodeRequest", "SignInCodeConfirm", "SessionRefresh", "SessionEnd", "DeviceRegister"),
}
# GraphQL type → the refusal that it shows.
USER_ERRORS: Mapping[str, type[errors.DomainError]] = {
    "CodeInvalid": code_requests.CodeInvalid,
    "CodeMalformed": code_requests.CodeMalformed,
    "DeviceInvalid": access.DeviceInvalid,
    "FavouritesFull": store_domain.TooManyFavourites,
    "MemberFileClosed": access.MemberFileClosed,
    "NoticesChoiceInvalid": errors.BadUserInput,
    "ProvinceNotOpen": access.ProvinceNotOpen,
    "RefreshKeyMismatch": access.RefreshKeyMismatch,
    "RetrieverHashInvalid": code_requests.RetrieverHashInvalid,
    "SecurityNoticesUnheard": members.SecurityNoticesUnheard,
    "SessionExpired": access.SessionExpired,
    "SessionInvalid": access.SessionInvalid,
    "SessionNotFound": errors.NotFound,
    "StoreNotFound": errors.NotFound,
}
# What operators and cashiers are refused: types of several codes, and where the classes stand.
OPERATOR_ERRORS = {
    "ActRefused",
    "CredentialsInvalid",
    "ReauthenticationNeeded",
    "StoreChangedMeanwhile",
    "StoreInvalid",
}
OPERATOR_REFUSALS = re.compile(
    r"backend\.(core\.viewer|approvals\.(domain|notice|refusals)|access\.(staff_refusals|emergency_rules|phone_change)"
    r"|members\.(freezing|file_refusals)|imports\.refusals"
    r"|stores\.(managing|store_forms|iban_change|mobiles))"
)


@pytest.fixture
async def api(db: None, cache: None) -> AsyncIterator[Api]:
    """The application over a few places, at noon of Saturday, 30 Aban 1405."""
    del db, cache
    week = places.weekly(
        *((day, minutes, minutes + 240) for day in list(Weekday)[:6] for minutes in (540, 960))
    )
    night = places.weekly((Weekday.FRIDAY, 1080, 1560))
    await places.save(
        draft(
            "1",
            name="لوازم‌خانگی گلستان",
            category_code="appliances",
            schedule=places.exceptional(week, date(2026, 11, 26), (600, 720)),
            offers=(places.offer("اقساط ۱۲ ماهه", date(2026, 11, 1), date(2026, 12, 20)),),
        ),
    )
    await places.save(
        draft("2", name="نانوایی سحر", at=GeoPoint(35.7012, 51.3391), schedule=night),
    )
    await places.save(
        draft("3", name="فروشگاه لوازم خانگی مهر", at=GeoPoint(35.71, 51.36), phones=()),
        draft("4", name="خواربار بسته", state=StoreState.SUSPENDED),
        draft("5", name="درمانگاه رفاه", kind=PlaceKind.CLINIC, terms=None),
    )
    async with support.serving() as client:
        with clock.frozen(SATURDAY):
            yield client


@pytest.fixture
async def member_api(db: None, cache: None) -> AsyncIterator[tuple[Api, Scene]]:
    """The application over the scene of a member, at the same noon."""
    del db, cache
    async with support.serving() as client:
        with clock.frozen(member_scene.NOON):
            scene = await member_scene.set_up()
            await member_scene.add_devices_and_favourites(scene)
            yield client, scene


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_valid_and_named_like_its_file(name: str) -> None:
    document = parse(support.operation(name))

    assert validate(build_schema(SDL.read_text(encoding="utf-8")), document) == []
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None
    assert operation.name.value == name


def test_the_operations_are_those_of_the_app() -> None:
    assert set(OPERATIONS) == {
        *(
            "DeviceRegister",
            "Home",
            "Inbox",
            "Instalments",
            "LoanRounds",
            "MemberPreferencesUpdate",
        ),
        *("MyLoans", "MyProfile", "NearbyStores", "NoticesMarkRead", "PurchaseDetails"),
        *("PurchaseHistory", "SessionEnd", "SessionRefresh", "SignInCodeConfirm"),
        *("SignInCodeRequest", "StoreClusters", "StoreDetails", "StoreFavouriteSet", "StoreSearch"),
        *("AccessLog", "AwaitingPurchases", "ClubCode", "FavouriteStores", "SessionRevoke"),
        "Sessions",
    }


def test_near_by_stores_takes_the_variables_that_apps_send() -> None:
    [operation] = parse(support.operation("NearbyStores")).definitions
    assert isinstance(operation, OperationDefinitionNode)

    assert {
        each.variable.name.value: print_ast(each.type)
        for each in operation.variable_definitions or ()
    } == {
        "at": "GeoPointInput",
        "radiusMeters": "Int",
        "first": "Int",
        "after": "String",
        "filter": "StoreFilter",
    }


@pytest.mark.parametrize(("name", "file", "variables"), GOLDEN, ids=[each[1] for each in GOLDEN])
async def test_the_answer_is_the_golden_one_to_the_byte(
    api: Api, name: str, file: str, variables: Mapping[str, object]
) -> None:
    check_golden(file, variables, await api.ask(support.operation(name), variables))


@pytest.mark.parametrize(
    ("name", "file", "variables"), MEMBER_GOLDEN, ids=[each[1] for each in MEMBER_GOLDEN]
)
async def test_a_members_answer_is_the_golden_one_to_the_byte(
    member_api: tuple[Api, Scene], name: str, file: str, variables: Mapping[str, object]
) -> None:
    api, scene = member_api

    check_golden(
        file, variables, await api.ask(support.operation(name), variables, **scene.headers)
    )


def check_golden(file: str, variables: Mapping[str, object], answer: httpx.Response) -> None:
    golden = CONTRACTS / "responses" / f"{file}.json"
    content = pretty({"variables": variables, "response": answer.json()})
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(content, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == content
    assert orjson.dumps(json.loads(content)["response"]) == answer.content


def test_every_golden_answer_has_its_question() -> None:
    files = {path.stem for path in (CONTRACTS / "responses").glob("*.json")}

    assert files == {file for _, file, _ in (*GOLDEN, *MEMBER_GOLDEN)}
    assert {name for name, _, _ in (*GOLDEN, *MEMBER_GOLDEN)} == set(OPERATIONS) - WITHOUT_GOLDEN


def test_every_code_is_listed_with_its_texts() -> None:
    content = pretty(
        {
            "topLevel": top_level_codes(),
            "userErrors": user_error_codes(),
            "operatorErrors": operator_error_codes(),
        }
    )
    listed = CONTRACTS / "error-codes.json"

    if os.environ.get("UPDATE_GOLDEN"):
        listed.write_text(content, encoding="utf-8")
    assert listed.read_text(encoding="utf-8") == content


def test_every_refusal_of_a_mutation_has_its_code() -> None:
    schema = build_schema(SDL.read_text(encoding="utf-8"))
    interface = schema.type_map["UserError"]
    assert isinstance(interface, GraphQLInterfaceType)

    kinds = {kind.name for kind in schema.get_implementations(interface).objects}
    assert kinds == set(USER_ERRORS) | OPERATOR_ERRORS


def user_error_codes() -> list[dict[str, object]]:
    """The codes of refusals, with the most general texts of each."""
    top_level = {each["code"] for each in top_level_codes()}
    found: dict[str, dict[str, object]] = {
        kind.code: {"code": kind.code, "message": plain(kind.texts), "hint": plain(kind.hints)}
        for kind in USER_ERRORS.values()
        if kind.code not in top_level
    }
    return [found[code] for code in sorted(found)]


def operator_error_codes() -> list[dict[str, object]]:
    """The codes of `ActRefused` and its like, with the most general texts of each."""
    known = {each["code"] for each in (*top_level_codes(), *user_error_codes())}
    found = {kind.code: kind for kind in reversed(operator_refusals()) if kind.code not in known}
    return [
        {"code": code, "message": plain(found[code].texts), "hint": plain(found[code].hints)}
        for code in sorted(found)
    ]


def operator_refusals() -> list[type[errors.DomainError]]:
    """The error classes of what operators and cashiers do; the general ones first."""
    return [
        kind
        for kind in sorted(every_refusal(), key=lambda kind: (len(kind.__mro__), kind.__name__))
        if OPERATOR_REFUSALS.fullmatch(kind.__module__)
    ]


def top_level_codes() -> list[dict[str, object]]:
    kinds = (
        errors.BadUserInput,
        errors.Unauthenticated,
        errors.Forbidden,
        errors.RateLimited,
        errors.Unavailable,
        schema_errors.BadRequest,
        schema_errors.CostLimitExceeded,
        schema_errors.DocumentNotFound,
    )
    found: list[dict[str, object]] = [
        {"code": kind.code, "message": plain(kind.texts), "hint": plain(kind.hints)}
        for kind in kinds
    ]
    found.append({"code": schema_errors.INTERNAL, "message": plain(schema_errors._INTERNAL_TEXTS)})
    return sorted(found, key=lambda each: str(each["code"]))


def plain(texts: Mapping[Locale, str]) -> dict[str, str]:
    return {str(locale): text for locale, text in texts.items()}


def test_no_other_code_can_come_from_a_query() -> None:
    """Every refusal of the rules that queries follow is one of the closed set at the top level."""
    listed = {each["code"] for each in top_level_codes()}

    of_mutations = {*USER_ERRORS.values(), *operator_refusals()}
    of_queries = [kind for kind in refusals() if not of_mutations & set(kind.__mro__[:-3])]
    assert {schema_errors._top_level_code(kind.__new__(kind)) for kind in of_queries} <= listed


def refusals() -> list[type[errors.DomainError]]:
    """The error classes of the rules and of the schema; imports and the seed have some of their own."""
    ours = re.compile(r"backend\.(core|infra\.db)\b|backend\.\w+\.(domain|opening)$|schema\.")
    found = [kind for kind in every_refusal() if ours.match(kind.__module__)]
    return [*found, *(kind for kind in operator_refusals() if kind not in found)]


def every_refusal() -> list[type[errors.DomainError]]:
    """All error classes of the program."""
    found: list[type[errors.DomainError]] = []
    waiting = list(errors.DomainError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        found.append(kind)
    return found


def test_every_refusal_speaks_both_languages() -> None:
    for kind in refusals():
        for texts in (kind.texts, kind.hints):
            assert set(texts) == set(Locale), kind
            assert all(text.strip() for text in texts.values()), kind


def test_the_supported_versions_are_told_for_both_platforms() -> None:
    versions = tomllib.loads((CONTRACTS / "versions.toml").read_text(encoding="utf-8"))

    assert set(versions) == {"android", "ios"}
    for platform in versions.values():
        assert set(platform) == {"oldest_supported", "newest", "store_link"}
        for name in ("oldest_supported", "newest"):
            assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", platform[name])
        assert ordinal(platform["oldest_supported"]) <= ordinal(platform["newest"])
        assert platform["store_link"].startswith("https://")


def ordinal(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def pretty(value: object) -> str:
    """JSON as it is kept: Persian as it is, two spaces, in the order of the answer."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def test_the_folder_is_where_it_is_said_to_be() -> None:
    assert Path(CONTRACTS / "README.md").is_file()
