"""Signing in where answers are lost on the way, of Valkey and of ours to the app: nobody is locked out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from backend.access import code_scripts, codes, limits, service, sessions, sign_in
from backend.access.code_requests import CodeInvalid
from backend.access.domain import DeviceGiven, DevicePlatform
from backend.access.limits import SignInLimits
from backend.access.sign_in import SignedIn, SignInCodeSent
from backend.audit import service as audit
from backend.core import clock
from backend.core.errors import RateLimited, Unavailable
from backend.infra import cache as shared_cache
from backend.infra import cache_server
from backend.infra import db as database
from backend.infra.sms import port
from backend.infra.sms.lines import JsonLinesSender
from tests.support import signing_in
from tests.support.access import configure_keys
from tests.support.servers import TestValkey
from tests.support.signing_in import MARYAM, REZA, STRANGER, Person

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PATIENT_TIMEOUT_MS = 20_000
DEVICE = DeviceGiven("device-1", "گوشی مریم", DevicePlatform.ANDROID)
ADDRESS = "192.0.2.7"


@pytest.fixture(autouse=True)
async def house(
    db: None, cache: None, valkey: TestValkey, database_url: str, tmp_path: Path
) -> AsyncIterator[None]:
    del db, cache
    configure_keys()
    codes.configure((bytes(range(32)),))
    await shared_cache.connect(valkey.url, timeout_ms=PATIENT_TIMEOUT_MS)
    await signing_in.set_up(database_url, tmp_path)
    yield
    await port.close()
    await shared_cache.close()
    limits.configure(SignInLimits())


async def request(
    person: Person = MARYAM, *, at: datetime = NOW, device: DeviceGiven = DEVICE
) -> SignInCodeSent:
    with clock.frozen(at):
        return await sign_in.sign_in_code_request(
            national_code=person.national_code, phone=person.phone, device=device, address=ADDRESS
        )


async def sent_code(data_dir: Path) -> tuple[UUID, str]:
    sent = await request()
    with clock.frozen(NOW):
        await signing_in.run_jobs()
    return sent.request_id, signing_in.code_in(signing_in.messages(data_dir)[-1]["text"])


async def confirm(request_id: UUID, code: str, *, at: datetime = NOW) -> SignedIn:
    with clock.frozen(at):
        return await sign_in.sign_in_code_confirm(
            request_id=request_id, code=code, device_id=DEVICE.id, address=ADDRESS
        )


async def count(table: str) -> int:
    row = await database.fetch_one(f"SELECT count(*) FROM {table}")
    assert row is not None
    found: int = row["count"]
    return found


def lose_answer(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let Valkey run the script and its answer come too late."""
    run = limits.run

    async def running(this: str, *arguments: object) -> object:
        answer = await run(this, *arguments)  # type: ignore[arg-type]  # passed on
        if this == script:
            raise cache_server.CacheUnavailable(retry_after_seconds=1)
        return answer

    monkeypatch.setattr(limits, "run", running)


class TestAskingForACode:
    async def test_whose_answer_was_lost_is_asked_again_and_served(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        limits.configure(SignInLimits(phone_codes_per_hour=1))
        with monkeypatch.context() as lossy:
            lose_answer(lossy, code_scripts.ASK)
            with pytest.raises(Unavailable):
                await request()
        assert await count("pgqueuer") == 0

        await request(at=NOW + 5 * SECOND)
        assert await count("pgqueuer") == 1
        with clock.frozen(NOW + 5 * SECOND):
            await signing_in.run_jobs()
        assert len(signing_in.messages(tmp_path)) == 1

    async def test_whose_note_was_lost_is_served_once(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        async def away(_asked: object) -> None:
            raise cache_server.CacheUnavailable(retry_after_seconds=1)

        monkeypatch.setattr(codes, "mark_arranged", away)
        first = await request()
        assert (await request()).request_id == first.request_id
        assert await count("pgqueuer") == 1
        with clock.frozen(NOW):
            await signing_in.run_jobs()
            await request()
            await signing_in.run_jobs()
        assert len(signing_in.messages(tmp_path)) == 1

    async def test_of_a_crowd_makes_one_job(self) -> None:
        sent = await asyncio.gather(*(request() for _ in range(10)))
        assert len({each.request_id for each in sent}) == 1
        assert await count("pgqueuer") == 1


class TestConfirming:
    @pytest.mark.parametrize("seconds", [0, 100])
    async def test_whose_answer_was_lost_gives_the_same_session_again(
        self, tmp_path: Path, seconds: int
    ) -> None:
        request_id, code = await sent_code(tmp_path)
        lost = await confirm(request_id, code)
        again = await confirm(request_id, code, at=NOW + seconds * SECOND)

        assert again.issued.session_id == lost.issued.session_id
        assert again.issued.refresh_token == lost.issued.refresh_token
        assert (await count("session"), await count("audit_entry")) == (1, 1)
        with clock.frozen(NOW + 110 * SECOND):
            following = await service.session_refresh(
                refresh_token=again.issued.refresh_token, device_id=DEVICE.id
            )
        assert following.session_id == lost.issued.session_id

    async def test_is_over_once_the_refresh_token_was_used(self, tmp_path: Path) -> None:
        request_id, code = await sent_code(tmp_path)
        signed_in = await confirm(request_id, code)
        with clock.frozen(NOW):
            await service.session_refresh(
                refresh_token=signed_in.issued.refresh_token, device_id=DEVICE.id
            )
        with pytest.raises(CodeInvalid):
            await confirm(request_id, code)
        assert await count("session") == 1

    async def test_is_over_once_the_session_ended(self, tmp_path: Path) -> None:
        request_id, code = await sent_code(tmp_path)
        signed_in = await confirm(request_id, code)
        await service.session_end(viewer=signed_in.viewer, session_id=signed_in.issued.session_id)
        with pytest.raises(CodeInvalid):
            await confirm(request_id, code)
        assert await count("session") == 1

    async def test_of_many_at_once_gives_one_session(self, tmp_path: Path) -> None:
        request_id, code = await sent_code(tmp_path)
        answers = await asyncio.gather(*(confirm(request_id, code) for _ in range(8)))
        assert len({each.issued.refresh_token for each in answers}) == 1
        assert (await count("session"), await count("audit_entry")) == (1, 1)

    async def test_one_request_opens_one_session_whatever_the_program_does(
        self, tmp_path: Path
    ) -> None:
        """The database has the last word."""
        request_id, code = await sent_code(tmp_path)
        member_id = (await confirm(request_id, code)).viewer.subject
        assert member_id is not None
        grant = sessions.Grant(request_id, MARYAM.phone, bytes(32))
        with pytest.raises(Exception, match="session_of_request"):
            await sessions.open_session(member_id=member_id, device=DEVICE, grant=grant)

    async def test_that_valkey_answered_too_late_is_repeated(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        request_id, code = await sent_code(tmp_path)
        with monkeypatch.context() as lossy:
            lose_answer(lossy, code_scripts.CLAIM)
            with pytest.raises(Unavailable):
                await confirm(request_id, code)
        assert (await confirm(request_id, code)).issued.refresh_token

    async def test_that_was_cancelled_is_repeated(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """As a process that drains does to what takes too long."""
        request_id, code = await sent_code(tmp_path)
        begun = asyncio.Event()

        async def never(**_: object) -> None:
            begun.set()
            await asyncio.Event().wait()

        with monkeypatch.context() as stuck:
            stuck.setattr(sessions, "open_session", never)
            confirming = asyncio.create_task(confirm(request_id, code))
            await begun.wait()
            confirming.cancel()
            with pytest.raises(asyncio.CancelledError):
                await confirming
        assert (await confirm(request_id, code)).issued.refresh_token
        assert await count("session") == 1

    async def test_without_a_trail_opens_nothing(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        class NoTrail(Exception):
            pass

        async def fail(**_: object) -> None:
            raise NoTrail

        request_id, code = await sent_code(tmp_path)
        monkeypatch.setattr(audit, "record", fail)
        with pytest.raises(NoTrail):
            await confirm(request_id, code)
        assert await count("session") == 0


class TestSending:
    async def test_a_gateway_that_is_away_costs_no_text(self, tmp_path: Path) -> None:
        limits.configure(SignInLimits(system_texts_per_day=1))
        port.configure(JsonLinesSender(tmp_path / "no" / "folder.jsonl"))
        sent = await request()
        for _ in range(5):
            with clock.frozen(NOW), pytest.raises(port.SmsNotSent):
                await sign_in.send_code(request_id=sent.request_id)
        await request(STRANGER)
        port.configure(JsonLinesSender(tmp_path / "sms.jsonl"))
        with clock.frozen(NOW):
            await sign_in.send_code(request_id=sent.request_id)
        assert len(signing_in.messages(tmp_path)) == 1

    async def test_the_limit_of_a_minute_is_waited_for(self, tmp_path: Path) -> None:
        limits.configure(SignInLimits(system_texts_per_minute=1))
        first, second = await request(), await request(REZA)
        with clock.frozen(NOW):
            await sign_in.send_code(request_id=first.request_id)
            with pytest.raises(RateLimited):
                await sign_in.send_code(request_id=second.request_id)
        with clock.frozen(NOW + 64 * SECOND):
            await sign_in.send_code(request_id=second.request_id)
        assert [each["to"] for each in signing_in.messages(tmp_path)] == [MARYAM.phone, REZA.phone]

    async def test_the_limit_of_a_day_is_not(self, tmp_path: Path) -> None:
        limits.configure(SignInLimits(system_texts_per_day=1))
        first, second = await request(), await request(REZA)
        for sent in (first, second):
            with clock.frozen(NOW):
                await sign_in.send_code(request_id=sent.request_id)
        assert len(signing_in.messages(tmp_path)) == 1

    async def test_whose_note_was_lost_is_not_sent_again(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        async def away(_pending: object) -> None:
            raise cache_server.CacheUnavailable(retry_after_seconds=1)

        monkeypatch.setattr(codes, "mark_sent", away)
        await request()
        with clock.frozen(NOW):
            await signing_in.run_jobs()
        assert await count("pgqueuer") == 0
        assert len(signing_in.messages(tmp_path)) == 1

    async def test_two_jobs_at_once_send_one_message(self, tmp_path: Path) -> None:
        sent = await request()
        with clock.frozen(NOW):
            await asyncio.gather(
                *(sign_in.send_code(request_id=sent.request_id) for _ in range(2)),
                return_exceptions=True,
            )
        assert len(signing_in.messages(tmp_path)) == 1


async def test_somebody_with_a_network_of_ipv6_shuts_out_nobody_else() -> None:
    async def ask_from(number: int) -> None:
        with clock.frozen(NOW):
            await sign_in.sign_in_code_request(
                national_code=MARYAM.national_code,
                phone=f"+98912000{number:04d}",
                device=replace(DEVICE, id=f"d{number}"),
                address=f"2001:db8:0:{number:x}00::1",
            )

    limits.configure(
        SignInLimits(
            address_codes_per_hour=1,
            national_code_codes_per_hour=100,
            national_code_codes_per_day=100,
            system_requests_per_minute=20,
        )
    )
    for number in range(16):
        await ask_from(number)
    with pytest.raises(RateLimited):
        await ask_from(16)
    await request(REZA)
