"""`bashgah worker`"""

import asyncio

import uvloop

from backend import worker
from backend.commands import shell
from backend.infra.sms.template import TemplateInvalid


def run() -> None:
    """Run one job worker: queued work and schedules. Any number may run."""
    settings = shell.ready_settings()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(worker.main(settings))
        except TemplateInvalid as error:
            shell.refuse(f"BASHGAH_SMS_… or BASHGAH_OWNER_CHECK_…: {error}")
