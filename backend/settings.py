"""The environment of every process: `BASHGAH_*`, typed, checked once, and safe in production."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from backend.infra import tokens
from backend.infra.sealing import Sealer
from backend.infra.sms.template import Endpoint
from backend.infra.sms.template import Field as AnswerField
from backend.infra.tokens import KeyRing

DEVELOPMENT_KEY = base64.b64encode(b"bashgah-development-only-32bytes").decode()
DEVELOPMENT_INDEX_KEY = base64.b64encode(b"bashgah-development-blind-index!").decode()
DEVELOPMENT_ISSUER = "http://127.0.0.1:8000"
MAX_COUNT = 1_000_000_000

_FIELD = re.compile(r'field "(\w+)"')

Seconds = Annotated[int, Field(ge=1, le=3600)]


class Environment(StrEnum):
    """Where the system runs; production refuses what is only comfortable."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SmsRoute(StrEnum):
    """Who carries text messages."""

    LINES = "lines"
    HTTP = "http"


class SettingsInvalid(Exception):
    """The environment can't be used; the text has one line for each setting, and never a value."""


def _most(default: int, description: str) -> int:
    """A limit of at least one."""
    return Field(default=default, ge=1, le=MAX_COUNT, description=description)


class Settings(BaseSettings):
    """Each field is the variable `BASHGAH_<NAME>`; descriptions and defaults stand in the README too."""

    model_config = SettingsConfigDict(
        env_prefix="BASHGAH_", frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    env: Environment = Field(
        default=Environment.DEVELOPMENT, description="`development` or `production`."
    )
    data_dir: Path = Field(
        default=Path(".data"), description="The demo's folder: databases, logs, sockets."
    )
    host: str = Field(default="127.0.0.1", description="The address that the API listens on.")
    port: int = Field(
        default=8000, ge=0, le=65535, description="The API's port; 0 takes a free one."
    )
    database_url: str = Field(
        default="",
        pattern="^(postgres(ql)?://.*)?$",
        description="PostgreSQL ≥ 18: `postgresql://user@host/name`.",
    )
    database_pool_max: int = Field(
        default=10, ge=1, le=100, description="Connections of one process at the most."
    )
    statement_timeout_ms: int = Field(
        default=5000, ge=10, le=600_000, description="A statement's longest time."
    )
    cache_url: str | None = Field(
        default=None,
        pattern="^(rediss?|unix)://",
        description="Valkey or Redis: `redis://host/0`; empty goes without.",
    )
    cache_timeout_ms: int = Field(
        default=50, ge=1, le=5000, description="What an answer of the cache may take."
    )
    embedded: bool = Field(
        default=False, description="Set by `bashgah demo`: the servers are its own."
    )
    introspection: bool | None = Field(
        default=None,
        description="Whether clients may ask for the schema; by default in development only.",
    )
    graphiql: bool | None = Field(
        default=None, description="Whether /graphiql is served; by default in development only."
    )
    body_limit_bytes: int = Field(
        default=1_048_576, ge=1024, le=104_857_600, description="A request's longest body."
    )
    drain_seconds: Seconds = Field(
        default=20, description="What requests and jobs may take to finish after SIGTERM."
    )
    drain_grace_seconds: int = Field(
        default=0,
        ge=0,
        le=300,
        description="How long requests are still taken after SIGTERM while /readyz says no.",
    )
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="The least level logged.",
    )
    log_json: bool | None = Field(
        default=None, description="JSON lines instead of text; by default in production only."
    )
    job_log_days: int = Field(
        default=7, ge=1, le=365, description="How long the queue's log of finished jobs is kept."
    )
    job_heartbeat_seconds: Seconds = Field(
        default=30,
        description="After this long without a sign of life a job is taken up by another worker.",
    )
    sealing_keys: dict[str, SecretStr] = Field(
        default={"development": SecretStr(DEVELOPMENT_KEY)},
        description='Keys of sealed columns by id, 32 bytes in base64: `{"2026-11":"…"}`.',
    )
    sealing_key_current: str = Field(
        default="development", description="The id of the key that seals new values."
    )
    sealing_index_key: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_INDEX_KEY),
        description="The key of blind indexes, 32 bytes in base64.",
    )
    token_signing_keys: dict[str, SecretStr] = Field(
        default={"development": SecretStr(tokens.DEVELOPMENT_SIGNING_KEY)},
        description="Keys that sign access tokens by id, Ed25519 seeds of 32 bytes in base64.",
    )
    token_signing_key_current: str = Field(
        default="development", description="The id of the key that signs new access tokens."
    )
    token_secrets: tuple[SecretStr, ...] = Field(
        default=(SecretStr(tokens.DEVELOPMENT_SECRET),),
        description='Secrets of refresh tokens and codes, newest first, 32 bytes in base64: `["…"]`.',
    )
    token_issuer: str = Field(
        default=DEVELOPMENT_ISSUER,
        min_length=1,
        max_length=200,
        description="`iss` of access tokens: the API's public address.",
    )
    token_audience: str = Field(
        default="bashgah", min_length=1, max_length=200, description="`aud` of access tokens."
    )
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=10,
        description="How many proxies of ours stand in front, each adding to X-Forwarded-For.",
    )
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
    support_phone: str | None = Field(
        default=None,
        pattern=r"^\+[0-9]{8,15}$",
        description="The support's number in E.164, shown to who waits for a code.",
    )
    sms_route: SmsRoute = Field(
        default=SmsRoute.LINES,
        description="`lines` writes text messages to sms.jsonl in the data folder, `http` sends them.",
    )
    sms_url: SecretStr | None = Field(
        default=None,
        description="The SMS gateway's URL, with places such as `{to}`, `{to_local}`, `{text}`, `{id}`.",
    )
    sms_method: Literal["GET", "POST", "PUT"] = Field(
        default="POST", description="How the gateway is asked: GET, POST or PUT."
    )
    sms_headers: dict[str, SecretStr] = Field(
        default={}, description="Headers of the gateway, as JSON; `{id}` may stand in them."
    )
    sms_json: SecretStr | None = Field(
        default=None, description="The body that the gateway wants, JSON with places in its texts."
    )
    sms_form: dict[str, SecretStr] | None = Field(
        default=None, description="Or the fields of a form, as JSON, with places in their texts."
    )
    sms_success: str | None = Field(
        default=None,
        pattern="^[^=]+=.*$",
        description="What a good answer holds beside a status 2xx: `return.status=200`.",
    )
    sms_timeout_seconds: float = Field(
        default=5.0, ge=0.1, le=60, description="How long one attempt at a gateway may take."
    )
    sms_attempts: int = Field(
        default=3, ge=1, le=10, description="How often a gateway is tried for one message."
    )
    owner_check_url: SecretStr | None = Field(
        default=None,
        description="Who knows the owner of a number; places `{phone}`, `{phone_local}`, `{national_code}`.",
    )
    owner_check_method: Literal["GET", "POST", "PUT"] = Field(
        default="POST", description="How it is asked: GET, POST or PUT."
    )
    owner_check_headers: dict[str, SecretStr] = Field(
        default={}, description="Its headers, as JSON."
    )
    owner_check_json: SecretStr | None = Field(
        default=None, description="The body that it wants, JSON with places in its texts."
    )
    owner_check_form: dict[str, SecretStr] | None = Field(
        default=None, description="Or the fields of a form, as JSON, with places in their texts."
    )
    owner_check_field: str = Field(
        default="matched",
        min_length=1,
        description="The field of its JSON answer that decides: `result.matched`.",
    )
    owner_check_yes: str = Field(default="true", description="That field's value for the own name.")
    owner_check_no: str = Field(default="false", description="That field's value for another name.")
    credit_cap_rials: int = Field(
        default=500_000_000, ge=0, le=10**15, description="The highest credit limit of a member."
    )
    credit_pension_multiple: int = Field(
        default=3, ge=0, le=100, description="A credit limit is at most so many net pensions."
    )
    deduction_percent: int = Field(
        default=25,
        ge=0,
        le=100,
        description="What deductions may take of a net pension, in percent.",
    )
    pension_number_pattern: str = Field(
        default="[0-9]{6,12}",
        description="A regular expression that every pension number matches as a whole.",
    )

    @field_validator(
        *("cache_url", "introspection", "graphiql", "log_json", "support_phone", "sms_url"),
        *("sms_json", "sms_form", "sms_success", "owner_check_url", "owner_check_json"),
        "owner_check_form",
        mode="before",
    )
    @classmethod
    def _empty_is_not_set(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        if self.sealing_key_current not in self.sealing_keys:
            raise ValueError("sealing_key_current names no key of sealing_keys")
        for key in (*self.sealing_keys.values(), self.sealing_index_key):
            _decoded(key)
        try:
            self.key_ring()
        except tokens.TokenKeyError as error:
            raise ValueError(f"token_signing_keys and token_secrets: {error}") from None
        return self

    @field_validator("pension_number_pattern")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error:
            raise ValueError("is no regular expression") from None
        return value

    @model_validator(mode="after")
    def _gateways_are_complete(self) -> Self:
        if self.sms_route is SmsRoute.HTTP and self.sms_url is None:
            raise ValueError("sms_route=http needs sms_url")
        for endpoint in (self.sms_endpoint(), self.owner_check_endpoint()):
            if endpoint is not None:
                endpoint.check(needed=frozenset(), allowed=endpoint.places())
        return self

    @property
    def is_production(self) -> bool:
        """Whether unsafe values are refused."""
        return self.env is Environment.PRODUCTION

    @property
    def allows_introspection(self) -> bool:
        """Whether clients may ask for the schema."""
        return not self.is_production if self.introspection is None else self.introspection

    @property
    def serves_graphiql(self) -> bool:
        """Whether /graphiql is served."""
        return not self.is_production if self.graphiql is None else self.graphiql

    @property
    def logs_json(self) -> bool:
        """Whether logs are JSON lines."""
        return self.is_production if self.log_json is None else self.log_json

    def sealer(self) -> Sealer:
        """What seals and unseals columns with these keys."""
        return Sealer(
            keys={name: _decoded(key) for name, key in self.sealing_keys.items()},
            current=self.sealing_key_current,
            index_key=_decoded(self.sealing_index_key),
        )

    def key_ring(self) -> KeyRing:
        """What signs and verifies tokens with these keys. Raises TokenKeyError."""
        return KeyRing(
            signing={name: _decoded(key) for name, key in self.token_signing_keys.items()},
            current=self.token_signing_key_current,
            secrets=tuple(_decoded(secret) for secret in self.token_secrets),
            issuer=self.token_issuer,
            audience=self.token_audience,
        )

    def sms_endpoint(self) -> Endpoint | None:
        """The gateway of text messages; None where none is set."""
        if self.sms_url is None:
            return None
        return Endpoint(
            url=self.sms_url.get_secret_value(),
            method=self.sms_method,
            headers=_revealed(self.sms_headers),
            json_body=None if self.sms_json is None else self.sms_json.get_secret_value(),
            form_body=None if self.sms_form is None else _revealed(self.sms_form),
        )

    def sms_success_answer(self) -> tuple[AnswerField, str] | None:
        """The field of the gateway's answer that says "taken", and its value then."""
        if self.sms_success is None:
            return None
        path, _, value = self.sms_success.partition("=")
        return AnswerField(path), value

    def owner_check_endpoint(self) -> Endpoint | None:
        """Who knows the owner of a number; None where nobody is asked."""
        if self.owner_check_url is None:
            return None
        form = self.owner_check_form
        return Endpoint(
            url=self.owner_check_url.get_secret_value(),
            method=self.owner_check_method,
            headers=_revealed(self.owner_check_headers),
            json_body=None
            if self.owner_check_json is None
            else self.owner_check_json.get_secret_value(),
            form_body=None if form is None else _revealed(form),
        )

    def unsafe_values(self) -> list[str]:
        """What production refuses, one line a setting; empty where all is well."""
        complaints = {
            "BASHGAH_DATABASE_URL": "" if self.database_url else "is not set",
            "BASHGAH_CACHE_URL": "" if self.cache_url else "is not set",
            "BASHGAH_EMBEDDED": "is on: use servers of your own" if self.embedded else "",
            "BASHGAH_INTROSPECTION": "is on" if self.allows_introspection else "",
            "BASHGAH_GRAPHIQL": "is on" if self.serves_graphiql else "",
            "BASHGAH_LOG_LEVEL": "is DEBUG" if self.log_level == "DEBUG" else "",
            "BASHGAH_SEALING_KEYS": "holds the key of the source code"
            if _holds(self.sealing_keys.values(), DEVELOPMENT_KEY)
            else "",
            "BASHGAH_SEALING_INDEX_KEY": "is the key of the source code"
            if self.sealing_index_key.get_secret_value() == DEVELOPMENT_INDEX_KEY
            else "",
            "BASHGAH_TOKEN_SIGNING_KEYS": "holds the key of the source code"
            if _holds(self.token_signing_keys.values(), tokens.DEVELOPMENT_SIGNING_KEY)
            else "",
            "BASHGAH_TOKEN_SECRETS": "holds the secret of the source code"
            if _holds(self.token_secrets, tokens.DEVELOPMENT_SECRET)
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
            f"BASHGAH_{'_'.join(str(part) for part in each['loc']).upper() or '*'}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsInvalid("\n".join(lines)) from None
    except (
        SettingsError
    ) as error:  # a value that should be JSON and is not; its text names the field only
        name = _FIELD.search(str(error))
        shown = f"BASHGAH_{name[1].upper()}" if name else "BASHGAH_*"
        raise SettingsInvalid(f"{shown}: must be JSON") from None
    unsafe = settings.unsafe_values() if settings.is_production else []
    if unsafe:
        raise SettingsInvalid("BASHGAH_ENV=production refuses:\n  " + "\n  ".join(unsafe))
    return settings


def _holds(keys: Iterable[SecretStr], known: str) -> bool:
    return any(key.get_secret_value() == known for key in keys)


def _insecure(url: SecretStr | None) -> str:
    if url is None or url.get_secret_value().startswith("https://"):
        return ""
    return "is not https: codes and numbers would travel in the open"


def _revealed(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in secrets.items()}


def _decoded(key: SecretStr) -> bytes:
    try:
        raw = base64.b64decode(key.get_secret_value(), validate=True)
    except binascii.Error:
        raise ValueError("a key is not in base64") from None
    if len(raw) != 32:  # noqa: PLR2004 - AES-256 and HMAC-SHA256
        raise ValueError("a key has 32 bytes")
    return raw
