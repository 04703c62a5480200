"""`bashgah seal`"""

from collections.abc import Awaitable, Callable

import typer

from backend.access import resealing as access_seals
from backend.approvals import resealing as approval_seals
from backend.commands import shell
from backend.core import viewer
from backend.imports import resealing as import_seals
from backend.infra.resealing import Renewed
from backend.members import resealing
from backend.stores import resealing as store_seals

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Renew what lies sealed.")


@cli.callback()
def _seal() -> None:
    """Renew what lies sealed."""


@cli.command("renew")
def renew() -> None:
    """Seal all that lies sealed anew by the current key, where another key has sealed it.

    Members' numbers, operators' secrets, open approvals, settlements, push tokens, the files of imports. Safe while
    the system runs; what was interrupted is simply run again. Ends with 1 where something does not open.
    """

    async def work(progress: shell.Report) -> resealing.RenewOutcome:
        return await resealing.renew_seals(viewer=viewer.SYSTEM, progress=progress)

    async def of_operators(_progress: shell.Report) -> int:
        return await access_seals.renew_seals(viewer=viewer.SYSTEM)

    outcome = shell.run_with_progress("members", work)
    operators = shell.run_with_progress("operators", of_operators)
    shell.console.print(
        f"{outcome.renewed} members sealed anew, {outcome.broken} with a seal that does not open.\n"
        f"{operators} operators sealed anew."
    )
    others = (
        _renewed("approvals", approval_seals.renew_seals),
        _renewed("settlements", store_seals.renew_seals),
        _renewed("push tokens", access_seals.renew_push_tokens),
        _renewed("parts of imports", import_seals.renew_seals),
    )
    shell.console.print("`bashgah doctor` counts what each key has sealed.")
    if outcome.broken or any(each.broken for each in others):
        raise typer.Exit(1)


def _renewed(what: str, renew_seals: Callable[..., Awaitable[Renewed]]) -> Renewed:
    async def work(_progress: shell.Report) -> Renewed:
        return await renew_seals(viewer=viewer.SYSTEM)

    found = shell.run_with_progress(what, work)
    shell.console.print(
        f"{found.renewed} {what} sealed anew, {found.broken} with a seal that does not open."
    )
    return found
