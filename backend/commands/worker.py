"""`bashgah worker`"""

import asyncio

import uvloop

from backend import worker
from backend.commands import shell


def run() -> None:
    """Run one job worker: queued work and schedules. Any number may run."""
    settings = shell.ready_settings()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(worker.main(settings))
