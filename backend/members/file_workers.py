"""Processes that make the chunks of a membership file ready, one chunk at a time each.

Each has a pipe of its own: when the importing process dies, however it dies, its workers read the
end of their pipes and end as well.
"""

import asyncio
import contextlib
import multiprocessing
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from backend.members import file_staging
from backend.members.file_chunks import Chunk
from backend.members.file_staging import Fault, Reading, StagedChunk

WORKERS = 2
CHUNKS_AHEAD = WORKERS + 1
_JOIN_SECONDS = 5


class WorkerLost(RuntimeError):
    """A worker process ended in the middle; its own words stand on standard error."""


@asynccontextmanager
async def staging_workers(
    reading: Reading, *, prepare: Callable[[], None]
) -> AsyncIterator["StagingWorkers"]:
    """Workers that have called `prepare`, which must set up sealing; ended with the block.

    `prepare` is called by a fresh process, so it must be found there by its name.
    """
    started = await asyncio.to_thread(lambda: [_start(reading, prepare) for _ in range(WORKERS)])
    try:
        yield StagingWorkers([pipe for _, pipe in started])
    finally:
        for _, pipe in started:
            pipe.close()
        for process, _ in started:
            await asyncio.to_thread(_end, process)


class StagingWorkers:
    """Takes chunks in their order and gives them back ready, in the same order."""

    def __init__(self, pipes: list[Connection]) -> None:
        self._idle: asyncio.Queue[Connection] = asyncio.Queue()
        for pipe in pipes:
            self._idle.put_nowait(pipe)

    async def stage(
        self, chunks: Iterator[Chunk]
    ) -> AsyncGenerator[tuple[Chunk, StagedChunk | Fault], None]:
        """Yield each chunk and what became of it; a few are under way at a time.

        Raises WorkerLost, and what `chunks` raises.
        """
        under_way: list[tuple[Chunk, asyncio.Task[StagedChunk | Fault]]] = []
        try:
            while True:
                chunk = await asyncio.to_thread(next, chunks, None)
                if chunk is not None:
                    under_way.append((chunk, asyncio.create_task(self._stage(chunk))))
                if not under_way:
                    return
                if chunk is None or len(under_way) > CHUNKS_AHEAD:
                    first, task = under_way.pop(0)
                    yield first, await task
        finally:
            for _, task in under_way:
                task.cancel()
            await asyncio.gather(*(task for _, task in under_way), return_exceptions=True)

    async def _stage(self, chunk: Chunk) -> StagedChunk | Fault:
        pipe = await self._idle.get()
        try:
            return await asyncio.to_thread(_exchange, pipe, chunk)
        finally:
            self._idle.put_nowait(pipe)


def _exchange(pipe: Connection, chunk: Chunk) -> StagedChunk | Fault:
    try:
        pipe.send(chunk)
        answer = pipe.recv()
    except (EOFError, OSError) as error:
        raise WorkerLost from error
    assert isinstance(answer, StagedChunk | Fault)  # noqa: S101 - what `_work` sends
    return answer


def _start(reading: Reading, prepare: Callable[[], None]) -> tuple[SpawnProcess, Connection]:
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(
        target=_work, args=(theirs, reading, prepare), name="membership-file-worker", daemon=True
    )
    process.start()
    theirs.close()
    return process, ours


def _end(process: SpawnProcess) -> None:
    process.join(_JOIN_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
    process.close()


def _work(pipe: Connection, reading: Reading, prepare: Callable[[], None]) -> None:
    """Be a worker, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the importing process ends us
    prepare()
    stage = file_staging.stager(reading)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(stage(pipe.recv()))
