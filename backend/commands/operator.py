"""`bashgah operator`"""

import sys
from typing import Annotated

import typer

from backend.access import first_administrators, passwords, totp
from backend.access.first_administrators import FirstAdministrator
from backend.commands import shell
from backend.core import clock, viewer

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The first operators of a new house."
)


@cli.callback()
def _operator() -> None:
    """The first operators of a new house."""


@cli.command("create")
def create(
    user_name: Annotated[str, typer.Argument(help="3 to 40 Latin letters, digits, dots, hyphens.")],
    name: Annotated[str, typer.Option(help="What colleagues call the administrator.")] = "",
) -> None:
    """Make one of the first two administrators; with two, it refuses.

    Asks for the password, and prints once the secret of the one-time passwords and the recovery codes. All other
    accounts are asked for by one administrator and granted by another. Where one of two is suspended, it makes the
    second anew.
    """

    async def room(_progress: shell.Report) -> None:
        await first_administrators.require_room(viewer=viewer.SYSTEM)

    async def work(_progress: shell.Report) -> FirstAdministrator:
        return await first_administrators.make(
            viewer=viewer.SYSTEM, user_name=user_name, name=name or user_name, password=password
        )

    shell.run_with_progress("operators", room)
    password = typer.prompt(
        f"Password ({passwords.LEAST_CHARACTERS} characters or more)",
        hide_input=True,
        confirmation_prompt=True,
        err=True,
    )
    made = shell.run_with_progress("operators", work)
    lines = (
        f"Administrator {made.operator.user_name} (operator:{made.operator.id}) can sign in.",
        "Shown this once; give it to nobody, and keep the recovery codes apart from the telephone:",
        f"TOTP secret     {made.totp_secret}",
        f"otpauth URI     {made.otpauth_uri}",
        *(f"recovery code   {code}" for code in made.recovery_codes),
    )
    shell.console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


@cli.command("code")
def code() -> None:
    """Print the one-time password of this moment for a TOTP secret, which it reads: for curl and the demo."""
    secret = (
        typer.prompt("TOTP secret", hide_input=True, err=True)
        if sys.stdin.isatty()
        else sys.stdin.readline()
    )
    try:
        shown = totp.at(secret.strip(), clock.now())
    except ValueError:
        shell.refuse("This is no TOTP secret: it has 32 letters and digits of base32.")
    shell.console.print(shown, highlight=False)
