"""What is compared, and how each server of it is started on its core."""

import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from backend.infra.embedded import endpoint, failures, process
from backend.infra.embedded.process import Child, Command
from backend.infra.embedded.servers import Servers
from benchmarks import cores, data
from benchmarks.refusals import Refused

_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.05


class Variant(StrEnum):
    """A way to answer the same requests."""

    OURS = "a"
    REFERENCE = "b"
    FLOOR = "c"
    CONSTANT = "d"
    PGBENCH = "e"
    PGBENCH_16 = "e16"

    @property
    def is_ours(self) -> bool:
        """Whether it is `bashgah serve`."""
        return self in {Variant.OURS, Variant.REFERENCE}

    @property
    def at_once(self) -> int:
        """The requests that pgbench asks in one statement; 0 for servers."""
        return {Variant.PGBENCH: 1, Variant.PGBENCH_16: 16}.get(self, 0)


TITLES: Final = {
    Variant.OURS: "(a) this server",
    Variant.REFERENCE: "(b) reference executor",
    Variant.FLOOR: "(c) bare ASGI, plain SQL",
    Variant.CONSTANT: "(d) constant bytes",
    Variant.PGBENCH: "(e) pgbench",
    Variant.PGBENCH_16: "(e) pgbench, sixteen",
}
# (b) is (a) with this in its environment.
REFERENCE_ENVIRONMENT: Final = {"BASHGAH_EXECUTOR": "reference"}


@dataclass(frozen=True, slots=True, eq=False)
class Server:
    """A running server of a variant."""

    variant: Variant
    child: Child
    port: int

    @property
    def pid(self) -> int:
        return self.child.pid

    def url(self, screen: str) -> str:
        """Where a screen is asked for: ours has one endpoint, the plain ones a path a screen."""
        path = "graphql" if self.variant.is_ours else screen
        return f"http://127.0.0.1:{self.port}/{path}"

    def stop(self) -> None:
        """End it."""
        self.child.end(grace_seconds=_STOP_SECONDS)


def start(variant: Variant, running: Servers, *, answers: Path) -> Server:
    """Start the server of a variant on the server's core and wait for it. Raises Refused."""
    port = endpoint.free_port("127.0.0.1", 0)
    environment = data.environment(running) | {"BASHGAH_PORT": str(port)}
    if variant is Variant.REFERENCE:
        environment |= REFERENCE_ENVIRONMENT
    module, *arguments = {
        Variant.FLOOR: ("benchmarks.floor", str(port)),
        Variant.CONSTANT: ("benchmarks.constant", str(port), str(answers)),
    }.get(variant, ("backend.cli", "serve"))
    name = f"bench-{variant}"
    try:
        child = process.start(
            Command(
                name=name,
                argv=[*cores.on_server_core(), sys.executable, "-m", module, *arguments],
                log=running.place.log(name),
                cwd=data.ROOT,
                environment=environment,
            )
        )
    except failures.StartFailed as error:
        raise Refused(str(error)) from error
    server = Server(variant, child, port)
    try:
        _wait(server)
    except BaseException:
        server.stop()
        raise
    return server


def _wait(server: Server) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not endpoint.is_ok("127.0.0.1", server.port, "/readyz"):
        if not server.child.is_running() or time.monotonic() > deadline:
            raise Refused(f"{TITLES[server.variant]} did not start: {server.child.last_lines()}")
        time.sleep(_PAUSE_SECONDS)
