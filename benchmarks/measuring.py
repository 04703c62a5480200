"""The run: every variant on every screen, in turn, so that what disturbs the machine disturbs all alike."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from backend.infra.embedded.servers import Servers
from backend.settings import Settings
from benchmarks import cores, data, pgbench, preparing, variants, wrk
from benchmarks.data import Size
from benchmarks.figures import Figures, Sample
from benchmarks.preparing import Prepared
from benchmarks.refusals import Refused
from benchmarks.screens import SCREENS, Screen
from benchmarks.variants import Server, Variant

_WARM_UP_SCREEN: Final = SCREENS["Typename"]
_TOKENS_SECONDS: Final = 4  # each token is seen once, and its signature is remembered
# How far a measured run's mean answer may be from that of the run in which each answer was looked at: little
# where both went through the whole list of requests, more where one saw a part of it.
_SIZE_TOLERANCE, _SIZE_TOLERANCE_OF_A_PART = 0.05, 0.5
_MICROSECONDS: Final = 1_000_000

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure, and how long."""

    size: Size
    folder: Path | None
    screens: Sequence[Screen]
    variants: Sequence[Variant]
    rounds: int
    seconds: int
    warm_up_seconds: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures, and how they came about."""

    figures: Figures
    data_dir: Path
    disk_bytes: int
    counts: Mapping[str, int]
    by_document_id: Sequence[str]


def known_variants() -> list[Variant]:
    """The variants that this version of the server has."""
    has_executors = "executor" in Settings.model_fields
    return [each for each in Variant if each is not Variant.REFERENCE or has_executors]


def measure(options: Options, tell: Tell) -> Outcome:
    """Start everything, make sure that all answer the same, measure. Raises Refused."""
    cores.check()
    wrk.check_installed()
    if set(options.variants) - set(known_variants()):
        raise Refused("This server has no reference executor yet: leave (b) out.")
    with data.running(options.folder, options.size) as running, contextlib.ExitStack() as stack:
        for pid in (*(child.pid for child in running.children), os.getpid()):
            cores.pin_to_other_core(pid)
        tell("Members, tokens, statements, plans")
        asked = list(dict.fromkeys((*options.screens, _WARM_UP_SCREEN)))
        run = _Run(options, running, preparing.prepare(running, asked), tell)
        _start_servers(run, asked, stack)
        figures = _measured(run)
        figures.answer_bytes = run.prepared.answer_bytes
        for server in run.servers.values():
            figures.memory_megabytes[server.variant] = cores.memory_megabytes(server.pid)
        return Outcome(
            figures=figures,
            data_dir=running.place.data_dir,
            disk_bytes=data.disk_bytes(running.place.data_dir),
            counts=data.counts(running.database_url),
            by_document_id=[name for name, known in run.prepared.document_ids.items() if known],
        )


@dataclass(frozen=True, slots=True)
class _Run:
    options: Options
    running: Servers
    prepared: Prepared
    tell: Tell
    servers: dict[Variant, Server] = field(default_factory=dict)


def _start_servers(run: _Run, asked: Sequence[Screen], stack: contextlib.ExitStack) -> None:
    """Start those that read, let them agree, then the one that learns its bytes from them."""
    wanted = [each for each in run.options.variants if not each.at_once]
    for variant in sorted(wanted, key=lambda each: each is Variant.CONSTANT):
        if variant is Variant.CONSTANT:
            _compare(run, asked)
        run.tell(f"Starting {variants.TITLES[variant]}")
        server = variants.start(variant, run.running, answers=run.prepared.answers)
        stack.callback(server.stop)
        run.servers[variant] = server
    if wanted and Variant.CONSTANT not in wanted:
        _compare(run, asked)
    for server in run.servers.values():
        seconds = _TOKENS_SECONDS if run.options.warm_up_seconds else 1
        _ask(run, server, _WARM_UP_SCREEN, seconds=seconds, checked=True)


def _compare(run: _Run, asked: Sequence[Screen]) -> None:
    run.tell("Comparing answers")
    preparing.agree(run.prepared, asked, list(run.servers.values()))


def _measured(run: _Run) -> Figures:
    figures, options = Figures(), run.options
    for number in range(options.rounds):
        turn = number % len(options.variants)
        order = [*options.variants[turn:], *options.variants[:turn]]
        for screen in options.screens:
            for variant in order:
                if variant.at_once and not screen.columns:
                    continue
                take = _sample_of_database if variant.at_once else _sample_of_server
                sample = take(run, variant, screen)
                figures.add(screen.name, variant, sample)
                run.tell(
                    f"Round {number + 1} of {options.rounds}  {screen.name:<16} "
                    f"{variants.TITLES[variant]:<26}{sample.requests_per_second:>9,.0f}/s"
                )
    return figures


def _sample_of_server(run: _Run, variant: Variant, screen: Screen) -> Sample:
    """Warm up with every answer looked at, then measure without: that costs wrk time of the database's core."""
    options, server = run.options, run.servers[variant]
    warm_up = options.warm_up_seconds
    seen = _ask(run, server, screen, seconds=warm_up, checked=True) if warm_up else None
    before, (busy, passed) = cores.cpu_seconds(server.pid), cores.server_core_seconds()
    load = _ask(run, server, screen, seconds=options.seconds, checked=seen is None)
    used, (busy_then, passed_then) = (
        cores.cpu_seconds(server.pid) - before,
        cores.server_core_seconds(),
    )
    alone = _ask(run, server, screen, seconds=max(1, options.seconds // 2), connections=1)
    for each in (load, alone):
        if seen is not None and not _is_alike(each, seen, len(run.prepared.callers)):
            raise Refused(
                f"{screen.name} of {variants.TITLES[variant]}: answers of {each.bytes_an_answer:.0f} bytes, "
                f"and of {seen.bytes_an_answer:.0f} when they were looked at."
            )
    return Sample(
        requests_per_second=load.requests_per_second,
        p50=load.p50,
        p99=load.p99,
        alone=alone.p50,
        cpu=used * _MICROSECONDS / load.requests,
        disturbed=max(0.0, busy_then - busy - used) / (passed_then - passed),
    )


def _sample_of_database(run: _Run, variant: Variant, screen: Screen) -> Sample:
    rate = pgbench.run(
        run.running.database_url,
        run.prepared.requests(variant, screen),
        seconds=run.options.seconds,
        at_once=variant.at_once,
    )
    return Sample(requests_per_second=rate.requests_per_second, p50=rate.mean)


def _ask(
    run: _Run,
    server: Server,
    screen: Screen,
    *,
    seconds: int,
    connections: int = wrk.CONNECTIONS,
    checked: bool = False,
) -> wrk.Load:
    return wrk.run(
        server.url(screen.name),
        run.prepared.requests(server.variant, screen),
        seconds=seconds,
        connections=connections,
        checked=checked,
    )


def _is_alike(one: wrk.Load, other: wrk.Load, count: int) -> bool:
    is_whole = min(one.requests, other.requests) >= count
    tolerance = _SIZE_TOLERANCE if is_whole else _SIZE_TOLERANCE_OF_A_PART
    return abs(one.bytes_an_answer - other.bytes_an_answer) <= tolerance * other.bytes_an_answer
