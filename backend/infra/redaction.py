"""What a log line may not show: personal data and secrets, by their key and by their look.

The patterns lean towards hiding too much: about one in eleven 10-digit numbers passes as a national
code, and is hidden. Identifiers (keys `id`, `…_id`) and floats are left alone.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from structlog.typing import EventDict, WrappedLogger

REDACTED = "[redacted]"
MAX_DEPTH = 6
MAX_ITEMS = 100

# A key is sensitive when one of its words is here …
SENSITIVE_WORDS = frozenset(
    {"address", "authorization", "birthdate", "card", "cookie", "email", "iban", "mobile", "otp"}
    | {"passphrase", "password", "payload", "phone", "pin", "secret", "sheba", "signature", "token"}
)
# … or when it ends in one of these.
SENSITIVE_ENDS = (
    *("national_code", "postal_code", "sms_code", "login_code", "otp_code", "birth_date"),
    *("first_name", "last_name", "full_name", "father_name", "pension_number", "account_number"),
)
# An error's code is logged as error_code, which is why "code" counts only when it stands alone.
SENSITIVE_KEYS = frozenset({"code", "args", "values"})

_GAP = r"[\s\-.()/\u200c\u200e\u200f\u202a-\u202e\u2066-\u2069]{0,2}"
_ZERO, _EIGHT, _NINE = "[0۰٠]", "[8۸٨]", "[9۹٩]"
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_SECRET_PAIR = re.compile(
    r"(?i)\b(password|passwd|secret|token|authorization|otp|cookie)\b"
    r"([\"']?\s*[:=]\s*[\"']?)(?:Bearer\s+)?[^\s\"',;&)}]+"
)
_CODE_PAIR = re.compile(r"(?i)\b(code)([\"']?\s*[:=]\s*[\"']?)\d{4,8}\b")
_URL_PASSWORD = re.compile(r"(://[^:/@\s]{0,64}:)[^@\s]{1,256}(?=@)")
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_IBAN = re.compile(rf"(?i)IR{_GAP}(?:\d{_GAP}){{23}}\d(?!\d)|(?<!\d)\d{{24}}(?!\d)")
_CARD = re.compile(r"(?<!\d)\d{4}(?:[\s-]?\d{4}){3}(?!\d)")
_NATIONAL_CODE = re.compile(r"(?<!\d)\d{3}[\s-]?\d{6}[\s-]?\d(?!\d)")
_MOBILE = re.compile(
    rf"(?<!\d)(?:(?:\+|{_ZERO}{{2}})?{_GAP}{_NINE}{_EIGHT}{_GAP}{_ZERO}?|{_ZERO})?"
    rf"{_GAP}{_NINE}(?:{_GAP}\d){{9}}(?!\d)"
)
# What none of the patterns above can do without.
_SUSPICIOUS = re.compile(r"[\d:=]|eyJ")
_LEAST_PERSONAL_NUMBER = 10**8  # a mobile number without its prefix has nine digits
_OUR_OWN_TEXTS = frozenset({"trace_id", "timestamp", "level", "logger"})


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the event with every sensitive value replaced by `REDACTED`."""
    return {str(key): redact_value(str(key), value, depth=0) for key, value in event.items()}


def redact_value(key: str, value: object, *, depth: int) -> object:
    """`value` as it may be logged under `key`; containers are copied down to `MAX_DEPTH`."""
    if value is None or isinstance(value, bool | float):
        return value
    if is_sensitive(key):
        return REDACTED
    if isinstance(value, str):
        return value if key in _OUR_OWN_TEXTS else redact_text(value)
    if isinstance(value, int):
        return REDACTED if _is_personal_number(key, value) else value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _redact_container(key, value, depth=depth)
    return redact_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def redact_text(text: str) -> str:
    """`text` without IBANs, card numbers, mobiles, valid national codes, passwords and tokens.

    Digits may be Latin, Persian or Arabic, grouped by spaces or dashes.
    """
    if _SUSPICIOUS.search(text) is None:  # most words of most lines: nine patterns saved
        return text
    text = _URL_PASSWORD.sub(rf"\1{REDACTED}", text)
    text = _SECRET_PAIR.sub(rf"\1\2{REDACTED}", text)
    text = _CODE_PAIR.sub(rf"\1\2{REDACTED}", text)
    text = _JWT.sub(REDACTED, text)
    text = _IBAN.sub(REDACTED, text)
    text = _CARD.sub(_hide_when(_is_card_number), text)
    text = _NATIONAL_CODE.sub(_hide_when(_is_national_code), text)
    return _MOBILE.sub(REDACTED, text)


@lru_cache(maxsize=4096)
def is_sensitive(key: str) -> bool:
    """Whether no value under `key` may be logged (`nationalCode` reads as `national_code`)."""
    words = [word.lower() for word in _WORD.split(key) if word]
    snake = "_".join(words)
    return (
        snake in SENSITIVE_KEYS
        or snake.endswith(SENSITIVE_ENDS)
        or any(word in SENSITIVE_WORDS for word in words)
    )


def _redact_container(
    key: str,
    value: Mapping[object, object]
    | list[object]
    | tuple[object, ...]
    | set[object]
    | frozenset[object],
    *,
    depth: int,
) -> object:
    if depth >= MAX_DEPTH:
        return REDACTED
    items: list[tuple[str, object]] = (
        [(str(name), item) for name, item in value.items()]
        if isinstance(value, Mapping)
        else [(key, item) for item in value]
    )
    shown = [
        (redact_text(name), redact_value(name, item, depth=depth + 1))
        for name, item in items[:MAX_ITEMS]
    ]
    if len(items) > MAX_ITEMS:
        shown.append(("…", f"{len(items) - MAX_ITEMS} more"))
    return dict(shown) if isinstance(value, Mapping) else [item for _, item in shown]


def _hide_when(is_personal: Callable[[str], bool]) -> Callable[[re.Match[str]], str]:
    def replacement(match: re.Match[str]) -> str:
        digits = "".join(character for character in match.group() if character.isdigit())
        return REDACTED if is_personal(digits) else match.group()

    return replacement


def _is_national_code(digits: str) -> bool:
    """The checksum of a national code; ten equal digits are none."""
    numbers = [int(digit) for digit in digits]
    remainder = sum(number * (10 - index) for index, number in enumerate(numbers[:9])) % 11
    expected = remainder if remainder < 2 else 11 - remainder  # noqa: PLR2004
    return numbers[9] == expected and len(set(numbers)) > 1


def _is_card_number(digits: str) -> bool:
    """The Luhn checksum of a payment card."""
    total = 0
    for index, digit in enumerate(digits):
        doubled = int(digit) * (2 if index % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004
    return total % 10 == 0


def _is_personal_number(key: str, number: int) -> bool:
    if abs(number) < _LEAST_PERSONAL_NUMBER or _is_identifier(key):
        return False
    return redact_text(str(number)) != str(number)


def _is_identifier(key: str) -> bool:
    return key == "id" or key.endswith(("_id", "_ids"))
