"""Members: found at sign-in, shown to themselves only, their preferences, club codes and city."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from backend.core import clock
from backend.core.errors import Forbidden, NotFound, Unauthenticated
from backend.core.geo import GeoPoint
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.infra import sealing
from backend.members import domain, service
from backend.members.domain import (
    Channel,
    ChannelsInvalid,
    Member,
    MemberKey,
    MemberState,
    PensionKind,
    Preferences,
    TextSize,
)
from backend.organization import service as organization
from backend.organization.domain import ProvinceMissing
from tests.support import member_workers

CODE, PHONE = "0012345679", "+989171234567"
IBAN = "IR130130000000000123456789"
NOON = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
STATIONED = Viewer(
    ActorKind.CASHIER, "cashier:1", permissions=frozenset({service.VERIFY_CLUB_CODE})
)


@pytest.fixture(autouse=True)
async def ready(db: None) -> None:
    member_workers.prepare()


async def insert_member(
    national_code: str = CODE, phone: str | None = PHONE, pension_number: str = "10000001"
) -> int:
    sealer = sealing.current()
    code = sealer.seal(national_code, context=domain.NATIONAL_CODE_CONTEXT)
    iban = sealer.seal(IBAN, context=domain.IBAN_CONTEXT)
    row = await database.fetch_one(
        """
        INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index, first_name,
            last_name, name_sort_key, birth_date, pension_number, pension_kind, province_code, city,
            net_pension_rials, iban_sealed, iban_key_id, iban_index, phone)
        VALUES ($1, $2, $3, 'مریم', 'احمدی', 'k', '1951-08-04', $4, 'RETIREMENT', 'IR-07', 'شيراز',
            120000000, $5, $6, $7, $8) RETURNING id
        """,
        code.ciphertext,
        code.key_id,
        sealer.blind_index(national_code, context=domain.NATIONAL_CODE_CONTEXT),
        pension_number,
        iban.ciphertext,
        iban.key_id,
        sealer.blind_index(IBAN, context=domain.IBAN_CONTEXT),
        phone,
    )
    assert row is not None
    member_id: int = row["id"]
    return member_id


def viewer_of(member_id: int) -> Viewer:
    return Viewer(
        ActorKind.MEMBER,
        f"member:{member_id}",
        subject=member_id,
        permissions=frozenset({domain.SELF}),
    )


async def test_a_member_sees_the_own_data_with_numbers_masked() -> None:
    member_id = await insert_member()

    found = await service.get_member(viewer=viewer_of(member_id))

    assert found == Member(
        id=member_id,
        national_code_masked="******5679",
        first_name="مریم",
        last_name="احمدی",
        birth_date=date(1951, 8, 4),
        pension_number="10000001",
        pension_kind=PensionKind.RETIREMENT,
        state=MemberState.ACTIVE,
        province_code="IR-07",
        city="شيراز",
        address=None,
        branch_code=None,
        association_code=None,
        net_pension_rials=120_000_000,
        other_deductions_rials=0,
        iban_masked="IR" + "*" * 20 + "6789",
        phone=PHONE,
        preferences=Preferences(Locale.FA, TextSize.NORMAL, {}),
        credit_policy_version=1,
    )


async def test_nobody_else_is_a_member() -> None:
    with pytest.raises(Unauthenticated):
        await service.get_member(viewer=ANONYMOUS)
    with pytest.raises(NotFound):
        await service.get_member(viewer=SYSTEM)
    with pytest.raises(NotFound):
        await service.get_member(viewer=viewer_of(404))
    with pytest.raises(Forbidden):
        await service.get_member(viewer=Viewer(ActorKind.OPERATOR, "clerk", subject=1))
    assert await service.find_member(viewer=ANONYMOUS) is None


async def test_signing_in_finds_code_and_phone_together_by_one_statement_either_way() -> None:
    member_id = await insert_member()
    await insert_member("2291234560", None, "10000002")
    answers = []
    for code, phone in [
        (CODE, PHONE),
        (CODE, "+989170000000"),
        ("0076543218", PHONE),
        ("2291234560", PHONE),
    ]:
        with database.count_statements() as statements:
            answers.append(await service.find_for_sign_in(national_code=code, phone=phone))
        assert statements.count == 1

    key = MemberKey(member_id, "IR-07", MemberState.ACTIVE, PHONE)
    assert answers == [key, None, None, None]


async def test_preferences_change_one_by_one() -> None:
    viewer = viewer_of(await insert_member())
    other = await insert_member("2291234560", None, "10000002")

    await service.update_preferences(viewer=viewer, text_size=TextSize.HUGE)
    changed = await service.update_preferences(
        viewer=viewer, locale=Locale.EN, channels={"CAMPAIGN": [], "LOAN": [Channel.SMS]}
    )

    assert changed.preferences == Preferences(
        Locale.EN, TextSize.HUGE, {"LOAN": (Channel.SMS,), "CAMPAIGN": ()}
    )
    assert await service.get_member(viewer=viewer) == changed
    assert (await service.get_member(viewer=viewer_of(other))).preferences == Preferences()


async def test_refused_preferences_change_nothing() -> None:
    viewer = viewer_of(await insert_member())

    with pytest.raises(ChannelsInvalid):
        await service.update_preferences(
            viewer=viewer, locale=Locale.EN, channels={"WEATHER": [Channel.SMS]}
        )

    assert (await service.get_member(viewer=viewer)).preferences == Preferences()


async def test_a_club_code_is_good_for_its_minute_and_the_next() -> None:
    member_id = await insert_member()
    other = await insert_member("2291234560", None, "10000002")
    with clock.frozen(NOON):
        shown = await service.club_code(viewer=viewer_of(member_id))

    async def verified(payload: str, at: datetime) -> int | None:
        return await service.verify_club_code(viewer=STATIONED, payload=payload, at=at)

    assert shown.expires_at == NOON + timedelta(minutes=1)
    assert await verified(shown.payload, NOON) == member_id
    assert await verified(shown.payload, NOON + timedelta(seconds=119)) == member_id
    assert await verified(shown.payload, NOON + timedelta(seconds=120)) is None
    assert await verified(shown.payload, NOON - timedelta(seconds=1)) is None
    with clock.frozen(NOON):
        others = await service.club_code(viewer=viewer_of(other))
    assert await verified(others.payload[:12] + shown.payload[12:], NOON) is None
    with pytest.raises(Forbidden):
        await service.verify_club_code(viewer=viewer_of(member_id), payload=shown.payload)


async def test_secrets_of_club_codes_are_made_by_the_database_and_differ() -> None:
    await insert_member()
    await insert_member("2291234560", None, "10000002")

    rows = await database.fetch("SELECT club_secret FROM member")

    assert {len(row["club_secret"]) for row in rows} == {domain.CLUB_SECRET_BYTES}
    assert len({row["club_secret"] for row in rows}) == 2


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'LOST'", "member_state"),
        ("pension_kind = 'GIFT'", "member_pension_kind"),
        ("net_pension_rials = -1", "member_amounts"),
        ("iban_index = NULL", "member_iban"),
        ("phone = '09171234567'", "member_phone"),
        ("text_size = 'TINY'", "member_preferences"),
        ("channels = '[]'", "member_preferences"),
        ("club_secret = 'short'", "member_club_secret"),
        ("province_code = 'IR-99'", "member_province"),
    ],
)
async def test_the_database_repeats_the_rules(change: str, constraint: str) -> None:
    await insert_member()

    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await database.execute(f"UPDATE member SET {change}")

    assert refused.value.constraint_name == constraint


async def test_a_search_begins_at_the_city_else_at_the_capital() -> None:
    member = await service.get_member(viewer=viewer_of(await insert_member()))
    capital = await organization.find_center(province_code="IR-07", city=None)

    assert await service.city_center(member) == GeoPoint(29.61031, 52.53113)
    assert await organization.find_center(province_code="IR-07", city="Shiraz") == GeoPoint(
        29.61031, 52.53113
    )
    assert await organization.find_center(province_code="IR-07", city="ناکجا") == capital
    assert capital != await organization.find_center(province_code="IR-23", city=None)
    with pytest.raises(ProvinceMissing):
        await organization.find_center(province_code="IR-99", city="شیراز")
