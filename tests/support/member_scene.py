"""One member of Shiraz with all that members have, fixed to the digit; and another one, who may see none of it.

Every moment is given, so that answers over the scene are the same in every run; ask with the clock frozen at NOON.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypedDict
from uuid import UUID

from backend.core import calendar, money
from backend.core.geo import GeoPoint
from backend.core.ids import GlobalId
from backend.core.viewer import SYSTEM, Viewer
from backend.infra import db, sealing, tokens
from backend.members import seals
from backend.organization import service as organization
from backend.organization.domain import Unit
from backend.settings import Settings
from tests.support import access, debts, places
from tests.support.places import draft

NOON = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)  # Saturday, 30 Aban 1405, 12:00 in Tehran
NATIONAL_CODE = "0012345679"
PHONE = "+989171234567"
IBAN = "IR130130000000000123456789"
OTHER_NATIONAL_CODE = "2291234560"
OTHER_PHONE = "+989177654321"
SHIRAZ = GeoPoint(29.5918, 52.5837)
SESSION = UUID("01989e00-0000-7000-8000-000000000001")
OTHER_SESSION = UUID("01989e00-0000-7000-8000-000000000002")
DAY = timedelta(days=1)

# What the app asks of the scene: operation, file of the golden answer, variables.
GOLDEN: list[tuple[str, str, Mapping[str, object]]] = [
    ("MyProfile", "MyProfile", {}),
    ("PurchaseHistory", "PurchaseHistory", {"first": 3}),
    ("PurchaseDetails", "PurchaseDetails", {"id": GlobalId("Purchase", 2, 1).encode()}),
    (
        "PurchaseDetails",
        "PurchaseDetails.awaiting",
        {"id": GlobalId("Purchase", 5, 1).encode()},
    ),
    ("PurchaseDetails", "PurchaseDetails.unknown", {"id": GlobalId("Purchase", 2, 2).encode()}),
    ("Instalments", "Instalments", {"from": "1405-08", "to": "1405-09"}),
    ("Instalments", "Instalments.overdue", {"state": "OVERDUE", "first": 10}),
    ("LoanRounds", "LoanRounds", {}),
    ("LoanRounds", "LoanRounds.open", {"state": "OPEN"}),
    ("MyLoans", "MyLoans", {"first": 20}),
    ("ClubCode", "ClubCode", {}),
    ("AwaitingPurchases", "AwaitingPurchases", {}),
    ("FavouriteStores", "FavouriteStores", {"first": 20}),
    ("AccessLog", "AccessLog", {"first": 1}),
    ("Sessions", "Sessions", {}),
    (
        "SessionRevoke",
        "SessionRevoke",
        {"input": {"sessionId": GlobalId("Session", 2, 1).encode()}},
    ),
    (
        "SessionRevoke",
        "SessionRevoke.unknown",
        {"input": {"sessionId": GlobalId("Session", 2, 2).encode()}},
    ),
    (
        "MemberPreferencesUpdate",
        "MemberPreferencesUpdate",
        {
            "input": {
                "textSize": "LARGE",
                "channels": [{"category": "CAMPAIGN", "channels": []}],
            }
        },
    ),
    (
        "MemberPreferencesUpdate",
        "MemberPreferencesUpdate.refused",
        {"input": {"channels": [{"category": "SECURITY", "channels": []}]}},
    ),
]

_ASSOCIATION = "A-07-1"


class Headers(TypedDict):
    """What `Api.ask` takes as headers of a signed-in client."""

    authorization: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is in it, and the keys of what they have; `purchases`, `notices` and `rounds` by a word for each."""

    member_id: int
    viewer: Viewer
    other_id: int
    other: Viewer
    stores: dict[str, int]
    purchases: dict[str, int]
    instalments: tuple[int, ...]
    notices: dict[str, int]
    rounds: dict[str, int]
    applications: dict[str, int]

    @property
    def headers(self) -> Headers:
        """What `Api.ask` sends as the member: an access token for the ten minutes from NOON on."""
        return bearer(self.member_id)

    @property
    def other_headers(self) -> Headers:
        """What `Api.ask` sends as the other member."""
        return bearer(self.other_id)

    def own_id(self, type_name: str, key: int) -> str:
        """The global id of something of the member's."""
        return GlobalId(type_name, key, self.member_id).encode()

    def disguised_id(self, type_name: str, key: int) -> str:
        """The global id that the other member would make up for something of the member's."""
        return GlobalId(type_name, key, self.other_id).encode()


def bearer(member_id: int) -> Headers:
    """The header of a member who is signed in, by a token that the process's keys signed."""
    token = tokens.issue(
        subject=member_id, session=SESSION, at=NOON, expires_at=NOON + timedelta(minutes=10)
    )
    return Headers(authorization=f"Bearer {token}")


async def set_up() -> Scene:
    """Write the scene into the empty database that is connected, with keys of tokens and seals that are for tests."""
    access.configure_keys()
    sealing.configure(
        Settings().sealer()
    )  # as the application does, whichever of the two comes first
    stores = await _stores()
    await _units()
    member_id = await _member(NATIONAL_CODE, PHONE, "مریم", "احمدی", "10000001")
    other_id = await _member(OTHER_NATIONAL_CODE, OTHER_PHONE, "رضا", "کریمی", "10000002")
    purchases = await _purchases(member_id, stores)
    rounds = await _rounds()
    applications = await _applications(member_id, rounds)
    instalments = await db.fetch(
        "SELECT id FROM instalment WHERE member_id = $1 ORDER BY due_month, id", member_id
    )
    notices = await _notices(member_id)
    await _file_reads(member_id)
    return Scene(
        member_id=member_id,
        viewer=debts.viewer_of(member_id),
        other_id=other_id,
        other=debts.viewer_of(other_id),
        stores=stores,
        purchases=purchases,
        instalments=tuple(row["id"] for row in instalments),
        notices=notices,
        rounds=rounds,
        applications=applications,
    )


async def add_devices_and_favourites(scene: Scene) -> None:
    """A session that asks, one on another device, and a favourite store: what an app in use has besides."""
    for public_id, device_id, name, platform, age in (
        (SESSION, "device-1", "گوشی مریم", "ANDROID", 3 * DAY),
        (OTHER_SESSION, "device-2", "رایانهٔ خانه", "WEB", 20 * DAY),
    ):
        await db.execute(
            """
            INSERT INTO session (public_id, member_id, device_id, device_name, platform, created_at, last_seen_at,
                                 expires_at, generation, digests, made_at)
            VALUES ($1, $2, $3, $4, $5, $6::timestamptz, $7, $8, 0, ARRAY[$9::bytea],
                    ARRAY[$6::timestamptz])
            """,
            public_id,
            scene.member_id,
            device_id,
            name,
            platform,
            NOON - age,
            NOON - age / 3,
            NOON - age + 90 * DAY,
            public_id.bytes,
        )
    await db.execute(
        "INSERT INTO store_favourite (member_id, store_id, created_at) VALUES ($1, $2, $3)",
        scene.member_id,
        scene.stores["hafez"],
        NOON - DAY,
    )


async def _stores() -> dict[str, int]:
    """Two stores of Shiraz; the one of the oldest purchase is suspended."""
    saved = await places.save(
        draft("hafez", name="پوشاک حافظ", at=SHIRAZ, province_code="IR-07", city="شیراز"),
        draft(
            "saadi",
            name="مبل سعدی",
            at=GeoPoint(29.62, 52.53),
            province_code="IR-07",
            city="شیراز",
            category_code="appliances",
        ),
    )
    await places.suspend("saadi")
    return {code: saved[code] for code in ("hafez", "saadi")}


async def _units() -> None:
    await organization.save_units(
        viewer=SYSTEM,
        branches=[Unit("B-07-1", "شعبهٔ زند", "IR-07", "شیراز")],
        associations=[Unit(_ASSOCIATION, "کانون بازنشستگان شیراز", "IR-07", "شیراز")],
    )


async def _member(
    national_code: str, phone: str, first_name: str, last_name: str, pension_number: str
) -> int:
    sealer = sealing.current()
    index = seals.national_code_index(national_code, sealer)
    code = seals.seal_national_code(national_code, index=index, sealer=sealer)
    iban = seals.seal_iban(IBAN, index=index, sealer=sealer)
    row = await db.fetch_one(
        """
        INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index, first_name, last_name,
            name_sort_key, birth_date, pension_number, pension_kind, province_code, city, address, branch_code,
            association_code, net_pension_rials, other_deductions_rials, iban_sealed, iban_key_id, iban_index,
            phone, club_secret, created_at, changed_at)
        VALUES ($1, $2, $3, $4, $5, 'k', $6, $7, 'RETIREMENT', 'IR-07', 'شیراز', 'خیابان زند، پلاک ۷', 'B-07-1',
            $8, 120000000, 4000000, $9, $10, $11, $12, $13, $14, $14) RETURNING id
        """,
        code.ciphertext,
        code.key_id,
        index,
        first_name,
        last_name,
        date(1951, 8, 4),
        pension_number,
        _ASSOCIATION,
        iban.ciphertext,
        iban.key_id,
        seals.iban_index(IBAN, sealer),
        phone,
        bytes(range(20)),
        NOON - 400 * DAY,
    )
    assert row is not None
    return int(row["id"])


async def _purchases(member_id: int, stores: dict[str, int]) -> dict[str, int]:
    """A closed one of last year, two that run (one with arrears), one that waits, one that was declined."""
    hafez, saadi = stores["hafez"], stores["saadi"]
    closed = await debts.purchase(
        member_id, saadi, amount_rials=12_000_000, count=6, state="CLOSED", at=NOON - 330 * DAY
    )
    await _pay(closed, first_month=140410, paid=6)
    overdue = await debts.purchase(
        member_id, hafez, amount_rials=10_000_000, count=12, at=NOON - 100 * DAY
    )
    await _pay(overdue, first_month=140506, paid=2, failed=3)
    running = await debts.purchase(
        member_id, hafez, amount_rials=45_000_000, count=10, at=NOON - 10 * DAY
    )
    await _pay(running, first_month=140509, paid=0)
    declined = await debts.purchase(
        member_id, saadi, amount_rials=80_000_000, count=24, state="DECLINED", at=NOON - 5 * DAY
    )
    awaiting = await debts.purchase(
        member_id,
        hafez,
        amount_rials=20_000_000,
        count=4,
        state="AWAITING_MEMBER",
        at=NOON - timedelta(minutes=5),
        expires_at=NOON + timedelta(minutes=10),
    )
    return {
        "closed": closed,
        "overdue": overdue,
        "running": running,
        "declined": declined,
        "awaiting": awaiting,
    }


async def _pay(purchase_id: int, *, first_month: int, paid: int, failed: int | None = None) -> None:
    """Put a purchase's instalments into their months; the first `paid` are paid, number `failed` is overdue."""
    row = await db.fetch_one(
        "SELECT plan_id, amount_rials, instalment_count, created_at, state FROM purchase WHERE id = $1",
        purchase_id,
    )
    assert row is not None
    amounts = money.split_instalments(row["amount_rials"], row["instalment_count"])
    await _plan_as_it_stands(
        row["plan_id"],
        paid_rials=sum(amounts[:paid]),
        state="CLOSED" if paid == len(amounts) else "RUNNING",
        created_at=row["created_at"],
    )
    for number, amount in enumerate(amounts, start=1):
        await db.execute(
            """
            UPDATE instalment SET due_month = $3, paid_rials = $4, state = $5, failure = $6
             WHERE plan_id = $1 AND number = $2
            """,
            row["plan_id"],
            number,
            calendar.add_months(first_month, number - 1),
            amount if number <= paid else 0,
            "PAID" if number <= paid else "OVERDUE" if number == failed else "PLANNED",
            "AM04" if number == failed else None,
        )


async def _plan_as_it_stands(
    plan_id: int, *, paid_rials: int, state: str, created_at: datetime
) -> None:
    await db.execute(
        "UPDATE plan SET paid_rials = $2, state = $3, created_at = $4 WHERE id = $1",
        plan_id,
        paid_rials,
        state,
        created_at,
    )


async def _rounds() -> dict[str, int]:
    """An open round with a quota for the member's association, two past ones, and a draft that nobody sees."""
    found = {}
    for name, title, state, opens_at in (
        ("past", "وام ضروری ۱۴۰۳", "CLOSED", NOON - 700 * DAY),
        ("paying", "وام ۵۰ میلیون تومانی ۱۴۰۴", "PAYING", NOON - 300 * DAY),
        ("open", "وام ۵۰ میلیون تومانی ۱۴۰۵", "OPEN", NOON - 3 * DAY),
        ("draft", "وام آیندهٔ نزدیک", "DRAFT", NOON + 60 * DAY),
    ):
        is_past = opens_at < NOON - 30 * DAY
        row = await db.fetch_one(
            """
            INSERT INTO loan_round (title, state, amount_rials, months, grace_months, fee_total_rials, opens_at,
                                    closes_at, selection, budget_rials, list_sha256, seed_source)
            VALUES ($1, $2, 500000000, 24, 0, 30000000, $3, $4, 'LOTTERY', 5000000000000, $5, $6) RETURNING id
            """,
            title,
            state,
            opens_at,
            opens_at + 10 * DAY,
            "ab" * 32 if is_past else None,
            "شاخص پایانی بورس تهران در ۱۴۰۴/۱۱/۱۵" if is_past else None,
        )
        assert row is not None
        found[name] = int(row["id"])
    await db.execute(
        "INSERT INTO loan_quota (round_id, association_code, places) VALUES ($1, $2, 40)",
        found["open"],
        _ASSOCIATION,
    )
    return found


async def _applications(member_id: int, rounds: dict[str, int]) -> dict[str, int]:
    """A loan that is being repaid, with its fee and three of its instalments; and one that was not given."""
    plan_id = await debts.plan(
        member_id,
        amounts=(12_000_000, 9_000_000, 9_000_000),
        paid=1,
        first_month=140507,
        kind="LOAN",
        fee_rials=2_000_000,
        first_number=2,
    )
    await _plan_as_it_stands(
        plan_id, paid_rials=14_000_000, state="RUNNING", created_at=NOON - 200 * DAY
    )
    await db.execute(
        """
        INSERT INTO instalment (plan_id, member_id, kind, number, due_month, amount_rials, paid_rials, state)
        VALUES ($1, $2, 'FEE', 1, 140506, 2000000, 2000000, 'PAID')
        """,
        plan_id,
        member_id,
    )
    return {
        "not_selected": await _application(
            member_id,
            rounds["past"],
            public_id=UUID("5f0c1d52-7a55-4d57-9f9b-0d9a4a1f0001"),
            amount_rials=500_000_000,
            reasons='["QUOTA_FILLED", "RECENT_LOAN"]',
            steps=(
                ("SUBMITTED", NOON - 699 * DAY, None),
                ("NOT_SELECTED", NOON - 680 * DAY, "رتبهٔ شما ۵۷ بود."),
            ),
        ),
        "repaying": await _application(
            member_id,
            rounds["paying"],
            public_id=UUID("5f0c1d52-7a55-4d57-9f9b-0d9a4a1f0002"),
            amount_rials=30_000_000,
            plan_id=plan_id,
            steps=(
                ("SUBMITTED", NOON - 299 * DAY, None),
                ("SELECTED", NOON - 280 * DAY, None),
                ("REPAYING", NOON - 200 * DAY, None),
            ),
        ),
    }


async def _application(
    member_id: int,
    round_id: int,
    *,
    public_id: UUID,
    amount_rials: int,
    steps: tuple[tuple[str, datetime, str | None], ...],
    reasons: str = "[]",
    plan_id: int | None = None,
) -> int:
    row = await db.fetch_one(
        """
        INSERT INTO loan_application (member_id, round_id, public_id, state, amount_rials, submitted_at,
                                      submitted_by, plan_id, quota, rank, last_selected_rank, reasons)
        VALUES ($1, $2, $3, $4, $5, $6, 'member', $7, 40, $8, 40, $9::text::jsonb) RETURNING id
        """,
        member_id,
        round_id,
        public_id,
        steps[-1][0],
        amount_rials,
        steps[0][1],
        plan_id,
        57 if plan_id is None else 12,
        reasons,
    )
    assert row is not None
    for state, at, note in steps:
        await db.execute(
            "INSERT INTO loan_application_event (application_id, member_id, at, state, note)"
            " VALUES ($1, $2, $3, $4, $5)",
            row["id"],
            member_id,
            at,
            state,
            note,
        )
    return int(row["id"])


async def _notices(member_id: int) -> dict[str, int]:
    """Four, of which two are unread."""
    found = {}
    for name, category, title, body, link, age, is_read in (
        ("campaign", "CAMPAIGN", "هفتهٔ بازنشستگان", "تخفیف ویژه در فروشگاه‌ها", None, 30, True),
        ("overdue", "INSTALMENT", "قسط آبان کسر نشد", "موجودی کافی نبود.", "/instalments", 9, True),
        ("loan", "LOAN", "ثبت‌نام وام آغاز شد", "تا ده روز فرصت دارید.", "/loans", 3, False),
        ("purchase", "PURCHASE", "خرید تازه", "پوشاک حافظ، منتظر تأیید", "/purchases", 0, False),
    ):
        at = NOON - age * DAY - timedelta(minutes=5)
        row = await db.fetch_one(
            """
            INSERT INTO notice (created_at, member_id, category, title, body, deep_link, read_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id
            """,
            at,
            member_id,
            category,
            title,
            body,
            link,
            at + timedelta(hours=1) if is_read else None,
        )
        assert row is not None
        found[name] = int(row["id"])
    return found


async def _file_reads(member_id: int) -> None:
    """Two reads of the member's file by others."""
    for age, purpose in ((40, "بررسی اعتراض به قسط"), (2, "پاسخ به تماس عضو")):
        await db.execute(
            """
            INSERT INTO file_read (created_at, member_id, reader_role, reader_office, actor, purpose)
            VALUES ($1, $2, 'کارشناس پاسخ‌گویی', 'شعبهٔ زند', 'operator:7', $3)
            """,
            NOON - age * DAY,
            member_id,
            purpose,
        )
