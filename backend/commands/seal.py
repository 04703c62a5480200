"""`bashgah seal`"""

import typer

from backend.access import resealing as operator_seals
from backend.commands import shell
from backend.core import viewer
from backend.members import resealing

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Renew what lies sealed.")


@cli.callback()
def _seal() -> None:
    """Renew what lies sealed."""


@cli.command("renew")
def renew() -> None:
    """Seal members' numbers and operators' secrets anew by the current key, where another key has sealed them.

    Safe while the system runs; what was interrupted is simply run again. Ends with 1 where something does not open.
    """

    async def work(progress: shell.Report) -> resealing.RenewOutcome:
        return await resealing.renew_seals(viewer=viewer.SYSTEM, progress=progress)

    async def of_operators(_progress: shell.Report) -> int:
        return await operator_seals.renew_seals(viewer=viewer.SYSTEM)

    outcome = shell.run_with_progress("members", work)
    operators = shell.run_with_progress("operators", of_operators)
    shell.console.print(
        f"{outcome.renewed} members sealed anew, {outcome.broken} with a seal that does not open.\n"
        f"{operators} operators sealed anew.\n"
        "`bashgah doctor` counts what each key has sealed."
    )
    if outcome.broken:
        raise typer.Exit(1)
