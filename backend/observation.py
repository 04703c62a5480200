"""What an API process counts and tells of itself: its gate, and the figures at /metrics."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence

from starlette.requests import Request
from starlette.responses import Response

from backend.core import clock
from backend.infra import metrics_page, metrics_sources
from backend.infra.access_log import AccessLog
from backend.infra.gate import Gate, open_gate
from backend.infra.health import Drain
from backend.settings import Settings
from backend.stores import directory
from backend.stores.directory import Freshness
from schema import import_files
from schema.execution.trusted import Trusted


def gate_of(settings: Settings, trusted: Sequence[Trusted]) -> Gate:
    """The limits and counters of a process; trusted operations and the routes of imports have figures of their own."""
    names = {each.operation.name for each in trusted if each.operation.name}
    return open_gate(
        settings.request_limits(),
        client_names=tuple(settings.client_names.split()),
        operations=import_files.OPERATIONS | names,
        access_log=AccessLog(
            everything=settings.logs_every_request,
            slow_seconds=settings.slow_milliseconds / 1_000,
        ),
    )


def page_of(
    settings: Settings, gate: Gate, *, drain: Drain, trusted: Sequence[Trusted]
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint /metrics."""
    metrics_sources.staleness["stores"] = _stores_stale_seconds
    jobs = metrics_sources.JobSource()
    for source in (
        metrics_sources.ServerSource(),
        metrics_sources.RequestSource(gate.access_log.statuses, drain, gate.allowances),
        metrics_sources.CompilerSource(lambda: _fallbacks(trusted)),
        metrics_sources.ReferenceDataSource(),
        jobs,
    ):
        gate.metrics.registry.register(source)
    return metrics_page.page(gate.metrics.registry, jobs, networks=settings.metrics_readers)


def _fallbacks(trusted: Sequence[Trusted]) -> Iterator[tuple[str, str, int]]:
    counts: Counter[tuple[str, str]] = Counter()
    for each in trusted:  # several releases may have an operation of the same name
        if each.operation.compiled is not None:
            for reason, count in each.operation.compiled.fallbacks.items():
                counts[each.operation.name or "", reason] += count
    return ((*named, count) for named, count in sorted(counts.items()))


def _stores_stale_seconds() -> float:
    status = directory.current().status()
    if status.freshness is Freshness.FRESH:
        return 0.0
    return max(0.0, (clock.now() - status.since).total_seconds())
