"""Who is counted as whom, and what is counted of the operations. Without Valkey: each process counts alone."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import generate_latest

from backend.core.errors import RateLimited
from backend.core.viewer import ANONYMOUS, SYSTEM
from backend.infra import clients, metrics, sealing, telemetry
from backend.infra.access_log import MAX_LINES_PER_SECOND, AccessLog, Throttle
from backend.infra.clients import Client, Clients
from backend.infra.gate import Gate, account_of, open_gate
from backend.infra.metrics import OK, Metrics
from backend.infra.request_limits import RequestLimits
from backend.settings import Settings

APP = Client("bashgah-android", "1.2.0")
ADDRESS = "192.0.2.7"
NO_LIMITS = RequestLimits(account=0, address=0, client=0)


@pytest.fixture(autouse=True)
def sealer() -> None:
    sealing.configure(Settings().sealer())


async def passed(gate: Gate, times: int, account: str | None, address: str, client: Client) -> int:
    """How many of so many requests in a row pass."""
    count = 0
    for _ in range(times):
        try:
            await gate.enter(account, address, client)
        except RateLimited:
            continue
        count += 1
    return count


class TestAdmission:
    async def test_an_account_counts_for_itself_whatever_its_address(self) -> None:
        gate = open_gate(RequestLimits(account=10, address=10, client=0))

        first = await passed(gate, 100, "member:1", ADDRESS, APP)
        second = await passed(gate, 100, "member:2", ADDRESS, APP)
        stranger = await passed(gate, 100, None, ADDRESS, APP)

        assert [first, second, stranger] == [11] * 3  # ten, and one that passes unasked

    async def test_an_ipv6_network_is_one_address(self) -> None:
        gate = open_gate(RequestLimits(account=0, address=10, client=0))

        addresses = [f"2001:db8:1:2::{number:x}" for number in range(1, 51)]
        admitted = sum([await passed(gate, 1, None, each, APP) for each in addresses])

        assert admitted == 11
        assert await passed(gate, 1, None, "2001:db8:1:3::1", APP) == 1

    async def test_a_client_is_counted_over_all_who_use_it(self) -> None:
        gate = open_gate(RequestLimits(account=0, address=0, client=10))

        admitted = [await passed(gate, 1, f"member:{each}", ADDRESS, APP) for each in range(50)]

        assert sum(admitted) == 11
        assert await passed(gate, 1, None, ADDRESS, Client("bashgah-ios", "1.0.0")) == 1

    async def test_whose_own_limit_holds_does_not_count_for_the_client(self) -> None:
        gate = open_gate(RequestLimits(account=10, address=0, client=100))

        await passed(gate, 1_000, "member:1", ADDRESS, APP)

        assert await passed(gate, 80, None, ADDRESS, APP) == 80

    async def test_without_limits_everybody_passes_at_once(self) -> None:
        gate = open_gate(NO_LIMITS)

        answers = [gate.admit(None, ADDRESS, APP) for _ in range(10_000)]

        assert answers == [None] * 10_000
        assert gate.allowances == {}

    async def test_a_refusal_is_given_at_once_and_says_when_to_come_again(self) -> None:
        gate = open_gate(RequestLimits(account=1, address=0, client=0))
        await passed(gate, 3, "member:1", ADDRESS, APP)

        refused = gate.admit("member:1", ADDRESS, APP)

        assert isinstance(refused, RateLimited)
        assert 1 <= refused.retry_after_seconds <= 60
        assert gate.allowances["account"].counters.refused == 2

    def test_an_account_is_named_by_its_actor(self) -> None:
        assert account_of(ANONYMOUS) is None
        assert account_of(SYSTEM) == "system"


class TestClients:
    def test_names_and_versions_come_from_closed_sets(self) -> None:
        known = Clients(["bashgah-android"])

        assert known.of("bashgah-android", "1.2.0") == ("bashgah-android", "1.2.0")
        assert known.of("bashgah-android", None) == ("bashgah-android", "none")
        assert known.of("bashgah-android", "1.2.0-beta+7") == ("bashgah-android", "other")
        assert known.of("evil", "1.2.0") == ("other", "none")
        assert known.of(None, None) == ("none", "none")
        assert known.of("", "1") == ("none", "none")

    def test_versions_are_few_and_what_is_remembered_is_bounded(self) -> None:
        known = Clients(["bashgah-android"])

        found = {known.of("bashgah-android", f"1.{number}.0") for number in range(1_000)}
        for number in range(3 * clients.MAX_KEPT):
            known.of(f"name {number}", "x" * 50)
            known.of("x" * 5_000, str(number))

        assert len(found) == clients.MAX_VERSIONS + 1
        assert len(known._kept) <= clients.MAX_KEPT
        assert max(len(name or "") for name, _ in known._kept) <= clients.MAX_KEPT_CHARACTERS


def series(counted: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a name, by the values of their labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in counted.registry.collect()
        for sample in family.samples
        if sample.name == name
    }


class TestMetrics:
    def test_operations_are_counted_by_name_client_version_tier_and_result(self) -> None:
        gate = open_gate(operations=frozenset({"Home"}))

        for _ in range(3):
            gate.observe("Home", APP, 2, OK, 0.003)
        gate.observe("Home", APP, 4, "FORBIDDEN", 0.2)

        assert series(gate.metrics, "bashgah_operations_total") == {
            ("Home", "bashgah-android", "1.2.0", "2", "ok"): 3.0,
            ("Home", "bashgah-android", "1.2.0", "4", "FORBIDDEN"): 1.0,
        }
        seconds = series(gate.metrics, "bashgah_operation_seconds_bucket")
        assert seconds["Home", "2", "0.0025"] == 0.0
        assert seconds["Home", "2", "0.005"] == 3.0
        assert series(gate.metrics, "bashgah_operation_seconds_sum")["Home", "4"] == 0.2

    def test_what_a_client_may_choose_makes_no_series(self) -> None:
        gate = open_gate(operations=frozenset({"Home"}))

        for number in range(1_000):
            gate.observe(f"Query{number}", APP, 4, f"CODE{number}", 0.1)
        gate.observe(None, APP, 4, OK, 0.1)

        assert series(gate.metrics, "bashgah_operations_total") == {
            ("other", "bashgah-android", "1.2.0", "4", "other"): 1_000.0,
            ("other", "bashgah-android", "1.2.0", "4", "ok"): 1.0,
        }
        assert len(gate.metrics._cells) == 2

    def test_series_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(metrics, "MAX_CELLS", 5)
        counted = Metrics(frozenset({"Home"}))

        for number in range(20):
            counted.count("Home", Client("bashgah-android", str(number)), 1, OK, 0.1)

        found = series(counted, "bashgah_operations_total")
        assert len(found) == 6
        assert found["Home", "other", "other", "1", "ok"] == 15.0

    def test_the_page_can_be_written(self) -> None:
        gate = open_gate(operations=frozenset({"Home"}))
        gate.observe("Home", APP, 1, OK, 0.00005)

        page = generate_latest(gate.metrics.registry).decode()

        assert 'bashgah_operation_seconds_bucket{le="0.0001",operation="Home",tier="1"} 1.0' in page
        assert "process_resident_memory_bytes" in page
        assert "_created" not in page


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


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


class TestAccessLog:
    def test_what_is_notable(self, log: io.StringIO) -> None:
        written = AccessLog(everything=False, slow_seconds=1.0)

        written.finished("POST", "/graphql", 200, 0.01)
        written.finished("POST", "/graphql", 200, 0.02, "NOT_FOUND")
        written.finished("POST", "/graphql", 401, 0.03)
        written.finished("GET", "/readyz", 200, 1.0)

        shown = [
            (each["status"], each["milliseconds"], each.get("refused_with")) for each in lines(log)
        ]
        assert shown == [(200, 20.0, "NOT_FOUND"), (401, 30.0, None), (200, 1000.0, None)]
        assert written.statuses == {200: 3, 401: 1}

    def test_every_request_where_that_is_wanted(self, log: io.StringIO) -> None:
        written = AccessLog(everything=True)

        for _ in range(100):
            written.finished("POST", "/graphql", 200, 0.01)

        assert len(lines(log)) == 100

    def test_a_flood_of_refusals_is_counted_and_not_written(self, log: io.StringIO) -> None:
        now = 100.0
        written = AccessLog(everything=False, throttle=Throttle(monotonic=lambda: now))

        for _ in range(1_000):
            written.finished("POST", "/graphql", 429, 0.0001)
        now = 101.0
        written.finished("POST", "/graphql", 429, 0.0001)

        shown = lines(log)
        assert len(shown) == MAX_LINES_PER_SECOND + 1
        assert shown[-1]["not_logged"] == 1_000 - MAX_LINES_PER_SECOND
        assert written.statuses[429] == 1_001

    def test_a_slow_operation_is_told_with_its_document_and_its_statements(
        self, log: io.StringIO
    ) -> None:
        gate = open_gate(access_log=AccessLog(everything=False, slow_seconds=0.5))

        is_slow = [gate.observe("Home", APP, 4, OK, seconds) for seconds in (0.4999, 0.5)]
        gate.access_log.slow_operation("Home", "9e46", tier=4, seconds=0.5, statements=7)

        assert is_slow == [False, True]
        (line,) = lines(log)
        del line["timestamp"]
        assert line == {
            "event": "operation.slow",
            "level": "warning",
            "logger": "backend.slow",
            "operation": "Home",
            "document_id": "9e46",
            "tier": 4,
            "milliseconds": 500.0,
            "statements": 7,
        }
