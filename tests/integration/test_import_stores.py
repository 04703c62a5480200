"""Files of stores are imported, reported, exported, and come back the same."""

import asyncio
import csv
import re
import stat
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import asyncpg
import openpyxl
import pytest

from backend.core.calendar import Weekday
from backend.core.errors import DomainError, Forbidden, Unauthenticated
from backend.core.geo import GeoPoint
from backend.core.viewer import ANONYMOUS, SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.infra import sealing, sheet_writing, sheets
from backend.stores import exporting, importing, repository_drafts, saving, settlement_seals
from backend.stores.domain import (
    InstalmentTerms,
    OfferDraft,
    PlaceKind,
    Settlement,
    SettlementMode,
    StoreDraft,
    StoreState,
)
from backend.stores.draft_columns import HEADER
from backend.stores.draft_problems import ColumnsMissing, ColumnsUnknown
from backend.stores.importing import ImportOutcome, ReportPathTaken, import_stores
from backend.stores.opening import OpeningException, OpeningPeriod, OpeningSchedule
from backend.stores.saving import DraftsInvalid, SaveOutcome, save_drafts

DOCUMENT = Path(__file__).parents[2] / "docs" / "stores-file.md"
IBAN = "IR130130000000000123456789"
OTHER_IBAN = "IR830130000000000123456790"
ROW = {
    "code": "SHZ-1",
    "kind": "STORE",
    "state": "ACTIVE",
    "name": "فروشگاه رفاه",
    "category": "groceries",
    "province": "IR-07",
    "city": "شیراز",
    "address": "خیابان زند، پلاک ۱۲",
    "latitude": "29.6205",
    "longitude": "52.5311",
    "phones": "07132345678; 09171234567",
    "opening_hours": "شنبه-چهارشنبه 09:00-13:00,17:00-21:00; پنجشنبه 20:00-02:00",
    "opening_exceptions": "1405-09-01 تعطیل; 1405-10-02 10:00-14:00",
    "open_on_holidays": "yes",
    "min_months": "3",
    "max_months": "12",
    "min_amount_rials": "5000000",
    "max_amount_rials": "200000000",
    "settlement_iban": IBAN,
    "contract_number": "ق-۱۲",
    "settlement_mode": "AT_ONCE",
}
PLAIN = ROW | dict.fromkeys(HEADER[-3:], "")
DRAFT = StoreDraft(
    code="SHZ-1",
    kind=PlaceKind.STORE,
    state=StoreState.ACTIVE,
    name="فروشگاه رفاه",
    category_code="groceries",
    province_code="IR-07",
    city="شیراز",
    address="خیابان زند، پلاک ۱۲",
    location=GeoPoint(29.6205, 52.5311),
    phones=("+987132345678", "+989171234567"),
    terms=InstalmentTerms(3, 12, 5_000_000, 200_000_000),
    schedule=OpeningSchedule(
        periods=(
            *(
                OpeningPeriod(Weekday(day), *span)
                for day in range(5)
                for span in ((540, 780), (1020, 1260))
            ),
            OpeningPeriod(Weekday.THURSDAY, 1200, 1560),
        ),
        exceptions=(
            OpeningException(date(2026, 11, 22), ()),
            OpeningException(date(2026, 12, 23), ((600, 840),)),
        ),
        open_on_holidays=True,
    ),
    settlement=Settlement(IBAN, "ق-۱۲", SettlementMode.AT_ONCE),
)
CLERK = Viewer(ActorKind.OPERATOR, "clerk", permissions=frozenset({saving.MANAGE}))


@pytest.fixture(autouse=True)
async def ready(db: None) -> None:
    sealing.configure(sealing.Sealer({"1": bytes(range(32))}, "1", bytes(range(32, 64))))
    await seed_categories()


async def seed_categories() -> None:
    await database.execute(
        "INSERT INTO store_category (code, name_fa, name_en, sort_order) VALUES"
        " ('groceries', 'خواربار', 'Groceries', 1), ('clinics', 'درمانگاه‌ها', 'Clinics', 2)"
    )


def write_csv(path: Path, rows: Iterable[dict[str, str]], **options: str) -> Path:
    """A CSV file as somebody else would write it."""
    rows = list(rows)
    with path.open("w", encoding=options.get("encoding", "utf-8"), newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=options.get("delimiter", ","))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_xlsx(path: Path, rows: Iterable[Iterable[object]]) -> Path:
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for row in rows:
        sheet.append(list(row))
    workbook.save(path)
    workbook.close()
    return path


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def read_xlsx(path: Path) -> list[tuple[object, ...]]:
    workbook = openpyxl.load_workbook(path, read_only=True)
    try:
        return list(workbook.worksheets[0].iter_rows(values_only=True))
    finally:
        workbook.close()


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def run(path: Path, *, dry_run: bool = False) -> ImportOutcome:
    return await import_stores(viewer=SYSTEM, path=path, dry_run=dry_run)


def figures(outcome: ImportOutcome) -> tuple[int, int, int, int, int]:
    """Rows, created, changed, unchanged, invalid."""
    return (
        outcome.rows,
        outcome.created,
        outcome.changed,
        outcome.unchanged,
        outcome.invalid,
    )


async def stored(code: str = "SHZ-1") -> StoreDraft:
    found = await repository_drafts.list_drafts([code], with_settlement=True)
    return found[code].draft


async def whole_database() -> list[str]:
    """Every row of every table that an import may write."""
    tables = (
        "store",
        "store_opening_period",
        "store_opening_exception",
        "store_opening_exception_period",
        "store_offer",
        "store_settlement",
    )
    rows: list[str] = []
    for table in tables:
        rows += [
            row["t"] for row in await database.fetch(f"SELECT {table}::text AS t FROM {table}")
        ]
    return sorted(rows)


async def refused(path: Path) -> DomainError:
    """The refusal of a whole file, after which nothing has changed and no report stands there."""
    before = await whole_database()
    with pytest.raises(DomainError) as error:
        await run(path)
    assert await whole_database() == before
    assert names_in(path.parent) in ([path.name], [])
    return error.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_a_csv_file_is_imported_whatever_its_delimiter_and_mark(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    path = write_csv(tmp_path / "stores.csv", [ROW], encoding=encoding, delimiter=delimiter)

    outcome = await run(path)

    assert outcome == ImportOutcome(1, 1, 0, 0, 0, tmp_path / "stores.report.csv")
    assert await stored() == replace(DRAFT, offers=())


async def test_a_workbook_is_imported_with_numbers_gaps_and_formulas(tmp_path: Path) -> None:
    row: list[object] = list(ROW.values())
    row[HEADER.index("latitude")] = 29.6205
    row[HEADER.index("longitude")] = 52.5311
    row[HEADER.index("phones")] = 7132345678
    row[HEADER.index("open_on_holidays")] = True
    row[HEADER.index("min_months")] = 3
    row[HEADER.index("min_amount_rials")] = 5_000_000.0
    short = [value or None for value in (PLAIN | {"code": "SHZ-2"}).values()]
    path = write_xlsx(tmp_path / "stores.xlsx", [HEADER, row, [], short])

    outcome = await run(path)

    assert figures(outcome) == (2, 2, 0, 0, 0)
    assert await stored() == replace(DRAFT, phones=("+987132345678",), offers=())
    assert (await stored("SHZ-2")).settlement is None


def with_sheet(source: Path, target: Path, change: Callable[[str], str]) -> Path:
    """A copy of a workbook with the XML of its sheet changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name).decode()
            new.writestr(name, change(content) if name.startswith("xl/worksheets/") else content)
    return target


async def test_a_formula_of_a_workbook_counts_as_its_value(tmp_path: Path) -> None:
    made = write_xlsx(tmp_path / "made.xlsx", [HEADER, PLAIN.values()])
    formula = '<c r="D2" t="str"><f>1+1</f><v>فروشگاه</v></c>'

    def put_formula(sheet: str) -> str:
        changed, count = re.subn('<c r="D2".*?</c>', formula, sheet)
        assert count == 1
        return changed

    outcome = await run(with_sheet(made, tmp_path / "stores.xlsx", put_formula))

    assert figures(outcome) == (1, 1, 0, 0, 0)
    assert (await stored()).name == "فروشگاه"


async def test_the_sample_of_the_reference_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    written = DOCUMENT.read_text(encoding="utf-8").split("```csv\n")[1].split("```")[0]
    path.write_text(written, encoding="utf-8")

    outcome = await run(path)

    assert (figures(outcome), outcome.warnings) == ((2, 2, 0, 0, 0), 0)


async def test_derived_columns_are_made_from_those_shown(tmp_path: Path) -> None:
    await run(write_csv(tmp_path / "stores.csv", [ROW]))

    row = await database.fetch_one(
        "SELECT name_compact, name_sort_key, search_document, version FROM store"
    )

    assert row is not None
    assert row["name_compact"] == "فروشگاهرفاه"
    assert row["name_sort_key"] < "z"
    assert row["version"] == 1
    for part in ("رفاه", "خواربار", "groceries", "شیراز", "زند", "فروشگاهرفاه"):
        assert part in row["search_document"]


async def test_the_settlement_is_sealed_for_its_place_and_found_by_its_index(
    tmp_path: Path,
) -> None:
    await run(write_csv(tmp_path / "stores.csv", [ROW]))

    row = await database.fetch_one("SELECT * FROM store_settlement")

    assert row is not None
    sealer = sealing.current()
    sealed = sealing.Sealed(row["iban_sealed"], row["iban_key_id"])
    assert sealer.unseal(sealed, context="store_settlement.iban:SHZ-1") == IBAN
    contract = sealing.Sealed(row["contract_sealed"], row["contract_key_id"])
    context = "store_settlement.contract_number:SHZ-1"
    assert sealer.unseal(contract, context=context) == "ق-۱۲"
    assert row["iban_index"] == settlement_seals.iban_index(IBAN)


async def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "stores.csv", [ROW, PLAIN | {"code": "SHZ-2"}])
    await run(path)
    before = await whole_database()

    outcome = await run(path)

    assert figures(outcome) == (2, 0, 0, 2, 0)
    assert await whole_database() == before


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "SUSPENDED"},
        {"name": "رفاه"},
        {"phones": ""},
        {"latitude": "29.6206"},
        {"category": "clinics"},
        {"opening_hours": "جمعه 09:00-13:00"},
        {"opening_exceptions": ""},
        {"opening_exceptions": "1405-09-01 09:00-10:00"},
        {"open_on_holidays": "no"},
        dict.fromkeys(("min_months", "max_months", "min_amount_rials", "max_amount_rials"), ""),
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_a_changed_cell_changes_the_store_and_counts_up_its_version(
    tmp_path: Path, changed: dict[str, str]
) -> None:
    await run(write_csv(tmp_path / "stores.csv", [ROW]))

    outcome = await run(write_csv(tmp_path / "stores.csv", [ROW | changed]))

    assert figures(outcome) == (1, 0, 1, 0, 0)
    assert await stored() != replace(DRAFT, offers=())
    row = await database.fetch_one("SELECT version, changed_at > created_at AS later FROM store")
    assert row is not None
    assert (row["version"], row["later"]) == (2, True)
    assert figures(await run(tmp_path / "stores.csv")) == (1, 0, 0, 1, 0)


async def test_only_the_parts_that_differ_are_written_anew(tmp_path: Path) -> None:
    await run(write_csv(tmp_path / "stores.csv", [ROW]))
    before = await database.fetch("SELECT id FROM store_opening_period ORDER BY id")
    sealed = await database.fetch("SELECT iban_sealed FROM store_settlement")

    await run(write_csv(tmp_path / "stores.csv", [ROW | {"name": "رفاه"}]))

    assert await database.fetch("SELECT id FROM store_opening_period ORDER BY id") == before
    assert await database.fetch("SELECT iban_sealed FROM store_settlement") == sealed


async def test_empty_settlement_cells_leave_what_is_stored(tmp_path: Path) -> None:
    await run(write_csv(tmp_path / "stores.csv", [ROW]))

    outcome = await run(write_csv(tmp_path / "stores.csv", [PLAIN]))

    assert figures(outcome) == (1, 0, 0, 1, 0)
    assert (await stored()).settlement == DRAFT.settlement


async def test_offers_are_replaced_only_where_a_draft_brings_them(tmp_path: Path) -> None:
    offer = OfferDraft("تخفیف", "ده درصد", date(2026, 11, 21), None)
    other = OfferDraft("تخفیف", "ده درصد", date(2026, 11, 21), date(2026, 12, 1))
    with_offers = replace(DRAFT, offers=(offer, other))

    assert await save_drafts(viewer=SYSTEM, drafts=[with_offers]) == SaveOutcome(1, 0, 0)
    again = replace(DRAFT, offers=(other, offer))
    assert await save_drafts(viewer=SYSTEM, drafts=[again]) == SaveOutcome(0, 0, 1)
    assert figures(await run(write_csv(tmp_path / "s.csv", [ROW]))) == (1, 0, 0, 1, 0)
    assert (await stored()).offers == (offer, other)
    without = replace(DRAFT, offers=())
    assert await save_drafts(viewer=SYSTEM, drafts=[without]) == SaveOutcome(0, 1, 0)
    assert (await stored()).offers == ()


async def test_a_dry_run_gives_the_same_figures_and_leaves_the_database_untouched(
    tmp_path: Path,
) -> None:
    await run(write_csv(tmp_path / "first.csv", [ROW, ROW | {"code": "SHZ-2"}]))
    path = write_csv(
        tmp_path / "stores.csv",
        [
            ROW,
            ROW | {"code": "SHZ-2", "name": "رفاه"},
            ROW | {"code": "SHZ-3"},
            ROW | {"code": "SHZ-3"},
            ROW | {"code": "SHZ-4", "category": "toys"},
            ROW | {"code": "SHZ-5", "province": "IR-99"},
        ],
    )
    before = await whole_database()

    dry = await run(path, dry_run=True)

    assert figures(dry) == (6, 1, 1, 1, 3)
    assert await whole_database() == before
    dry_report = read_csv(dry.report_path)
    assert await run(path) == dry
    report = read_csv(dry.report_path)
    assert report[:-1] == dry_report[:-1]
    assert dry_report[-1][-1] == "آزمایشی بود و چیزی ذخیره نشد."
    assert report[-1][-1] == ""


async def test_the_report_names_every_problem_and_no_personal_data(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "stores.csv",
        [
            ROW,
            ROW | {"code": "SHZ-2", "phones": "0917", "settlement_iban": "IR00", "latitude": "52"},
            ROW | {"code": "=1+1", "opening_hours": "09171234567"},
            ROW,
            ROW | {"code": "SHZ-3", "latitude": "38.5"},
        ],
    )

    outcome = await run(path)

    outside = "عرض باید از ۲۴ تا ۴۰ و طول از ۴۴ تا ۶۴ درجه باشد، مانند 29.6100؛ شاید جابه‌جا شده‌اند."
    code = "کد باید با حرف لاتین یا رقم آغاز شود و حداکثر ۴۰ حرف لاتین، رقم یا یکی از ._/- باشد."
    hours = (
        "مانند این نمونه بنویسید: شنبه-چهارشنبه 09:00-13:00,17:00-21:00; جمعه تعطیل "
        "یا برای یک تاریخ: 1405-09-01 تعطیل"
    )
    assert outcome == ImportOutcome(5, 2, 0, 0, 3, tmp_path / "stores.report.csv", warnings=1)
    assert read_csv(outcome.report_path) == [
        ["row", "code", "column", "error_code", "message", "hint"],
        ["3", "SHZ-2", "latitude", "OUTSIDE_IRAN", "این مختصات در ایران نیست.", outside],
        [
            "3",
            "SHZ-2",
            "phones",
            "INVALID_PHONE",
            "شمارهٔ تلفن درست نیست.",
            "شماره را با پیش‌شمارهٔ شهر وارد کنید.",
        ],
        [
            "3",
            "SHZ-2",
            "settlement_iban",
            "INVALID_IBAN",
            "شمارهٔ شبا درست نیست.",
            "شبا را با IR و ۲۴ رقم پس از آن وارد کنید.",
        ],
        ["4", "", "code", "INVALID_STORE_CODE", "کد فروشگاه درست نیست.", code],
        [
            "4",
            "",
            "opening_hours",
            "INVALID_OPENING_HOURS",
            "بخش «…» از ساعت کاری خوانده نشد.",
            hours,
        ],
        [
            "5",
            "SHZ-1",
            "code",
            "REPEATED_STORE_CODE",
            "این کد در ردیف ۲ هم آمده است.",
            "یکی از دو ردیف را بردارید؛ حرف‌های کوچک و بزرگ لاتین در کد یکی شمرده می‌شوند.",
        ],
        [
            "6",
            "SHZ-3",
            "latitude",
            "OUTSIDE_PROVINCE",
            "هشدار: این نقطه دور از شهرهای استان است؛ ردیف پذیرفته شد.",
            "استان و مختصات را بررسی کنید.",
        ],
        [
            "",
            "",
            "",
            "SUMMARY",
            "۵ ردیف خوانده شد: ۲ تازه، ۰ تغییرکرده، ۰ بی‌تغییر، ۳ نادرست.",
            "",
        ],
    ]


async def test_small_letters_of_a_code_are_capitals(tmp_path: Path) -> None:
    await run(write_csv(tmp_path / "first.csv", [ROW]))

    outcome = await run(
        write_csv(
            tmp_path / "second.csv",
            [
                PLAIN | {"code": "shz-1", "name": "فروشگاه تازه"},
                PLAIN | {"code": "op-1"},
                PLAIN | {"code": "Op-1"},
            ],
        )
    )

    assert figures(outcome) == (3, 1, 1, 0, 1)
    assert [line[:4] for line in read_csv(outcome.report_path)[1:-1]] == [
        ["4", "OP-1", "code", "REPEATED_STORE_CODE"]
    ]
    rows = await database.fetch("SELECT code, name FROM store ORDER BY code")
    assert [(row["code"], row["name"]) for row in rows] == [
        ("OP-1", "فروشگاه رفاه"),
        ("SHZ-1", "فروشگاه تازه"),
    ]


async def test_a_code_that_was_stored_in_small_letters_is_found_and_stays(tmp_path: Path) -> None:
    await save_drafts(viewer=SYSTEM, drafts=[replace(DRAFT, code="shz-1")])
    path = write_csv(tmp_path / "stores.csv", [ROW | {"phones": ""}])

    assert figures(await run(path, dry_run=True)) == (1, 0, 1, 0, 0)
    assert figures(await run(path)) == (1, 0, 1, 0, 0)

    assert set(await repository_drafts.list_stored_codes(["SHZ-1"])) == {"SHZ-1"}
    found = await stored("shz-1")  # its settlement opens: it is sealed for the code as it is stored
    assert found.settlement == DRAFT.settlement
    assert found.phones == ()
    assert figures(await run(path)) == (1, 0, 0, 1, 0)


async def test_a_report_stands_there_also_when_nothing_is_wrong(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "stores.csv", [ROW])
    report = tmp_path / "elsewhere.csv"

    await import_stores(viewer=SYSTEM, path=path, dry_run=False, report_path=report)

    assert [line[3] for line in read_csv(report)] == ["error_code", "SUMMARY"]
    assert report.read_bytes().startswith(b"\xef\xbb\xbf")
    assert names_in(tmp_path) == [report.name, path.name]


async def test_the_report_is_never_written_over_the_file(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "stores.csv", [ROW])
    before = path.read_bytes()

    with pytest.raises(ReportPathTaken):
        await import_stores(viewer=SYSTEM, path=path, dry_run=False, report_path=path)

    assert path.read_bytes() == before
    assert await whole_database() == []


async def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert isinstance(await refused(tmp_path / "stores.csv"), sheets.SheetMissing)


@pytest.mark.parametrize("name", ["stores.csv", "stores.xlsx"])
@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b",,\r\n,,\r\n"])
async def test_an_empty_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    error = await refused(path)

    wanted = sheets.SheetEmpty if name.endswith("csv") or not content else sheets.SheetBroken
    assert isinstance(error, wanted)


async def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    error = await refused(write_xlsx(tmp_path / "stores.xlsx", []))

    assert isinstance(error, sheets.SheetEmpty)


async def test_a_file_with_a_header_alone_imports_nothing(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    path.write_text(",".join(HEADER), encoding="utf-8")

    assert figures(await run(path)) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("encoding", ["cp1256", "utf-16"])
async def test_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    row = {name: value.replace("ی", "ي") for name, value in ROW.items()}
    row |= {"contract_number": "12", "opening_hours": "sat 09:00-10:00"}
    path = tmp_path / "stores.csv"
    text = "\r\n".join(",".join(f'"{cell}"' for cell in cells) for cells in (row, row.values()))
    path.write_bytes(text.encode(encoding, "replace"))

    assert isinstance(await refused(path), sheets.SheetNotUtf8)


async def test_a_wrong_byte_late_in_the_file_is_found_before_anything_is_saved(
    tmp_path: Path,
) -> None:
    path = write_csv(tmp_path / "stores.csv", (ROW | {"code": f"S{n}"} for n in range(1_500)))
    with path.open("ab") as file:
        file.write(b"S-1,\xe1\xe2\r\n")

    assert isinstance(await refused(path), sheets.SheetNotUtf8)


async def test_an_open_quote_is_refused_with_the_last_whole_row(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "stores.csv", [ROW, ROW | {"code": "SHZ-2", "name": "a,b"}])
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b'"a,b') + 3])

    error = await refused(path)

    assert isinstance(error, sheets.SheetBroken)
    assert error.data == {"row": 2}


async def test_a_row_cut_short_is_reported(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "stores.csv", [ROW, ROW | {"code": "SHZ-2"}])
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b"IR-07")])

    assert figures(await run(path)) == (2, 1, 0, 0, 1)
    assert read_csv(tmp_path / "stores.report.csv")[1][:4] == ["3", "", "", "CELLS_MISCOUNTED"]


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.99])
async def test_a_workbook_cut_short_is_refused(tmp_path: Path, kept: float) -> None:
    path = write_xlsx(tmp_path / "stores.xlsx", [HEADER, ROW.values()])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])

    assert isinstance(await refused(path), sheets.SheetBroken)


async def test_a_workbook_with_broken_xml_is_refused(tmp_path: Path) -> None:
    good = write_xlsx(tmp_path / "good.xlsx", [HEADER, ROW.values()])
    (tmp_path / "alone").mkdir()

    path = with_sheet(good, tmp_path / "alone" / "stores.xlsx", lambda sheet: sheet[:-40])

    assert isinstance(await refused(path), sheets.SheetBroken)


async def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stores.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")

    assert isinstance(await refused(path), sheets.SheetKindUnknown)


async def test_missing_and_unknown_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"

    without = {name: cell for name, cell in ROW.items() if name != "name"}
    assert isinstance(await refused(write_csv(path, [without])), ColumnsMissing)
    assert isinstance(await refused(write_csv(path, [ROW | {"رنگ": ""}])), ColumnsUnknown)


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("MAX_ROWS", 2),
        ("MAX_COLUMNS", 20),
        ("MAX_CELL_CHARACTERS", 50),
        ("MAX_ROW_CHARACTERS", 250),
    ],
)
async def test_a_csv_file_beyond_a_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    path = write_csv(tmp_path / "stores.csv", [ROW, ROW | {"code": "SHZ-2"}])
    monkeypatch.setattr(sheets, limit, value)

    assert isinstance(await refused(path), sheets.SheetTooLarge)


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("MAX_ROWS", 2),
        ("MAX_COLUMNS", 20),
        ("MAX_CELL_CHARACTERS", 50),
        ("MAX_ZIP_MEMBERS", 3),
        ("MAX_UNCOMPRESSED_BYTES", 1_000),
    ],
)
async def test_a_workbook_beyond_a_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    path = write_xlsx(
        tmp_path / "stores.xlsx", [HEADER, ROW.values(), (ROW | {"code": "SHZ-2"}).values()]
    )
    monkeypatch.setattr(sheets, limit, value)

    assert isinstance(await refused(path), sheets.SheetTooLarge)


async def test_a_workbook_that_unpacks_to_a_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stores.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(20 * 1024 * 1024))

    assert isinstance(await refused(path), sheets.SheetTooLarge)


async def test_a_workbook_with_too_much_shared_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "stores.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", bytes(101))
    monkeypatch.setattr(sheets, "MAX_SHARED_STRINGS_BYTES", 100)

    assert isinstance(await refused(path), sheets.SheetTooLarge)


async def test_two_imports_at_once_neither_deadlock_nor_write_twice(tmp_path: Path) -> None:
    rows = [PLAIN | {"code": f"S{n:03}"} for n in range(200)]
    first = write_csv(tmp_path / "first.csv", rows)
    second = write_csv(tmp_path / "second.csv", [row | {"name": "رفاه"} for row in reversed(rows)])

    outcomes = await asyncio.gather(run(first), run(second))

    assert sum(outcome.created for outcome in outcomes) == 200
    assert sum(outcome.changed for outcome in outcomes) in (200, 0)
    counts = await database.fetch_one(
        "SELECT count(*) AS stores, count(DISTINCT name) AS names,"
        " (SELECT count(*) FROM store_opening_period) AS periods FROM store"
    )
    assert counts is not None
    assert tuple(counts) == (200, 1, 200 * 11)

    again = await asyncio.gather(run(first), run(second))

    assert sum(outcome.created + outcome.invalid for outcome in again) == 0


async def test_a_batch_fails_or_succeeds_as_a_whole() -> None:
    nowhere = replace(DRAFT, code="SHZ-2", province_code="IR-99")

    with pytest.raises(Exception, match="store_province"):
        await save_drafts(viewer=SYSTEM, drafts=[DRAFT, nowhere])

    assert await whole_database() == []


@pytest.mark.parametrize(
    "drafts",
    [
        [DRAFT, DRAFT],
        [DRAFT, replace(DRAFT, code="shz-1")],
        [replace(DRAFT, category_code="toys")],
        [replace(DRAFT, code=f"S{n}") for n in range(saving.MAX_DRAFTS + 1)],
    ],
    ids=["a code twice", "a code in capitals and not", "an unknown category", "too many"],
)
async def test_invalid_lists_of_drafts_are_refused(drafts: list[StoreDraft]) -> None:
    with pytest.raises(DraftsInvalid):
        await save_drafts(viewer=SYSTEM, drafts=drafts)
    with pytest.raises(DraftsInvalid):
        await saving.preview_drafts(viewer=SYSTEM, drafts=drafts)

    assert await whole_database() == []


async def test_an_unchanged_batch_takes_few_statements() -> None:
    drafts = [replace(DRAFT, code=f"S{n}") for n in range(50)]
    with database.count_statements() as first:
        await save_drafts(viewer=SYSTEM, drafts=drafts)
    with database.count_statements() as second:
        await save_drafts(viewer=SYSTEM, drafts=drafts)

    assert (first.count, second.count) == (11, 4)


async def test_permissions_are_asked_for(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "stores.csv", [ROW])
    stranger = Viewer(ActorKind.OPERATOR, "stranger")

    for viewer, error in ((ANONYMOUS, Unauthenticated), (stranger, Forbidden)):
        with pytest.raises(error):
            await import_stores(viewer=viewer, path=path, dry_run=False)
        with pytest.raises(error):
            await save_drafts(viewer=viewer, drafts=[DRAFT])
        with pytest.raises(error):
            await exporting.export_stores(viewer=viewer, path=tmp_path / "out.csv")

    assert await whole_database() == []
    assert names_in(tmp_path) == [path.name]


async def test_settlements_are_exported_only_with_their_own_permission(tmp_path: Path) -> None:
    await save_drafts(viewer=SYSTEM, drafts=[DRAFT])
    path = tmp_path / "out.csv"

    with pytest.raises(Forbidden):
        await exporting.export_stores(viewer=CLERK, path=path, with_settlement=True)
    assert not path.exists()
    await exporting.export_stores(viewer=CLERK, path=path)

    assert read_csv(path)[1][-3:] == ["", "", ""]


VARIED = [
    DRAFT,
    replace(
        DRAFT,
        code="B/2",
        kind=PlaceKind.CLINIC,
        state=StoreState.SUSPENDED,
        name="=HYPERLINK(1)",
        city="'=تهران",
        address='+"نقل‌قول"; خیابان، ۱',
        location=GeoPoint(29.123456789012345, 52.1),
        phones=(),
        terms=None,
        schedule=OpeningSchedule(periods=()),
        settlement=Settlement(OTHER_IBAN, None, SettlementMode.AS_COLLECTED),
    ),
    replace(DRAFT, code="A-1", name="@SUM", settlement=None),
]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
async def test_an_export_imported_into_an_empty_database_exports_the_same(
    tmp_path: Path, suffix: str
) -> None:
    await save_drafts(viewer=SYSTEM, drafts=VARIED)
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    assert await exporting.export_stores(viewer=SYSTEM, path=first, with_settlement=True) == 3
    await database.execute("TRUNCATE store, store_category CASCADE")
    await seed_categories()

    assert figures(await run(first)) == (3, 3, 0, 0, 0)

    await exporting.export_stores(viewer=SYSTEM, path=second, with_settlement=True)
    assert [await stored(draft.code) for draft in VARIED] == [
        replace(draft, offers=()) for draft in VARIED
    ]
    if suffix == ".csv":
        assert second.read_bytes() == first.read_bytes()
    else:
        assert read_xlsx(second) == read_xlsx(first)
    assert figures(await run(second)) == (3, 0, 0, 3, 0)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
async def test_no_cell_of_an_export_begins_like_a_formula(tmp_path: Path, suffix: str) -> None:
    await save_drafts(viewer=SYSTEM, drafts=VARIED)
    path = tmp_path / f"out{suffix}"
    await exporting.export_stores(viewer=SYSTEM, path=path)

    rows = [list(row) for row in (read_csv(path) if suffix == ".csv" else read_xlsx(path))]

    assert not [cell for row in rows for cell in row if str(cell).startswith(("=", "+", "-", "@"))]
    column = HEADER.index("name")
    assert [row[column] for row in rows] == ["name", "'@SUM", "'=HYPERLINK(1)", "فروشگاه رفاه"]
    assert rows[2][HEADER.index("city")] == "''=تهران"


async def test_an_export_can_be_narrowed_by_kind_and_takes_the_place_of_an_older_one(
    tmp_path: Path,
) -> None:
    await save_drafts(viewer=SYSTEM, drafts=VARIED)
    path = tmp_path / "out.csv"
    path.write_text("older")

    count = await exporting.export_stores(viewer=SYSTEM, path=path, kinds=[PlaceKind.CLINIC])

    assert count == 1
    assert [row[0] for row in read_csv(path)] == ["code", "B/2"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names_in(tmp_path) == [path.name]


async def test_an_export_of_nothing_is_a_header(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"

    assert await exporting.export_stores(viewer=SYSTEM, path=path) == 0
    assert read_csv(path) == [list(HEADER)]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
async def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    await save_drafts(viewer=SYSTEM, drafts=[DRAFT])
    await database.execute("UPDATE store_settlement SET iban_sealed = 'broken'::bytea")
    path = tmp_path / f"out{suffix}"
    path.write_text("older")

    with pytest.raises(sealing.SealBroken):
        await exporting.export_stores(viewer=SYSTEM, path=path, with_settlement=True)

    assert path.read_text() == "older"
    assert names_in(tmp_path) == [path.name]


class SuspendingWriter:
    """A writer that suspends all stores, from another connection, after each page it has written."""

    def __init__(self, writer: sheet_writing.RowWriter, url: str) -> None:
        self._writer = writer
        self._url = url

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        page = list(rows)
        self._writer.write(page)
        if page[0] != HEADER:
            asyncio.run(self._suspend_all())  # this is a thread without a loop

    def finish(self) -> None:
        self._writer.finish()

    def abandon(self) -> None:
        self._writer.abandon()

    async def _suspend_all(self) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute("UPDATE store SET state = 'SUSPENDED' WHERE state = 'ACTIVE'")
        finally:
            await connection.close()


async def test_an_export_is_of_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    await save_drafts(viewer=SYSTEM, drafts=[replace(DRAFT, code=f"S{n}") for n in range(4)])
    monkeypatch.setattr(exporting, "PAGE_ROWS", 2)
    create = sheet_writing.create
    monkeypatch.setattr(
        sheet_writing, "create", lambda path: SuspendingWriter(create(path), database_url)
    )
    path = tmp_path / "out.csv"

    assert await exporting.export_stores(viewer=SYSTEM, path=path) == 4

    assert {row[HEADER.index("state")] for row in read_csv(path)[1:]} == {"ACTIVE"}
    assert (await stored("S3")).state is StoreState.SUSPENDED


async def peak_of_dry_run(path: Path, rows: int) -> int:
    """The bytes that Python held at most during a dry run of so many rows, none of them valid."""
    bad = PLAIN | {"category": "toys", "address": "ن" * 390}
    write_csv(path, (bad | {"code": f"S{n}"} for n in range(rows)))
    tracemalloc.start()
    try:
        outcome = await run(path, dry_run=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert figures(outcome) == (rows, 0, 0, 0, rows)
    return peak


async def test_five_times_the_rows_need_no_more_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 100)
    path = tmp_path / "stores.csv"
    await run(write_csv(path, [PLAIN]), dry_run=True)  # what is loaded once is loaded now

    few = await peak_of_dry_run(path, 300)
    many = await peak_of_dry_run(path, 1_500)

    assert many < 2 * few


async def test_two_thousand_rows_are_saved_and_exported(tmp_path: Path) -> None:
    rows = (PLAIN | {"code": f"S{n}"} for n in range(2_000))
    path = write_csv(tmp_path / "stores.csv", rows)

    heard: list[int] = []

    outcome = await import_stores(viewer=SYSTEM, path=path, dry_run=False, progress=heard.append)

    assert figures(outcome) == (2_000, 2_000, 0, 0, 0)
    assert heard == list(range(importing.BATCH_ROWS, 2_001, importing.BATCH_ROWS))
    assert await exporting.export_stores(viewer=SYSTEM, path=tmp_path / "out.csv") == 2_000
    assert figures(await run(tmp_path / "out.csv")) == (2_000, 0, 0, 2_000, 0)
