"""provinces: all 31, in order, in both languages, and open as the roll-out says."""

from backend.core import viewer
from backend.organization import service
from tests.support.api import Api

PROVINCES = "{ provinces { code name center { latitude longitude } open } }"


async def test_all_provinces_come_in_the_order_of_the_persian_alphabet(api: Api) -> None:
    found = (await api.ask(PROVINCES)).json()["data"]["provinces"]

    assert [each["name"] for each in found] == [
        "آذربایجان شرقی",
        "آذربایجان غربی",
        "اردبیل",
        "اصفهان",
        "البرز",
        "ایلام",
        "بوشهر",
        "تهران",
        "چهارمحال و بختیاری",
        "خراسان جنوبی",
        "خراسان رضوی",
        "خراسان شمالی",
        "خوزستان",
        "زنجان",
        "سمنان",
        "سیستان و بلوچستان",
        "فارس",
        "قزوین",
        "قم",
        "کردستان",
        "کرمان",
        "کرمانشاه",
        "کهگیلویه و بویراحمد",
        "گلستان",
        "گیلان",
        "لرستان",
        "مازندران",
        "مرکزی",
        "هرمزگان",
        "همدان",
        "یزد",
    ]
    assert {each["code"] for each in found} == {f"IR-{n:02}" for n in range(31)}
    assert {each["open"] for each in found} == {False}


async def test_codes_are_those_since_2020(api: Api) -> None:
    found = (await api.ask(PROVINCES, accept_language="en")).json()["data"]["provinces"]
    names = {each["code"]: each["name"] for each in found}

    assert (names["IR-07"], names["IR-23"]) == ("Fars", "Tehran")
    tehran = next(each["center"] for each in found if each["code"] == "IR-23")
    assert (round(tehran["latitude"]), round(tehran["longitude"])) == (36, 51)


async def test_an_opened_province_is_shown_open_at_once(api: Api) -> None:
    await api.ask(PROVINCES)  # now it stands in the cache

    await service.open_provinces(viewer=viewer.SYSTEM, codes=["IR-07"])

    found = (await api.ask(PROVINCES)).json()["data"]["provinces"]
    assert [each["code"] for each in found if each["open"]] == ["IR-07"]
