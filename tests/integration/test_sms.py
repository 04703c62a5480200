"""Text messages: the demo's file, and the HTTP gateway against a real server that misbehaves."""

import asyncio
import io
import json
import logging
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from backend.core import clock
from backend.infra import breaker, telemetry
from backend.infra.sms import gateway, port
from backend.infra.sms.gateway import HttpOwnNumberCheck, HttpSender, Patience
from backend.infra.sms.lines import JsonLinesSender
from backend.infra.sms.template import Endpoint, Field, TemplateInvalid
from tests.support import sms_gateway
from tests.support.sms_gateway import Gateway

TO = "+989121234567"
TEXT = 'کد «123456»\nبه "هیچ‌کس" نگویید & {to}'
JSON_BODY = '{"receptor": "{to}", "message": ["{text}"], "flash": false}'
IMPATIENT = Patience(timeout_seconds=0.3, connect_seconds=0.3, first_pause_seconds=0.001)
STATUS = (Field("return.status"), "200")


@pytest.fixture
def provider() -> Iterator[Gateway]:
    with sms_gateway.running() as running:
        yield running


class Senders:
    """Makes senders for a provider's paths, and closes them."""

    def __init__(self, provider: Gateway) -> None:
        self._url = provider.url
        self._made: list[HttpSender] = []

    def at(
        self,
        path: str,
        *,
        json_body: str = JSON_BODY,
        success: tuple[Field, str] | None = None,
        patience: Patience = IMPATIENT,
        guard: breaker.Breaker | None = None,
    ) -> HttpSender:
        made = HttpSender(
            Endpoint(url=f"{self._url}/{path}", json_body=json_body),
            success=success,
            patience=patience,
            guard=guard,
        )
        self._made.append(made)
        return made

    async def close(self) -> None:
        for each in self._made:
            await each.close()


@pytest.fixture
async def senders(provider: Gateway) -> AsyncIterator[Senders]:
    made = Senders(provider)
    yield made
    await made.close()


def with_id(body: str = JSON_BODY) -> str:
    return body.replace("{", '{"localid": "{id}", ', 1)


async def send(sender: port.SmsSender) -> None:
    await sender.send(to=TO, text=TEXT, message_id="m-1")


class TestTheDemosFile:
    async def test_each_message_is_a_line_that_only_its_owner_reads(self, tmp_path: Path) -> None:
        sender = JsonLinesSender(tmp_path / "sms.jsonl")
        with clock.frozen(datetime(2026, 11, 21, 8, 30, tzinfo=UTC)):
            await send(sender)
        await asyncio.gather(*(send(sender) for _ in range(20)))
        lines = (tmp_path / "sms.jsonl").read_text(encoding="utf-8").splitlines()
        assert json.loads(lines[0]) == {"to": TO, "text": TEXT, "at": "2026-11-21T08:30:00.000Z"}
        assert "کد" in lines[0]
        assert [json.loads(line)["text"] for line in lines] == [TEXT] * 21
        assert stat.S_IMODE((tmp_path / "sms.jsonl").stat().st_mode) == 0o600

    async def test_it_follows_no_link_and_says_that_nothing_was_sent(self, tmp_path: Path) -> None:
        (tmp_path / "target").touch()
        (tmp_path / "sms.jsonl").symlink_to(tmp_path / "target")
        with pytest.raises(port.SmsNotSent):
            await send(JsonLinesSender(tmp_path / "sms.jsonl"))
        with pytest.raises(port.SmsNotSent):
            await send(JsonLinesSender(tmp_path / "missing" / "sms.jsonl"))
        assert (tmp_path / "target").read_bytes() == b""


class TestWhatTheGatewayIsSent:
    async def test_json_with_the_values_in_their_places(
        self, provider: Gateway, senders: Senders
    ) -> None:
        await send(senders.at("ok/{to}"))
        (asked,) = provider.requests()
        assert (asked.method, asked.path) == ("POST", "/ok/%2B989121234567")
        assert asked.headers["content-type"] == "application/json"
        assert json.loads(asked.body) == {"receptor": TO, "message": [TEXT], "flash": False}

    async def test_a_form_and_headers(self, provider: Gateway) -> None:
        endpoint = Endpoint(
            url=f"{provider.url}/ok",
            headers={"x-api-key": "k-9", "idempotency-key": "{id}"},
            form_body={"to": "{to_local}", "text": "{text}"},
        )
        sender = HttpSender(endpoint, patience=IMPATIENT)
        await send(sender)
        await sender.close()
        (asked,) = provider.requests()
        assert asked.headers["x-api-key"] == "k-9"
        assert asked.headers["idempotency-key"] == "m-1"
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        assert asked.body.startswith("to=09121234567&text=%DA%A9%D8%AF+")
        assert asked.body.endswith("+%26+%7Bto%7D")
        assert "k-9" not in repr(endpoint)

    async def test_everything_in_the_url(self, provider: Gateway) -> None:
        sender = HttpSender(
            Endpoint(url=f"{provider.url}/ok?to={{to}}&text={{text}}", method="GET"),
            patience=IMPATIENT,
        )
        await send(sender)
        await sender.close()
        (asked,) = provider.requests()
        assert asked.method == "GET"
        assert asked.path.startswith("/ok?to=%2B989121234567&text=%DA%A9%D8%AF%20%C2%AB123456")
        assert asked.path.endswith("%20%26%20%7Bto%7D")

    @pytest.mark.parametrize(
        ("endpoint", "complaint"),
        [
            (Endpoint(url="ftp://a/{to}{text}"), "the URL begins with"),
            (Endpoint(url="https://{to}/{text}"), "the URL's host is fixed"),
            (Endpoint(url="https://a/{to}"), "missing places: text"),
            (Endpoint(url="https://a/{text}"), "missing places: to"),
            (Endpoint(url="https://a/{to}{text}{code}"), "unknown places: code"),
            (Endpoint(url="https://a/{to}{text}", method="DELETE"), "the method is one of"),
            (Endpoint(url="https://a/", json_body="{to} {text}"), "the body is no JSON"),
            (Endpoint(url="https://a/", method="GET", json_body=JSON_BODY), "none with GET"),
            (Endpoint(url="https://a/{to}", json_body="{}", form_body={}), "there is one body"),
            (Endpoint(url="https://a/{to}", headers={"x": "{text}"}), "unknown places: text"),
            (Endpoint(url="https://a/{to}{text}" + "a" * 10_000), "at most 10000 characters"),
        ],
    )
    def test_settings_that_cannot_be_used(self, endpoint: Endpoint, complaint: str) -> None:
        with pytest.raises(TemplateInvalid, match=complaint):
            HttpSender(endpoint)


class TestWhatBecomesOfAMessage:
    @pytest.mark.parametrize("path", ["ok", "busy_once"])
    async def test_it_is_taken(self, senders: Senders, path: str) -> None:
        await send(senders.at(path, success=STATUS))

    @pytest.mark.parametrize(
        ("path", "failure", "requests"),
        [
            ("broken", port.SmsUncertain, 1),
            ("slow", port.SmsUncertain, 1),
            ("dripping", port.SmsUncertain, 1),
            ("cut", port.SmsUncertain, 1),
            ("garbage", port.SmsUncertain, 1),
            ("endless", port.SmsUncertain, 1),
            ("busy", port.SmsNotSent, 3),
            ("busy_for_long", port.SmsNotSent, 1),
            ("forbidden", port.SmsRefused, 1),
            ("elsewhere", port.SmsRefused, 1),
            ("declined", port.SmsRefused, 1),
        ],
    )
    async def test_it_is_not_sent_twice_where_it_may_have_been_sent(
        self,
        provider: Gateway,
        senders: Senders,
        path: str,
        failure: type[port.SmsFailed],
        requests: int,
    ) -> None:
        with pytest.raises(failure):
            await send(senders.at(path, success=STATUS))
        assert len(provider.requests()) == requests

    @pytest.mark.parametrize(("path", "requests"), [("broken_once", 2), ("busy_once", 2)])
    async def test_a_gateway_that_drops_repetitions_is_asked_again(
        self, provider: Gateway, senders: Senders, path: str, requests: int
    ) -> None:
        await send(senders.at(path, json_body=with_id(), success=STATUS))
        sent = [json.loads(asked.body)["localid"] for asked in provider.requests()]
        assert sent == ["m-1"] * requests

    @pytest.mark.parametrize("path", ["broken", "slow"])
    async def test_but_no_more_than_three_times(
        self, provider: Gateway, senders: Senders, path: str
    ) -> None:
        with pytest.raises(port.SmsUncertain):
            await send(senders.at(path, json_body=with_id()))
        assert len(provider.requests()) == 3

    async def test_what_may_have_been_sent_once_stays_uncertain(
        self, provider: Gateway, senders: Senders
    ) -> None:
        with pytest.raises(port.SmsUncertain):
            await send(senders.at("broken_then_busy", json_body=with_id()))
        assert len(provider.requests()) == 3

    async def test_a_gateway_that_is_away_was_certainly_not_reached(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
            sender = HttpSender(
                Endpoint(url=f"http://127.0.0.1:{taken.getsockname()[1]}/ok", json_body=JSON_BODY),
                patience=IMPATIENT,
            )
            with pytest.raises(port.SmsNotSent):
                await send(sender)
            await sender.close()


class TestTheBreaker:
    async def test_a_sick_gateway_is_left_alone_and_tried_again(
        self, provider: Gateway, senders: Senders
    ) -> None:
        seconds = 0.0
        guard = breaker.Breaker(failures_to_open=2, monotonic=lambda: seconds)
        sick = senders.at("broken", guard=guard)
        for _ in range(2):
            with pytest.raises(port.SmsUncertain):
                await send(sick)
        with pytest.raises(port.SmsNotSent):
            await send(sick)
        assert len(provider.requests()) == 2
        seconds = 1.0
        await send(senders.at("ok", guard=guard))
        assert guard.state is breaker.State.CLOSED

    async def test_a_refusal_is_an_answer_of_a_well_gateway(self, senders: Senders) -> None:
        guard = breaker.Breaker(failures_to_open=1)
        with pytest.raises(port.SmsRefused):
            await send(senders.at("forbidden", guard=guard))
        assert guard.state is breaker.State.CLOSED

    async def test_a_cancelled_probe_lets_the_next_one_probe(
        self, provider: Gateway, senders: Senders
    ) -> None:
        seconds = 0.0
        guard = breaker.Breaker(failures_to_open=1, monotonic=lambda: seconds)
        with pytest.raises(port.SmsUncertain):
            await send(senders.at("broken", guard=guard))
        seconds = 1.0
        patient = Patience(timeout_seconds=30, attempts=1)
        probe = asyncio.create_task(send(senders.at("slow", guard=guard, patience=patient)))
        async with asyncio.timeout(20):
            while len(await asyncio.to_thread(provider.requests)) < 2:
                pass
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        await send(senders.at("ok", guard=guard))


class Ask:
    """Asks a provider's path whether the number is in the own name."""

    def __init__(self, provider: Gateway) -> None:
        self._url = provider.url
        self._made: list[HttpOwnNumberCheck] = []

    async def __call__(self, path: str) -> bool:
        check = HttpOwnNumberCheck(
            Endpoint(
                url=f"{self._url}/{path}",
                json_body='{"mobile": "{phone_local}", "nid": "{national_code}"}',
            ),
            field=Field("result.matched"),
            patience=IMPATIENT,
        )
        self._made.append(check)
        return await check.is_own(phone=TO, national_code="0012345679")

    async def close(self) -> None:
        for each in self._made:
            await each.close()


class TestOwnNumbers:
    @pytest.fixture
    async def ask(self, provider: Gateway) -> AsyncIterator[Ask]:
        ask = Ask(provider)
        yield ask
        await ask.close()

    @pytest.mark.parametrize(("path", "is_own"), [("owner", True), ("stranger", False)])
    async def test_yes_or_no(self, provider: Gateway, ask: Ask, path: str, is_own: bool) -> None:
        assert await ask(path) is is_own
        (asked,) = provider.requests()
        assert json.loads(asked.body) == {"mobile": "09121234567", "nid": "0012345679"}

    @pytest.mark.parametrize(
        ("path", "requests"),
        [("broken", 3), ("slow", 3), ("garbage", 1), ("ok", 1), ("forbidden", 1), ("busy", 3)],
    )
    async def test_neither(self, provider: Gateway, ask: Ask, path: str, requests: int) -> None:
        with pytest.raises(port.OwnNumberUnknown):
            await ask(path)
        assert len(provider.requests()) == requests


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Where the log goes; the logging of pytest is put back afterwards."""
    names = ("", *telemetry.ADOPTED_LOGGERS, *telemetry.QUIET_LOGGERS)
    loggers = [logging.getLogger(name) for name in names]
    kept = [(each, each.level, each.handlers[:], each.propagate) for each in loggers]
    stream = io.StringIO()
    telemetry.configure_logging(level="DEBUG", json=True, stream=stream)
    yield stream
    for logger, level, handlers, propagate in kept:
        logger.setLevel(level)
        logger.handlers[:], logger.propagate = handlers, propagate
    structlog.reset_defaults()


@pytest.mark.parametrize("path", ["ok", "broken", "slow", "forbidden", "garbage"])
async def test_no_log_line_and_no_error_shows_number_text_or_key(
    provider: Gateway, path: str, lines: io.StringIO
) -> None:
    sender = HttpSender(
        Endpoint(
            url=f"{provider.url}/{path}?to={{to}}&text={{text}}",
            method="GET",
            headers={"x-api-key": "k-9"},
        ),
        success=STATUS,
        patience=IMPATIENT,
    )
    errors: list[str] = []
    try:
        await send(sender)
    except port.SmsFailed as error:
        errors += [repr(error), repr(error.__cause__)]
    await sender.close()
    shown = "\n".join([lines.getvalue(), *errors])
    assert ("sms.gateway_" in shown) is (path in {"broken", "slow", "forbidden"})
    for secret in ("9121234567", "123456", "k-9", "%DA%A9"):
        assert secret not in shown


class TestWhatIsConfigured:
    async def test_nothing_is_sent_before_it_is_said_how(self) -> None:
        with pytest.raises(port.SmsNotConfigured):
            port.sender()
        assert port.own_number_check() is None

    async def test_it_is_closed_and_forgotten(self, tmp_path: Path) -> None:
        sender = JsonLinesSender(tmp_path / "sms.jsonl")
        port.configure(sender)
        assert port.sender() is sender
        await port.close()
        with pytest.raises(port.SmsNotConfigured):
            port.sender()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("ک" * 70, 1),
        ("ک" * 71, 2),
        ("ک" * 134, 2),
        ("ک" * 135, 3),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
    ],
)
def test_parts_of_a_text(text: str, parts: int) -> None:
    assert port.parts(text) == parts


def test_the_gateway_is_waited_for_five_seconds_and_asked_three_times() -> None:
    assert (gateway.TIMEOUT_SECONDS, gateway.ATTEMPTS) == (5.0, 3)
