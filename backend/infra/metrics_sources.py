"""What is counted elsewhere, read when Prometheus asks: database, cache, limits, reference data, jobs."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backend.infra import cache, db

if TYPE_CHECKING:
    from collections import Counter as Tally
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from backend.infra.allowances import Allowance
    from backend.infra.health import Drain

# How old the oldest change is, in seconds, that a copy in this process's memory may miss: by the copy's name.
staleness: Final[dict[str, Callable[[], float]]] = {}

MAX_FALLBACKS: Final = 500  # series

_WAITING_JOBS: Final = """
SELECT entrypoint, status::text AS status, count(*) AS jobs,
  extract(epoch FROM now() - min(created))::float8 AS oldest
FROM pgqueuer GROUP BY entrypoint, status ORDER BY entrypoint, status LIMIT 200
"""


class ServerSource(Collector):
    """The pool of the database, and the cache."""

    def collect(self) -> Iterator[Metric]:
        """Read what the two count."""
        pool = db.pool()
        connections = GaugeMetricFamily(
            "bashgah_database_connections", "Connections of the pool.", labels=["state"]
        )
        connections.add_metric(["in_use"], pool.in_use)
        connections.add_metric(["idle"], pool.idle)
        yield connections
        yield GaugeMetricFamily(
            "bashgah_database_connections_max", "The most that the pool opens.", pool.most
        )
        yield CounterMetricFamily(
            "bashgah_database_waits", "Uses that found every connection busy.", pool.waits
        )
        yield CounterMetricFamily(
            "bashgah_database_statements", "SQL statements that were sent.", db.statements_sent()
        )
        counts = cache.counters()
        reads = CounterMetricFamily("bashgah_cache_reads", "Reads of the cache.", labels=["result"])
        reads.add_metric(["hit"], counts.hits)
        reads.add_metric(["miss"], counts.misses)
        yield reads
        away = CounterMetricFamily(
            "bashgah_cache_away",
            "Calls that the cache did not answer: it failed, or was left alone meanwhile.",
            labels=["reason"],
        )
        away.add_metric(["failed"], counts.errors)
        away.add_metric(["left_alone"], counts.skipped)
        yield away


class RequestSource(Collector):
    """Answers by their HTTP status, requests in flight, and the limits on them."""

    def __init__(
        self,
        statuses: Tally[int],
        drain: Drain,
        allowances: Mapping[str, Allowance],
    ) -> None:
        self._statuses = statuses
        self._drain = drain
        self._allowances = allowances

    def collect(self) -> Iterator[Metric]:
        """Read what the outer layers count."""
        answers = CounterMetricFamily(
            "bashgah_http_responses", "Answers by HTTP status.", labels=["status"]
        )
        for status, count in sorted(self._statuses.items()):
            answers.add_metric([str(status)], count)
        yield answers
        yield GaugeMetricFamily(
            "bashgah_http_requests_in_flight", "Requests in flight.", self._drain.in_flight
        )
        refused = CounterMetricFamily(
            "bashgah_rate_limit_refusals", "Requests over a limit.", labels=["limit"]
        )
        leases = CounterMetricFamily(
            "bashgah_rate_limit_leases",
            "Leases of requests that were asked for, and those that were had without Valkey.",
            labels=["limit", "source"],
        )
        keys = GaugeMetricFamily(
            "bashgah_rate_limit_keys", "Who is counted exactly at present.", labels=["limit"]
        )
        for name, allowance in self._allowances.items():
            refused.add_metric([name], allowance.counters.refused)
            leases.add_metric([name, "valkey"], allowance.counters.asked)
            leases.add_metric([name, "alone"], allowance.counters.alone)
            keys.add_metric([name], len(allowance))
        yield from (refused, leases, keys)


class CompilerSource(Collector):
    """Operations that a compiled plan handed on to graphql-core."""

    def __init__(self, fallbacks: Callable[[], Iterable[tuple[str, str, int]]]) -> None:
        """`fallbacks` gives an operation's name, a reason without any value of the client's, and how often."""
        self._fallbacks = fallbacks

    def collect(self) -> Iterator[Metric]:
        """Read what each plan counts."""
        found = CounterMetricFamily(
            "bashgah_compiler_fallbacks",
            "Operations that compiled code did not answer, and why.",
            labels=["operation", "reason"],
        )
        for operation, reason, count in islice(self._fallbacks(), MAX_FALLBACKS):
            found.add_metric([operation, reason], count)
        yield found


class ReferenceDataSource(Collector):
    """How far copies in memory are behind."""

    def collect(self) -> Iterator[Metric]:
        """Ask each copy."""
        stale = GaugeMetricFamily(
            "bashgah_reference_data_stale_seconds",
            "For how long a copy in memory may have missed changes; 0 where it is fresh.",
            labels=["data"],
        )
        for name, seconds in sorted(staleness.items()):
            stale.add_metric([name], seconds())
        yield stale


class JobSource(Collector):
    """The queue as it was when `look` was called last; the same in every process."""

    def __init__(self) -> None:
        self._rows: Iterable[tuple[str, str, int, float]] = ()

    async def look(self) -> None:
        """Count the queue anew. Raises what `db.fetch` raises; then nothing is shown."""
        self._rows = ()
        self._rows = [
            (row["entrypoint"], row["status"], row["jobs"], row["oldest"])
            for row in await db.fetch(_WAITING_JOBS)
        ]

    def collect(self) -> Iterator[Metric]:
        """What was seen."""
        jobs = GaugeMetricFamily("bashgah_jobs", "Jobs in the queue.", labels=["job", "status"])
        oldest = GaugeMetricFamily(
            "bashgah_jobs_oldest_seconds", "Age of the oldest of them.", labels=["job", "status"]
        )
        for name, status, count, seconds in self._rows:
            jobs.add_metric([name, status], count)
            oldest.add_metric([name, status], seconds)
        yield from (jobs, oldest)
