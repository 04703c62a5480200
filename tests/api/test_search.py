"""stores(search:): every spelling finds every other, typing slips come last, and pages hold their order."""

import random

import httpx
import pytest

from backend.core import text
from backend.core.text import ZWNJ
from backend.stores.domain import PlaceKind, StoreState
from tests.support import places
from tests.support.api import Api, codes, names
from tests.support.places import draft

SEARCH = """
query ($search: String, $filter: StoreFilter, $first: Int, $after: String) {
  stores(search: $search, filter: $filter, first: $first, after: $after) {
    edges { cursor node { id name } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


async def search(api: Api, wanted: str | None, **variables: object) -> httpx.Response:
    return await api.ask(SEARCH, {"search": wanted, **variables})


async def found(api: Api, wanted: str | None, **variables: object) -> list[object]:
    return names(await search(api, wanted, **variables), "stores")


async def walk(api: Api, wanted: str | None, first: int) -> list[object]:
    """The names on all pages, in order."""
    seen: list[object] = []
    after = None
    while True:
        answer = await search(api, wanted, first=first, after=after)
        seen += names(answer, "stores")
        page = answer.json()["data"]["stores"]["pageInfo"]
        after = page["endCursor"]
        if not page["hasNextPage"]:
            return seen


SPELLINGS = (f"لوازم{ZWNJ}خانگی", "لوازم خانگی", "لوازمخانگی")


@pytest.mark.parametrize("wanted", SPELLINGS)
async def test_each_spelling_of_a_compound_finds_all_three(api: Api, wanted: str) -> None:
    await places.save(
        *(draft(f"s{n}", name=f"فروشگاه {each} مهر") for n, each in enumerate(SPELLINGS)),
        draft("other", name="خواربار مهر"),
    )

    assert set(await found(api, wanted)) == {f"فروشگاه {each} مهر" for each in SPELLINGS}


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("کتاب‌سرای یاس", "كتاب"),  # Arabic kaf
        ("كتاب يار", "کتاب یار"),
        ("قنادی شیرین", "قنادي شيرين"),  # Arabic ye
        ("موسى", "موسی"),  # alef maksura
        ("مسئول خرید", "مسیول"),  # hamza on ye
        ("مؤسسهٔ نور", "موسسه"),
        ("آرایشگاه", "ارایشگاه"),  # alef with madda
        ("ارایشگاه", "آرایشگاه"),
        ("إیران", "ایران"),
        ("داروخانهٔ شبانه", "داروخانه شبانه"),  # he with hamza
        ("فروشگاهِ مُحَمَّد", "محمد"),  # diacritics
        ("رستـــوران", "رستوران"),  # tatweel
        ("شعبهٔ ۱۲", "12"),
        ("شعبهٔ 12", "۱۲"),
        ("شعبهٔ ١٢", "12"),  # Arabic digits
        ("Café Central", "CAFE"),
    ],
)
async def test_a_word_is_found_however_it_is_typed(api: Api, stored: str, wanted: str) -> None:
    await places.save(draft("s", name=stored), draft("other", name="خواربار", address="بازار"))

    assert await found(api, wanted) == [stored]


@pytest.mark.parametrize(
    "wanted",
    ["مهر", "ولیعصر", "مهر ولیعصر", "ولیعصر مهر", "لوازم خانگی", "شیراز", "فروشگاه مهر شیراز"],
)
async def test_name_address_city_and_category_are_searched_together(api: Api, wanted: str) -> None:
    await places.save(
        draft(
            "s",
            name="فروشگاه مهر",
            city="شیراز",
            address="خیابان ولی‌عصر",
            category_code="appliances",
        ),
        draft("other", name="خواربار ناهید", city="کرج", address="میدان آزادی"),
    )

    assert await found(api, wanted) == ["فروشگاه مهر"]


def slips(word: str) -> dict[str, str]:
    """The word with one slip of the finger at each place, by what slipped."""
    typed: dict[str, str] = {}
    for at in range(len(word)):
        typed[f"substitution {at}"] = f"{word[:at]}ژ{word[at + 1 :]}"
        typed[f"omission {at}"] = word[:at] + word[at + 1 :]
        typed[f"insertion {at}"] = f"{word[:at]}ژ{word[at:]}"
        if at and word[at] != word[at - 1]:
            typed[f"transposition {at}"] = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
    return typed


@pytest.mark.parametrize("word", ["رفاهی", "گلستان", "سوپرمارکت", "ارایشگاه", "الکتروتکنیک"])
async def test_a_slip_anywhere_in_a_longer_word_is_forgiven(api: Api, word: str) -> None:
    await places.save(
        draft("s", name=f"نان {word} مهر"),
        draft("first", name=word),
        draft("other", name="نان مهر"),
    )

    missed = [
        what
        for what, typed in slips(word).items()
        # Of four letters or fewer nothing is forgiven.
        if len(typed) >= 5 and set(await found(api, typed)) != {word, f"نان {word} مهر"}
    ]

    assert missed == []


async def test_two_slips_are_too_many(api: Api) -> None:
    await places.save(draft("s", name="فروشگاه رفاهی گلستان"))

    assert await found(api, "گژستژن") == []
    assert await found(api, "ژفاهژ") == []


async def test_short_words_must_be_typed_as_they_are(api: Api) -> None:
    await places.save(draft("s", name="فروشگاه بهار"))

    assert await found(api, "بهاژ") == []


async def test_every_word_of_a_search_must_stand_there(api: Api) -> None:
    await places.save(draft("a", name="نان بهار"), draft("b", name="نان گلستان"))

    assert await found(api, "نان گلستان") == ["نان گلستان"]
    assert await found(api, "نان گلسژان") == ["نان گلستان"]
    assert await found(api, "گوشت گلستان") == []


async def test_the_best_match_comes_first_and_slips_last(api: Api) -> None:
    await places.save(
        draft("slip", name="آوای گلستار"),
        draft("apart", name="بهشت", address="گلستان", city="رفاه"),
        draft("scattered", name="پرتو رفاه و گلستان"),
        draft("inside", name="تالار گلستان رفاه"),
        draft("begins", name="گلستان رفاه ولیعصر"),
        draft("begins too", name="گلستان‌رفاه آزادی"),
    )

    assert await found(api, "گلستان رفاه") == [
        "گلستان رفاه ولیعصر",  # the name begins with it, in alphabetical order
        "گلستان‌رفاه آزادی",
        "تالار گلستان رفاه",  # the name has it
        "پرتو رفاه و گلستان",  # the name has every word of it
        "بهشت",  # city and address have them
    ]
    assert await found(api, "گلستان") == [
        "گلستان رفاه ولیعصر",
        "گلستان‌رفاه آزادی",
        "پرتو رفاه و گلستان",
        "تالار گلستان رفاه",
        "بهشت",
        "آوای گلستار",
    ]


@pytest.mark.parametrize("wild", ["%", "_", "\\", "%%", "'", '"', "*", ".*", "(", "[^ ]"])
async def test_a_sign_of_a_pattern_alone_is_a_blank_search(api: Api, wild: str) -> None:
    await places.save(draft("s", name="گلستان"), draft("t", name="نان"))

    assert await found(api, wild) == ["گلستان", "نان"]


@pytest.mark.parametrize("wild", ["گ%ن", "گ_ستان", "گ\\ستان", "گل.*ن", "(گلستان|نان)"])
async def test_a_sign_of_a_pattern_in_a_word_parts_it_and_stands_for_nothing(
    api: Api, wild: str
) -> None:
    await places.save(draft("s", name="گلستان"), draft("t", name="بوستان"), draft("u", name="گل"))
    alternatives = text.search_alternatives(text.search_terms(wild))
    documents = {
        name: text.search_document((name,), ("خواربار", "تهران"), ("خیابان آزادی، پلاک ۱",))
        for name in ("گل", "گلستان", "بوستان")
    }

    assert await found(api, wild) == [
        name
        for name, document in documents.items()
        if all(any(f" {each}" in document for each in ways) for ways in alternatives)
    ]


@pytest.mark.parametrize("blank", [None, "", " ", ZWNJ, "\u0000", "—،؟", "\u202e"])
async def test_a_blank_search_lists_all_in_the_order_of_the_persian_alphabet(
    api: Api, blank: str | None
) -> None:
    alphabet = list("آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی")
    shuffled = random.Random(3).sample(alphabet, len(alphabet))
    await places.save(
        *(draft(f"s{n}", name=f"{letter}ن") for n, letter in enumerate(shuffled)),
        draft("digits", name="۷ ستاره"),
        draft("latin", name="Zara"),
    )

    assert await found(api, blank, first=100) == [
        "۷ ستاره",
        *(f"{letter}ن" for letter in alphabet),
        "Zara",
    ]


async def test_stores_of_one_name_come_in_the_order_of_their_keys(api: Api) -> None:
    keys = await places.save(*(draft(f"s{n}", name="گلستان") for n in range(12)))
    in_order = [places.store_id(key) for key in sorted(keys.values())]

    for wanted in (None, "گلستان", "گلسژان"):
        listed = (await search(api, wanted)).json()["data"]["stores"]["edges"]
        assert [edge["node"]["id"] for edge in listed] == in_order


@pytest.mark.parametrize("wanted", [None, "گلستان"])
async def test_pages_hold_every_store_once_and_in_order(api: Api, wanted: str | None) -> None:
    drawn = random.Random(11)
    forms = ("گلستان {}", "نان گلستان {}", "نان {} گلستان", "گلستار {}", "گل‌ستان {}")
    drafts = [
        draft(f"s{n}", name=drawn.choice(forms).format(drawn.randrange(12))) for n in range(60)
    ]
    await places.save(*drafts)

    whole = await found(api, wanted, first=100)

    assert sorted(map(str, whole)) == sorted(each.name for each in drafts)
    for first in (1, 7, 59, 60, 61):
        assert await walk(api, wanted, first) == whole


async def test_a_cursor_fits_its_search_only(api: Api) -> None:
    await places.save(*(draft(f"s{n}", name=f"گلستان نان {n}") for n in range(3)))
    page = (await search(api, "گلستان", first=1)).json()["data"]["stores"]["pageInfo"]

    for other in ("نان", None):
        assert codes(await search(api, other, after=page["endCursor"])) == ["BAD_USER_INPUT"]
    filtered = await search(api, "گلستان", after=page["endCursor"], filter={"openNow": True})
    assert codes(filtered) == ["BAD_USER_INPUT"]


async def test_another_spelling_of_the_search_goes_on_with_the_cursor(api: Api) -> None:
    await places.save(*(draft(f"s{n}", name=f"كتاب {n}") for n in range(3)))
    page = (await search(api, "كتاب", first=1)).json()["data"]["stores"]["pageInfo"]

    assert await found(api, "کتاب", after=page["endCursor"]) == ["كتاب 1", "كتاب 2"]


@pytest.mark.parametrize("wanted", ["گ" * 101, "گ " * 50 + "گ", "گل " * 9])
async def test_a_search_has_bounds(bare: Api, wanted: str) -> None:
    answer = await search(bare, wanted)

    assert codes(answer) == ["BAD_USER_INPUT"]
    assert answer.json()["errors"][0]["extensions"]["field"] == ["search"]
    assert "۱۰۰" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("wanted", ["گ" * 100, "گل " * 8, "گ" * 50 + " گ", "ﷺﷺ"])
async def test_a_search_at_its_bounds_is_answered(api: Api, wanted: str) -> None:
    await places.save(draft("s", name="نان"))

    assert await found(api, wanted) == []


async def test_a_search_keeps_to_the_filter_and_to_what_is_active(api: Api) -> None:
    await places.save(
        draft("1", name="گلستان یک"),
        draft("2", name="گلستان دو", province_code="IR-07"),
        draft("3", name="گلستان سه", state=StoreState.SUSPENDED),
        draft("4", name="درمانگاه گلستان", kind=PlaceKind.CLINIC, terms=None),
    )

    assert await found(api, "گلستان") == ["گلستان دو", "گلستان یک"]
    assert await found(api, "گلستان", filter={"provinceCode": "IR-07"}) == ["گلستان دو"]
    assert await found(api, "گلستان", filter={"kind": "CLINIC"}) == ["درمانگاه گلستان"]
    assert await found(api, None, filter={"provinceCode": "IR-07"}) == ["گلستان دو"]


async def test_a_store_is_found_by_its_new_name_and_no_longer_by_the_old(api: Api) -> None:
    await places.save(draft("s", name="گلستان"))
    await places.save(draft("s", name="بوستان"))

    assert await found(api, "گلستان") == []
    assert await found(api, "بوستان") == ["بوستان"]
