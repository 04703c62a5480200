"""Limits on requests, what is counted of them, and what the log tells: as clients and operators see it."""

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import structlog

from backend.infra import cache as shared_cache
from backend.infra import telemetry, tracing
from backend.infra.allowances import WINDOW_SECONDS
from backend.infra.tracing_otlp import OtlpTracer
from tests.support import access, collector
from tests.support import api as support
from tests.support.api import Api, codes, operation, unlimited

PERSONAL = "0012345679"
QUESTION = "query Mine { __typename }"
FIRST_ONES = 11  # of a limit of ten, and one that passes unasked


@asynccontextmanager
async def serving(**changes: object) -> AsyncIterator[Api]:
    async with support.serving(unlimited(**{"cost_report": False, **changes})) as api:
        yield api


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log as it is written in production."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    telemetry.configure_logging(level="INFO", json=True, stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(log: io.StringIO, event: str) -> list[dict[str, object]]:
    parsed = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in parsed if line["event"] == event]


async def statuses(api: Api, times: int, document: str = QUESTION, **headers: str) -> list[int]:
    """The statuses of so many requests, one after the other."""
    return [(await api.ask(document, variables=None, **headers)).status_code for _ in range(times)]


async def bearer() -> str:
    """The header of a new member who has signed in."""
    issued = await access.signed_in(await access.new_member())
    return f"Bearer {issued.access_token}"


@pytest.mark.usefixtures("db", "cache")
class TestLimits:
    async def test_over_the_limit_is_429_with_a_time_to_come_again(self) -> None:
        async with serving(address_requests_per_minute=10) as api:
            assert await statuses(api, FIRST_ONES) == [200] * FIRST_ONES

            refused = await api.ask(QUESTION, accept_language="en")

            assert refused.status_code == 429
            seconds = int(refused.headers["retry-after"])
            assert WINDOW_SECONDS <= seconds <= 2 * WINDOW_SECONDS
            assert refused.json() == {
                "errors": [
                    {
                        "message": "There were too many requests.",
                        "extensions": {
                            "code": "RATE_LIMITED",
                            "hint": f"Try again after {seconds} s.",
                            "retryAfterSeconds": seconds,
                        },
                    }
                ]
            }

    async def test_old_clients_get_it_with_200(self) -> None:
        async with serving(address_requests_per_minute=10) as api:
            await statuses(api, FIRST_ONES)

            refused = await api.ask(QUESTION, accept="application/json")

            assert (refused.status_code, codes(refused)) == (200, ["RATE_LIMITED"])
            assert int(refused.headers["retry-after"]) >= WINDOW_SECONDS

    async def test_two_processes_share_a_limit(self) -> None:
        async with (
            serving(address_requests_per_minute=50) as one,
            serving(address_requests_per_minute=50) as other,
        ):
            found = [
                each for _ in range(50) for api in (one, other) for each in await statuses(api, 1)
            ]

        assert 50 <= found.count(200) <= 60  # five of each pass unasked
        assert found.count(429) == 100 - found.count(200)

    async def test_a_member_counts_for_themself_wherever_they_are(self) -> None:
        async with serving(account_requests_per_minute=10, address_requests_per_minute=10) as api:
            access.configure_keys()
            first, second = await bearer(), await bearer()

            assert (await statuses(api, 15, authorization=first)).count(200) == FIRST_ONES
            assert (await statuses(api, 15, authorization=second)).count(200) == FIRST_ONES
            assert (await statuses(api, 15)).count(200) == FIRST_ONES

    async def test_a_client_that_has_gone_wild_is_stopped_for_all_who_use_it(self) -> None:
        async with serving(client_requests_per_minute=10) as api:
            assert (await statuses(api, 15, x_client_name="bashgah-ios")).count(200) == FIRST_ONES
            assert await statuses(api, 5, x_client_name="bashgah-android") == [200] * 5

    @pytest.mark.parametrize(
        ("body", "headers", "status"),
        [
            (b"{", {}, 400),
            (b'{"query":"{ nothing }"}', {}, 400),
            (b'{"documentId":"sha256:' + b"0" * 64 + b'"}', {}, 400),
            (b'{"query":"{ __typename }"}', {"authorization": "Bearer stolen"}, 401),
            (b"", {"content_type": "text/plain"}, 415),
            (b'{"query":"{ __typename }"}', {"accept": "text/html"}, 406),
        ],
    )
    async def test_what_is_refused_before_it_is_known_who_asks_counts_for_the_address(
        self, body: bytes, headers: dict[str, str], status: int
    ) -> None:
        async with serving(address_requests_per_minute=10) as api:
            found = [(await api.post(body, **headers)).status_code for _ in range(15)]

            assert found == [status] * FIRST_ONES + [429] * 4
            assert (await api.ask(QUESTION)).status_code == 429

    async def test_without_a_cache_the_limits_hold_in_each_process(self) -> None:
        await shared_cache.close()
        async with serving(address_requests_per_minute=10) as api:
            assert (await statuses(api, 15)).count(200) == FIRST_ONES


@pytest.mark.usefixtures("db", "cache")
class TestFigures:
    async def test_what_was_asked_stands_at_metrics(self) -> None:
        async with serving(address_requests_per_minute=10) as api:
            named = {"x_client_name": "bashgah-android", "x_client_version": "1.0.0"}
            await api.ask(operation("StoreSearch"), {"first": 3}, **named)
            await api.ask("query Mine { me { id } }", x_client_name="somebody's own")
            await api.post(b"{")
            await statuses(api, 12)

            page = (await api.client.get("/metrics")).text.splitlines()

        counted = [line for line in page if line.startswith("bashgah_operations_total")]
        labels = 'client="{}",operation="{}",result="{}",tier="{}",version="{}"'
        tier = {line.split('tier="')[1][0] for line in counted if "StoreSearch" in line}.pop()
        me = {line.split('tier="')[1][0] for line in counted if "UNAUTHENTICATED" in line}.pop()
        none = {
            line.split('tier="')[1][0]
            for line in counted
            if 'client="none"' in line and '"ok"' in line
        }.pop()
        assert tier in "1234"
        assert set(counted) == {
            f"bashgah_operations_total{{{labels.format(*values)}}} {count}"
            for values, count in [
                (("bashgah-android", "StoreSearch", "ok", tier, "1.0.0"), 1.0),
                (("other", "other", "UNAUTHENTICATED", me, "none"), 1.0),
                (("none", "other", "BAD_REQUEST", "0", "none"), 1.0),
                (("none", "other", "ok", none, "none"), 8.0),
                (("none", "other", "RATE_LIMITED", "0", "none"), 4.0),
            ]
        }
        assert set(page) >= {
            'bashgah_rate_limit_refusals_total{limit="address"} 4.0',
            'bashgah_http_responses_total{status="429"} 4.0',
            "bashgah_database_connections_max 10.0",
        }
        statements = [line for line in page if line.startswith("bashgah_database_statements_total")]
        assert float(statements[0].split()[1]) > 0

    async def test_it_is_not_there_for_others(self) -> None:
        async with serving(metrics_networks=("10.1.0.0/16",)) as api:
            assert (await api.client.get("/metrics")).status_code == 404
        async with support.serving(support.production_settings()) as api:
            assert (await api.client.get("/metrics")).status_code == 404


@pytest.mark.usefixtures("db", "cache")
class TestLog:
    async def test_a_slow_operation_is_told_without_its_variables(self, log: io.StringIO) -> None:
        async with serving(slow_milliseconds=1, access_log="notable") as api:
            await api.ask(
                "query Slow($text: String) { stores(search: $text, first: 3) { edges { node { id } } } }",
                {"text": PERSONAL},
            )

        (line,) = lines(log, "operation.slow")
        assert (line["operation"], line["document_id"]) == ("Slow", None)
        assert line["tier"] in {1, 2, 3, 4}
        assert isinstance(line["milliseconds"], float)
        assert line["statements"] in {0, 1, 2, 3}
        assert PERSONAL not in log.getvalue()

    async def test_only_what_is_notable_leaves_a_line(self, log: io.StringIO) -> None:
        async with serving(access_log="notable", slow_milliseconds=600_000) as api:
            await api.ask(QUESTION)
            await api.ask("{ me { id } }")
            await api.ask("{ me { id } }", accept="application/json")
            await api.post(b"{")

        shown = [(each["status"], each["refused_with"]) for each in lines(log, "http.request")]
        assert shown == [
            (200, "UNAUTHENTICATED"),
            (200, "UNAUTHENTICATED"),
            (400, "BAD_REQUEST"),
        ]

    async def test_every_request_leaves_one_where_that_is_wanted(self, log: io.StringIO) -> None:
        async with serving(access_log="all") as api:
            await statuses(api, 3)

        assert [each["status"] for each in lines(log, "http.request")] == [200] * 3


async def test_the_spans_of_a_request_name_its_operation(db: None, cache: None) -> None:
    del db, cache
    with collector.running() as received:
        tracer = OtlpTracer(received.url)
        tracing.configure(tracer)
        try:
            async with serving() as api:
                response = await api.ask(operation("StoreSearch"), {"first": 3})
        finally:
            tracing.configure(None)
            tracer.close()

    request = received.named("POST")
    (found,) = received.below(request)
    assert request.trace_id.hex() == response.headers["x-request-id"]
    assert found.name == "query StoreSearch"
    assert [each.name for each in received.below(found)] != []
