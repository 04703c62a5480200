"""A membership file's columns, cells and chunks."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import calendar, clock, identifiers
from backend.core.errors import DomainError
from backend.core.identifiers import InvalidIban
from backend.infra import sheets
from backend.infra.sheet_problems import ColumnsRepeated
from backend.members import file_cells, file_chunks, file_rows
from backend.members.domain import MemberState, PensionKind
from backend.members.file_chunks import MembershipFileCutOff, MembershipFileTooLarge
from backend.members.file_problems import (
    MembershipColumnsMissing,
    MembershipColumnsUnknown,
    UnitUnknown,
)
from backend.members.file_rows import HEADER, MemberRow, Provinces, RefusedRow
from backend.organization.domain import UnitCodes

CELLS = (
    "۰۰۱۲۳۴۵۶۷۹", "مريم ", "احمدي", "۱۳۳۰/۰۵/۱۲", "10000001", "بازنشستگی", "فعال", "ir-07", "شيراز",
    "B12", "", "120,000,000", "", "IR13 0130 0000 0000 0123 4567 89", "0917-123-4567",
)  # fmt: skip
PROVINCES = Provinces({"ir-07": "IR-07", "فارس": "IR-07"}, {"ir-14": "IR-07", "فارس": "IR-07"})
UNITS = UnitCodes(branches=("B12", "b/7"), associations=("K3",))


def understood(cells: tuple[str, ...], header: tuple[str, ...] = HEADER) -> MemberRow | RefusedRow:
    read = file_rows.row_reader(
        header,
        provinces=PROVINCES,
        units=UNITS,
        pension_number_pattern=file_cells.PENSION_NUMBER_PATTERN,
    )
    return read(cells)


def changed(**cells: str) -> tuple[str, ...]:
    return tuple(cells.get(name, cell) for name, cell in zip(HEADER, CELLS, strict=True))


def test_a_row_is_understood_however_it_is_typed() -> None:
    assert understood(CELLS) == MemberRow(
        national_code="0012345679",
        first_name="مریم",
        last_name="احمدی",
        birth_date=date(1951, 8, 4),
        pension_number="10000001",
        pension_kind=PensionKind.RETIREMENT,
        state=MemberState.ACTIVE,
        province_code="IR-07",
        city="شیراز",
        branch_code="B12",
        association_code=None,
        net_pension_rials=120_000_000,
        other_deductions_rials=0,
        iban="IR130130000000000123456789",
        phone="+989171234567",
    )


def test_the_order_of_the_columns_does_not_matter() -> None:
    assert understood(CELLS[::-1], HEADER[::-1]) == understood(CELLS)


def test_the_same_code_is_another_province_before_2020() -> None:
    header = tuple(
        file_rows.PROVINCE_BEFORE_2020 if each == "province" else each for each in HEADER
    )

    row = understood(changed(province="IR-14"), header)

    assert isinstance(row, MemberRow)
    assert row.province_code == "IR-07"
    assert isinstance(understood(changed(province="IR-07"), header), RefusedRow)


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("national_code", "", "CELL_EMPTY"),
        ("national_code", "1111111111", "BAD_USER_INPUT"),
        ("national_code", "12345679", "NATIONAL_CODE_SHORT"),
        ("national_code", "۷۶۵۴۳۲۱۸۹", "NATIONAL_CODE_SHORT"),
        ("national_code", "1234567", "BAD_USER_INPUT"),
        ("first_name", "\u200c", "CELL_EMPTY"),
        ("last_name", "ب" * 81, "TEXT_TOO_LONG"),
        ("last_name", "\ufdfa" * 20, "TEXT_TOO_LONG"),
        ("birth_date", "1951-08-04", "BAD_USER_INPUT"),
        ("birth_date", "1269-12-29", "INVALID_BIRTH_DATE"),
        ("pension_number", "12345", "INVALID_PENSION_NUMBER"),
        ("pension_kind", "هدیه", "UNKNOWN_CHOICE"),
        ("state", "FROZEN", "UNKNOWN_CHOICE"),
        ("province", "IR-14", "PROVINCE_UNKNOWN"),
        ("branch", "شعبه", "INVALID_UNIT_CODE"),
        ("association", "K" * 21, "INVALID_UNIT_CODE"),
        ("net_pension_rials", "1.5", "INVALID_RIALS"),
        ("net_pension_rials", "-1", "INVALID_RIALS"),
        ("other_deductions_rials", "9007199254740992", "INVALID_RIALS"),
    ],
)
def test_each_cell_is_checked_and_named(column: str, cell: str, code: str) -> None:
    row = understood(changed(**{column: cell}))

    assert isinstance(row, RefusedRow)
    assert [(each.column, each.error.code) for each in row.problems] == [(column, code)]
    assert row.national_code == (None if column == "national_code" else "0012345679")
    assert row.pension_number == (None if column == "pension_number" else "10000001")
    assert row.state is (None if column == "state" else MemberState.ACTIVE)


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("city", "ش" * 81, "CITY_LEFT_EMPTY"),
        ("iban", "IR140130000000000123456789", "CELL_PASSED_OVER"),
        ("phone", "02112345678", "CELL_PASSED_OVER"),
    ],
)
def test_a_phone_an_iban_or_a_city_that_is_not_valid_costs_no_row(
    column: str, cell: str, code: str
) -> None:
    row = understood(changed(**{column: cell}))

    assert isinstance(row, MemberRow)
    assert getattr(row, column) is None
    assert [(each.column, each.error.code) for each in row.warnings] == [(column, code)]
    assert row.warnings[0].error.data == {}


@pytest.mark.parametrize("cell", ["B12", "b12", "B\u06f1\u06f2", "\u200fB12"])
def test_a_unit_is_found_by_its_code_however_it_is_typed(cell: str) -> None:
    row = understood(changed(branch=cell, association="k3"))

    assert isinstance(row, MemberRow)
    assert (row.branch_code, row.association_code, row.warnings) == ("B12", "K3", ())


def test_a_unit_that_nobody_knows_is_left_empty_with_a_warning() -> None:
    row = understood(changed(branch="B13", association="B12"))

    assert isinstance(row, MemberRow)
    assert (row.branch_code, row.association_code) == (None, None)
    assert [(each.column, type(each.error), each.is_warning) for each in row.warnings] == [
        ("branch", UnitUnknown, True),
        ("association", UnitUnknown, True),
    ]
    assert row.warnings[0].error.data == {}  # a report quotes nothing


def test_a_row_that_is_refused_warns_of_nothing() -> None:
    row = understood(changed(branch="B13", birth_date="x"))

    assert isinstance(row, RefusedRow)
    assert [each.column for each in row.problems] == ["birth_date"]


def test_a_row_with_too_few_cells_is_refused_whole() -> None:
    row = understood(CELLS[:-1])

    assert isinstance(row, RefusedRow)
    assert [(each.column, each.error.code) for each in row.problems] == [("", "CELLS_MISCOUNTED")]


def test_nobody_is_born_tomorrow() -> None:
    today = clock.today()

    assert file_cells.birth_date(calendar.format_jalali_date(today)) == today
    with pytest.raises(DomainError):
        file_cells.birth_date(calendar.format_jalali_date(today + timedelta(days=1)))


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ((*HEADER, "رنگ"), MembershipColumnsUnknown),
        ((*HEADER, "کد ملی"), ColumnsRepeated),
        ((*HEADER, "کد پیشین استان"), ColumnsRepeated),
        (HEADER[1:], MembershipColumnsMissing),
    ],
)
def test_a_header_that_does_not_fit_is_refused(
    header: tuple[str, ...], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        file_rows.read_header(header)


def test_persian_titles_are_read() -> None:
    titles = [file_rows.TITLES[name][0] for name in HEADER]

    assert file_rows.read_header(titles) == HEADER


@given(st.from_regex(r"(IR|ir| IR)[0-9 ]{24,25}", fullmatch=True) | st.integers(0, 10**22 - 1))
def test_the_quick_check_of_ibans_agrees_with_the_library(typed: str | int) -> None:
    if isinstance(typed, int):
        account = f"{typed:022}"
        typed = f"IR{98 - int(f'{account}182700') % 97:02}{account}"

    assert _or_refusal(file_cells.iban, typed) == _or_refusal(identifiers.normalize_iban, typed)


def _or_refusal(read: Callable[[str], str | None], typed: str) -> str | None:
    try:
        return read(typed)
    except InvalidIban:
        return "refused"


LINES = st.lists(st.sampled_from(["a,b\n", '"x\ny",z\n', "\n", '"",""\r\n', "é,ی\n"]), max_size=40)


@given(LINES, st.integers(1, 7))
def test_chunks_are_the_whole_file_from_wherever_one_begins(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int
) -> None:
    path = tmp_path_factory.mktemp("chunks") / "a.csv"
    path.write_bytes("\ufeffh1;h2\n".encode() + "".join(lines).encode())
    start = file_chunks.read_start(path)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(file_chunks, "ROWS_A_CHUNK", size)
        chunks = list(file_chunks.read_chunks(path, start.position))
        rests = [list(file_chunks.read_chunks(path, chunk.at)) for chunk in chunks]

    assert (start.cells, start.delimiter) == (("h1", "h2"), ";")
    assert b"".join(chunk.data for chunk in chunks) == "".join(lines).encode()
    assert sum(chunk.rows for chunk in chunks) == len(lines)
    assert [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert rests == [chunks[place:] for place in range(len(chunks))]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_file_whose_last_row_ends_without_a_line_break_was_cut_off(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3,150000000", encoding="utf-8")
    start = file_chunks.read_start(path).position
    monkeypatch.setattr(file_chunks, "ROWS_A_CHUNK", size)

    with pytest.raises(MembershipFileCutOff) as refused:
        list(file_chunks.read_chunks(path, start))

    assert refused.value.data == {"row": 3}


def test_a_file_with_too_many_rows_or_an_open_quote_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3,4\n5,6\n", encoding="utf-8")
    start = file_chunks.read_start(path).position
    monkeypatch.setattr(file_chunks, "MAX_ROWS", 3)
    with pytest.raises(MembershipFileTooLarge):
        list(file_chunks.read_chunks(path, start))
    monkeypatch.setattr(file_chunks, "MAX_ROWS", 5)
    assert [chunk.rows for chunk in file_chunks.read_chunks(path, start)] == [3]
    path.write_text('a,b\n1,"2\n', encoding="utf-8")
    with pytest.raises(sheets.SheetBroken):
        list(file_chunks.read_chunks(path, start))
