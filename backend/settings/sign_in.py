"""Settings of signing in: how often codes are asked for, tried and sent."""

from typing import Annotated

from pydantic import BaseModel, Field

from backend.settings.values import Text

MAX_COUNT = 1_000_000_000
RetrieverHash = Annotated[str, Field(pattern="^[A-Za-z0-9+/]{11}$")]


def _most(default: int, description: str) -> int:
    """A limit of at least one."""
    found: int = Field(default=default, ge=1, le=MAX_COUNT, description=description)
    return found


class SignInSettings(BaseModel):
    """The limits of `backend/access/limits.py`, each with the prefix `sign_in_`."""

    sign_in_phone_codes_per_hour: int = _most(5, "Sign-in codes asked for with a phone in an hour.")
    sign_in_phone_codes_per_day: int = _most(10, "The same in a day.")
    sign_in_national_code_codes_per_hour: int = _most(
        5, "Sign-in codes asked for with a national code in an hour."
    )
    sign_in_national_code_codes_per_day: int = _most(10, "The same in a day.")
    sign_in_national_code_failures_per_day: int = _most(
        10, "Wrong codes tried for a national code in a day."
    )
    sign_in_address_codes_per_hour: int = _most(
        300,
        "Sign-in codes asked for from an address in an hour; operators put thousands behind one.",
    )
    sign_in_address_failures_per_hour: int = _most(
        300, "Wrong codes tried from an address in an hour."
    )
    sign_in_system_requests_per_minute: int = _most(
        6_000, "Sign-in codes asked for by everybody in a minute."
    )
    sign_in_system_texts_per_minute: int = _most(
        1_200, "Codes sent to everybody in a minute; each costs a text message."
    )
    sign_in_system_texts_per_day: int = _most(100_000, "The same in a day.")
    sms_retriever_hashes: tuple[RetrieverHash, ...] = Field(
        default=(),
        description="Our app's hashes for Android's SMS retriever, as JSON: a message ends with no other.",
    )
    support_phone: Text = Field(
        default=None,
        pattern=r"^\+[0-9]{8,15}$",
        description="The support's number in E.164, shown to who waits for a code.",
    )
