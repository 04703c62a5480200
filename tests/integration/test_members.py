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
from backend.members import club_codes, domain, seals, service
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
from tests.support import member_workers

CODE, PHONE = "0012345679", "+989171234567"
IBAN = "IR130130000000000123456789"
NOON = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
SHIRAZ, MARVDASHT = GeoPoint(29.61031, 52.53113), GeoPoint(29.87407, 52.80258)
CAPITALS = {"IR-07": GeoPoint(29.6103, 52.5311), "IR-23": GeoPoint(35.6944, 51.4215)}
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
    index = seals.national_code_index(national_code, sealer)
    code = seals.seal_national_code(national_code, index=index, sealer=sealer)
    iban = seals.seal_iban(IBAN, index=index, sealer=sealer)
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
        index,
        pension_number,
        iban.ciphertext,
        iban.key_id,
        seals.iban_index(IBAN, sealer),
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
    viewer = viewer_of(member_id)

    found = await service.get_member(viewer=viewer)

    assert found == Member(
        id=member_id,
        national_code=found.national_code,
        first_name="مریم",
        last_name="احمدی",
        birth_date=date(1951, 8, 4),
        pension_number="10000001",
        pension_kind=PensionKind.RETIREMENT,
        state=MemberState.ACTIVE,
        province_code="IR-07",
        city="شيراز",
        address=None,
        home=SHIRAZ,
        branch_code=None,
        association_code=None,
        net_pension_rials=120_000_000,
        other_deductions_rials=0,
        phone=PHONE,
        preferences=Preferences(Locale.FA, TextSize.NORMAL, {}),
        credit_policy_version=1,
    )
    assert service.masked_national_code(viewer=viewer, member=found) == "******5679"


async def opened(member_id: int) -> str:
    viewer = viewer_of(member_id)
    found = await service.get_member(viewer=viewer)
    return service.masked_national_code(viewer=viewer, member=found)


async def test_a_seal_of_another_member_does_not_open() -> None:
    first, second = await insert_member(), await insert_member("2291234560", None, "10000002")
    row = await database.fetch_one(
        "SELECT iban_sealed, iban_key_id FROM member WHERE id = $1", first
    )
    assert row is not None
    sealed = sealing.Sealed(row["iban_sealed"], row["iban_key_id"])
    sealer = sealing.current()
    indexes = [seals.national_code_index(code, sealer) for code in (CODE, "2291234560")]

    await database.execute(
        "UPDATE member m SET national_code_sealed = o.national_code_sealed FROM member o"
        " WHERE m.id = $1 AND o.id = $2",
        first,
        second,
    )

    assert seals.open_iban(sealed, index=indexes[0], sealer=sealer) == IBAN
    with pytest.raises(sealing.SealBroken):
        seals.open_iban(sealed, index=indexes[1], sealer=sealer)
    with pytest.raises(sealing.SealBroken):
        seals.open_national_code(sealed, index=indexes[0], sealer=sealer)
    assert await opened(first) == "*" * 10
    assert await opened(second) == "******4560"


async def test_a_key_that_is_gone_hides_the_national_code_and_nothing_else() -> None:
    member_id = await insert_member()
    await database.execute("UPDATE member SET national_code_key_id = 'gone', iban_key_id = 'gone'")
    viewer = viewer_of(member_id)

    changed = await service.update_preferences(viewer=viewer, text_size=TextSize.HUGE)

    assert changed == await service.get_member(viewer=viewer)
    assert (changed.first_name, changed.preferences.text_size) == ("مریم", TextSize.HUGE)
    assert await opened(member_id) == "*" * 10
    with pytest.raises(Forbidden):
        service.masked_national_code(viewer=STATIONED, member=changed)


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

    assert {len(row["club_secret"]) for row in rows} == {club_codes.CLUB_SECRET_BYTES}
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


@pytest.mark.parametrize(
    ("city", "province", "home"),
    [
        ("مرودشت", "IR-07", MARVDASHT),
        ("مرو دشت", "IR-07", MARVDASHT),
        ("Marvdasht", "IR-07", MARVDASHT),
        ("مرودشت", "IR-23", CAPITALS["IR-23"]),
        ("ناکجا", "IR-07", CAPITALS["IR-07"]),
        (None, "IR-07", CAPITALS["IR-07"]),
    ],
)
async def test_home_is_the_city_however_it_is_spelt_else_the_capital(
    city: str | None, province: str, home: GeoPoint
) -> None:
    member_id = await insert_member()
    await database.execute("UPDATE member SET city = $1, province_code = $2", city, province)

    with database.count_statements() as counted:
        found = await service.get_member(viewer=viewer_of(member_id))

    assert found.home == home
    assert counted.count == 1


async def test_a_member_whose_preferences_change_is_still_at_home() -> None:
    viewer = viewer_of(await insert_member())

    changed = await service.update_preferences(viewer=viewer, text_size=TextSize.HUGE)

    assert changed.home == SHIRAZ
    assert changed == await service.get_member(viewer=viewer)
