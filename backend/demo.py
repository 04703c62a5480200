"""`bashgah demo`: everything on this machine with one command, and nothing left behind but its folder.

It starts PostgreSQL and Valkey, migrates, loads the demo data, starts the API and the worker,
watches over them and stops them in order.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.markup import escape
from tortoise.exceptions import BaseORMException

from backend import demo_console, demo_files
from backend.infra import migrations
from backend.infra.embedded import endpoint, failures, process, servers, services
from backend.infra.embedded import place as places
from backend.infra.embedded.place import Place
from backend.infra.embedded.process import Command
from backend.infra.embedded.servers import Servers
from backend.infra.embedded.services import Service
from backend.infra.embedded.signals import StopSignals

STOPPED = 0
FAILED = 1
REFUSED = 2  # nothing was started

_READY_SECONDS = 60.0
_ASK_AGAIN_SECONDS = 0.05
_STARTS_MAX = 3  # of the API or the worker before the first readiness


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Where the demo keeps its data and where it listens; port 0 takes a free one.

    `environment` goes to the API and the worker on top of this process's own environment.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the demo runs; other commands stand in for ours in tests."""

    migrate: Callable[[str], Awaitable[object]] = migrations.migrate
    seed: tuple[str, ...] = (sys.executable, "-m", "backend.cli", "seed", "--demo")
    services: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("api", (sys.executable, "-m", "backend.cli", "serve")),
        ("worker", (sys.executable, "-m", "backend.cli", "worker")),
    )


class _StopRequested(Exception):
    """Someone pressed Ctrl-C or sent SIGTERM."""


class _Failed(Exception):
    """The demo can't go on; the text says why."""


@dataclass(slots=True)
class _Demo:
    settings: DemoSettings
    console: Console
    plan: Plan
    signals: StopSignals
    place: Place
    servers: Servers | None = None
    services: list[Service] = field(default_factory=list)


def run_demo(settings: DemoSettings, console: Console, *, plan: Plan | None = None) -> int:
    """Run until Ctrl-C, SIGTERM or SIGHUP; call it in the main thread.

    Gives the exit code: 0 stopped on request, 1 failed, 2 refused before anything was started (the
    port is taken, the folder is in use or can't be used).
    """
    with StopSignals() as stop_signals:
        try:
            place = places.claim(settings.data_dir)
        except failures.LaunchFailed as error:
            demo_console.complain(console, str(error))
            return REFUSED
        try:
            return _run(_Demo(settings, console, plan or Plan(), stop_signals, place))
        finally:
            place.release()


def _run(demo: _Demo) -> int:
    _end_leftovers(demo)
    try:
        port = endpoint.free_port(demo.settings.host, demo.settings.port)
    except endpoint.CantListen as error:
        demo_console.complain(
            demo.console,
            f"{error} Choose another port with --port or BASHGAH_PORT; nothing was started.",
        )
        return REFUSED
    demo.settings = replace(demo.settings, port=port)
    try:
        _start(demo)
        _watch(demo, until=lambda: False, pause_seconds=None)
    except (_StopRequested, failures.StartCancelled):
        return STOPPED
    except (_Failed, failures.LaunchFailed) as error:
        demo_console.complain(demo.console, str(error))
        return FAILED
    finally:
        _stop(demo)
    return STOPPED


def _start(demo: _Demo) -> None:
    began = time.monotonic()
    if demo.place.moved:
        demo.console.print(
            f"The servers' account can't enter {escape(str(demo.place.wanted))}: "
            f"the data is kept in [bold]{escape(str(demo.place.data_dir))}[/bold]."
        )
    with _step(demo, "PostgreSQL and Valkey"):
        demo.servers = servers.start(demo.place, is_cancelled=lambda: demo.signals.requests > 0)
    with _step(demo, "Migrations"):
        _migrate(demo, demo.servers)
    with _step(demo, "Demo data"):
        _seed(demo)
    with _step(demo, "API and worker"):
        demo.services.extend(
            Service(_command(demo, name, argv)) for name, argv in demo.plan.services
        )
        _wait_for_api(demo)
    environment = demo_files.write_environment(
        demo.place.data_dir, _environment(demo, demo.servers)
    )
    demo.console.print(
        demo_console.welcome(
            base_url=endpoint.base_url(demo.settings.host, demo.settings.port),
            data_dir=demo.place.data_dir,
            environment=environment,
            seconds=time.monotonic() - began,
        )
    )


def _migrate(demo: _Demo, running: Servers) -> None:
    try:
        asyncio.run(_until_stopped(demo.plan.migrate(running.database_url), demo.signals))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, BaseORMException) as error:
        _check_servers(demo)
        raise _Failed(f"The migrations failed: {error}") from error


async def _until_stopped(work: Awaitable[object], stop_signals: StopSignals) -> None:
    task = asyncio.ensure_future(work)

    def look() -> None:
        stop_signals.wait(0)
        if stop_signals.requests:
            task.cancel()

    loop = asyncio.get_running_loop()
    loop.add_reader(stop_signals.fileno(), look)
    try:
        await task
    except asyncio.CancelledError as error:
        raise _StopRequested from error
    finally:
        loop.remove_reader(stop_signals.fileno())


def _seed(demo: _Demo) -> None:
    assert demo.servers is not None  # noqa: S101 - the servers are up before any command
    mark = asyncio.run(demo_files.cluster_mark(demo.servers.database_url))
    if not demo_files.is_loaded(demo.place.data_dir, mark):
        _run_seed(demo)
        demo_files.remember_loaded(demo.place.data_dir, mark)


def _run_seed(demo: _Demo) -> None:
    child = process.start(_command(demo, "seed", demo.plan.seed))
    try:
        _watch(demo, until=lambda: not child.is_running(), pause_seconds=None)
    finally:
        child.end(grace_seconds=services.STOP_SECONDS, hurry=_hurry(demo))
    if child.process.returncode != 0:
        raise _Failed(
            f"Loading the demo data failed with code {child.process.returncode}. "
            f"The last lines of {child.command.log}:\n{child.last_lines()}"
        )


def _wait_for_api(demo: _Demo) -> None:
    deadline = time.monotonic() + _READY_SECONDS

    def is_ready() -> bool:
        for service in demo.services:
            if service.ends_in_a_row >= _STARTS_MAX:
                raise _Failed(f"{service.command.name} does not start; see above.")
        if time.monotonic() > deadline:
            raise _Failed(
                f"The API was not ready within {_READY_SECONDS:.0f} s; see {demo.place.log('api')}."
            )
        return endpoint.is_ok(demo.settings.host, demo.settings.port, "/readyz")

    _watch(demo, until=is_ready, pause_seconds=_ASK_AGAIN_SECONDS)


def _watch(demo: _Demo, *, until: Callable[[], bool], pause_seconds: float | None) -> None:
    """Keep everything running `until()`, which is asked after each signal, child's end and pause.

    Raises: _StopRequested; _Failed where PostgreSQL or Valkey ends.
    """
    while True:
        if demo.signals.requests:
            raise _StopRequested
        _check_servers(demo)
        for service in demo.services:
            service.keep_running(lambda text: demo_console.complain(demo.console, text))
        if until():
            return
        pauses = [pause_seconds, *(service.seconds_to_start() for service in demo.services)]
        demo.signals.wait(min((p for p in pauses if p is not None), default=None))


def _check_servers(demo: _Demo) -> None:
    for child in demo.servers.children if demo.servers else ():
        if not child.is_running():
            raise _Failed(
                f"{child.command.name} ended unexpectedly with code {child.process.returncode}. "
                f"The last lines of {child.command.log}:\n{child.last_lines()}"
            )


def _stop(demo: _Demo) -> None:
    """Stop the API and the worker, then PostgreSQL, then Valkey; a further Ctrl-C hurries."""
    hurry = _hurry(demo)
    # The terminal may be gone (SIGHUP, a closed pipe), for which rich even exits: stop all the same.
    with contextlib.suppress(OSError, SystemExit):
        demo.console.print("Stopping …")
    try:
        services.stop(demo.services, hurry=hurry)
    finally:
        if demo.servers is not None:
            demo.servers.stop(hurry=hurry)
    with contextlib.suppress(OSError, SystemExit):
        demo.console.print("Stopped.")


def _hurry(demo: _Demo) -> Callable[[], bool]:
    patience = max(demo.signals.requests, 1)
    return lambda: demo.signals.requests > patience


def _end_leftovers(demo: _Demo) -> None:
    """End what a killed supervisor left and the kernel did not: before asking whether the port is free."""
    for name, _ in (*demo.plan.services, ("seed", ())):
        process.end_leftover(
            demo.place.record(name), ending=signal.SIGTERM, grace_seconds=services.STOP_SECONDS
        )


def _command(demo: _Demo, name: str, argv: tuple[str, ...]) -> Command:
    assert demo.servers is not None  # noqa: S101 - the servers are up before any command
    own = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return Command(
        name=name,
        argv=argv,
        log=demo.place.log(name),
        cwd=Path.cwd(),
        environment={**own, "PYTHONUNBUFFERED": "1", **_environment(demo, demo.servers)},
        record=demo.place.record(name),
    )


def _environment(demo: _Demo, running: Servers) -> dict[str, str]:
    """The settings of every process of this demo."""
    return {
        **demo.settings.environment,
        "BASHGAH_DATA_DIR": str(demo.place.data_dir),
        "BASHGAH_DATABASE_URL": running.database_url,
        "BASHGAH_CACHE_URL": running.cache_url,
        "BASHGAH_HOST": demo.settings.host,
        "BASHGAH_PORT": str(demo.settings.port),
    }


@contextlib.contextmanager
def _step(demo: _Demo, label: str) -> Iterator[None]:
    if demo.signals.requests:
        raise _StopRequested
    began = time.monotonic()
    yield
    demo.console.print(f"[green]✓[/green] {label:<24}{time.monotonic() - began:6.2f} s")
