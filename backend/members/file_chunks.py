"""A membership file cut into chunks of whole rows, from any chunk on. Everything here blocks."""

import csv
import hashlib
import os
from collections.abc import Generator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from backend.core.errors import BadUserInput, sentences
from backend.infra import sheets

ROWS_A_CHUNK = 4_000
MAX_ROWS = 20_000_000
MAX_ROW_BYTES = 65_536

_MARK = b"\xef\xbb\xbf"
_DELIMITERS = (",", ";", "\t")


class MembershipFileTooLarge(BadUserInput):
    """The file has more rows, or a row more bytes, than a membership file may have."""

    code = "MEMBERSHIP_FILE_TOO_LARGE"
    texts = sentences(
        fa="پرونده بزرگ‌تر از اندازهٔ مجاز است (ردیف {row}).",
        en="The file is larger than allowed (row {row}).",
    )
    hints = sentences(
        fa="دست‌بالا {rows} ردیف و {bytes} بایت در هر ردیف پذیرفته می‌شود.",
        en="At most {rows} rows and {bytes} bytes a row are accepted.",
    )

    def __init__(self, row: int) -> None:
        super().__init__(row=row, rows=MAX_ROWS, bytes=MAX_ROW_BYTES)


class MembershipFileCutOff(BadUserInput):
    """The last row ends without a line break: it may have been cut in the middle of an amount."""

    code = "MEMBERSHIP_FILE_CUT_OFF"
    texts = sentences(
        fa="پرونده بریده است: ردیف آخر ({row}) با شکستن سطر پایان نمی‌یابد.",
        en="The file is cut off: its last row ({row}) does not end with a line break.",
    )
    hints = sentences(
        fa="پرونده را دوباره بگیرید؛ پروندهٔ کامل با شکستن سطر پایان می‌یابد.",
        en="Fetch the file again; a whole one ends with a line break.",
    )


@dataclass(frozen=True, slots=True)
class FileStart:
    """The first row of a file, and where the second begins."""

    cells: tuple[str, ...]
    delimiter: str
    position: "Position"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a chunk begins: its number, its first byte, and the number of its first row."""

    chunk: int
    byte: int
    row: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some whole rows as they stand in the file; `after` is where the next chunk begins."""

    at: Position
    data: bytes
    after: Position
    is_last: bool

    @property
    def rows(self) -> int:
        """How many rows it holds, blank ones too."""
        return self.after.row - self.at.row


def stat(path: Path) -> os.stat_result:
    """What the file is before it is read. Raises SheetMissing."""
    try:
        return path.stat()
    except OSError as error:
        raise sheets.SheetMissing from error


def sha256(path: Path) -> bytes:
    """The digest of the file's bytes. Raises SheetMissing."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise sheets.SheetMissing from error


def read_start(path: Path) -> FileStart:
    """Read the header of a CSV file. Raises SheetMissing, -Empty, -NotUtf8, -Broken, -KindUnknown."""
    try:
        with path.open("rb") as file:
            mark = file.read(len(_MARK))
            if mark[:2] == b"PK":
                raise sheets.SheetKindUnknown
            file.seek(len(_MARK) if mark == _MARK else 0)
            record = _record(file, 1)
            end = file.tell()
    except OSError as error:
        raise sheets.SheetMissing from error
    if not record.strip():
        raise sheets.SheetEmpty
    try:
        line = record.decode()
    except UnicodeDecodeError as error:
        raise sheets.SheetNotUtf8 from error
    delimiter = max(_DELIMITERS, key=line.count)
    try:
        cells = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise sheets.SheetBroken(row=1) from error
    return FileStart(tuple(cells), delimiter, Position(chunk=0, byte=end, row=2))


def read_chunks(path: Path, start: Position) -> Generator[Chunk, None, None]:
    """Yield the chunks from a position on; an empty rest is one empty chunk.

    The same file is always cut alike. Raises SheetMissing, SheetBroken, MembershipFileTooLarge and, for a last
    row that does not end with a line break, MembershipFileCutOff.
    """
    try:
        with path.open("rb") as file:
            file.seek(start.byte)
            at, is_last = start, False
            while not is_last:
                records = _records(file, at.row)
                data = b"".join(records)
                after = Position(at.chunk + 1, at.byte + len(data), at.row + len(records))
                if after.row > MAX_ROWS:
                    raise MembershipFileTooLarge(MAX_ROWS)
                is_last = not file.peek(1)
                if is_last and data and not data.endswith(b"\n"):
                    raise MembershipFileCutOff(row=after.row - 1)
                yield Chunk(at, data, after, is_last)
                at = after
    except OSError as error:
        raise sheets.SheetMissing from error


def _records(file: BufferedReader, first_row: int) -> list[bytes]:
    records: list[bytes] = []
    while len(records) < ROWS_A_CHUNK:
        record = _record(file, first_row + len(records))
        if not record:
            break
        records.append(record)
    return records


def _record(file: BufferedReader, row: int) -> bytes:
    """Read one row; a line break between quotes does not end it."""
    record = file.readline(MAX_ROW_BYTES + 1)
    while record.count(b'"') % 2:
        line = file.readline(MAX_ROW_BYTES + 1)
        if not line:
            raise sheets.SheetBroken(row=row - 1)
        record += line
        if len(record) > MAX_ROW_BYTES:
            break
    if len(record) > MAX_ROW_BYTES:
        raise MembershipFileTooLarge(row)
    return record
