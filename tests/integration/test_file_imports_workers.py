"""Imports and real worker processes: whoever is killed meanwhile, the file is merged once, and reported on."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.access import acting_operators
from backend.core import calendar, clock
from backend.core.permissions import Role
from backend.core.viewer import Viewer
from backend.imports import service
from backend.imports.domain import FileImport, ImportState
from backend.infra import db as database
from benchmarks import membership_file
from tests.support.file_imports import members_file, now, prepare, report_of, uploaded
from tests.support.staff import new_operator

ROOT = Path(__file__).parents[2]
HEARTBEAT_SECONDS = "1"
PATIENCE_SECONDS = 100.0
ROWS = 100

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(app_url: str, tmp_path: Path) -> Iterator[Start]:
    workers: list[subprocess.Popen[bytes]] = []

    def begin(*point: str) -> "subprocess.Popen[bytes]":
        arguments = ["-m", "tests.support.file_imports", app_url, HEARTBEAT_SECONDS, *point]
        with (tmp_path / f"{len(workers)}.log").open("wb") as log:
            workers.append(
                subprocess.Popen(
                    [sys.executable, *arguments],
                    cwd=ROOT,
                    stderr=log,
                    env=os.environ | {"TMPDIR": str(tmp_path)},
                )
            )
        return workers[-1]

    yield begin
    for worker in workers:
        worker.kill()
        worker.wait()


@pytest.fixture
async def maker(db: None) -> Viewer:
    prepare()
    made = await new_operator(Role.ADMINISTRATOR)
    found = await acting_operators.find_viewer(f"operator:{made.id}")
    assert found is not None
    return replace(found, reauthenticated_at=clock.now())


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)


def rows() -> list[dict[str, str]]:
    return [
        {
            "national_code": membership_file.national_code(number),
            "first_name": "مریم",
            "last_name": "احمدی",
            "birth_date": "1330-05-12",
            "pension_number": f"{20_000_000 + number}",
            "pension_kind": "RETIREMENT",
            "state": "ACTIVE",
            "province": "IR-07",
        }
        for number in range(ROWS)
    ]


async def started(maker: Viewer) -> FileImport:
    month = calendar.month_of(clock.today())
    found = await uploaded(maker, members_file(rows()), month=month)
    return await service.start(viewer=maker, import_id=found.id, dry_run=False)


async def many(table: str) -> int:
    row = await database.fetch_one(f"SELECT count(*) AS many FROM {table}")
    assert row is not None
    return int(row["many"])


async def is_clean() -> bool:
    waiting = await database.fetch("SELECT FROM pgqueuer WHERE entrypoint LIKE 'imports.%'")
    return not waiting and await many("file_import_part") == 0


def left_behind(folder: Path) -> list[Path]:
    return [each for each in folder.glob("bashgah-imports-*/*") if each.is_dir()]


@pytest.mark.parametrize(
    ("point", "merged"),
    [
        ("uploads.write_to:1", 0),
        ("repository_files.insert_chunk:2", 0),
        ("repository_merge.merge_buckets:3", 20),
        ("merging.finish:1", ROWS),
    ],
)
async def test_a_killed_worker_s_import_is_taken_up_by_another(
    maker: Viewer, start: Start, point: str, merged: int, tmp_path: Path
) -> None:
    found = await started(maker)
    first = start(point)
    assert await asyncio.to_thread(first.wait, PATIENCE_SECONDS) == -signal.SIGKILL
    left = await now(found)
    assert (left.state, left.run) == (ImportState.RUNNING, 1)
    assert (await many("member") >= merged, len(left_behind(tmp_path))) == (True, 1)
    start()

    async def is_done() -> bool:
        return (await now(found)).state is ImportState.DONE

    await until(is_done)
    done = await now(found)
    assert (done.run, done.counts["created"], done.counts.get("repeated")) == (2, ROWS, None)
    assert await many("member") == ROWS
    assert "SUMMARY" in await report_of(maker, done)
    await until(is_clean)
    assert left_behind(tmp_path) == []
