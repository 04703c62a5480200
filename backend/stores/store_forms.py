"""A place as an operator fills it in: what is given is checked by the very rules of a file's row.

A form becomes the cells of a row, over those of the stored place where there is one, and `draft_file` reads them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from types import MappingProxyType
from typing import Final

from backend.core import text
from backend.core.calendar import Weekday, format_jalali_date
from backend.core.errors import BadUserInput, DomainError, sentences
from backend.core.geo import GeoPoint
from backend.core.locale import Locale
from backend.stores import draft_columns, draft_file, opening
from backend.stores.domain import InstalmentTerms, OfferDraft, PlaceKind, StoreDraft
from backend.stores.draft_cells import Reference
from backend.stores.opening_text import InvalidOpeningText

MAX_OFFERS: Final = 20
MAX_OFFER_TITLE_CHARACTERS: Final = 120
MAX_OFFER_BODY_CHARACTERS: Final = 600

# Where in the input of the API the cell of a column comes from.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "code": ("code",),
        "kind": ("kind",),
        "name": ("name",),
        "category": ("categoryId",),
        "province": ("provinceCode",),
        "city": ("city",),
        "address": ("address",),
        "latitude": ("location", "latitude"),
        "longitude": ("location", "longitude"),
        "phones": ("phones",),
        "opening_hours": ("openingHours",),
        "opening_exceptions": ("openingExceptions",),
        "open_on_holidays": ("openOnHolidays",),
        "min_months": ("terms", "minMonths"),
        "max_months": ("terms", "maxMonths"),
        "min_amount_rials": ("terms", "minAmount"),
        "max_amount_rials": ("terms", "maxAmount"),
    }
)
_TIME = re.compile(r"[0-9]{1,2}:[0-5][0-9]")


@dataclass(frozen=True, slots=True)
class WrittenPeriod:
    """A weekly period with its wall-clock times as they were typed."""

    weekday: Weekday
    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class WrittenException:
    """A day with other hours, as pairs of typed times; without any it is closed."""

    on_date: date
    periods: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreForm:
    """What an operator gives of a place; None leaves alone what is stored, or is missing in a new one.

    `removes_terms` takes the terms away: nothing is sold there.
    """

    kind: PlaceKind | None = None
    name: str | None = None
    category_code: str | None = None
    province_code: str | None = None
    city: str | None = None
    address: str | None = None
    location: GeoPoint | None = None
    phones: tuple[str, ...] | None = None
    periods: tuple[WrittenPeriod, ...] | None = None
    exceptions: tuple[WrittenException, ...] | None = None
    open_on_holidays: bool | None = None
    terms: InstalmentTerms | None = None
    removes_terms: bool = False
    offers: tuple[OfferDraft, ...] | None = None


@dataclass(frozen=True, slots=True)
class FormProblem:
    """What is wrong about a field of the input."""

    field: tuple[str, ...]
    error: DomainError


class StoreFormInvalid(BadUserInput):
    """A form that does not make a place; `problems` has every reason, with its field."""

    code = "STORE_INVALID"
    texts = sentences(
        fa="{count} مورد در اطلاعات فروشگاه درست نیست و چیزی ذخیره نشد.",
        en="{count} of the store's fields are not valid, and nothing was saved.",
    )
    hints = sentences(
        fa="موردها را یک‌به‌یک اصلاح کنید و دوباره بفرستید.",
        en="Correct them one by one, and send the form again.",
    )

    def __init__(self, problems: tuple[FormProblem, ...]) -> None:
        super().__init__(field=problems[0].field, count=len(problems))
        self.problems = problems


class OfferInvalid(BadUserInput):
    """An offer without a title or a body, with too long ones, or that ends before it begins; or too many offers."""

    texts = sentences(
        fa="پیشنهاد فروشگاه عنوان (حداکثر {title} نویسه) و متن (حداکثر {body} نویسه) دارد و پس از آغاز پایان می‌یابد؛"
        " هر فروشگاه حداکثر {most} پیشنهاد.",
        en="An offer has a title (at most {title} characters) and a body (at most {body}), and does not end before it"
        " begins; a store has at most {most} offers.",
    )
    hints = sentences(fa="پیشنهاد را اصلاح کنید.", en="Correct the offer.")

    def __init__(self) -> None:
        super().__init__(
            title=MAX_OFFER_TITLE_CHARACTERS, body=MAX_OFFER_BODY_CHARACTERS, most=MAX_OFFERS
        )


def new_place(code: str, form: StoreForm, *, known: Reference) -> StoreDraft:
    """The place that a form describes under a code. Raises StoreFormInvalid."""
    cells = dict.fromkeys(draft_columns.HEADER, "")
    return _read({**cells, "code": code, "state": "ACTIVE"}, form, known, stored=None)


def changed_place(stored: StoreDraft, form: StoreForm, *, known: Reference) -> StoreDraft:
    """A stored place with what a form gives; settlement and state stay. Raises StoreFormInvalid."""
    cells = dict(zip(draft_columns.HEADER, draft_file.format_row(stored), strict=True))
    return _read(cells, form, known, stored=stored)


def _read(
    cells: dict[str, str], form: StoreForm, known: Reference, *, stored: StoreDraft | None
) -> StoreDraft:
    problems: list[FormProblem] = []
    cells |= _cells(form)
    hours = {
        "opening_hours": None if form.periods is None else partial(_weekly, form.periods),
        "opening_exceptions": None
        if form.exceptions is None
        else partial(_exceptions, form.exceptions),
    }
    for column, write in hours.items():
        try:
            cells |= {} if write is None else {column: write()}
        except InvalidOpeningText as error:
            problems.append(FormProblem(FIELDS[column], error))
    offers = None
    if form.offers is not None:
        try:
            offers = _offers(form.offers)
        except OfferInvalid as error:
            problems.append(FormProblem(("offers",), error))
    cells |= dict.fromkeys(("settlement_iban", "contract_number", "settlement_mode"), "")
    row = draft_file.parse_row(
        draft_columns.HEADER, [cells[name] for name in draft_columns.HEADER], known=known
    )
    problems += [
        FormProblem(FIELDS.get(each.column, (each.column,)), each.error)
        for each in row.problems
        if not each.is_warning
    ]
    if row.draft is None or problems:
        raise StoreFormInvalid(tuple(problems))
    draft = row.draft
    return StoreDraft(
        code=draft.code if stored is None else stored.code,
        kind=draft.kind,
        state=draft.state,
        name=draft.name,
        category_code=draft.category_code,
        province_code=draft.province_code,
        city=draft.city,
        address=draft.address,
        location=draft.location,
        phones=draft.phones,
        terms=draft.terms,
        schedule=draft.schedule,
        offers=offers,
    )


def _cells(form: StoreForm) -> dict[str, str]:
    """The cells of what the form gives, but for those of the hours."""
    given: dict[str, str | None] = {
        "kind": None if form.kind is None else form.kind.value,
        "name": form.name,
        "category": form.category_code,
        "province": form.province_code,
        "city": form.city,
        "address": form.address,
        "latitude": None if form.location is None else repr(form.location.latitude),
        "longitude": None if form.location is None else repr(form.location.longitude),
        "phones": None if form.phones is None else "; ".join(form.phones),
        "open_on_holidays": None
        if form.open_on_holidays is None
        else ("yes" if form.open_on_holidays else "no"),
    }
    cells = {name: cell for name, cell in given.items() if cell is not None}
    if form.terms is not None:
        cells |= {name: str(getattr(form.terms, name)) for name in draft_columns.TERM_COLUMNS}
    elif form.removes_terms:
        cells |= dict.fromkeys(draft_columns.TERM_COLUMNS, "")
    return cells


def _weekly(periods: Iterable[WrittenPeriod]) -> str:
    """The week in the notation of files; one without any period is all closed."""
    names = opening.WEEKDAY_NAMES[Locale.FA]
    in_order = sorted(periods, key=lambda each: each.weekday)
    entries = [
        f"{names[day]} " + ",".join(_span(each.opens, each.closes) for each in of_day)
        for day, of_day in groupby(in_order, key=lambda each: each.weekday)
    ]
    return "; ".join(entries) or f"{names[Weekday.FRIDAY]} تعطیل"


def _exceptions(exceptions: Iterable[WrittenException]) -> str:
    return "; ".join(
        f"{format_jalali_date(each.on_date)} "
        + (",".join(_span(*period) for period in each.periods) or "تعطیل")
        for each in exceptions
    )


def _span(opens: str, closes: str) -> str:
    """Two typed times in the notation of files. Raises InvalidOpeningText."""
    typed = [text.to_ascii_digits(each).strip() for each in (opens, closes)]
    if not all(_TIME.fullmatch(each) for each in typed):
        raise InvalidOpeningText("-".join(typed))
    return "-".join(typed)


def _offers(given: tuple[OfferDraft, ...]) -> tuple[OfferDraft, ...]:
    if len(given) > MAX_OFFERS:
        raise OfferInvalid
    cleaned = []
    for each in given:
        title, body = text.clean_name(each.title), text.clean_name(each.body)
        fits = (
            1 <= len(title) <= MAX_OFFER_TITLE_CHARACTERS
            and 1 <= len(body) <= MAX_OFFER_BODY_CHARACTERS
        )
        if not fits or (each.valid_until is not None and each.valid_until < each.valid_from):
            raise OfferInvalid
        cleaned.append(OfferDraft(title, body, each.valid_from, each.valid_until))
    return tuple(cleaned)
