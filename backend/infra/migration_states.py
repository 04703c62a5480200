"""What the migrations so far say of the models, kept and copied no more often than is needed.

Tortoise builds that anew for each migration, and copies it for each operation: two thirds of the time of migrating an
empty database.
"""

from functools import cached_property

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.schema_generator.state import ModelState, State
from tortoise.migrations.schema_generator.state_apps import StateApps

KnownStates = list["GrowingState"]  # one, once it is known


class GrowingState(State):
    """The state that migrations change; its copies make their models when an operation first asks for them."""

    def clone(self) -> State:
        """The state of this moment."""
        models = {key: model.clone() for key, model in self.models.items()}
        return _StateBefore(models, self.apps)


class _StateBefore(State):
    """The state before an operation; most look at the state after it only."""

    def __init__(self, models: dict[tuple[str, str], ModelState], connected: StateApps) -> None:
        self.models = models
        self._connected = connected  # for its connections

    @cached_property
    def apps(self) -> StateApps:  # type: ignore[override]  # an attribute there
        return self._connected.clone(model_states=self.models)


class Executor(MigrationExecutor):
    """Tortoise's, going on from the state that the last migration left."""

    def __init__(
        self, connection: BaseDBAsyncClient, apps: dict[str, dict[str, object]], known: KnownStates
    ) -> None:
        super().__init__(connection, apps)
        self._known = known

    async def _project_state(
        self, applied: set[MigrationKey], *, upto: MigrationKey | None = None
    ) -> State:
        if not self._known:
            found = await super()._project_state(applied, upto=upto)
            self._known.append(GrowingState(found.models, found.apps))
        return self._known[0]
