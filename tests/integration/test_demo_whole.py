"""`bashgah demo` itself: the real migrations, demo data, API and worker, side by side, killed and started again."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import demo
from tests.integration import test_embedded
from tests.support import demos
from tests.support import servers as test_servers
from tests.support.demos import RunningDemo

SHIRAZ = "{latitude: 29.61, longitude: 52.53}"
QUESTION = f"{{ nearbyStores(at: {SHIRAZ}, first: 3) {{ edges {{ node {{ id name }} }} }} }}"


@pytest.fixture
def folder() -> Iterator[Path]:
    with test_servers.short_folder() as made:
        yield made


def command(folder: Path, port: int) -> list[str]:
    options = ["--port", str(port), "--data-dir", str(folder)]
    return [sys.executable, "-m", "backend.cli", "demo", *options]


def get(running: RunningDemo, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port}{path}", timeout=60) as answer:
        return answer.status, answer.read().decode()


def verify(folder: Path) -> str:
    """What `bashgah audit verify` says of the demo; it ends well."""
    script = f". '{folder}/environment'; exec '{sys.executable}' -m backend.cli audit verify"
    done = subprocess.run(["/bin/sh", "-c", script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def nearby(running: RunningDemo) -> list[str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{running.port}/graphql",
        json.dumps({"query": QUESTION}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        edges = json.load(answer)["data"]["nearbyStores"]["edges"]
    return [edge["node"]["name"] for edge in edges]


@pytest.mark.timeout(600)
def test_two_demos_run_side_by_side_and_one_killed_with_its_whole_tree_comes_back_with_its_data(
    folder: Path,
) -> None:
    (one := folder / "one").mkdir(mode=0o755)
    (two := folder / "two").mkdir(mode=0o755)
    with (
        demos.started(command(one, port := demos.free_port()), data_dir=one, port=port) as first,
        demos.started(command(two, 0), data_dir=two, port=0) as other,
    ):
        for running in (first, other):
            running.ready()
            running.port = int(running.output.split("http://127.0.0.1:")[1].split("/")[0])
        assert first.port == port != other.port
        status, body = get(first, "/readyz")
        checks = json.loads(body)["checks"]
        # On a busy machine the stores in memory may be more than a second old: then SQL answers.
        assert (status, checks.keys()) == (200, {"database", "migrations", "cache", "stores"})
        assert checks["database"] == checks["migrations"] == checks["cache"] == "ok"
        assert get(first, "/graphiql")[0] in {200, 503}  # 503 says how to install it
        assert "✓" in verify(one)
        found = nearby(first)
        assert len(found) == 3
        assert nearby(other) == found

        pids = [first.process.pid, *first.pids()]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids[1:]:
            test_embedded.wait_for_end(pid)
        assert nearby(other) == found
        with demos.started(command(one, port), data_dir=one, port=port) as second:
            second.ready()
            assert nearby(second) == found
            second.send(signal.SIGINT)
            assert second.end() == demo.STOPPED
            assert "Stopped." in second.output
