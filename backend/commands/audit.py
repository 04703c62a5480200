"""`bashgah audit`"""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from backend.audit import chaining, verifying
from backend.audit.verifying import KnownHead, Progress
from backend.commands import shell
from backend.infra import signing
from backend.infra.signing import Signature

FAULTY: Final = 1
MOST_TOLD: Final = 100

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Verify the audit trail; print its signed head.",
)


@cli.command()
def verify(
    head: Annotated[
        Path | None,
        typer.Option(help="A head that `bashgah audit head` printed and somebody kept elsewhere."),
    ] = None,
) -> None:
    """Read the whole trail and say what is not as it was sealed. Ends with code 1 where something is not.

    Without --head a trail whose end was cut off looks whole.
    """
    known = None if head is None else _read_head(head)
    progress = Progress()

    async def work(tell: shell.Report) -> int:
        faults = 0
        async for fault in verifying.verify(progress, known=known, tell=tell):
            faults += 1
            if faults <= MOST_TOLD:
                shell.complaints.print(f"✗ {fault.text}", markup=False, highlight=False)
        return faults

    faults = shell.run_with_progress("entries", work)
    seen = f"{progress.entries} entries in {progress.batches} batches"
    if faults:
        shell.complaints.print(f"✗ {faults} faults among {seen}.", markup=False, highlight=False)
        raise typer.Exit(FAULTY)
    shell.console.print(
        f"✓ {seen} are as they were sealed; {progress.unsealed} are not sealed yet."
    )


@cli.command()
def head() -> None:
    """Print the last batch's signed head as JSON. Keep it where the database's administrators can't reach it."""

    async def work(_: shell.Report) -> dict[str, object] | None:
        sealed = await chaining.find_head()
        if sealed is None:
            return None
        batch = sealed.batch
        signer = signing.current()
        return {
            "batch": batch.number,
            "sealed_at": batch.sealed_at.isoformat(),
            "head": sealed.head.hex(),
            "key_id": batch.key_id,
            "public_key": _encoded(signer.public_key(batch.key_id))
            if signer.knows(batch.key_id)
            else None,
            "signature": _encoded(sealed.signature),
        }

    found = shell.run_with_progress("batches", work)
    if found is None:
        shell.refuse("Nothing is sealed yet: a worker does it, once a minute.")
    typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def _read_head(path: Path) -> KnownHead:
    try:
        said = orjson.loads(path.read_bytes())
        return KnownHead(
            int(said["batch"]),
            bytes.fromhex(said["head"]),
            Signature(str(said["key_id"]), base64.b64decode(said["signature"], validate=True)),
        )
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        shell.refuse(
            f"{path} is no head that `bashgah audit head` printed: {type(error).__name__}."
        )


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
