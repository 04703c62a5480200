"""The rows of a file of stores: a row of text becomes a draft, and a draft a row.

`draft_columns` has the columns. All problems of a row are collected, each with its column; no file is
opened here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from backend.core import identifiers
from backend.core.errors import DomainError
from backend.core.geo import GeoPoint
from backend.infra.sheet_problems import CellsMiscounted
from backend.stores import domain, draft_cells, draft_columns, draft_problems, opening_text
from backend.stores.domain import (
    InstalmentTerms,
    PlaceKind,
    Settlement,
    SettlementMode,
    StoreDraft,
    StoreState,
    TermsInvalid,
)
from backend.stores.draft_cells import ProvinceEntry, Reference
from backend.stores.draft_columns import HEADER, TERM_COLUMNS
from backend.stores.draft_problems import CellProblem
from backend.stores.opening import OpeningException, OpeningPeriod, OpeningSchedule

MAX_CITY_CHARACTERS = 80
MAX_ADDRESS_CHARACTERS = 400
MAX_CONTRACT_NUMBER_CHARACTERS = 60

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row as it was understood; `draft` is None exactly where a problem is more than a warning."""

    code: str | None
    draft: StoreDraft | None
    problems: tuple[CellProblem, ...]


def parse_row(header: Sequence[str], cells: Sequence[str], *, known: Reference) -> ParsedRow:
    """Understand one row under a header of `draft_columns.read_header`; gives every problem that it has."""
    cells = (*cells[: len(header)], *draft_columns.trimmed(cells[len(header) :]))
    if len(cells) != len(header):
        error = CellsMiscounted(cells=len(cells), expected=len(header))
        return ParsedRow(None, None, (CellProblem("", error),))
    row = _Row({name: cell.strip() for name, cell in zip(header, cells, strict=True)})
    code = row.read("code", draft_cells.filled(draft_cells.store_code), "")
    location = _location(row)
    province = _province(row, known)
    draft = StoreDraft(
        code=code,
        kind=row.read(
            "kind", draft_cells.filled(draft_cells.choice(draft_cells.KINDS)), PlaceKind.STORE
        ),
        state=row.read(
            "state", draft_cells.filled(draft_cells.choice(draft_cells.STATES)), StoreState.ACTIVE
        ),
        name=row.read("name", draft_cells.filled(draft_cells.store_name), ""),
        category_code=row.read("category", draft_cells.filled(draft_cells.category(known)), ""),
        province_code="" if province is None else province.code,
        city=row.read(
            "city", draft_cells.filled(draft_cells.display_text(MAX_CITY_CHARACTERS)), ""
        ),
        address=row.read(
            "address", draft_cells.filled(draft_cells.display_text(MAX_ADDRESS_CHARACTERS)), ""
        ),
        location=location,
        phones=row.read("phones", draft_cells.phones, ()),
        terms=_terms(row),
        schedule=_schedule(row),
        settlement=_settlement(row),
    )
    if row.problems:
        in_order = sorted(row.problems, key=lambda problem: header.index(problem.column))
        return ParsedRow(code or None, None, tuple(in_order))
    warnings: tuple[CellProblem, ...] = ()
    if province is not None and not draft_cells.is_near(location, province.bounds):
        warnings = (CellProblem("latitude", draft_problems.OutsideProvince(), is_warning=True),)
    return ParsedRow(code, draft, warnings)


def format_row(draft: StoreDraft) -> tuple[str, ...]:
    """Write a draft as the cells of HEADER; `parse_row` gives it back, but for its offers."""
    terms, settlement = draft.terms, draft.settlement
    cells = {
        "code": draft.code,
        "kind": draft.kind.value,
        "state": draft.state.value,
        "name": draft.name,
        "category": draft.category_code,
        "province": draft.province_code,
        "city": draft.city,
        "address": draft.address,
        "latitude": repr(draft.location.latitude),
        "longitude": repr(draft.location.longitude),
        "phones": "; ".join(draft.phones),
        "opening_hours": opening_text.format_weekly(draft.schedule.periods),
        "opening_exceptions": opening_text.format_exceptions(draft.schedule.exceptions),
        "open_on_holidays": "yes" if draft.schedule.open_on_holidays else "no",
    }
    if terms is not None:
        cells |= {name: str(getattr(terms, name)) for name in TERM_COLUMNS}
    if settlement is not None:
        cells["settlement_iban"] = settlement.iban
        cells["contract_number"] = settlement.contract_number or ""
        cells["settlement_mode"] = settlement.mode.value
    return tuple(cells.get(name, "") for name in HEADER)


@dataclass(slots=True)
class _Row:
    """The cells of a row by column, and the problems found so far."""

    cells: Mapping[str, str]
    problems: list[CellProblem] = field(default_factory=list)

    def cell(self, column: str) -> str:
        return self.cells.get(column, "")

    def read(self, column: str, parse: Callable[[str], T], fallback: T) -> T:
        """Return what `parse` makes of a cell; the fallback once its refusal is noted."""
        try:
            return parse(self.cell(column))
        except DomainError as error:
            # Kept as data: its traceback would hold this row in a circle that is freed only late.
            self.refuse(column, error.with_traceback(None))
            return fallback

    def refuse(self, column: str, error: DomainError) -> None:
        """Note a problem; what it quotes from the file must not show a phone or an account."""
        quoted = {name: value for name, value in error.data.items() if isinstance(value, str)}
        error.data |= {name: draft_cells.without_numbers(value) for name, value in quoted.items()}
        self.problems.append(CellProblem(column, error))


def _province(row: _Row, known: Reference) -> ProvinceEntry | None:
    if draft_columns.PROVINCE_BEFORE_2020 in row.cells:
        parse = draft_cells.province(known.provinces_before_2020)
        return row.read(draft_columns.PROVINCE_BEFORE_2020, draft_cells.filled(parse), None)
    return row.read("province", draft_cells.filled(draft_cells.province(known.provinces)), None)


def _location(row: _Row) -> GeoPoint:
    return GeoPoint(
        row.read(
            "latitude",
            draft_cells.filled(
                draft_cells.degrees(draft_problems.IRAN.south, draft_problems.IRAN.north)
            ),
            draft_problems.IRAN.south,
        ),
        row.read(
            "longitude",
            draft_cells.filled(
                draft_cells.degrees(draft_problems.IRAN.west, draft_problems.IRAN.east)
            ),
            draft_problems.IRAN.west,
        ),
    )


def _terms(row: _Row) -> InstalmentTerms | None:
    empty = [name for name in TERM_COLUMNS if not row.cell(name)]
    if len(empty) == len(TERM_COLUMNS):
        return None
    for name in empty:
        row.refuse(name, draft_problems.TermsIncomplete())
    known_problems = len(row.problems)
    filled = {
        name: row.read(name, draft_cells.whole_number, 0)
        for name in TERM_COLUMNS
        if name not in empty
    }
    if empty or len(row.problems) > known_problems:
        return None
    terms = InstalmentTerms(**filled)
    try:
        domain.check_terms(terms)
    except TermsInvalid as error:
        column = "min_months" if error.field[-1] == "months" else "min_amount_rials"
        row.refuse(column, error.with_traceback(None))
    return terms


def _schedule(row: _Row) -> OpeningSchedule:
    no_periods: tuple[OpeningPeriod, ...] = ()
    no_exceptions: tuple[OpeningException, ...] = ()
    return OpeningSchedule(
        periods=row.read(
            "opening_hours", draft_cells.filled(opening_text.parse_weekly), no_periods
        ),
        exceptions=(
            row.read("opening_exceptions", opening_text.parse_exceptions, no_exceptions)
            if row.cell("opening_exceptions")
            else no_exceptions
        ),
        open_on_holidays=(
            row.read("open_on_holidays", draft_cells.choice(draft_cells.ANSWERS), "no") == "yes"
            if row.cell("open_on_holidays")
            else False
        ),
    )


def _settlement(row: _Row) -> Settlement | None:
    contract_number = row.cell("contract_number")
    if not any(
        row.cell(name) for name in ("settlement_iban", "contract_number", "settlement_mode")
    ):
        return None
    for name in ("settlement_iban", "settlement_mode"):
        if not row.cell(name):
            row.refuse(name, draft_problems.SettlementIncomplete())
    iban, mode = "", SettlementMode.AS_COLLECTED
    if row.cell("settlement_iban"):
        iban = row.read("settlement_iban", identifiers.normalize_iban, "")
    if row.cell("settlement_mode"):
        mode = row.read("settlement_mode", draft_cells.choice(draft_cells.MODES), mode)
    if contract_number:
        parse = draft_cells.display_text(MAX_CONTRACT_NUMBER_CHARACTERS)
        contract_number = row.read("contract_number", parse, "")
    return Settlement(iban, contract_number or None, mode)
