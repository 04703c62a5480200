"""Tables in files: CSV and XLSX, written as a stream of rows of text; `sheets` reads them back.

All cells are text. What a spreadsheet would run as a formula gets an apostrophe before it.
Everything here blocks: call it in a thread.
"""

import csv
import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import openpyxl
from openpyxl.utils.exceptions import WorkbookAlreadySaved

from backend.infra import sheets


class RowWriter(Protocol):
    """A table under way; nothing stands at its path before `finish`."""

    def write(self, rows: Iterable[Sequence[str]]) -> None: ...

    def finish(self) -> None: ...

    def abandon(self) -> None: ...


def create(path: Path) -> RowWriter:
    """Begin a table; the name's ending, .csv or .xlsx, says which. Raises SheetKindUnknown.

    It is written beside `path`, readable by its owner alone, and takes the place of `path` at the
    end: a run that fails leaves what was there.
    """
    if path.suffix.lower() == ".xlsx":
        return _WorkbookWriter(path)
    if path.suffix.lower() == ".csv":
        return _CsvWriter(path)
    raise sheets.SheetKindUnknown


class _CsvWriter:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = _part_of(path)
        self._file = self._part.open("w", encoding="utf-8-sig", newline="")  # Excel wants the mark
        self._writer = csv.writer(self._file)

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        self._writer.writerows([sheets.neutralized(cell) for cell in row] for row in rows)

    def finish(self) -> None:
        self._file.close()
        self._part.replace(self._path)

    def abandon(self) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)


class _WorkbookWriter:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = _part_of(path)
        self._workbook = openpyxl.Workbook(write_only=True)
        self._sheet = self._workbook.create_sheet()
        self._rows = 0

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        for row in rows:
            self._rows += 1
            if self._rows > sheets.MAX_ROWS:
                raise sheets.SheetTooLarge(self._rows)
            self._sheet.append([sheets.neutralized(cell) or None for cell in row])

    def finish(self) -> None:
        self._workbook.save(self._part)
        self._part.replace(self._path)

    def abandon(self) -> None:
        with suppress(WorkbookAlreadySaved):
            self._sheet.close()
        self._part.unlink(missing_ok=True)


def _part_of(path: Path) -> Path:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise sheets.SheetMissing from error
    os.close(handle)
    return Path(name)
