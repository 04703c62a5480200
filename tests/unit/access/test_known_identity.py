"""Who is known at once by a token: members alone, for whoever else has one is looked up each time."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from backend.access import revocation, service
from backend.core import clock
from backend.infra import tokens
from backend.infra.tokens import Bearer, TokenInvalid
from backend.settings import Settings

NOON = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The keys of development, and revocations that were asked for just now."""
    tokens.configure(Settings().key_ring())
    monkeypatch.setattr(revocation._known, "asked_at", time.monotonic() + 3_600)
    with clock.frozen(NOON):
        yield


def token_of(bearer: Bearer, session: uuid.UUID | None = None) -> str:
    return tokens.issue(
        subject=7,
        session=session or uuid.uuid4(),
        at=NOON,
        expires_at=NOON + timedelta(minutes=10),
        bearer=bearer,
    )


def test_a_member_is_known() -> None:
    session = uuid.uuid4()
    found = service.known_identity(token_of(Bearer.MEMBER, session))

    assert found is not None
    assert (found.viewer.actor, found.viewer.subject, found.session_id) == ("member:7", 7, session)


@pytest.mark.parametrize("bearer", [Bearer.OPERATOR, Bearer.CASHIER])
def test_staff_of_the_same_number_is_not_that_member(bearer: Bearer) -> None:
    assert service.known_identity(token_of(bearer)) is None


def test_nobody_is_known_by_old_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation._known, "asked_at", time.monotonic() - 3_600)

    assert service.known_identity(token_of(Bearer.MEMBER)) is None


def test_an_ended_session_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    session = uuid.uuid4()
    monkeypatch.setitem(revocation._known.ended, session, time.monotonic())

    with pytest.raises(TokenInvalid):
        service.known_identity(token_of(Bearer.MEMBER, session))
