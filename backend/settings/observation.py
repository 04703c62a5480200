"""Settings of what can be seen of a process from outside: metrics, the log of requests, traces."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from backend.infra.access_log import SLOW_SECONDS
from backend.settings.process import ProcessSettings
from backend.settings.values import NONE_WHERE_EMPTY, Text

Network: TypeAlias = IPv4Network | IPv6Network

LOOPBACK: Final[tuple[Network, ...]] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


class ObservationSettings(ProcessSettings):
    """Who may see the figures, and what is told of requests."""

    metrics_networks: tuple[Network, ...] | None = Field(
        default=None,
        description='Who may read /metrics: `["10.1.0.0/16"]`. By default this machine in development, '
        "nobody in production.",
    )
    access_log: Annotated[Literal["all", "notable"] | None, NONE_WHERE_EMPTY] = Field(
        default=None,
        description="`notable` logs errors, refusals and slow requests, `all` every one. "
        "By default `all` in development, `notable` in production.",
    )
    slow_milliseconds: int = Field(
        default=int(SLOW_SECONDS * 1_000),
        ge=1,
        le=600_000,
        description="From when on a request or an operation is logged as slow.",
    )
    tracing_url: Text = Field(
        default=None,
        pattern="^https?://",
        description="A collector of OpenTelemetry that speaks OTLP over HTTP: `http://127.0.0.1:4318`.",
    )
    tracing_ratio: float = Field(
        default=1.0, ge=0, le=1, description="The part of all traces that is sent to it."
    )

    @property
    def metrics_readers(self) -> tuple[Network, ...]:
        """The networks that may read /metrics."""
        if self.metrics_networks is not None:
            return self.metrics_networks
        return () if self.is_production else LOOPBACK

    @property
    def logs_every_request(self) -> bool:
        """Whether each request leaves a line in the log."""
        if self.access_log is None:
            return not self.is_production
        return self.access_log == "all"
