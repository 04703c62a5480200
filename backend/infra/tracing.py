"""Spans of requests, operations and SQL statements; off unless a process sets a tracer, and then nothing but a test.

No span holds a variable, an argument of a statement, or the text of an exception. What sends spans is
`tracing_otlp.py`, which is loaded only where a collector is set.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_SQL_CHARACTERS: Final = 2_000

_NOTHING: Final = nullcontext()


class Parent(NamedTuple):
    """The caller's span, from its `traceparent`: identifiers in hexadecimal digits."""

    trace_id: str
    span_id: str
    is_sampled: bool


class Tracer(Protocol):
    """Makes spans; what is made within a block of one, in any task begun there, is its child."""

    def request(self, name: str, parent: Parent | None) -> AbstractContextManager[None]:
        """The span of a request that came in, in the trace that is bound (`telemetry.bind_trace`)."""

    def span(
        self, name: str, attributes: Mapping[str, str | int], *, is_call: bool = False
    ) -> AbstractContextManager[None]:
        """A span below the present one, none outside any; `is_call` where another server is asked."""

    def shared(self, name: str, askers: Sequence[object]) -> AbstractContextManager[None]:
        """The span of what is done for several, below the first and linked to all (see `present`)."""

    def note(self, attributes: Mapping[str, str | int]) -> None:
        """Add to the present span."""

    def present(self) -> object:
        """The present span, for `shared`."""

    def traceresponse(self) -> str | None:
        """The present span as W3C writes it; None outside any."""

    def close(self) -> None:
        """Send what waits, and end. Blocks, for a few seconds at the most."""


class _State:
    tracer: Tracer | None = None


def configure(tracer: Tracer | None) -> None:
    """Make spans by this tracer from now on; None for no spans."""
    _State.tracer = tracer


def tracer() -> Tracer | None:
    """The tracer of this process, where spans are on."""
    return _State.tracer


def request(name: str, parent: Parent | None) -> AbstractContextManager[None]:
    """The span of a request, where spans are on."""
    found = _State.tracer
    return _NOTHING if found is None else found.request(name, parent)


def operation(name: str | None, kind: str) -> AbstractContextManager[None]:
    """The span of a GraphQL operation, where spans are on; `kind` is query, mutation or subscription."""
    found = _State.tracer
    if found is None:
        return _NOTHING
    attributes = {"graphql.operation.type": kind, "graphql.operation.name": name or ""}
    return found.span(f"{kind} {name}" if name else kind, attributes)


def statement(sql: str) -> AbstractContextManager[None]:
    """The span of an SQL statement, where spans are on; the text has places for its arguments."""
    found = _State.tracer
    return _NOTHING if found is None else found.span(_verb(sql), _of_sql(sql), is_call=True)


def shared(askers: Sequence[object]) -> AbstractContextManager[None]:
    """The span of a statement that answers several requests, given the `present` spans of them."""
    found = _State.tracer
    return _NOTHING if found is None else found.shared("shared statement", askers)


def job(name: str) -> AbstractContextManager[None]:
    """The span of a job's run, in the trace of the request that enqueued it, where spans are on."""
    found = _State.tracer
    return _NOTHING if found is None else found.request(f"job {name}", None)


def note(attributes: Mapping[str, str | int]) -> None:
    """Add to the present span, where spans are on."""
    if _State.tracer is not None:
        _State.tracer.note(attributes)


def present() -> object | None:
    """The present span, for `shared`."""
    return None if _State.tracer is None else _State.tracer.present()


def _verb(sql: str) -> str:
    return (sql.split(None, 1) or ("SQL",))[0].upper()


def _of_sql(sql: str) -> Mapping[str, str | int]:
    return {"db.system.name": "postgresql", "db.query.text": sql[:MAX_SQL_CHARACTERS]}
