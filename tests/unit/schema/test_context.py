"""The context of a request: who asks, from where, in which language, at one moment."""

import uuid
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from starlette.requests import Request

from backend.access import revocation, sessions
from backend.access.service import Identity
from backend.core import clock, viewer
from backend.core.locale import Locale
from backend.infra import tokens
from backend.infra.tokens import TokenExpired, TokenInvalid
from schema import context
from tests.support.access import configure_keys

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
SESSION = UUID("01989e00-0000-7000-8000-000000000001")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of tokens, and answers about revoked sessions that need no database."""
    configure_keys()
    monkeypatch.setattr(revocation, "_known", revocation._Known(asked_at=float("inf")))


def request(*headers: tuple[str, str], client: str | None = "198.51.100.1") -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "headers": raw,
            "client": None if client is None else (client, 50_000),
        }
    )


def token(session: UUID = SESSION) -> str:
    return tokens.issue(subject=7, session=session, at=NOW, expires_at=NOW + timedelta(minutes=10))


@pytest.mark.parametrize("headers", [(), (("x-viewer", "system"),)])
async def test_without_a_token_the_viewer_is_anonymous(
    headers: tuple[tuple[str, str], ...],
) -> None:
    made = await context.of_request(request(*headers))

    assert made.viewer == viewer.ANONYMOUS
    assert made.loaders.viewer == viewer.ANONYMOUS
    assert made.member_loaders.viewer == viewer.ANONYMOUS
    assert made.session_id is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", " Bearer ", "Bearer  "])
async def test_a_token_names_the_member_and_the_session(scheme: str) -> None:
    with clock.frozen(NOW):
        made = await context.of_request(request(("authorization", f"{scheme} {token()}")))

    assert made.viewer == sessions.viewer_of(7)
    assert made.loaders.viewer == made.member_loaders.viewer == made.viewer
    assert made.session_id == SESSION


@pytest.mark.parametrize(
    "authorization", ["", " ", "Bearer", "Bearer ", "Bearer x", "Basic x", "Token"]
)
async def test_what_is_no_token_makes_nobody_anonymous(authorization: str) -> None:
    with pytest.raises(TokenInvalid):
        await context.of_request(request(("authorization", authorization)))


async def test_a_token_without_its_scheme_or_given_twice_is_refused() -> None:
    bearer = ("authorization", f"Bearer {token()}")
    with clock.frozen(NOW):
        for headers in ((("authorization", token()),), (bearer, bearer)):
            with pytest.raises(TokenInvalid):
                await context.of_request(request(*headers))


async def test_a_token_whose_time_is_over_is_refused() -> None:
    with clock.frozen(NOW + timedelta(minutes=10)), pytest.raises(TokenExpired):
        await context.of_request(request(("authorization", f"Bearer {token()}")))


async def test_a_token_of_an_ended_session_is_refused() -> None:
    ended = uuid.uuid4()
    bearer = ("authorization", f"Bearer {token(ended)}")
    with clock.frozen(NOW):
        await context.of_request(request(bearer))
        revocation.note([ended])
        with pytest.raises(TokenInvalid):
            await context.of_request(request(bearer))


@pytest.mark.parametrize(
    ("accept_language", "expected"),
    [
        (None, Locale.FA),
        ("", Locale.FA),
        ("en", Locale.EN),
        ("en-GB, fa;q=0.5", Locale.EN),
        ("fa-IR, en;q=0.9", Locale.FA),
        ("de", Locale.FA),
        ("en;q=rather", Locale.FA),
    ],
)
async def test_the_language_is_the_client_s(accept_language: str | None, expected: Locale) -> None:
    headers = () if accept_language is None else (("accept-language", accept_language),)

    assert (await context.of_request(request(*headers))).locale is expected


@pytest.mark.parametrize(
    ("forwarded", "trusted_proxies", "expected"),
    [
        ((), 0, "198.51.100.1"),
        (("192.0.2.1",), 0, "198.51.100.1"),
        ((), 1, "198.51.100.1"),
        (("192.0.2.1",), 1, "192.0.2.1"),
        (("192.0.2.9, 192.0.2.1",), 1, "192.0.2.1"),
        (("192.0.2.9", "192.0.2.1"), 1, "192.0.2.1"),
        (("192.0.2.9, 2001:db8::1 ,192.0.2.2",), 2, "2001:db8::1"),
        (("192.0.2.1",), 2, "198.51.100.1"),
        (("192.0.2.1, ",), 1, "198.51.100.1"),
    ],
)
async def test_the_address_is_what_our_outermost_proxy_saw(
    forwarded: tuple[str, ...], trusted_proxies: int, expected: str
) -> None:
    asked = request(*(("x-forwarded-for", each) for each in forwarded))

    made = await context.of_request(asked, trusted_proxies=trusted_proxies)

    assert made.client_address == expected


async def test_a_connection_without_an_address_has_none() -> None:
    assert (await context.of_request(request(client=None))).client_address is None


async def test_a_request_and_its_loaders_have_one_moment() -> None:
    with clock.frozen(NOW):
        made = await context.of_request(request())

    assert (made.now, made.loaders.now, made.member_loaders.now) == (NOW, NOW, NOW)


async def test_nothing_of_a_request_is_changed_while_it_runs() -> None:
    made = await context.of_request(request())

    with pytest.raises(FrozenInstanceError):
        made.viewer = viewer.SYSTEM  # type: ignore[misc]  # what the test is about


async def test_but_who_signs_in_by_it_asks_from_then_on() -> None:
    made = await context.of_request(request(), support_phone="+982112345678")
    before = made.loaders

    made.sign_in(Identity(sessions.viewer_of(7), SESSION))

    assert (made.viewer, made.session_id) == (sessions.viewer_of(7), SESSION)
    assert made.loaders is not before
    assert made.loaders.viewer == made.member_loaders.viewer == made.viewer
    assert (made.client_address, made.support_phone) == ("198.51.100.1", "+982112345678")


async def test_two_requests_share_no_loader() -> None:
    first, second = [await context.of_request(request()) for _ in range(2)]

    assert first.loaders is not second.loaders
    assert first.loaders.stores is not second.loaders.stores
    assert first.member_loaders is not second.member_loaders
