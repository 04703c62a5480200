"""`bashgah import` and `bashgah export`"""

from pathlib import Path
from typing import Annotated

import typer

from backend.commands import sealing_setup, shell
from backend.core import calendar, viewer
from backend.members import importing as members
from backend.stores import exporting, importing

NEEDS_DECISION = 3

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

    How a store is paid is written where nothing is stored yet, and never changed: that is asked for by
    storeIbanChange. A mobile number that a store loses is told by SMS. The columns are described in
    docs/stores-file.md. Ends with 1 where rows were not valid.
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
        f"{outcome.invalid} not valid, {outcome.warnings} warnings.\nReport: {outcome.report_path}"
    )
    if outcome.invalid:
        raise typer.Exit(1)


@import_cli.command("members")
def import_members(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV.")],
    *,
    month: Annotated[
        str | None, typer.Option(help="The file's month, such as 1405-09; else the present one.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, change nothing.")
    ] = False,
    accept_unusual: Annotated[
        bool,
        typer.Option(
            "--accept-unusual", help="Go on with a file that stopped; needs --accepted-by."
        ),
    ] = False,
    accepted_by: Annotated[
        str | None, typer.Option(help="Who looked at the report and lets the file pass; kept.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where the report goes; else beside the file.")
    ] = None,
) -> None:
    """Make the members what the monthly membership file says; what was interrupted goes on.

    The columns are described in docs/membership-file.md. Ends with 1 where rows were not valid, and
    with 3 where nothing was changed because somebody has to decide.
    """

    if accept_unusual != (accepted_by is not None):
        shell.refuse("--accept-unusual and --accepted-by NAME go together: who accepts is kept.")
    pattern = shell.settings().pension_number_pattern

    async def work(progress: shell.Report) -> members.MembershipOutcome:
        return await members.import_members(
            viewer=viewer.SYSTEM,
            path=path,
            prepare_worker=sealing_setup.configure_sealing,
            month=None if month is None else calendar.parse_month(month),
            dry_run=dry_run,
            accepted_by=accepted_by,
            report_path=report,
            progress=progress,
            pension_number_pattern=pattern,
        )

    outcome = shell.run_with_progress("rows checked, then merged", work)
    shell.console.print(_membership_text(outcome, dry_run=dry_run))
    if outcome.needs_decision:
        raise typer.Exit(NEEDS_DECISION)
    if outcome.invalid:
        raise typer.Exit(1)


def _membership_text(outcome: members.MembershipOutcome, *, dry_run: bool) -> str:
    if outcome.was_imported_before:
        return f"This file was imported before, for {calendar.format_month(outcome.month)}: nothing to do."
    would = "would be " if dry_run or outcome.needs_decision else ""
    changed = f"{outcome.created} {would}created, {outcome.changed} {would}changed"
    others = f"{outcome.unchanged} as they were, {outcome.invalid} not valid"
    lines = [
        f"{outcome.rows} rows: {changed}, {others}.",
        f"Among them {outcome.deceased} deceased and {outcome.phone_changed} with another phone.",
        f"Not in the file: {outcome.deactivated} of {outcome.active_before} active members.",
        f"Made inactive by their row: {outcome.stopped}.",
        f"Branch and association codes that are unknown, and left empty: {outcome.unknown_units}.",
        f"Phones, IBANs and cities that are not valid, and were passed over: {outcome.passed_over}.",
        f"Report: {outcome.report_path}",
    ]
    if outcome.needs_decision:
        lines.append(
            f"Too many: {', '.join(outcome.unusual)}. Nothing was changed. Look at the report; if the file "
            "is right, run the same command with --accept-unusual --accepted-by NAME."
        )
    return "\n".join(lines)


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
