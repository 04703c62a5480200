"""Settings of the servers that every process asks: PostgreSQL and Valkey."""

from pydantic import BaseModel, Field

from backend.settings.values import Text


class ServerSettings(BaseModel):
    """Where database and cache are, and how long they are waited for."""

    database_url: str = Field(
        default="",
        pattern="^(postgres(ql)?://.*)?$",
        description="PostgreSQL ≥ 18: `postgresql://user@host/name`.",
    )
    owner_database_url: str = Field(
        default="",
        pattern="^(postgres(ql)?://.*)?$",
        description="The same as the tables' owner, for `migrate` and `seed` only; empty: BASHGAH_DATABASE_URL.",
    )
    database_pool_max: int = Field(
        default=10, ge=1, le=100, description="Connections of one process at the most."
    )
    statement_timeout_ms: int = Field(
        default=5000, ge=10, le=600_000, description="A statement's longest time."
    )
    cache_url: Text = Field(
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

    @property
    def owner_url(self) -> str:
        """The database as its tables' owner."""
        return self.owner_database_url or self.database_url
