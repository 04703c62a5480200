"""What commands share: the console, settings or a clear refusal, connections, and progress."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import NoReturn, TypeVar

import asyncpg
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from backend import settings as configuration
from backend.core.errors import DomainError
from backend.core.locale import Locale
from backend.infra import cache, db, sealing, signing, telemetry
from backend.settings import Settings

REFUSED = 2
PROGRESS_STEP = 5_000
CONNECT_SECONDS = 10

T = TypeVar("T")
R = TypeVar("R")
Report = Callable[[int], None]
StepReport = Callable[[str, int, int], None]
console = Console()
complaints = Console(stderr=True)


def refuse(text: str) -> NoReturn:
    """Say on standard error why nothing was done, and end with code 2."""
    complaints.print(f"[bold red]✗[/] {escape(text)}")
    sys.exit(REFUSED)


def settings(**overrides: object) -> Settings:
    """The environment's settings; refuses where they are not valid."""
    try:
        return configuration.load(**overrides)
    except configuration.SettingsInvalid as error:
        refuse(str(error))


def ready_settings(**overrides: object) -> Settings:
    """Settings of a process that needs the database; logging is set up."""
    found = settings(**overrides)
    if not found.database_url:
        refuse(
            "BASHGAH_DATABASE_URL is not set. "
            "Set it, or run `bashgah demo`, which brings its own servers."
        )
    telemetry.configure_logging(level=found.log_level, json=found.logs_json)
    return found


def owner_settings(**overrides: object) -> Settings:
    """Settings of a command that works as the tables' owner; logging is set up."""
    found = settings(**overrides)
    return found if found.owner_database_url and not found.database_url else ready_settings()


async def check_reachable(url: str) -> None:
    """Refuse, and say who knows more, where the database is away or does not let us in."""
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        refuse(
            f"No connection to the database ({type(error).__name__}). "
            "`bashgah doctor` says what to do."
        )
    await connection.close()


def run_with_progress(
    unit: str, work: Callable[[Report], Awaitable[T]], *, as_owner: bool = False
) -> T:
    """Run `work` on the database, telling its progress: a bar on a terminal, plain lines elsewhere.

    With `as_owner` the tables' owner does it. A refusal of the domain is shown in Persian and English and ends with
    code 2.
    """
    return _run(lambda: _progress(unit), work, as_owner=as_owner)


def run_with_steps(work: Callable[[StepReport], Awaitable[T]], *, as_owner: bool = False) -> T:
    """As `run_with_progress`, for work of several steps: each tells what is done of it, and of how many."""
    return _run(_step_progress, work, as_owner=as_owner)


def _run(
    progress: Callable[[], AbstractContextManager[R]],
    work: Callable[[R], Awaitable[T]],
    *,
    as_owner: bool,
) -> T:
    found = ready_settings()
    url = found.owner_url if as_owner else found.database_url

    async def connected() -> T:
        async with _adapters(found, url):
            with progress() as report:
                return await work(report)

    try:
        return asyncio.run(connected())
    except DomainError as error:
        lines = [f"{error.message(locale)} {error.hint(locale)}" for locale in Locale]
        complaints.print("✗ " + "\n  ".join(lines), markup=False, highlight=False)
        raise typer.Exit(REFUSED) from None


@asynccontextmanager
async def _adapters(found: Settings, url: str) -> AsyncIterator[None]:
    sealing.configure(found.sealer())
    signing.configure(found.signer())
    await check_reachable(url)
    await db.connect(url, pool_max=4, statement_timeout_ms=600_000)
    await cache.connect(found.cache_url, timeout_ms=found.cache_timeout_ms)
    try:
        yield
    finally:
        await cache.close()
        await db.close()


@contextmanager
def _progress(unit: str) -> Iterator[Report]:
    if not console.is_terminal:
        yield _plain_lines(unit)
        return
    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(unit, total=None)
        yield lambda done: bar.update(task, completed=done)


def _plain_lines(unit: str) -> Report:
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        if done - told >= PROGRESS_STEP:
            told = done
            console.print(f"{done} {unit} …")

    return tell


@contextmanager
def _step_progress() -> Iterator[StepReport]:
    if not console.is_terminal:
        yield _plain_steps()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, of: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=of)
            bar.update(tasks[step], completed=done)

        yield tell


def _plain_steps() -> StepReport:
    """A line for each tenth of a step."""
    told: dict[str, int] = {}

    def tell(step: str, done: int, of: int) -> None:
        tenth = 10 * done // max(of, 1)
        if tenth > told.get(step, 0):
            told[step] = tenth
            console.print(f"{step}: {done} of {of} …")

    return tell
