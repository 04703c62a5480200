"""Scalars on the wire: what is understood, what is answered, and what a refusal says, and does not."""

from datetime import datetime
from uuid import UUID

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from backend.core import calendar, identifiers
from backend.core.errors import BadUserInput
from backend.core.locale import Locale
from backend.core.money import MAX_RIALS
from schema import errors, root, scalars
from schema.scalars import JalaliDate, JalaliMonth, NationalCode, PhoneNumber, Rial


@strawberry.input
class Everything:
    """One field of each scalar."""

    rial: Rial | None = None
    moment: datetime | None = None
    day: JalaliDate | None = None
    month: JalaliMonth | None = None
    phone: PhoneNumber | None = None
    code: NationalCode | None = None
    rials: list[Rial] | None = None


@strawberry.type
class Query:
    """Each field answers its argument."""

    @strawberry.field
    def rial(self, value: Rial) -> Rial:
        return value

    @strawberry.field
    def moment(self, value: datetime) -> datetime:
        return value

    @strawberry.field
    def day(self, value: JalaliDate) -> JalaliDate:
        return value

    @strawberry.field
    def month(self, value: JalaliMonth) -> JalaliMonth:
        return value

    @strawberry.field
    def phone(self, value: PhoneNumber) -> PhoneNumber:
        return value

    @strawberry.field
    def code(self, value: NationalCode) -> NationalCode:
        return value

    @strawberry.field
    def key(self, value: UUID) -> UUID:
        return value

    @strawberry.field
    def rials(self, value: list[Rial]) -> list[Rial]:
        return value

    @strawberry.field
    def given(self, value: Everything) -> str:
        return repr(value.rial or value.rials)


SCHEMA = root.Schema(query=Query, config=StrawberryConfig(scalar_map=scalars.SCALARS))
TYPES = {
    "rial": "Rial!",
    "moment": "DateTime!",
    "day": "JalaliDate!",
    "month": "JalaliMonth!",
    "phone": "PhoneNumber!",
    "code": "NationalCode!",
    "key": "UUID!",
    "rials": "[Rial!]!",
    "given": "Everything!",
}
REFUSALS: dict[str, type[BadUserInput]] = {
    "rial": scalars.InvalidRial,
    "moment": scalars.InvalidDateTime,
    "day": calendar.InvalidJalaliDate,
    "month": calendar.InvalidJalaliMonth,
    "phone": identifiers.InvalidMobile,
    "code": identifiers.InvalidNationalCode,
}


async def answer(field: str, value: object) -> object:
    """What the field answers for a value that is sent as a variable."""
    document = f"query ($v: {TYPES[field]}) {{ {field}(value: $v) }}"
    result = await SCHEMA.execute(document, variable_values={"v": value})
    assert result.errors is None, result.errors
    assert result.data is not None
    return result.data[field]


async def refusal(
    document: str, value: object = None, locale: Locale = Locale.EN
) -> dict[str, object]:
    """The one error of a refused document, as clients see it."""
    result = await SCHEMA.execute(document, variable_values={} if value is None else {"v": value})
    assert result.data is None
    [error] = result.errors or []
    return errors.formatted(error, locale)


def field_of(refused: dict[str, object]) -> object:
    """The path of what was refused, as clients see it; None where the answer has none."""
    extensions = refused["extensions"]
    assert isinstance(extensions, dict)
    return extensions.get("field")


@pytest.mark.parametrize("rials", [0, 1, 2**31, 2**31 + 1, 400_000_000_000_000, MAX_RIALS])
async def test_an_amount_is_a_json_integer_far_beyond_int(rials: int) -> None:
    assert await answer("rial", rials) == rials


@pytest.mark.parametrize(
    "value", [-1, MAX_RIALS + 1, 2**63, 1.5, 1.0, "1000", "۱۰۰۰", "", True, [1], {"a": 1}]
)
async def test_what_is_no_whole_amount_is_refused(value: object) -> None:
    refused = await refusal("query ($v: Rial!) { rial(value: $v) }", value)

    assert refused["message"] == "An amount is a whole number of rials."


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("2026-11-21T08:30:00Z", "2026-11-21T08:30:00Z"),
        ("2026-11-21T08:30:00+00:00", "2026-11-21T08:30:00Z"),
        ("2026-11-21T08:30:00+03:30", "2026-11-21T05:00:00Z"),
        ("2026-11-20T23:30:00-01:00", "2026-11-21T00:30:00Z"),
        ("2026-11-21 08:30:00Z", "2026-11-21T08:30:00Z"),
        ("2026-11-21t08:30:00z", "2026-11-21T08:30:00Z"),
        ("2026-11-21T08:30:00.25Z", "2026-11-21T08:30:00.250000Z"),
        ("2026-11-21T08:30:00.123456789Z", "2026-11-21T08:30:00.123456Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
    ],
)
async def test_a_moment_is_answered_in_utc(sent: str, answered: str) -> None:
    assert await answer("moment", sent) == answered


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-21T08:30:00",
        "2026-11-21",
        "2026-11-21T08:30Z",
        "20261121T083000Z",
        "2026-W47-6T08:30:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T08:30:00+25:00",
        "2026-11-21T08:30:00+03:30:15",
        "0001-01-01T00:00:00+03:30",
        "9999-12-31T23:59:59-03:30",
        "۲۰۲۶-11-21T08:30:00Z",
        " 2026-11-21T08:30:00Z",
        "now",
        "",
        1_795_249_800,
        True,
    ],
)
async def test_what_is_no_moment_of_rfc_3339_is_refused(value: object) -> None:
    refused = await refusal("query ($v: DateTime!) { moment(value: $v) }", value)

    assert refused["message"] == "A moment is written as in RFC 3339, with a time zone."


@pytest.mark.parametrize(
    ("field", "sent", "answered"),
    [
        ("day", "1405-09-01", "1405-09-01"),
        ("day", "۱۴۰۵-۰۹-۰۱", "1405-09-01"),
        ("day", "1408-12-30", "1408-12-30"),
        ("month", "1405-09", "1405-09"),
        ("month", "۱۴۰۵-۱۲", "1405-12"),
        ("phone", "09121234567", "+989121234567"),
        ("phone", "۰۹۱۲ ۱۲۳ ۴۵۶۷", "+989121234567"),
        ("phone", "00989121234567", "+989121234567"),
        ("phone", "9121234567", "+989121234567"),
        ("code", "0012345679", "0012345679"),
        ("code", "۰۰۱۲۳۴۵۶۷۹", "0012345679"),
        ("rials", [1, 2, 3], [1, 2, 3]),
        ("rials", [], []),
    ],
)
async def test_what_is_understood_is_answered_in_one_form(
    field: str, sent: object, answered: object
) -> None:
    assert await answer(field, sent) == answered


WRONG = [
    ("rial", "98765"),
    ("moment", "2026-11-21 noon"),
    ("day", "1405-13-77"),
    ("day", "1406-12-30"),
    ("month", "1405-13"),
    ("phone", "02188776655"),
    ("code", "1111111111"),
    ("code", "0012345678"),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
@pytest.mark.parametrize("locale", Locale)
async def test_a_refusal_says_what_and_what_next_in_both_languages_and_not_the_value(
    field: str, value: str, locale: Locale
) -> None:
    refused = await refusal(f"query ($v: {TYPES[field]}) {{ {field}(value: $v) }}", value, locale)

    kind = REFUSALS[field]
    assert refused == {
        "message": kind.texts[locale],
        "extensions": {"code": "BAD_USER_INPUT", "hint": kind.hints[locale], "field": ["v"]},
        "locations": [{"line": 1, "column": 8}],
    }
    assert value not in str(refused)


@pytest.mark.parametrize(("field", "value"), WRONG)
async def test_a_value_in_the_document_is_refused_like_a_variable(field: str, value: str) -> None:
    refused = await refusal(f'{{ {field}(value: "{value}") }}')

    assert refused["message"] == REFUSALS[field].texts[Locale.EN]
    assert value not in str(refused)


@pytest.mark.parametrize(("field", "value"), WRONG)
async def test_a_value_inside_an_input_object_is_refused_alike(field: str, value: str) -> None:
    inside = await refusal("query ($v: Everything!) { given(value: $v) }", {field: value})
    written = await refusal(f'{{ given(value: {{ {field}: "{value}" }}) }}')
    placed = await refusal(
        f"query ($v: {TYPES[field]}) {{ given(value: {{ {field}: $v }}) }}", value
    )

    for refused in (inside, written, placed):
        assert refused["message"] == REFUSALS[field].texts[Locale.EN]
        assert value not in str(refused)
    assert [field_of(each) for each in (inside, written, placed)] == [["v", field], None, ["v"]]


@pytest.mark.parametrize(
    "sent",
    [
        "0192f0c1-2b3c-7d4e-8f50-617283940a1b",
        "0192F0C1-2B3C-7D4E-8F50-617283940A1B",
        "0192f0c12b3c7d4e8f50617283940a1b",
    ],
)
async def test_a_uuid_is_answered_in_one_form(sent: str) -> None:
    assert await answer("key", sent) == "0192f0c1-2b3c-7d4e-8f50-617283940a1b"


@pytest.mark.parametrize("value", ["", "x", "{0192f0c1-2b3c-7d4e-8f50-617283940a1b}", 7, ["x"]])
async def test_what_is_no_uuid_is_refused_in_our_words(value: object) -> None:
    refused = await refusal("query ($v: UUID!) { key(value: $v) }", value)

    assert refused["message"] == "This id is a UUID: 32 hexadecimal digits."
    assert refused["extensions"] == {
        "code": "BAD_USER_INPUT",
        "hint": scalars.InvalidUuid.hints[Locale.EN],
        "field": ["v"],
    }


async def test_a_value_in_a_list_is_refused_alike() -> None:
    as_variable = await refusal("query ($v: [Rial!]!) { rials(value: $v) }", [1, -98765])
    written = await refusal("{ rials(value: [1, -98765]) }")
    deeper = await refusal("query ($v: Everything!) { given(value: $v) }", {"rials": [1, "98765"]})

    for refused in (as_variable, written, deeper):
        assert refused["message"] == "An amount is a whole number of rials."
        assert "98765" not in str(refused)


async def test_a_default_of_a_variable_is_refused_alike() -> None:
    refused = await refusal('query ($v: PhoneNumber! = "0912000") { phone(value: $v) }')

    assert refused["message"] == "The mobile number is not valid."
    assert "0912000" not in str(refused)


async def test_null_is_a_mistake_of_the_request_where_a_value_is_needed() -> None:
    refused = await refusal("{ rial(value: null) }")

    assert refused["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("literal", ["ABC", "1.5", "{ a: 1 }", "[1]", "true", '"5"', "-1"])
async def test_an_amount_in_the_document_is_a_whole_number(literal: str) -> None:
    refused = await refusal(f"{{ rial(value: {literal}) }}")

    assert refused["message"] == "An amount is a whole number of rials."


def test_every_scalar_of_the_schema_is_described() -> None:
    described = {each.name: each.description for each in scalars.SCALARS.values()}

    assert set(described) == {
        "Rial",
        "DateTime",
        "JalaliDate",
        "JalaliMonth",
        "PhoneNumber",
        "NationalCode",
        "UUID",
        "MemberSearch",
    }
    assert all(described.values())
