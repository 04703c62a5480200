"""Another API process over the same database and cache, at the noon of the member's scene.

`python -m tests.support.other_process DATABASE_URL CACHE_URL` answers each line of its input, a list of document,
variables and headers, by a line of its output.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from backend.core import clock
from backend.infra import cache, db, sealing
from backend.settings import Settings
from tests.conftest import PATIENCE_MS
from tests.support import access, api
from tests.support.api import Api
from tests.support.member_scene import NOON

_ANSWER = b"answer: "  # other lines of the output are the process's log
_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class OtherProcess:
    """A running one."""

    process: asyncio.subprocess.Process

    async def ask(
        self, document: str, variables: Mapping[str, object] | None = None, **headers: str
    ) -> object:
        """The data of a faultless answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(orjson.dumps([document, variables, headers]) + b"\n")
        content = await self._read()
        assert "errors" not in content, content
        return content["data"]

    async def _read(self) -> dict[str, object]:
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while line := await self.process.stdout.readline():
                if line.startswith(_ANSWER):
                    found = orjson.loads(line.removeprefix(_ANSWER))
                    assert isinstance(found, dict)
                    return found
        raise EOFError


@asynccontextmanager
async def running(database_url: str, cache_url: str) -> AsyncIterator[OtherProcess]:
    """One that is ready, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, database_url, cache_url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LIMIT,
    )
    other = OtherProcess(process)
    try:
        await other.ask("{ __typename }")
        yield other
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _serve(database_url: str, cache_url: str) -> None:
    await db.connect(database_url, pool_max=4)
    await cache.connect(cache_url, timeout_ms=PATIENCE_MS)
    async with api.serving() as client:
        access.configure_keys()
        sealing.configure(Settings().sealer())
        with clock.frozen(NOON):
            while line := await asyncio.to_thread(sys.stdin.buffer.readline):
                await _answer(client, *orjson.loads(line))
    await cache.close()
    await db.close()


async def _answer(
    client: Api, document: str, variables: Mapping[str, object] | None, headers: dict[str, str]
) -> None:
    answer = await client.ask(document, variables, **headers)
    sys.stdout.buffer.write(_ANSWER + answer.content + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
