"""`bashgah seed`"""

from typing import Annotated

import typer

from backend.commands import shell
from backend.core import clock, viewer
from backend.stores import seeding


def run(
    stores: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many stores.")] = 1_500,
    seed: Annotated[int, typer.Option("--seed", help="The same number makes the same stores.")] = 1,
    demo: Annotated[
        bool, typer.Option("--demo", help="What `bashgah demo` loads: places of every kind.")
    ] = False,
    categories: Annotated[
        bool,
        typer.Option("--categories", help="Only the list of categories; for real databases too."),
    ] = False,
) -> None:
    """Fill the database with made-up but plausible places; the same again changes nothing.

    It refuses a database that holds stores of another origin.
    """
    if categories:
        _save_categories()
        return

    async def work(progress: shell.Report) -> seeding.SeedOutcome:
        today = clock.today()
        if demo:
            return await seeding.seed_demo(viewer=viewer.SYSTEM, today=today, progress=progress)
        return await seeding.seed_stores(
            viewer=viewer.SYSTEM, count=stores, seed=seed, today=today, progress=progress
        )

    outcome = shell.run_with_progress("places", work)
    shell.console.print(
        f"{outcome.created} created, {outcome.changed} changed, {outcome.unchanged} as they were."
    )


def _save_categories() -> None:
    async def work(_: shell.Report) -> int:
        return await seeding.save_standard_categories(viewer=viewer.SYSTEM)

    written = shell.run_with_progress("categories", work)
    shell.console.print(f"{written} categories written.")
