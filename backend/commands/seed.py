"""`bashgah seed`"""

from contextlib import suppress
from typing import Annotated

import typer

from backend import demo_files, demo_staff
from backend.audit import chaining, chaining_reads
from backend.club_seed import demo as demo_seed
from backend.club_seed import filling
from backend.club_seed.filling import Outcome
from backend.commands import shell
from backend.commands.sealing_setup import configure_sealing
from backend.core import clock, viewer
from backend.infra.signing import SigningKeyError
from backend.stores import seeding

_GIGABYTE = 1_000_000_000


def run(  # noqa: PLR0917 - one a command-line option
    stores: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many stores.")] = 1_500,
    members: Annotated[
        int,
        typer.Option(min=0, max=filling.MAX_MEMBERS, help="How many members; 0 leaves them out."),
    ] = 0,
    purchases: Annotated[
        int, typer.Option(min=0, max=filling.MAX_PURCHASES, help="How many purchases they made.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="The same number makes the same data.")] = 1,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="What `bashgah demo` loads: places of every kind, members."),
    ] = False,
    categories: Annotated[
        bool,
        typer.Option("--categories", help="Only the list of categories; for real databases too."),
    ] = False,
) -> None:
    """Fill the database with made-up but plausible places and members; the same again changes nothing.

    It refuses a database that holds stores or members of another origin.
    """
    if categories:
        _save_categories()
        return
    if purchases and not members:
        shell.refuse("--purchases needs --members: somebody must have made them.")
    _seed_places(stores=stores, seed=seed, demo=demo)
    if demo:
        _tell(shell.run_with_steps(_seed_demo, as_owner=True))
    elif members:
        _tell(
            shell.run_with_steps(
                lambda report: _seed_members(members, purchases, seed, report), as_owner=True
            )
        )


def _seed_places(*, stores: int, seed: int, demo: bool) -> None:
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


async def _seed_members(
    members: int, purchases: int, seed: int, report: shell.StepReport
) -> Outcome:
    needed, free = await filling.check_disk(members_count=members, purchases_count=purchases)
    known = "the database's disk is not ours to see" if free is None else f"{_gigabytes(free)} free"
    shell.console.print(f"About {_gigabytes(needed)} of disk are needed; {known}.")
    outcome = await filling.seed_members(
        viewer=viewer.SYSTEM,
        members_count=members,
        purchases_count=purchases,
        seed=seed,
        prepare=configure_sealing,
        progress=report,
    )
    await _seal_reads()
    return outcome


async def _seal_reads() -> None:
    """Seal the reads that were made up for months ago: left to a worker they would be told of as late.

    A process that may not sign leaves their seal to the next worker, which chains it within a minute.
    """
    await chaining_reads.seal_reads()
    with suppress(SigningKeyError):
        await chaining.seal()


async def _seed_demo(report: shell.StepReport) -> Outcome:
    outcome = await demo_seed.seed_demo(
        viewer=viewer.SYSTEM, prepare=configure_sealing, progress=report
    )
    await _seal_reads()
    data_dir = shell.settings().data_dir
    guest = await demo_seed.guest(viewer=viewer.SYSTEM)
    if outcome.members or demo_files.find_member(data_dir) is None:
        demo_files.write_member(
            data_dir, national_code=guest.national_code, phone=guest.phone or ""
        )
    if shell.settings().embedded:  # secrets that lie in a file are for a demo alone
        await demo_staff.seed(data_dir, association_code=guest.association_code)
    return outcome


def _tell(outcome: Outcome) -> None:
    if not outcome.members:
        shell.console.print("The members were there already; nothing was written.")
        return
    rows = outcome.members + outcome.purchases + outcome.instalments + outcome.transfers
    shell.console.print(
        f"{outcome.members} members, {outcome.purchases} purchases, {outcome.instalments} instalments and "
        f"{outcome.transfers} movements in {outcome.seconds:.1f} s: {rows / outcome.seconds:,.0f} rows/s."
    )
    for step, seconds in outcome.steps:
        shell.console.print(f"  {step:<26}{seconds:8.1f} s")


def _gigabytes(size: int) -> str:
    return f"{size / _GIGABYTE:.1f} GB"


def _save_categories() -> None:
    async def work(_: shell.Report) -> int:
        return await seeding.save_standard_categories(viewer=viewer.SYSTEM)

    written = shell.run_with_progress("categories", work)
    shell.console.print(f"{written} categories written.")
