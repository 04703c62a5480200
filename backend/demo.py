"""`bashgah demo`: everything on this machine with one command, and nothing left behind but its folder.

It starts PostgreSQL and Valkey, migrates, loads the demo data, starts the API and the worker,
watches over them and stops them in order.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Iterator
from dataclasses import replace

import asyncpg
from rich.console import Console
from rich.markup import escape
from tortoise.exceptions import BaseORMException

from backend import demo_console, demo_files, demo_processes
from backend.demo_processes import Demo, DemoSettings, Failed, Plan, StopRequested
from backend.infra.embedded import endpoint, failures, process, servers, services
from backend.infra.embedded import place as places
from backend.infra.embedded.servers import Servers
from backend.infra.embedded.services import Service
from backend.infra.embedded.signals import StopSignals

STOPPED = 0
FAILED = 1
REFUSED = 2  # nothing was started


def run_demo(
    settings: DemoSettings,
    console: Console,
    *,
    plan: Plan | None = None,
) -> int:
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
            return _run(Demo(settings, console, plan or Plan(), stop_signals, place))
        finally:
            place.release()


def _run(demo: Demo) -> int:
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
        demo_processes.watch(demo, until=lambda: False, pause_seconds=None)
    except (StopRequested, failures.StartCancelled):
        return STOPPED
    except (Failed, failures.LaunchFailed) as error:
        demo_console.complain(demo.console, str(error))
        return FAILED
    finally:
        _stop(demo)
    return STOPPED


def _start(demo: Demo) -> None:
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
            Service(demo_processes.command(demo, name, argv)) for name, argv in demo.plan.services
        )
        demo_processes.wait_for_api(demo)
    environment = demo_files.write_environment(
        demo.place.data_dir, demo_processes.environment_of(demo, demo.servers, name="shell")
    )
    demo.console.print(
        demo_console.welcome(
            base_url=endpoint.base_url(demo.settings.host, demo.settings.port),
            data_dir=demo.place.data_dir,
            environment=environment,
            seconds=time.monotonic() - began,
        )
    )


def _migrate(demo: Demo, running: Servers) -> None:
    try:
        asyncio.run(_until_stopped(demo.plan.migrate(running.database_url), demo.signals))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, BaseORMException) as error:
        demo_processes.check_servers(demo)
        raise Failed(f"The migrations failed: {error}") from error


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
        raise StopRequested from error
    finally:
        loop.remove_reader(stop_signals.fileno())


def _seed(demo: Demo) -> None:
    assert demo.servers is not None  # noqa: S101 - the servers are up before any command
    mark = asyncio.run(demo_files.cluster_mark(demo.servers.database_url))
    if not demo_files.is_loaded(demo.place.data_dir, mark):
        _run_seed(demo)
        demo_files.remember_loaded(demo.place.data_dir, mark)


def _run_seed(demo: Demo) -> None:
    child = process.start(demo_processes.command(demo, "seed", demo.plan.seed))
    try:
        demo_processes.watch(demo, until=lambda: not child.is_running(), pause_seconds=None)
    finally:
        child.end(grace_seconds=services.STOP_SECONDS, hurry=demo_processes.hurry(demo))
    if child.process.returncode != 0:
        raise Failed(
            f"Loading the demo data failed with code {child.process.returncode}. "
            f"The last lines of {child.command.log}:\n{child.last_lines()}"
        )


def _stop(demo: Demo) -> None:
    """Stop the API and the worker, then PostgreSQL, then Valkey; a further Ctrl-C hurries."""
    hurry = demo_processes.hurry(demo)
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


def _end_leftovers(demo: Demo) -> None:
    """End what a killed supervisor left and the kernel did not: before asking whether the port is free."""
    for name, _ in (*demo.plan.services, ("seed", ())):
        process.end_leftover(
            demo.place.record(name), ending=signal.SIGTERM, grace_seconds=services.STOP_SECONDS
        )


@contextlib.contextmanager
def _step(demo: Demo, label: str) -> Iterator[None]:
    if demo.signals.requests:
        raise StopRequested
    began = time.monotonic()
    yield
    demo.console.print(f"[green]✓[/green] {label:<24}{time.monotonic() - began:6.2f} s")
