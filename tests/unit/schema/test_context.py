"""The context of a request: anonymous without a token, in the client's language, at one moment."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest
from starlette.requests import Request

from backend.core import clock, viewer
from backend.core.locale import Locale
from schema import context

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


def request(*headers: tuple[str, str]) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "method": "POST", "path": "/graphql", "headers": raw})


@pytest.mark.parametrize(
    "headers", [(), (("authorization", "Bearer anything"),), (("x-viewer", "system"),)]
)
def test_without_a_token_that_counts_the_viewer_is_anonymous(
    headers: tuple[tuple[str, str], ...],
) -> None:
    made = context.of_request(request(*headers))

    assert made.viewer == viewer.ANONYMOUS
    assert made.loaders.viewer == viewer.ANONYMOUS


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
def test_the_language_is_the_client_s(accept_language: str | None, expected: Locale) -> None:
    headers = () if accept_language is None else (("accept-language", accept_language),)

    assert context.of_request(request(*headers)).locale is expected


def test_a_request_and_its_loaders_have_one_moment() -> None:
    with clock.frozen(NOW):
        made = context.of_request(request())

    assert (made.now, made.loaders.now) == (NOW, NOW)


def test_nothing_of_a_request_is_changed_while_it_runs() -> None:
    made = context.of_request(request())

    with pytest.raises(FrozenInstanceError):
        made.viewer = viewer.SYSTEM  # type: ignore[misc]  # what the test is about


async def test_two_requests_share_no_loader() -> None:
    first, second = (context.of_request(request()) for _ in range(2))

    assert first.loaders is not second.loaders
    assert first.loaders.stores is not second.loaders.stores
