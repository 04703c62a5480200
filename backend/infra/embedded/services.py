"""Our own processes beside the servers, such as the API: one that ends is started again, ever less often."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from backend.infra.embedded import process
from backend.infra.embedded.process import Child, Command

STOP_SECONDS = 30.0  # longer than the drain of the API and the worker
_PAUSE_SECONDS_MAX = 30.0
_FIRST_PAUSE_SECONDS = 0.5
_STABLE_SECONDS = 60.0  # after that long a run, an end counts as the first one again


@dataclass(slots=True)
class Service:
    """A command that is kept running."""

    command: Command
    child: Child | None = None
    ends_in_a_row: int = 0
    start_at: float = 0.0

    def keep_running(self, report: Callable[[str], None]) -> None:
        """Start it when it is time to; an end is reported with the last lines of its log."""
        now = time.monotonic()
        if self.child is not None and not self.child.is_running():
            stable = now - self.child.started_at > _STABLE_SECONDS
            self.ends_in_a_row = 1 if stable else self.ends_in_a_row + 1
            self.start_at = now + self._pause_seconds()
            report(
                f"{self.command.name} ended with code {self.child.process.returncode}; it starts "
                f"again in {self._pause_seconds():.1f} s. The last lines of {self.command.log}:\n"
                f"{self.child.last_lines()}"
            )
            self.child = None
        if self.child is None and now >= self.start_at:
            self.child = process.start(self.command)

    def seconds_to_start(self) -> float | None:
        """How long until it is started again; None while it runs."""
        return None if self.child is not None else max(0.0, self.start_at - time.monotonic())

    def _pause_seconds(self) -> float:
        doublings = min(self.ends_in_a_row - 1, 10)
        return float(min(_PAUSE_SECONDS_MAX, _FIRST_PAUSE_SECONDS * 2**doublings))


def stop(services: list[Service], *, hurry: Callable[[], bool]) -> None:
    """Ask all of them to end at once, then wait for each."""
    children = [service.child for service in services if service.child is not None]
    for child in children:
        child.ask_to_end()
    for child in children:
        child.end(grace_seconds=STOP_SECONDS, hurry=hurry)
