"""Which requests take the short way, which go to the application behind it, and what that is told of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from unittest.mock import Mock

import httpx
import orjson
import pytest
import strawberry
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.core.errors import Unavailable
from backend.infra import db_connection, health, sealing
from backend.infra.access_log import AccessLog
from backend.infra.edge import TraceMiddleware
from backend.infra.gate import Gate, open_gate
from backend.infra.request_limits import RequestLimits
from backend.settings import Settings
from schema import root
from schema.execution.compilation import Compilation
from schema.execution.documents import Reader
from schema.execution.executor import Executor
from schema.execution.fast_path import FastPath
from schema.execution.policy import Audience, Limits
from schema.execution.trusted import DocumentStore
from schema.http import TRIED, GraphQLEndpoint
from schema.negotiation import GRAPHQL_RESPONSE, JSON

called: list[str] = []


@strawberry.type
class Query:
    """What goes well, and what does not."""

    @strawberry.field
    def well(self, word: str = "well") -> str:
        called.append("well")
        return word

    @strawberry.field
    def broken(self) -> str:
        called.append("broken")
        raise LookupError

    @strawberry.field
    def away(self) -> str | None:
        called.append("away")
        raise Unavailable(retry_after_seconds=7)

    @strawberry.field
    async def stuck(self) -> str | None:
        called.append("stuck")
        await asyncio.Event().wait()
        return None

    @strawberry.field
    async def stuck_when_asked_again(self) -> str:
        called.append("again")
        await asyncio.sleep(0.15)
        if called.count("again") == 1:
            raise LookupError
        await asyncio.Event().wait()
        return ""

    @strawberry.field
    async def sending(self) -> str:
        for counted in db_connection.sent.get():
            counted.append("SELECT 1")
        return "sent"


@strawberry.type
class Mutation:
    """Nothing of it is compiled."""

    @strawberry.mutation
    def change(self) -> bool:
        return True


SCHEMA = root.Schema(query=Query, mutation=Mutation)


@dataclass(slots=True)
class Behind:
    """The application behind the short way; remembers what came to it."""

    endpoint: GraphQLEndpoint
    app: ASGIApp = field(init=False)
    scopes: list[Scope] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = TraceMiddleware(self.endpoint, access_log=self.endpoint.gate.access_log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        await self.app(scope, receive, send)


@dataclass(slots=True)
class Service:
    """The short way with the application behind it, and a client."""

    behind: Behind
    path: FastPath
    origin: str = "http://club.test"

    async def ask(self, text: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = named.pop("body", None)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.path), base_url=self.origin
        ) as http:
            return await http.post(
                "/graphql",
                content=orjson.dumps({"query": text}) if body is None else body,
                headers={"content-type": JSON, "accept": GRAPHQL_RESPONSE, **named},
            )

    @property
    def was_left(self) -> bool:
        return bool(self.behind.scopes)


def service(
    limits: Limits | None = None,
    *,
    gate: Gate | None = None,
    closed_to: frozenset[Audience] = frozenset(),
    max_body_bytes: int = 65_536,
    serves_other_sites: bool = False,
) -> Service:
    called.clear()
    core, limits = SCHEMA._schema, limits or Limits()
    reader = Reader(core, limits, compilation=Compilation(SCHEMA, {}))
    endpoint = GraphQLEndpoint(
        DocumentStore(reader, [], closed_to=closed_to),
        Executor(core, limits),
        gate=gate or open_gate(),
    )
    behind = Behind(endpoint)
    path = FastPath(
        behind,
        endpoint,
        drain=health.Drain(),
        is_production=False,
        max_body_bytes=max_body_bytes,
        serves_other_sites=serves_other_sites,
    )
    return Service(behind, path)


def code(answer: httpx.Response) -> str:
    [error] = answer.json()["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("{ well }", {}),
        ("{ well }", {"accept": JSON}),
        ("{ well }", {"content_type": "application/json; charset=utf-8"}),
        ("{ well }", {"accept_language": "en", "x_client_name": "bashgah-android"}),
        ("query A { well } query B { broken }", {"body": '{"query":"{ well }"}'}),
    ],
)
async def test_what_is_usual_takes_the_short_way(text: str, headers: Mapping[str, str]) -> None:
    served = service()
    answer = await served.ask(text, **headers)

    assert (answer.status_code, answer.json()) == (200, {"data": {"well": "well"}})
    assert not served.was_left
    assert called == ["well"]


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("mutation { change }", {}),
        ("{ __schema { queryType { name } } }", {}),
        ("{ nothing }", {}),
        ("{ well", {}),
        ("{ well }", {"origin": "https://other.test"}),
        ("{ well }", {"content_encoding": "gzip"}),
        ("{ well }", {"content_type": "text/plain"}),
        ("{ well }", {"accept": "text/html"}),
        ("{ well }", {"authorization": "Basic abc"}),
        ("{ broken }", {}),
        ("{ away }", {}),
        ("", {"body": "[]"}),
        (f'{{ well(word: "{"x" * 66_000}") }}', {}),
    ],
)
async def test_everything_else_goes_to_the_application(
    text: str, headers: Mapping[str, str]
) -> None:
    served = service()
    await served.ask(text, **headers)

    assert len(served.behind.scopes) == 1


async def test_what_compiled_code_leaves_is_run_once_more_and_not_twice() -> None:
    served = service()
    answer = await served.ask("{ broken }")

    assert code(answer) == "INTERNAL"
    assert called == ["broken", "broken"]  # compiled, and by graphql-core
    [kept] = served.behind.endpoint.documents.kept.documents.values()
    compiled = kept.operation(None).compiled
    assert compiled is not None
    assert compiled.fallbacks == {"LookupError": 1}


async def test_what_is_away_is_told_at_once() -> None:
    served = service()
    answer = await served.ask("{ away }")

    assert (answer.status_code, code(answer)) == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "7"
    assert called == ["away"]


async def test_a_query_that_takes_too_long_is_begun_once() -> None:
    served = service(Limits(seconds=0.05))
    answer = await served.ask("{ stuck }")

    assert (answer.status_code, code(answer)) == (503, "UNAVAILABLE")
    assert called == ["stuck"]


async def test_both_ways_together_have_one_deadline() -> None:
    served = service(Limits(seconds=0.2))
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = await served.ask("{ stuckWhenAskedAgain }")

    tried = served.behind.scopes[0][TRIED]
    assert code(answer) == "UNAVAILABLE"
    assert called == ["again", "again"]
    assert began + 0.2 <= tried.deadline <= began + 0.3


async def test_an_answer_that_is_too_large_is_made_once() -> None:
    served = service(Limits(answer_bytes=30))
    answer = await served.ask(f'{{ well(word: "{"x" * 30}") }}')

    assert code(answer) == "COST_LIMIT"
    assert called == ["well"]


async def test_a_refusal_at_the_limit_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sealing.configure(Settings().sealer())
    gate = open_gate(RequestLimits(account=0, address=1, client=0))
    admit = Mock(wraps=gate.admit)
    monkeypatch.setattr(gate, "admit", admit)
    served = service(gate=gate)
    answers = [await served.ask("{ well }") for _ in range(9)]

    refused = [each for each in answers if each.status_code == 429]
    assert len(refused) == len(served.behind.scopes) == 9 - len(called) > 0
    assert int(refused[0].headers["retry-after"]) >= 1
    assert admit.call_count == 9


async def test_a_smaller_limit_on_bodies_holds_here_too() -> None:
    served = service(max_body_bytes=1_024)
    await served.ask(f'{{ well(word: "{"x" * 1_024}") }}')

    assert served.was_left


async def test_whose_documents_are_closed_is_told_by_the_clients_name() -> None:
    served = service(closed_to=frozenset({Audience.CONSOLE}))
    console = await served.ask("{ well }", x_client_name="bashgah-console")
    assert code(console) == "DOCUMENT_NOT_FOUND"
    unnamed = await served.ask(
        "{ well }", x_client_name="", apollographql_client_name="bashgah-console"
    )

    assert code(unnamed) == "DOCUMENT_NOT_FOUND"
    assert called == []


async def test_a_trace_has_one_id_on_both_ways() -> None:
    served = service()
    answer = await served.ask("{ broken }")

    trace_id = answer.headers["x-request-id"]
    assert served.behind.scopes[0]["bashgah.trace_id"] == trace_id


async def test_the_headers_are_those_of_the_application() -> None:
    served = service(serves_other_sites=True)
    served.origin = "https://club.test"
    answer = await served.ask("{ well }")

    assert answer.headers.get_list("vary") == ["accept, accept-language", "origin"]
    assert "strict-transport-security" in answer.headers
    assert not served.was_left


async def test_a_mistake_of_the_program_is_left_to_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = service()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(FastPath, "_ask", fail)
    answer = await served.ask("{ well }")

    assert answer.json() == {"data": {"well": "well"}}
    assert served.was_left


async def test_who_goes_away_leaves_a_line() -> None:
    log = AccessLog()
    served = service(gate=open_gate(access_log=log))
    asking = asyncio.create_task(served.ask("{ stuck }"))
    while not called:  # noqa: ASYNC110 - the resolver can't tell
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert dict(log.statuses) == {499: 1}


async def test_a_slow_operation_is_told_with_its_statements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = AccessLog(slow_seconds=0.0)
    told: list[object] = []
    monkeypatch.setattr(
        AccessLog, "slow_operation", lambda *_, **data: told.append(data["statements"])
    )
    served = service(gate=open_gate(access_log=log))
    await served.ask("{ sending }")

    assert not served.was_left
    assert told == [1]
