"""Imports that operators start: what can be imported, in which states an import can be, and what is refused."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import Final

from backend.core import text
from backend.core.permissions import Permission
from backend.core.viewer import Scope, Viewer
from backend.imports.refusals import FileImportInvalid

OBJECT: Final = "FileImport"
RUN_JOB: Final = "imports.run"
CLEAN_UP_JOB: Final = "imports.clean_up"
APPROVAL_KIND: Final = "members.import"

PART_BYTES: Final = 4 * 1024 * 1024
REPORT_PART_BYTES: Final = 1024 * 1024
SHA256_BYTES: Final = 32
REPEATED: Final = "repeated"  # among the counts of what was imported before
MAX_FILE_NAME_CHARACTERS: Final = 120
MAX_OPEN_IMPORTS: Final = 3  # of one operator
MAX_ATTEMPTS: Final = 5  # runs that ended badly, those whose worker died among them
UPLOAD_LIFETIME: Final = timedelta(hours=24)  # also of what was tried out, and waits to be started
APPROVAL_LIFETIME: Final = timedelta(days=7)
REPORT_LIFETIME: Final = timedelta(days=90)


class ImportKind(StrEnum):
    """What a file holds."""

    MEMBERS = "MEMBERS"
    STORES = "STORES"


class ImportState(StrEnum):
    """Where an import stands; the last five are final."""

    UPLOADING = "UPLOADING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    CHECKED = "CHECKED"
    WAITING_FOR_APPROVAL = "WAITING_FOR_APPROVAL"
    DONE = "DONE"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class ReportKind(StrEnum):
    """The two files that an import leaves: what is wrong with the rows, and which members are in no row."""

    REPORT = "report"
    VANISHED = "vanished"


ENDED: Final = frozenset(
    {
        ImportState.DONE,
        ImportState.FAILED,
        ImportState.REFUSED,
        ImportState.CANCELLED,
        ImportState.EXPIRED,
    }
)
STARTABLE: Final = frozenset({ImportState.UPLOADING, ImportState.CHECKED})
MAX_SIZE_BYTES: Final[Mapping[ImportKind, int]] = MappingProxyType(
    {ImportKind.MEMBERS: 2 * 1024**3 - 1, ImportKind.STORES: 50 * 1024**2}
)
PERMISSION: Final[Mapping[ImportKind, Permission]] = MappingProxyType(
    {ImportKind.MEMBERS: Permission.MEMBERS_IMPORT, ImportKind.STORES: Permission.STORES_MANAGE}
)
# Who sees the imports of a kind; an auditor sees all.
SEEN_BY: Final[Mapping[ImportKind, frozenset[Permission]]] = MappingProxyType(
    {
        ImportKind.MEMBERS: frozenset(
            {Permission.MEMBERS_IMPORT, Permission.MEMBERS_IMPORT_APPROVE}
        ),
        ImportKind.STORES: frozenset({Permission.STORES_MANAGE}),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileImport:
    """An import as it stands.

    `province_codes` is the scope of `actor` when it was begun, None for the nation. `rows_done` goes to
    `rows_expected`, for a membership file twice its rows: each is checked, then merged. `counts` holds the figures of
    a run that came to its end; `unusual` those of them that are too much, by their names in `members.domain.unusual`.
    """

    id: int
    kind: ImportKind
    state: ImportState
    actor: str
    province_codes: tuple[str, ...] | None
    file_name: str
    size_bytes: int
    sha256: bytes = field(repr=False)
    part_bytes: int
    month: int | None
    dry_run: bool
    run: int
    attempts: int
    is_merging: bool
    cancelled_by: str | None
    rows_done: int
    rows_expected: int | None
    counts: Mapping[str, int]
    unusual: tuple[str, ...]
    error_code: str | None
    error_text: str | None
    error_hint: str | None
    approval_id: int | None
    accepted_by: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None

    @property
    def scope(self) -> Scope:
        """The part of the country that the import was begun for."""
        if self.province_codes is None:
            return Scope(nation=True)
        return Scope(province_codes=frozenset(self.province_codes))

    @property
    def part_count(self) -> int:
        """How many parts the file is uploaded in."""
        return -(-self.size_bytes // self.part_bytes)

    def part_size(self, number: int) -> int:
        """The bytes of a part; all but the last are of one size."""
        return min(self.part_bytes, self.size_bytes - number * self.part_bytes)

    def has_report(self, at: datetime) -> bool:
        """Whether a run has left a report that is not forgotten yet."""
        is_kept = self.ended_at is None or at < self.ended_at + REPORT_LIFETIME
        return bool(self.counts) and not self.is_repeated and is_kept

    @property
    def is_repeated(self) -> bool:
        """Whether the same file was imported before, so that nothing was left to do."""
        return bool(self.counts.get(REPEATED))

    @property
    def progress_percent(self) -> int | None:
        """How far a run is, from 0 to 99, and 100 at its end; None where that is not known."""
        if self.state in (ImportState.DONE, ImportState.CHECKED):
            return 100
        if self.state is not ImportState.RUNNING or not self.rows_expected:
            return None
        return min(99, self.rows_done * 100 // self.rows_expected)


def clean_file_name(name: str) -> str:
    """A file's name as people are shown it: no folder, no invisible character, at most 120 characters; "" for none."""
    if len(name) > 4 * MAX_FILE_NAME_CHARACTERS:
        name = name[-4 * MAX_FILE_NAME_CHARACTERS :]
    base = PureWindowsPath(PurePosixPath(name).name).name
    cleaned = "" if base in {".", ".."} else text.clean_name(base)
    if len(cleaned) <= MAX_FILE_NAME_CHARACTERS:
        return cleaned
    ending = PurePosixPath(cleaned).suffix[:10]
    return cleaned[: MAX_FILE_NAME_CHARACTERS - len(ending)] + ending


def check_file(kind: ImportKind, *, file_name: str, size_bytes: int, sha256: str) -> bytes:
    """The digest's bytes. Raises FileImportInvalid for what no import of the kind can be of."""
    if not file_name:
        raise FileImportInvalid(megabytes=MAX_SIZE_BYTES[kind] // 1024**2, field=("fileName",))
    if not 1 <= size_bytes <= MAX_SIZE_BYTES[kind]:
        raise FileImportInvalid(megabytes=MAX_SIZE_BYTES[kind] // 1024**2, field=("sizeBytes",))
    try:
        digest = bytes.fromhex(sha256)
    except ValueError:
        digest = b""
    if len(digest) != SHA256_BYTES or len(sha256) != 2 * SHA256_BYTES:
        raise FileImportInvalid(megabytes=MAX_SIZE_BYTES[kind] // 1024**2, field=("sha256",))
    return digest


def is_visible(found: FileImport, viewer: Viewer) -> bool:
    """Whether the viewer may know of an import: an auditor, or who imports such files in that part of the country."""
    return may_see(viewer, found.kind) and viewer.scope.includes(found.scope)


def may_see(viewer: Viewer, kind: ImportKind) -> bool:
    """Whether the viewer may know of imports of a kind, those of the own part of the country."""
    return any(viewer.may(each) for each in (Permission.AUDIT_READ, *SEEN_BY[kind]))


def is_same_upload(
    found: FileImport, kind: ImportKind, *, size_bytes: int, sha256: bytes, month: int | None
) -> bool:
    """Whether an import is of this file, and still waits for bytes of it."""
    described = (found.state, found.kind, found.size_bytes, found.sha256, found.month)
    return described == (ImportState.UPLOADING, kind, size_bytes, sha256, month)


def fingerprint(found: FileImport) -> str:
    """What an approval of an unusual file hangs on: the file, its month and what it does to the members."""
    content = [found.sha256.hex(), found.month, sorted(found.counts.items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
