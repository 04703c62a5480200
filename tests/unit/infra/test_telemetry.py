"""What a log line shows, and what it never does."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import assume, given
from hypothesis import strategies as st

from backend.infra import redaction, telemetry

TRACE = "0123456789abcdef0123456789abcdef"
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
LATIN = {**{ord(p): str(i) for i, p in enumerate("۰۱۲۳۴۵۶۷۸۹")}} | {
    ord(a): str(i) for i, a in enumerate("٠١٢٣٤٥٦٧٨٩")
}


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Where the log goes; the logging of pytest is put back afterwards."""
    names = ("", *telemetry.ADOPTED_LOGGERS, *telemetry.QUIET_LOGGERS)
    kept = {
        name: (found.level, found.handlers[:], found.propagate)
        for name in names
        for found in [logging.getLogger(name)]
    }
    stream = io.StringIO()
    telemetry.configure_logging(level="DEBUG", json=True, stream=stream)
    yield stream
    for name, (level, handlers, propagate) in kept.items():
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate
    structlog.reset_defaults()


def parsed(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def national_code(nine_digits: str) -> str:
    """Nine digits and their check digit, by the rule of the identity card."""
    total = sum(int(digit) * (10 - index) for index, digit in enumerate(nine_digits)) % 11
    return nine_digits + str(total if total < 2 else 11 - total)


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


def only_digits(text: str) -> str:
    return "".join(c for c in text.translate(LATIN) if c.isdigit())


SURROUNDINGS = st.text(max_size=20)
SCRIPTS = st.sampled_from([{}, PERSIAN, ARABIC])
MOBILES = st.builds(
    lambda prefix, a, b, c, gap: f"{prefix}{gap}9{a}{gap}{b}{gap}{c}",
    st.sampled_from(["", "0", "+98", "0098", "98", "+980"]),
    digits(2),
    digits(3),
    digits(4),
    st.sampled_from(["", " ", "-", "\u200c"]),
)
NATIONAL_CODES = digits(9).map(national_code).filter(lambda code: len(set(code)) > 1)
IBANS = st.builds(
    lambda country, body, gap: country + gap.join(body[i : i + 4] for i in range(0, 24, 4)),
    st.sampled_from(["IR", "ir", "IR "]),
    digits(24),
    st.sampled_from(["", " ", "-"]),
)


@given(before=SURROUNDINGS, mobile=MOBILES, after=SURROUNDINGS, script=SCRIPTS)
def test_no_mobile_number_is_left_in_a_text(
    before: str, mobile: str, after: str, script: dict[int, int]
) -> None:
    assert_hidden(before, mobile, after, script, secret=only_digits(mobile)[-10:])


@given(before=SURROUNDINGS, code=NATIONAL_CODES, after=SURROUNDINGS, script=SCRIPTS)
def test_no_valid_national_code_is_left_in_a_text(
    before: str, code: str, after: str, script: dict[int, int]
) -> None:
    assert_hidden(before, code, after, script, secret=code)


@given(before=SURROUNDINGS, iban=IBANS, after=SURROUNDINGS, script=SCRIPTS)
def test_no_iban_is_left_in_a_text(
    before: str, iban: str, after: str, script: dict[int, int]
) -> None:
    assert_hidden(before, iban, after, script, secret=only_digits(iban))


def assert_hidden(
    before: str, number: str, after: str, script: dict[int, int], *, secret: str
) -> None:
    assume(not before[-1:].isdigit() and not after[:1].isdigit())
    assume(secret not in only_digits(before + after))
    shown = redaction.redact_text(before + number.translate(script) + after)
    assert secret not in only_digits(shown)


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redaction.redact_text(text)
    assert redaction.redact_text(once) == once


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("paid 10,000,000 rials in 12 parts", "paid 10,000,000 rials in 12 parts"),
        ("2026-11-21T19:51:53.123456Z", "2026-11-21T19:51:53.123456Z"),
        ("member 1234567890 refused", "member 1234567890 refused"),
        ("کد ملی ۰۰۱۲۳۴۵۶۷۹ ثبت شد", "کد ملی [redacted] ثبت شد"),
        ("(phone)=(+989121234567)", "(phone)=([redacted])"),
        ("'\\n09121234567'", "'\\n[redacted]'"),
        ("IR13 0130 0000 0000 0012 3456 789", "IR13 0130 0000 0000 0012 3456 789"),
        ("IR130130000000000123456789.", "[redacted]."),
        ("card 6037-9975-0000-0006", "card [redacted]"),
        ("order 6037997500000007", "order 6037997500000007"),
        ("postgresql://club:hunter2@db/club", "postgresql://club:[redacted]@db/club"),
        ("password='hunter2'", "password='[redacted]'"),
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("code=48213", "code=[redacted]"),
        ("error code: 404", "error code: 404"),
        ("got eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln", "got [redacted]"),
    ],
)
def test_texts_keep_what_is_not_personal(text: str, shown: str) -> None:
    assert redaction.redact_text(text) == shown


@pytest.mark.parametrize(
    "key", ["national_code", "nationalCode", "phone", "iban", "refresh_token", "code", "password"]
)
def test_values_of_sensitive_keys_are_hidden_at_any_depth(lines: io.StringIO, key: str) -> None:
    telemetry.logger("club").info("seen", **{key: "x1"}, data={"list": [{key: ["x2"]}]})
    (line,) = parsed(lines)
    assert line[key] == "[redacted]"
    assert line["data"] == {"list": [{key: "[redacted]"}]}


def test_other_values_stay_as_they_are(lines: io.StringIO) -> None:
    telemetry.logger("club").info(
        "seen", member_id=2291234560, amount_rials=10_000_000, seconds=0.5, ok=True, city="شیراز"
    )
    (line,) = parsed(lines)
    expected = {
        "event": "seen",
        "level": "info",
        "logger": "club",
        "member_id": 2291234560,
        "amount_rials": 10_000_000,
        "seconds": 0.5,
        "ok": True,
        "city": "شیراز",
    }
    assert {key: line[key] for key in expected} == expected
    assert "شیراز" in lines.getvalue()


def test_a_number_that_is_a_national_code_is_hidden_too(lines: io.StringIO) -> None:
    telemetry.logger("club").info("seen", value=2291234560)
    assert parsed(lines)[0]["value"] == "[redacted]"


def test_objects_are_shown_as_redacted_text(lines: io.StringIO) -> None:
    telemetry.logger("club").info("seen", error=LookupError("no 09121234567"), raw=b"09121234567")
    (line,) = parsed(lines)
    assert (line["error"], line["raw"]) == ("no [redacted]", "[redacted]")


def test_a_line_carries_the_trace_that_is_bound_and_no_other(lines: io.StringIO) -> None:
    log = telemetry.logger("club")
    with telemetry.bind_trace(TRACE):
        assert telemetry.trace_id() == TRACE
        log.info("inside")
    log.info("outside")
    inside, outside = parsed(lines)
    assert inside["trace_id"] == TRACE
    assert "trace_id" not in outside


async def test_a_trace_follows_the_tasks_started_under_it(lines: io.StringIO) -> None:
    async def work() -> None:
        telemetry.logger("club").info("worked")

    with telemetry.bind_trace(TRACE):
        task = asyncio.create_task(work())
    await task
    (line,) = [line for line in parsed(lines) if line["event"] == "worked"]
    assert line["trace_id"] == TRACE


@pytest.mark.parametrize("name", ["uvicorn.error", "pgqueuer", "asyncio", "tortoise", "any.other"])
def test_the_standard_library_goes_through_the_same_formatter(
    lines: io.StringIO, name: str
) -> None:
    with telemetry.bind_trace(TRACE):
        logging.getLogger(name).warning("%s called %s", "someone", "09121234567")
    (line,) = parsed(lines)
    assert (line["event"], line["logger"]) == ("someone called [redacted]", name)
    assert (line["level"], line["trace_id"]) == ("warning", TRACE)


def test_extra_fields_of_the_standard_library_are_redacted(lines: io.StringIO) -> None:
    logging.getLogger("any.other").info("seen", extra={"phone": "09121234567", "size": 3})
    (line,) = parsed(lines)
    assert (line["phone"], line["size"]) == ("[redacted]", 3)


def test_a_traceback_is_text_without_personal_data(lines: io.StringIO) -> None:
    def look_up(code: str) -> None:
        raise LookupError(f"no member {code}")

    try:
        look_up("0012345679")
    except LookupError:
        telemetry.logger("club").exception("failed")
        logging.getLogger("any.other").exception("failed")
    for line in parsed(lines):
        assert "LookupError: no member [redacted]" in str(line["exception"])
    # The frame's source line is shown too, and it is redacted like any text.
    assert "0012345679" not in lines.getvalue()


@pytest.mark.parametrize("name", ["asyncpg", "tortoise", "tortoise.db_client", "tortoise.deep.er"])
def test_debug_lines_with_sql_values_never_reach_the_log(lines: io.StringIO, name: str) -> None:
    logger = logging.getLogger(name)
    logger.debug("SELECT $1: %s", ["Maryam"])
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.debug("SELECT $1: %s", ["Maryam"])
    logger.setLevel(level)
    assert lines.getvalue() == ""


def test_a_line_below_the_level_is_not_written(lines: io.StringIO) -> None:
    telemetry.configure_logging(level="WARNING", json=True, stream=lines)
    telemetry.logger("club").info("quiet")
    logging.getLogger("any.other").info("quiet")
    assert lines.getvalue() == ""


def test_the_console_is_readable_and_as_discreet(lines: io.StringIO) -> None:
    telemetry.configure_logging(level="INFO", json=False, stream=lines)
    telemetry.logger("club").info("member.found", phone="09121234567", text="call 09121234567")
    assert "member.found" in lines.getvalue()
    assert "0912" not in lines.getvalue()


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown level"):
        telemetry.configure_logging(level="LOUD", json=True, stream=io.StringIO())
