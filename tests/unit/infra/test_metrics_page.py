"""Who may read /metrics, and what stands there."""

import ipaddress
from collections import Counter

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from backend.infra import http_refusals, metrics_page
from backend.infra.allowances import Allowance
from backend.infra.gate import open_gate
from backend.infra.health import Drain
from backend.infra.metrics_sources import (
    JobSource,
    ReferenceDataSource,
    RequestSource,
    ServerSource,
    staleness,
)

NETWORKS = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("::1/128"))


async def get(address: str, **headers: str) -> httpx.Response:
    """What a request from an address gets."""
    registry = open_gate().metrics.registry
    limit = Allowance("account", 300)
    limit.counters.refused = 4
    statuses = Counter({200: 7, 429: 4})
    for source in (
        ServerSource(),
        ReferenceDataSource(),
        RequestSource(statuses, Drain(), {"account": limit}),
    ):
        registry.register(source)
    page = metrics_page.page(registry, JobSource(), networks=NETWORKS)
    app = Starlette(
        routes=[Route("/metrics", page)],
        exception_handlers={HTTPException: http_refusals.answer_http_exception},
    )
    transport = httpx.ASGITransport(app=app, client=(address, 4_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://club.test") as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.get("/metrics", headers=named)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "::1"])
async def test_the_listed_networks_may_see_it(address: str) -> None:
    assert (await get(address)).status_code == 200


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("10.2.0.1", {}),
        ("127.0.0.1", {}),
        ("/run/socket", {}),
        ("10.1.2.3", {"x_forwarded_for": "198.51.100.7"}),
        ("10.1.2.3", {"forwarded": "for=198.51.100.7"}),
        ("10.1.2.3", {"x_real_ip": "10.1.2.3"}),
        ("10.1.2.3", {"via": "1.1 proxy"}),
    ],
)
async def test_for_others_there_is_nothing_here(address: str, headers: dict[str, str]) -> None:
    response = await get(address, **headers)

    assert response.status_code == 404
    assert "bashgah" not in response.text


async def test_what_others_count_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(staleness, "stores", lambda: 2.5)

    response = await get("10.1.2.3")

    shown = set(response.text.splitlines())
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert shown >= {
        'bashgah_http_responses_total{status="200"} 7.0',
        'bashgah_http_responses_total{status="429"} 4.0',
        'bashgah_rate_limit_refusals_total{limit="account"} 4.0',
        'bashgah_reference_data_stale_seconds{data="stores"} 2.5',
        'bashgah_database_connections{state="in_use"} 0.0',
        'bashgah_cache_reads_total{result="hit"} 0.0',
        "bashgah_http_requests_in_flight 0.0",
    }
