"""`bashgah`: everything that is done from a shell."""

import asyncio
import sys
from collections.abc import Coroutine
from difflib import unified_diff
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
import uvloop
from rich.console import Console
from rich.markup import escape

from backend import app as application
from backend import data_commands, demo, doctor, worker
from backend import settings as configuration
from backend.infra import migrations, telemetry
from backend.settings import Settings
from schema import root

SCHEMA_FILE = Path(root.__file__).with_name("schema.graphql")

T = TypeVar("T")
console = Console()
complaints = Console(stderr=True)

cli = typer.Typer(
    name="bashgah",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="The customer club's backend. Begin with [bold]bashgah demo[/]: it runs everything on this machine.\n\n"
    "Every setting is an environment variable BASHGAH_…; the README lists them. When something does not work, "
    "[bold]bashgah doctor[/] says what is wrong and what to do.",
)
schema_cli = typer.Typer(no_args_is_help=True, help="The GraphQL schema as a file.")
cli.add_typer(schema_cli, name="schema", rich_help_panel="Developing")


@cli.command("demo", rich_help_panel="Running")
def run_demo(
    port: Annotated[int | None, typer.Option(help="The API's port; else BASHGAH_PORT.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where everything is kept; else BASHGAH_DATA_DIR.")
    ] = None,
) -> None:
    """Run the whole system with demo data: PostgreSQL, Valkey, API and worker. Ctrl-C stops it."""
    given = {"port": port, "data_dir": data_dir}
    settings = _settings(**{name: value for name, value in given.items() if value is not None})
    if settings.is_production:
        _refuse("The demo runs on embedded servers, which BASHGAH_ENV=production refuses.")
    telemetry.configure_logging(level="WARNING", json=False)
    raise typer.Exit(
        demo.run_demo(
            demo.DemoSettings(
                data_dir=settings.data_dir,
                host=settings.host,
                port=settings.port,
                environment={"BASHGAH_EMBEDDED": "true"},
            ),
            console,
        )
    )


@cli.command(rich_help_panel="Running")
def serve(
    port: Annotated[int | None, typer.Option(help="0 takes a free one; else BASHGAH_PORT.")] = None,
) -> None:
    """Run one API process. Start one for each core, behind a balancer."""
    settings = _ready_settings(**({} if port is None else {"port": port}))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(application.serve(settings))


@cli.command("worker", rich_help_panel="Running")
def run_worker() -> None:
    """Run one job worker: queued work and schedules. Any number may run."""
    asyncio.run(worker.main(_ready_settings()))


@cli.command(rich_help_panel="Database")
def migrate(
    check: Annotated[
        bool,
        typer.Option("--check", help="Only compare models with migrations; needs no database."),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the migrations that the models ask for.")
    ] = False,
) -> None:
    """Bring the database up to date. Any number may try at once: one does it, the others wait."""
    if check or write:
        _compare_models(write=write)
        return
    settings = _ready_settings()
    applied = _run(migrations.migrate(settings.database_url, report=_tell_applied))
    console.print(f"{len(applied)} migrations applied." if applied else "Nothing to apply.")


@cli.command("doctor", rich_help_panel="Running")
def run_doctor() -> None:
    """Check settings, database, extensions and locale, cache and clock; say what to do."""
    settings = _settings()
    telemetry.configure_logging(level="ERROR", json=False)
    raise typer.Exit(0 if _run(doctor.examine(settings, console)) else 1)


@schema_cli.command("export")
def export_schema(
    path: Annotated[Path, typer.Option(help="The file to write.")] = SCHEMA_FILE,
) -> None:
    """Write the schema in SDL, as it is committed."""
    path.write_text(root.sdl(), encoding="utf-8")
    console.print(f"Wrote {path}.")


@schema_cli.command("check")
def check_schema() -> None:
    """Compare the committed schema.graphql with the code; fail where they differ."""
    committed = SCHEMA_FILE.read_text(encoding="utf-8") if SCHEMA_FILE.exists() else ""
    difference = list(
        unified_diff(
            committed.splitlines(), root.sdl().splitlines(), "schema.graphql", "code", lineterm=""
        )
    )
    if difference:
        console.print("\n".join(difference), markup=False, highlight=False)
        _refuse("schema.graphql is not what the code says. Run `make schema` and commit it.")
    console.print("schema.graphql is what the code says.")


def main() -> None:
    """The entry point `bashgah`."""
    data_commands.add_to(cli, settings=_ready_settings, console=console)
    cli()


def _settings(**overrides: object) -> Settings:
    try:
        return configuration.load(**overrides)
    except configuration.SettingsInvalid as error:
        _refuse(str(error))


def _ready_settings(**overrides: object) -> Settings:
    """Settings of a process that needs the database; logging is set up."""
    settings = _settings(**overrides)
    if not settings.database_url:
        _refuse(
            "BASHGAH_DATABASE_URL is not set. Set it, or run `bashgah demo`, which brings its own servers."
        )
    telemetry.configure_logging(level=settings.log_level, json=settings.logs_json)
    return settings


def _compare_models(*, write: bool) -> None:
    if write:
        for path in _run(migrations.write_changes()):
            console.print(f"Wrote {path}. Read it before you commit it.")
        return
    changes = _run(migrations.model_changes())
    if changes:
        console.print("\n".join(changes), markup=False, highlight=False)
        _refuse("Models and migrations differ. Run `bashgah migrate --write`.")
    console.print("Models and migrations agree.")


def _tell_applied(name: str) -> None:
    console.print(f"applied {name}")


def _run(work: Coroutine[object, object, T]) -> T:
    return asyncio.run(work)


def _refuse(text: str) -> NoReturn:
    complaints.print(f"[bold red]✗[/] {escape(text)}")
    sys.exit(2)


if __name__ == "__main__":
    main()
