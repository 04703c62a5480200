"""Sends spans to a collector by OTLP over HTTP, with OpenTelemetry's SDK. Loading it takes half a second.

Headers for the collector come from OTEL_EXPORTER_OTLP_HEADERS, which the SDK reads itself.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from backend.infra import telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.context import Context

    from backend.infra.tracing import Parent

EXPORT_SECONDS: Final = 5
SERVICE_NAME: Final = "bashgah"

_HEX: Final = 16


class _BoundTraceIds(RandomIdGenerator):
    """New traces get the id that the log lines of the request carry."""

    def generate_trace_id(self) -> int:
        bound = telemetry.trace_id()
        return super().generate_trace_id() if bound is None else int(bound, _HEX)


class OtlpTracer:
    """The tracer of `tracing.py` for a collector at `endpoint`, such as `http://127.0.0.1:4318`."""

    def __init__(self, endpoint: str, *, ratio: float = 1.0) -> None:
        """`ratio` of all traces are sent; a caller can leave its own out, and not force one in."""
        by_ratio = TraceIdRatioBased(ratio)
        self._provider = TracerProvider(
            sampler=ParentBased(by_ratio, remote_parent_sampled=by_ratio),
            resource=Resource.create({"service.name": SERVICE_NAME}),
            id_generator=_BoundTraceIds(),
        )
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("bashgah")

    @contextmanager
    def request(self, name: str, parent: Parent | None) -> Iterator[None]:
        """The span of a request that came in."""
        context = None if parent is None else _remote(parent)
        with self._span(name, {}, kind=SpanKind.SERVER, context=context):
            yield

    @contextmanager
    def span(
        self, name: str, attributes: Mapping[str, str | int], *, is_call: bool = False
    ) -> Iterator[None]:
        """A span below the present one, none outside any."""
        if not self.present().is_valid:
            yield
            return
        kind = SpanKind.CLIENT if is_call else SpanKind.INTERNAL
        with self._span(name, attributes, kind=kind):
            yield

    @contextmanager
    def shared(self, name: str, askers: Sequence[object]) -> Iterator[None]:
        """The span of what is done for several, below the first of them that is sent."""
        contexts = [each for each in askers if isinstance(each, SpanContext) and each.is_valid]
        first = next((each for each in contexts if each.trace_flags.sampled), None)
        if first is None:
            yield
            return
        context = trace.set_span_in_context(NonRecordingSpan(first))
        links = tuple(trace.Link(each) for each in contexts)
        attributes = {"bashgah.requests": len(askers)}
        with self._span(name, attributes, kind=SpanKind.INTERNAL, context=context, links=links):
            yield

    def note(self, attributes: Mapping[str, str | int]) -> None:
        """Add to the present span."""
        trace.get_current_span().set_attributes(attributes)

    def present(self) -> SpanContext:
        """The present span."""
        return trace.get_current_span().get_span_context()

    def traceresponse(self) -> str | None:
        """The present span as W3C writes it."""
        found = self.present()
        if not found.is_valid:
            return None
        return f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"

    def close(self) -> None:
        """Send what waits, and end."""
        self._provider.shutdown()

    @contextmanager
    def _span(
        self,
        name: str,
        attributes: Mapping[str, str | int],
        *,
        kind: SpanKind,
        context: Context | None = None,
        links: Sequence[trace.Link] = (),
    ) -> Iterator[None]:
        """A span; of an exception it tells the class only, because its text may hold personal data."""
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=kind,
            attributes=attributes,
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise


def _remote(parent: Parent) -> Context:
    flags = TraceFlags(TraceFlags.SAMPLED if parent.is_sampled else TraceFlags.DEFAULT)
    context = SpanContext(
        int(parent.trace_id, _HEX), int(parent.span_id, _HEX), is_remote=True, trace_flags=flags
    )
    return trace.set_span_in_context(NonRecordingSpan(context))
