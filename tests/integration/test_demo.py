"""`bashgah demo` as a process: what it starts, what it says, and how it ends."""

import contextlib
import os
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import demo
from backend.infra import job_worker
from backend.infra.embedded import services
from backend.settings import Settings
from tests.integration import test_embedded
from tests.integration.test_embedded import rows, wait_for_end
from tests.support import demos
from tests.support import servers as test_servers
from tests.support.demos import RunningDemo


@pytest.fixture
def folder() -> Iterator[Path]:
    with test_servers.short_folder() as made:
        yield made


@contextlib.contextmanager
def started(data_dir: Path, *options: str, port: int | None = None) -> Iterator[RunningDemo]:
    port = demos.free_port() if port is None else port
    command = [sys.executable, "-m", "tests.support.tiny_demo", str(data_dir), str(port), *options]
    with demos.started(command, data_dir=data_dir, port=port) as running:
        yield running


def marks(data_dir: Path) -> list[tuple[object, ...]]:
    with test_embedded.running(data_dir) as servers:
        return rows(servers.database_url, "SELECT who FROM marks ORDER BY who")


def test_it_starts_everything_and_says_where(folder: Path) -> None:
    with started(folder) as running:
        running.ready()
        base = f"http://127.0.0.1:{running.port}"
        for said in (
            "✓ PostgreSQL and Valkey",
            "✓ Migrations",
            "✓ Demo data",
            "✓ API and worker",
            f"{base}/graphiql",
            f"{base}/graphql",
            f"{base}/healthz",
            f"{base}/readyz",
            str(folder / "logs"),
            f"rm -rf '{folder}'",
        ):
            assert said in running.output
        assert running.answer() == running.pid("api")
        pids = running.pids()
        running.send(signal.SIGTERM)
        assert running.end() == demo.STOPPED
    for pid in pids:
        wait_for_end(pid)
    assert sorted(p.name for p in (folder / "logs").iterdir()) == [
        "api.log",
        "postgres.log",
        "seed.log",
        "valkey.log",
        "worker.log",
    ]
    assert list((folder / "pids").iterdir()) == []
    assert "database system is shut down" in (folder / "logs" / "postgres.log").read_text()


def test_the_api_ends_while_the_database_still_runs(folder: Path) -> None:
    with started(folder) as running:
        running.ready()
        os.killpg(running.process.pid, signal.SIGINT)  # Ctrl-C: to the terminal's whole group
        assert running.end() == demo.STOPPED
    assert marks(folder) == [("api ended",), ("seeded, passed on",)]


def test_a_second_ctrl_c_hurries(folder: Path) -> None:
    with started(folder, "stubborn") as running:
        running.ready()
        running.send(signal.SIGINT)
        running.wait_for("Stopping …")
        began = time.monotonic()
        running.send(signal.SIGINT)
        assert running.end() == demo.STOPPED
        assert time.monotonic() - began < 10  # the API's grace is longer


def test_the_grace_is_longer_than_what_a_drain_may_take() -> None:
    drain_seconds = Settings.model_fields["drain_seconds"].default
    assert drain_seconds + job_worker.SETTLE_SECONDS < services.STOP_SECONDS


def test_a_taken_port_is_refused_before_anything_starts(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        with started(folder, port=port) as running:
            assert running.end() == demo.REFUSED
    assert f"Can't listen on 127.0.0.1:{port}" in running.output
    assert "Address already in use" in running.output
    assert not (folder / "postgres").exists()


def test_port_0_takes_a_free_one(folder: Path) -> None:
    with started(folder, port=0) as running:
        running.ready()
        [port] = re.findall(r"http://127\.0\.0\.1:(\d+)/graphiql", running.output)
        running.port = int(port)
        assert running.answer() == running.pid("api")


def test_a_second_demo_on_the_same_folder_is_refused(folder: Path) -> None:
    with started(folder) as first:
        first.ready()
        with started(folder) as second:
            assert second.end() == demo.REFUSED
        assert f"Already running on the data folder {folder}" in second.output
        assert f"(process {first.process.pid})" in second.output
        assert first.answer() == first.pid("api")


def test_two_demos_run_side_by_side(folder: Path) -> None:
    with started(folder / "one") as one, started(folder / "two") as two:
        one.ready()
        two.ready()
        assert one.answer() == one.pid("api")
        assert two.answer() == two.pid("api")
        one.send(signal.SIGTERM)
        assert one.end() == demo.STOPPED
        assert two.answer() == two.pid("api")


def test_a_killed_api_is_started_again(folder: Path) -> None:
    with started(folder) as running:
        running.ready()
        first = running.pid("api")
        os.kill(first, signal.SIGKILL)
        running.wait_for("api ended with code -9; it starts again in 0.5 s")
        second = answer_soon(running)
        assert second != first
        assert second == running.pid("api")


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_killed_server_ends_the_demo(folder: Path, name: str) -> None:
    with started(folder) as running:
        running.ready()
        pids = running.pids()
        os.kill(running.pid(name), signal.SIGKILL)
        assert running.end() == demo.FAILED
    assert f"{name} ended unexpectedly with code -9" in running.output
    assert "eady to accept connections" in running.output  # of both logs
    for pid in pids:
        wait_for_end(pid)


def test_nothing_survives_a_killed_supervisor_and_the_next_start_is_clean(folder: Path) -> None:
    with started(folder) as running:
        running.ready()
        pids = running.pids()
        running.send(signal.SIGKILL)
        assert running.end() == -signal.SIGKILL
    with started(folder, port=running.port) as again:
        again.ready()
        for pid in pids:
            wait_for_end(pid)
        assert again.answer() == again.pid("api")


def test_a_broken_seed_ends_the_demo_with_its_last_lines(folder: Path) -> None:
    with started(folder, "broken-seed") as running:
        assert running.end() == demo.FAILED
    assert "Loading the demo data failed with code 1" in running.output
    assert "the seed is broken" in running.output
    assert list((folder / "pids").iterdir()) == []


def test_an_api_that_never_starts_ends_the_demo(folder: Path) -> None:
    with started(folder, "broken-api") as running:
        assert running.end() == demo.FAILED
    assert running.output.count("no api") == 3
    assert "api does not start" in running.output


def test_a_failing_migration_ends_the_demo_with_a_sentence(folder: Path) -> None:
    with started(folder, "failing-migration") as running:
        assert running.end() == demo.FAILED
    assert "The migrations failed: no such column" in running.output
    assert "Traceback" not in running.output
    assert "Stopped." in running.output


def test_migrations_can_be_interrupted(folder: Path) -> None:
    with started(folder, "slow-migration") as running:
        running.wait_for("migrating")
        running.send(signal.SIGINT)
        assert running.end() == demo.STOPPED
    assert "Demo data" not in running.output


@test_embedded.as_root
def test_a_private_folder_is_left_and_the_demo_says_for_which(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    with test_servers.claimed(private / "data") as claimed:
        moved = claimed.data_dir
    try:
        with started(private / "data") as running:
            running.ready()
            assert (
                f"The servers' account can't enter {private / 'data'}: the data is kept in {moved}."
                in running.output
            )
            running.send(signal.SIGTERM)
            assert running.end() == demo.STOPPED
    finally:
        shutil.rmtree(moved)


def answer_soon(running: RunningDemo) -> int:
    deadline = time.monotonic() + demos.DEADLINE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            return running.answer()
    raise AssertionError("the API did not come back")
