"""`bashgah schema`"""

from difflib import unified_diff
from pathlib import Path
from typing import Annotated

import typer

from backend.commands import shell
from schema import root

SCHEMA_FILE = Path(root.__file__).with_name("schema.graphql")

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="The GraphQL schema as a file.")


@cli.command("export")
def export(
    path: Annotated[Path, typer.Option(help="The file to write.")] = SCHEMA_FILE,
) -> None:
    """Write the schema in SDL, as it is committed."""
    path.write_text(root.sdl(), encoding="utf-8")
    shell.console.print(f"Wrote {path}.")


@cli.command("check")
def check() -> None:
    """Compare the committed schema.graphql with the code; fail where they differ."""
    committed = SCHEMA_FILE.read_text(encoding="utf-8") if SCHEMA_FILE.exists() else ""
    difference = list(
        unified_diff(
            committed.splitlines(), root.sdl().splitlines(), "schema.graphql", "code", lineterm=""
        )
    )
    if difference:
        shell.console.print("\n".join(difference), markup=False, highlight=False)
        shell.refuse("schema.graphql is not what the code says. Run `make schema` and commit it.")
    shell.console.print("schema.graphql is what the code says.")
