"""What a notice may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.locale import Locale
from backend.notifications import domain
from backend.notifications.domain import (
    DeepLinkInvalid,
    MarkChoiceInvalid,
    NoticeTextInvalid,
    TooManyMarked,
)


def test_a_title_and_a_body_may_be_as_long_as_their_limits() -> None:
    domain.check_text(title="ع" * 120, body="م" * 1_000)


@pytest.mark.parametrize(
    ("title", "body", "field"),
    [
        ("", "متن", "title"),
        (" \u00a0", "متن", "title"),
        ("ع" * 121, "متن", "title"),
        ("a\0", "متن", "title"),
        ("عنوان", "\n", "body"),
        ("عنوان", "م" * 1_001, "body"),
    ],
)
def test_a_blank_or_long_text_is_refused(title: str, body: str, field: str) -> None:
    with pytest.raises(NoticeTextInvalid) as refusal:
        domain.check_text(title=title, body=body)

    assert refusal.value.field == (field,)


@pytest.mark.parametrize(
    "link",
    ["/", "/purchases/UHVyY2hhc2U6MTox", "bashgah://loans?round=1#rules", "/" + "a" * 299],
)
def test_a_link_leads_to_a_place_in_the_app(link: str) -> None:
    domain.check_deep_link(link)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "purchases",
        "//example.org/",
        "http://example.org/",
        "https://example.org/",
        "javascript:alert(1)",
        "javascript:/alert(1)",
        "data:/text",
        "/with space",
        "/with\nline",
        "/خرید",
        "HTTPS://example.org/",
        "/" + "a" * 300,
    ],
)
def test_a_link_to_anywhere_else_is_refused(link: str) -> None:
    with pytest.raises(DeepLinkInvalid) as refusal:
        domain.check_deep_link(link)

    assert refusal.value.field == ("deepLink",)


@given(link=st.text(max_size=400))
def test_a_link_is_taken_or_refused_and_never_fails(link: str) -> None:
    try:
        domain.check_deep_link(link)
    except DeepLinkInvalid:
        return
    assert link.isascii()
    assert not any(character.isspace() for character in link)
    assert not link.startswith(("http", "//"))


def test_refusals_speak_both_languages() -> None:
    refusals = [
        NoticeTextInvalid(title=120, body=1_000),
        DeepLinkInvalid(most=300),
        MarkChoiceInvalid(),
        TooManyMarked(most=100),
    ]

    assert {refusal.code for refusal in refusals} == {"BAD_USER_INPUT"}
    assert refusals[3].message(Locale.FA) == ("در هر بار حداکثر ۱۰۰ اعلان را می‌توان خوانده‌شده کرد.")
    assert refusals[3].message(Locale.EN) == "At most 100 notices can be marked as read at once."
    assert all(refusal.message(locale) for refusal in refusals for locale in Locale)
    assert all(refusal.hint(locale) for refusal in refusals for locale in Locale)
