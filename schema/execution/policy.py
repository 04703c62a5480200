"""What one operation may be, and who may send which: plain values, so that the settings can hold them."""

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """Whom a document was written for."""

    APP = "app"
    CONSOLE = "console"
    CAMPAIGNS = "campaigns"


class Execution(StrEnum):
    """Which operations are compiled; graphql-core runs the others."""

    TRUSTED = "trusted"  # those of the manifests, at start
    ANY = "any"  # those that clients send as text too, at their first use
    REFERENCE = "reference"  # none


@dataclass(frozen=True, slots=True)
class Limits:
    """Each is the most that is allowed; the defaults are those of the settings."""

    tokens: int = 2_000
    depth: int = 12
    aliases: int = 15
    directives: int = 30
    root_fields: int = 10
    list_items: int = 200  # above the services' own bounds, whose refusals say more
    cost: int = 10_000
    seconds: float = 10.0
    answer_bytes: int = 2_097_152


DEFAULTS = Limits()
