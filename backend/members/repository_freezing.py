"""Every query by which an approved act changes a member's file: the end of a freeze, and another phone."""

from backend.infra import db
from backend.members.domain import HeldFile, MemberState


async def lock_file(member_id: int) -> HeldFile | None:
    """Lock a member's row until the transaction ends."""
    row = await db.fetch_one(
        """
        SELECT state, state_changed_at, phone, province_code, association_code FROM member WHERE id = $1 FOR UPDATE
        """,
        member_id,
    )
    if row is None:
        return None
    return HeldFile(
        state=MemberState(row["state"]),
        state_changed_at=row["state_changed_at"],
        phone=row["phone"],
        province_code=row["province_code"],
        association_code=row["association_code"],
    )


async def save_state(member_id: int, state: MemberState) -> None:
    """Write the state of a locked member."""
    await db.execute(
        "UPDATE member SET state = $2, state_changed_at = now(), changed_at = now() WHERE id = $1",
        member_id,
        state.value,
    )


async def save_phone(member_id: int, phone: str) -> None:
    """Write the phone (E.164) of a locked member, and keep what the last file said, which it replaces."""
    await db.execute(
        """
        UPDATE member SET phone = $2::text, changed_at = now(),
               replaced_file_phone = nullif(coalesce(replaced_file_phone, phone), $2::text)
         WHERE id = $1
        """,
        member_id,
        phone,
    )
