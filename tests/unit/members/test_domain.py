"""Rules of members: channels, what is unusual about a file, club codes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.members import domain
from backend.members.domain import (
    Channel,
    ChannelsInvalid,
    ClubCodeParts,
    SecurityNoticesUnheard,
)

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


ACTIVE_MEMBERS = 200_000
NOTHING = {
    "active_before": ACTIVE_MEMBERS, "rows": 1_000, "invalid": 0, "vanished": 0, "stopped": 0, "renumbered": 0,
    "deaths": 0, "unpensioned": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("affected", "reasons"),
    [
        ({"vanished": 1_000}, ()),
        ({"vanished": 1_001}, ("deactivated",)),
        ({"vanished": 400, "stopped": 600}, ()),
        ({"vanished": 400, "stopped": 601}, ("deactivated",)),
        ({"renumbered": 1_000, "unpensioned": 1_000, "deaths": 2_000, "invalid": 20}, ()),
        ({"renumbered": 1_001}, ("renumbered",)),
        ({"unpensioned": 1_001}, ("unpensioned",)),
        ({"deaths": 2_001}, ("deaths",)),
        ({"invalid": 21, "deaths": 2_001}, ("deaths", "invalid")),
    ],
)
def test_what_is_too_much_for_a_file(affected: dict[str, int], reasons: tuple[str, ...]) -> None:
    assert domain.unusual({**NOTHING, **affected}) == reasons


def test_where_nobody_was_active_only_the_file_itself_can_be_unusual() -> None:
    assert domain.unusual({**NOTHING, "active_before": 0}) == ()
    assert domain.unusual({**NOTHING, "active_before": 0, "stopped": 1}) == ("deactivated",)


def test_members_are_listed_by_surname_in_persian_order() -> None:
    names = [("رضا", "یوسفی"), ("پری", "احمدی"), ("علی", "پارسا"), ("آرش", "احمدی")]

    assert sorted(names, key=lambda name: domain.name_sort_key(*name)) == [
        ("آرش", "احمدی"),
        ("پری", "احمدی"),
        ("علی", "پارسا"),
        ("رضا", "یوسفی"),
    ]
