"""`make bench`: python -m benchmarks run | drop"""

import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from benchmarks import data, measuring, report
from benchmarks.data import Size
from benchmarks.measuring import Options
from benchmarks.refusals import Refused
from benchmarks.screens import SCREENS
from benchmarks.variants import Variant

REFUSED = 2
_GIGABYTE = 1_000_000_000
WIDTH = 136

# The tables need room, also where no terminal tells its width.
console = Console(width=max(WIDTH, Console().width))
complaints = Console(stderr=True)
main = typer.Typer(
    help="How fast this server answers the app's screens, beside floors and ceilings of the same machine and "
    "hour. Ratios tell more than figures: machines are noisy.",
    no_args_is_help=True,
    add_completion=False,
)


@main.command()
def run(  # noqa: PLR0917 - one a command-line option
    members: Annotated[int, typer.Option(min=1, help="How many members; made up once.")] = 200_000,
    purchases: Annotated[int, typer.Option(min=1, help="How many purchases.")] = 2_000_000,
    stores: Annotated[int, typer.Option(min=1, help="How many stores.")] = 15_000,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="A folder of embedded servers with members in it; else .data/bench-MEMBERS.",
        ),
    ] = None,
    screens: Annotated[
        str, typer.Option(help=f"Some of {','.join(SCREENS)}, with commas; all by default.")
    ] = ",".join(SCREENS),
    variants: Annotated[
        str,
        typer.Option(
            help="a: this server; b: its reference executor; c: bare ASGI, one hand-written statement a "
            "request; d: bare ASGI, constant bytes; e: pgbench, one request a statement; e16: sixteen."
        ),
    ] = ",".join(measuring.known_variants()),
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured, in turn.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, help="How long each time.")] = 5,
    warm_up: Annotated[
        int, typer.Option(min=0, help="Seconds before, in which every answer is looked at.")
    ] = 1,
    json: Annotated[Path | None, typer.Option(help="Write all figures to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Add the tables to this file.")] = None,
) -> None:
    """Measure. All variants must give the same answers first; a refusal or an error ends the run."""
    options = Options(
        size=Size(members, purchases, stores),
        folder=folder,
        screens=[SCREENS[name] for name in _chosen(screens, list(SCREENS))],
        variants=[Variant(name) for name in _chosen(variants, list(Variant))],
        rounds=rounds,
        seconds=seconds,
        warm_up_seconds=warm_up,
    )
    for number in (signal.SIGTERM, signal.SIGHUP):  # stop the servers in order, as for Ctrl-C
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        outcome = measuring.measure(options, lambda text: console.print(text, style="dim"))
    except Refused as error:
        _refuse(str(error))
    report.show(console, options, outcome)
    if json is not None:
        json.write_bytes(report.json(options, outcome))
    if markdown is not None:
        report.append(markdown, report.markdown(options, outcome))
    console.print(
        f"The data stay for the next run: {outcome.disk_bytes / _GIGABYTE:.1f} GB. "
        f"`make bench-drop MEMBERS={members}` deletes them.",
        style="dim",
    )


@main.command()
def drop(
    members: Annotated[int, typer.Option(min=1, help="The data of so many members.")] = 200_000,
    folder: Annotated[Path | None, typer.Option("--data", help="Or those in this folder.")] = None,
) -> None:
    """Delete the data that runs have left."""
    try:
        console.print(f"Deleted: {data.drop(folder, Size(members))}")
    except Refused as error:
        _refuse(str(error))


def _chosen(written: str, known: list[str]) -> list[str]:
    names = [name.strip() for name in written.replace(",", " ").split()]
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        _refuse(
            f"{', '.join(unknown) or 'Nothing'} can't be measured; choose of {', '.join(known)}."
        )
    return names


def _refuse(text: str) -> NoReturn:
    complaints.print(f"[bold red]✗[/] {escape(text)}")
    sys.exit(REFUSED)


if __name__ == "__main__":
    main()
