"""The outermost layers of a request, in process and (for streams and sockets) behind uvicorn."""

import asyncio
import contextlib
import io
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.infra import body_limit, edge, health, telemetry

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
LIMIT = 1_000
PERSONAL = "national code 0012345679"


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def traced(_request: Request) -> Response:
    return PlainTextResponse(telemetry.trace_id() or "none")


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def unread(_request: Request) -> Response:
    return PlainTextResponse("did not look")


async def fail(_request: Request) -> Response:
    raise LookupError(PERSONAL)


async def fail_midway(_request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        raise LookupError(PERSONAL)

    return StreamingResponse(parts())


async def own_headers(_request: Request) -> Response:
    return PlainTextResponse(
        "page",
        headers={
            "Content-Security-Policy": "default-src 'self'",
            "Cache-Control": "public, max-age=60",
        },
    )


async def data(_request: Request) -> Response:
    return Response(b"{}", media_type="application/json")


ROUTES = [
    Route("/", hello),
    Route("/traced", traced),
    Route("/echo", echo, methods=["POST"]),
    Route("/unread", unread, methods=["POST"]),
    Route("/fail", fail),
    Route("/fail-midway", fail_midway),
    Route("/own", own_headers),
    Route("/data", data),
]


@pytest.fixture
def drain() -> health.Drain:
    return health.Drain()


@pytest.fixture
def app(drain: health.Drain) -> ASGIApp:
    return guarded(drain)


def guarded(drain: health.Drain, *routes: Route, production: bool = False) -> ASGIApp:
    layers = edge.layers(drain=drain, production=production, max_body_bytes=LIMIT)
    return Starlette(routes=[*ROUTES, *routes], middleware=layers)


def client_of(app: ASGIApp, url: str = "http://club.test") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=url)


@pytest.fixture
async def client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


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


def error_of(response: httpx.Response) -> tuple[str, str]:
    """The code and message of the one error that the answer holds."""
    body = response.json()
    assert set(body) == {"errors"}
    [error] = body["errors"]
    assert error["extensions"]["traceId"] == response.headers["x-request-id"]
    return error["extensions"]["code"], error["message"]


class TestTrace:
    async def test_the_callers_trace_is_bound_and_given_back(
        self, client: httpx.AsyncClient
    ) -> None:
        response = await client.get("/traced", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        assert response.text == TRACE
        assert response.headers["x-request-id"] == TRACE
        assert "traceresponse" not in response.headers  # no span is made that it could name

    async def test_a_later_version_with_more_parts_is_understood(
        self, client: httpx.AsyncClient
    ) -> None:
        header = {"traceparent": f"cc-{TRACE}-{PARENT}-01-what-the-future-brings"}
        assert (await client.get("/traced", headers=header)).text == TRACE

    @pytest.mark.parametrize(
        "traceparent",
        [
            "",
            TRACE,
            f"ff-{TRACE}-{PARENT}-01",
            f"00-{TRACE}-{PARENT}-01-more",
            f"00-{TRACE.upper()}-{PARENT}-01",
            f"00-{'0' * 32}-{PARENT}-01",
            f"00-{TRACE}-{'0' * 16}-01",
            f"00-{TRACE}-{PARENT}",
            f"00-{TRACE}-{PARENT}-01\t\tx",
        ],
    )
    async def test_a_malformed_traceparent_is_replaced(
        self, client: httpx.AsyncClient, traceparent: str
    ) -> None:
        response = await client.get("/traced", headers={"traceparent": traceparent})
        assert response.text != TRACE
        assert re.fullmatch("[0-9a-f]{32}", response.text)
        assert response.headers["x-request-id"] == response.text

    async def test_two_traceparents_are_as_good_as_none(self, client: httpx.AsyncClient) -> None:
        header = ("traceparent", f"00-{TRACE}-{PARENT}-01")
        assert (await client.get("/traced", headers=[header, header])).text != TRACE

    async def test_a_request_is_logged_once_without_its_query(
        self, log: io.StringIO, client: httpx.AsyncClient
    ) -> None:
        header = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        await client.get("/traced?mobile=09121234567", headers=header)
        [line] = lines(log, "http.request")
        assert {key: line[key] for key in ("method", "path", "status", "trace_id")} == {
            "method": "GET",
            "path": "/traced",
            "status": 200,
            "trace_id": TRACE,
        }
        assert isinstance(line["milliseconds"], float)
        assert "0912" not in log.getvalue()

    async def test_a_request_that_is_cancelled_is_logged_as_499(self, log: io.StringIO) -> None:
        started = asyncio.Event()

        async def hang(_request: Request) -> Response:
            started.set()
            await asyncio.Event().wait()
            return Response()

        async with client_of(guarded(health.Drain(), Route("/hang", hang))) as client:
            request = asyncio.create_task(client.get("/hang"))
            await started.wait()
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
        assert [line["status"] for line in lines(log, "http.request")] == [499]


class TestSecurityHeaders:
    async def test_an_answer_gets_the_strict_headers(self, client: httpx.AsyncClient) -> None:
        headers = (await client.get("/")).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert headers["cache-control"] == "no-store"

    async def test_data_get_those_that_are_about_data(self, client: httpx.AsyncClient) -> None:
        headers = (await client.get("/data")).headers
        assert headers["content-type"].startswith("application/json")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "permissions-policy" not in headers

    async def test_what_the_answer_sets_itself_stays(self, client: httpx.AsyncClient) -> None:
        headers = (await client.get("/own")).headers
        assert headers.get_list("content-security-policy") == ["default-src 'self'"]
        assert headers.get_list("cache-control") == ["public, max-age=60"]
        assert headers["x-frame-options"] == "DENY"

    @pytest.mark.parametrize(
        ("scheme", "production", "expected"),
        [("http", False, False), ("https", False, True), ("http", True, True)],
    )
    async def test_hsts_is_for_https_and_production(
        self, drain: health.Drain, scheme: str, production: bool, expected: bool
    ) -> None:
        app = guarded(drain, production=production)
        async with client_of(app, f"{scheme}://club.test") as client:
            assert ("strict-transport-security" in (await client.get("/")).headers) is expected

    @pytest.mark.parametrize("path", ["/fail", "/nowhere"])
    async def test_refusals_have_them_too(self, client: httpx.AsyncClient, path: str) -> None:
        assert (await client.get(path)).headers["x-content-type-options"] == "nosniff"


class TestErrors:
    async def test_an_exception_is_answered_in_persian_and_shows_nothing(
        self, client: httpx.AsyncClient
    ) -> None:
        response = await client.get("/fail")
        assert response.status_code == 500
        assert error_of(response) == (
            "INTERNAL",
            "خطایی در سامانه رخ داد. اگر تکرار شد، شناسهٔ پیگیری را به پشتیبانی بدهید.",
        )
        assert "خطایی" in response.text  # not escaped
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        assert response.headers["content-language"] == "fa"
        assert PERSONAL not in response.text

    async def test_it_is_answered_in_english_to_who_asks_for_it(
        self, client: httpx.AsyncClient
    ) -> None:
        response = await client.get("/fail", headers={"accept-language": "fa;q=0.5, en"})
        assert error_of(response) == (
            "INTERNAL",
            "Something went wrong here. If it happens again, give the trace id to support.",
        )

    async def test_it_is_logged_once_with_its_traceback(
        self, log: io.StringIO, client: httpx.AsyncClient
    ) -> None:
        response = await client.get("/fail")
        [line] = lines(log, "http.failed")
        assert line["error"] == "LookupError"
        assert line["trace_id"] == response.headers["x-request-id"]
        assert "in fail" in str(line["exception"])
        assert log.getvalue().count("Traceback") == 1
        assert [line["status"] for line in lines(log, "http.request")] == [500]


class TestBodyLimit:
    async def test_a_body_of_the_limit_passes(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/echo", content=b"x" * LIMIT)).text == "1000"

    async def test_a_larger_body_is_refused_by_its_length(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/unread", content=b"x" * (LIMIT + 1))
        assert response.status_code == 413
        assert error_of(response) == (
            "BAD_REQUEST",
            "بدنهٔ درخواست بزرگ‌تر از اندازهٔ مجاز است.",
        )

    @pytest.mark.parametrize("length", ["-1", "+5", "abc", "", "1e3", "5, 5", "٥", "9" * 19])
    async def test_a_length_that_is_no_number_is_refused(
        self, client: httpx.AsyncClient, length: str
    ) -> None:
        headers = [(b"content-length", length.encode())]
        response = await client.post("/unread", headers=headers, content=b"12345")
        assert response.status_code == 400
        assert error_of(response)[0] == "BAD_REQUEST"

    async def test_two_lengths_are_refused(self, client: httpx.AsyncClient) -> None:
        headers = [("content-length", "5"), ("content-length", "5")]
        response = await client.post("/unread", headers=headers, content=b"12345")
        assert response.status_code == 400

    async def test_a_stream_of_the_limit_passes(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/echo", content=chunks(LIMIT // 100))).text == "1000"

    async def test_a_larger_stream_is_refused_where_it_grows_too_large(
        self, client: httpx.AsyncClient
    ) -> None:
        response = await client.post("/echo", content=chunks(LIMIT // 100 + 1))
        assert response.status_code == 413
        assert error_of(response)[0] == "BAD_REQUEST"

    async def test_what_the_application_makes_of_a_cut_body_is_dropped(self) -> None:
        async def careless(_scope: Scope, receive: Receive, send: Send) -> None:
            while (await receive()).get("more_body"):
                pass
            await Response("all well")(_scope, receive, send)

        app = body_limit.BodyLimitMiddleware(careless, max_body_bytes=LIMIT)
        async with client_of(app) as client:
            assert (await client.post("/", content=chunks(20))).status_code == 413


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 100


class TestHealth:
    async def test_healthz_is_ok(self) -> None:
        app = Starlette(routes=[Route("/healthz", health.healthz)])
        async with client_of(app) as client:
            response = await client.get("/healthz")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})

    async def test_readyz_is_ok_when_all_checks_are(self, drain: health.Drain) -> None:
        response = await ready(drain, database=well, cache=well)
        assert response.status_code == 200
        assert response.json() == {"status": "ok", "checks": {"database": "ok", "cache": "ok"}}

    async def test_readyz_names_the_class_of_a_failure_and_not_its_message(
        self, drain: health.Drain
    ) -> None:
        response = await ready(drain, database=broken, cache=well)
        assert response.status_code == 503
        assert response.json() == {
            "status": "unavailable",
            "checks": {"database": "ConnectionError", "cache": "ok"},
        }

    async def test_readyz_waits_a_second_at_most_for_all_checks_together(
        self, drain: health.Drain
    ) -> None:
        seconds = float("inf")
        for _ in range(
            5
        ):  # a busy machine may be late, one check after the other is late every time
            started = time.monotonic()
            response = await ready(drain, database=hanging, cache=hanging)
            seconds = min(seconds, time.monotonic() - started)
            assert response.json()["checks"] == dict.fromkeys(("database", "cache"), "TimeoutError")
            if seconds < 1.8:
                break
        assert 1.0 <= seconds < 1.8

    async def test_readyz_is_not_ok_once_draining_began(self, drain: health.Drain) -> None:
        drain.begin()
        response = await ready(drain, database=well)
        assert (response.status_code, response.json()) == (
            503,
            {"status": "draining", "checks": {}},
        )


async def well() -> None:
    return


async def broken() -> None:
    raise ConnectionError(PERSONAL)


async def hanging() -> None:
    await asyncio.Event().wait()


async def ready(drain: health.Drain, **checks: health.Check) -> httpx.Response:
    app = Starlette(routes=[Route("/readyz", health.readyz(checks, drain=drain))])
    async with client_of(app) as client:
        return await client.get("/readyz")


class TestDrain:
    async def test_after_refuse_new_requests_get_503_and_health_still_answers(
        self, drain: health.Drain
    ) -> None:
        app = guarded(drain, Route("/healthz", health.healthz))
        drain.refuse()
        async with client_of(app) as client:
            response = await client.get("/", headers={"accept-language": "en"})
            assert response.status_code == 503
            assert response.json()["errors"][0]["extensions"]["retryAfterSeconds"] == 5
            assert response.headers["retry-after"] == "5"
            assert error_of(response) == (
                "UNAVAILABLE",
                "This service is not available now, and nothing was changed.",
            )
            assert (await client.get("/healthz")).status_code == 200

    async def test_a_request_that_fails_is_no_longer_in_flight(
        self, drain: health.Drain, client: httpx.AsyncClient
    ) -> None:
        await client.get("/fail")
        assert drain.in_flight == 0
        assert await drain.wait_idle(timeout_seconds=0)

    async def test_waiting_ends_with_its_time_out(self, drain: health.Drain) -> None:
        with drain.counted():
            assert not await drain.wait_idle(timeout_seconds=0.01)


@contextlib.asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[int]:
    """A real uvicorn on a free port of this machine; gives the port."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await server.shutdown()


async def talk(port: int, *parts: bytes) -> bytes:
    """Send raw bytes and return all that comes back until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return answer


class TestBehindUvicorn:
    async def test_a_length_above_the_limit_is_refused_before_the_body_comes(
        self, app: ASGIApp
    ) -> None:
        async with served(app) as port:
            answer = await talk(
                port, b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n"
            )
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer
        assert b'"code":"BAD_REQUEST"' in answer

    async def test_an_endless_stream_is_refused_when_it_passes_the_limit(
        self, app: ASGIApp
    ) -> None:
        head = b"POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        chunk = b"64\r\n" + b"x" * 100 + b"\r\n"
        async with served(app) as port:
            answer = await talk(port, head, *[chunk] * 11)
        assert answer.startswith(b"HTTP/1.1 413 ")

    async def test_an_answer_that_breaks_midway_is_cut_and_not_ended(
        self, app: ASGIApp, log: io.StringIO
    ) -> None:
        async with served(app) as port, httpx.AsyncClient() as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(f"http://127.0.0.1:{port}/fail-midway")
        assert len(lines(log, "http.failed")) == 1

    async def test_while_it_drains_a_request_in_flight_finishes(self, drain: health.Drain) -> None:
        started, released = asyncio.Event(), asyncio.Event()

        async def slow(_request: Request) -> Response:
            started.set()
            await released.wait()
            return PlainTextResponse("done")

        readyz = health.readyz({}, drain=drain)
        app = guarded(drain, Route("/slow", slow), Route("/readyz", readyz))
        async with served(app) as port, httpx.AsyncClient() as client:
            url = f"http://127.0.0.1:{port}"
            request = asyncio.create_task(client.get(f"{url}/slow"))
            await started.wait()
            drain.begin()
            assert (await client.get(f"{url}/readyz")).status_code == 503
            assert drain.in_flight == 1
            waiting = asyncio.create_task(drain.wait_idle(timeout_seconds=5))
            released.set()
            assert await waiting
            response = await request
        assert (response.status_code, response.text) == (200, "done")
        assert response.headers["connection"] == "close"


async def test_all_layers_together_cost_few_microseconds(drain: health.Drain) -> None:
    async def bare(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app: ASGIApp = bare
    for layer in reversed(edge.layers(drain=drain, production=True)):
        app = layer.cls(app, *layer.args, **layer.kwargs)
    assert await cheapest(app) - await cheapest(bare) < 200e-6  # a bound, not a benchmark


async def cheapest(app: ASGIApp) -> float:
    """Return the shortest time of many requests, in seconds."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "scheme": "https",
        "http_version": "1.1",
        "headers": [(b"content-length", b"10")],
    }

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(_message: Message) -> None:
        return

    best = float("inf")
    for _ in range(300):
        started = time.perf_counter()
        await app(scope, receive, send)
        best = min(best, time.perf_counter() - started)
    return best
