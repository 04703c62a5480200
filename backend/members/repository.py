"""Every query on members, but for those of a membership file."""

from collections.abc import Mapping, Sequence

import asyncpg
import orjson

from backend.core.locale import Locale
from backend.infra import db, sealing
from backend.members import seals
from backend.members.domain import (
    Channel,
    Member,
    MemberKey,
    MemberState,
    PensionKind,
    Preferences,
    SealedCode,
    TextSize,
)
from backend.organization import views as organization

MEMBER_COLUMNS = (
    "id, national_code_sealed, national_code_key_id, national_code_index, first_name, last_name,"
    " birth_date, pension_number, pension_kind, state, province_code, city, address, branch_code,"
    " association_code, net_pension_rials, other_deductions_rials, phone, locale, text_size, channels,"
    " credit_policy_version,"
    f" {organization.places(province_code='member.province_code', city='member.city')} AS places"
)


async def find_member(member_id: int) -> Member | None:
    """The member of this id; nothing is unsealed."""
    row = await db.fetch_one(f"SELECT {MEMBER_COLUMNS} FROM member WHERE id = $1", member_id)
    return None if row is None else member_of(row)


async def find_key(*, national_code: str, phone: str) -> MemberKey | None:
    """The member of this national code who has this phone; one statement, found or not."""
    row = await db.fetch_one(
        "SELECT id, province_code, state, phone FROM member"
        " WHERE national_code_index = $1 AND phone = $2",
        seals.national_code_index(national_code, sealing.current()),
        phone,
    )
    return None if row is None else _key(row)


async def list_keys(member_ids: Sequence[int]) -> list[MemberKey]:
    """The members of these ids, in the order of the ids."""
    rows = await db.fetch(
        "SELECT id, province_code, state, phone FROM member WHERE id = ANY($1::bigint[]) ORDER BY id",
        list(member_ids),
    )
    return [_key(row) for row in rows]


async def find_club_secret(member_id: int) -> bytes | None:
    """The secret that a member's club codes are made with."""
    row = await db.fetch_one("SELECT club_secret FROM member WHERE id = $1", member_id)
    return None if row is None else bytes(row["club_secret"])


async def save_preferences(
    member_id: int,
    *,
    locale: Locale | None,
    text_size: TextSize | None,
    channels: Mapping[str, tuple[Channel, ...]] | None,
) -> Member | None:
    """Write what is given and leave the rest; gives the member as it is then."""
    row = await db.fetch_one(
        f"""
        UPDATE member SET locale = coalesce($2, locale), text_size = coalesce($3, text_size),
               channels = coalesce($4::jsonb, channels), changed_at = now()
         WHERE id = $1 RETURNING {MEMBER_COLUMNS}
        """,
        member_id,
        locale,
        text_size,
        None if channels is None else orjson.dumps(dict(channels)).decode(),
    )
    return None if row is None else member_of(row)


def _key(row: asyncpg.Record) -> MemberKey:
    return MemberKey(row["id"], row["province_code"], MemberState(row["state"]), row["phone"])


def member_of(row: asyncpg.Record) -> Member:
    """The member in a row of MEMBER_COLUMNS."""
    return Member(
        id=row["id"],
        national_code=SealedCode(
            ciphertext=row["national_code_sealed"],
            key_id=row["national_code_key_id"],
            index=row["national_code_index"],
        ),
        first_name=row["first_name"],
        last_name=row["last_name"],
        birth_date=row["birth_date"],
        pension_number=row["pension_number"],
        pension_kind=PensionKind(row["pension_kind"]),
        state=MemberState(row["state"]),
        province_code=row["province_code"],
        city=row["city"],
        address=row["address"],
        home=organization.center_of(row["city"], row["places"]),
        branch_code=row["branch_code"],
        association_code=row["association_code"],
        net_pension_rials=row["net_pension_rials"],
        other_deductions_rials=row["other_deductions_rials"],
        phone=row["phone"],
        preferences=Preferences(
            locale=Locale(row["locale"]),
            text_size=TextSize(row["text_size"]),
            channels={
                category: tuple(map(Channel, channels))
                for category, channels in orjson.loads(row["channels"]).items()
            },
        ),
        credit_policy_version=row["credit_policy_version"],
    )
