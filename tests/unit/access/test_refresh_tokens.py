"""What a family of refresh tokens answers, decided without a database."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access import domain, families
from backend.access.families import Family, Generation, RefreshToken, Repeated, Reused, Rotated
from backend.core.errors import RateLimited

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SESSION = uuid.UUID("5e6f7081-8293-4b1a-9c3d-0193b0a47e2c")
KEY = bytes(range(32))
OLD_KEY = bytes(range(32, 64))
IDEMPOTENCY_KEY = uuid.UUID("11111111-2222-4333-8444-555555555555")
DEVICE = "device-1"


class Chain:
    """A family, and every token that it has given out."""

    def __init__(self, *, key: bytes = KEY) -> None:
        first = families.first_token(SESSION, seed=bytes(32), key=key)
        self.keys: tuple[bytes, ...] = (key,)
        self.tokens = [first]
        self.family = Family(
            id=1,
            public_id=SESSION,
            owner_id=17,
            device_id=DEVICE,
            device_name="Pixel",
            expires_at=NOW + domain.SESSION_LIFETIME,
            has_ended=False,
            newest=0,
            generations=(Generation(families.digest(first), NOW),),
        )

    def parsed(self, number: int) -> RefreshToken:
        return families.parse_token(self.tokens[number], keys=self.keys)

    def ask(
        self,
        number: int,
        *,
        at: datetime = NOW,
        device_id: str = DEVICE,
        idempotency_key: uuid.UUID | None = None,
    ) -> Rotated | Repeated | Reused:
        """Present the token of that number, and store what a rotation keeps."""
        answer = families.answer(
            self.family,
            self.parsed(number),
            device_id=device_id,
            idempotency_key=idempotency_key,
            keys=self.keys,
            at=at,
        )
        if isinstance(answer, Rotated):
            self.tokens.append(answer.token)
            self.family = replace(
                self.family, newest=self.family.newest + 1, generations=answer.generations
            )
        return answer


def rotated(times: int, *, at: datetime = NOW) -> Chain:
    chain = Chain()
    for number in range(times):
        chain.ask(number, at=at)
    return chain


def test_a_token_has_91_characters_and_says_its_session_and_number() -> None:
    chain = rotated(3)

    assert {len(token) for token in chain.tokens} == {91}
    assert [chain.parsed(number).number for number in range(4)] == [0, 1, 2, 3]
    assert {chain.parsed(number).session for number in range(4)} == {SESSION}
    assert len(set(chain.tokens)) == 4


def test_the_newest_token_gives_a_new_one() -> None:
    chain = Chain()

    answer = chain.ask(0)

    assert isinstance(answer, Rotated)
    assert chain.family.generations[-1] == Generation(families.digest(answer.token), NOW)


@given(st.integers(0, 80 * 24 * 3600))
def test_an_unused_successor_is_given_again_however_late(seconds: int) -> None:
    chain = rotated(1)

    assert chain.ask(0, at=NOW + seconds * SECOND) == Repeated(chain.tokens[1])


def test_a_used_successor_is_given_again_for_60_s_and_not_longer() -> None:
    chain = rotated(1)
    used_at = NOW + timedelta(hours=1)
    chain.ask(1, at=used_at)

    assert chain.ask(0, at=used_at + 60 * SECOND) == Repeated(chain.tokens[1])
    assert chain.ask(0, at=used_at + 60 * SECOND + timedelta(microseconds=1)) == Reused()


def test_each_of_many_tokens_is_answered_for_60_s_after_its_successors_use() -> None:
    chain = Chain()
    for number in range(10):
        chain.ask(number, at=NOW + 7 * number * SECOND)

    # Number n was used n · 7 s after NOW, so token n - 1 is answered until n · 7 + 60 s after NOW.
    for number in range(8):
        until = NOW + (7 * (number + 1) + 60) * SECOND
        assert chain.ask(number, at=until) == Repeated(chain.tokens[number + 1])
        assert chain.ask(number, at=until + SECOND) == Reused()


def test_what_can_not_be_answered_any_more_is_not_kept() -> None:
    chain = rotated(5)
    assert len(chain.family.generations) == 6

    chain.ask(5, at=NOW + 61 * SECOND)

    assert [each.digest for each in chain.family.generations] == [
        families.digest(token) for token in chain.tokens[4:]
    ]
    assert chain.ask(3, at=NOW + 61 * SECOND) == Reused()


def test_another_device_ends_the_family_with_each_token() -> None:
    chain = rotated(3)

    for number in range(4):
        assert chain.ask(number, device_id="device-2") == Reused()


def test_another_idempotency_key_is_refused_and_changes_nothing() -> None:
    chain = Chain()
    chain.ask(0, idempotency_key=IDEMPOTENCY_KEY)
    before = chain.family

    for other in (None, uuid.uuid4()):
        with pytest.raises(domain.RefreshKeyMismatch):
            chain.ask(0, idempotency_key=other)
    assert chain.family == before
    assert chain.ask(0, idempotency_key=IDEMPOTENCY_KEY) == Repeated(chain.tokens[1])


def test_a_token_given_without_a_key_is_not_given_with_one() -> None:
    chain = rotated(1)

    with pytest.raises(domain.RefreshKeyMismatch):
        chain.ask(0, idempotency_key=IDEMPOTENCY_KEY)


def test_a_successor_depends_on_token_key_and_idempotency_key_alone() -> None:
    token = Chain().parsed(0)
    plain = families.successor(token, idempotency_key=None, key=KEY)

    assert plain == families.successor(token, idempotency_key=None, key=KEY)
    assert plain != families.successor(token, idempotency_key=IDEMPOTENCY_KEY, key=KEY)
    assert plain != families.successor(token, idempotency_key=None, key=OLD_KEY)


def test_a_session_expires_after_90_days_to_the_moment() -> None:
    chain = Chain()
    last = NOW + timedelta(days=90)

    with pytest.raises(domain.SessionExpired):
        chain.ask(0, at=last)
    assert isinstance(chain.ask(0, at=last - timedelta(microseconds=1)), Rotated)


def test_an_ended_family_answers_nothing() -> None:
    chain = rotated(1)
    chain.family = replace(chain.family, has_ended=True)

    for device_id in (DEVICE, "device-2"):
        with pytest.raises(domain.SessionInvalid):
            chain.ask(0, device_id=device_id)


def test_a_token_with_our_tag_that_was_never_given_out_ends_the_family() -> None:
    """Who has stolen the server's key, and no token, still gets nothing."""
    chain = rotated(1)
    chain.tokens[1] = families.successor(chain.parsed(0), idempotency_key=uuid.uuid4(), key=KEY)
    chain.tokens.append(families.successor(chain.parsed(1), idempotency_key=None, key=KEY))

    assert chain.ask(1) == Reused()
    assert chain.ask(2) == Reused()


def test_too_many_refreshes_in_a_minute_are_put_off_and_change_nothing() -> None:
    chain = Chain()
    for number in range(59):
        chain.ask(number, at=NOW + number * timedelta(milliseconds=100))
    before = chain.family
    assert len(before.generations) == 60

    # Token 0 is kept until 60 s after number 1 was used, which was at 0.1 s.
    with pytest.raises(RateLimited) as refused:
        chain.ask(59, at=NOW + 10 * SECOND)
    assert refused.value.retry_after_seconds == 51
    assert chain.family == before
    assert isinstance(chain.ask(59, at=NOW + 61 * SECOND), Rotated)


def test_a_family_outlives_a_change_of_the_server_key() -> None:
    chain = Chain(key=OLD_KEY)
    chain.ask(0)

    chain.keys = (KEY, OLD_KEY)
    assert chain.ask(0) == Repeated(chain.tokens[1])
    assert isinstance(chain.ask(1), Rotated)
    assert chain.ask(1) == Repeated(chain.tokens[2])
    assert chain.ask(0) == Repeated(chain.tokens[1])

    chain.keys = (KEY,)
    assert chain.parsed(2).number == 2
    with pytest.raises(domain.SessionInvalid):
        chain.parsed(1)


@given(st.integers(0, 90), st.characters())
def test_no_altered_character_goes_unnoticed(position: int, other: str) -> None:
    token = Chain().tokens[0]
    altered = token[:position] + other + token[position + 1 :]

    if altered == token:
        return
    with pytest.raises(domain.SessionInvalid):
        families.parse_token(altered, keys=[KEY])


@given(st.text(max_size=100))
def test_garbage_is_refused_and_never_crashes(token: str) -> None:
    with pytest.raises(domain.SessionInvalid):
        families.parse_token(token, keys=[KEY])


@pytest.mark.parametrize("suffix", ["=", "\n", "A", "=="])
def test_a_longer_spelling_of_a_token_is_refused(suffix: str) -> None:
    with pytest.raises(domain.SessionInvalid):
        families.parse_token(Chain().tokens[0] + suffix, keys=[KEY])
