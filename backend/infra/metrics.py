"""What this process counts, for Prometheus: one registry a process, few enough series to keep for months.

Labels come from closed sets: operations of the manifests, clients of the settings, codes of the contract. Anything
else is `other`. What other modules count for themselves is read when somebody asks (`metrics_sources.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from backend.infra.clients import OTHER

if TYPE_CHECKING:
    from backend.infra.clients import Client

OK: Final = "ok"
RESULTS: Final = frozenset(
    {OK, "BAD_REQUEST", "BAD_USER_INPUT", "UNAUTHENTICATED", "FORBIDDEN", "RATE_LIMITED"}
    | {"UNAVAILABLE", "DOCUMENT_NOT_FOUND", "COST_LIMIT", "CLIENT_OUTDATED", "INTERNAL"}
)
# From a compiled answer of stores to the longest that a query may take.
SECONDS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
MAX_CELLS: Final = 5_000  # series of operations; more are counted without client and version

# A second series for each, which nobody reads.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # the library does not say


class Metrics:
    """The counters of a process, and its registry."""

    def __init__(self, operations: frozenset[str]) -> None:
        """`operations` are the names that get series of their own."""
        self.registry = CollectorRegistry()
        self._operations_known = operations
        self._operations = Counter(
            "bashgah_operations",
            "Operations that were answered. Tier 1 to 3 are compiled, 4 is graphql-core, 0 was not run.",
            ["operation", "client", "version", "tier", "result"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "bashgah_operation_seconds",
            "How long operations took, from the request's head to the answer.",
            ["operation", "tier"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._cells: dict[tuple[str, Client, int, str], tuple[Counter, Histogram]] = {}
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def count(
        self, operation: str | None, client: Client, tier: int, result: str, seconds: float
    ) -> None:
        """Count an operation that was answered."""
        # The name of a client's own document stands here until the cell is found to be another's.
        cell = self._cells.get((operation or OTHER, client, tier, result))
        if cell is None:
            cell = self._cell(operation, client, tier, result)
        cell[0].inc()
        cell[1].observe(seconds)

    def _cell(
        self, operation: str | None, client: Client, tier: int, result: str
    ) -> tuple[Counter, Histogram]:
        name = self._known(operation)
        result = result if result in RESULTS else OTHER
        if len(self._cells) >= MAX_CELLS:
            client = client._replace(name=OTHER, version=OTHER)
        key = (name, client, tier, result)
        cell = self._cells.get(key)
        if cell is None:
            counter = self._operations.labels(name, client.name, client.version, str(tier), result)
            cell = self._cells[key] = (counter, self._seconds.labels(name, str(tier)))
        return cell

    def _known(self, operation: str | None) -> str:
        return operation if operation in self._operations_known else OTHER
