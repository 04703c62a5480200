"""Settings of an API process: its address, what it serves, and who stands in front."""

from pydantic import Field

from backend.settings.process import ProcessSettings
from backend.settings.values import Switch


class ApiSettings(ProcessSettings):
    """What a process has beside that serves HTTP."""

    host: str = Field(default="127.0.0.1", description="The address that the API listens on.")
    port: int = Field(
        default=8000, ge=0, le=65535, description="The API's port; 0 takes a free one."
    )
    introspection: Switch = Field(
        default=None,
        description="Whether clients may ask for the schema; by default in development only.",
    )
    graphiql: Switch = Field(
        default=None, description="Whether /graphiql is served; by default in development only."
    )
    body_limit_bytes: int = Field(
        default=1_048_576,
        ge=1024,
        le=104_857_600,
        description="A request's longest body; parts of imported files have a limit of their own.",
    )
    drain_grace_seconds: int = Field(
        default=0,
        ge=0,
        le=300,
        description="How long requests are still taken after SIGTERM while /readyz says no.",
    )
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=10,
        description="How many proxies of ours stand in front, each adding to X-Forwarded-For.",
    )

    @property
    def allows_introspection(self) -> bool:
        """Whether clients may ask for the schema."""
        return not self.is_production if self.introspection is None else self.introspection

    @property
    def serves_graphiql(self) -> bool:
        """Whether /graphiql is served."""
        return not self.is_production if self.graphiql is None else self.graphiql
