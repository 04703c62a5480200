"""`bashgah reindex`"""

import typer

from backend.commands import shell
from backend.core import viewer
from backend.stores import reindexing

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Make anew what searches look in."
)


@cli.callback()
def _reindex() -> None:
    """Make anew what searches look in."""


@cli.command("stores")
def reindex_stores() -> None:
    """Make what places are found and ordered by anew, after the rules of folding text have changed.

    Safe while the system runs; what was interrupted is simply run again.
    """

    async def work(progress: shell.Report) -> reindexing.ReindexOutcome:
        return await reindexing.reindex_stores(viewer=viewer.SYSTEM, progress=progress)

    outcome = shell.run_with_progress("places", work)
    shell.console.print(
        f"{outcome.places} places: {outcome.changed} changed, the others as they were."
    )
