"""The README's steps of rotating a secret, with two processes that take each step one after the other."""

from collections.abc import AsyncIterator
from itertools import permutations, product
from pathlib import Path

import pytest

from backend.access import codes, limits, service, sign_in
from backend.access.domain import DeviceGiven, DevicePlatform, Issued, SessionInvalid
from backend.access.limits import SignInLimits
from backend.composition import CODES_PURPOSE
from backend.infra import cache as shared_cache
from backend.infra import tokens
from backend.infra.sms import port
from backend.infra.tokens import KeyRing
from tests.support import signing_in
from tests.support.access import SECRET, SIGNING_SEED, configure_keys, new_member, signed_in
from tests.support.servers import TestValkey
from tests.support.signing_in import MARYAM

PATIENT_TIMEOUT_MS = 20_000
NEW_SECRET = bytes(range(200, 232))
DEVICE = DeviceGiven("device-1", "", DevicePlatform.ANDROID)


def ring(current: str, **secrets: bytes) -> KeyRing:
    return KeyRing(
        signing={"test": SIGNING_SEED},
        current="test",
        secrets=secrets,
        secrets_current=current,
        issuer="https://club.test",
        audience="club",
    )


STEPS = (
    ring("old", old=SECRET),
    ring("old", old=SECRET, new=NEW_SECRET),  # first every process knows it
    ring("new", new=NEW_SECRET, old=SECRET),  # then it is made use of
    ring("new", new=NEW_SECRET),  # after 90 days
)
# While a step is taken some processes stand before it and some behind it.
AT_ONCE = [(STEPS[n], STEPS[n]) for n in range(3)] + [
    pair for n in range(2) for pair in permutations((STEPS[n], STEPS[n + 1]))
]


@pytest.fixture(autouse=True)
async def house(
    db: None, cache: None, valkey: TestValkey, database_url: str, tmp_path: Path
) -> AsyncIterator[None]:
    del db, cache
    configure_keys()
    await shared_cache.connect(valkey.url, timeout_ms=PATIENT_TIMEOUT_MS)
    await signing_in.set_up(database_url, tmp_path)
    limits.configure(SignInLimits(phone_codes_per_hour=100))
    yield
    limits.configure(SignInLimits())
    await port.close()
    await shared_cache.close()
    configure_keys()


def become(process: KeyRing) -> None:
    tokens.configure(process)
    codes.configure(process.secrets_for(CODES_PURPOSE))


async def refresh(token: str) -> Issued:
    return await service.session_refresh(refresh_token=token, device_id=DEVICE.id)


@pytest.mark.parametrize(("one", "other"), AT_ONCE)
async def test_at_each_step_a_code_of_one_process_is_good_in_the_other(
    one: KeyRing, other: KeyRing, tmp_path: Path
) -> None:
    sent = await sign_in.sign_in_code_request(
        national_code=MARYAM.national_code, phone=MARYAM.phone, device=DEVICE, address=None
    )
    become(one)
    await signing_in.run_jobs()
    code = signing_in.code_in(signing_in.messages(tmp_path)[-1]["text"])
    answers = []
    for process in (other, one, other):  # the answer is lost twice
        become(process)
        signed_in = await sign_in.sign_in_code_confirm(
            request_id=sent.request_id, code=code, device_id=DEVICE.id, address=None
        )
        answers.append(signed_in.issued.refresh_token)
    assert len(set(answers)) == 1


@pytest.mark.parametrize(("one", "other"), AT_ONCE)
async def test_at_each_step_a_token_of_one_process_goes_on_in_the_other(
    one: KeyRing, other: KeyRing
) -> None:
    become(one)
    issued = await signed_in(await new_member())
    for first, second in product((one, other), repeat=2):
        become(first)
        following = await refresh(issued.refresh_token)
        become(second)
        again = await refresh(issued.refresh_token)
        assert again.refresh_token == following.refresh_token
        issued = again


async def test_without_the_old_secret_its_sessions_are_over() -> None:
    become(STEPS[1])
    issued = await signed_in(await new_member())
    become(STEPS[3])
    with pytest.raises(SessionInvalid):
        await refresh(issued.refresh_token)
