"""The environment of every process: `BASHGAH_*`, typed, checked once, and safe in production.

A module holds a concern's settings; here they are put together, with what production refuses.
"""

import re
from collections.abc import Iterable

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from backend.infra import tokens
from backend.settings import keys
from backend.settings.api import ApiSettings
from backend.settings.club import ClubSettings
from backend.settings.documents import DocumentSettings
from backend.settings.gateways import GatewaySettings, SmsRoute
from backend.settings.keys import KeySettings
from backend.settings.limits import RequestLimitSettings
from backend.settings.observation import ObservationSettings
from backend.settings.operators import OperatorSettings
from backend.settings.servers import ServerSettings
from backend.settings.sign_in import SignInSettings

_FIELD = re.compile(r'field "(\w+)"')


class SettingsInvalid(Exception):
    """The environment can't be used; the text has one line for each setting, and never a value."""


# The last comes first in the README's table: pydantic collects fields from the last base on.
class Settings(
    ClubSettings,
    GatewaySettings,
    OperatorSettings,
    SignInSettings,
    KeySettings,
    ServerSettings,
    ObservationSettings,
    RequestLimitSettings,
    DocumentSettings,
    ApiSettings,
    BaseSettings,
):
    """Each field is the variable `BASHGAH_<NAME>`; descriptions and defaults stand in the README too."""

    model_config = SettingsConfigDict(
        env_prefix="BASHGAH_", frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    def unsafe_values(self) -> list[str]:
        """What production refuses, one line a setting; empty where all is well."""
        complaints = {
            "BASHGAH_DATABASE_URL": "" if self.database_url else "is not set",
            "BASHGAH_CACHE_URL": "" if self.cache_url else "is not set",
            "BASHGAH_EMBEDDED": "is on: use servers of your own" if self.embedded else "",
            "BASHGAH_INTROSPECTION": "is on" if self.allows_introspection else "",
            "BASHGAH_GRAPHIQL": "is on" if self.serves_graphiql else "",
            "BASHGAH_DOCUMENTS": "lets clients send documents of their own"
            if "any" in self.documents.values()
            else "",
            "BASHGAH_COST_REPORT": "is on" if self.reports_cost else "",
            "BASHGAH_METRICS_NETWORKS": "lets everybody read the figures"
            if any(not network.prefixlen for network in self.metrics_readers)
            else "",
            "BASHGAH_LOG_LEVEL": "is DEBUG" if self.log_level == "DEBUG" else "",
            "BASHGAH_SEALING_KEYS": "holds the key of the source code"
            if _holds(self.sealing_keys.values(), keys.DEVELOPMENT_KEY)
            else "",
            "BASHGAH_SEALING_INDEX_KEY": "is the key of the source code"
            if _holds([self.sealing_index_key], keys.DEVELOPMENT_INDEX_KEY)
            else "",
            "BASHGAH_TOKEN_SIGNING_KEYS": "holds the key of the source code"
            if _holds(self.token_signing_keys.values(), tokens.DEVELOPMENT_SIGNING_KEY)
            else "",
            "BASHGAH_AUDIT_SIGNING_KEYS": "holds the key of the source code"
            if _holds(self.audit_signing_keys.values(), keys.DEVELOPMENT_AUDIT_KEY)
            else "",
            "BASHGAH_TOKEN_SECRETS": "holds the secret of the source code"
            if _holds(self.token_secrets.values(), tokens.DEVELOPMENT_SECRET)
            else "",
            "BASHGAH_TOKEN_ISSUER": ""
            if self.token_issuer.startswith("https://")
            else "is no https address",
            "BASHGAH_SMS_ROUTE": "is lines: codes would stand in a file"
            if self.sms_route is SmsRoute.LINES
            else "",
            "BASHGAH_SMS_URL": _insecure(self.sms_url),
            "BASHGAH_OWNER_CHECK_URL": _insecure(self.owner_check_url),
        }
        return [f"{name} {complaint}" for name, complaint in complaints.items() if complaint]


def load(**overrides: object) -> Settings:
    """Read and check the environment; `overrides` win over it. Raises SettingsInvalid."""
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # checked by pydantic
    except ValidationError as error:
        lines = [
            f"{_variable(each['loc'])}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsInvalid("\n".join(lines)) from None
    except SettingsError as error:  # no JSON where it should be; its text names the field only
        name = _FIELD.search(str(error))
        shown = f"BASHGAH_{name[1].upper()}" if name else "BASHGAH_*"
        raise SettingsInvalid(f"{shown}: must be JSON") from None
    unsafe = settings.unsafe_values() if settings.is_production else []
    if unsafe:
        raise SettingsInvalid("BASHGAH_ENV=production refuses:\n  " + "\n  ".join(unsafe))
    return settings


def _variable(location: tuple[int | str, ...]) -> str:
    """The variable that an error is about; keys within its value are not shown."""
    return f"BASHGAH_{str(location[0]).upper()}" if location else "BASHGAH_*"


def _holds(secrets: Iterable[SecretStr], known: str) -> bool:
    return any(secret.get_secret_value() == known for secret in secrets)


def _insecure(url: SecretStr | None) -> str:
    if url is None or url.get_secret_value().startswith("https://"):
        return ""
    return "is not https: codes and numbers would travel in the open"
