"""Imports that operators start, for the tests: files, uploads, and a worker process that runs them.

`python -m tests.support.file_imports URL HEARTBEAT [POINT]`: with POINT, such as `repository_merge.merge_buckets:3`,
the process kills itself, without a word, when it has done that for so many times.
"""

import asyncio
import csv
import hashlib
import io
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable

from backend.access import acting_operators
from backend.approvals import service as approvals
from backend.core.viewer import Viewer
from backend.imports import jobs as import_jobs  # noqa: F401 - importing it registers the jobs
from backend.imports import repository, running, service, uploads
from backend.imports.domain import FileImport
from backend.infra import db, job_worker, telemetry
from backend.members import (
    file_chunks,
    file_reports,
    merging,
    repository_files,
    repository_merge,
)
from backend.members.file_cells import PENSION_NUMBER_PATTERN
from backend.members.file_rows import HEADER
from tests.support import member_workers

MODULES = {
    "file_reports": file_reports,
    "repository_files": repository_files,
    "repository_merge": repository_merge,
    "uploads": uploads,
    "merging": merging,
}


def prepare() -> None:
    """Set up this process as the composition root does."""
    member_workers.prepare()
    approvals.set_still_may(acting_operators.still_may)
    running.configure(
        prepare_worker=member_workers.prepare, pension_number_pattern=PENSION_NUMBER_PATTERN
    )


def members_file(rows: Iterable[dict[str, str]]) -> bytes:
    """A membership file."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(HEADER))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


async def uploaded(
    viewer: Viewer, content: bytes, *, month: int | None = None, name: str = "file.csv"
) -> FileImport:
    """An import whose file has arrived: of stores, or of members where a month is given."""
    digest = hashlib.sha256(content).hexdigest()
    described = {"file_name": name, "size_bytes": len(content), "sha256": digest}
    if month is None:
        begun = await service.begin_stores(viewer=viewer, **described)  # type: ignore[arg-type]  # str and int
    else:
        begun = await service.begin_members(viewer=viewer, month=month, **described)  # type: ignore[arg-type]
    await send(viewer, begun.found, content)
    return begun.found


async def send(viewer: Viewer, found: FileImport, content: bytes) -> None:
    """Send the parts of a file."""
    for number in range(found.part_count):
        part = content[number * found.part_bytes : (number + 1) * found.part_bytes]
        await uploads.put_part(viewer=viewer, import_id=found.id, number=number, content=part)


async def now(found: FileImport) -> FileImport:
    """The import as it is now."""
    again = await repository.find(found.id)
    assert again is not None
    return again


async def report_of(viewer: Viewer, found: FileImport, which: str = "report") -> str:
    """What a report says."""
    blocks = await uploads.read_report(viewer=viewer, import_id=found.id, which=which)
    return b"".join([block async for block in blocks]).decode("utf-8-sig")


def _deadly(work: Callable[..., Awaitable[object]], times: int) -> Callable[..., Awaitable[object]]:
    passed = 0

    async def wrapped(*arguments: object, **named: object) -> object:
        nonlocal passed
        result = await work(*arguments, **named)
        passed += 1
        if passed == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


async def main(url: str, heartbeat: str, point: str = "") -> None:
    telemetry.configure_logging(level="INFO", json=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    prepare()
    file_chunks.ROWS_A_CHUNK, merging.MERGE_ROWS = 40, 20
    if point:
        (place, _, times) = point.partition(":")
        module, _, name = place.partition(".")
        setattr(MODULES[module], name, _deadly(getattr(MODULES[module], name), int(times)))
    await db.connect(url, pool_max=4)
    try:
        await job_worker.run_worker(url, stop=stop, heartbeat_seconds=float(heartbeat))
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
