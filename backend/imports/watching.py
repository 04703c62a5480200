"""How far a run is, written down once a second, and whether it is still wanted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from backend.core.errors import Unavailable
from backend.imports import repository_runs
from backend.imports.domain import FileImport

EVERY_SECONDS: Final = 1.0


class RunUnwanted(Exception):
    """Somebody has cancelled the import; a step of it says so, and nothing follows."""


class RunReplaced(Exception):
    """Another worker has taken up the import meanwhile: this one writes nothing more."""


class Watch:
    """What a run tells of itself, and hears; the importer calls `tell` from its own transactions."""

    def __init__(self, found: FileImport) -> None:
        self.rows_expected: int | None = None
        self._found = found
        self._rows_done = 0
        self._is_unwanted = False
        self._is_replaced = False

    def tell(self, rows: int) -> None:
        """So many rows are done. Raises RunUnwanted, RunReplaced."""
        self._rows_done = rows
        if self._is_replaced:
            raise RunReplaced
        if self._is_unwanted:
            raise RunUnwanted

    async def let_merge(self) -> None:
        """In the transaction after which the run can't be stopped. Raises RunUnwanted, RunReplaced."""
        is_merging = await repository_runs.begin_merge(self._found.id, self._found.run)
        if is_merging is None:
            raise RunReplaced
        if not is_merging:
            raise RunUnwanted

    async def keep_going(self) -> bool:
        """Whether the next step is wanted. Raises RunReplaced."""
        await self.save()
        if self._is_replaced:
            raise RunReplaced
        return not self._is_unwanted

    async def save(self) -> None:
        """Write down how far the run is, and hear whether it is wanted."""
        is_unwanted = await repository_runs.save_progress(
            self._found.id,
            self._found.run,
            rows_done=self._rows_done,
            rows_expected=self.rows_expected,
        )
        self._is_replaced = is_unwanted is None
        self._is_unwanted = bool(is_unwanted)

    async def _keep_saving(self) -> None:
        while True:
            with suppress(Unavailable):
                await self.save()
            await asyncio.sleep(EVERY_SECONDS)


@asynccontextmanager
async def watched(found: FileImport) -> AsyncIterator[Watch]:
    """A watch over a run, saved once a second, outside the run's own transactions, until the end of the block."""
    watch = Watch(found)
    saving = asyncio.create_task(watch._keep_saving())  # noqa: SLF001 - its own file
    try:
        yield watch
    finally:
        saving.cancel()
        with suppress(asyncio.CancelledError):
            await saving
    await watch.save()
