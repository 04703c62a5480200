"""Tables in files: CSV and XLSX, read as a stream of rows of text.

Row numbers are those that a spreadsheet program shows: the first row is 1. An
apostrophe that `sheet_writing` put before what looks like a formula is taken away again.
Everything here blocks: call it in a thread.
"""

import csv
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TextIO
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from backend.core.errors import BadUserInput, sentences

MAX_ROWS = 1_048_576  # what a spreadsheet program can show
MAX_COLUMNS = 200
MAX_CELL_CHARACTERS = 32_767  # as in Excel
MAX_ROW_CHARACTERS = 200_000
MAX_ZIP_MEMBERS = 1_000
MAX_UNCOMPRESSED_BYTES = 1024 * 1024 * 1024
MAX_SHARED_STRINGS_BYTES = 128 * 1024 * 1024  # openpyxl keeps them all in memory
MAX_COMPRESSION_RATIO = 150
_RATIO_COUNTS_FROM_BYTES = 16 * 1024 * 1024

_ZIP_MAGIC = b"PK\x03\x04"
_FOREIGN_MAGICS = (b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"Rar!")  # .xls, and no table at all
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = (",", ";", "\t")
_NEEDS_APOSTROPHE = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_HAS_APOSTROPHE = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
# What openpyxl lets through of a damaged workbook.
_BROKEN_WORKBOOK = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    ParseError,
    EOFError,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,  # an encrypted member
)

Row = tuple[str, ...]


class SheetMissing(BadUserInput):
    """There is no such file, or it cannot be opened."""

    code = "SHEET_MISSING"
    texts = sentences(fa="پرونده پیدا یا باز نشد.", en="The file is missing or cannot be opened.")
    hints = sentences(
        fa="نشانی پرونده و اجازهٔ خواندن آن را بررسی کنید.",
        en="Check the file's path and the permission to read it.",
    )


class SheetKindUnknown(BadUserInput):
    """The file is neither CSV nor XLSX."""

    code = "SHEET_KIND_UNKNOWN"
    texts = sentences(fa="پرونده نه CSV است و نه XLSX.", en="The file is neither CSV nor XLSX.")
    hints = sentences(
        fa="پرونده را با قالب CSV (UTF-8) یا XLSX ذخیره کنید.",
        en="Save the file as CSV (UTF-8) or as XLSX.",
    )


class SheetEmpty(BadUserInput):
    """The file has no row at all, not even a header."""

    code = "SHEET_EMPTY"
    texts = sentences(fa="پرونده خالی است.", en="The file is empty.")
    hints = sentences(
        fa="ردیف نخست باید نام ستون‌ها باشد.", en="The first row must hold the names of the columns."
    )


class SheetNotUtf8(BadUserInput):
    """A CSV file in another encoding, such as windows-1256 or UTF-16."""

    code = "SHEET_NOT_UTF8"
    texts = sentences(
        fa="نویسه‌گذاری پرونده UTF-8 نیست.", en="The encoding of the file is not UTF-8."
    )
    hints = sentences(
        fa="در اکسل، پرونده را با قالب «CSV UTF-8» یا XLSX ذخیره کنید.",
        en="In Excel, save the file as “CSV UTF-8” or as XLSX.",
    )


class SheetBroken(BadUserInput):
    """The file is cut off or damaged: an open quote, half a ZIP archive, XML that is none."""

    code = "SHEET_BROKEN"
    texts = sentences(
        fa="پرونده ناقص یا خراب است (پس از ردیف {row}).",
        en="The file is cut off or damaged (after row {row}).",
    )
    hints = sentences(
        fa="پرونده را دوباره بگیرید؛ در CSV نقل‌قول‌های باز را ببندید.",
        en="Fetch the file again; in a CSV file, close the open quotes.",
    )


class SheetTooLarge(BadUserInput):
    """The file, a row or a cell is beyond a limit."""

    code = "SHEET_TOO_LARGE"
    texts = sentences(
        fa="پرونده بزرگ‌تر از اندازهٔ مجاز است (ردیف {row}).",
        en="The file is larger than allowed (row {row}).",
    )
    hints = sentences(
        fa="پرونده را چند بخش کنید: حداکثر {rows} ردیف، {columns} ستون و {characters} نویسه در خانه.",
        en="Split the file: at most {rows} rows, {columns} columns and {characters} characters a cell.",
    )

    def __init__(self, row: int) -> None:
        super().__init__(
            row=row, rows=MAX_ROWS, columns=MAX_COLUMNS, characters=MAX_CELL_CHARACTERS
        )


@dataclass(slots=True)
class _Position:
    """The last row that was read whole."""

    row: int = 0


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield the number and the cells of each row that is not blank; the first is the header.

    Of a workbook the first sheet is read, formulas as the values they had. Raises one of the errors
    above, also in the middle: go through it once before anything is done with its rows.
    """
    at = _Position()
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start.startswith(_FOREIGN_MAGICS):
            raise SheetKindUnknown
        is_workbook = start == _ZIP_MAGIC or path.suffix.lower() == ".xlsx"
        found = _workbook_rows(path, at) if is_workbook and start else _csv_rows(path, start, at)
        is_empty = True
        with closing(found):
            for number, row in enumerate(found, start=1):
                if number > MAX_ROWS or any(len(cell) > MAX_CELL_CHARACTERS for cell in row):
                    raise SheetTooLarge(number)
                at.row = number
                if any(cell.strip() for cell in row):
                    is_empty = False
                    yield number, tuple(map(restored, row))
        if is_empty:
            raise SheetEmpty
    except OSError as error:
        raise SheetMissing from error


def neutralized(cell: str) -> str:
    """Return the cell with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{cell}" if _NEEDS_APOSTROPHE.match(cell) else cell


def restored(cell: str) -> str:
    """Return what `neutralized` was given; any other text stays as it is."""
    return cell[1:] if _HAS_APOSTROPHE.match(cell) else cell


def _csv_rows(path: Path, start: bytes, at: _Position) -> Generator[Row, None, None]:
    if start.startswith(_UTF_16_MARKS):
        raise SheetNotUtf8
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = _lines(file, at)
            first = next((line for line in lines if line.strip()), None)
            delimiter = max(_DELIMITERS, key=(first or "").count)
            file.seek(0)
            for row in csv.reader(_lines(file, at), delimiter=delimiter, strict=True):
                if len(row) > MAX_COLUMNS:
                    raise SheetTooLarge(at.row + 1)
                yield tuple(row)
    except UnicodeDecodeError as error:
        raise SheetNotUtf8 from error
    except csv.Error as error:
        raise SheetBroken(row=at.row) from error


def _lines(file: TextIO, at: _Position) -> Iterator[str]:
    """Yield the lines, none of them longer than a row may be."""
    while line := file.readline(MAX_ROW_CHARACTERS + 1):
        if len(line) > MAX_ROW_CHARACTERS:
            raise SheetTooLarge(at.row + 1)
        if "\0" in line:
            raise SheetNotUtf8
        yield line


def _workbook_rows(path: Path, at: _Position) -> Generator[Row, None, None]:
    try:
        _check_archive(path)
        with closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as workbook:
            if not workbook.worksheets:
                raise SheetEmpty
            sheet = workbook.worksheets[0]
            sheet.reset_dimensions()  # what the file says of its size may be a lie
            width = 0
            for values in sheet.iter_rows(values_only=True):
                cells = [_cell_text(value) for value in values]
                while cells and not cells[-1]:
                    cells.pop()
                if len(cells) > MAX_COLUMNS:
                    raise SheetTooLarge(at.row + 1)
                width = width or len(cells)  # a workbook leaves out the empty cells at the end
                yield (*cells, *("" for _ in range(width - len(cells))))
    except _BROKEN_WORKBOOK as error:
        raise SheetBroken(row=at.row) from error


def _check_archive(path: Path) -> None:
    """Refuse an archive that unpacks to too much; zipfile never unpacks more than is declared."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > MAX_ZIP_MEMBERS or total > MAX_UNCOMPRESSED_BYTES:
        raise SheetTooLarge(0)
    for member in members:
        is_shared_strings = member.filename.lower().endswith("sharedstrings.xml")
        if is_shared_strings and member.file_size > MAX_SHARED_STRINGS_BYTES:
            raise SheetTooLarge(0)
        ratio = member.file_size / max(1, member.compress_size)
        if member.file_size > _RATIO_COUNTS_FROM_BYTES and ratio > MAX_COMPRESSION_RATIO:
            raise SheetTooLarge(0)


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)
