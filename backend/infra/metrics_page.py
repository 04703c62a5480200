"""/metrics, for those who may see it: the text that Prometheus reads."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Final, TypeAlias

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import Response

from backend.infra import telemetry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from prometheus_client import CollectorRegistry
    from starlette.requests import Request

    from backend.infra.metrics_sources import JobSource

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOK_SECONDS: Final = 1.0
# What a proxy adds to a request that comes from outside.
_FORWARDED: Final = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"})

_log = telemetry.logger(__name__)


def page(
    registry: CollectorRegistry, jobs: JobSource, *, networks: tuple[Network, ...]
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint. For whoever is not in the networks, or came through a proxy, there is nothing here."""

    async def endpoint(request: Request) -> Response:
        if not _may_see(request, networks):
            raise HTTPException(404)
        try:
            await asyncio.wait_for(jobs.look(), LOOK_SECONDS)
        except Exception as error:  # noqa: BLE001 - without the database the rest is wanted most
            _log.warning("metrics.jobs_unseen", error=type(error).__name__)
        body = generate_latest(registry)
        return Response(body, headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})

    return endpoint


def _may_see(request: Request, networks: tuple[Network, ...]) -> bool:
    if any(name in _FORWARDED for name, _ in request.scope["headers"]):
        return False
    try:
        address = ipaddress.ip_address("" if request.client is None else request.client.host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
