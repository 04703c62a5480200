"""Codes on a real Valkey: their times, tries and bonds, and what lies in the store."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from backend.access import codes, limits
from backend.access.codes import Asked, CodeInvalid, Given, Purpose
from backend.access.domain import DeviceGiven, DevicePlatform
from backend.access.limits import Charge
from backend.core import clock
from backend.core.errors import RateLimited
from backend.core.locale import Locale
from backend.infra import cache as shared_cache
from tests.support.access import configure_keys
from tests.support.servers import TestValkey

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PATIENT_TIMEOUT_MS = 5_000
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


@pytest.fixture(autouse=True)
async def store(valkey: TestValkey, cache: None) -> AsyncIterator[None]:
    del cache
    configure_keys()
    codes.configure(bytes(range(32)))
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
    request_id: UUID, code: str, *, at: datetime = NOW, device_id: str = DEVICE.id
) -> codes.Claimed:
    with clock.frozen(at):
        return await codes.claim(
            request_id,
            purpose=Purpose.SIGN_IN,
            device_id=device_id,
            code=code,
            failures_of_person=FAILURES,
            failures_of_address=FROM_ADDRESS,
        )


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
        second = await ask(at=NOW + 59 * SECOND, charges=(limit,))
        assert second == Asked(first.request_id, first.resend_at, first.expires_at, is_due=False)
        with pytest.raises(RateLimited):
            await ask(at=NOW + 60 * SECOND, charges=(limit,))

    async def test_a_repetition_after_a_minute_keeps_the_id_and_is_due(self) -> None:
        first = await ask()
        second = await ask(at=NOW + 60 * SECOND)
        assert second.request_id == first.request_id
        assert second.is_due
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
        assert len({each.request_id for each in asked}) == 1
        assert [each.is_due for each in asked].count(True) == 1

    async def test_what_was_refused_leaves_nothing(self) -> None:
        with pytest.raises(RateLimited):
            await ask(charges=(Charge("none", 0, 60),))
        assert await shared_cache.client().dbsize() == 0

    async def test_the_worker_gets_what_was_given(self) -> None:
        asked = await ask()
        pending = await codes.find_pending(asked.request_id)
        assert pending is not None
        assert (pending.given, pending.asked, pending.asked_at) == (GIVEN, 1, NOW)
        await codes.mark_sent(pending)
        assert await codes.find_pending(asked.request_id) is None
        await ask(at=NOW + 60 * SECOND)
        again = await codes.find_pending(asked.request_id)
        assert again is not None
        assert again.asked == 2

    async def test_who_could_not_be_served_may_ask_at_once(self) -> None:
        first = await ask()
        with clock.frozen(NOW):
            await codes.let_ask_again(first.request_id)
        second = await ask()
        assert second.is_due
        assert second.request_id == first.request_id

    async def test_one_that_is_gone_stays_gone(self) -> None:
        asked = await ask()
        pending = await codes.find_pending(asked.request_id)
        assert pending is not None
        await shared_cache.client().flushall()
        assert await codes.find_pending(asked.request_id) is None
        assert await codes.make(pending, member_id=MEMBER) is None
        await codes.mark_sent(pending)
        await codes.let_ask_again(asked.request_id)
        await codes.give_back(asked.request_id)
        await refused(asked.request_id, "123456")
        assert await shared_cache.client().keys("*request:*") == []


class TestACode:
    async def test_it_is_good_once(self) -> None:
        asked = await ask()
        code = await made(asked)
        assert len(code) == 6
        assert await claim(asked.request_id, code) == codes.Claimed(MEMBER, GIVEN)
        await refused(asked.request_id, code)
        assert await tries(asked.request_id) == 0

    async def test_of_twenty_at_once_one_wins(self) -> None:
        asked = await ask()
        code = await made(asked)
        outcomes = await asyncio.gather(
            *(claim(asked.request_id, code) for _ in range(20)), return_exceptions=True
        )
        assert [type(each) for each in outcomes].count(codes.Claimed) == 1
        assert [type(each) for each in outcomes].count(CodeInvalid) == 19

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
        asked = await ask()
        found = [await made(asked)]
        for minutes in (1, 2):
            at = NOW + minutes * 60 * SECOND
            assert (await ask(at=at)).request_id == asked.request_id
            found.append(await made(asked, at=at))
        oldest, older, newest = found
        at = NOW + 170 * SECOND
        assert len({oldest, older, newest}) == 3
        await refused(asked.request_id, oldest, at=at)
        await claim(asked.request_id, older, at=at)
        await codes.give_back(asked.request_id)
        await claim(asked.request_id, newest, at=at)

    async def test_the_third_last_is_not_good_even_in_its_time(self) -> None:
        asked = await ask()
        found = []
        for _ in range(3):
            with clock.frozen(NOW):
                await codes.let_ask_again(asked.request_id)
            await ask()
            found.append(await made(asked))
        await refused(asked.request_id, found[0])
        await claim(asked.request_id, found[1])

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
        codes.configure(bytes(32))
        await refused(asked.request_id, code)

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
            await refused(asked.request_id, code)
            await refused(asked.request_id, code, at=NOW + 200 * SECOND)

    async def test_of_an_address_with_requests_that_nobody_made(self) -> None:
        many = Charge(FROM_ADDRESS.name, 3, 3_600)
        for _ in range(3):
            await refused(uuid.uuid4(), "123456")
        with clock.frozen(NOW), pytest.raises(RateLimited):
            await codes.claim(
                uuid.uuid4(),
                purpose=Purpose.SIGN_IN,
                device_id=DEVICE.id,
                code="123456",
                failures_of_person=FAILURES,
                failures_of_address=many,
            )


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
