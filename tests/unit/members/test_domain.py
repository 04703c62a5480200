"""Rules of members: channels, states after a file, what is unusual, club codes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.members import domain
from backend.members.domain import (
    Channel,
    ChannelsInvalid,
    ClubCodeParts,
    MemberState,
    SecurityNoticesUnheard,
)

MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
IDS = st.integers(1, 2**63 - 1)
SECRETS = st.binary(min_size=20, max_size=20)
ACTIVE, INACTIVE = MemberState.ACTIVE, MemberState.INACTIVE
FROZEN, DECEASED = MemberState.FROZEN, MemberState.DECEASED


@given(IDS, SECRETS, MOMENTS, st.integers(0, 59_999))
def test_a_club_code_is_genuine_until_a_minute_after_its_end(
    member_id: int, secret: bytes, at: datetime, later_ms: int
) -> None:
    code = domain.club_code(member_id, secret, at)
    parts = domain.read_club_code(code.payload)

    assert parts is not None
    assert parts.member_id == member_id
    assert timedelta() < code.expires_at - at <= timedelta(seconds=60)
    assert domain.is_genuine(parts, secret, at)
    assert domain.is_genuine(parts, secret, code.expires_at + timedelta(milliseconds=later_ms))
    assert not domain.is_genuine(parts, secret, code.expires_at + timedelta(seconds=60))
    assert not domain.is_genuine(parts, secret, code.expires_at - timedelta(seconds=61))


@given(IDS, SECRETS, SECRETS, MOMENTS)
def test_a_club_code_of_another_secret_or_member_is_not_genuine(
    member_id: int, secret: bytes, other: bytes, at: datetime
) -> None:
    parts = domain.read_club_code(domain.club_code(member_id, secret, at).payload)

    assert parts is not None
    assert domain.is_genuine(parts, other, at) is (secret == other)
    stolen = ClubCodeParts(member_id ^ 1, parts.step, parts.tag)
    assert not domain.is_genuine(stolen, secret, at)


@given(st.text(max_size=60))
def test_other_texts_are_no_club_codes(payload: str) -> None:
    assert domain.read_club_code(payload) is None


def test_channels_are_put_in_order_and_kept_once() -> None:
    assert domain.check_channels(
        {"LOAN": [Channel.SMS, Channel.PUSH, Channel.SMS], "PURCHASE": []}
    ) == {"PURCHASE": (), "LOAN": (Channel.PUSH, Channel.SMS)}


def test_security_is_always_heard_and_unknown_categories_are_refused() -> None:
    with pytest.raises(SecurityNoticesUnheard):
        domain.check_channels({"SECURITY": []})
    with pytest.raises(ChannelsInvalid):
        domain.check_channels({"WEATHER": [Channel.SMS]})


@pytest.mark.parametrize(
    ("stored", "in_file", "after"),
    [
        (ACTIVE, ACTIVE, ACTIVE),
        (ACTIVE, INACTIVE, INACTIVE),
        (ACTIVE, DECEASED, DECEASED),
        (ACTIVE, None, INACTIVE),
        (INACTIVE, ACTIVE, ACTIVE),
        (INACTIVE, None, INACTIVE),
        (FROZEN, ACTIVE, FROZEN),
        (FROZEN, INACTIVE, FROZEN),
        (FROZEN, DECEASED, DECEASED),
        (FROZEN, None, FROZEN),
        (DECEASED, ACTIVE, DECEASED),
        (DECEASED, None, DECEASED),
    ],
)
def test_a_state_after_a_file(
    stored: MemberState, in_file: MemberState | None, after: MemberState
) -> None:
    assert domain.state_after_file(stored, in_file) is after


@pytest.mark.parametrize(
    ("affected", "of", "unusual"),
    [(0, 0, False), (1, 0, True), (1, 200, False), (2, 399, True), (2, 400, False)],
)
def test_more_than_half_a_percent_is_unusual(affected: int, of: int, unusual: bool) -> None:
    assert domain.is_unusual(affected=affected, of=of, most_per_mille=5) is unusual


def test_members_are_listed_by_surname_in_persian_order() -> None:
    names = [("رضا", "یوسفی"), ("پری", "احمدی"), ("علی", "پارسا"), ("آرش", "احمدی")]

    assert sorted(names, key=lambda name: domain.name_sort_key(*name)) == [
        ("آرش", "احمدی"),
        ("پری", "احمدی"),
        ("علی", "پارسا"),
        ("رضا", "یوسفی"),
    ]
