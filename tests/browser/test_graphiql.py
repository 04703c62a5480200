"""The workbench opens in a real browser, from our own origin alone."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypedDict, cast

import graphql
import httpx
import pytest
import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL

from backend.infra import graphiql
from tests.support import browser


@strawberry.input
class GeoPointInput:
    latitude: float
    longitude: float


@strawberry.type
class StoreCategory:
    name: str


@strawberry.type
class Store:
    name: str
    address: str
    category: StoreCategory


@strawberry.type
class NearbyStoreEdge:
    distance_meters: int
    node: Store


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class NearbyStoreConnection:
    edges: list[NearbyStoreEdge]
    page_info: PageInfo


@strawberry.type
class Query:
    @strawberry.field
    @staticmethod
    def nearby_stores(at: GeoPointInput, radius_meters: int, first: int) -> NearbyStoreConnection:
        grocery = Store(
            name="فروشگاه رفاه زند",
            address="شیراز، خیابان زند",
            category=StoreCategory(name="خواربار"),
        )
        assert (at.latitude, at.longitude) == (29.6103, 52.5311)
        edge = NearbyStoreEdge(distance_meters=radius_meters // first, node=grocery)
        return NearbyStoreConnection(
            edges=[edge], page_info=PageInfo(has_next_page=False, end_cursor=None)
        )


class Seen(TypedDict):
    title: str
    query: str
    result: dict[str, object]
    clientName: str
    requests: list[str]
    complaints: list[str]


@asynccontextmanager
async def workbench(assets: Path | None) -> AsyncIterator[str]:
    endpoint = GraphQL[object, object](strawberry.Schema(Query), graphql_ide=None)
    app = Starlette(routes=[*graphiql.routes(assets), Route("/graphql", endpoint)])
    async with browser.serving(app) as origin:
        yield origin


async def test_the_workbench_runs_its_example_and_asks_nobody_else() -> None:
    async with workbench(browser.NODE_MODULES) as origin:
        seen = cast(
            "Seen",
            await browser.drive(
                Path(__file__).with_name("graphiql.mjs"),
                origin=origin,
                screenshot=os.environ.get("BASHGAH_TEST_SCREENSHOT", ""),
            ),
        )

    assert seen["title"] == "باشگاه — میز کار GraphQL"
    assert seen["query"] == graphiql.example_query().strip()
    assert seen["clientName"] == "graphiql"
    assert seen["result"] == {
        "data": {
            "nearbyStores": {
                "edges": [
                    {
                        "distanceMeters": 1000,
                        "node": {
                            "name": "فروشگاه رفاه زند",
                            "address": "شیراز، خیابان زند",
                            "category": {"name": "خواربار"},
                        },
                    }
                ],
                "pageInfo": {"hasNextPage": False, "endCursor": None},
            }
        }
    }
    assert seen["complaints"] == []
    elsewhere = [url for url in seen["requests"] if not url.startswith((f"{origin}/", "data:"))]
    assert elsewhere == []


def test_the_example_is_valid_in_the_committed_schema() -> None:
    sdl = browser.ROOT.joinpath("schema", "schema.graphql").read_text(encoding="utf-8")

    errors = graphql.validate(graphql.build_schema(sdl), graphql.parse(graphiql.example_query()))

    assert errors == []


async def test_assets_are_kept_for_long_and_the_page_is_made_anew() -> None:
    async with workbench(browser.NODE_MODULES) as origin, httpx.AsyncClient() as client:
        page = await client.get(f"{origin}/graphiql")
        addresses = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
        assets = [await client.get(origin + address) for address in addresses]

    assert page.headers["cache-control"] == "no-store"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert [(asset.status_code, asset.headers["content-type"]) for asset in assets] == [
        *[(200, "text/css; charset=utf-8")] * 2,
        *[(200, "text/javascript; charset=utf-8")] * 4,
    ]
    assert {asset.headers["cache-control"] for asset in assets} == {
        "public, max-age=31536000, immutable"
    }


async def test_each_page_has_its_own_nonce_for_styles() -> None:
    async with workbench(browser.NODE_MODULES) as origin, httpx.AsyncClient() as client:
        pages = [await client.get(f"{origin}/graphiql") for _ in range(2)]

    nonces = [re.findall(r'nonce="([^"]{22})"', page.text) for page in pages]
    assert [len(found) for found in nonces] == [1, 1]
    assert nonces[0] != nonces[1]
    for page, [nonce] in zip(pages, nonces, strict=True):
        assert f"style-src 'self' 'nonce-{nonce}';" in page.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["package.json", "graphiql.min.js", "%2e%2e%2fpackage.json"])
async def test_nothing_but_the_named_assets_is_served(name: str) -> None:
    async with workbench(browser.NODE_MODULES) as origin, httpx.AsyncClient() as client:
        answer = await client.get(f"{origin}/graphiql/assets/{name}")

    assert answer.status_code == 404


@pytest.mark.parametrize("assets", [None, Path("/nonexistent")], ids=["no folder", "empty folder"])
async def test_without_its_libraries_the_page_says_how_to_get_them(assets: Path | None) -> None:
    async with workbench(assets) as origin, httpx.AsyncClient() as client:
        page = await client.get(f"{origin}/graphiql")

    assert page.status_code == 503
    assert page.headers["content-type"] == "text/plain; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert "\n    make npm\n" in page.text
