"""`bashgah explain`"""

from pathlib import Path
from typing import Annotated

import typer
from rich.syntax import Syntax

from backend.commands import shell
from schema import root
from schema.execution import manifest
from schema.execution.bindings import BINDINGS
from schema.execution.compiler import CompiledOperation
from schema.execution.documents import Document, Reader, Refused
from schema.execution.plan import Note, Tier
from schema.execution.plan import Refused as NotCompiled
from schema.execution.policy import DEFAULTS

_TIERS = {
    Tier.REFERENCE_DATA: "from this process's memory",
    Tier.READ_VIEW: "by one SQL statement that answers JSON, shared by the requests of a moment",
    Tier.RESOLVER: "by its resolver, called from generated code",
    Tier.GRAPHQL_CORE: "by graphql-core",
}


def run(
    operation: Annotated[
        str, typer.Argument(help="The name of a trusted document, such as Home, or a file.")
    ],
    code: Annotated[
        bool, typer.Option(help="Also the SQL and the generated code behind each field.")
    ] = True,
) -> None:
    """Show how an operation is answered: the tier of each field, its SQL, its generated code.

    Needs no database. Tier 1 is the fastest. What can't be compiled is run by graphql-core, and the reason is said.
    """
    document = _document(operation)
    for name, found in document.operations.items():
        shell.console.print(f"[bold]{name or 'a query without a name'}[/]", highlight=False)
        try:
            compiled = CompiledOperation(root.build(), document.ast, found.node, BINDINGS)
        except NotCompiled as refused:
            shell.console.print(f"  tier 4, by graphql-core: {refused.reason}", highlight=False)
            continue
        if compiled.tree.switches:
            switches = ", ".join(f"${each}" for each in compiled.tree.switches)
            shell.console.print(f"  with {switches} on", highlight=False)
        for note in compiled.notes:
            _show(note, with_code=code)


def _document(wanted: str) -> Document:
    """The document of a manifest, or of a file."""
    path = Path(wanted)
    if path.suffix == ".graphql" and path.is_file():
        text = path.read_text(encoding="utf-8")
    else:
        found = {
            entry.name: entry.text
            for folder in manifest.FOLDERS.values()
            for entry in manifest.served(folder)
        }
        if wanted not in found:
            shell.refuse(
                f"There is no operation {wanted}. Known are {', '.join(sorted(found))}; or give a .graphql file."
            )
        text = found[wanted]
    try:
        document = Reader(root.build()._schema, DEFAULTS).read(text)  # noqa: SLF001 - graphql-core's
    except Refused as refused:
        shell.refuse("; ".join(each.message for each in refused.errors))
    if document.errors:
        shell.refuse("; ".join(each.message for each in document.errors))
    return document


def _show(note: Note, *, with_code: bool) -> None:
    shell.console.print(
        f"  {note.path}: tier {note.tier.value}, {_TIERS[note.tier]}", highlight=False, markup=False
    )
    if with_code and note.detail:
        language = "sql" if note.tier is Tier.READ_VIEW else "python"
        shell.console.print(Syntax(note.detail, language, background_color="default"))
