"""The environment of every process: `BASHGAH_*`, typed, checked once, and safe in production."""

import base64
import binascii
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from backend.infra.sealing import Sealer

DEVELOPMENT_KEY = base64.b64encode(b"bashgah-development-only-32bytes").decode()
DEVELOPMENT_INDEX_KEY = base64.b64encode(b"bashgah-development-blind-index!").decode()

_FIELD = re.compile(r'field "(\w+)"')

Seconds = Annotated[int, Field(ge=1, le=3600)]


class Environment(StrEnum):
    """Where the system runs; production refuses what is only comfortable."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SettingsInvalid(Exception):
    """The environment can't be used; the text has one line for each setting, and never a value."""


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

    @field_validator("cache_url", "introspection", "graphiql", "log_json", mode="before")
    @classmethod
    def _empty_is_not_set(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        if self.sealing_key_current not in self.sealing_keys:
            raise ValueError("sealing_key_current names no key of sealing_keys")
        for key in (*self.sealing_keys.values(), self.sealing_index_key):
            _decoded(key)
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
            if self._default_keys
            else "",
            "BASHGAH_SEALING_INDEX_KEY": "is the key of the source code"
            if self.sealing_index_key.get_secret_value() == DEVELOPMENT_INDEX_KEY
            else "",
        }
        return [f"{name} {complaint}" for name, complaint in complaints.items() if complaint]

    @property
    def _default_keys(self) -> bool:
        return any(key.get_secret_value() == DEVELOPMENT_KEY for key in self.sealing_keys.values())


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


def _decoded(key: SecretStr) -> bytes:
    try:
        raw = base64.b64decode(key.get_secret_value(), validate=True)
    except binascii.Error:
        raise ValueError("a key is not in base64") from None
    if len(raw) != 32:  # noqa: PLR2004 - AES-256 and HMAC-SHA256
        raise ValueError("a key has 32 bytes")
    return raw
