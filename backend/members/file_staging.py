"""A chunk of a membership file made ready for COPY: understood, checked, sealed."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.core.locale import Locale
from backend.infra import sealing
from backend.infra.sealing import Sealer
from backend.infra.sheet_problems import CellProblem
from backend.infra.sheets import restored
from backend.members import file_cells, file_rows, seals
from backend.members.file_chunks import Chunk
from backend.members.file_problems import UnitUnknown
from backend.members.file_rows import MemberRow, Provinces, RefusedRow
from backend.organization.domain import UnitCodes

ROW_COLUMNS = (
    "file_id", "row_number", "is_valid", "national_code_index", "pension_number", "state",
    "national_code_sealed", "national_code_key_id", "first_name", "last_name", "name_sort_key",
    "birth_date", "pension_kind", "province_code", "city", "branch_code",
    "association_code", "net_pension_rials", "other_deductions_rials", "iban_sealed", "iban_key_id",
    "iban_index", "phone",
)  # fmt: skip
PROBLEM_COLUMNS = (
    "file_id", "row_number", "position", "column_name", "error_code", "message", "hint",
)  # fmt: skip

_NULL = "\\N"
_NO_MORE = "\t".join([_NULL] * (len(ROW_COLUMNS) - 6))
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Fault(StrEnum):
    """What makes a whole file useless, found in the middle of it."""

    NOT_UTF8 = "NOT_UTF8"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a worker needs to know about a file to understand its rows."""

    file_id: int
    header: tuple[str, ...]
    delimiter: str
    provinces: Provinces
    units: UnitCodes
    pension_number_pattern: str


@dataclass(frozen=True, slots=True)
class StagedChunk:
    """Lines of COPY's text form for the rows, problems and warnings of a chunk, and how many they are.

    Of the warnings `passed_over` are of cells that are not valid, the others of unknown units.
    """

    rows: int
    row_lines: bytes
    problems: int
    problem_lines: bytes
    warnings: int
    warning_lines: bytes
    passed_over: int


def stager(reading: Reading) -> Callable[[Chunk], StagedChunk | Fault]:
    """Return what makes the chunks of a file ready, with this process's sealer.

    Raises SealingKeyError where none is configured.
    """
    understand = file_rows.row_reader(
        reading.header,
        provinces=reading.provinces,
        units=reading.units,
        pension_number_pattern=reading.pension_number_pattern,
    )
    sealer = sealing.current()

    def stage(chunk: Chunk) -> StagedChunk | Fault:
        try:
            text = chunk.data.decode()
            records = _records(text, reading.delimiter)
        except UnicodeDecodeError:
            return Fault.NOT_UTF8
        except csv.Error:
            return Fault.BROKEN
        if "\0" in text:
            return Fault.NOT_UTF8
        if len(records) != chunk.rows:  # an open quote, or rows parted by lone carriage returns
            return Fault.BROKEN
        rows: list[str] = []
        problems: list[str] = []
        warnings: list[str] = []
        passed_over = 0
        for number, cells in enumerate(records, start=chunk.at.row):
            if not any(cells):
                continue
            row = understand([restored(cell) if cell[:1] == "'" else cell for cell in cells])
            if isinstance(row, RefusedRow):
                rows.append(_refused_line(reading.file_id, number, row, sealer))
                problems += _problem_lines(reading.file_id, number, row.problems)
            else:
                rows.append(_member_line(reading.file_id, number, row, sealer))
                if row.warnings:
                    warnings += _problem_lines(reading.file_id, number, row.warnings)
                    passed_over += _count_passed_over(row)
        return StagedChunk(
            *(len(rows), "".join(rows).encode()),
            *(len(problems), "".join(problems).encode()),
            *(len(warnings), "".join(warnings).encode()),
            passed_over,
        )

    return stage


def problem_line(file_id: int, row: int, position: int, problem: CellProblem) -> str:
    """One problem in COPY's text form, with its Persian sentences."""
    error = problem.error
    return _line(
        file_id, row, position, problem.column, error.code,
        error.message(Locale.FA).translate(_ESCAPED), error.hint(Locale.FA).translate(_ESCAPED),
    )  # fmt: skip


def _records(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def _member_line(file_id: int, number: int, row: MemberRow, sealer: Sealer) -> str:
    index = seals.national_code_index(row.national_code, sealer)
    code = seals.seal_national_code(row.national_code, index=index, sealer=sealer)
    iban: tuple[str | None, ...] = (None, None, None)
    if row.iban is not None:
        sealed = seals.seal_iban(row.iban, index=index, sealer=sealer)
        iban = (
            _bytea(sealed.ciphertext),
            sealed.key_id,
            _bytea(seals.iban_index(row.iban, sealer)),
        )
    sort_key = f"{file_cells.name_key(row.last_name)} {file_cells.name_key(row.first_name)}"
    city = None if row.city is None else _shown(row.city)
    return _line(
        file_id, number, "t", _bytea(index), row.pension_number, row.state,
        _bytea(code.ciphertext), code.key_id, _shown(row.first_name), _shown(row.last_name),
        _shown(sort_key), row.birth_date, row.pension_kind, row.province_code, city,
        row.branch_code, row.association_code, row.net_pension_rials, row.other_deductions_rials,
        *iban, row.phone,
    )  # fmt: skip


def _refused_line(file_id: int, number: int, row: RefusedRow, sealer: Sealer) -> str:
    code = row.national_code
    index = None if code is None else _bytea(seals.national_code_index(code, sealer))
    known = _line(file_id, number, "f", index, row.pension_number, row.state)
    return f"{known[:-1]}\t{_NO_MORE}\n"


def _count_passed_over(row: MemberRow) -> int:
    return sum(not isinstance(each.error, UnitUnknown) for each in row.warnings)


def _problem_lines(file_id: int, number: int, problems: Sequence[CellProblem]) -> Sequence[str]:
    return [
        problem_line(file_id, number, position, problem)
        for position, problem in enumerate(problems)
    ]


def _bytea(value: bytes) -> str:
    return f"\\\\x{value.hex()}"


def _line(*values: object) -> str:
    """One line of values, of which those that may hold anything are `_shown` or escaped already."""
    return "\t".join([_NULL if value is None else str(value) for value in values]) + "\n"


def _shown(text: str) -> str:
    """Escape what `clean_name` left, or what was made of it: nothing but backslashes can be there."""
    return text.replace("\\", "\\\\") if "\\" in text else text
