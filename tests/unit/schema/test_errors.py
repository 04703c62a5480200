"""Errors as clients see them: members of a mutation's union, top-level codes, and what is masked."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Annotated, ClassVar

import pytest
import strawberry
import structlog
from graphql import GraphQLError

from backend.core import errors as core
from backend.core.locale import Locale
from backend.infra import telemetry
from backend.infra.db import DatabaseUnavailable
from schema import errors, root

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class LimitExceeded(core.DomainError):
    """A refusal of some slice, with data."""

    code = "LIMIT_EXCEEDED"
    texts = core.sentences(
        fa="بیش از {limit_toman} تومان نمی‌شود.", en="No more than {limit_toman} toman."
    )
    hints = core.sentences(fa="کمتر بخواهید.", en="Ask for less.")


class InvalidColour(core.BadUserInput):
    """An input of some slice."""

    texts = core.sentences(fa="رنگ درست نیست.", en="The colour is not valid.")
    hints = core.sentences(fa="یکی را برگزینید.", en="Choose one.")


class NoSuchRound(core.NotFound):
    """What is not there, with a code of its own."""

    code = "NO_SUCH_ROUND"


class ClientOutdated(core.DomainError):
    """A refusal that the contract lists among the top-level codes."""

    code = "CLIENT_OUTDATED"
    texts = core.sentences(fa="برنامه کهنه است.", en="The app is too old.")
    hints = core.sentences(fa="آن را به‌روز کنید.", en="Update it.")


class Secret(Exception):
    """A failure that nobody expected, with something in it that nobody may see."""


def charge(amount: int) -> None:
    """What a service would do."""
    if amount < 0:
        raise InvalidColour
    if amount > 100:
        raise LimitExceeded(limit_toman=100, field=("input", "amount"))


@strawberry.type
class Paid:
    """The success."""

    amount: int


@strawberry.type
class LimitError(errors.UserError):
    """A refusal that an app of today knows."""


@strawberry.type
class NewerError(errors.UserError):
    """A refusal that was added after that app was built."""


PayResult = Annotated[Paid | LimitError | NewerError, strawberry.union("PayResult")]


@strawberry.type
class Query:
    """A field that fails as its argument says."""

    raised: ClassVar[Exception] = Secret()

    @strawberry.field
    async def fails(self) -> str | None:
        raise Query.raised

    @strawberry.field
    async def works(self) -> str:
        return "well"


@strawberry.type
class Mutation:
    """A mutation that is refused beyond 100."""

    @strawberry.mutation
    async def pay(self, amount: int) -> PayResult:
        try:
            charge(amount)
        except LimitExceeded as error:
            return errors.user_error(LimitError, error, Locale.FA)
        except InvalidColour as error:
            return errors.user_error(NewerError, error, Locale.EN)
        return Paid(amount=amount)


SCHEMA = root.Schema(query=Query, mutation=Mutation, types=[LimitError, NewerError])
PAY = """
    mutation ($amount: Int!) {
      pay(amount: $amount) { __typename ... on Paid { amount } ... on UserError { code message hint field } }
    }
"""


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log as it is written in production."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    telemetry.configure_logging(level="INFO", json=True, stream=stream)
    yield stream
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


async def pay(amount: int) -> object:
    result = await SCHEMA.execute(PAY, variable_values={"amount": amount})
    assert result.errors is None
    assert result.data is not None
    return result.data["pay"]


async def failed(raised: Exception, locale: Locale = Locale.EN) -> dict[str, object]:
    """The error of a resolver that raises, as clients see it."""
    Query.raised = raised
    result = await SCHEMA.execute("{ fails works }")
    assert result.data == {"fails": None, "works": "well"}
    [error] = result.errors or []
    return errors.formatted(error, locale)


async def test_a_mutation_that_goes_well_answers_its_success() -> None:
    assert await pay(100) == {"__typename": "Paid", "amount": 100}


async def test_a_refused_mutation_answers_a_member_of_its_union_and_no_error() -> None:
    assert await pay(101) == {
        "__typename": "LimitError",
        "code": "LIMIT_EXCEEDED",
        "message": "بیش از ۱۰۰ تومان نمی‌شود.",
        "hint": "کمتر بخواهید.",
        "field": ["input", "amount"],
    }


async def test_an_old_app_reads_a_newer_refusal_by_its_interface() -> None:
    """The document names no type but Paid: whatever implements UserError is understood."""
    assert await pay(-1) == {
        "__typename": "NewerError",
        "code": "BAD_USER_INPUT",
        "message": "The colour is not valid.",
        "hint": "Choose one.",
        "field": None,
    }


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (core.BadUserInput(), "BAD_USER_INPUT"),
        (InvalidColour(), "BAD_USER_INPUT"),
        (core.NotFound(), "BAD_USER_INPUT"),
        (NoSuchRound(), "BAD_USER_INPUT"),
        (core.Unauthenticated(), "UNAUTHENTICATED"),
        (core.Forbidden("stores.manage"), "FORBIDDEN"),
        (core.RateLimited(30), "RATE_LIMITED"),
        (core.Unavailable(5), "UNAVAILABLE"),
        (DatabaseUnavailable(1), "UNAVAILABLE"),
        (ClientOutdated(), "CLIENT_OUTDATED"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
async def test_a_refused_query_has_a_code_of_the_contract(
    raised: core.DomainError, code: str
) -> None:
    for locale in Locale:
        refused = await failed(raised, locale)

        assert refused["message"] == raised.message(locale)
        extensions = refused["extensions"]
        assert isinstance(extensions, dict)
        assert extensions["code"] == code
        assert extensions["hint"] == raised.hint(locale)


@pytest.mark.parametrize("raised", [core.RateLimited(30), core.Unavailable(30)])
async def test_a_refusal_for_now_says_when_to_come_again(raised: core.DomainError) -> None:
    refused = await failed(raised)

    assert refused["extensions"] == {
        "code": raised.code,
        "hint": "Try again after 30 s.",
        "retryAfterSeconds": 30,
    }


async def test_a_refusal_of_one_input_names_it() -> None:
    refused = await failed(InvalidColour(field=("filter", "colour")))

    assert refused == {
        "message": "The colour is not valid.",
        "extensions": {
            "code": "BAD_USER_INPUT",
            "hint": "Choose one.",
            "field": ["filter", "colour"],
        },
        "locations": [{"line": 1, "column": 3}],
        "path": ["fails"],
    }


async def test_a_reason_takes_the_place_of_the_class_s_text() -> None:
    reason = core.sentences(fa="ماه گذشته است.", en="The month is over.")

    assert (await failed(core.BadUserInput(reason=reason)))["message"] == "The month is over."
    assert (await failed(core.BadUserInput(reason=reason), Locale.FA))[
        "message"
    ] == "ماه گذشته است."


@pytest.mark.parametrize(
    ("locale", "message"),
    [
        (
            Locale.FA,
            "خطایی در سامانه رخ داد. اگر ادامه یافت، شمارهٔ پیگیری را به پشتیبانی بگویید.",
        ),
        (
            Locale.EN,
            "Something went wrong on our side. If it goes on, tell the support the trace id.",
        ),
    ],
)
async def test_what_nobody_expected_is_masked_with_the_trace_id(
    log: io.StringIO, locale: Locale, message: str
) -> None:
    with telemetry.bind_trace(TRACE):
        masked = await failed(Secret("password of table store"), locale)

    assert masked == {
        "message": message,
        "extensions": {"code": "INTERNAL", "traceId": TRACE},
        "locations": [{"line": 1, "column": 3}],
        "path": ["fails"],
    }
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["event"], line["level"], line["trace_id"]) == ("resolver_failed", "error", TRACE)
    assert "Secret" in line["exception"]


@pytest.mark.parametrize("raised", [core.BadUserInput(), core.Forbidden("x"), core.Unavailable(1)])
async def test_a_refusal_leaves_no_line_in_the_log(
    log: io.StringIO, raised: core.DomainError
) -> None:
    await failed(raised)

    assert log.getvalue() == ""


async def test_a_refusal_behind_another_failure_is_not_taken_for_one(log: io.StringIO) -> None:
    """A cause counts as the refusal only where graphql-core wrapped it, not where our code chained it."""
    chained = Secret()
    chained.__cause__ = core.BadUserInput()

    masked = await failed(chained)

    assert masked["extensions"] == {"code": "INTERNAL", "traceId": None}
    assert "resolver_failed" in log.getvalue()


async def test_a_refusal_that_was_wrapped_twice_is_found() -> None:
    wrapped = GraphQLError("x", original_error=GraphQLError("y", original_error=InvalidColour()))

    assert errors.formatted(wrapped, Locale.EN)["message"] == "The colour is not valid."


async def test_a_mistake_of_the_document_is_told_as_it_is() -> None:
    result = await SCHEMA.execute("{ works { deeper } }")

    [error] = result.errors or []
    assert errors.formatted(error, Locale.FA) == {
        "message": "Field 'works' must not have a selection since type 'String!' has no subfields.",
        "extensions": {"code": "BAD_REQUEST"},
        "locations": [{"line": 1, "column": 9}],
    }
