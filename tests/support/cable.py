"""A cable to a PostgreSQL server on a Unix socket: it can be cut, and mended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from tests.support.servers import short_folder

_SOCKET = ".s.PGSQL.5432"


class Cable:
    """What goes in at `url` comes out at the server, both ways, as long as the cable is whole."""

    def __init__(self, server_url: str, folder: Path) -> None:
        parts = urlsplit(server_url)
        [sockets] = parse_qs(parts.query)["host"]
        self.url = (
            f"{parts.scheme}://{parts.netloc}{parts.path}?host={quote(str(folder))}&port=5432"
        )
        self._server_socket = Path(sockets) / _SOCKET
        self._socket = folder / _SOCKET
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_unix_server(self._connected, self._socket)
        self._socket.chmod(0o777)

    async def cut(self) -> None:
        """End every connection, and let none through."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._socket.unlink(missing_ok=True)
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._server_socket)
        self._writers |= {writer, back}
        try:
            await asyncio.gather(_pour(reader, back), _pour(there, writer))
        finally:
            self._writers -= {writer, back}
            writer.transport.abort()
            back.transport.abort()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@contextlib.asynccontextmanager
async def laid(server_url: str) -> AsyncIterator[Cable]:
    """A whole cable to a server of the tests, until the block ends."""
    with short_folder() as folder:
        cable = Cable(server_url, folder)
        await cable.mend()
        try:
            yield cable
        finally:
            await cable.cut()
