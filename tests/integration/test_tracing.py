"""Spans of requests, operations and statements, as a collector receives them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from backend.infra import db, edge, health, telemetry, tracing
from backend.infra.tracing_otlp import OtlpTracer
from tests.support import collector as collectors
from tests.support.collector import Collector, attributes

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
PERSONAL = "0012345679"


async def home(_request: Request) -> Response:
    with tracing.operation("Home", "query"):
        await db.fetch("SELECT $1::text AS code", PERSONAL)
        async with db.transaction():
            await asyncio.create_task(db.execute("SELECT 2"))
    return PlainTextResponse(telemetry.trace_id() or "")


async def fail(_request: Request) -> Response:
    with tracing.operation("Broken", "query"):
        raise LookupError(PERSONAL)


@contextmanager
def collected(ratio: float = 1.0) -> Iterator[Collector]:
    """Spans of the block; they are there when it has ended."""
    with collectors.running() as collector:
        tracer = OtlpTracer(collector.url, ratio=ratio)
        tracing.configure(tracer)
        try:
            yield collector
        finally:
            tracing.configure(None)
            tracer.close()


async def get(path: str, **headers: str) -> httpx.Response:
    app = Starlette(
        routes=[Route("/home", home), Route("/fail", fail)],
        middleware=edge.layers(drain=health.Drain(), production=False),
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://club.test") as client:
        return await client.get(path, headers=headers)


@pytest.mark.usefixtures("db")
class TestSpans:
    async def test_a_request_its_operation_and_its_statements(self) -> None:
        with collected() as collector:
            response = await get("/home", traceparent=f"00-{TRACE}-{PARENT}-01")

        request = collector.named("GET")
        assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
        assert request.kind == Span.SpanKind.SPAN_KIND_SERVER
        assert attributes(request) == {"http.response.status_code": 200}
        (operation,) = collector.below(request)
        assert operation.name == "query Home"
        assert attributes(operation) == {
            "graphql.operation.name": "Home",
            "graphql.operation.type": "query",
        }
        statements = collector.below(operation)
        assert [attributes(each)["db.query.text"] for each in statements] == [
            "SELECT $1::text AS code",
            "SELECT 2",
        ]
        assert {each.name for each in statements} == {"SELECT"}
        assert response.text == TRACE
        assert response.headers["traceresponse"] == f"00-{TRACE}-{request.span_id.hex()}-01"

    async def test_no_value_of_a_variable_or_an_error_is_told(self) -> None:
        with collected() as collector:
            await get("/home")
            response = await get("/fail")

        assert response.status_code == 500
        broken = collector.named("query Broken")
        assert broken.status.code == Status.StatusCode.STATUS_CODE_ERROR
        assert broken.status.message == "LookupError"
        assert list(broken.events) == []
        assert PERSONAL.encode() not in collector.raw

    async def test_a_new_trace_has_the_id_that_the_log_and_the_answer_carry(self) -> None:
        with collected() as collector:
            response = await get("/home")

        assert {each.trace_id.hex() for each in collector.spans} == {response.text}
        assert response.headers["x-request-id"] == response.text

    @pytest.mark.parametrize(("ratio", "flags"), [(0.0, "01"), (1.0, "00")])
    async def test_what_is_left_out_is_left_out_whole(self, ratio: float, flags: str) -> None:
        """By the ratio, whatever the caller says; and by the caller."""
        with collected(ratio) as collector:
            response = await get("/home", traceparent=f"00-{TRACE}-{PARENT}-{flags}")

        assert response.status_code == 200
        assert collector.spans == []

    async def test_a_statement_for_several_is_linked_to_all_of_them(self) -> None:
        async def ask(name: str, spans: list[object]) -> None:
            with telemetry.bind_trace(name * 32), tracing.request(name, None):
                spans.append(tracing.present())

        with collected() as collector:
            spans: list[object] = []
            await asyncio.gather(ask("a", spans), ask("b", spans))
            with tracing.shared([None, *spans]):
                await db.fetch("SELECT 1")

        shared = collector.named("shared statement")
        assert [each.trace_id.hex() for each in shared.links] == ["a" * 32, "b" * 32]
        assert shared.parent_span_id == collector.named("a").span_id
        (statement,) = collector.below(shared)
        assert statement.name == "SELECT"

    async def test_what_happens_outside_any_request_makes_no_span(self) -> None:
        with collected() as collector:
            await db.fetch("SELECT 1")
            with tracing.operation("Home", "query"):
                pass

        assert collector.spans == []

    async def test_a_job_runs_in_the_trace_that_enqueued_it(self) -> None:
        with collected() as collector, telemetry.bind_trace(TRACE), tracing.job("access.send_code"):
            await db.fetch("SELECT 1")

        job = collector.named("job access.send_code")
        assert job.trace_id.hex() == TRACE
        assert [each.name for each in collector.below(job)] == ["SELECT"]


async def test_a_dead_collector_hinders_nobody() -> None:
    tracer = OtlpTracer("http://127.0.0.1:9")
    tracing.configure(tracer)
    try:
        with telemetry.bind_trace(TRACE), tracing.request("GET", None):
            pass
    finally:
        tracing.configure(None)
        await asyncio.to_thread(tracer.close)


async def test_off_it_is_nothing() -> None:
    with tracing.request("GET", None), tracing.operation("Home", "query"), tracing.shared([None]):
        tracing.note({"a": 1})

        assert tracing.present() is None
        assert tracing.tracer() is None
