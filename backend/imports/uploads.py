"""The bytes of imports: a file comes up in parts, its reports go down; sealed at rest, one part in memory at a time."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

from backend.audit import service as audit
from backend.core import clock
from backend.core.errors import BadUserInput, NotFound, Unauthenticated, sentences
from backend.core.viewer import ActorKind, Viewer
from backend.imports import domain, repository, repository_uploads
from backend.imports.domain import FileImport, ImportState, ReportKind
from backend.imports.refusals import FileDiffers, FileImportStateRefuses, FilePartMissing
from backend.imports.repository_uploads import SealedPart
from backend.infra import db, sealing
from backend.infra.sealing import Sealed

# What the bytes are sealed for, before their place.
PART: Final = "file_import_part.content"
REPORT: Final = "file_import_report_part.content"
MAX_MISSING_TOLD: Final = 512  # no file has more parts

_OWNER_ALONE: Final = 0o600


class FilePartNumberInvalid(BadUserInput):
    """The file has no part of this number."""

    code = "FILE_PART_NUMBER_INVALID"
    texts = sentences(
        fa="این پرونده بخشی با این شماره ندارد؛ بخش‌ها از ۰ تا {last} شماره دارند.",
        en="The file has no part of this number; its parts are numbered from 0 to {last}.",
    )
    hints = sentences(
        fa="پرونده را دوباره بخش کنید و شماره‌ها را از صفر بدهید.",
        en="Split the file again, and number the parts from 0.",
    )


class FilePartSizeInvalid(BadUserInput):
    """A part is not of the size that it must have."""

    code = "FILE_PART_SIZE_INVALID"
    texts = sentences(
        fa="اندازهٔ بخش {number} باید درست {size_bytes} بایت باشد.",
        en="Part {number} must have exactly {size_bytes} bytes.",
    )
    hints = sentences(
        fa="همهٔ بخش‌ها جز آخرین {part_bytes} بایت‌اند؛ بخش را دوباره بفرستید.",
        en="All parts but the last have {part_bytes} bytes; send the part again.",
    )


class ReportGone(Exception):
    """A report was forgotten or written anew while it was read; what was read of it is not whole."""


async def check_part(*, viewer: Viewer, import_id: int, number: int) -> int:
    """The bytes that a part must have, for who may send it: asked before it is read.

    Raises Unauthenticated, NotFound also for somebody else's import, Forbidden, FileImportStateRefuses,
    FilePartNumberInvalid.
    """
    found = await _uploading(viewer, import_id, number)
    return found.part_size(number)


async def put_part(*, viewer: Viewer, import_id: int, number: int, content: bytes) -> None:
    """Keep a part of the file; the same again changes nothing, another content takes its place.

    Raises as `check_part` does, and FilePartSizeInvalid.
    """
    _check_size(await _uploading(viewer, import_id, number), number, len(content))
    part = await asyncio.to_thread(_sealed, content, _part_context(import_id, number))
    async with db.transaction():
        await repository_uploads.hold(import_id)
        # Read once more: meanwhile it may have been started or cancelled.
        await _uploading(viewer, import_id, number)
        await repository_uploads.save_part(import_id, number, part)


async def missing_parts(import_id: int) -> list[int]:
    """The numbers of the parts that have not come yet, the first MAX_MISSING_TOLD. Raises NotFound."""
    found = await _get(import_id)
    return await repository_uploads.list_missing_parts(
        import_id, count=found.part_count, limit=MAX_MISSING_TOLD
    )


async def write_to(import_id: int, path: Path) -> None:
    """Write the uploaded file to `path`, readable by its owner alone; for the jobs.

    What is written of it when this raises is for the caller to remove. Raises NotFound, FilePartMissing, and
    FileDiffers where it is not the file that was announced.
    """
    found = await _get(import_id)
    digest, size = hashlib.sha256(), 0
    file = await asyncio.to_thread(_create, path)
    try:
        for number in range(found.part_count):
            sealed = await repository_uploads.find_part(import_id, number)
            if sealed is None:
                raise FilePartMissing(number=number, count=found.part_count)
            context = _part_context(import_id, number)
            size += await asyncio.to_thread(_append, file, digest, sealed, context)
        if (size, digest.digest()) != (found.size_bytes, found.sha256):
            raise FileDiffers
    finally:
        await asyncio.to_thread(file.close)


async def save_report(import_id: int, which: str, path: Path) -> None:
    """Keep the file at `path` as a report of the import, in the place of an earlier one; for the jobs."""
    kind = ReportKind(which)
    file = await asyncio.to_thread(path.open, "rb")
    try:
        async with db.transaction():
            await repository_uploads.delete_report(import_id, kind.value)
            number = 0
            while content := await asyncio.to_thread(file.read, domain.REPORT_PART_BYTES):
                context = _report_context(import_id, kind, number)
                part = await asyncio.to_thread(_sealed, content, context)
                await repository_uploads.save_report_part(
                    import_id, kind.value, number, part.sealed
                )
                number += 1
    finally:
        await asyncio.to_thread(file.close)


async def read_report(*, viewer: Viewer, import_id: int, which: str) -> AsyncIterator[bytes]:
    """The bytes of a report, for who may see the import; that it was read stands in the trail from then on.

    Raises Unauthenticated, and NotFound where there is none, any more, or for this viewer. The iterator raises
    ReportGone where the report does not stay as long as it is read.
    """
    kind = ReportKind(which)
    _require_somebody(viewer)
    found = await repository.find(import_id)
    if found is None or not domain.is_visible(found, viewer):
        raise NotFound(field=("importId",))
    part_ids = await repository_uploads.list_report_parts(import_id, kind.value)
    if not part_ids:
        raise NotFound(field=("importId",))
    await _record_read(viewer, found, kind)
    return _report(import_id, kind, part_ids)


async def report_head(import_id: int) -> bytes:
    """How an import's report begins, empty where there is none; who may see it is for the caller to ask."""
    part_ids = await repository_uploads.list_report_parts(import_id, ReportKind.REPORT.value)
    sealed = await repository_uploads.find_report_part(part_ids[0]) if part_ids else None
    if sealed is None:
        return b""
    context = _report_context(import_id, ReportKind.REPORT, 0)
    return await asyncio.to_thread(sealing.current().unseal_bytes, sealed, context=context)


async def _report(import_id: int, kind: ReportKind, part_ids: list[int]) -> AsyncIterator[bytes]:
    for number, part_id in enumerate(part_ids):
        sealed = await repository_uploads.find_report_part(part_id)
        if sealed is None:
            raise ReportGone
        yield sealing.current().unseal_bytes(
            sealed, context=_report_context(import_id, kind, number)
        )


async def _record_read(viewer: Viewer, found: FileImport, kind: ReportKind) -> None:
    provinces = found.province_codes or ()
    async with db.transaction():
        await audit.record(
            viewer=viewer,
            action="imports.report_read",
            object_type=domain.OBJECT,
            object_id=str(found.id),
            after={"report": kind.value},
            province_code=provinces[0] if len(provinces) == 1 else None,
        )


async def _uploading(viewer: Viewer, import_id: int, number: int) -> FileImport:
    _require_somebody(viewer)
    found = await repository.find(import_id)
    if found is None or found.actor != viewer.actor:
        raise NotFound(field=("importId",))
    viewer.require(domain.PERMISSION[found.kind])
    is_late = found.expires_at is not None and found.expires_at <= clock.now()
    if found.state is not ImportState.UPLOADING or is_late:
        raise FileImportStateRefuses(field=("importId",))
    if not 0 <= number < found.part_count:
        raise FilePartNumberInvalid(field=("number",), last=found.part_count - 1)
    return found


def _check_size(found: FileImport, number: int, size_bytes: int) -> None:
    if size_bytes != found.part_size(number):
        raise FilePartSizeInvalid(
            number=number, size_bytes=found.part_size(number), part_bytes=found.part_bytes
        )


async def _get(import_id: int) -> FileImport:
    found = await repository.find(import_id)
    if found is None:
        raise NotFound
    return found


def _require_somebody(viewer: Viewer) -> None:
    if viewer.kind is ActorKind.ANONYMOUS:
        raise Unauthenticated


def _sealed(content: bytes, context: str) -> SealedPart:
    sealed = sealing.current().seal_bytes(content, context=context)
    return SealedPart(len(content), hashlib.sha256(content).digest(), sealed)


def _append(file: BinaryIO, digest: "hashlib._Hash", sealed: Sealed, context: str) -> int:
    """Write some bytes at the end of the file; gives their number. Raises SealBroken."""
    content = sealing.current().unseal_bytes(sealed, context=context)
    digest.update(content)
    return file.write(content)


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ALONE), "wb")


def _part_context(import_id: int, number: int) -> str:
    return f"{PART}:{import_id}:{number}"


def _report_context(import_id: int, kind: ReportKind, number: int) -> str:
    return f"{REPORT}:{import_id}:{kind}:{number}"
