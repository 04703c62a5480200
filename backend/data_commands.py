"""The commands of `bashgah` that bring data in and out: seed, import, export."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from backend.core import clock, viewer
from backend.core.errors import DomainError
from backend.core.locale import Locale
from backend.infra import cache, db, sealing
from backend.settings import Settings
from backend.stores import exporting, importing, seeding

REPORT_EVERY = 5_000

T = TypeVar("T")


def add_to(cli: typer.Typer, *, settings: Callable[[], Settings], console: Console) -> None:
    """Add the commands; `settings` is called when one runs."""
    import_cli = typer.Typer(no_args_is_help=True, help="Bring a file's rows into the database.")
    export_cli = typer.Typer(no_args_is_help=True, help="Write the database's rows to a file.")
    cli.add_typer(import_cli, name="import", rich_help_panel="Data")
    cli.add_typer(export_cli, name="export", rich_help_panel="Data")

    @cli.command(rich_help_panel="Data")
    def seed(
        stores: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many stores.")] = 1_500,
        seed: Annotated[
            int, typer.Option("--seed", help="The same number makes the same stores.")
        ] = 1,
        demo: Annotated[
            bool, typer.Option("--demo", help="What `bashgah demo` loads: places of every kind.")
        ] = False,
    ) -> None:
        """Fill the database with made-up but plausible places; the same again changes nothing.

        It refuses a database that holds stores of another origin.
        """

        async def work(progress: Callable[[int], None]) -> seeding.SeedOutcome:
            today = clock.today()
            if demo:
                return await seeding.seed_demo(viewer=viewer.SYSTEM, today=today, progress=progress)
            return await seeding.seed_stores(
                viewer=viewer.SYSTEM, count=stores, seed=seed, today=today, progress=progress
            )

        outcome = _run(settings(), console, "places", work)
        console.print(
            f"{outcome.created} created, {outcome.changed} changed, {outcome.unchanged} as they were."
        )

    @import_cli.command("stores")
    def import_stores(
        path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX.")],
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Check everything, change nothing.")
        ] = False,
        report: Annotated[
            Path | None, typer.Option(help="Where the report goes; else beside the file.")
        ] = None,
    ) -> None:
        """Insert or update stores by their code; rows that are not valid are reported and left out.

        The columns are described in docs/stores-file.md.
        """

        async def work(progress: Callable[[int], None]) -> importing.ImportOutcome:
            return await importing.import_stores(
                viewer=viewer.SYSTEM,
                path=path,
                dry_run=dry_run,
                report_path=report,
                progress=progress,
            )

        outcome = _run(settings(), console, "rows", work)
        would = "would be " if dry_run else ""
        console.print(
            f"{outcome.rows} rows: {outcome.created} {would}created, {outcome.changed} {would}changed, "
            f"{outcome.unchanged} as they were, {outcome.invalid} not valid.\nReport: {outcome.report_path}"
        )
        if outcome.invalid:
            raise typer.Exit(1)

    @export_cli.command("stores")
    def export_stores(
        path: Annotated[Path, typer.Argument(dir_okay=False, help="CSV or XLSX, by its ending.")],
        with_settlement: Annotated[
            bool, typer.Option("--with-settlement", help="With IBAN and contract, unsealed.")
        ] = False,
    ) -> None:
        """Write all places in the form that `import stores` reads."""

        async def work(_: Callable[[int], None]) -> int:
            return await exporting.export_stores(
                viewer=viewer.SYSTEM, path=path, with_settlement=with_settlement
            )

        count = _run(settings(), console, "rows", work)
        console.print(f"{count} places written to {path}.")


def _run(
    settings: Settings,
    console: Console,
    unit: str,
    work: Callable[[Callable[[int], None]], Awaitable[T]],
) -> T:
    """Run `work` on the database, telling its progress: a bar on a terminal, plain lines elsewhere."""

    async def connected() -> T:
        async with _adapters(settings):
            with _progress(console, unit) as report:
                return await work(report)

    try:
        return asyncio.run(connected())
    except DomainError as error:
        console.print(f"✗ {error.message(Locale.FA)}\n  {error.hint(Locale.FA)}", markup=False)
        console.print(f"  {error.message(Locale.EN)} {error.hint(Locale.EN)}", markup=False)
        raise typer.Exit(2) from None


@asynccontextmanager
async def _adapters(settings: Settings) -> AsyncIterator[None]:
    sealing.configure(settings.sealer())
    await db.connect(settings.database_url, pool_max=4, statement_timeout_ms=600_000)
    await cache.connect(settings.cache_url, timeout_ms=settings.cache_timeout_ms)
    try:
        yield
    finally:
        await cache.close()
        await db.close()


class _progress:  # noqa: N801 - reads as the function that it is
    """Where progress goes; called with the total done so far."""

    def __init__(self, console: Console, unit: str) -> None:
        self._console = console
        self._unit = unit
        self._told = 0
        self._bar: Progress | None = None

    def __enter__(self) -> Callable[[int], None]:
        if not self._console.is_terminal:
            return self._tell
        self._bar = Progress(
            TextColumn(self._unit),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._bar.start()
        task = self._bar.add_task(self._unit, total=None)
        bar = self._bar
        return lambda done: bar.update(task, completed=done)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _tell(self, done: int) -> None:
        if done - self._told >= REPORT_EVERY:
            self._told = done
            self._console.print(f"{done} {self._unit} …")
