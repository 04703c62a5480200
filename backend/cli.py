"""`bashgah`: everything that is done from a shell.

A command's module is loaded when it runs: `bashgah demo` needs no GraphQL, and an API process no spreadsheet.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from typer._click import Command, Context  # what typer carries of click
else:
    Command = Context = object


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lives, and what the list of commands says about it."""

    module: str
    name: str
    panel: str
    summary: str


COMMANDS: Final = {
    "demo": Entry("demo", "run", "Running", "Run everything on this machine, with demo data."),
    "serve": Entry("serve", "run", "Running", "Run one API process."),
    "worker": Entry("worker", "run", "Running", "Run one job worker."),
    "doctor": Entry("doctor", "run", "Running", "Say what is wrong, and what to do."),
    "migrate": Entry("migrate", "run", "Data", "Bring the database up to date."),
    "seed": Entry("seed", "run", "Data", "Fill the database with plausible places."),
    "import": Entry("files", "import_cli", "Data", "Bring a file's rows into the database."),
    "export": Entry("files", "export_cli", "Data", "Write the database's rows to a file."),
    "operator": Entry("operator", "cli", "Data", "Make the first two administrators."),
    "reindex": Entry("reindex", "cli", "Data", "Make anew what searches look in."),
    "seal": Entry("seal", "cli", "Data", "Seal by the current key what others have sealed."),
    "audit": Entry("audit", "cli", "Data", "Verify the audit trail, and print its signed head."),
    "schema": Entry("schema", "cli", "Developing", "Write or check schema.graphql."),
    "explain": Entry("explain", "run", "Developing", "Show how an operation is answered."),
}
HELP: Final = (
    "The customer club's backend. Begin with [bold]bashgah demo[/]: it runs everything here.\n\n"
    "Every setting is an environment variable BASHGAH_…; the README lists them. "
    "When something does not work, [bold]bashgah doctor[/] says what is wrong and what to do."
)


class LazyGroup(TyperGroup):
    """Lists commands by their summaries and loads one when it is called."""

    def list_commands(self, ctx: Context) -> list[str]:
        """All commands, in the order of `COMMANDS`."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> TyperCommand | None:
        """The command's name and summary, for `--help`."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        return TyperCommand(cmd_name, help=entry.summary, rich_help_panel=entry.panel)

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """The command itself, loaded from its module; an unknown one is refused with a suggestion."""
        if args and args[0] in COMMANDS:
            return args[0], load(args[0]), args[1:]
        return super().resolve_command(ctx, args)


def load(name: str) -> Command:
    """The command of that name, whole. Raises KeyError for a name that is not in COMMANDS."""
    entry = COMMANDS[name]
    found = getattr(import_module(f"backend.commands.{entry.module}"), entry.name)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(
            add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich"
        )
        single.command(name)(found)
        found = single
    command = get_command(found)
    command.name = name
    return command


cli = typer.Typer(
    name="bashgah",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,
    help=HELP,
)


@cli.callback()
def _root() -> None:
    """Only so that typer makes a group; the text is `HELP`."""


def main() -> None:
    """The entry point `bashgah`."""
    cli()


if __name__ == "__main__":
    main()
