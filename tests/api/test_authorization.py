"""Who sees and does what: every field of every type and every mutation, asked by three, against a written table.

`authorization_table.toml` has a row for each field: what it answers without a token, to the member who owns the
data, and to another member who asks for the same. OWN is shown to this asker as to nobody else, SAME is shown to
several askers alike, EMPTY is no value at all, and a code is a refusal. A field without a row fails, as does a row
without a field.
"""

import json
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from backend import composition
from backend.access import devices
from backend.access import service as access_service
from backend.access.domain import DevicePlatform, DeviceRegistration, Issued, PushProvider
from backend.core import clock
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.infra import jobs
from backend.infra.sms import port as sms
from backend.organization import service as organization
from backend.settings import Settings
from backend.stores import domain as stores
from backend.stores import favourites
from schema import root
from tests.support import access, member_scene, places, signing_in, staff
from tests.support import authorization_ways as ways
from tests.support.api import Api
from tests.support.member_scene import NOON, SHIRAZ, Scene
from tests.support.places import draft
from tests.support.signing_in import Person

NOBODY, OWNER, OTHER = "nobody", "owner", "other"
ASKERS = (NOBODY, OWNER, OTHER)
TABLE: Mapping[str, Mapping[str, str]] = tomllib.loads(
    Path(__file__).with_name("authorization_table.toml").read_text(encoding="utf-8")
)
CLOSED = Person("0076543218", "+989121234570")
DECEASED = Person("0084575948", "+989121234571")
DEVICE = "device-of-the-owner"

_numbers = count(1)


def schema() -> GraphQLSchema:
    return root.build()._schema


def object_types() -> Iterator[GraphQLObjectType]:
    for kind in schema().type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            yield kind


def interfaces(kind: GraphQLObjectType) -> set[str]:
    return {each.name for each in kind.interfaces}


def object_type(name: str) -> GraphQLObjectType:
    found = schema().type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def selection(owner: GraphQLObjectType, name: str) -> str:
    """The field with what must be said to ask it, under the alias `asked`."""
    arguments = ways.ARGUMENTS.get(f"{owner.name}.{name}", "")
    return f"asked: {name}{arguments}{sample(get_named_type(owner.fields[name].type))}"


def sample(kind: object, depth: int = 0) -> str:
    """What to select of a type: its plain fields, or those of its parts where it has none."""
    if isinstance(kind, GraphQLUnionType):
        return " { __typename ... on Node { id } }"
    if isinstance(kind, GraphQLInterfaceType):
        return " { __typename id }"
    if not isinstance(kind, GraphQLObjectType):
        return ""
    asked = {
        name: get_named_type(each.type)
        for name, each in kind.fields.items()
        if not any(is_required_argument(argument) for argument in each.args.values())
    }
    plain = [name for name, found in asked.items() if is_leaf_type(found)]
    if not plain or kind.name.endswith("Connection"):
        plain += [
            name + sample(found, depth + 1)
            for name, found in asked.items()
            if not is_leaf_type(found) and depth < 2
        ]
    return f" {{ {' '.join(plain)} }}"


def values(content: object) -> list[object]:
    """What stands under `asked`, wherever in an answer."""
    if isinstance(content, list):
        return [found for each in content for found in values(each)]
    if isinstance(content, dict):
        return [
            found
            for name, each in content.items()
            for found in ([each] if name == "asked" else values(each))
        ]
    return []


def says_nothing(value: object, *, inside: bool = False) -> bool:
    """Whether a value holds no datum: null, an empty list, a page or an object of such."""
    if isinstance(value, list):
        return all(says_nothing(each, inside=inside) for each in value)
    if isinstance(value, dict):
        return all(says_nothing(each, inside=True) for each in value.values())
    return value is None or (inside and value is False)


@dataclass
class Case:
    """The two members, and what the owner has that nobody else may learn or touch."""

    api: Api
    scene: Scene
    data_dir: Path
    given: dict[str, str] = field(default_factory=dict)
    canaries: list[str] = field(default_factory=list)
    sessions: dict[str, Issued] = field(default_factory=dict)

    async def ask(self, asker: str, document: str, **more: str) -> object:
        """The answer's data, or the code of its first refusal."""
        given = {**self.given, "asker": asker, **more}
        headers = {}
        if asker != NOBODY:
            session = self.sessions.get(asker)
            if session is None or document.startswith("mutation"):  # which may end it
                session = self.sessions[asker] = await self.session_of(asker)
            headers = {"authorization": f"Bearer {session.access_token}"}
            given["asker_refresh"] = session.refresh_token
        for name, value in given.items():
            document = document.replace(f"<{name}>", json.dumps(value))
        response = await self.api.ask(document, None, **headers)
        if asker != OWNER:
            leaked = [each for each in self.canaries if each in response.text]
            assert leaked == [], (asker, document, response.text)
        content = response.json()
        if "errors" in content:
            return content["errors"][0]["extensions"]["code"]
        return content["data"]

    async def session_of(self, asker: str) -> Issued:
        """A new session of the asker's; the other member claims to hold the owner's device."""
        member_id = self.scene.member_id if asker == OWNER else self.scene.other_id
        return await access.signed_in(member_id, device_id=DEVICE, name=f"گوشی {asker}")

    async def outcomes(self, document: str) -> list[str]:
        """What the three askers get of what the document asks under `asked`."""
        answers = [await self.ask(asker, document) for asker in ASKERS]
        return outcomes(answers)

    async def rows_of_the_owner(self) -> Mapping[str, object]:
        """All that the database holds of the owner, by table."""
        tables = await database.fetch(
            """
            SELECT c.relname AS name, a.attname AS key FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
             WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
               AND (a.attname IN ('member_id', 'subject_member_id') OR c.relname = 'member' AND a.attname = 'id')
            """
        )
        assert len(tables) >= 10
        found: dict[str, object] = {}
        for table in tables:
            row = await database.fetch_one(
                f"SELECT jsonb_agg(t ORDER BY t::text)::text AS rows FROM {table['name']} t"
                f" WHERE {table['key']} = $1",
                self.scene.member_id,
            )
            assert row is not None
            found[table["name"]] = row["rows"]
        return found


def outcomes(answers: list[object]) -> list[str]:
    """One outcome an answer, by comparing them."""
    shown = [None if isinstance(each, str) else values(each) for each in answers]
    found = []
    for answer, mine in zip(answers, shown, strict=True):
        if isinstance(answer, str):
            found.append(answer)
        elif not mine or says_nothing(mine):
            found.append("EMPTY")
        else:
            found.append("SAME" if shown.count(mine) > 1 else "OWN")
    return found


@pytest.fixture
async def case(api: Api, database_url: str, tmp_path: Path) -> AsyncIterator[Case]:
    with clock.frozen(NOON):
        scene = await member_scene.set_up()
        await _furnish(scene)
        composition.configure_sms(Settings(data_dir=tmp_path))
        connection = await asyncpg.connect(database_url)
        await jobs.install(connection)
        await connection.close()
        await organization.open_provinces(viewer=SYSTEM, codes=["IR-07"])
        case = Case(api, scene, tmp_path)
        await _give(case)
        yield case
    await sms.close()


async def _furnish(scene: Scene) -> None:
    """A store with everything, a favourite, a device; and another member who is otherwise in all respects."""
    hours = places.exceptional(places.ALWAYS, NOON.date() + timedelta(days=3), (480, 720))
    offer = places.offer("تخفیف", date(2026, 11, 1), date(2026, 12, 1))
    await places.save(
        draft("hafez", at=SHIRAZ, province_code="IR-07", schedule=hours, offers=(offer,))
    )
    await favourites.set_favourite(
        viewer=scene.viewer, store_id=scene.stores["hafez"], favourite=True
    )
    signed_in = await access.signed_in(scene.member_id, device_id=DEVICE)
    await devices.register_device(
        viewer=scene.viewer,
        session_id=signed_in.session_id,
        registration=DeviceRegistration(
            DEVICE, DevicePlatform.ANDROID, PushProvider.NONE, None, "1.4.2", Locale.FA
        ),
    )
    await database.execute(
        """
        UPDATE member SET pension_kind = 'SURVIVOR', state = 'FROZEN', province_code = 'IR-23', city = 'تهران',
               address = 'خیابان آزادی', association_code = NULL, branch_code = NULL, net_pension_rials = 90000000,
               locale = 'en', text_size = 'LARGE', channels = '{"LOAN": ["SMS"]}',
               club_secret = decode(repeat('ee', 20), 'hex')
         WHERE id = $1
        """,
        scene.other_id,
    )


async def _give(case: Case) -> None:
    scene = case.scene
    issued = await access.signed_in(scene.member_id, device_id="device-at-home")
    row = await database.fetch_one("SELECT id FROM session WHERE public_id = $1", issued.session_id)
    assert row is not None
    case.given = {
        "store": places.store_id(scene.stores["hafez"]),
        "other_store": places.store_id(scene.stores["hafez"]),
        "purchase": scene.own_id("Purchase", scene.purchases["running"]),
        "round": GlobalId("LoanRound", scene.rounds["past"]).encode(),
        "notice": scene.own_id("Notice", scene.notices["loan"]),
        "approval": GlobalId("Approval", 1).encode(),
        "member": GlobalId("Member", scene.member_id).encode(),
        "session": scene.own_id("Session", row["id"]),
        "device": DEVICE,
        "code": member_scene.NATIONAL_CODE,
        "phone": member_scene.PHONE,
        "asker_refresh": "none",
    }
    case.canaries = [
        "احمدی",
        "10000001",
        member_scene.NATIONAL_CODE[-4:] + '"',
        member_scene.PHONE,
        member_scene.IBAN,
        "پلاک ۷",
        "هفتهٔ بازنشستگان",
        "منتظر تأیید",
        "5f0c1d52-7a55-4d57-9f9b-0d9a4a1f",
        "گوشی owner",
        "شعبهٔ زند",
        GlobalId("Member", scene.member_id).encode(),
    ]


def expected_of(kinds: Mapping[str, object]) -> dict[str, dict[str, str]]:
    return {name: dict(row) for name, row in TABLE.items() if name in kinds}


def test_every_field_of_the_schema_has_a_row_and_every_row_a_field() -> None:
    fields = {f"{kind.name}.{name}" for kind in object_types() for name in kind.fields}
    rows = {f"{kind}.{name}" for kind, names in TABLE.items() for name in names}

    assert sorted(fields - rows) == []
    assert sorted(rows - fields) == []
    assert {*ways.TYPES, *ways.ANSWERS, "Query", "Mutation"} == {
        kind.name for kind in object_types()
    }


def test_the_owner_is_shown_a_value_of_every_field() -> None:
    """Rows of a field that shows nothing to anybody would prove nothing; `test_roles.py` has those of operators."""
    blind = {
        f"{kind}.{name}"
        for kind, row in TABLE.items()
        for name, outcome in row.items()
        if kind != "Mutation" and outcome.split()[1] not in {"OWN", "SAME", "FORBIDDEN"}
    }

    refusals = {kind.name for kind in object_types() if "UserError" in interfaces(kind)}
    assert {each for each in blind if each.partition(".")[0] not in refusals} == {
        "SignInHelp.phone"  # no number is set
    }
    assert {each.partition(".")[2] for each in blind} == {"field", "phone"}


async def test_every_field_of_every_query_is_as_the_table_says(case: Case) -> None:
    found: dict[str, dict[str, str]] = {"Query": {}}
    for name in object_type("Query").fields:
        kind = get_named_type(object_type("Query").fields[name].type)
        document = f"{{ asked: {ways.QUERIES[name]}{sample(kind)} }}"
        found["Query"][name] = " ".join(await case.outcomes(document))
    for kind_name, way in ways.TYPES.items():
        kind = object_type(kind_name)
        found[kind_name] = {
            name: " ".join(await case.outcomes(way % selection(kind, name))) for name in kind.fields
        }

    assert found == expected_of(found)


async def test_nothing_of_a_member_is_a_node_to_anybody_else(case: Case) -> None:
    scene = case.scene
    keys = {
        "Purchase": scene.purchases["overdue"],
        "Instalment": scene.instalments[0],
        "LoanApplication": scene.applications["repaying"],
        "Notice": scene.notices["loan"],
    }
    nodes = {kind.name for kind in object_types() if "Node" in interfaces(kind)}
    of_operators = {"Operator", "Approval", "FileImport"}
    assert nodes == {*keys, "Member", "LoanRound", "Store"} | of_operators

    for name, ids in {
        **{
            name: [scene.own_id(name, key), scene.disguised_id(name, key)]
            for name, key in keys.items()
        },
        "Member": [GlobalId("Member", scene.member_id).encode()],
    }.items():
        for place, given in enumerate(ids):
            for asked in object_type(name).fields:
                document = (
                    f"{{ node(id: {json.dumps(given)}) {{"
                    f" ... on {name} {{ {selection(object_type(name), asked)} }} }} }}"
                )
                nobody, owner, other = [await case.ask(asker, document) for asker in ASKERS]
                assert nobody in ("UNAUTHENTICATED", {"node": None}), document
                assert other == {"node": None}, document
                assert (owner != {"node": None}) is (place == 0), document


async def test_every_mutation_is_as_the_table_says_and_nobody_changes_what_is_the_owner_s(
    case: Case,
) -> None:
    found = {}
    for name in object_type("Mutation").fields:
        document = f"mutation {{ asked: {ways.MUTATIONS[name]} {{ __typename }} }}"
        before = await case.rows_of_the_owner()
        nobody = await case.ask(NOBODY, document)
        other = await case.ask(OTHER, document)
        assert await case.rows_of_the_owner() == before, document
        owner = await case.ask(OWNER, document)
        found[name] = " ".join(_said(each) for each in (nobody, owner, other))

    assert found == dict(TABLE["Mutation"])


@pytest.mark.parametrize("name", ways.ANSWERS)
async def test_every_field_of_every_answer_to_a_mutation_is_as_the_table_says(
    case: Case, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = object_type(name)
    if name == "FavouritesFull":
        await database.execute("UPDATE store SET state = 'ACTIVE'")
        monkeypatch.setattr(stores, "MAX_FAVOURITES", 0)
        case.given["other_store"] = places.store_id(case.scene.stores["saadi"])
    fields = " ".join(
        f"{each}: {selection(kind, each).removeprefix('asked: ')}" for each in kind.fields
    )
    way = ways.ANSWERS[name]
    if "%s" in way:
        document = f"mutation {{ answer: {way.replace('%s', 'found: __typename ' + fields)} }}"
    else:
        document = (
            f"mutation {{ answer: {way} {{ ... on {name} {{ found: __typename {fields} }} }} }}"
        )
    answers = []
    for asker in ASKERS:
        prepared = await _prepared(case, name)
        before = await case.rows_of_the_owner()
        answers.append(await case.ask(asker, document, **prepared))
        if asker != OWNER:
            assert await case.rows_of_the_owner() == before, asker

    found = {
        each: " ".join(outcomes([a if isinstance(a, str) else _under(a, each) for a in answers]))
        for each in kind.fields
    }
    assert found == dict(TABLE[name])


def _said(answer: object) -> str:
    """The code of a refusal, or the type of the mutation's answer."""
    if isinstance(answer, str):
        return answer
    assert isinstance(answer, dict)
    return str(answer["asked"]["__typename"])


def _under(content: object, name: str) -> object:
    """The value of one field of the mutation's answer, as `values` finds it."""
    if isinstance(content, dict):
        if "found" in content:
            return {"asked": content[name]}
        return [_under(each, name) for each in content.values()]
    return []


async def _prepared(case: Case, name: str) -> dict[str, str]:
    """What the answer needs to come about, made anew for each asker."""
    if name in {"ProvinceNotOpen", "MemberFileClosed"}:
        person = CLOSED if name == "ProvinceNotOpen" else DECEASED
        if not await database.fetch("SELECT FROM member WHERE phone = $1", person.phone):
            await signing_in.enrol(
                person, province="IR-23" if name == "ProvinceNotOpen" else "IR-07"
            )
            if name == "MemberFileClosed":
                await database.execute(
                    "UPDATE member SET state = 'DECEASED' WHERE phone = $1", person.phone
                )
        device = f"device-{next(_numbers)}"
        sent = await signing_in.call(
            case.api, "SignInCodeRequest", signing_in.asking(person, device_id=device)
        )
        await signing_in.run_jobs()
        text = signing_in.messages(case.data_dir)[-1]["text"]
        return {
            "request": str(sent["requestId"]),
            "digits": signing_in.code_in(text),
            "device": device,
        }
    if name == "SessionExpired":
        with clock.frozen(NOON - timedelta(days=91)):
            issued = await access.signed_in(case.scene.member_id, device_id=DEVICE)
        return {"expired": issued.refresh_token}
    if name == "RefreshKeyMismatch":
        device = "device-of-a-refresh"  # a sign-in on it would end the session
        issued = await access.signed_in(case.scene.member_id, device_id=device)
        await access_service.session_refresh(
            refresh_token=issued.refresh_token, device_id=device, idempotency_key=UUID(int=1)
        )
        return {"used": issued.refresh_token, "device": device}
    if name == "OperatorEnrolBegun":
        invited, invitation = await staff.invited()
        return {"invited": invited, "invitation": invitation}
    if name == "StoreDeviceEnrolled":
        return {"device_code": await staff.device_code(case.scene.stores["hafez"])}
    return {}
