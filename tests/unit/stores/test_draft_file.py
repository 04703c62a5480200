"""A row of a file of stores becomes a draft and comes back; each kind of mistake is told by its column."""

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import identifiers, money, text
from backend.core.calendar import Weekday
from backend.core.errors import DomainError
from backend.core.geo import GeoBounds, GeoPoint
from backend.core.locale import Locale
from backend.infra import sheet_problems
from backend.stores import (
    draft_cells,
    draft_columns,
    draft_file,
    draft_problems,
    opening,
    opening_text,
)
from backend.stores.domain import (
    InstalmentTerms,
    PlaceKind,
    Settlement,
    SettlementMode,
    StoreCategory,
    StoreDraft,
    StoreState,
    TermsInvalid,
)
from backend.stores.draft_cells import ProvinceEntry
from backend.stores.draft_columns import HEADER
from backend.stores.draft_file import ParsedRow
from backend.stores.opening import OpeningException, OpeningPeriod, OpeningSchedule

REFERENCE = Path(__file__).parents[3] / "docs" / "stores-file.md"
KNOWN = draft_cells.reference(
    categories=[
        StoreCategory(1, "groceries", "خواربار", "Groceries"),
        StoreCategory(2, "home-appliances", "لوازم خانگی", "Home appliances"),
    ],
    provinces=[
        ProvinceEntry("IR-07", "IR-14", "فارس", GeoBounds(26.83, 51.02, 31.66, 55.04)),
        ProvinceEntry("IR-14", "IR-08", "چهارمحال و بختیاری", GeoBounds(31.0, 49.6, 33.0, 51.8)),
    ],
)
DRAFT = StoreDraft(
    code="SHZ-1",
    kind=PlaceKind.STORE,
    state=StoreState.ACTIVE,
    name="فروشگاه رفاه",
    category_code="groceries",
    province_code="IR-07",
    city="شیراز",
    address="خیابان زند",
    location=GeoPoint(29.6205, 52.5311),
    phones=("+987132345678", "+989171234567"),
    terms=InstalmentTerms(3, 12, 5_000_000, 200_000_000),
    schedule=OpeningSchedule(
        periods=(OpeningPeriod(Weekday.SATURDAY, 540, 780),),
        exceptions=(OpeningException(date(2026, 11, 22), ()),),
        open_on_holidays=True,
    ),
    settlement=Settlement("IR130130000000000123456789", "ق-۱۲", SettlementMode.AT_ONCE),
)
CELLS = {
    "code": "SHZ-1",
    "kind": "STORE",
    "state": "ACTIVE",
    "name": "فروشگاه رفاه",
    "category": "groceries",
    "province": "IR-07",
    "city": "شیراز",
    "address": "خیابان زند",
    "latitude": "29.6205",
    "longitude": "52.5311",
    "phones": "+987132345678; +989171234567",
    "opening_hours": "شنبه 09:00-13:00; یکشنبه-جمعه تعطیل",
    "opening_exceptions": "1405-09-01 تعطیل",
    "open_on_holidays": "yes",
    "min_months": "3",
    "max_months": "12",
    "min_amount_rials": "5000000",
    "max_amount_rials": "200000000",
    "settlement_iban": "IR130130000000000123456789",
    "contract_number": "ق-۱۲",
    "settlement_mode": "AT_ONCE",
}


def parse(**changed: str) -> ParsedRow:
    """The row above with some cells changed, under a header of its own columns."""
    cells = CELLS | changed
    if draft_columns.PROVINCE_BEFORE_2020 in changed:
        del cells["province"]
    header = draft_columns.read_header(tuple(cells))
    return draft_file.parse_row(header, tuple(cells.values()), known=KNOWN)


def problems(row: ParsedRow) -> list[tuple[str, type[DomainError]]]:
    return [(problem.column, type(problem.error)) for problem in row.problems]


def test_a_draft_is_written_in_the_columns_of_the_header() -> None:
    assert dict(zip(HEADER, draft_file.format_row(DRAFT), strict=True)) == CELLS


def test_a_row_is_read_as_the_draft_that_it_describes() -> None:
    assert parse() == ParsedRow("SHZ-1", DRAFT, ())


def texts(most: int) -> st.SearchStrategy[str]:
    """Text as it is stored: cleaning it again changes nothing."""
    cleaned = st.text(min_size=1, max_size=most // 4).map(text.clean_name).map(text.clean_name)
    return cleaned.filter(
        lambda each: bool(each) and len(each) <= most and text.clean_name(each) == each
    )


names = texts(160).filter(
    lambda name: len(text.fold_compact(name)) <= 160 and len(text.persian_sort_key(name)) <= 320
)
spans = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(lambda s: (s[0], s[0] + s[1]))
exceptions = st.lists(
    st.builds(
        OpeningException,
        st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        st.one_of(st.just(()), spans.map(lambda span: (span,))),
    ),
    max_size=4,
    unique_by=lambda each: each.on_date,
).map(lambda days: tuple(sorted(days, key=lambda each: each.on_date)))
periods = st.lists(
    st.builds(
        OpeningPeriod,
        st.sampled_from(Weekday),
        st.integers(0, 700),
        st.integers(701, 1440),
    ),
    max_size=7,
    unique_by=lambda each: each.weekday,
).map(lambda week: tuple(sorted(week, key=lambda each: each.weekday)))
rials = st.integers(1_000, money.MAX_RIALS)
terms = st.builds(
    lambda months, amounts: InstalmentTerms(*sorted(months), *sorted(amounts)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.tuples(rials, rials),
)
drafts = st.builds(
    StoreDraft,
    code=st.from_regex(r"[A-Z0-9][A-Z0-9._/-]{0,39}", fullmatch=True),
    kind=st.sampled_from(PlaceKind),
    state=st.sampled_from(StoreState),
    name=names,
    category_code=st.sampled_from(["groceries", "home-appliances"]),
    province_code=st.sampled_from(["IR-07", "IR-14"]),
    city=texts(80),
    address=texts(400),
    location=st.builds(GeoPoint, st.floats(24, 40), st.floats(44, 64)),
    phones=st.lists(
        st.integers(9_000_000_000, 9_999_999_999).map(lambda n: f"+98{n}"), max_size=10, unique=True
    ).map(tuple),
    terms=st.none() | terms,
    schedule=st.builds(OpeningSchedule, periods, exceptions, st.booleans()),
    settlement=st.none()
    | st.builds(
        Settlement,
        st.just("IR130130000000000123456789"),
        st.none() | texts(60),
        st.sampled_from(SettlementMode),
    ),
    offers=st.none(),
)


@given(drafts)
def test_every_draft_comes_back_from_its_row(draft: StoreDraft) -> None:
    row = draft_file.parse_row(HEADER, draft_file.format_row(draft), known=KNOWN)

    assert row.draft == draft
    assert all(problem.is_warning for problem in row.problems)


@given(st.dictionaries(st.sampled_from(HEADER), st.text(max_size=30)))
def test_any_text_in_any_cell_is_read_or_refused(changed: dict[str, str]) -> None:
    row = parse(**changed)

    assert (row.draft is None) == any(not problem.is_warning for problem in row.problems)
    if row.draft is not None:
        again = draft_file.parse_row(HEADER, draft_file.format_row(row.draft), known=KNOWN)
        assert again.draft == row.draft


def test_persian_headers_words_and_digits_are_read() -> None:
    cells = {
        "کد": "SHZ-۱",
        "نوع": "فروشگاه",
        "وضعیت": "معلق",
        "نام": "فروشگاه  رفاه",
        "دسته": "لوازم‌خانگی",
        "استان": "فارس",
        "شهر": "شيراز",
        "آدرس": "خیابان زند",
        "عرض جغرافیایی": "۲۹٫۶۲۰۵",
        "طول جغرافیایی": "۵۲٫۵۳۱۱",
        "تلفن‌ها": "۰۷۱-۳۲۳۴۵۶۷۸؛ 09171234567 | 00989171234567",
        "ساعت کاری": "شنبه ۹:۰۰ تا ۱۳:۰۰",
        "باز در تعطیلات رسمی": "بله",
        "کمترین ماه": "۳",
        "بیشترین ماه": "۱۲",
        "کمترین مبلغ (ریال)": "۵٬۰۰۰٬۰۰۰",
        "بیشترین مبلغ (ریال)": "200,000,000",
        "شبا": "ir13 0130 0000 0000 0123 4567 89",
        "شماره قرارداد": "",
        "شيوه تسويه": "يکجا",
    }

    header = draft_columns.read_header(tuple(cells))
    row = draft_file.parse_row(header, tuple(cells.values()), known=KNOWN)

    assert row.draft == replace(
        DRAFT,
        state=StoreState.SUSPENDED,
        category_code="home-appliances",
        schedule=replace(DRAFT.schedule, exceptions=()),
        settlement=Settlement("IR130130000000000123456789", None, SettlementMode.AT_ONCE),
    )


def test_absent_columns_count_as_empty_cells() -> None:
    required = {column.name for column in draft_columns.COLUMNS if column.is_required} | {
        "province"
    }
    cells = {name: cell for name, cell in CELLS.items() if name in required}

    row = draft_file.parse_row(tuple(cells), tuple(cells.values()), known=KNOWN)

    assert row.draft == replace(
        DRAFT,
        phones=(),
        terms=None,
        settlement=None,
        schedule=OpeningSchedule(periods=DRAFT.schedule.periods),
    )


@pytest.mark.parametrize("cell", ["IR-14", "ir-14", "فارس"])
def test_a_province_may_be_given_by_its_code_before_2020(cell: str) -> None:
    row = parse(province_before_2020=cell)

    assert row.draft == DRAFT


def test_the_same_code_means_another_province_today() -> None:
    row = parse(province="IR-14", latitude="32.3", longitude="50.8")

    assert row.draft is not None
    assert row.draft.province_code == "IR-14"


BAD_CELLS = [
    ("code", "", sheet_problems.CellEmpty),
    ("code", "فروشگاه", draft_problems.InvalidStoreCode),
    ("code", "A" * 41, draft_problems.InvalidStoreCode),
    ("kind", "KIOSK", sheet_problems.UnknownChoice),
    ("state", "", sheet_problems.CellEmpty),
    ("name", "\u200f", sheet_problems.CellEmpty),
    ("name", "ن" * 161, sheet_problems.TextTooLong),
    ("name", "ﷺ" * 12, sheet_problems.TextTooLong),
    ("category", "toys", draft_problems.CategoryUnknown),
    ("province", "IR-99", sheet_problems.ProvinceUnknown),
    ("city", "ش" * 81, sheet_problems.TextTooLong),
    ("address", "ن" * 401, sheet_problems.TextTooLong),
    ("latitude", "شمال", draft_problems.InvalidDegrees),
    ("latitude", "nan", draft_problems.InvalidDegrees),
    ("latitude", "29°37'13\"N", draft_problems.InvalidDegrees),
    ("latitude", "29.6,2", draft_problems.InvalidDegrees),
    ("latitude", "29,6205,1", draft_problems.InvalidDegrees),
    ("latitude", "23.99", draft_problems.OutsideIran),
    ("latitude", "40.01", draft_problems.OutsideIran),
    ("longitude", "43.99", draft_problems.OutsideIran),
    ("longitude", "64.01", draft_problems.OutsideIran),
    ("phones", "123", identifiers.InvalidPhone),
    ("phones", "071-32345678 - 09171234567", identifiers.InvalidPhone),
    ("phones", ";".join(f"0912000000{n}" for n in range(11)), draft_problems.TooManyPhones),
    ("open_on_holidays", "شاید", sheet_problems.UnknownChoice),
    ("min_months", "سه", draft_problems.InvalidWholeNumber),
    ("min_amount_rials", "1.5", draft_problems.InvalidWholeNumber),
    ("max_amount_rials", "", draft_problems.TermsIncomplete),
    ("settlement_iban", "IR130130000000000123456780", identifiers.InvalidIban),
    ("settlement_iban", "", draft_problems.SettlementIncomplete),
    ("settlement_mode", "", draft_problems.SettlementIncomplete),
    ("contract_number", "1" * 61, sheet_problems.TextTooLong),
]


@pytest.mark.parametrize(("column", "cell", "error"), BAD_CELLS)
def test_a_bad_cell_is_told_by_its_column(column: str, cell: str, error: type[DomainError]) -> None:
    row = parse(**{column: cell})

    assert problems(row) == [(column, error)]
    assert row.problems[0].code != "BAD_USER_INPUT"
    assert row.draft is None
    assert all(row.problems[0].error.message(locale) for locale in Locale)
    assert all(row.problems[0].error.hint(locale) for locale in Locale)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"min_months": "13"}, "min_months"),
        ({"max_months": "61"}, "min_months"),
        ({"min_months": "0"}, "min_months"),
        ({"min_amount_rials": "999"}, "min_amount_rials"),
        ({"min_amount_rials": "200000001"}, "min_amount_rials"),
        ({"max_amount_rials": str(money.MAX_RIALS + 1)}, "min_amount_rials"),
    ],
)
def test_terms_that_contradict_themselves_are_refused(cells: dict[str, str], column: str) -> None:
    row = parse(**cells)

    assert problems(row) == [(column, TermsInvalid)]
    assert "۱٬۰۰۰ ریال" in row.problems[0].error.message(Locale.FA)
    assert "1,000 rials" in row.problems[0].error.message(Locale.EN)


@pytest.mark.parametrize("latitude", ["29.6205", "۲۹٫۶۲۰۵", "29/6205", "۲۹/۶۲۰۵", "29,6205"])
def test_degrees_are_read_with_every_decimal_sign_that_people_write(latitude: str) -> None:
    assert parse(latitude=latitude) == ParsedRow("SHZ-1", DRAFT, ())


@pytest.mark.parametrize(
    "phones",
    [
        "071-32345678، 09171234567",
        "071-32345678, 09171234567",
        "071-32345678؛ 09171234567",
        "(071) 32345678 | +98 917 123 4567",
        "۰۷۱۳۲۳۴۵۶۷۸\n۰۹۱۷۱۲۳۴۵۶۷",
    ],
)
def test_phones_are_read_however_they_are_parted(phones: str) -> None:
    assert parse(phones=phones) == ParsedRow("SHZ-1", DRAFT, ())


@pytest.mark.parametrize("amount", ["5,000,000", "۵٬۰۰۰٬۰۰۰", "۵،۰۰۰،۰۰۰", "۵۰۰۰۰۰۰"])
def test_an_amount_may_be_grouped_by_any_comma(amount: str) -> None:
    assert parse(min_amount_rials=amount) == ParsedRow("SHZ-1", DRAFT, ())


@pytest.mark.parametrize("province", ["فارس", "استان فارس", "IR-07", "ir-07"])
def test_a_province_may_be_called_a_province(province: str) -> None:
    assert parse(province=province) == ParsedRow("SHZ-1", DRAFT, ())


def test_all_problems_of_a_row_are_told_in_the_order_of_its_columns() -> None:
    row = parse(longitude="0", code="", phones="1", kind="x")

    assert problems(row) == [
        ("code", sheet_problems.CellEmpty),
        ("kind", sheet_problems.UnknownChoice),
        ("longitude", draft_problems.OutsideIran),
        ("phones", identifiers.InvalidPhone),
    ]


@pytest.mark.parametrize("cell", ["shz-1", "Shz-1", " \u200fSHZ-۱"])
def test_a_code_comes_in_capitals(cell: str) -> None:
    assert parse(code=cell) == ParsedRow("SHZ-1", DRAFT, ())


@pytest.mark.parametrize("latitude", ["26.33", "32.16"])
def test_a_point_little_beyond_the_box_of_its_province_is_no_problem(latitude: str) -> None:
    assert problems(parse(latitude=latitude)) == []


@pytest.mark.parametrize(("column", "cell"), [("latitude", "32.17"), ("longitude", "50.51")])
def test_a_point_far_from_its_province_is_a_warning(column: str, cell: str) -> None:
    row = parse(**{column: cell})

    assert row.draft is not None
    assert problems(row) == [("latitude", draft_problems.OutsideProvince)]
    assert row.problems[0].is_warning


@pytest.mark.parametrize("count", [len(HEADER) - 1, len(HEADER) + 1])
def test_a_row_of_another_length_than_the_header_is_refused(count: int) -> None:
    row = draft_file.parse_row(HEADER, ("x",) * count, known=KNOWN)

    assert problems(row) == [("", sheet_problems.CellsMiscounted)]


def test_empty_cells_beyond_the_header_are_no_problem() -> None:
    row = draft_file.parse_row(HEADER, (*draft_file.format_row(DRAFT), "", " "), known=KNOWN)

    assert row.draft == DRAFT


def test_what_an_error_quotes_shows_no_phone_and_no_account() -> None:
    row = parse(opening_hours="شنبه 0917 123 4567 تا IR130130000000000123456789")

    assert row.problems[0].error.message(Locale.FA) == (
        "بخش «شنبه … تا IR…» از ساعت کاری خوانده نشد."
    )


BAD_HOURS = [
    ("opening_hours", "شنبه", "INVALID_OPENING_HOURS"),
    ("opening_hours", "شنبه 09:00-13:00; شنبه 17:00-21:00", "REPEATED_OPENING_DAY"),
    ("opening_hours", "شنبه 09:00-13:00,12:00-14:00", "OVERLAPPING_OPENING_PERIODS"),
    (
        "opening_hours",
        "شنبه " + ",".join(f"{hour:02}:00-{hour:02}:30" for hour in range(7)),
        "TOO_MANY_OPENING_PERIODS",
    ),
    ("opening_exceptions", "1405-13-01 تعطیل", "INVALID_JALALI_DATE"),
    ("opening_exceptions", "1405-09-01 تعطیل; 1405-09-01 تعطیل", "REPEATED_OPENING_EXCEPTION"),
]


@pytest.mark.parametrize(("column", "cell", "code"), BAD_HOURS)
def test_a_report_names_what_is_wrong_with_hours(column: str, cell: str, code: str) -> None:
    row = parse(**{column: cell})

    assert [(problem.column, problem.code) for problem in row.problems] == [(column, code)]


def section_of_the_reference(heading: str) -> str:
    _, _, section = REFERENCE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    return section.partition("\n## ")[0]


def problem_classes(*modules: ModuleType) -> set[type[DomainError]]:
    return {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, DomainError)
        and each.__module__ == module.__name__
    }


def test_no_problem_of_a_row_is_reported_as_bad_user_input() -> None:
    of_rows = problem_classes(sheet_problems, draft_problems, opening, opening_text)

    assert {
        each.__name__
        for each in of_rows
        if draft_problems.CellProblem("", each.__new__(each)).code == "BAD_USER_INPUT"
    } == set()


def test_the_reference_lists_every_code_of_a_report() -> None:
    codes = {each.code for each in problem_classes(sheet_problems, draft_problems)}
    of_the_header = {"COLUMNS_MISSING", "COLUMNS_UNKNOWN", "COLUMNS_REPEATED"}

    documented = re.findall(r"`([A-Z_]{4,})`", section_of_the_reference("Codes of the report"))

    assert sorted(documented) == sorted(
        (codes - of_the_header) | set(draft_problems.REPORT_CODES.values()) | {"SUMMARY"}
    )


def refused_header(*cells: str) -> DomainError:
    with pytest.raises(DomainError) as refused:
        draft_columns.read_header(cells)
    return refused.value


def test_missing_columns_are_named() -> None:
    error = refused_header(*(name for name in HEADER if name not in {"name", "city", "province"}))

    assert isinstance(error, draft_problems.ColumnsMissing)
    assert error.data == {"names": "name, city, province", "document": "docs/stores-file.md"}


def test_unknown_columns_are_named_without_long_numbers() -> None:
    error = refused_header(*HEADER, "رنگ", "09171234567")

    assert isinstance(error, draft_problems.ColumnsUnknown)
    assert error.data == {"names": "«رنگ», «…»", "document": "docs/stores-file.md"}


def test_of_many_unknown_columns_the_first_are_named() -> None:
    error = refused_header(*(letter * 50 for letter in "qwxyzv"))

    assert error.data["names"] == ", ".join(f"«{letter * 40}»" for letter in "qwxyz") + ", …"


def test_repeated_columns_are_named() -> None:
    error = refused_header(*HEADER, "نام")

    assert isinstance(error, sheet_problems.ColumnsRepeated)
    assert error.data == {"names": "name"}


def test_a_province_given_by_both_codes_is_refused() -> None:
    error = refused_header(*HEADER, "province_before_2020")

    assert isinstance(error, sheet_problems.ColumnsRepeated)
    assert error.data == {"names": "province, province_before_2020"}


def test_no_title_names_two_columns() -> None:
    columns = (*draft_columns.COLUMNS, draft_columns.OLD_PROVINCE_COLUMN)
    titles = [text.fold_compact(title) for each in columns for title in (each.name, *each.titles)]

    assert len(set(titles)) == len(titles)


def test_the_reference_lists_every_column() -> None:
    documented = re.findall(
        r"`(\w+)`",
        "\n".join(
            line.split("|")[1]
            for line in section_of_the_reference("Columns").splitlines()
            if line.startswith("| `")
        ),
    )

    assert set(documented) == {*HEADER, draft_columns.PROVINCE_BEFORE_2020}


def test_the_longest_limits_of_hours_fit_a_cell() -> None:
    day = date(2026, 3, 21)
    six = tuple((hour * 60, hour * 60 + 30) for hour in range(6))
    week = tuple(OpeningPeriod(weekday, *span) for weekday in Weekday for span in six)
    days = tuple(OpeningException(day + timedelta(n), six) for n in range(200))
    draft = replace(DRAFT, schedule=OpeningSchedule(week, days))

    assert draft_file.parse_row(HEADER, draft_file.format_row(draft), known=KNOWN).draft == draft


def test_a_number_beyond_sixty_four_bits_is_refused() -> None:
    assert draft_cells.whole_number("9" * 18) == money.MAX_RIALS + 1
