"""What a search for members may be by."""

import pytest

from backend.members import search_keys
from backend.members.search_keys import MemberSearchInvalid


@pytest.mark.parametrize(
    ("typed", "kinds"),
    [
        ("0012345679", ("national_code", "pension_number")),
        ("۰۰۱۲۳۴۵۶۷۹", ("national_code", "pension_number")),
        ("0912 123 4567", ("phone",)),
        ("09121234567", ("phone", "pension_number")),
        ("+989121234567", ("phone",)),
        ("9121234567", ("phone", "pension_number")),
        ("10000001", ("pension_number",)),
        ("احمدی", ("name",)),
        ("مریم احمدی", ("name",)),
    ],
)
def test_a_text_is_read_as_every_number_that_it_may_be_or_as_a_name(
    typed: str, kinds: tuple[str, ...]
) -> None:
    assert search_keys.read(typed).kinds == kinds


@pytest.mark.parametrize(
    "typed",
    ["", "  ", "؟", "ا", "م ر", "مح اح", "123", "احمدی 7 پلاک", "مریم " * 7, "ا" * 101],
)
def test_too_little_and_too_much_is_refused(typed: str) -> None:
    with pytest.raises(MemberSearchInvalid):
        search_keys.read(typed)


def test_keys_do_not_show_in_logs() -> None:
    shown = repr(search_keys.read("0012345679")) + repr(search_keys.read("مریم احمدی"))

    assert "0012345679" not in shown
    assert "احمدی" not in shown


def test_a_single_word_is_a_walk_alone() -> None:
    search = search_keys.name_search(("احمدی",))

    assert (search.prefix, search.pairs) == (";BVDZ", None)


def test_each_of_several_words_stands_behind_the_letters_of_another_alone_and_joined() -> None:
    search = search_keys.name_search(("علی", "احمدی", "نژاد"))
    ali, ahmadi, nejad = (
        search_keys.name_search((each,)).prefix for each in ("علی", "احمدی", "نژاد")
    )

    assert search.prefix == ali + ahmadi + nejad
    assert search.pairs is not None
    assert search.pairs.split(") | (") == [
        f"('{ahmadi[:2]}|{ali}':* & '{nejad[:2]}|{ahmadi}':* & '{ahmadi[:2]}|{nejad}':*",
        f"'{ahmadi[:2]}|{ali}':* & '{ali[:2]}|{ahmadi}{nejad}':*",
        f"'{nejad[:2]}|{ali}{ahmadi}':* & '{ali[:2]}|{nejad}':*)",
    ]


def test_alef_with_and_without_madda_is_one_letter() -> None:
    assert search_keys.name_search(("آذری",)) == search_keys.name_search(("اذری",))
