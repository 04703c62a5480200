"""Signing in, from the request to the session, on real servers; and what a stranger learns: nothing."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
import pytest

from backend.access import codes, limits, sign_in
from backend.access import jobs as access_jobs
from backend.access.code_requests import CodeInvalid, CodeMalformed
from backend.access.domain import (
    DeviceGiven,
    DeviceInvalid,
    DevicePlatform,
    MemberFileClosed,
    ProvinceNotOpen,
)
from backend.access.limits import SignInLimits
from backend.access.sign_in import SignInCodeSent
from backend.core import clock
from backend.core.errors import DomainError, RateLimited, Unavailable
from backend.core.identifiers import InvalidMobile, InvalidNationalCode
from backend.core.locale import Locale
from backend.core.viewer import SYSTEM
from backend.infra import cache as shared_cache
from backend.infra import db as database
from backend.infra import jobs, sealing
from backend.infra.sms import port
from backend.infra.sms.gateway import HttpOwnNumberCheck, HttpSender, Patience
from backend.infra.sms.lines import JsonLinesSender
from backend.infra.sms.template import Endpoint, Field
from backend.members import seals
from backend.organization import service as organization
from tests.support import sms_gateway
from tests.support.access import configure_keys
from tests.support.servers import TestValkey

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PATIENT_TIMEOUT_MS = 20_000
ADDRESS = "192.0.2.7"
DEVICE = DeviceGiven("device-1", "گوشی مریم", DevicePlatform.ANDROID)
CODE = re.compile("[0-9]{6}")
IMPATIENT = Patience(timeout_seconds=0.3, connect_seconds=0.3, first_pause_seconds=0.001)


@dataclass(frozen=True)
class Person:
    national_code: str
    phone: str


MARYAM = Person("0012345679", "+989121234567")  # a member in Fars, which is open
REZA = Person("2291234560", "+989121234568")  # a member in Tehran, which is not
STRANGER = Person("0076543218", "+989121234569")
# As a stranger may try them: a member's national code with a phone of one's own.
MARYAM_BY_ANOTHER_PHONE = Person(MARYAM.national_code, STRANGER.phone)


@pytest.fixture(autouse=True)
async def house(
    db: None, cache: None, valkey: TestValkey, database_url: str, sms_file: Path
) -> AsyncIterator[None]:
    """Two members, one open province, and the demo's sender."""
    del db, cache
    configure_keys()
    codes.configure((bytes(range(32)),))
    port.configure(JsonLinesSender(sms_file))
    await shared_cache.connect(valkey.url, timeout_ms=PATIENT_TIMEOUT_MS)
    connection = await asyncpg.connect(database_url)
    await jobs.install(connection)
    await connection.close()
    await organization.open_provinces(viewer=SYSTEM, codes=["IR-07"])
    await new_member(MARYAM, province="IR-07")
    await new_member(REZA, province="IR-23")
    yield
    await port.close()
    await shared_cache.close()
    limits.configure(SignInLimits())
    sign_in.configure(retriever_hashes=())


@pytest.fixture
def sms_file(tmp_path: Path) -> Path:
    return tmp_path / "sms.jsonl"


@pytest.fixture
def provider() -> Iterator[sms_gateway.Gateway]:
    with sms_gateway.running() as running:
        yield running


async def new_member(person: Person, *, province: str, state: str = "ACTIVE") -> None:
    sealer = sealing.current()
    index = seals.national_code_index(person.national_code, sealer)
    sealed = seals.seal_national_code(person.national_code, index=index, sealer=sealer)
    await database.execute(
        """
        INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index,
                            first_name, last_name, name_sort_key, birth_date, pension_number,
                            pension_kind, province_code, phone, state)
        VALUES ($1, $2, $3, 'مریم', 'رضایی', 'x', $4, $5, 'RETIREMENT', $6, $7, $8)
        """,
        sealed.ciphertext,
        sealed.key_id,
        index,
        date(1955, 3, 21),
        f"P{person.phone[-4:]}",
        province,
        person.phone,
        state,
    )


async def member_id(person: Person) -> int:
    row = await database.fetch_one("SELECT id FROM member WHERE phone = $1", person.phone)
    assert row is not None
    found: int = row["id"]
    return found


async def request(
    person: Person,
    *,
    at: datetime = NOW,
    device: DeviceGiven = DEVICE,
    retriever_hash: str | None = None,
    locale: Locale = Locale.FA,
    address: str = ADDRESS,
) -> SignInCodeSent:
    with clock.frozen(at):
        return await sign_in.sign_in_code_request(
            national_code=person.national_code,
            phone=person.phone,
            device=device,
            address=address,
            locale=locale,
            retriever_hash=retriever_hash,
        )


async def run_jobs(*, at: datetime = NOW) -> int:
    """Run what is queued, as a worker does; gives how many that were."""
    rows = await database.fetch("DELETE FROM pgqueuer RETURNING entrypoint, payload")
    with clock.frozen(at):
        for row in rows:
            await jobs.registered()[row["entrypoint"]].handler(orjson.loads(row["payload"]))
    return len(rows)


def messages(sms_file: Path) -> list[dict[str, str]]:
    if not sms_file.exists():
        return []
    return [json.loads(line) for line in sms_file.read_text(encoding="utf-8").splitlines()]


def code_in(text: str) -> str:
    found = CODE.search(text)
    assert found is not None
    return found[0]


async def confirm(
    request_id: UUID,
    code: str,
    *,
    at: datetime = NOW,
    device_id: str = DEVICE.id,
    address: str = ADDRESS,
) -> sign_in.SignedIn:
    with clock.frozen(at):
        return await sign_in.sign_in_code_confirm(
            request_id=request_id, code=code, device_id=device_id, address=address
        )


async def sent_code(person: Person, sms_file: Path, **given: str) -> tuple[UUID, str]:
    """Ask, let the worker run, and read the message."""
    sent = await request(person, **given)  # type: ignore[arg-type]  # an address at most
    await run_jobs()
    return sent.request_id, code_in(messages(sms_file)[-1]["text"])


async def count(table: str) -> int:
    row = await database.fetch_one(f"SELECT count(*) FROM {table}")
    assert row is not None
    found: int = row["count"]
    return found


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


class TestAMember:
    async def test_asks_reads_the_message_and_is_signed_in(self, sms_file: Path) -> None:
        sent = await request(MARYAM)
        assert sent.resend_at == NOW + 60 * SECOND
        assert sent.expires_at == NOW + 120 * SECOND
        await run_jobs()
        (message,) = messages(sms_file)
        code = code_in(message["text"])
        assert message == {
            "to": "+989121234567",
            "text": f"کد ورود به باشگاه: {code}\nاین کد را به هیچ‌کس نگویید.",
            "at": "2026-11-21T08:30:00.000Z",
        }
        persian = code.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
        signed_in = await confirm(sent.request_id, f" {persian[:3]} {persian[3:]} ")
        assert signed_in.viewer.subject == await member_id(MARYAM)
        assert signed_in.issued.access_token_expires_at == NOW + 600 * SECOND
        session = await database.fetch_one("SELECT * FROM session")
        assert session is not None
        assert session["public_id"] == signed_in.issued.session_id
        assert (session["device_id"], session["device_name"]) == ("device-1", "گوشی مریم")
        trail = await database.fetch_one("SELECT * FROM audit_entry")
        assert trail is not None
        assert (trail["action"], trail["object_id"], trail["subject_member_id"]) == (
            "session.open",
            str(signed_in.issued.session_id),
            signed_in.viewer.subject,
        )

    async def test_reads_english_and_the_app_reads_its_hash(self, sms_file: Path) -> None:
        sign_in.configure(retriever_hashes=["FA+9qCX9VSu"])
        await request(MARYAM, retriever_hash="FA+9qCX9VSu", locale=Locale.EN)
        await run_jobs()
        text = messages(sms_file)[0]["text"]
        assert text.startswith("Bashgah sign-in code: ")
        assert text.endswith("\nFA+9qCX9VSu")

    async def test_another_app_reads_nothing(self, sms_file: Path) -> None:
        sign_in.configure(retriever_hashes=["FA+9qCX9VSu"])
        ours = await request(MARYAM, retriever_hash="FA+9qCX9VSu")
        other = await request(REZA, retriever_hash="AAAAAAAAAAA")
        assert replace(other, request_id=ours.request_id) == ours
        await run_jobs()
        assert ["AAAAAAAAAAA" in each["text"] for each in messages(sms_file)] == [False, False]

    async def test_types_numbers_in_any_form(self, sms_file: Path) -> None:
        await request(Person("۰۰۱۲۳۴۵۶۷۹", "0912 123-4567"))
        await run_jobs()
        assert messages(sms_file)[0]["to"] == MARYAM.phone

    async def test_asks_again_and_both_codes_are_good(self, sms_file: Path) -> None:
        first = await request(MARYAM)
        await run_jobs()
        again = await request(MARYAM, at=NOW + 59 * SECOND)
        assert again == first
        assert await run_jobs() == 0
        later = await request(MARYAM, at=NOW + 60 * SECOND)
        assert later.request_id == first.request_id
        await run_jobs(at=NOW + 60 * SECOND)
        older, newer = (code_in(each["text"]) for each in messages(sms_file))
        assert older != newer
        await confirm(first.request_id, older, at=NOW + 100 * SECOND)

    @pytest.mark.parametrize("state", ["INACTIVE", "FROZEN"])
    async def test_without_credit_may_still_read_the_own_file(
        self, sms_file: Path, state: str
    ) -> None:
        await database.execute("UPDATE member SET state = $1", state)
        request_id, code = await sent_code(MARYAM, sms_file)
        assert (await confirm(request_id, code)).viewer.subject == await member_id(MARYAM)

    async def test_who_is_recorded_as_deceased_is_told_after_the_code(self, sms_file: Path) -> None:
        await database.execute("UPDATE member SET state = 'DECEASED'")
        request_id, code = await sent_code(MARYAM, sms_file)
        with pytest.raises(MemberFileClosed):
            await confirm(request_id, code)
        assert await count("session") == 0

    async def test_of_a_closed_province_is_told_after_the_code(self, sms_file: Path) -> None:
        request_id, code = await sent_code(REZA, sms_file)
        with pytest.raises(CodeInvalid):
            await confirm(request_id, wrong(code))
        with pytest.raises(ProvinceNotOpen) as told:
            await confirm(request_id, code)
        assert told.value.province_name(Locale.FA) == "تهران"
        assert told.value.message(Locale.FA) == "باشگاه هنوز در استان تهران آغاز نشده است."
        assert told.value.province_name(Locale.EN) == "Tehran"
        assert await count("session") == 0
        with pytest.raises(ProvinceNotOpen):  # the answer may have been lost
            await confirm(request_id, code)

    async def test_of_a_province_that_was_closed_again_signs_in(self, sms_file: Path) -> None:
        await database.execute(
            "UPDATE province SET open_for_members = false, open_for_stores = false WHERE code = 'IR-07'"
        )
        await shared_cache.client().flushall()
        request_id, code = await sent_code(MARYAM, sms_file)
        assert (await confirm(request_id, code)).viewer.subject == await member_id(MARYAM)

    async def test_whose_number_was_taken_away_meanwhile_is_refused(self, sms_file: Path) -> None:
        request_id, code = await sent_code(MARYAM, sms_file)
        await database.execute(
            "UPDATE member SET phone = '+989120000000' WHERE phone = $1", MARYAM.phone
        )
        with pytest.raises(CodeInvalid):
            await confirm(request_id, code)
        assert await count("session") == 0


@dataclass(frozen=True)
class Work:
    """What a request costs the servers."""

    statements: int
    calls: dict[str, int]


async def work_of(person: Person) -> tuple[SignInCodeSent, Work]:
    redis = shared_cache.client()
    await redis.config_resetstat()
    with database.count_statements() as counted:
        sent = await request(person)
    stats = await redis.info("commandstats")
    calls = {
        name: each["calls"]
        for name, each in stats.items()
        if name not in {"cmdstat_config|resetstat", "cmdstat_info"}
    }
    return sent, Work(counted.count, calls)


class TestAStranger:
    async def test_costs_the_same_and_gets_the_same_answer(self) -> None:
        await request(Person("4608968882", "+989129999999"))  # connections are opened once
        (answer, work), *others = [
            await work_of(each) for each in (MARYAM, REZA, STRANGER, MARYAM_BY_ANOTHER_PHONE)
        ]
        assert work.statements == 1
        assert work.calls["cmdstat_eval"] == 2
        for other, other_work in others:
            assert other_work == work
            assert replace(other, request_id=answer.request_id) == answer
            assert len(str(other.request_id)) == len(str(answer.request_id))

    async def test_gets_no_message(self, sms_file: Path) -> None:
        await request(STRANGER)
        await request(MARYAM_BY_ANOTHER_PHONE)
        await request(Person(STRANGER.national_code, MARYAM.phone))
        assert await run_jobs() == 3
        assert messages(sms_file) == []

    async def test_is_refused_as_a_member_with_a_wrong_code_is(self, sms_file: Path) -> None:
        member, code = await sent_code(MARYAM, sms_file)
        closed = (await request(REZA)).request_id
        stranger = (await request(STRANGER)).request_id
        await run_jobs()
        refusals: list[DomainError] = []
        for request_id in (member, closed, stranger, UUID(int=4)):
            for _ in range(7):  # beyond the tries
                with pytest.raises(CodeInvalid) as refused:
                    await confirm(request_id, wrong(code))
                refusals.append(refused.value)
        assert {
            (type(each), str(each), each.field, each.message(Locale.FA), each.hint(Locale.FA))
            for each in refusals
        } == {
            (
                CodeInvalid,
                "CODE_INVALID (code)",
                ("code",),
                "کد درست نیست یا زمان آن گذشته است.",
                "آخرین کدی را که پیامک شد وارد کنید یا کد تازه بخواهید.",
            )
        }
        assert all(each.data == {} for each in refusals)

    async def test_costs_the_same_with_a_wrong_code(self, sms_file: Path) -> None:
        member, code = await sent_code(MARYAM, sms_file)
        stranger = (await request(STRANGER)).request_id
        await run_jobs()
        found: list[tuple[int, dict[str, int]]] = []
        for request_id in (member, stranger):
            await shared_cache.client().config_resetstat()
            with database.count_statements() as counted, pytest.raises(CodeInvalid):
                await confirm(request_id, wrong(code), address=f"192.0.2.{len(found)}")
            stats = await shared_cache.client().info("commandstats")
            found.append((counted.count, {name: each["calls"] for name, each in stats.items()}))
        assert found[0] == found[1]
        assert found[0][0] == 0

    @pytest.mark.parametrize("person", [MARYAM, STRANGER])
    async def test_ten_failures_a_day_and_the_eleventh_waits_as_a_members(
        self, person: Person
    ) -> None:
        for number in range(2):
            device = replace(DEVICE, id=f"device-{number}")
            request_id = (await request(person, device=device)).request_id
            for _ in range(5):
                with pytest.raises(CodeInvalid):
                    await confirm(request_id, "000000", device_id=device.id)
        with pytest.raises(RateLimited) as refused:
            await confirm(request_id, "000000", device_id=device.id)
        assert refused.value.retry_after_seconds == 88_200
        with pytest.raises(RateLimited) as refused:
            await request(person, device=replace(DEVICE, id="another"))
        assert refused.value.retry_after_seconds == 88_200
        assert await count("pgqueuer") == 2

    @pytest.mark.parametrize("person", [MARYAM, STRANGER])
    async def test_five_codes_an_hour_as_a_members(self, person: Person) -> None:
        for number in range(5):
            await request(person, device=replace(DEVICE, id=f"device-{number}"))
        with pytest.raises(RateLimited) as refused:
            await request(person, device=replace(DEVICE, id="device-6"))
        assert refused.value.retry_after_seconds == 3_750
        assert await count("pgqueuer") == 5


class TestAddresses:
    async def test_an_ipv6_network_is_one_address(self) -> None:
        limits.configure(SignInLimits(address_codes_per_hour=2))
        await request(MARYAM, address="2001:db8:0:1::1")
        await request(REZA, address="2001:db8:0:1:ffff::2")
        with pytest.raises(RateLimited):
            await request(STRANGER, address="2001:db8:0:1::3")
        await request(STRANGER, address="2001:db8:0:2::3")


class TestTheJob:
    async def test_its_row_holds_the_request_and_nothing_else(self) -> None:
        sent = await request(MARYAM)
        (row,) = await database.fetch("SELECT entrypoint, payload FROM pgqueuer")
        assert row["entrypoint"] == "access.send_sign_in_code"
        assert orjson.loads(row["payload"]) == {"request_id": str(sent.request_id)}
        assert jobs.registered()[row["entrypoint"]].handler is access_jobs.send_sign_in_code

    async def test_run_twice_it_sends_once(self, sms_file: Path) -> None:
        sent = await request(MARYAM)
        await run_jobs()
        with clock.frozen(NOW):
            await sign_in.send_code(request_id=sent.request_id)
        assert len(messages(sms_file)) == 1

    async def test_what_was_not_sent_is_sent_by_another_run(self, tmp_path: Path) -> None:
        sms_file = tmp_path / "later" / "sms.jsonl"
        port.configure(JsonLinesSender(sms_file))
        sent = await request(MARYAM)
        with pytest.raises(port.SmsNotSent):
            await run_jobs()
        sms_file.parent.mkdir()
        with clock.frozen(NOW + 5 * SECOND):
            await sign_in.send_code(request_id=sent.request_id)
        (message,) = messages(sms_file)
        await confirm(sent.request_id, code_in(message["text"]), at=NOW + 124 * SECOND)

    async def test_what_may_have_been_sent_is_not_sent_again(
        self, provider: sms_gateway.Gateway
    ) -> None:
        port.configure(gateway_sender(provider, "broken"))
        sent = await request(MARYAM)
        await run_jobs()
        with clock.frozen(NOW):
            await sign_in.send_code(request_id=sent.request_id)
        (asked,) = provider.requests()
        await confirm(sent.request_id, code_in(json.loads(asked.body)["text"]))

    async def test_the_gateway_names_the_message_by_request_and_asking(
        self, provider: sms_gateway.Gateway
    ) -> None:
        port.configure(gateway_sender(provider, "ok", body='{"t":"{to}{text}","id":"{id}"}'))
        sent = await request(MARYAM)
        await run_jobs()
        await request(MARYAM, at=NOW + 60 * SECOND)
        await run_jobs(at=NOW + 60 * SECOND)
        named = [json.loads(each.body)["id"] for each in provider.requests()]
        assert named == [f"{sent.request_id}-1", f"{sent.request_id}-2"]

    async def test_too_late_it_sends_nothing(self, sms_file: Path) -> None:
        await request(MARYAM)
        await run_jobs(at=NOW + 120 * SECOND)
        assert messages(sms_file) == []

    async def test_a_request_that_is_gone_is_left(self, sms_file: Path) -> None:
        await request(MARYAM)
        await shared_cache.client().flushall()
        await run_jobs()
        assert messages(sms_file) == []

    async def test_the_bill_has_a_limit_that_everybody_then_sees(self, sms_file: Path) -> None:
        limits.configure(SignInLimits(system_texts_per_day=1))
        await request(MARYAM)
        await request(REZA)
        await run_jobs()
        assert len(messages(sms_file)) == 1
        for person in (STRANGER, REZA):
            with pytest.raises(RateLimited):
                await request(person, device=replace(DEVICE, id="another"))

    @pytest.mark.parametrize(("path", "sent"), [("owner", 1), ("stranger", 0)])
    async def test_with_a_check_only_own_numbers_get_a_code(
        self, sms_file: Path, provider: sms_gateway.Gateway, path: str, sent: int
    ) -> None:
        port.configure(JsonLinesSender(sms_file), own_number_check=own_number(provider, path))
        await request(MARYAM)
        await run_jobs()
        assert len(messages(sms_file)) == sent

    async def test_a_check_that_is_out_of_order_is_asked_by_another_run(
        self, sms_file: Path, provider: sms_gateway.Gateway
    ) -> None:
        port.configure(JsonLinesSender(sms_file), own_number_check=own_number(provider, "broken"))
        await request(MARYAM)
        with pytest.raises(port.OwnNumberUnknown):
            await run_jobs()
        assert messages(sms_file) == []


def gateway_sender(
    provider: sms_gateway.Gateway, path: str, *, body: str = '{"to": "{to}", "text": "{text}"}'
) -> HttpSender:
    return HttpSender(Endpoint(url=f"{provider.url}/{path}", json_body=body), patience=IMPATIENT)


def own_number(provider: sms_gateway.Gateway, path: str) -> HttpOwnNumberCheck:
    return HttpOwnNumberCheck(
        Endpoint(url=f"{provider.url}/{path}", json_body='["{phone}", "{national_code}"]'),
        field=Field("result.matched"),
        patience=IMPATIENT,
    )


class TestOutages:
    @pytest.mark.parametrize("url", [None, "unix:///nowhere/at/all"])
    async def test_without_the_cache_nobody_gets_in_and_nothing_happens(
        self, sms_file: Path, url: str | None
    ) -> None:
        request_id, code = await sent_code(MARYAM, sms_file)
        await shared_cache.connect(url)
        with pytest.raises(Unavailable):
            await request(REZA)
        with pytest.raises(Unavailable):
            await confirm(request_id, code)
        assert (await count("pgqueuer"), await count("session")) == (0, 0)

    async def test_after_an_outage_of_the_database_who_asks_again_is_heard(
        self, database_url: str
    ) -> None:
        await database.close()
        with pytest.raises(database.DatabaseClosed):
            await request(MARYAM)
        await database.connect(database_url)
        await request(MARYAM)
        assert await count("pgqueuer") == 1

    async def test_a_code_outlives_an_outage_of_the_database(
        self, sms_file: Path, database_url: str
    ) -> None:
        request_id, code = await sent_code(MARYAM, sms_file)
        await database.close()
        with pytest.raises(database.DatabaseClosed):
            await confirm(request_id, code)
        await database.connect(database_url)
        assert (await confirm(request_id, code)).viewer.subject == await member_id(MARYAM)

    async def test_of_many_who_confirm_at_once_all_get_one_session(self, sms_file: Path) -> None:
        """An app that repeats what it got no answer to; whoever asks has code and device."""
        request_id, code = await sent_code(MARYAM, sms_file)
        outcomes = await asyncio.gather(*(confirm(request_id, code) for _ in range(10)))
        assert {each.viewer.subject for each in outcomes} == {await member_id(MARYAM)}
        assert len({(each.issued.session_id, each.issued.refresh_token) for each in outcomes}) == 1
        assert await count("session") == 1
        assert await count("audit_entry") == 1


class TestForms:
    async def test_each_input_is_refused_by_its_name(self) -> None:
        with pytest.raises(InvalidNationalCode) as code:
            await request(Person("1111111111", MARYAM.phone))
        assert code.value.field == ("nationalCode",)
        with pytest.raises(InvalidMobile) as phone:
            await request(Person(MARYAM.national_code, "02112345678"))
        assert phone.value.field == ("phone",)
        with pytest.raises(DeviceInvalid):
            DeviceGiven("", "", DevicePlatform.WEB)
        with pytest.raises(CodeMalformed):
            await confirm(UUID(int=4), "12345")
        assert await shared_cache.client().keys("*{sign-in}*") == []
