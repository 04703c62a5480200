"""Club codes: genuine for a minute and the one after, by the member's own secret alone."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.members import club_codes

MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
IDS = st.integers(1, 2**63 - 1)
SECRETS = st.binary(min_size=20, max_size=20)


@given(IDS, SECRETS, MOMENTS, st.integers(0, 59_999))
def test_a_club_code_is_genuine_until_a_minute_after_its_end(
    member_id: int, secret: bytes, at: datetime, later_ms: int
) -> None:
    code = club_codes.club_code(member_id, secret, at)
    parts = club_codes.read_club_code(code.payload)

    assert parts is not None
    assert parts.member_id == member_id
    assert timedelta() < code.expires_at - at <= timedelta(seconds=60)
    assert club_codes.is_genuine(parts, secret, at)
    assert club_codes.is_genuine(parts, secret, code.expires_at + timedelta(milliseconds=later_ms))
    assert not club_codes.is_genuine(parts, secret, code.expires_at + timedelta(seconds=60))
    assert not club_codes.is_genuine(parts, secret, code.expires_at - timedelta(seconds=61))


@given(IDS, SECRETS, SECRETS, MOMENTS)
def test_a_club_code_of_another_secret_or_member_is_not_genuine(
    member_id: int, secret: bytes, other: bytes, at: datetime
) -> None:
    parts = club_codes.read_club_code(club_codes.club_code(member_id, secret, at).payload)

    assert parts is not None
    assert club_codes.is_genuine(parts, other, at) is (secret == other)
    stolen = club_codes.ClubCodeParts(member_id ^ 1, parts.step, parts.tag)
    assert not club_codes.is_genuine(stolen, secret, at)


@given(st.text(max_size=60))
def test_other_texts_are_no_club_codes(payload: str) -> None:
    assert club_codes.read_club_code(payload) is None
