"""What an operator writes of a store, in the words of the slice."""

import strawberry

from backend.core.geo import GeoPoint
from backend.core.ids import InvalidGlobalId
from backend.stores import domain, service
from backend.stores.domain import OfferDraft
from backend.stores.store_forms import StoreForm, WrittenException, WrittenPeriod
from schema.operator_store_inputs import StoreCreateInput, StoreUpdateInput
from schema.operator_store_types import InstalmentTermsInput
from schema.relay import public_key

_NO_CATEGORY = "?"  # which no category has: the form then says so, with its other mistakes


async def form_of(given: StoreCreateInput | StoreUpdateInput) -> StoreForm:
    """What was given, in the words of the slice."""
    periods, exceptions = given.opening_hours, given.opening_exceptions
    offers, terms = given.offers, given.terms
    return StoreForm(
        kind=given.kind,
        name=given.name,
        category_code=None if given.category_id is None else await _category(given.category_id),
        province_code=given.province_code,
        city=given.city,
        address=given.address,
        location=None
        if given.location is None
        else GeoPoint(given.location.latitude, given.location.longitude),
        phones=None if given.phones is None else tuple(given.phones),
        periods=None
        if periods is None
        else tuple(WrittenPeriod(each.weekday, each.opens, each.closes) for each in periods),
        exceptions=None
        if exceptions is None
        else tuple(
            WrittenException(
                each.date, tuple((period.opens, period.closes) for period in each.periods)
            )
            for each in exceptions
        ),
        open_on_holidays=given.open_on_holidays,
        terms=_terms(terms) if terms else None,
        removes_terms=terms is None,
        offers=None
        if offers is None
        else tuple(
            OfferDraft(each.title, each.body, each.valid_from, each.valid_until) for each in offers
        ),
    )


def _terms(given: InstalmentTermsInput) -> domain.InstalmentTerms:
    return domain.InstalmentTerms(
        given.min_months, given.max_months, given.min_amount, given.max_amount
    )


async def _category(given: strawberry.ID) -> str:
    """The code of a category; one that no category has where there is none."""
    try:
        key = public_key(given, "StoreCategory")
    except InvalidGlobalId:
        return _NO_CATEGORY
    return next(
        (each.code for each in await service.list_categories() if each.id == key), _NO_CATEGORY
    )
