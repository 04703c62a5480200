"""What limits, metrics, log and masking cost a request that is answered well: `python -m benchmarks.request_overhead`.

CPU time of this process, in microseconds, the least of several rounds. The budget of all together is 10 µs.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import orjson

from backend.infra import edge, sealing, tracing
from backend.infra.access_log import AccessLog
from backend.infra.allowances import MOST_UNASKED
from backend.infra.clients import Clients
from backend.infra.gate import Gate, open_gate
from backend.infra.health import Drain
from backend.infra.metrics import OK, Metrics
from backend.infra.request_limits import RequestLimits
from backend.settings import Settings
from schema import root
from schema.execution import trusted
from schema.execution.compilation import Compilation
from schema.execution.documents import Reader
from schema.execution.executor import Executor
from schema.execution.fast_path import FastPath
from schema.execution.policy import Limits
from schema.execution.trusted import DocumentStore
from schema.http import GraphQLEndpoint

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUDGET_MICROSECONDS = 10.0
ROUNDS = 7
TIMES = 50_000
MEMBERS = 200_000
NAME, VERSION = "bashgah-android", "1.2.0"
SCOPE: "Scope" = {"type": "http", "method": "POST", "path": "/graphql", "headers": []}


async def parts() -> AsyncIterator[tuple[str, Callable[[int], object]]]:
    """Each part by its name, as a function of a request's number, in its steady state."""
    sealing.configure(Settings().sealer())
    gate = open_gate(
        RequestLimits(account=10**9, address=10**9, client=10**9),
        client_names=(NAME,),
        operations=frozenset({"Home"}),
        access_log=AccessLog(everything=False),
    )
    client = gate.clients.of(NAME, VERSION)
    accounts = [f"member:{number}" for number in range(MEMBERS)]
    addresses = [f"10.0.{number >> 8}.{number & 255}" for number in range(4_096)]
    for address in addresses * (MOST_UNASKED + 1):  # then each has a lease, and so has the client
        await gate.enter(None, address, client)
    yield "which client", lambda _: gate.clients.of(NAME, VERSION)
    yield (
        "limit, who asks little",
        lambda number: gate.admit(accounts[number % MEMBERS], None, client),
    )
    yield "limit, who asks much", lambda number: gate.admit(None, addresses[number & 4_095], client)
    yield "metrics", lambda _: gate.observe("Home", client, 2, OK, 0.0004)
    yield "log of requests", lambda _: gate.access_log.finished("POST", "/graphql", 200, 0.0004)
    yield "spans, switched off", lambda _: tracing.request("POST", None)
    yield "trace id and its headers", lambda _: edge.trace_headers("0" * 32)


def microseconds(part: Callable[[int], object]) -> float:
    """What one call costs, without the loop around it."""
    return max(0.0, _least(part) - _least(lambda _: None))


def _least(part: Callable[[int], object]) -> float:
    found = []
    for start in range(0, ROUNDS * TIMES, TIMES):
        began = time.process_time_ns()
        for number in range(start, start + TIMES):
            part(number)
        found.append(time.process_time_ns() - began)
    return min(found) / TIMES / 1_000


async def masking() -> float:
    """What the layer that masks errors costs an answer without one."""

    async def answer(_scope: "Scope", _receive: "Receive", send: "Send") -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> "Message":
        return {"type": "http.request"}

    async def send(_message: "Message") -> None:
        pass

    masked = edge.ErrorMiddleware(answer)
    costs = []
    for app in (answer, masked):
        rounds = []
        for _ in range(ROUNDS):
            began = time.process_time_ns()
            for _ in range(TIMES):
                await app(SCOPE, receive, send)
            rounds.append(time.process_time_ns() - began)
        costs.append(min(rounds) / TIMES / 1_000)
    return max(0.0, costs[1] - costs[0])


class _NoMetrics(Metrics):
    """Counts nothing."""

    def count(self, *_arguments: object) -> None:
        """Nothing."""


class _NoLog(AccessLog):
    """Tells nothing."""

    def finished(self, *_arguments: object, **_more: object) -> None:
        """Nothing."""


def switched(*, limits: bool = True, metrics: bool = True, log: bool = True) -> "ASGIApp":
    """A whole server of `{ __typename }`, with the parts that are named."""
    schema, most = root.build(), Limits()
    core = schema._schema  # noqa: SLF001 - graphql-core's schema, which Strawberry keeps there
    reader = Reader(core, most, compilation=Compilation(schema))
    allowed = 10**9 if limits else 0
    gate = Gate(
        RequestLimits(account=allowed, address=allowed, client=allowed),
        clients=Clients((NAME,)),
        metrics=(Metrics if metrics else _NoMetrics)(frozenset({"Home"})),
        access_log=(AccessLog if log else _NoLog)(everything=False),
    )
    store = DocumentStore(reader, trusted.probes(reader), closed_to=frozenset())
    endpoint = GraphQLEndpoint(store, Executor(core, most), gate=gate)
    return FastPath(endpoint, endpoint, drain=Drain(), is_production=False)


async def whole_requests() -> dict[str, float]:
    """CPU µs of a whole request, in process, with everything on and with each part switched off; interleaved."""
    body = orjson.dumps({"query": trusted.PROBES[0]})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-client-name", NAME.encode()),
        (b"x-client-version", VERSION.encode()),
    ]
    scope: Scope = {**SCOPE, "headers": headers, "client": ("127.0.0.1", 1)}

    async def receive() -> "Message":
        return {"type": "http.request", "body": body}

    async def send(_message: "Message") -> None:
        pass

    apps = {
        "everything on": switched(),
        "limits off": switched(limits=False),
        "metrics off": switched(metrics=False),
        "log off": switched(log=False),
        "all three off": switched(limits=False, metrics=False, log=False),
    }
    found: dict[str, list[float]] = {name: [] for name in apps}
    for _ in range(ROUNDS):
        for name, app in apps.items():
            began = time.process_time_ns()
            for _ in range(TIMES):
                await app(scope, receive, send)
            found[name].append((time.process_time_ns() - began) / TIMES / 1_000)
    return {name: min(rounds) for name, rounds in found.items()}


async def main() -> int:
    """Print the tables; gives 1 where the budget is not kept."""
    costs = {name: microseconds(part) async for name, part in parts()}
    costs["masking"] = await masking()
    for name, cost in costs.items():
        print(f"{name:26} {cost:6.2f} µs")  # noqa: T201 - this is its output
    counted = sum(cost for name, cost in costs.items() if name != "limit, who asks little")
    print(f"{'together':26} {counted:6.2f} µs of {BUDGET_MICROSECONDS:.0f}")  # noqa: T201
    wholes = await whole_requests()
    print("\na whole request of { __typename }, without the sockets")  # noqa: T201
    for name, cost in wholes.items():
        saved = wholes["everything on"] - cost
        print(f"{name:26} {cost:6.2f} µs, {saved:5.2f} saved")  # noqa: T201
    return int(counted > BUDGET_MICROSECONDS)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
