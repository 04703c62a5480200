"""The columns of a membership file, and what a row of text says about a member.

`docs/membership-file.md` is the reference for those who make such files. All problems of a row are
collected, each with its column; no file is opened here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from backend.core import text
from backend.core.errors import BadUserInput, DomainError
from backend.infra.sheet_problems import CellProblem, CellsMiscounted, ColumnsRepeated, listed
from backend.members import file_cells
from backend.members.domain import MemberState, PensionKind
from backend.members.file_problems import (
    CellPassedOver,
    CityLeftEmpty,
    MembershipColumnsMissing,
    MembershipColumnsUnknown,
    UnitUnknown,
)
from backend.organization.domain import UnitCodes

PROVINCE = "province"
PROVINCE_BEFORE_2020 = "province_before_2020"
TITLES: Mapping[str, tuple[str, ...]] = {
    "national_code": ("کد ملی",),
    "first_name": ("نام",),
    "last_name": ("نام خانوادگی",),
    "birth_date": ("تاریخ تولد",),
    "pension_number": ("شمارهٔ مستمری", "شماره مستمری"),
    "pension_kind": ("نوع مستمری",),
    "state": ("وضعیت",),
    PROVINCE: ("استان", "کد استان"),
    PROVINCE_BEFORE_2020: ("کد پیشین استان",),
    "city": ("شهر",),
    "branch": ("شعبه", "کد شعبه"),
    "association": ("کانون", "کد کانون"),
    "net_pension_rials": ("خالص مستمری (ریال)",),
    "other_deductions_rials": ("سایر کسور (ریال)",),
    "iban": ("شبا",),
    "phone": ("تلفن همراه", "موبایل"),
}
_NAMES = {
    text.fold_compact(title): name for name, titles in TITLES.items() for title in (name, *titles)
}
HEADER = tuple(name for name in TITLES if name != PROVINCE_BEFORE_2020)
# What is not worth a row: the pension and the state in it are, to its member and to us.
_PASSED_OVER: Mapping[str, type[BadUserInput]] = MappingProxyType(
    {"phone": CellPassedOver, "iban": CellPassedOver, "city": CityLeftEmpty}
)


@dataclass(frozen=True, slots=True)
class Provinces:
    """Today's codes of the provinces by what a file may call them: by code of either time, and name."""

    codes: Mapping[str, str]
    codes_before_2020: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MemberRow:
    """What a valid row says about a member. A phone or IBAN of None says nothing.

    `warnings` are of cells that were left empty: nobody knows what they name, or they are not valid.
    """

    national_code: str
    first_name: str
    last_name: str
    birth_date: date
    pension_number: str
    pension_kind: PensionKind
    state: MemberState
    province_code: str
    city: str | None
    branch_code: str | None
    association_code: str | None
    net_pension_rials: int | None
    other_deductions_rials: int
    iban: str | None
    phone: str | None
    warnings: tuple[CellProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row with problems, and what can be read of whom it is about: they did not vanish, but may have died."""

    problems: tuple[CellProblem, ...]
    national_code: str | None = None
    pension_number: str | None = None
    state: MemberState | None = None


def read_header(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a file's columns, in its order, from its first row.

    Raises MembershipColumnsUnknown, ColumnsRepeated or MembershipColumnsMissing.
    """
    names = [_NAMES.get(text.fold_compact(cell)) for cell in cells]
    unknown = [str(number) for number, name in enumerate(names, start=1) if name is None]
    if unknown:
        raise MembershipColumnsUnknown(names=listed(unknown))
    found = [name for name in names if name is not None]
    repeated = sorted({name for name in found if found.count(name) > 1})
    if PROVINCE in found and PROVINCE_BEFORE_2020 in found:
        repeated += [PROVINCE, PROVINCE_BEFORE_2020]
    if repeated:
        raise ColumnsRepeated(names=listed(repeated))
    named = {PROVINCE if name == PROVINCE_BEFORE_2020 else name for name in found}
    missing = [name for name in HEADER if name not in named]
    if missing:
        raise MembershipColumnsMissing(names=", ".join(missing))
    return tuple(found)


def row_reader(
    header: Sequence[str], *, provinces: Provinces, units: UnitCodes, pension_number_pattern: str
) -> Callable[[Sequence[str]], MemberRow | RefusedRow]:
    """Return what understands a row under a header of `read_header`, with every problem it has."""
    is_old = PROVINCE_BEFORE_2020 in header
    codes = provinces.codes_before_2020 if is_old else provinces.codes
    readers: dict[str, Callable[[str], object]] = {
        "national_code": file_cells.national_code,
        "first_name": file_cells.name,
        "last_name": file_cells.name,
        "birth_date": file_cells.birth_date,
        "pension_number": file_cells.pension_number(re.compile(pension_number_pattern)),
        "pension_kind": file_cells.pension_kind,
        "state": file_cells.state,
        PROVINCE: file_cells.province(codes),
        PROVINCE_BEFORE_2020: file_cells.province(codes),
        "city": file_cells.city,
        "branch": file_cells.unit_code(units.branches),
        "association": file_cells.unit_code(units.associations),
        "net_pension_rials": file_cells.rials,
        "other_deductions_rials": file_cells.deducted_rials,
        "iban": file_cells.iban,
        "phone": file_cells.mobile,
    }
    columns = tuple((name, readers[name]) for name in header)
    order = tuple(header.index(name if name in header else PROVINCE_BEFORE_2020) for name in HEADER)
    national_code_place = header.index("national_code")
    pension_number_place = header.index("pension_number")
    state_place = header.index("state")

    def read(cells: Sequence[str]) -> MemberRow | RefusedRow:
        if len(cells) != len(columns):
            error = CellsMiscounted(cells=len(cells), expected=len(columns))
            return RefusedRow((CellProblem("", error),))
        values: list[object] = []
        problems: list[CellProblem] = []
        warnings: list[CellProblem] = []
        for (name, reader), cell in zip(columns, cells, strict=True):
            try:
                values.append(reader(cell.strip()))
            except UnitUnknown as error:
                warning = error.with_traceback(None)
                warnings.append(CellProblem(name, warning, is_warning=True))
                values.append(None)
            except DomainError as error:
                # Its traceback would hold this row in a circle that is freed only late.
                passed_over = _PASSED_OVER.get(name)
                if passed_over is not None:
                    warnings.append(CellProblem(name, passed_over(), is_warning=True))
                else:
                    problems.append(CellProblem(name, error.with_traceback(None)))
                values.append(None)
        if problems:
            return RefusedRow(
                tuple(problems),
                national_code=_text(values[national_code_place]),
                pension_number=_text(values[pension_number_place]),
                state=MemberState(found) if (found := _text(values[state_place])) else None,
            )
        ordered = [*(values[place] for place in order), tuple(warnings)]
        return MemberRow(*ordered)  # type: ignore[arg-type]  # by the readers

    return read


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
