"""What a demo consists of: its settings, the processes that it runs, and the watch over them."""

import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from backend import demo_console
from backend.infra import migrations
from backend.infra.embedded import endpoint
from backend.infra.embedded.place import Place
from backend.infra.embedded.process import Command
from backend.infra.embedded.servers import Servers
from backend.infra.embedded.services import Service
from backend.infra.embedded.signals import StopSignals

SERVING = ("api", "worker")
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


class StopRequested(Exception):
    """Someone pressed Ctrl-C or sent SIGTERM."""


class Failed(Exception):
    """The demo can't go on; the text says why."""


@dataclass(slots=True)
class Demo:
    """A demo that runs: what of it has been started so far."""

    settings: DemoSettings
    console: Console
    plan: Plan
    signals: StopSignals
    place: Place
    servers: Servers | None = None
    services: list[Service] = field(default_factory=list)


def wait_for_api(demo: Demo) -> None:
    """Watch until the API is ready. Raises as `watch`; Failed where it or the worker does not start."""
    deadline = time.monotonic() + _READY_SECONDS

    def is_ready() -> bool:
        for service in demo.services:
            if service.ends_in_a_row >= _STARTS_MAX:
                raise Failed(f"{service.command.name} does not start; see above.")
        if time.monotonic() > deadline:
            raise Failed(
                f"The API was not ready within {_READY_SECONDS:.0f} s; see {demo.place.log('api')}."
            )
        return endpoint.is_ok(demo.settings.host, demo.settings.port, "/readyz")

    watch(demo, until=is_ready, pause_seconds=_ASK_AGAIN_SECONDS)


def watch(demo: Demo, *, until: Callable[[], bool], pause_seconds: float | None) -> None:
    """Keep everything running `until()`, which is asked after each signal, child's end and pause.

    Raises: StopRequested; Failed where PostgreSQL or Valkey ends.
    """
    while True:
        if demo.signals.requests:
            raise StopRequested
        check_servers(demo)
        for service in demo.services:
            service.keep_running(lambda text: demo_console.complain(demo.console, text))
        if until():
            return
        pauses = [pause_seconds, *(service.seconds_to_start() for service in demo.services)]
        demo.signals.wait(min((p for p in pauses if p is not None), default=None))


def check_servers(demo: Demo) -> None:
    """Raises Failed where PostgreSQL or Valkey has ended."""
    for child in demo.servers.children if demo.servers else ():
        if not child.is_running():
            raise Failed(
                f"{child.command.name} ended unexpectedly with code {child.process.returncode}. "
                f"The last lines of {child.command.log}:\n{child.last_lines()}"
            )


def hurry(demo: Demo) -> Callable[[], bool]:
    """What tells from now on whether one more Ctrl-C has come."""
    patience = max(demo.signals.requests, 1)
    return lambda: demo.signals.requests > patience


def command(demo: Demo, name: str, argv: tuple[str, ...]) -> Command:
    """One of the demo's processes, with its settings; the servers must be up."""
    assert demo.servers is not None  # noqa: S101 - the servers are up before any command
    own = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return Command(
        name=name,
        argv=argv,
        log=demo.place.log(name),
        cwd=Path.cwd(),
        environment={
            **own,
            "PYTHONUNBUFFERED": "1",
            **environment_of(demo, demo.servers, name=name),
        },
        record=demo.place.record(name),
    )


def environment_of(demo: Demo, running: Servers, *, name: str) -> dict[str, str]:
    """The settings of a process of this demo; those that serve don't know the tables' owner."""
    owner = {} if name in SERVING else {"BASHGAH_OWNER_DATABASE_URL": running.database_url}
    return {
        **demo.settings.environment,
        **owner,
        "BASHGAH_DATA_DIR": str(demo.place.data_dir),
        "BASHGAH_DATABASE_URL": running.app_database_url,
        "BASHGAH_CACHE_URL": running.cache_url,
        "BASHGAH_HOST": demo.settings.host,
        "BASHGAH_PORT": str(demo.settings.port),
    }
