"""Stand-ins for the API, the worker and the seed: `python -m tests.support.tiny_services api|worker|seed [OPTION …]`.

The API answers /readyz and everything else with its pid, and leaves a mark in the database when asked to end.
"""

import asyncio
import http.server
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

import asyncpg


async def leave_mark(who: str) -> None:
    connection = await asyncpg.connect(os.environ["BASHGAH_DATABASE_URL"])
    await connection.execute("INSERT INTO marks VALUES ($1)", who)
    await connection.close()


class Answers(http.server.BaseHTTPRequestHandler):
    """200 with this process's pid, whatever is asked."""

    def do_GET(self) -> None:
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


def api(*options: str) -> int:
    if "broken-api" in options:
        sys.exit("no api")
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in options else _end)
    address = (os.environ["BASHGAH_HOST"], int(os.environ["BASHGAH_PORT"]))
    with http.server.ThreadingHTTPServer(address, Answers) as server:
        server.serve_forever()
    return 0


def _end(_number: int, _frame: FrameType | None) -> None:
    finished = threading.Thread(target=lambda: asyncio.run(leave_mark("api ended")))
    finished.start()
    finished.join()
    sys.exit(0)


def worker() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.pause()
    return 0


def seed(*options: str) -> int:
    if "broken-seed" in options:
        sys.exit("the seed is broken")
    asyncio.run(leave_mark(f"seeded, {os.environ['TINY']}"))
    return 0


COMMANDS: dict[str, Callable[..., int]] = {"api": api, "worker": worker, "seed": seed}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
