"""Properties of token families on a real database: an unlucky client stays, a thief ends the session."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backend.access import domain, service, sessions
from backend.core import clock
from backend.infra import db
from backend.notifications import service as notifications
from tests.support.access import configure_keys, new_member, signed_in

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
PATIENCE = timedelta(seconds=30)  # after this long a client gives a request up
SETTINGS = settings(
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

indexes = st.integers(0, 99)


@pytest.fixture
def runner(database_url: str) -> Iterator[asyncio.Runner]:
    """A loop, with the database connected to it, for the many examples of one test."""
    configure_keys()
    with asyncio.Runner() as started:
        started.run(db.connect(database_url))
        yield started
        started.run(db.close())


@dataclass(frozen=True)
class Request:
    """A refresh on its way: with what, and since when."""

    token: str
    key: uuid.UUID | None
    sent_at: datetime


@dataclass(frozen=True)
class Answer:
    """An answer on its way."""

    request: Request
    token: str


async def _open() -> tuple[int, str]:
    member_id = await new_member()
    return member_id, (await signed_in(member_id)).refresh_token


async def _refresh(
    token: str, *, at: datetime, key: uuid.UUID | None = None, device_id: str = "device-1"
) -> str:
    with clock.frozen(at):
        issued = await service.session_refresh(
            refresh_token=token, device_id=device_id, idempotency_key=key
        )
    return issued.refresh_token


async def _notices(member_id: int) -> int:
    return await notifications.unread_count(viewer=sessions.viewer_of(member_id))


class UnluckyClient(RuleBasedStateMachine):
    """One honest app behind a network that loses, repeats, delays and reorders, as long as it waits.

    It repeats a token with the key that it first sent it with, if any.
    """

    running: asyncio.Runner

    @initialize()
    def sign_in(self) -> None:
        self.now = NOW
        with clock.frozen(NOW):
            self.member_id, self.token = self.running.run(_open())
        self.keys: dict[str, uuid.UUID | None] = {}
        self.used: set[str] = set()
        self.requests: list[Request] = []
        self.answers: list[Answer] = []

    @rule(with_key=st.booleans())
    def send(self, *, with_key: bool) -> None:
        key = self.keys.setdefault(self.token, uuid.uuid4() if with_key else None)
        self.requests.append(Request(self.token, key, self.now))

    @precondition(lambda self: self.requests)
    @rule(index=indexes, again=st.booleans())
    def arrive(self, *, index: int, again: bool) -> None:
        """The server gets a request; the network may bring it once more."""
        request = self.requests[index % len(self.requests)]
        if not again:
            self.requests.remove(request)
        self.answers.append(Answer(request, self._present(request.token)))

    @precondition(lambda self: self.answers)
    @rule(index=indexes)
    def lose(self, *, index: int) -> None:
        del self.answers[index % len(self.answers)]

    @rule()
    def refresh_at_once(self) -> None:
        """A moment of luck, while older requests and answers are still on their way."""
        self.token = self._present(self.token)

    @precondition(lambda self: self.answers)
    @rule(index=indexes)
    def receive(self, *, index: int) -> None:
        """A careful app takes the answer for the token that it holds, and no other."""
        answer = self.answers.pop(index % len(self.answers))
        if answer.request.token == self.token:
            self.token = answer.token

    @precondition(lambda self: self.answers)
    @rule(index=indexes)
    def receive_carelessly(self, *, index: int) -> None:
        """A careless app takes whatever comes, even an old token, and goes on from there at once."""
        self.token = self.answers.pop(index % len(self.answers)).token
        while self.token in self.used:
            self.token = self._present(self.token)

    @rule(seconds=st.sampled_from([1, 5, 5, 5, 24, 600, 86_400]))
    def wait(self, *, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        since = self.now - PATIENCE
        self.requests = [each for each in self.requests if each.sent_at >= since]
        self.answers = [each for each in self.answers if each.request.sent_at >= since]

    def teardown(self) -> None:
        if not hasattr(self, "token"):
            return
        self._present(self.token)
        assert self.running.run(_notices(self.member_id)) == 0

    def _present(self, token: str) -> str:
        key = self.keys.setdefault(token, None)
        self.used.add(token)
        return self.running.run(_refresh(token, at=self.now, key=key))


def test_a_client_that_loses_repeats_and_reorders_never_loses_its_session(
    runner: asyncio.Runner,
) -> None:
    UnluckyClient.running = runner

    run_state_machine_as_test(UnluckyClient, settings=SETTINGS)


async def _rotate(gaps: list[int], *, with_keys: bool) -> tuple[int, list[str], list[datetime]]:
    """A member, the tokens of a session, and when each was first used."""
    at = NOW
    with clock.frozen(at):
        member_id, first = await _open()
    tokens, used_at = [first], []
    for gap in gaps:
        at += timedelta(seconds=gap)
        used_at.append(at)
        key = uuid.uuid4() if with_keys else None
        tokens.append(await _refresh(tokens[-1], at=at, key=key))
    return member_id, tokens, used_at


async def _steal(token: str, *, at: datetime, device_id: str) -> None:
    with pytest.raises(domain.SessionInvalid):
        await _refresh(token, at=at, device_id=device_id)


async def _assert_ended(member_id: int, tokens: list[str], *, at: datetime) -> None:
    for token in tokens:
        await _steal(token, at=at, device_id="device-1")
    assert await _notices(member_id) == 1
    rows = await db.fetch("SELECT end_reason FROM session WHERE member_id = $1", member_id)
    assert [row["end_reason"] for row in rows] == ["REUSED"]


gaps = st.lists(st.sampled_from([0, 1, 30, 61, 600]), min_size=2, max_size=6)


@SETTINGS
@given(gaps=gaps, index=indexes, late=st.integers(1, 10**6), with_keys=st.booleans())
def test_a_thief_with_one_old_token_always_ends_the_session(
    runner: asyncio.Runner, *, gaps: list[int], index: int, late: int, with_keys: bool
) -> None:
    async def play() -> None:
        member_id, tokens, used_at = await _rotate(gaps, with_keys=with_keys)
        number = index % (len(tokens) - 2)  # an old one: its successor was used
        grace_ends = used_at[number + 1] + timedelta(seconds=60)
        at = max(grace_ends + timedelta(microseconds=late), used_at[-1])
        await _steal(tokens[number], at=at, device_id="device-1")
        await _assert_ended(member_id, tokens, at=at)

    runner.run(play())


@SETTINGS
@given(gaps=gaps, index=indexes, late=st.integers(0, 10**6), with_keys=st.booleans())
def test_a_token_from_another_device_always_ends_the_session(
    runner: asyncio.Runner, *, gaps: list[int], index: int, late: int, with_keys: bool
) -> None:
    async def play() -> None:
        member_id, tokens, used_at = await _rotate(gaps, with_keys=with_keys)
        at = used_at[-1] + timedelta(seconds=late)
        await _steal(tokens[index % len(tokens)], at=at, device_id="device-2")
        await _assert_ended(member_id, tokens, at=at)

    runner.run(play())
