"""Persian text: every spelling finds every other, names sort by the Persian alphabet."""

from __future__ import annotations

import itertools
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.core import text

ALPHABET = "ءاآبپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
WORDS = st.lists(
    st.text(st.sampled_from(ALPHABET), min_size=1, max_size=8).filter(text.fold),
    min_size=1,
    max_size=3,
)
SEPARATORS = st.sampled_from(["", " ", "\u200c", "  ", "\u00a0", "\u200c\u200c"])
# Spellings of one letter, each of which stands for any other.
VARIANTS = [
    "ی\u064a\u0649\ufbfc\ufbfd\ufef1\ufef3ئ\ufe89",
    "ک\u0643\ufb8e\ufed9\ufeda",
    "اأإآٱ\ufe8d\ufe81",
    "وؤ\ufeed",
    "هةۀ\u06c1\u06be\u06d5\ufee9\ufe93",
    "0۰٠",
    "5۵٥\uff15",
    "9۹٩",
]
UNSEEN = st.sampled_from(["", "\u064e", "\u0651", "\u0640", "\u0670", "\u200f", "\u202b", "\u2069"])
NAMES_IN_ORDER = [
    "۱۲ بهمن",
    "2 شهریور",
    "آبادی",
    "ابادی",
    "بابایی",
    "پارسا",
    "تهرانی",
    "جلالی",
    "چمنی",
    "زارع",
    "ژاله",
    "سعدی",
    "قاسمی",
    "کریمی",
    "گلی",
    "گلی پور",
    "گلیان",
    "لطفی",
    "نوری",
    "ورزنده",
    "همتی",
    "یزدی",
    "apadana",
    "Zagros",
]


def found(query: str, *fields: str) -> bool:
    """Search as the product does: a word of the document begins with each term, or with it joined."""
    document = text.search_document(fields)
    alternatives = text.search_alternatives(text.search_terms(query))
    return all(any(f" {each}" in document for each in ways) for ways in alternatives)


@st.composite
def spellings(draw: st.DrawFn, words: list[str]) -> str:
    """Write words down with any separators, letter variants and unseen characters."""
    written = []
    for word in words:
        for letter in word:
            variants = next((group for group in VARIANTS if letter in group), letter)
            written.append(draw(st.sampled_from(variants)) + draw(UNSEEN))
        written.append(draw(SEPARATORS))
    return "".join(written[:-1])


@st.composite
def two_spellings(draw: st.DrawFn) -> tuple[str, str]:
    words = draw(WORDS)
    return draw(spellings(words)), draw(spellings(words))


@pytest.mark.parametrize(
    ("query", "written"),
    list(itertools.product(["می‌توانند", "میتوانند", "می توانند"], repeat=2)),
)
def test_the_three_ways_to_write_a_compound_find_each_other(query: str, written: str) -> None:
    assert found(query, f"همه {written} بخرند")
    assert text.fold_compact(query) == text.fold_compact(written)


@given(two_spellings())
def test_every_spelling_of_words_finds_every_other(pair: tuple[str, str]) -> None:
    query, written = pair

    assert found(query, written)
    assert f" {text.fold_compact(query)}" in text.search_document([written])


@given(two_spellings(), WORDS, WORDS)
def test_a_phrase_is_found_in_the_midst_of_a_field_and_among_fields(
    pair: tuple[str, str], before: list[str], after: list[str]
) -> None:
    query, written = pair

    assert found(query, "استان", " ".join([*before, written, *after]), "تهران")


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("تأمین", "تامین"),
        ("تامین", "تامین"),
        ("تأمين", "تامین"),
        ("تا\u0654مین", "تامین"),
        ("إيران", "ایران"),
        ("ٱلرحمٰن", "الرحمن"),
        ("آب", "اب"),
        ("ا\u0653ب", "اب"),
        ("مؤسسه", "موسسه"),
        ("مسئول", "مسیول"),
        ("خانۀ ما", "خانه ما"),
        ("خانه\u0654 ما", "خانه ما"),
        ("شعبة", "شعبه"),
        ("سوء", "سو"),
        ("ء", ""),
        ("عَلیّ", "علی"),
        ("مـــحمد", "محمد"),
        ("كيك", "کیک"),
        ("موسى", "موسی"),
        ("می‌توانند", "میتوانند"),
        ("\u202bرفاه\u202c\u200f", "رفاه"),
        ("ﻣﺆﺳﺴﺔ", "موسسه"),
        ("ﷲ", "الله"),
        ("سل\ufe76ام", "سلام"),
        ("شعبهٔ ۱۲٣4", "شعبه 1234"),
        ("Café\u00a0ETKA", "cafe etka"),
        ("Straße", "strasse"),
        ("خیابان آزادی، پلاک ۵/۲ (۱۰۰٪)", "خیابان ازادی پلاک 5 2 100"),
        ("a_b%c\\d", "a b c d"),
        ("\x00\ud800\n", ""),
    ],
)
def test_a_spelling_is_folded(written: str, folded: str) -> None:
    assert text.fold(written) == folded


@given(st.text(st.characters(exclude_categories=())))
def test_folding_twice_changes_nothing(written: str) -> None:
    once = text.fold(written)

    assert text.fold(once) == once


def test_folding_each_character_twice_changes_nothing() -> None:
    changed = [
        hex(code)
        for code in (*range(0x20000), *range(0x2F800, 0x2FA20), *range(0xE0000, 0xE0200))
        if (once := text.fold(f"a{chr(code)}ب")) != text.fold(once)
    ]

    assert changed == []


@given(st.text(st.characters(exclude_categories=())))
def test_a_folded_text_holds_only_letters_numbers_and_single_spaces(written: str) -> None:
    folded = text.fold(written)

    assert folded == " ".join(folded.split())
    assert {unicodedata.category(character)[0] for character in folded} <= set("LNZ")
    assert text.fold_compact(written) == folded.replace(" ", "")


def test_a_document_has_the_words_of_each_field_and_its_neighbours_joined() -> None:
    document = text.search_document(("فروشگاه رفاه", ""), ("شعبهٔ ۲",))

    assert document == " فروشگاه رفاه فروشگاهرفاه | شعبه 2 شعبه2"


def test_a_word_is_not_found_in_the_middle_of_another() -> None:
    assert not found("نان", "خیابان انقلاب")
    assert not found("رویا", "خدمات خودرو یاقوت")
    assert found("رویا", "پوشاک رؤیا")


def test_a_term_may_be_joined_with_its_neighbours() -> None:
    assert text.search_alternatives(["می", "خواهم", "ش"]) == (
        ("می", "میخواهم", "میخواهمش"),
        ("خواهم", "میخواهم", "خواهمش", "میخواهمش"),
        ("ش", "خواهمش", "میخواهمش"),
    )


def test_a_query_without_letters_and_digits_has_no_terms() -> None:
    assert text.search_terms(" \u200c،!") == ()
    assert text.search_terms("رفاه شیراز") == ("رفاه", "شیراز")


def test_a_query_is_not_found_across_two_fields_joined() -> None:
    assert not found("رفاهتهران", "رفاه", "تهران")


@given(st.permutations(ALPHABET[1:]))
def test_the_persian_alphabet_sorts_in_its_own_order(letters: list[str]) -> None:
    in_order = list("آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی")

    assert sorted(letters, key=text.persian_sort_key) == in_order
    assert len({text.persian_sort_key(letter) for letter in letters}) == 33


@given(st.permutations(NAMES_IN_ORDER))
def test_names_sort_by_the_persian_alphabet_after_digits_and_before_latin(
    names: list[str],
) -> None:
    assert sorted(names, key=text.persian_sort_key) == NAMES_IN_ORDER


@given(st.text(st.sampled_from("۰٣7آاپچژکگی zA")), st.text(st.sampled_from("۰٣7آاپچژکگی zA")))
@example("کا", "ک ا")
def test_sorting_by_code_point_equals_sorting_by_bytes(first: str, second: str) -> None:
    keys = text.persian_sort_key(first), text.persian_sort_key(second)

    assert (keys[0] < keys[1]) == (keys[0].encode() < keys[1].encode())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("می‌ناب", "میناب"),
        ("عَلی", "علی"),
        ("علي", "علی"),
        ("كريمى", "کریمی"),
        ("أحمد", "احمد"),
        ("ا\u064e\u0653ذر", "آذر"),
        ("ﺁذر", "آذر"),
        ("مـحمد", "محمد"),
        (" رضا  پور ", "رضا پور"),
        ("ETKA", "etka"),
        ("۱۲", "12"),
    ],
)
def test_spellings_that_sort_alike_have_the_same_key(first: str, second: str) -> None:
    assert text.persian_sort_key(first) == text.persian_sort_key(second)


def test_digits_are_turned_into_ascii_and_into_persian() -> None:
    assert text.to_ascii_digits("۰۱۲۳۴۵۶۷۸۹ ٠١٢٣٤٥٦٧٨٩ قسط") == "0123456789 0123456789 قسط"
    assert text.to_persian_digits("0123456789 ٠١٢٣٤٥٦٧٨٩ قسط") == "۰۱۲۳۴۵۶۷۸۹ ۰۱۲۳۴۵۶۷۸۹ قسط"


def test_a_number_gets_persian_digits_and_signs() -> None:
    assert text.to_persian_number("-1,250,000.5") == "\u200e\u2212۱٬۲۵۰٬۰۰۰٫۵"
    assert text.to_persian_digits("-1,250.5") == "-۱,۲۵۰.۵"


@given(st.text())
def test_only_bidi_controls_are_stripped(written: str) -> None:
    controls = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    mixed = controls.join(written)

    stripped = text.strip_bidi_controls(mixed)

    assert stripped == "".join(character for character in written if character not in controls)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("  علي \t رضائي\n", "علی رضائی"),
        ("كاوه", "کاوه"),
        ("موسى", "موسی"),
        ("تأمین", "تأمین"),
        ("می‌نا", "می‌نا"),
        ("می‌\u200cنا", "می‌نا"),
        ("\u200cنیک‌ \u200cپور\u200c", "نیک پور"),
        ("\u202eرضا\u202c\u200f", "رضا"),
        ("\ufeffرضا\x00\x07", "رضا"),
        ("ا\u0653ذر", "آذر"),
        ("e\ufeff\u0301", "é"),
        ("شعبهٔ ۱۲", "شعبهٔ ۱۲"),
        ("\u200c", ""),
    ],
)
def test_a_name_is_shown_as_written_without_what_is_not_seen(written: str, shown: str) -> None:
    assert text.clean_name(written) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_a_clean_name_is_clean_and_stays_as_it_is(written: str) -> None:
    name = text.clean_name(written)

    assert text.clean_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u064a\u0649\u0643\u200e\u200f\u202a-\u202e]", name)
    assert name == name.strip(" \u200c")


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_a_clean_name_is_found_by_what_was_written(written: str) -> None:
    assert text.fold(text.clean_name(written)) == text.fold(written)
