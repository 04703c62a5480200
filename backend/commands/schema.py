"""`bashgah schema`"""

from difflib import unified_diff
from pathlib import Path
from typing import Annotated

import typer

from backend.commands import shell
from schema import root
from schema.execution import manifest, trusted
from schema.execution.documents import Reader
from schema.execution.manifest import ManifestInvalid
from schema.execution.policy import DEFAULTS

SCHEMA_FILE = Path(root.__file__).with_name("schema.graphql")

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The GraphQL schema, and the manifests of trusted documents, as files.",
)


@cli.command("export")
def export(
    path: Annotated[Path, typer.Option(help="The schema's file to write.")] = SCHEMA_FILE,
) -> None:
    """Write the schema in SDL, and beside each client's operations their manifest, as they are committed."""
    contents = _contents()
    if path != SCHEMA_FILE:
        contents = {path: contents[SCHEMA_FILE]}
    for each, content in contents.items():
        each.write_text(content, encoding="utf-8")
        shell.console.print(f"Wrote {each}.")
    _see_that_all_run()


@cli.command("check")
def check() -> None:
    """Compare the committed schema and manifests with the code; fail where they differ."""
    for path, content in _contents().items():
        committed = path.read_text(encoding="utf-8") if path.exists() else ""
        difference = list(
            unified_diff(
                committed.splitlines(), content.splitlines(), path.name, "code", lineterm=""
            )
        )
        if difference:
            shell.console.print("\n".join(difference), markup=False, highlight=False)
            shell.refuse(f"{path.name} is not what the code says. Run `make schema` and commit it.")
        shell.console.print(f"{path.name} is what the code says.")
    _see_that_all_run()


def _contents() -> dict[Path, str]:
    """What each file should hold."""
    contents = {SCHEMA_FILE: root.sdl()}
    for folder in manifest.FOLDERS.values():
        try:
            entries = manifest.of_operations(folder)
        except ManifestInvalid as error:
            shell.refuse(str(error))
        contents[folder / "manifest.json"] = manifest.written(entries).decode()
    return contents


def _see_that_all_run() -> None:
    """Also the documents of released versions: each valid, within the limits, and of its id."""
    reader = Reader(root.build()._schema, DEFAULTS, introspection=False)  # noqa: SLF001 - graphql-core's
    try:
        trusted.load(reader, manifest.FOLDERS)
    except ManifestInvalid as error:
        shell.refuse(str(error))
