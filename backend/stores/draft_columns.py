"""The columns of a file of stores, and its header.

`docs/stores-file.md` is the reference for those who fill such files in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.core import text
from backend.infra.sheet_problems import ColumnsRepeated, listed
from backend.stores import draft_cells, draft_problems

_SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Column:
    """A column by the name that an export writes; the titles are read as well."""

    name: str
    titles: tuple[str, ...]
    is_required: bool = False  # in the header


PROVINCE_BEFORE_2020 = "province_before_2020"
COLUMNS = (
    Column("code", ("کد", "کد فروشگاه"), is_required=True),
    Column("kind", ("نوع",), is_required=True),
    Column("state", ("وضعیت",), is_required=True),
    Column("name", ("نام",), is_required=True),
    Column("category", ("دسته",), is_required=True),
    Column("province", ("استان",)),
    Column("city", ("شهر",), is_required=True),
    Column("address", ("نشانی", "آدرس"), is_required=True),
    Column("latitude", ("عرض جغرافیایی",), is_required=True),
    Column("longitude", ("طول جغرافیایی",), is_required=True),
    Column("phones", ("تلفن‌ها", "تلفن")),
    Column("opening_hours", ("ساعت کاری",), is_required=True),
    Column("opening_exceptions", ("استثناهای ساعت کاری",)),
    Column("open_on_holidays", ("باز در تعطیلات رسمی",)),
    Column("min_months", ("کمترین ماه",)),
    Column("max_months", ("بیشترین ماه",)),
    Column("min_amount_rials", ("کمترین مبلغ (ریال)",)),
    Column("max_amount_rials", ("بیشترین مبلغ (ریال)",)),
    Column("settlement_iban", ("شبای تسویه", "شبا")),
    Column("contract_number", ("شمارهٔ قرارداد",)),
    Column("settlement_mode", ("شیوهٔ تسویه",)),
)
# Only read: an export writes today's codes.
OLD_PROVINCE_COLUMN = Column(PROVINCE_BEFORE_2020, ("کد پیشین استان",))
TERM_COLUMNS = ("min_months", "max_months", "min_amount_rials", "max_amount_rials")
_COLUMN_NAMES = {
    text.fold_compact(title): column.name
    for column in (*COLUMNS, OLD_PROVINCE_COLUMN)
    for title in (column.name, *column.titles)
}

HEADER = tuple(column.name for column in COLUMNS)


def read_header(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a file's columns, in its order, from its first row.

    Raises ColumnsUnknown, ColumnsRepeated or ColumnsMissing.
    """
    cells = trimmed(cells)
    names = [_COLUMN_NAMES.get(text.fold_compact(cell)) for cell in cells]
    unknown = [cell for cell, name in zip(cells, names, strict=True) if name is None]
    if unknown:
        raise draft_problems.ColumnsUnknown(
            names=listed(
                f"«{draft_cells.without_numbers(each)[:_SHOWN_CHARACTERS]}»" for each in unknown
            )
        )
    found = [name for name in names if name is not None]
    repeated = sorted({name for name in found if found.count(name) > 1})
    if PROVINCE_BEFORE_2020 in found and "province" in found:
        repeated += ["province", PROVINCE_BEFORE_2020]
    if repeated:
        raise ColumnsRepeated(names=listed(repeated))
    missing = [column.name for column in COLUMNS if column.is_required and column.name not in found]
    if "province" not in found and PROVINCE_BEFORE_2020 not in found:
        missing.append("province")
    if missing:
        raise draft_problems.ColumnsMissing(names=", ".join(missing))
    return tuple(found)


def trimmed(cells: Sequence[str]) -> Sequence[str]:
    """The cells without the empty ones at the end."""
    filled = [place for place, cell in enumerate(cells, start=1) if cell.strip()]
    return cells[: max(filled, default=0)]
