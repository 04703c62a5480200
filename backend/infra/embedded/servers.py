"""Both servers together: started side by side on a claimed place, stopped in order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backend.infra.embedded import postgres, process, valkey
from backend.infra.embedded.place import Place
from backend.infra.embedded.process import Child
from migrations.rights import APP_ROLE


@dataclass(frozen=True, slots=True)
class Servers:
    """Running servers and their addresses."""

    place: Place
    postgres: Child
    valkey: Child

    @property
    def database_url(self) -> str:
        """The database as its owner."""
        return postgres.url(self.place.sockets)

    @property
    def app_database_url(self) -> str:
        """The same as the role that the API and the workers run as; migrations make it."""
        return postgres.url(self.place.sockets, user=APP_ROLE)

    @property
    def cache_url(self) -> str:
        return valkey.url(self.place.sockets)

    @property
    def children(self) -> tuple[Child, Child]:
        return (self.postgres, self.valkey)

    def stop(self, *, hurry: Callable[[], bool] = process.never) -> None:
        """Stop PostgreSQL, then Valkey; at once when `hurry()` says so. The place stays claimed."""
        self.postgres.end(grace_seconds=postgres.STOP_SECONDS, hurry=hurry)
        self.valkey.end(grace_seconds=valkey.STOP_SECONDS, hurry=hurry)


def start(
    place: Place,
    *,
    settings: Mapping[str, str] | None = None,
    persistent: bool = True,
    is_cancelled: Callable[[], bool] = process.never,
) -> Servers:
    """Start both and wait until both answer. `settings` are PostgreSQL's, over our own.

    `persistent=False`: Valkey keeps nothing. Raises: LaunchFailed, with nothing left running.
    """
    started: list[Child] = []
    try:
        started.append(valkey.launch(place, persistent=persistent))
        started.append(postgres.launch(place, settings or {}))
        valkey.wait_until_ready(started[0], place)
        started[1] = postgres.wait_until_ready(started[1], place, is_cancelled=is_cancelled)
    except BaseException:
        for child in reversed(started):
            child.end(grace_seconds=valkey.STOP_SECONDS)
        raise
    return Servers(place, postgres=started[1], valkey=started[0])
