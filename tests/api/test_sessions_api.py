"""What an access token opens, how a session goes on and ends, and which devices are reached."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from backend.core import clock
from backend.core.ids import GlobalId
from backend.infra import db as database
from backend.infra import tokens
from backend.infra.sms import port as sms
from tests.support import api as support
from tests.support import signing_in
from tests.support.api import Api, codes
from tests.support.signing_in import MARYAM, asking, call, signed_in

WHO = "{ viewer { person roles } }"
SESSIONS = "{ me { sessions { id deviceName current } } }"
KEY = "11111111-2222-4333-8444-555555555555"
OTHER_KEY = "66666666-7777-4888-8999-000000000000"


@pytest.fixture(autouse=True)
async def house(api: Api, database_url: str, tmp_path: Path) -> AsyncIterator[None]:
    del api  # its keys are set now
    await signing_in.set_up(database_url, tmp_path)
    yield
    await sms.close()


@pytest.fixture
async def tokens_given(api: Api, house: None, tmp_path: Path) -> dict[str, str]:
    del house
    found = await signed_in(api, tmp_path)
    return {name: str(found[name]) for name in ("accessToken", "refreshToken")}


@pytest.fixture
def access_token(tokens_given: dict[str, str]) -> str:
    return tokens_given["accessToken"]


async def refresh(
    api: Api, token: object, *, device_id: str = "device-1", key: str | None = None
) -> dict[str, object]:
    given = {"refreshToken": token, "deviceId": device_id, "idempotencyKey": key}
    return await call(api, "SessionRefresh", {"input": given})


async def who(api: Api, token: object) -> object:
    answer = await api.ask(WHO, authorization=f"Bearer {token}")
    return answer.json()["data"]["viewer"] if answer.status_code == 200 else codes(answer)


async def count(table: str) -> int:
    row = await database.fetch_one(f"SELECT count(*) FROM {table}")
    assert row is not None
    found: int = row["count"]
    return found


class TestAToken:
    async def test_says_who_asks(self, api: Api, access_token: str) -> None:
        member_id = (await database.fetch("SELECT member_id FROM session"))[0]["member_id"]

        assert await who(api, access_token) == {
            "person": f"member:{member_id}",
            "roles": ["MEMBER"],
        }

    async def test_costs_no_statement(self, api: Api, access_token: str) -> None:
        await who(api, access_token)

        with database.count_statements() as counted:
            await who(api, access_token)

        assert counted.count == 0

    async def test_without_one_nobody_asks(self, api: Api) -> None:
        answer = await api.ask(WHO)

        assert answer.json() == {"data": {"viewer": None}}

    @pytest.mark.parametrize(
        "authorization",
        ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic bWU6c2VjcmV0", "", "secret"],
    )
    async def test_that_is_none_makes_nobody_anonymous(self, api: Api, authorization: str) -> None:
        public = await api.ask("{ provinces { code } }", authorization=authorization)

        assert public.status_code == 401
        assert public.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert public.headers["content-type"].startswith("application/graphql-response+json")
        assert public.json() == {
            "errors": [
                {
                    "message": "توکن دسترسی معتبر نیست.",
                    "extensions": {
                        "code": "UNAUTHENTICATED",
                        "hint": "توکن تازه بگیرید یا دوباره وارد شوید.",
                    },
                }
            ]
        }

    async def test_an_old_client_gets_200_and_the_same_error(self, api: Api) -> None:
        answer = await api.ask(WHO, authorization="Bearer x", accept="application/json")

        assert answer.status_code == 200
        assert codes(answer) == ["UNAUTHENTICATED"]
        assert "data" not in answer.json()

    async def test_that_has_expired_is_told_apart(self, api: Api, access_token: str) -> None:
        with clock.frozen(clock.now() + timedelta(minutes=10)):
            answer = await api.ask(
                WHO, authorization=f"Bearer {access_token}", accept_language="en"
            )

        assert answer.status_code == 401
        assert answer.json()["errors"][0]["message"] == "The access token has expired."

    async def test_with_one_letter_changed_opens_nothing(self, api: Api, access_token: str) -> None:
        head, claims, signature = access_token.split(".")
        changed = "A" if signature[0] != "A" else "B"

        assert await who(api, f"{head}.{claims}.{changed}{signature[1:]}") == ["UNAUTHENTICATED"]

    async def test_changes_nothing_where_it_is_bad(self, api: Api, tmp_path: Path) -> None:
        document = support.operation("SignInCodeRequest")

        answer = await api.ask(document, asking(MARYAM), authorization="Bearer x")

        assert codes(answer) == ["UNAUTHENTICATED"]
        assert await count("pgqueuer") == 0
        assert signing_in.messages(tmp_path) == []

    async def test_is_verified_by_the_published_keys(self, api: Api) -> None:
        answer = await api.client.get("/.well-known/jwks.json")

        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert answer.json() == tokens.jwks()
        (key,) = answer.json()["keys"]
        assert (key["kid"], key["alg"], key["crv"]) == ("development", "EdDSA", "Ed25519")


class TestARefresh:
    async def test_gives_new_tokens(self, api: Api, tokens_given: dict[str, str]) -> None:
        found = await refresh(api, tokens_given["refreshToken"])

        assert found["__typename"] == "SignedIn"
        assert found["refreshToken"] != tokens_given["refreshToken"]
        assert await who(api, found["accessToken"]) == await who(api, tokens_given["accessToken"])

    async def test_whose_answer_was_lost_gives_the_same_again(
        self, api: Api, tokens_given: dict[str, str]
    ) -> None:
        lost = await refresh(api, tokens_given["refreshToken"], key=KEY)
        again = await refresh(api, tokens_given["refreshToken"], key=KEY)
        assert again["refreshToken"] == lost["refreshToken"]

        third = await refresh(api, again["refreshToken"], key=OTHER_KEY)
        assert third["__typename"] == "SignedIn"
        assert await count("session") == 1

    async def test_with_another_key_changes_nothing(
        self, api: Api, tokens_given: dict[str, str]
    ) -> None:
        first = await refresh(api, tokens_given["refreshToken"], key=KEY)
        refused = await refresh(api, tokens_given["refreshToken"], key=OTHER_KEY)
        assert (refused["__typename"], refused["code"]) == (
            "RefreshKeyMismatch",
            "REFRESH_KEY_MISMATCH",
        )

        assert (await refresh(api, first["refreshToken"]))["__typename"] == "SignedIn"

    async def test_from_another_device_ends_the_session(
        self, api: Api, tokens_given: dict[str, str]
    ) -> None:
        stolen = await refresh(api, tokens_given["refreshToken"], device_id="device-2")

        assert (stolen["__typename"], stolen["code"]) == ("SessionInvalid", "SESSION_INVALID")
        assert await who(api, tokens_given["accessToken"]) == ["UNAUTHENTICATED"]
        own = await refresh(api, tokens_given["refreshToken"])
        assert own["code"] == "SESSION_INVALID"
        notices = await database.fetch("SELECT category FROM notice")
        assert [each["category"] for each in notices] == ["SECURITY"]

    @pytest.mark.parametrize("token", ["", "x", "A" * 10_000])
    async def test_of_garbage_is_refused(self, api: Api, token: str) -> None:
        assert (await refresh(api, token))["code"] == "SESSION_INVALID"

    async def test_after_90_days_is_refused(self, api: Api, tokens_given: dict[str, str]) -> None:
        with clock.frozen(clock.now() + timedelta(days=90)):
            refused = await refresh(api, tokens_given["refreshToken"])

        assert (refused["__typename"], refused["code"]) == ("SessionExpired", "SESSION_EXPIRED")

    async def test_by_a_device_that_is_none_is_refused(
        self, api: Api, tokens_given: dict[str, str]
    ) -> None:
        refused = await refresh(api, tokens_given["refreshToken"], device_id="")

        assert (refused["__typename"], refused["field"]) == ("DeviceInvalid", ["deviceId"])


class TestASession:
    @pytest.mark.parametrize("variables", [{}, {"input": None}, {"input": {}}])
    async def test_ends_at_once(
        self, api: Api, tokens_given: dict[str, str], variables: dict[str, object]
    ) -> None:
        token = tokens_given["accessToken"]

        ended = await call(api, "SessionEnd", variables, token=token)

        assert ended == {"__typename": "SessionEnded", "sessionId": None}
        assert await who(api, token) == ["UNAUTHENTICATED"]
        assert (await refresh(api, tokens_given["refreshToken"]))["code"] == "SESSION_INVALID"

    async def test_of_another_device_is_revoked(
        self, api: Api, access_token: str, tmp_path: Path
    ) -> None:
        second = await signed_in_on(api, tmp_path, "device-2")
        listed = await sessions(api, access_token)
        assert [each["current"] for each in listed] == [False, True]

        revoked = await revoke(api, access_token, listed[0]["id"])

        assert revoked == {"__typename": "SessionEnded", "sessionId": listed[0]["id"]}
        assert await who(api, second) == ["UNAUTHENTICATED"]
        assert await sessions(api, access_token) == listed[1:]
        assert await revoke(api, access_token, listed[0]["id"]) == revoked

    async def test_of_nobody_or_somebody_else_is_not_there(
        self, api: Api, access_token: str
    ) -> None:
        (own,) = await database.fetch("SELECT id, member_id FROM session")
        for wanted in (
            GlobalId("Session", own["id"], own["member_id"] + 1).encode(),
            GlobalId("Session", own["id"] + 1, own["member_id"]).encode(),
            GlobalId("Session", own["id"]).encode(),
            GlobalId("Store", own["id"]).encode(),
            "x",
        ):
            refused = await revoke(api, access_token, wanted)
            assert refused["__typename"] == "SessionNotFound"
        assert await who(api, access_token) != ["UNAUTHENTICATED"]


async def signed_in_on(api: Api, data_dir: Path, device_id: str) -> object:
    sent = await call(api, "SignInCodeRequest", asking(MARYAM, device_id=device_id))
    await signing_in.run_jobs()
    code = signing_in.code_in(signing_in.messages(data_dir)[-1]["text"])
    found = await signing_in.confirm(api, sent["requestId"], code, device_id=device_id)
    return found["accessToken"]


async def sessions(api: Api, token: str) -> list[dict[str, object]]:
    answer = await api.ask(SESSIONS, authorization=f"Bearer {token}")
    found: list[dict[str, object]] = answer.json()["data"]["me"]["sessions"]
    return found


async def revoke(api: Api, token: str, session_id: object) -> dict[str, object]:
    document = """
      mutation ($input: SessionRevokeInput!) {
        sessionRevoke(input: $input) {
          __typename
          ... on SessionEnded { sessionId }
          ... on UserError { code field }
        }
      }
    """
    answer = await api.ask(
        document, {"input": {"sessionId": session_id}}, authorization=f"Bearer {token}"
    )
    found: dict[str, object] = answer.json()["data"]["sessionRevoke"]
    return found


REGISTRATION = {
    "deviceId": "device-1",
    "platform": "ANDROID",
    "pushProvider": "FCM",
    "pushToken": "token-of-fcm",
    "appVersion": "1.4.2",
    "locale": "FA",
}


class TestADevice:
    async def test_is_registered_and_forgotten(self, api: Api, access_token: str) -> None:
        registered = await call(api, "DeviceRegister", {"input": REGISTRATION}, token=access_token)
        device = registered["device"]
        assert isinstance(device, dict)
        assert (device["deviceId"], device["pushProvider"], device["appVersion"]) == (
            "device-1",
            "FCM",
            "1.4.2",
        )
        listed = "{ me { devices { id name } } }"
        answer = await api.ask(listed, authorization=f"Bearer {access_token}")
        assert answer.json()["data"]["me"]["devices"] == [{"id": device["id"], "name": "گوشی مریم"}]

        forget = """
          mutation {
            deviceUnregister(input: {deviceId: "device-1"}) {
              ... on DeviceUnregistered { deviceId }
            }
          }
        """
        for _ in range(2):
            forgotten = await api.ask(forget, authorization=f"Bearer {access_token}")
            assert forgotten.json() == {"data": {"deviceUnregister": {"deviceId": "device-1"}}}
        assert await count("device") == 0

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"deviceId": ""}, "deviceId"),
            ({"appVersion": "new!"}, "appVersion"),
            ({"pushToken": "with space"}, "pushToken"),
            ({"pushToken": None}, "pushProvider"),
            ({"pushProvider": "NONE"}, "pushProvider"),
        ],
    )
    async def test_that_does_not_fit_is_refused(
        self, api: Api, access_token: str, change: dict[str, object], field: str
    ) -> None:
        refused = await call(
            api, "DeviceRegister", {"input": {**REGISTRATION, **change}}, token=access_token
        )

        assert (refused["__typename"], refused["code"], refused["field"]) == (
            "DeviceInvalid",
            "BAD_USER_INPUT",
            [field],
        )


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (support.operation("SessionEnd"), {}),
        (support.operation("DeviceRegister"), {"input": REGISTRATION}),
        ('mutation { sessionRevoke(input: {sessionId: "x"}) { __typename } }', {}),
        ('mutation { deviceUnregister(input: {deviceId: "x"}) { __typename } }', {}),
    ],
)
async def test_without_a_token_nothing_is_changed(
    api: Api, document: str, variables: dict[str, object]
) -> None:
    answer = await api.ask(document, variables)

    assert codes(answer) == ["UNAUTHENTICATED"]
    assert await count("device") == 0


async def test_a_token_of_no_session_that_is_known_still_names_the_member(api: Api) -> None:
    """Only an ended session is refused: the tokens of one that never was can't be made."""
    now = clock.now()
    token = tokens.issue(
        subject=1, session=uuid.uuid4(), at=now, expires_at=now + timedelta(minutes=1)
    )

    assert await who(api, token) == {"person": "member:1", "roles": ["MEMBER"]}
