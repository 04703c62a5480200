"""The benchmark's own rules: it notices wrong answers, and tells of its figures what is true."""

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from backend.core import base64url, paging
from backend.core.geo import GeoPoint
from backend.deductions.domain import MonthDue
from backend.members.domain import MemberState
from backend.purchases import credit
from backend.purchases.credit import Standing
from backend.purchases.domain import PurchaseFilter, Waiting
from benchmarks import available, cores, equality, goals, statements, wrk
from benchmarks.figures import RATE, Figures, Sample, Spread
from benchmarks.goals import Goal
from benchmarks.refusals import Refused
from benchmarks.screens import SCREENS, Asked, Today
from benchmarks.variants import Server, Variant

if TYPE_CHECKING:
    from backend.infra.embedded.process import Child

INBOX = SCREENS["Inbox"]
GOOD = b'{"data":{"me":{"unreadNoticeCount":2}}}'
ONE_REQUEST = [("token", b"{}")]
WITH_ERRORS = b'{"data":{"me":null},"errors":[{"message":"no"}]}'


@dataclass
class Replies:
    """A server that answers every POST with the same."""

    body: bytes
    status: int = 200


@contextlib.contextmanager
def answering(replies: Replies, variant: Variant) -> Iterator[Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(replies.status)
            self.send_header("content-length", str(len(replies.body)))
            self.end_headers()
            self.wfile.write(replies.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Server(variant, cast("Child", None), server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def requests_file(folder: Path) -> Path:
    file = folder / "list.requests"
    wrk.write_requests(file, [("token", b'{"query":"{ __typename }"}')] * 3)
    return file


def test_wrk_counts_what_is_answered(tmp_path: Path) -> None:
    with answering(Replies(GOOD), Variant.FLOOR) as server:
        load = wrk.run(server.url("Inbox"), requests_file(tmp_path), seconds=1, checked=True)

    assert load.requests > 0
    assert load.requests_per_second > 0
    assert load.bytes_an_answer > len(GOOD)


@pytest.mark.parametrize("checked", [False, True])
def test_a_refusal_under_load_ends_the_run(tmp_path: Path, checked: bool) -> None:
    with (
        answering(Replies(GOOD, status=503), Variant.OURS) as server,
        pytest.raises(Refused, match="were refusals, errors or none"),
    ):
        wrk.run(server.url("Inbox"), requests_file(tmp_path), seconds=1, checked=checked)


def test_an_answer_with_errors_ends_the_run_in_which_answers_are_looked_at(tmp_path: Path) -> None:
    with (
        answering(Replies(WITH_ERRORS), Variant.OURS) as server,
        pytest.raises(Refused, match="message"),
    ):
        wrk.run(server.url("Inbox"), requests_file(tmp_path), seconds=1, checked=True)


def test_servers_that_answer_alike_agree() -> None:
    spaced = b'{"data" : {"me" : {"unreadNoticeCount" : 2.0}}}'
    with (
        answering(Replies(GOOD), Variant.OURS) as ours,
        answering(Replies(spaced), Variant.FLOOR) as floor,
    ):
        asked = [("token", b"{}")] * 2
        kept = equality.check_servers(INBOX, [ours, floor], {ours: asked, floor: asked})

    assert kept == [GOOD, GOOD]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Replies(b'{"data":{"me":{"unreadNoticeCount":3}}}'), "Inbox differs"),
        (Replies(b'{"data":{"me":{}}}'), "Inbox differs"),
        (Replies(WITH_ERRORS), "no answer without errors"),
        (Replies(b"<html>"), "no JSON"),
        (Replies(GOOD, status=401), "answers 401"),
    ],
)
def test_servers_that_answer_otherwise_are_refused(other: Replies, told: str) -> None:
    with (
        answering(Replies(GOOD), Variant.OURS) as ours,
        answering(other, Variant.FLOOR) as floor,
        pytest.raises(Refused, match=told),
    ):
        equality.check_servers(INBOX, [ours, floor], dict.fromkeys((ours, floor), ONE_REQUEST))


def test_a_plain_servers_cursors_begin_as_ours_do() -> None:
    asked = Asked(7, GeoPoint(29.6, 52.54), Today(date(2026, 11, 21), 0, 600, False, False))

    _, marker = SCREENS["PurchaseHistory"].arguments(asked)

    question = paging.fingerprint(list="purchases", member=7, matching=PurchaseFilter())
    cursor = base64url.decode(paging.encode_cursor(question, (1, 2)))
    assert isinstance(marker, bytes)
    assert cursor.startswith(marker + b"i")


@pytest.mark.parametrize(
    ("waiting", "dues"),
    [((), ()), (((40_000_000, 12),), ((140509, 3_000_000, False), (140507, 900_000, True)))],
)
def test_the_floor_knows_what_is_available_as_we_do(
    waiting: tuple[tuple[int, int], ...], dues: tuple[tuple[int, int, bool], ...]
) -> None:
    standing = Standing(
        state=MemberState.ACTIVE,
        net_pension_rials=120_000_000,
        other_deductions_rials=5_000_000,
        used_rials=10_000_000,
        waiting=tuple(Waiting(*each) for each in waiting),
        dues=tuple(MonthDue(*each) for each in dues),
        today=date(2026, 11, 21),
    )
    ours = credit.credit_line(standing, available.POLICY)
    inputs = [120_000_000, 5_000_000, ours.limit_rials, 10_000_000, waiting, dues]

    answer = available.fill_in(json.dumps(inputs) + '\n{"available" : -1}', date(2026, 11, 21))

    assert json.loads(answer) == {"available": ours.available_rials}


def test_pgbench_draws_numbers_from_all_rows_and_takes_the_rest_of_the_first() -> None:
    rows: list[tuple[object, ...]] = [(5, b"\x01"), (9, b"\x02")]

    one = statements.pgbench(INBOX, rows, at_once=1)
    two = statements.pgbench(INBOX, rows, at_once=2)

    assert one.startswith("\\set i0 random(1, 2)\nSELECT ")
    assert "(SELECT ('{5,9}'::bigint[])[:i0::int])" in one
    assert "'\\x01'::bytea" in one
    assert "\\x02" not in one
    assert "('{5,9}'::bigint[])[k.i] AS member_id" in two
    assert "unnest(ARRAY[:i0, :i1]::int[])" in two


def figures(**rates: list[float]) -> Figures:
    """Of NearbyStores, each variant's requests a second by rounds."""
    made = Figures()
    for name, values in rates.items():
        for value in values:
            made.add("NearbyStores", Variant(name), Sample(value, p50=1.0, alone=1_000 / value))
    return made


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    made = figures(a=[100.0, 90.0, 10.0], c=[50.0, 30.0, 10.0])

    assert made.ratio("NearbyStores", Variant.OURS, Variant.FLOOR) == Spread(2.0, 1.0, 3.0)
    assert made.ratio("NearbyStores", Variant.OURS, Variant.CONSTANT) is None
    assert made.spread("NearbyStores", Variant.OURS, RATE) == Spread(90.0, 10.0, 100.0)


def test_goals_are_judged_by_what_was_measured_and_no_others() -> None:
    made = figures(a=[500.0], c=[100.0], d=[1_300.0])
    made.memory_megabytes[Variant.OURS] = 201.0

    assert list(goals.judge(made)) == [
        Goal("NearbyStores ≥ 5 × (c)", "5.00 ×", True),
        Goal("NearbyStores ≥ 40 % of (d)", "38 %", False),
        Goal("NearbyStores: one connection's p50 ≤ that of (c)", "2 µs against 10 µs", True),
        Goal("Memory of the process after the run ≤ 200 MB", "201 MB", False),
    ]


def test_a_process_is_kept_on_the_other_core_and_its_use_is_known() -> None:
    server_core = int(cores.on_server_core()[-1])
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        cores.pin_to_other_core(child.pid)

        (core,) = os.sched_getaffinity(child.pid)
        assert core != server_core
        assert cores.cpu_seconds(child.pid) >= 0
        assert cores.memory_megabytes(child.pid) > 0
        child.communicate(b"\n")
