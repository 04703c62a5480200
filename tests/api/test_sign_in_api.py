"""Signing in through the API, from the request to the member's name; and what a stranger learns: nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from backend.access import limits, sign_in
from backend.access.limits import SignInLimits
from backend.infra import cache as shared_cache
from backend.infra import db as database
from backend.infra import job_worker
from backend.infra.sms import port as sms
from tests.support import api as support
from tests.support import signing_in
from tests.support.api import Api, codes
from tests.support.signing_in import (
    MARYAM,
    REZA,
    STRANGER,
    Person,
    asking,
    call,
    code_in,
    confirm,
    messages,
    run_jobs,
    sent_code,
)

REQUEST = support.operation("SignInCodeRequest")


@pytest.fixture(autouse=True)
async def house(api: Api, database_url: str, tmp_path: Path) -> AsyncIterator[None]:
    del api  # its keys are set now
    await signing_in.set_up(database_url, tmp_path)
    yield
    await sms.close()
    limits.configure(SignInLimits())
    sign_in.configure(retriever_hashes=())


async def count(table: str) -> int:
    row = await database.fetch_one(f"SELECT count(*) FROM {table}")
    assert row is not None
    found: int = row["count"]
    return found


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def moment(value: object) -> datetime:
    assert isinstance(value, str)
    return datetime.fromisoformat(value)


async def test_a_member_asks_and_a_worker_sends_and_the_code_signs_in(
    api: Api, database_url: str, tmp_path: Path
) -> None:
    sent = await call(api, "SignInCodeRequest", asking(MARYAM))
    assert sent["__typename"] == "SignInCodeSent"
    assert (moment(sent["expiresAt"]) - moment(sent["resendAt"])).total_seconds() == 60
    assert sent["help"] == {
        "text": "اگر تا دو دقیقه پیامکی نرسید، کد ملی و شماره را بررسی کنید یا با پشتیبانی تماس بگیرید.",
        "phone": None,
    }

    stop = asyncio.Event()
    worker = asyncio.create_task(job_worker.run_worker(database_url, stop=stop, drain_seconds=5))
    async with asyncio.timeout(60):
        while await count("pgqueuer"):
            pass
    stop.set()
    await worker

    (message,) = messages(tmp_path)
    code = code_in(message["text"])
    assert message["to"] == MARYAM.phone
    assert message["text"] == f"کد ورود به باشگاه: {code}\nاین کد را به هیچ‌کس نگویید."

    persian = code.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    answer = await confirm(api, sent["requestId"], persian)
    assert answer["__typename"] == "SignedIn"
    member = answer["member"]
    assert isinstance(member, dict)
    assert (member["firstName"], member["lastName"]) == ("مریم", "رضایی")
    me = await api.ask("{ me { id } }", authorization=f"Bearer {answer['accessToken']}")
    assert me.json() == {"data": {"me": {"id": member["id"]}}}


async def test_the_answer_of_a_sign_in_is_read_as_the_member(api: Api, tmp_path: Path) -> None:
    request_id, code = await sent_code(api, tmp_path)
    document = """
      mutation ($input: SignInCodeConfirmInput!) {
        signInCodeConfirm(input: $input) {
          ... on SignedIn {
            viewer { roles member { sessions { current deviceName platform } } }
            member { credit { available } }
          }
        }
      }
    """
    given = {"requestId": request_id, "code": code, "deviceId": "device-1"}

    answer = await api.ask(document, {"input": given})

    session = {"current": True, "deviceName": "گوشی مریم", "platform": "ANDROID"}
    assert answer.json() == {
        "data": {
            "signInCodeConfirm": {
                "viewer": {"roles": ["MEMBER"], "member": {"sessions": [session]}},
                "member": {"credit": {"available": 0}},
            }
        }
    }


async def test_asked_again_the_request_is_the_same(api: Api) -> None:
    first = await call(api, "SignInCodeRequest", asking(MARYAM))
    again = await call(api, "SignInCodeRequest", asking(MARYAM))

    assert again == first
    assert await run_jobs() == 1


async def test_the_language_of_the_request_is_that_of_the_message(api: Api, tmp_path: Path) -> None:
    sign_in.configure(retriever_hashes=["FA+9qCX9VSu"])
    sent = await call(
        api,
        "SignInCodeRequest",
        asking(MARYAM, smsRetrieverHash="FA+9qCX9VSu"),
        accept_language="en",
    )
    await run_jobs()

    assert sent["help"] == {
        "text": "If no message comes within two minutes, check both numbers or call the support.",
        "phone": None,
    }
    text = messages(tmp_path)[0]["text"]
    assert text.startswith("Bashgah sign-in code: ")
    assert text.endswith("\nFA+9qCX9VSu")


async def test_everybody_is_answered_alike_to_the_byte(api: Api, tmp_path: Path) -> None:
    answers = []
    for person in (MARYAM, REZA, STRANGER, Person(MARYAM.national_code, STRANGER.phone)):
        response = await api.ask(REQUEST, asking(person))
        sent = response.json()["data"]["signInCodeRequest"]
        text = response.text
        for name in ("requestId", "expiresAt", "resendAt"):
            text = text.replace(sent[name], name)
        answers.append((response.status_code, sorted(response.headers), text))

    assert [answer == answers[0] for answer in answers] == [True] * 4
    await run_jobs()
    assert {each["to"] for each in messages(tmp_path)} == {MARYAM.phone, REZA.phone}


async def test_a_wrong_code_is_refused_alike_to_the_byte(api: Api, tmp_path: Path) -> None:
    member, code = await sent_code(api, tmp_path)
    closed = (await call(api, "SignInCodeRequest", asking(REZA)))["requestId"]
    stranger = (await call(api, "SignInCodeRequest", asking(STRANGER)))["requestId"]
    await run_jobs()
    answers = set[bytes]()
    for request_id in (member, closed, stranger, str(uuid.uuid4())):
        given = {"requestId": request_id, "code": wrong(code), "deviceId": "device-1"}
        response = await api.ask(support.operation("SignInCodeConfirm"), {"input": given})
        answers.add(response.content)

    assert len(answers) == 1
    refused = await confirm(api, stranger, "000000")
    assert (refused["__typename"], refused["code"]) == ("CodeInvalid", "CODE_INVALID")
    assert await count("session") == 0


async def test_a_closed_province_is_told_after_the_code(api: Api, tmp_path: Path) -> None:
    request_id, code = await sent_code(api, tmp_path, REZA)

    assert await confirm(api, request_id, code) == {
        "__typename": "ProvinceNotOpen",
        "province": "تهران",
        "code": "PROVINCE_NOT_OPEN",
        "message": "باشگاه هنوز در استان تهران آغاز نشده است.",
        "hint": "آغاز کار در استان شما با پیامک خبر داده می‌شود.",
        "field": None,
    }
    assert await count("session") == 0


async def test_a_code_opens_one_session_however_often_its_answer_is_lost(
    api: Api, tmp_path: Path
) -> None:
    request_id, code = await sent_code(api, tmp_path)
    lost = await confirm(api, request_id, code)

    again = await confirm(api, request_id, code)

    assert again["refreshToken"] == lost["refreshToken"]
    assert await count("session") == 1


async def test_a_code_of_another_device_is_refused(api: Api, tmp_path: Path) -> None:
    request_id, code = await sent_code(api, tmp_path)

    refused = await confirm(api, request_id, code, device_id="device-2")

    assert refused["code"] == "CODE_INVALID"


async def test_what_is_no_code_is_no_try(api: Api, tmp_path: Path) -> None:
    request_id, code = await sent_code(api, tmp_path)
    for _ in range(6):
        malformed = await confirm(api, request_id, code[:5])
        assert (malformed["__typename"], malformed["code"], malformed["field"]) == (
            "CodeMalformed",
            "BAD_USER_INPUT",
            ["code"],
        )

    assert (await confirm(api, request_id, code))["__typename"] == "SignedIn"


@pytest.mark.parametrize(
    ("device", "kind", "field"),
    [
        ({"id": "no spaces"}, "DeviceInvalid", ["device", "id"]),
        ({"id": ""}, "DeviceInvalid", ["device", "id"]),
        ({"smsRetrieverHash": "short"}, "RetrieverHashInvalid", ["device", "smsRetrieverHash"]),
    ],
)
async def test_a_device_that_is_none_is_refused(
    api: Api, device: dict[str, str], kind: str, field: list[str]
) -> None:
    refused = await call(api, "SignInCodeRequest", asking(MARYAM, **device))

    assert (refused["__typename"], refused["code"], refused["field"]) == (
        kind,
        "BAD_USER_INPUT",
        field,
    )
    assert await count("pgqueuer") == 0


@pytest.mark.parametrize(
    ("person", "mistyped"),
    [
        (Person("1111111111", "09121234567"), "nationalCode"),
        (Person("0012345679", "1"), "phone"),
    ],
)
async def test_what_is_no_number_is_refused_by_its_name_and_not_repeated(
    api: Api, person: Person, mistyped: str
) -> None:
    response = await api.ask(REQUEST, asking(person))

    assert codes(response) == ["BAD_USER_INPUT"]
    assert response.json()["errors"][0]["extensions"]["field"] == ["input", mistyped]
    assert person.national_code not in response.text
    assert await count("pgqueuer") == 0


@pytest.mark.parametrize("person", [MARYAM, STRANGER])
async def test_the_sixth_code_in_an_hour_waits(api: Api, person: Person) -> None:
    for number in range(5):
        await call(api, "SignInCodeRequest", asking(person, device_id=f"device-{number}"))

    refused = await api.ask(REQUEST, asking(person, device_id="device-6"))

    assert codes(refused) == ["RATE_LIMITED"]
    assert 3_600 < refused.json()["errors"][0]["extensions"]["retryAfterSeconds"] <= 3_750
    assert await count("pgqueuer") == 5


async def test_without_valkey_nobody_signs_in(api: Api) -> None:
    await shared_cache.connect("redis://127.0.0.1:1/0", timeout_ms=200)

    asked = await api.ask(REQUEST, asking(MARYAM))
    given = {"requestId": str(uuid.uuid4()), "code": "123456", "deviceId": "device-1"}
    confirmed = await api.ask(support.operation("SignInCodeConfirm"), {"input": given})

    for refused in (asked, confirmed):
        assert codes(refused) == ["UNAVAILABLE"]
        assert refused.json()["errors"][0]["extensions"]["retryAfterSeconds"] >= 1
    assert await count("pgqueuer") == 0


async def test_limits_and_the_support_s_phone_are_settings(db: None, cache: None) -> None:
    del db, cache
    settings = support.development_settings(
        sign_in_address_codes_per_hour=1, support_phone="+982112345678"
    )
    async with support.serving(settings) as api:
        sent = await call(api, "SignInCodeRequest", asking(MARYAM))
        refused = await api.ask(REQUEST, asking(STRANGER))

    assert isinstance(sent["help"], dict)
    assert sent["help"]["phone"] == "+982112345678"
    assert codes(refused) == ["RATE_LIMITED"]


async def test_addresses_are_told_apart_by_the_trusted_proxy(db: None, cache: None) -> None:
    del db, cache
    settings = support.development_settings(sign_in_address_codes_per_hour=1, trusted_proxies=1)
    async with support.serving(settings) as api:
        first = await api.ask(REQUEST, asking(MARYAM), x_forwarded_for="192.0.2.1")
        second = await api.ask(REQUEST, asking(REZA), x_forwarded_for="192.0.2.1, 192.0.2.2")
        claimed = await api.ask(REQUEST, asking(STRANGER), x_forwarded_for="192.0.2.9, 192.0.2.1")

    assert [codes(each) for each in (first, second, claimed)] == [[], [], ["RATE_LIMITED"]]
