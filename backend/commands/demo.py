"""`bashgah demo`"""

from pathlib import Path
from typing import Annotated

import typer

from backend import demo
from backend.commands import shell
from backend.demo_processes import DemoSettings
from backend.infra import telemetry


def run(
    port: Annotated[
        int | None, typer.Option(help="The API's port, 0 takes a free one; else BASHGAH_PORT.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where everything is kept; else BASHGAH_DATA_DIR.")
    ] = None,
) -> None:
    """Run the whole system with demo data: PostgreSQL, Valkey, API and worker. Ctrl-C stops it."""
    given = {"port": port, "data_dir": data_dir}
    settings = shell.settings(**{key: value for key, value in given.items() if value is not None})
    if settings.is_production:
        shell.refuse("The demo runs on embedded servers, which BASHGAH_ENV=production refuses.")
    telemetry.configure_logging(level="WARNING", json=False)
    raise typer.Exit(
        demo.run_demo(
            DemoSettings(
                data_dir=settings.data_dir,
                host=settings.host,
                port=settings.port,
                environment={"BASHGAH_EMBEDDED": "true"},
            ),
            shell.console,
        )
    )
