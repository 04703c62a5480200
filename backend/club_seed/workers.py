"""Processes that make the chunks of a seed, one chunk at a time each.

Each has a pipe of its own: when the seeding process dies, however it dies, its workers read the end of their
pipes and end as well.
"""

import asyncio
import contextlib
import multiprocessing
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from backend.club_seed import chunks
from backend.club_seed.chunks import ChunkRows
from backend.club_seed.world import World
from backend.infra import sealing

WORKERS = 2
CHUNKS_HERE = 8  # so many are made sooner than a worker process has started
_CHUNKS_AHEAD = WORKERS + 1
_JOIN_SECONDS = 5


class WorkerLost(RuntimeError):
    """A worker process ended in the middle; its own words stand on standard error."""


@asynccontextmanager
async def made(
    world: World, *, prepare: Callable[[], None]
) -> AsyncIterator[AsyncGenerator[ChunkRows, None]]:
    """The chunks in their order, made by workers that have called `prepare`, which must set up sealing.

    `prepare` is called by a fresh process, so it must be found there by its name. A few chunks are made
    in this process. Raises WorkerLost.
    """
    if world.chunks <= CHUNKS_HERE:
        yield _here(world)
        return
    started = await asyncio.to_thread(lambda: [_start(world, prepare) for _ in range(WORKERS)])
    chunk_rows = _there(world, [pipe for _, pipe in started])
    try:
        yield chunk_rows
    finally:
        await chunk_rows.aclose()
        for _, pipe in started:
            pipe.close()
        for process, _ in started:
            await asyncio.to_thread(_end, process)


async def _here(world: World) -> AsyncGenerator[ChunkRows, None]:
    for chunk in range(world.chunks):
        yield await asyncio.to_thread(chunks.rows_of, world, chunk, sealing.current())


async def _there(world: World, pipes: list[Connection]) -> AsyncGenerator[ChunkRows, None]:
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for pipe in pipes:
        idle.put_nowait(pipe)
    under_way: list[asyncio.Task[ChunkRows]] = []
    try:
        for chunk in range(world.chunks):
            under_way.append(asyncio.create_task(_make(idle, chunk)))
            if len(under_way) > _CHUNKS_AHEAD:
                yield await under_way.pop(0)
        while under_way:
            yield await under_way.pop(0)
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _make(idle: asyncio.Queue[Connection], chunk: int) -> ChunkRows:
    pipe = await idle.get()
    try:
        return await asyncio.to_thread(_exchange, pipe, chunk)
    finally:
        idle.put_nowait(pipe)


def _exchange(pipe: Connection, chunk: int) -> ChunkRows:
    try:
        pipe.send(chunk)
        answer = pipe.recv()
    except (EOFError, OSError) as error:
        raise WorkerLost from error
    assert isinstance(answer, ChunkRows)  # noqa: S101 - what `_work` sends
    return answer


def _start(world: World, prepare: Callable[[], None]) -> tuple[SpawnProcess, Connection]:
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(
        target=_work, args=(theirs, world, prepare), name="seed-worker", daemon=True
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


def _work(pipe: Connection, world: World, prepare: Callable[[], None]) -> None:
    """Be a worker, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the seeding process ends us
    prepare()
    sealer = sealing.current()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(chunks.rows_of(world, pipe.recv(), sealer))
