"""A provider's HTTP gateway: sends messages, and tells whether a number is in its holder's name.

Every attempt has one time-out, all attempts of a call are bounded, and a breaker keeps callers from
a sick gateway. A request that may have had its effect is repeated only where that does no harm.
"""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from backend.infra import breaker, telemetry
from backend.infra.sms import port

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backend.infra.sms.template import Endpoint, Field

TIMEOUT_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = (
    2.0  # shorter, so that a time-out before anything was sent is known as such
)
ATTEMPTS: Final = 3
FIRST_PAUSE_SECONDS: Final = 0.3
LONGEST_PAUSE_SECONDS: Final = 5.0  # a gateway that wants a longer one is asked by a later job
MAX_ANSWER_BYTES: Final = 65_536
MAX_CONNECTIONS: Final = 20

_MESSAGE_PLACES: Final = frozenset({"to", "to_local", "text", "id"})
_OWNER_PLACES: Final = frozenset({"phone", "phone_local", "national_code"})
_random = random.SystemRandom()
_log = telemetry.logger(__name__)


class _Outcome(Enum):
    UNREACHED = "unreached"  # nothing was sent
    POSTPONED = "postponed"  # it says: later
    REFUSED = "refused"  # it says no
    UNCLEAR = "unclear"  # it failed, or was not heard in time
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: _Outcome
    body: bytes = b""
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a gateway is waited for."""

    timeout_seconds: float = TIMEOUT_SECONDS
    connect_seconds: float = CONNECT_SECONDS
    attempts: int = ATTEMPTS
    first_pause_seconds: float = FIRST_PAUSE_SECONDS
    longest_pause_seconds: float = LONGEST_PAUSE_SECONDS


class HttpSender:
    """Sends by a gateway's endpoint, whose places are {to}, {to_local} (09…), {text} and {id}."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        success: tuple[Field, str] | None = None,
        patience: Patience | None = None,
        guard: breaker.Breaker | None = None,
    ) -> None:
        """Take the endpoint, and the field with the value that mean "taken" beside a status 2xx.

        Raises TemplateInvalid.
        """
        needed = {"text", "to_local" if "to_local" in endpoint.places() else "to"}
        endpoint.check(needed=frozenset(needed), allowed=_MESSAGE_PLACES)
        self._success = success
        self._caller = _Caller(
            endpoint, patience or Patience(), guard, is_repeatable="id" in endpoint.places()
        )

    async def send(self, *, to: str, text: str, message_id: str) -> None:
        """Send one message. Raises SmsNotSent, SmsRefused or SmsUncertain."""
        answer = await self._caller.call(
            {"to": to, "to_local": _local(to), "text": text, "id": message_id}
        )
        if answer.outcome in {_Outcome.UNREACHED, _Outcome.POSTPONED}:
            raise port.SmsNotSent(answer.outcome.value)
        if answer.outcome is _Outcome.REFUSED:
            raise port.SmsRefused(answer.outcome.value)
        if answer.outcome is _Outcome.UNCLEAR:
            raise port.SmsUncertain(answer.outcome.value)
        self._judge(answer.body)

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()

    def _judge(self, body: bytes) -> None:
        if self._success is None:
            return
        where, wanted = self._success
        found = where.read(body)
        if found is None:
            raise port.SmsUncertain("unreadable")
        if found != wanted:
            raise port.SmsRefused("answer")


class HttpOwnNumberCheck:
    """Asks an endpoint, whose places are {phone}, {phone_local} and {national_code}."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        field: Field,
        yes: str = "true",
        no: str = "false",
        patience: Patience | None = None,
        guard: breaker.Breaker | None = None,
    ) -> None:
        """Take the endpoint and the field of its answer, with the values that mean yes and no.

        Raises TemplateInvalid.
        """
        phone = "phone_local" if "phone_local" in endpoint.places() else "phone"
        endpoint.check(needed=frozenset({phone, "national_code"}), allowed=_OWNER_PLACES)
        self._field, self._answers = field, {yes: True, no: False}
        # Asking changes nothing, so it may be repeated.
        self._caller = _Caller(endpoint, patience or Patience(), guard, is_repeatable=True)

    async def is_own(self, *, phone: str, national_code: str) -> bool:
        """Whether the number is in the name of the code's holder. Raises OwnNumberUnknown."""
        answer = await self._caller.call(
            {"phone": phone, "phone_local": _local(phone), "national_code": national_code}
        )
        if answer.outcome is not _Outcome.ANSWERED:
            raise port.OwnNumberUnknown(answer.outcome.value)
        found = self._answers.get(self._field.read(answer.body) or "")
        if found is None:
            raise port.OwnNumberUnknown("unreadable")
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()


class _Caller:
    """Calls one endpoint: attempts, pauses, and the breaker."""

    def __init__(
        self,
        endpoint: Endpoint,
        patience: Patience,
        guard: breaker.Breaker | None,
        *,
        is_repeatable: bool,
    ) -> None:
        logging.getLogger("httpx").addFilter(_hides_urls)
        self._endpoint, self._patience, self._is_repeatable = endpoint, patience, is_repeatable
        self._breaker = guard or breaker.Breaker()
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(patience.timeout_seconds, connect=patience.connect_seconds),
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, values: Mapping[str, str]) -> _Answer:
        """The last answer of as many attempts as are allowed and make sense."""
        unclear: _Answer | None = None
        pause = self._patience.first_pause_seconds
        for attempt in range(1, self._patience.attempts + 1):
            answer = await self._guarded(values)
            if answer.outcome is _Outcome.UNCLEAR:
                unclear = answer
            wait = max(answer.pause_seconds, pause * _random.uniform(0.5, 1.0))
            is_last = attempt == self._patience.attempts
            if is_last or not self._may_repeat(answer) or wait > self._longest_pause:
                break
            await asyncio.sleep(wait)
            pause = min(pause * 2, self._longest_pause)
        # What one attempt may have done, a later one that was not let in does not undo.
        is_undone = answer.outcome in {_Outcome.UNREACHED, _Outcome.POSTPONED}
        return unclear if unclear is not None and is_undone else answer

    @property
    def _longest_pause(self) -> float:
        return self._patience.longest_pause_seconds

    def _may_repeat(self, answer: _Answer) -> bool:
        if answer.outcome in {_Outcome.UNREACHED, _Outcome.POSTPONED}:
            return True
        return answer.outcome is _Outcome.UNCLEAR and self._is_repeatable

    async def _guarded(self, values: Mapping[str, str]) -> _Answer:
        permit = self._breaker.enter()
        if permit is None:  # the pause is longer than we would wait here: a later job's turn
            return _Answer(_Outcome.UNREACHED, pause_seconds=float("inf"))
        try:
            answer = await self._attempt(values)
        except BaseException:
            self._breaker.abandoned(permit)
            raise
        if answer.outcome in {_Outcome.UNREACHED, _Outcome.UNCLEAR}:
            before = self._breaker.state
            self._breaker.failed(permit)
            if before is not self._breaker.state is breaker.State.OPEN:
                _log.warning("sms.gateway_left_alone", outcome=answer.outcome.value)
        else:
            self._breaker.succeeded(permit)
        return answer

    async def _attempt(self, values: Mapping[str, str]) -> _Answer:
        prepared = self._endpoint.prepare(values)
        request = self._client.build_request(
            prepared.method, prepared.url, headers=prepared.headers, content=prepared.body
        )
        try:
            async with asyncio.timeout(self._patience.timeout_seconds):
                response = await self._client.send(request, stream=True)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return self._failed(_Outcome.UNREACHED, error)
        except (httpx.HTTPError, TimeoutError) as error:
            return self._failed(_Outcome.UNCLEAR, error)
        return _judged(response, body)

    def _failed(self, outcome: _Outcome, error: Exception) -> _Answer:
        # The class alone: httpx's texts may show the URL.
        _log.warning("sms.gateway_failed", outcome=outcome.value, error=type(error).__name__)
        return _Answer(outcome)


def _judged(response: httpx.Response, body: bytes | None) -> _Answer:
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _Answer(_Outcome.POSTPONED, pause_seconds=_asked_pause(response))
    if response.is_success and body is not None:
        return _Answer(_Outcome.ANSWERED, body)
    if response.is_server_error or response.is_success or status == HTTPStatus.REQUEST_TIMEOUT:
        _log.warning("sms.gateway_failed", outcome=_Outcome.UNCLEAR.value, status=status)
        return _Answer(_Outcome.UNCLEAR, pause_seconds=_asked_pause(response))
    _log.error("sms.gateway_refused", status=status)
    return _Answer(_Outcome.REFUSED)


def _asked_pause(response: httpx.Response) -> float:
    """Seconds of Retry-After; 0 where there is none, or a date."""
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdecimal() else 0.0


async def _read(response: httpx.Response) -> bytes | None:
    """The answer's body; None where it is too long."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return None
    return bytes(body)


def _hides_urls(record: logging.LogRecord) -> bool:
    """Drops httpx's lines on each request: their URL may hold the number and the text."""
    return record.levelno >= logging.WARNING


def _local(phone: str) -> str:
    """+989… as 09…, which many gateways want."""
    return "0" + phone.removeprefix("+98")
