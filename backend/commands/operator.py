"""`bashgah operator`"""

import sys
from typing import Annotated

import typer

from backend import composition
from backend.access import first_administrators, passwords, persons, totp
from backend.access.first_administrators import FirstAdministrator
from backend.access.persons import Person
from backend.commands import shell
from backend.core import clock, viewer
from backend.infra.sms import port as sms

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
    national_code: Annotated[
        str,
        typer.Option(
            help="Of the administrator, so that nobody acts on the own file. Left out, it is asked for."
        ),
    ] = "",
    mobile: Annotated[
        str,
        typer.Option(
            help="In the administrator's own name; messages go there. Left out, it is asked for."
        ),
    ] = "",
    recover: Annotated[
        str,
        typer.Option(
            help="Why one is made though two are there of whom one or none can act. All administrators and auditors"
            " are told, also those suspended."
        ),
    ] = "",
) -> None:
    """Make one of the first two administrators; with two, it refuses, also where they are suspended.

    Asks for national code, mobile and password: better typed here than given as options, which the shell's history
    keeps. Where BASHGAH_OWNER_CHECK_URL is set, the mobile operator is asked in whose name the number is. Prints once
    the secret of the one-time passwords and the recovery codes. All other accounts are asked for by one administrator
    and granted by another. A house that has lost its administrators gives --recover with the reason: it is recorded,
    and told to all administrators and auditors by a message.

    Example: bashgah operator create maryam --name "مریم"
    """
    why = recover.strip() or None

    async def room(_progress: shell.Report) -> None:
        await first_administrators.require_room(viewer=viewer.SYSTEM, is_recovery=why is not None)

    shell.run_with_progress("operators", room)
    typed = (
        national_code or _asked("National code", option="--national-code"),
        mobile or _asked("Mobile", option="--mobile"),
    )
    person = shell.run_with_progress("operators", lambda _progress: _checked(*typed))
    password = typer.prompt(
        f"Password ({passwords.LEAST_CHARACTERS} characters or more)",
        hide_input=True,
        confirmation_prompt=True,
        err=True,
    )

    async def work(_progress: shell.Report) -> FirstAdministrator:
        return await first_administrators.make(
            viewer=viewer.SYSTEM,
            user_name=user_name,
            name=name or user_name,
            person=person,
            password=password,
            recover=why,
        )

    _tell(shell.run_with_progress("operators", work))


def _asked(what: str, *, option: str) -> str:
    """What somebody types at a terminal; refuses where nobody can be asked."""
    if not sys.stdin.isatty():
        shell.refuse(
            f"{what} is missing: give {option}, or run this in a terminal, which asks for it."
        )
    return str(typer.prompt(what, err=True))


async def _checked(national_code: str, mobile: str) -> Person:
    """The person in stored form, with a number in the own name. Raises as `persons` does."""
    found = persons.person(national_code=national_code, phone=mobile)
    composition.configure_sms(shell.settings())
    try:
        await persons.require_own_phone(found)
    finally:
        await sms.close()
    return found


def _tell(made: FirstAdministrator) -> None:
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
