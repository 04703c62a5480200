"""Codes on a real Valkey: their times, tries and bonds, and what lies in the store."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import pytest

from backend.access import codes, limits
from backend.access.code_requests import (
    Asked,
    Claimed,
    CodeInvalid,
    Given,
    Pending,
    Purpose,
    TurnTaken,
)
from backend.access.domain import DeviceGiven, DevicePlatform
from backend.access.limits import Charge
from backend.core import clock
from backend.core.errors import DomainError, RateLimited
from backend.core.locale import Locale
from backend.infra import cache as shared_cache
from tests.support.access import configure_keys
from tests.support.servers import TestValkey

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PATIENT_TIMEOUT_MS = 20_000
KEY, NEW_KEY = bytes(range(32)), bytes(32)
MEMBER = 17
DEVICE = DeviceGiven("device-1", "گوشی مریم", DevicePlatform.ANDROID)
GIVEN = Given("0012345679", "+989121234567", DEVICE, Locale.EN, "FA+9qCX9VSu")
OTHERS = (
    Given("2291234560", GIVEN.phone, DEVICE),
    Given(GIVEN.national_code, "+989121234568", DEVICE),
    Given(GIVEN.national_code, GIVEN.phone, DeviceGiven("device-2", "", DevicePlatform.ANDROID)),
)
FAILURES = Charge("failures:", 10, 86_400)
FROM_ADDRESS = Charge("address-failures:a", 300, 3_600)
TEXTS = Charge("texts", 1, 60)
SEED_BYTES = 32


@pytest.fixture(autouse=True)
async def store(valkey: TestValkey, cache: None) -> AsyncIterator[None]:
    del cache
    configure_keys()
    codes.configure((KEY,))
    await shared_cache.connect(valkey.url, timeout_ms=PATIENT_TIMEOUT_MS)
    yield
    await shared_cache.close()


async def ask(
    given: Given = GIVEN, *, at: datetime = NOW, charges: tuple[Charge, ...] = ()
) -> Asked:
    with clock.frozen(at):
        return await codes.ask(given, purpose=Purpose.SIGN_IN, charges=charges)


async def made(asked: Asked, *, at: datetime = NOW) -> str:
    """The code that the worker makes for the request."""
    pending = await codes.find_pending(asked.request_id)
    assert pending is not None
    with clock.frozen(at):
        code = await codes.make(pending, member_id=MEMBER)
    assert code is not None
    return code


async def claim(
    request_id: UUID,
    code: str,
    *,
    at: datetime = NOW,
    device_id: str = DEVICE.id,
    purpose: Purpose = Purpose.SIGN_IN,
    from_address: Charge = FROM_ADDRESS,
) -> Claimed:
    with clock.frozen(at):
        return await codes.claim(
            request_id,
            purpose=purpose,
            device_id=device_id,
            code=code,
            failures_of_person=FAILURES,
            failures_of_address=(from_address,),
        )


async def pending_of(asked: Asked) -> Pending:
    found = await codes.find_pending(asked.request_id)
    assert found is not None
    return found


async def take_turn(pending: Pending, *, at: datetime = NOW) -> bool:
    with clock.frozen(at):
        return await codes.take_turn(pending, charges=(TEXTS,))


async def arranged(given: Given = GIVEN, *, at: datetime = NOW) -> Asked:
    """An asking whose job is committed."""
    asked = await ask(given, at=at)
    await codes.mark_arranged(asked)
    return asked


async def refused(
    request_id: UUID, code: str, *, at: datetime = NOW, device_id: str = DEVICE.id
) -> None:
    with pytest.raises(CodeInvalid):
        await claim(request_id, code, at=at, device_id=device_id)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def tries(request_id: UUID) -> int:
    stored = await shared_cache.client().hget(f"{limits.PREFIX}request:{request_id}", "tries")
    assert stored is not None
    return int(stored)


class TestARequest:
    async def test_it_is_due_for_two_minutes_and_may_be_repeated_after_one(self) -> None:
        asked = await ask()
        assert asked.is_due
        assert asked.resend_at == NOW + 60 * SECOND
        assert asked.expires_at == NOW + 120 * SECOND

    async def test_a_repetition_within_a_minute_changes_and_costs_nothing(self) -> None:
        limit = Charge("one", 1, 3_600)
        first = await ask(charges=(limit,))
        await codes.mark_arranged(first)
        second = await ask(at=NOW + 59 * SECOND, charges=(limit,))
        assert second == replace(first, is_due=False)
        with pytest.raises(RateLimited):
            await ask(at=NOW + 60 * SECOND, charges=(limit,))

    async def test_a_repetition_after_a_minute_keeps_the_id_and_is_due(self) -> None:
        first = await arranged()
        second = await ask(at=NOW + 60 * SECOND)
        assert second.request_id == first.request_id
        assert (second.is_due, second.asked) == (True, 2)
        assert second.expires_at == NOW + 180 * SECOND

    @pytest.mark.parametrize("other", OTHERS)
    async def test_another_device_person_or_phone_has_a_request_of_its_own(
        self, other: Given
    ) -> None:
        first, second = await ask(), await ask(other)
        assert second.is_due
        assert second.request_id != first.request_id

    async def test_a_crowd_of_repetitions_is_one_request(self) -> None:
        asked = await asyncio.gather(*(ask() for _ in range(20)))
        assert len({(each.request_id, each.asked) for each in asked}) == 1

    async def test_what_was_refused_leaves_nothing(self) -> None:
        with pytest.raises(RateLimited):
            await ask(charges=(Charge("none", 0, 60),))
        assert await shared_cache.client().dbsize() == 0

    async def test_the_worker_gets_what_was_given(self) -> None:
        asked = await ask()
        pending = await codes.find_pending(asked.request_id)
        assert pending is not None
        assert (pending.given, pending.asked, pending.asked_at) == (GIVEN, 1, NOW)
        await codes.mark_arranged(asked)
        await codes.mark_sent(pending)
        assert await codes.find_pending(asked.request_id) is None
        await ask(at=NOW + 60 * SECOND)
        again = await codes.find_pending(asked.request_id)
        assert again is not None
        assert again.asked == 2

    @pytest.mark.parametrize("seconds", [0, 5, 59, 90])
    async def test_what_was_not_arranged_stays_due_and_is_charged_once(self, seconds: int) -> None:
        limit = Charge("one", 1, 3_600)
        first = await ask(charges=(limit,))
        second = await ask(at=NOW + seconds * SECOND, charges=(limit,))
        assert (second.request_id, second.asked, second.is_due) == (first.request_id, 1, True)
        assert second.resend_at == NOW + (60 + seconds) * SECOND

    async def test_a_late_note_takes_nothing_back(self) -> None:
        first = await arranged()
        second = await arranged(at=NOW + 60 * SECOND)
        await codes.mark_arranged(first)
        assert second.asked == 2
        assert not (await ask(at=NOW + 61 * SECOND)).is_due

    async def test_asked_again_what_is_given_now_counts(self) -> None:
        await arranged()
        again = await arranged(replace(GIVEN, locale=Locale.FA), at=NOW + 60 * SECOND)
        assert (await pending_of(again)).given.locale is Locale.FA

    async def test_one_that_is_gone_stays_gone(self) -> None:
        asked = await ask()
        pending = await codes.find_pending(asked.request_id)
        assert pending is not None
        await shared_cache.client().flushall()
        assert await codes.find_pending(asked.request_id) is None
        assert await codes.make(pending, member_id=MEMBER) is None
        assert not await take_turn(pending)
        await codes.mark_sent(pending)
        await codes.mark_not_sent(pending, charges=(TEXTS,))
        await codes.mark_arranged(asked)
        await refused(asked.request_id, "123456")
        assert await shared_cache.client().keys("*request:*") == []


class TestATurn:
    async def test_one_run_sends_and_others_look_again_later(self) -> None:
        pending = await pending_of(await ask())
        outcomes = await asyncio.gather(
            *(take_turn(pending) for _ in range(20)), return_exceptions=True
        )
        assert [outcome is True for outcome in outcomes].count(True) == 1
        assert [type(outcome) for outcome in outcomes].count(TurnTaken) == 19
        await codes.mark_sent(pending)
        assert not await take_turn(pending)

    async def test_who_was_not_heard_of_loses_it_and_the_message_is_charged_once(self) -> None:
        pending = await pending_of(await ask())
        assert await take_turn(pending)
        with pytest.raises(TurnTaken):
            await take_turn(pending, at=NOW + 29 * SECOND)
        assert await take_turn(pending, at=NOW + 30 * SECOND)

    async def test_what_was_certainly_not_sent_is_not_charged(self) -> None:
        pending = await pending_of(await ask())
        other = await pending_of(await ask(OTHERS[0]))
        assert await take_turn(pending)
        with pytest.raises(RateLimited):
            await take_turn(other)
        for _ in range(2):  # the answer may have been lost
            await codes.mark_not_sent(pending, charges=(TEXTS,))
        assert await take_turn(other)
        with pytest.raises(RateLimited):
            await take_turn(pending)

    async def test_an_older_one_that_ends_late_hides_no_newer_one(self) -> None:
        first = await pending_of(await arranged())
        second = await pending_of(await arranged(at=NOW + 60 * SECOND))
        await codes.mark_sent(second)
        await codes.mark_sent(first)
        assert await codes.find_pending(first.request_id) is None


class TestACode:
    async def test_it_is_right_again_as_its_answer_may_be_lost(self) -> None:
        asked = await ask()
        code = await made(asked)
        assert len(code) == 6
        found = await asyncio.gather(*(claim(asked.request_id, code) for _ in range(5)))
        assert [(each.member_id, each.given) for each in found] == [(MEMBER, GIVEN)] * 5
        assert len({each.seed for each in found}) == 1
        assert len(found[0].seed) == SEED_BYTES
        assert await tries(asked.request_id) == 0

    async def test_claimed_in_its_time_it_is_right_for_another_minute(self) -> None:
        asked = await ask()
        code = await made(asked)
        await claim(asked.request_id, code, at=NOW + 119 * SECOND)
        await claim(asked.request_id, code, at=NOW + 178 * SECOND)
        await refused(asked.request_id, code, at=NOW + 179 * SECOND)

    async def test_another_one_has_no_such_minute(self) -> None:
        asked = await arranged()
        older = await made(asked)
        newer = await made(await arranged(at=NOW + 60 * SECOND), at=NOW + 60 * SECOND)
        await claim(asked.request_id, newer, at=NOW + 119 * SECOND)
        await refused(asked.request_id, older, at=NOW + 120 * SECOND)
        await claim(asked.request_id, newer, at=NOW + 179 * SECOND)

    async def test_the_older_of_two_dies_in_its_own_time(self) -> None:
        asked = await arranged()
        older = await made(asked)
        newer = await made(await arranged(at=NOW + 60 * SECOND), at=NOW + 60 * SECOND)
        await refused(asked.request_id, older, at=NOW + 120 * SECOND)
        await claim(asked.request_id, newer, at=NOW + 121 * SECOND)

    @pytest.mark.parametrize("of_request", [True, False])
    async def test_it_is_bound_to_its_purpose(
        self, monkeypatch: pytest.MonkeyPatch, of_request: bool
    ) -> None:
        """By the request's purpose, and by the hash, each of them alone."""
        asked = await ask()
        code = await made(asked)
        other = cast("Purpose", "PURCHASE")
        if not of_request:
            name = f"{limits.PREFIX}request:{asked.request_id}"
            await shared_cache.client().hset(name, "purpose", other)
        else:
            monkeypatch.setattr(
                codes,
                "_hash",
                lambda key, request, _purpose, device, code, hash_=codes._hash: hash_(
                    key, request, Purpose.SIGN_IN, device, code
                ),
            )
        with pytest.raises(CodeInvalid):
            await claim(asked.request_id, code, purpose=other)
        assert await tries(asked.request_id) == 1

    async def test_it_lives_two_minutes(self) -> None:
        asked = await ask()
        code = await made(asked)
        await refused(asked.request_id, code, at=NOW + 120 * SECOND)
        await claim(asked.request_id, code, at=NOW + 119 * SECOND)

    async def test_five_tries_and_no_sixth(self) -> None:
        asked = await ask()
        code = await made(asked)
        for _ in range(4):
            await refused(asked.request_id, wrong(code))
        other = await ask(OTHERS[2])
        other_code = await made(other)
        for _ in range(5):
            await refused(other.request_id, wrong(other_code), device_id="device-2")
        await refused(other.request_id, other_code, device_id="device-2")
        await claim(asked.request_id, code)

    async def test_after_five_tries_a_new_request_is_opened(self) -> None:
        asked = await ask()
        code = await made(asked)
        for _ in range(5):
            await refused(asked.request_id, wrong(code))
        again = await ask(at=NOW + 60 * SECOND)
        assert again.is_due
        assert again.request_id != asked.request_id
        await claim(again.request_id, await made(again, at=NOW + 60 * SECOND), at=NOW + 61 * SECOND)

    async def test_after_its_use_a_new_request_is_opened_at_once(self) -> None:
        asked = await ask()
        await claim(asked.request_id, await made(asked))
        again = await ask(at=NOW + SECOND)
        assert again.is_due
        assert again.request_id != asked.request_id

    async def test_the_last_two_are_good(self) -> None:
        asked = await arranged()
        found = [await made(asked)]
        for minutes in (1, 2):
            at = NOW + minutes * 60 * SECOND
            assert (await arranged(at=at)).request_id == asked.request_id
            found.append(await made(asked, at=at))
        oldest, older, newest = found
        at = NOW + 170 * SECOND
        assert len({oldest, older, newest}) == 3
        await refused(asked.request_id, oldest, at=at)
        await claim(asked.request_id, older, at=at)
        await claim(asked.request_id, newest, at=at)

    async def test_the_third_last_is_not_good_even_in_its_time(self) -> None:
        found = []
        for seconds in (0, 60, 120):
            at = NOW + seconds * SECOND
            asked = await arranged(at=at)
            found.append(await made(asked, at=max(at, NOW + 60 * SECOND)))
        at = NOW + 121 * SECOND
        await refused(asked.request_id, found[0], at=at)
        await claim(asked.request_id, found[1], at=at)

    async def test_made_again_for_the_same_asking_it_is_the_same(self) -> None:
        asked = await ask()
        assert await made(asked) == await made(asked, at=NOW + SECOND)

    async def test_it_is_bound_to_its_request(self) -> None:
        asked, other = await ask(), await ask(OTHERS[0])
        code = await made(asked)
        if code != await made(other):  # else they agree by chance, one in a million
            await refused(other.request_id, code)
        await claim(asked.request_id, code)

    async def test_it_is_bound_to_its_device(self) -> None:
        asked = await ask()
        code = await made(asked)
        await refused(asked.request_id, code, device_id="device-2")
        assert await tries(asked.request_id) == 1
        await claim(asked.request_id, code)

    async def test_it_is_bound_to_its_key(self) -> None:
        asked = await ask()
        code = await made(asked)
        codes.configure((NEW_KEY,))
        await refused(asked.request_id, code)

    async def test_it_is_good_under_each_key_that_is_known(self) -> None:
        asked = await ask()
        code = await made(asked)
        codes.configure((NEW_KEY, KEY))
        await claim(asked.request_id, code)

    async def test_an_unknown_request_is_refused_alike(self) -> None:
        await refused(uuid.uuid4(), "123456")

    async def test_codes_are_spread(self) -> None:
        found = set()
        for number in range(200):
            device = DeviceGiven(f"device-{number}", "", DevicePlatform.ANDROID)
            found.add(await made(await ask(Given(GIVEN.national_code, GIVEN.phone, device))))
        assert len(found) > 195
        assert {code[0] for code in found} == set("0123456789")


class TestFailures:
    async def test_ten_a_day_of_a_person_over_all_requests(self) -> None:
        asked = await ask()
        code = await made(asked)
        for number in range(10):
            device = DeviceGiven(f"d-{number}", "", DevicePlatform.ANDROID)
            other = await ask(Given(GIVEN.national_code, OTHERS[1].phone, device))
            await refused(other.request_id, "123456", device_id=device.id)
        with pytest.raises(RateLimited) as told:
            await claim(asked.request_id, code)
        assert 86_400 <= told.value.retry_after_seconds <= 90_000

    async def test_another_person_is_not_touched(self) -> None:
        asked, other = await ask(), await ask(OTHERS[0])
        for number in range(10):
            device = DeviceGiven(f"d-{number}", "", DevicePlatform.ANDROID)
            own = await ask(Given(GIVEN.national_code, GIVEN.phone, device))
            await refused(own.request_id, "123456", device_id=device.id)
        assert asked.is_due
        await claim(other.request_id, await made(other))

    async def test_a_right_code_that_is_late_or_used_is_no_failure(self) -> None:
        asked = await ask()
        code = await made(asked)
        await claim(asked.request_id, code)
        for _ in range(12):
            await refused(asked.request_id, code, at=NOW + 200 * SECOND)
        assert await tries(asked.request_id) == 0

    async def test_of_an_address_a_right_code_is_none_and_a_wrong_one_waits_and_is_a_try(
        self,
    ) -> None:
        full = Charge(FROM_ADDRESS.name, 1, 3_600)
        other = await ask(OTHERS[0])
        await claim_wrong(other, await made(other), full, CodeInvalid)
        asked = await ask()
        code = await made(asked)
        for _ in range(4):
            await claim_wrong(asked, code, full, RateLimited)
        await claim(asked.request_id, code, from_address=full)
        await claim_wrong(asked, code, full, RateLimited)
        await refused(
            asked.request_id, code
        )  # after five tries it is not good, however they were answered

    async def test_of_an_address_neither_unknown_requests_nor_other_devices_count(self) -> None:
        asked = await ask()
        code = await made(asked)
        for _ in range(3):
            await refused(uuid.uuid4(), "123456")
            await refused(asked.request_id, code, device_id="device-2")
        limits_left = await shared_cache.client().keys("*address-failures*")
        assert limits_left == []


async def claim_wrong(
    asked: Asked, code: str, from_address: Charge, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        await claim(asked.request_id, wrong(code), from_address=from_address)


async def test_nothing_in_the_store_can_be_read_and_all_of_it_goes_away() -> None:
    asked = await ask(
        charges=limits.SignInLimits().of_request(
            phone=GIVEN.phone, national_code=GIVEN.national_code, address="192.0.2.7"
        )
    )
    code = await made(asked)
    await refused(asked.request_id, wrong(code))
    redis = shared_cache.client()
    names = [as_bytes(name) for name in await redis.keys("*")]
    values = [each for name in names for each in (name, *await everything(name))]
    for secret in ("0012345679", "9121234567", "device-1", "192.0.2", "مریم"):
        assert secret.encode() not in b"|".join(values)
    assert not {code.encode(), wrong(code).encode()} & set(values)
    lives = {name: await redis.pttl(name) for name in names}
    assert len(lives) == 10
    assert all(0 < left <= 95_000_000 for left in lives.values())
    short = [left for name, left in lives.items() if b":limit:" not in name]
    assert len(short) == 2
    assert max(short) <= 300_000


async def everything(name: bytes) -> list[bytes]:
    redis = shared_cache.client()
    if await redis.type(name) == b"string":
        return [as_bytes(await redis.get(name) or b"")]
    stored = await redis.hgetall(name)
    return [as_bytes(part) for pair in stored.items() for part in pair]


def as_bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
