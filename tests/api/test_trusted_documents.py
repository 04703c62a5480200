"""Trusted documents in the whole application, and the sites whose pages may ask."""

import asyncpg
import pytest

from backend import app
from backend.infra import db as database
from backend.settings import Settings
from schema.execution import manifest, trusted
from tests.support import api as support
from tests.support.api import Api, codes

STORE_SEARCH = manifest.id_of(support.operation("StoreSearch"))
ORIGIN = "https://console.example"
PREFLIGHT = {"origin": ORIGIN, "access-control-request-method": "POST"}


async def test_production_runs_the_app_s_documents_and_no_other(db: None, cache: None) -> None:
    async with support.serving(support.production_settings()) as api:
        by_id = await api.post(f'{{"documentId": "sha256:{STORE_SEARCH}"}}'.encode())
        by_text = await api.ask(support.operation("StoreSearch"))
        other = await api.ask("{ provinces { code } }")
        named = await api.ask("{ provinces { code } }", x_client_name="bashgah-console")
        probes = [await api.ask(text) for text in trusted.PROBES]

    assert [each.json() for each in probes] == [{"data": {"__typename": "Query"}}] * len(probes)
    empty = {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    assert by_id.json() == by_text.json() == {"data": {"stores": empty}}
    for refused in (other, named):
        assert refused.status_code == 400
        assert codes(refused) == ["DOCUMENT_NOT_FOUND"]


async def test_every_operation_of_the_app_is_ready_at_start() -> None:
    ready = app._trusted(Settings().limits(), compiled=True)

    assert {each.operation.name for each in ready} >= {
        path.stem for path in support.OPERATIONS.glob("*.graphql")
    }


async def test_development_tells_what_an_operation_costs() -> None:
    async with support.serving(support.development_settings()) as api:
        answer = await api.ask("{ __typename }")

    assert answer.json() == {
        "data": {"__typename": "Query"},
        "extensions": {"cost": {"requested": 0, "limit": 10_000}},
    }


async def test_a_statement_that_takes_too_long_is_unavailable(api: Api, database_url: str) -> None:
    """The list waits for a lock that somebody else holds, for longer than a statement may take."""
    await database.close()
    await database.connect(database_url, statement_timeout_ms=500)
    somebody = await asyncpg.connect(database_url)
    async with somebody.transaction():
        await somebody.execute("LOCK TABLE store IN ACCESS EXCLUSIVE MODE")
        refused = await api.ask("{ stores { edges { cursor } } }")
    await somebody.close()
    answered = await api.ask("{ stores { edges { cursor } } }")

    assert codes(refused) == ["UNAVAILABLE"]
    assert refused.json()["errors"][0]["extensions"]["retryAfterSeconds"] == 1
    assert answered.json() == {"data": {"stores": {"edges": []}}}


async def test_a_listed_site_may_ask() -> None:
    settings = support.development_settings(cors_origins=(ORIGIN,), cost_report=False)
    async with support.serving(settings) as api:
        preflight = await api.client.options("/graphql", headers=PREFLIGHT)
        answer = await api.ask("{ __typename }", origin=ORIGIN)
        refused = await api.ask("{", origin=ORIGIN)

    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert preflight.headers["access-control-allow-methods"] == "GET, POST"
    allowed = {
        each.strip() for each in preflight.headers["access-control-allow-headers"].split(",")
    }
    assert allowed >= {"authorization", "content-type", "x-client-name", "accept-language"}
    assert "access-control-allow-credentials" not in preflight.headers
    for each in (answer, refused):
        assert each.headers["access-control-allow-origin"] == ORIGIN
        assert "origin" in each.headers["vary"]
        assert "x-request-id" in each.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin", ["https://other.example", "null", "http://console.example", f"{ORIGIN}:8"]
)
async def test_another_site_is_told_nothing(origin: str) -> None:
    settings = support.development_settings(cors_origins=(ORIGIN,))
    async with support.serving(settings) as api:
        preflight = await api.client.options("/graphql", headers={**PREFLIGHT, "origin": origin})
        answer = await api.ask("{ __typename }", origin=origin)

    for each in (preflight, answer):
        assert "access-control-allow-origin" not in each.headers
        assert "access-control-allow-headers" not in each.headers
        assert "origin" in each.headers["vary"]


async def test_without_a_list_no_site_may_ask(bare: Api) -> None:
    preflight = await bare.client.options("/graphql", headers=PREFLIGHT)

    assert preflight.status_code == 405
    assert "access-control-allow-origin" not in preflight.headers
