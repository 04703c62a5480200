"""A real server on a free port and a real Chromium for the browser tests."""

import asyncio
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / "node_modules"
NAMES = ("chromium", "chromium-browser", "google-chrome")


class BrowserMissingError(Exception):
    """Node or Chromium is not installed; the text says what installs it."""


class ScriptFailedError(Exception):
    """A browser script ended with an error; the text is what it wrote."""


def chromium() -> str:
    """The path of the browser: $CHROMIUM, else the first of the usual names on PATH."""
    wanted = os.environ.get("CHROMIUM")
    for name in (wanted,) if wanted else NAMES:
        if path := shutil.which(name):
            return path
    raise BrowserMissingError("no Chromium found: `make browser`, or set CHROMIUM to its path")


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serves `app` on a free port of 127.0.0.1 and gives its origin, without a slash at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # The socket listens already: a request made before the server runs waits in its queue.
        config = uvicorn.Config(
            app, lifespan="off", ws="none", log_level="warning", timeout_graceful_shutdown=5
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def drive(script: Path, *, timeout_seconds: float = 60, **arguments: str) -> object:
    """Runs a Node script that drives Chromium and gives the JSON that it printed.

    The script gets one argument: a JSON object of `arguments` and `chromium`, the browser's path.
    """
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "playwright-core").is_dir():
        raise BrowserMissingError("the browser tests need Node 20 or later and `make npm`")
    process = await asyncio.create_subprocess_exec(
        node,
        str(script),
        json.dumps({**arguments, "chromium": chromium()}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_seconds):
            printed, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode != 0:
        raise ScriptFailedError(complaints.decode())
    seen: object = json.loads(printed)
    return seen
