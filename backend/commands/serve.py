"""`bashgah serve`"""

import asyncio
from typing import Annotated

import typer
import uvloop

from backend import app
from backend.commands import shell


def run(
    port: Annotated[int | None, typer.Option(help="0 takes a free one; else BASHGAH_PORT.")] = None,
) -> None:
    """Run one API process. Start one for each core, behind a balancer."""
    settings = shell.ready_settings(**({} if port is None else {"port": port}))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(shell.check_reachable(settings.database_url))
        runner.run(app.serve(settings))
