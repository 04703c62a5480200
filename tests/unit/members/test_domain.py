"""Rules of members: channels, what is unusual about a file."""

import pytest

from backend.members import domain
from backend.members.domain import (
    Channel,
    ChannelsInvalid,
    SecurityNoticesUnheard,
)


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
