"""`bashgah import` and `bashgah export`"""

from pathlib import Path
from typing import Annotated

import typer

from backend.commands import shell
from backend.core import viewer
from backend.stores import exporting, importing

import_cli = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Bring a file's rows into the database."
)
export_cli = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Write the database's rows to a file."
)


@import_cli.callback()
def _import() -> None:
    """Bring a file's rows into the database."""


@export_cli.callback()
def _export() -> None:
    """Write the database's rows to a file."""


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

    The columns are described in docs/stores-file.md. Ends with 1 where rows were not valid.
    """

    async def work(progress: shell.Report) -> importing.ImportOutcome:
        return await importing.import_stores(
            viewer=viewer.SYSTEM, path=path, dry_run=dry_run, report_path=report, progress=progress
        )

    outcome = shell.run_with_progress("rows", work)
    would = "would be " if dry_run else ""
    shell.console.print(
        f"{outcome.rows} rows: {outcome.created} {would}created, "
        f"{outcome.changed} {would}changed, {outcome.unchanged} as they were, "
        f"{outcome.invalid} not valid.\nReport: {outcome.report_path}"
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

    async def work(_: shell.Report) -> int:
        return await exporting.export_stores(
            viewer=viewer.SYSTEM, path=path, with_settlement=with_settlement
        )

    count = shell.run_with_progress("rows", work)
    shell.console.print(f"{count} places written to {path}.")
