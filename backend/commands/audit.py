"""`bashgah audit`"""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from backend.audit import chaining, verifying
from backend.audit.faults import Kind
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
    """Read the whole trail, and who read members' files, and say what is not as it was sealed, and what to do then.

    Ends with 0 where all is as it was sealed, with 1 where something is not, with 2 where it could not look. Without
    --head a trail whose end was cut off looks whole.
    """
    known = None if head is None else _read_head(head)
    progress = Progress()

    kinds: dict[Kind, int] = {}

    async def work(tell: shell.Report) -> None:
        async for fault in verifying.verify(progress, known=known, tell=tell):
            kinds[fault.kind] = kinds.get(fault.kind, 0) + 1
            if sum(kinds.values()) <= MOST_TOLD:
                shell.complaints.print(f"✗ {fault.text}", markup=False, highlight=False)

    shell.run_with_progress("entries", work)
    seen = f"{progress.entries} entries in {progress.batches} batches"
    if kinds:
        _advise(kinds, seen)
        raise typer.Exit(FAULTY)
    shell.console.print(
        f"✓ {seen} are as they were sealed; {progress.unsealed} are not sealed yet.\n"
        f"✓ {progress.reads} reads of members' files are as they were sealed; {progress.unsealed_reads} are not sealed"
        " yet."
    )


def _advise(kinds: Mapping[Kind, int], seen: str) -> None:
    """Say how many faults there are, and for each kind what to do next."""
    total = sum(kinds.values())
    lines = []
    if total > MOST_TOLD:
        lines.append(f"✗ … and {total - MOST_TOLD} more.")
    lines.append(f"✗ {total} {'fault' if total == 1 else 'faults'} among {seen}. What to do:")
    lines += [f"  {kind.name} ({many}): {kind.advice}" for kind, many in kinds.items()]
    shell.complaints.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


@cli.command()
def head() -> None:
    """Print the last good batch's signed head as JSON. Keep it where the database's administrators can't reach it."""

    async def work(_: shell.Report) -> dict[str, object] | None:
        last = await chaining.find_head()
        sealed = last.sealed
        if last.rows_after:
            shell.complaints.print(
                f"✗ {last.rows_after} later batches are not the sealer's by the keys that are known here:"
                " `bashgah audit verify` says more.",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
        if sealed is None:
            return None
        batch = sealed.batch
        signer = signing.current()
        return {
            "batch": batch.number,
            "sealed_at": batch.sealed_at.isoformat(),
            "head": sealed.head.hex(),
            "key_id": batch.key_id,
            "public_key": _encoded(signer.public_key(batch.key_id)),
            "signature": _encoded(sealed.signature),
        }

    found = shell.run_with_progress("batches", work)
    if found is None:
        shell.refuse(
            "Nothing is sealed yet by a key that is known here: a worker does it, once a minute."
        )
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
