"""`make bench` as a whole on a handful of data: every variant answers alike, every figure is there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from benchmarks import data, measuring
from benchmarks.screens import SCREENS
from benchmarks.variants import Variant
from tests.support import servers as test_servers

OF_DATABASE = {Variant.PGBENCH, Variant.PGBENCH_16}


@pytest.fixture
def folder() -> Iterator[Path]:
    with test_servers.short_folder() as made:
        yield made


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    own = {name: value for name, value in os.environ.items() if not name.startswith("BASHGAH_")}
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=data.ROOT,
        env=own,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.timeout(300)
def test_all_variants_answer_alike_and_are_measured_and_the_data_can_be_dropped(
    folder: Path,
) -> None:
    where, file = folder / "data", folder / "figures.json"
    size = ("--members", "300", "--purchases", "1200", "--stores", "90")
    short = ("--rounds", "1", "--seconds", "1", "--warm-up", "0")

    ended = bench("run", "--data", str(where), *size, *short, "--json", str(file))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = orjson.loads(file.read_bytes())
    expected = {
        name: {
            str(variant)
            for variant in measuring.known_variants()
            if screen.columns or variant not in OF_DATABASE
        }
        for name, screen in SCREENS.items()
    }
    assert {name: set(samples) for name, samples in found["samples"].items()} == expected
    for samples in found["samples"].values():
        assert all(sample["requests_per_second"] > 0 for (sample,) in samples.values())
    assert min(found["answerBytes"][name] for name in ("Home", "NearbyStores")) > 1_000
    assert "reached" in ended.stdout
    assert len(found["goals"]) == 13

    assert bench("drop", "--data", str(where)).returncode == 0
    assert not where.exists()


def test_what_can_not_be_measured_is_refused() -> None:
    ended = bench("run", "--screens", "Home,Nowhere")

    assert ended.returncode == 2
    assert "Nowhere can't be measured; choose of Home, NearbyStores" in ended.stderr


def test_data_that_no_benchmark_made_are_not_dropped(folder: Path) -> None:
    ended = bench("drop", "--data", str(folder))

    assert ended.returncode == 2
    assert "it stays" in ended.stderr
    assert folder.exists()
