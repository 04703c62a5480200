"""`bashgah doctor`"""

import asyncio

import typer

from backend import doctor
from backend.commands import shell
from backend.infra import telemetry


def run() -> None:
    """Check settings, database, extensions and locale, cache and clock; say what to do."""
    settings = shell.settings()
    telemetry.configure_logging(level="ERROR", json=False)
    raise typer.Exit(0 if asyncio.run(doctor.examine(settings, shell.console)) else 1)
