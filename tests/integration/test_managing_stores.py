"""Operators keep the stores: within their scope, over nobody's back, and by the rules of the file of stores."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime

import orjson
import pytest

from backend.core import clock
from backend.core.calendar import Weekday
from backend.core.errors import DomainError, Forbidden, NotFound, Unauthenticated
from backend.core.geo import GeoPoint
from backend.core.permissions import Role
from backend.core.viewer import ANONYMOUS, Scope, Viewer
from backend.infra import db as database
from backend.stores import managing
from backend.stores.domain import InstalmentTerms, OfferDraft, PlaceKind, StoreState
from backend.stores.managing import StoreChangedMeanwhile, StoreCodeTaken
from backend.stores.store_forms import StoreForm, StoreFormInvalid, WrittenException, WrittenPeriod
from tests.support import debts, operators, places
from tests.support.operators import operator, trail
from tests.support.places import draft

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
TERMS = InstalmentTerms(3, 12, 5_000_000, 900_000_000)
FORM = StoreForm(
    kind=PlaceKind.STORE,
    name="پوشاک حافظ",
    category_code="grocery",
    province_code="IR-23",
    city="تهران",
    address="خیابان آزادی، پلاک ۱۲",
    location=GeoPoint(35.6997, 51.338),
    phones=("021 66001122", "0912 123 4567"),
    periods=(
        WrittenPeriod(Weekday.SATURDAY, "17:00", "21:00"),
        WrittenPeriod(Weekday.SATURDAY, "9:00", "۱۳:۰۰"),
        WrittenPeriod(Weekday.THURSDAY, "20:00", "02:00"),
    ),
    exceptions=(WrittenException(date(2026, 12, 1), ()),),
    open_on_holidays=False,
    terms=TERMS,
    offers=(OfferDraft("  تخفیف ", "ده درصد", date(2026, 11, 1), None),),
)


@pytest.fixture(autouse=True)
async def scene(db: None, cache: None) -> AsyncIterator[None]:
    del db, cache
    await places.save_categories()
    with clock.frozen(NOW):
        yield


def manager(scope: Scope = operators.NATION, number: int = 1) -> Viewer:
    return operator(number, Role.STORE_MANAGER, scope=scope)


async def stored_rows() -> list[str]:
    """All of the stores, their parts and the trail, to see that nothing changed."""
    rows = []
    for table in ("store", "store_opening_period", "store_opening_exception", "store_offer"):
        rows += [each["t"] for each in await database.fetch(f"SELECT t::text FROM {table} t")]
    return rows


async def test_a_new_store_is_checked_and_cleaned_as_a_row_of_the_file() -> None:
    made = await managing.create_store(viewer=manager(), code="op-1", form=FORM)

    place = made.draft
    assert (place.code, place.state, made.version) == ("OP-1", StoreState.ACTIVE, 1)
    assert place.phones == ("+982166001122", "+989121234567")
    assert [
        (each.weekday, each.opens_minute, each.closes_minute) for each in place.schedule.periods
    ] == [
        (Weekday.SATURDAY, 540, 780),
        (Weekday.SATURDAY, 1020, 1260),
        (Weekday.THURSDAY, 1200, 1560),
    ]
    assert [(each.on_date, each.periods) for each in place.schedule.exceptions] == [
        (date(2026, 12, 1), ())
    ]
    assert place.offers == (OfferDraft("تخفیف", "ده درصد", date(2026, 11, 1), None),)
    (entry,) = await trail("stores.create")
    assert (entry["actor"], entry["province_code"]) == ("operator:1", "IR-23")
    assert "9121234567" not in str(entry["after"])


async def test_a_code_is_one_store_s_in_capital_and_small_letters() -> None:
    await places.save(draft("OP-1", name="نخستین"))
    before = await stored_rows()

    with pytest.raises(StoreCodeTaken):
        await managing.create_store(viewer=manager(), code="op-1", form=FORM)

    assert await stored_rows() == before
    assert await trail("stores.create") == []


async def test_all_that_is_wrong_with_a_form_is_told_with_its_field() -> None:
    wrong = replace(
        FORM,
        name=" ",
        category_code="no-such",
        province_code="IR-99",
        location=GeoPoint(51.3, 35.7),
        phones=("12",),
        periods=(WrittenPeriod(Weekday.SATURDAY, "9", "13:00"),),
        terms=InstalmentTerms(12, 3, 5_000_000, 900_000_000),
        offers=(OfferDraft("", "x", date(2026, 11, 1), None),),
    )

    with pytest.raises(StoreFormInvalid) as refused:
        await managing.create_store(viewer=manager(), code="کد", form=wrong)

    assert {each.field for each in refused.value.problems} == {
        ("code",), ("name",), ("categoryId",), ("provinceCode",), ("location", "latitude"),
        ("location", "longitude"), ("phones",), ("openingHours",), ("terms", "minMonths"), ("offers",),
    }  # fmt: skip
    assert await stored_rows() == []


async def test_an_update_changes_what_is_given_and_the_trail_has_just_that() -> None:
    made = await managing.create_store(viewer=manager(), code="OP-1", form=FORM)

    changed = await managing.update_store(
        viewer=manager(),
        store_id=made.id,
        version=1,
        form=StoreForm(name="پوشاک سعدی", removes_terms=True),
    )

    assert changed.version == 2
    assert changed.draft == replace(made.draft, name="پوشاک سعدی", terms=None)
    (entry,) = await trail("stores.update")
    assert orjson.loads(str(entry["before"])) == {
        "name": "پوشاک حافظ",
        "terms": [3, 12, 5_000_000, 900_000_000],
    }
    assert orjson.loads(str(entry["after"])) == {"name": "پوشاک سعدی", "terms": None}


async def test_an_update_that_changes_nothing_leaves_version_and_trail_alone() -> None:
    made = await managing.create_store(viewer=manager(), code="OP-1", form=FORM)

    again = await managing.update_store(viewer=manager(), store_id=made.id, version=1, form=FORM)

    assert again == made
    assert await trail("stores.update") == []


async def test_a_colleague_s_change_in_between_is_told_and_kept() -> None:
    made = await managing.create_store(viewer=manager(), code="OP-1", form=FORM)
    await managing.update_store(
        viewer=manager(number=2), store_id=made.id, version=1, form=StoreForm(city="ری")
    )
    before = await stored_rows()

    with pytest.raises(StoreChangedMeanwhile) as refused:
        await managing.update_store(
            viewer=manager(), store_id=made.id, version=1, form=StoreForm(city="شیراز")
        )

    assert refused.value.data == {"version": 2}
    assert await stored_rows() == before


async def test_a_suspended_store_is_off_the_map_and_comes_back_with_all_it_had() -> None:
    made = await managing.create_store(viewer=manager(), code="OP-1", form=FORM)

    suspended = await managing.set_state(
        viewer=manager(), store_id=made.id, version=1, state=StoreState.SUSPENDED, reason="شکایت"
    )
    resumed = await managing.set_state(
        viewer=manager(), store_id=made.id, version=2, state=StoreState.ACTIVE, reason="رفع شد"
    )

    assert suspended.draft == replace(made.draft, state=StoreState.SUSPENDED)
    assert (resumed.draft, resumed.version) == (made.draft, 3)
    (entry,) = await trail("stores.suspend")
    assert (entry["reason"], orjson.loads(str(entry["after"]))) == ("شکایت", {"state": "SUSPENDED"})


async def test_out_of_scope_is_not_there_and_no_store_is_moved_out_of_it_or_into_it() -> None:
    ids = await places.save(
        draft("FARS", province_code="IR-07", at=GeoPoint(29.6, 52.5)), draft("TEHRAN")
    )
    fars = Scope(province_codes=frozenset({"IR-07"}))
    before = await stored_rows()

    for scope in (fars, Scope(association_id=1), Scope()):
        for act in (
            managing.update_store(
                viewer=manager(scope), store_id=ids["TEHRAN"], version=1, form=StoreForm(name="x")
            ),
            managing.set_state(
                viewer=manager(scope),
                store_id=ids["TEHRAN"],
                version=1,
                state=StoreState.SUSPENDED,
                reason="شکایت",
            ),
        ):
            with pytest.raises(NotFound):
                await act
        assert await managing.find_record(viewer=manager(scope), store_id=ids["TEHRAN"]) is None
    for act in (
        managing.update_store(
            viewer=manager(fars),
            store_id=ids["FARS"],
            version=1,
            form=StoreForm(province_code="IR-23"),
        ),
        managing.create_store(viewer=manager(fars), code="NEW", form=FORM),
    ):
        with pytest.raises(StoreFormInvalid) as refused:
            await act
        assert [each.field for each in refused.value.problems] == [("provinceCode",)]

    assert await stored_rows() == before


@pytest.mark.parametrize(
    ("viewer", "error"),
    [
        (operator(3, Role.AUDITOR), Forbidden),
        (operator(3, Role.FINANCE_OFFICER), Forbidden),
        (operator(3, Role.ADMINISTRATOR), Forbidden),
        (debts.viewer_of(1), Forbidden),
        (ANONYMOUS, Unauthenticated),
    ],
)
async def test_who_does_not_keep_stores_changes_none(
    viewer: Viewer, error: type[DomainError]
) -> None:
    ids = await places.save(draft("A"))
    before = await stored_rows()

    for act in (
        managing.create_store(viewer=viewer, code="B", form=FORM),
        managing.update_store(
            viewer=viewer, store_id=ids["A"], version=1, form=StoreForm(name="x")
        ),
        managing.set_state(
            viewer=viewer, store_id=ids["A"], version=1, state=StoreState.SUSPENDED, reason="شکایت"
        ),
    ):
        with pytest.raises(error):
            await act

    assert await stored_rows() == before


async def test_records_are_searched_by_code_and_name_and_filtered_by_state() -> None:
    await places.save(
        draft("FARS-1", name="پوشاک حافظ"),
        draft("FARS-2", name="مبل سعدی"),
        draft("TEH-1", name="حافظ"),
    )
    await places.suspend("FARS-2")

    async def codes(search: str | None, state: StoreState | None = None) -> list[str]:
        seen: list[str] = []
        after = None
        while True:
            page = await managing.list_records(
                viewer=manager(), search=search, state=state, first=1, after=after
            )
            seen += [each.draft.code for each in page.items]
            if not page.has_next:
                return seen
            after = page.cursors[-1]

    assert await codes(None) == ["FARS-1", "FARS-2", "TEH-1"]
    assert await codes("fars") == ["FARS-1", "FARS-2"]
    assert await codes("حافظ") == ["FARS-1", "TEH-1"]
    assert await codes("fars-2") == ["FARS-2"]
    assert await codes(None, StoreState.SUSPENDED) == ["FARS-2"]
