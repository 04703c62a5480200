"""Errors as clients see them: in their language, with a code and a hint; and nothing of what went wrong inside."""

import io
import json
import logging
from collections.abc import Iterator

import asyncpg
import pytest
import structlog

from backend.core import viewer
from backend.infra import db as database
from backend.infra import telemetry
from schema import errors
from tests.support import api as support
from tests.support import places
from tests.support.api import Api, codes

REFUSED = "{ stores(first: 0) { edges { cursor } } }"
LISTED = "{ stores { edges { cursor } } }"


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


def lines(log: io.StringIO) -> list[dict[str, object]]:
    """The application's lines; those of the test's own client are left out."""
    parsed = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in parsed if line["logger"] != "httpx"]


@pytest.mark.parametrize(
    ("accept_language", "message", "hint"),
    [
        (None, "در هر صفحه می‌توان ۱ تا ۱۰۰ مورد خواست.", "شمار موردهای صفحه"),
        ("fa-IR", "در هر صفحه می‌توان ۱ تا ۱۰۰ مورد خواست.", "شمار موردهای صفحه"),
        ("de, fr;q=0.5", "در هر صفحه می‌توان ۱ تا ۱۰۰ مورد خواست.", "شمار موردهای صفحه"),
        ("en", "A page has 1 to 100 items.", "Ask for a page"),
        ("de, en-US;q=0.2, fa;q=0.1", "A page has 1 to 100 items.", "Ask for a page"),
        ("en;q=x", "در هر صفحه می‌توان ۱ تا ۱۰۰ مورد خواست.", "شمار موردهای صفحه"),
    ],
)
async def test_a_refusal_says_what_and_what_next_in_the_client_s_language(
    bare: Api, accept_language: str | None, message: str, hint: str
) -> None:
    headers = {} if accept_language is None else {"accept_language": accept_language}

    [error] = (await bare.ask(REFUSED, None, **headers)).json()["errors"]

    assert error["message"] == message
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["hint"].startswith(hint)
    assert error["path"] == ["stores"]
    assert error["locations"] == [{"line": 1, "column": 3}]


async def test_a_refusal_is_no_event(bare: Api, log: io.StringIO) -> None:
    await bare.ask(REFUSED)

    assert [line["event"] for line in lines(log)] == ["http.request"]


@pytest.fixture
async def no_stores(db: None, database_url: str) -> None:
    """A table is gone, which only its owner can bring about."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("ALTER TABLE store RENAME TO gone")
    await connection.close()


async def test_an_unexpected_failure_is_masked_and_logged_once_under_its_trace_id(
    api: Api, log: io.StringIO, no_stores: None
) -> None:
    answer = await api.ask(LISTED)

    [error] = answer.json()["errors"]
    assert answer.status_code == 200
    assert answer.json()["data"] is None
    assert error["message"].startswith("خطایی در سامانه رخ داد.")
    assert error["extensions"] == {"code": "INTERNAL", "traceId": answer.headers["x-request-id"]}
    for inside in ("store s", "relation", "asyncpg", "SELECT", "Undefined", "Traceback"):
        assert inside not in answer.text
    failures = [line for line in lines(log) if line["level"] == "error"]
    assert [line["event"] for line in failures] == ["resolver_failed"]
    assert failures[0]["trace_id"] == answer.headers["x-request-id"]
    assert "UndefinedTableError" in str(failures[0]["exception"])


async def test_the_trace_id_is_the_caller_s_where_there_is_one(api: Api, no_stores: None) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    answer = await api.ask(LISTED, traceparent=f"00-{trace}-00f067aa0ba902b7-01")

    assert answer.json()["errors"][0]["extensions"]["traceId"] == trace


async def test_a_failure_speaks_english_to_those_who_ask(api: Api, no_stores: None) -> None:
    answer = await api.ask(LISTED, accept_language="en")

    assert answer.json()["errors"][0]["message"].startswith("Something went wrong on our side.")


async def test_broken_connections_are_unavailable_and_the_next_request_is_served(api: Api) -> None:
    await places.save(places.draft("s"))
    await api.ask(LISTED)
    async with database.acquire() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        )
        own = await connection.fetchval("SELECT pg_backend_pid()")
    with pytest.raises(database.DatabaseUnavailable):
        await database.execute("SELECT pg_terminate_backend($1)", own)

    answers = [await api.ask(LISTED) for _ in range(3)]

    for answer in answers:
        assert set(codes(answer)) <= {"UNAVAILABLE"}
    assert "errors" not in answers[-1].json()


async def test_without_a_database_everything_else_still_answers(api: Api) -> None:
    await database.close()

    failed = await api.ask(LISTED)
    answer = await api.ask("{ __typename }")

    assert codes(failed) == ["INTERNAL"]
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_two_failures_of_one_request_have_one_trace_id(api: Api, no_stores: None) -> None:
    document = f'{{ a: store(id: "{places.store_id(1)}") {{ id }} b: store(id: "{places.store_id(2)}") {{ id }} }}'

    answer = await api.ask(document)

    assert codes(answer) == ["INTERNAL", "INTERNAL"]
    assert {error["extensions"]["traceId"] for error in answer.json()["errors"]} == {
        answer.headers["x-request-id"]
    }


async def test_a_document_s_mistake_is_told_with_its_place(bare: Api) -> None:
    answer = await bare.ask("{\n  stores { nodes }\n}")

    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == errors.BadRequest.code
    assert error["locations"] == [{"line": 2, "column": 12}]


async def test_production_masks_alike(db: None, cache: None, no_stores: None) -> None:
    async with support.serving(support.production_settings(documents={"app": "any"})) as api:
        answer = await api.ask(LISTED)

    assert codes(answer) == ["INTERNAL"]
    assert "strict-transport-security" in answer.headers


def test_the_anonymous_viewer_has_no_permission() -> None:
    assert not viewer.ANONYMOUS.permissions
