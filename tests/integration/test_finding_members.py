"""Operators find members within their scope, quickly and never unseen."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import orjson
import pytest

from backend.audit import service as audit
from backend.audit.domain import ReasonInvalid
from backend.core import clock, paging
from backend.core.errors import Forbidden, NotFound, Unauthenticated
from backend.core.paging import InvalidCursor, PageSizeInvalid
from backend.core.permissions import Role
from backend.core.viewer import ANONYMOUS, OwnFile, Scope, Viewer
from backend.infra import db as database
from backend.members import finding
from backend.members.domain import name_sort_key
from tests.support import access, debts, operators, plans
from tests.support.operators import member, operator, trail

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PURPOSE = "پاسخ به تماس عضو"


@pytest.fixture(autouse=True)
async def scene(db: None, cache: None) -> AsyncIterator[None]:
    del db, cache
    access.configure_keys()
    with clock.frozen(NOW):
        yield


def support(scope: Scope = operators.NATION, own_member_id: int | None = None) -> Viewer:
    return operator(1, Role.SUPPORT, scope=scope, own_member_id=own_member_id)


async def found(search: str, viewer: Viewer | None = None) -> list[int]:
    page = await finding.search_members(
        viewer=viewer or support(), search=search, first=finding.MAX_FOUND, after=None
    )
    return [each.id for each in page.items]


async def test_a_member_is_found_by_each_number_whatever_digits_it_is_typed_in() -> None:
    maryam = await member(
        "مریم",
        "احمدی",
        national_code="0012345679",
        phone="+989121234567",
        pension_number="10000001",
    )
    await member("رضا", "کریمی", national_code="2291234560", phone="+989121234568")

    for search in ("0012345679", "۰۰۱۲۳۴۵۶۷۹", "0912 123-4567", "٩١٢١٢٣٤٥٦٧", "10000001"):
        assert await found(search) == [maryam], search
    for search in ("0076543218", "09121234569", "10000002"):
        assert await found(search) == [], search


async def test_survivors_share_a_pension_number_and_are_all_found() -> None:
    ids = [await member(name, "احمدی", pension_number="10000001") for name in ("زهرا", "علی")]

    assert await found("10000001") == ids


NAMES = {
    "plain": ("علی", "احمدی"),
    "joined": ("علی", "احمدی‌نژاد"),
    "parted": ("محمد رضا", "احمدی نژاد"),
    "madda": ("رضا", "آذری"),
    "arabic": ("علي", "كريمي"),
    "other": ("مریم", "صالحی"),
}


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ("احمدی", ["plain", "joined", "parted"]),
        ("احمد", ["plain", "joined", "parted"]),
        ("احمدی نژاد", ["joined", "parted"]),
        ("احمدینژاد", ["joined", "parted"]),
        ("علی احمدی", ["plain", "joined"]),
        ("احمدی علی", ["plain", "joined"]),
        ("عل احم", ["plain", "joined"]),
        ("علی احمدی نژاد", ["joined"]),
        ("علی احمدینژاد", ["joined"]),
        ("رضا احمدی", ["parted"]),
        ("محمدرضا احمدی نژاد", ["parted"]),
        ("محمد احمدینژاد", ["parted"]),
        ("نژاد علی", []),
        ("اذری", ["madda"]),
        ("آذری رضا", ["madda"]),
        ("کریمی", ["arabic"]),
        ("علی کریمی", ["arabic"]),
        ("مریم", []),
        ("مریم صالحی", ["other"]),
        ("علی صالحی", []),
    ],
)
async def test_a_name_is_found_by_the_beginnings_of_its_words_in_any_spelling(
    search: str, wanted: list[str]
) -> None:
    ids = {key: await member(*name) for key, name in NAMES.items()}
    keys = {member_id: key for key, member_id in ids.items()}

    assert [keys[each] for each in await found(search)] == wanted


async def test_names_come_in_the_persian_alphabet_and_pages_meet_without_gap_or_repetition() -> (
    None
):
    wanted = [
        await member(first_name, "احمدی", province_code=province)
        for first_name in ("آرش", "بهرام", "پرویز", "گلی", "یوسف")  # in the order of the alphabet
        for province in ("IR-07", "IR-23")
    ]

    for search in ("احمدی", "احمدی احمدی"):
        seen: list[int] = []
        after = None
        while True:
            page = await finding.search_members(
                viewer=support(), search=search, first=3, after=after
            )
            seen += [each.id for each in page.items]
            after = page.cursors[-1] if page.cursors else None
            if not page.has_next:
                break
        assert seen == (wanted if search == "احمدی" else []), search


async def test_out_of_scope_is_not_there() -> None:
    ids = await operators.associations("A-1", "A-2")
    fars = await member("علی", "احمدی", association_code="A-1", phone="+989121111111")
    fars_2 = await member("علی", "احمدی", association_code="A-2")
    tehran = await member("علی", "احمدی", province_code="IR-23", phone="+989122222222")
    yazd = await member("علی", "احمدی", province_code="IR-21")
    scopes = {
        Scope(nation=True): [fars, fars_2, tehran, yazd],
        Scope(province_codes=frozenset({"IR-07", "IR-21"})): [fars, fars_2, yazd],
        Scope(association_id=ids["A-1"]): [fars],
        Scope(association_id=ids["A-2"] + 100): [],
        Scope(): [],
    }

    for scope, wanted in scopes.items():
        for search in ("احمدی", "علی احمدی"):
            assert await found(search, support(scope)) == wanted, (scope, search)
        by_phone = [each for each in (tehran,) if each in wanted]
        assert await found("09122222222", support(scope)) == by_phone, scope
        for member_id in (fars, fars_2, tehran, yazd):
            opening = finding.open_file(viewer=support(scope), member_id=member_id, purpose=PURPOSE)
            if member_id in wanted:
                assert (await opening).id == member_id
            else:
                with pytest.raises(NotFound):
                    await opening


async def test_a_search_is_recorded_by_its_kind_and_whom_it_showed_never_by_its_key() -> None:
    maryam = await member("مریم", "احمدی", national_code="0012345679", phone="+989121234567")
    others = [await member(f"زهرا {letter}", "صالحی") for letter in "ابپتثجچحخدذرزسشصضطظعغف"]

    await found("0012345679")
    await found("مریم احمدی")
    await found("صالحی")
    await found("نادری")

    entries = await trail("members.search")
    assert [orjson.loads(str(each["after"])) for each in entries] == [
        {"searched_by": ["national_code", "pension_number"], "shown": 1, "members": [maryam]},
        {"searched_by": ["name"], "shown": 1, "members": [maryam]},
        {"searched_by": ["name"], "shown": 22, "members": others},
        {"searched_by": ["name"], "shown": 0, "members": []},
    ]
    assert {each["actor"] for each in entries} == {"operator:1"}
    rows = await database.fetch("SELECT t::text AS row FROM audit_entry t")
    for key in ("0012345679", "احمدی", "9121234567"):
        assert not [row for row in rows if key in row["row"]]


async def test_a_cursor_fits_its_question_and_no_other() -> None:
    for _ in range(2):
        await member("علی", "احمدی", phone=f"+98912123456{_}")
    page = await finding.search_members(viewer=support(), search="احمدی", first=1, after=None)

    with pytest.raises(InvalidCursor):
        await finding.search_members(
            viewer=support(), search="کریمی", first=1, after=page.cursors[0]
        )
    for first in (0, finding.MAX_FOUND + 1, paging.MAX_FIRST):
        with pytest.raises(PageSizeInvalid):
            await finding.search_members(viewer=support(), search="احمدی", first=first, after=None)


async def test_who_reads_a_file_is_shown_to_its_member_by_role_and_office() -> None:
    member_id = await member("مریم", "احمدی")

    await finding.open_file(viewer=support(), member_id=member_id, purpose=PURPOSE)

    reads = await audit.list_reads(
        viewer=debts.viewer_of(member_id), member_id=member_id, first=10, after=None
    )
    assert [(each.reader_role, each.reader_office, each.purpose) for each in reads.items] == [
        ("پشتیبان", "شعبهٔ یک", PURPOSE)
    ]


async def test_without_a_purpose_or_right_nothing_is_read_and_nothing_recorded() -> None:
    member_id = await member("مریم", "احمدی")
    refusals = [
        (support(), " ", ReasonInvalid),
        (operator(2, Role.OBSERVER), PURPOSE, Forbidden),
        (operator(2, Role.ADMINISTRATOR), PURPOSE, Forbidden),
        (debts.viewer_of(member_id), PURPOSE, Forbidden),
        (ANONYMOUS, PURPOSE, Unauthenticated),
        (support(own_member_id=member_id), PURPOSE, OwnFile),
    ]

    for viewer, purpose, error in refusals:
        with pytest.raises(error):
            await finding.open_file(viewer=viewer, member_id=member_id, purpose=purpose)
        if error in (Forbidden, Unauthenticated):
            with pytest.raises(error):
                await finding.search_members(viewer=viewer, search="احمدی", first=1, after=None)

    rows = await database.fetch("SELECT FROM file_read")
    assert rows == []
    assert await trail("members.search") == []


SCOPES = {
    "nation": Scope(nation=True),
    "provinces": Scope(province_codes=frozenset({"IR-07", "IR-21"})),
}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    ("search", "index"),
    [
        ("0012345679", "member_national_code"),
        ("09120001234", "member_by_phone"),
        ("10001234", "member_by_pension_number"),
        ("احمدی", "member_by_name_in_province"),
        ("علی احمدی", "member_by_name_pairs"),
    ],
)
@pytest.mark.parametrize("mode", ["custom", "generic"])
async def test_every_search_goes_by_its_index_in_every_scope(
    scope: str, search: str, index: str, mode: plans.Mode
) -> None:
    await _crowd()
    viewer = support(SCOPES[scope])

    (plan,) = await plans.plans_of(
        lambda: finding.search_members(viewer=viewer, search=search, first=5, after=None),
        mark="member_name_order",
        plans=mode,
    )

    assert index in plan
    assert "Seq Scan on member" not in plan


async def _crowd() -> None:
    """8,000 members of 140 names in three provinces, with fresh statistics."""
    surnames = [
        name_sort_key("", f"{a}{b}")
        for a in ["احمدی", "کریمی", "نوری", "رضایی", "صالحی"]
        for b in ("", "پور", "نیا", "زاده")
    ]
    await database.execute(
        """
        INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index, first_name, last_name,
                            name_sort_key, birth_date, pension_number, pension_kind, province_code, phone)
        SELECT '\\x00', 'test', sha256(n::text::bytea), 'x', 'y',
               ($2::text[])[1 + n % cardinality($2)] || ' ' || ($3::text[])[1 + n * 7 % cardinality($3)],
               '1955-03-21', (10000000 + n)::text, 'RETIREMENT', (ARRAY['IR-07', 'IR-21', 'IR-23'])[1 + n % 3],
               '+98912' || lpad(n::text, 7, '0')
          FROM generate_series(1, $1) n
        """,
        8_000,
        [each.strip() for each in surnames],
        [
            name_sort_key("", each).strip()
            for each in ["علی", "محمد", "رضا", "حسن", "حسین", "مریم", "زهرا"]
        ],
    )
    await database.execute("VACUUM ANALYZE member")
