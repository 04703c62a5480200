"""`bashgah migrate`"""

import asyncio
from typing import Annotated

import asyncpg
import typer

from backend.commands import shell
from backend.infra import migrations, rights


def run(
    check: Annotated[
        bool,
        typer.Option("--check", help="Only compare models with migrations; needs no database."),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the migrations that the models ask for.")
    ] = False,
) -> None:
    """Bring the database up to date. Any number may try at once: one does it, the others wait."""
    if check:
        _check()
    elif write:
        for path in asyncio.run(migrations.write_changes()):
            shell.console.print(f"Wrote {path}. Read it before you commit it.")
    else:
        _apply()


def _apply() -> None:
    url = shell.owner_settings().owner_url

    async def work() -> list[str]:
        await shell.check_reachable(url)
        return await migrations.migrate(
            url, report=lambda name: shell.console.print(f"applied {name}")
        )

    try:
        applied = asyncio.run(work())
    except (rights.RoleMissing, rights.TemporaryTablesAllowed) as error:
        shell.refuse(f"The tables are up to date, but {error}; then run `bashgah migrate` again.")
    except asyncpg.RaiseError as error:  # a migration that refuses: somebody has to decide
        shell.refuse(f"Nothing was changed: {error}. {error.hint or ''}".rstrip())
    shell.console.print(f"{len(applied)} migrations applied." if applied else "Nothing to apply.")


def _check() -> None:
    changes = asyncio.run(migrations.model_changes())
    if changes:
        shell.console.print("\n".join(changes), markup=False, highlight=False)
        shell.refuse("Models and migrations differ. Run `bashgah migrate --write`.")
    shell.console.print("Models and migrations agree.")
