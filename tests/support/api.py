"""The whole application, asked in process: what a client sends, and what it gets."""

import base64
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
from pydantic import SecretStr

from backend import app
from backend.settings import Settings
from schema.execution.policy import Execution

OPERATIONS = Path(__file__).resolve().parents[2] / "mobile_contracts" / "operations"
# Every valid query that a test sends is compiled, or, in the second run of `make test`, none.
EXECUTOR = Execution(os.environ.get("BASHGAH_TEST_EXECUTOR", Execution.ANY))
GRAPHQL_RESPONSE = "application/graphql-response+json"
PRODUCTION_KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in range(1, 5)]


def operation(name: str) -> str:
    """The document of an app's operation."""
    return (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")


def production_settings(**changes: object) -> Settings:
    """Settings that production takes."""
    sealing_key, index_key, signing_key, secret = (SecretStr(key) for key in PRODUCTION_KEYS)
    safe: dict[str, object] = {
        "env": "production",
        "executor": EXECUTOR,
        "database_url": "postgresql://club@db.example/club",
        "cache_url": "redis://cache.example/0",
        "sealing_keys": {"2026-11": sealing_key},
        "sealing_key_current": "2026-11",
        "sealing_index_key": index_key,
        "token_signing_keys": {"2026-11": signing_key},
        "token_signing_key_current": "2026-11",
        "token_secrets": {"2026-11": secret},
        "token_secret_current": "2026-11",
        "audit_signing_keys": {},
        "token_issuer": "https://club.example",
        "sms_route": "http",
        "sms_url": SecretStr("https://sms.example/send?to={to}&text={text}"),
    }
    return Settings(**{**safe, **changes})  # type: ignore[arg-type]  # checked by pydantic


def development_settings(**changes: object) -> Settings:
    """The settings of development with the executor of this run of the tests."""
    return Settings(**{"executor": EXECUTOR, **changes})  # type: ignore[arg-type]  # checked by pydantic


def unlimited(**changes: object) -> Settings:
    """The settings of development, without limits on requests."""
    limits = {f"{name}_requests_per_minute": 0 for name in ("account", "address", "client")}
    return development_settings(**{**limits, **changes})


@dataclass(frozen=True, slots=True)
class Api:
    """A client of the application; database and cache are those of the fixtures `db` and `cache`."""

    client: httpx.AsyncClient

    async def ask(
        self, document: str, variables: Mapping[str, object] | None = None, **headers: str
    ) -> httpx.Response:
        """Run an operation by POST; `accept_language="en"` becomes the header Accept-Language."""
        body = (
            {"query": document}
            if variables is None
            else {"query": document, "variables": variables}
        )
        return await self.post(orjson.dumps(body), **headers)

    async def post(self, body: bytes, **headers: str) -> httpx.Response:
        """Send a body as JSON unless `content_type` says otherwise."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(
            "/graphql", content=body, headers={"content-type": "application/json", **named}
        )


@asynccontextmanager
async def serving(settings: Settings | None = None) -> AsyncIterator[Api]:
    """The application by `backend.app.create`, without its lifespan: the caller has connected already.

    Without other settings there are no limits on requests: all tests come from one address.
    """
    application = app.create(settings or unlimited(cost_report=False))
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://club.test", headers={"accept": GRAPHQL_RESPONSE}
    ) as client:
        yield Api(client)


def codes(response: httpx.Response) -> list[str]:
    """The codes of an answer's errors, in their order."""
    return [error["extensions"]["code"] for error in response.json().get("errors", [])]


def nodes(response: httpx.Response, field: str) -> list[dict[str, object]]:
    """The nodes of a connection in a faultless answer."""
    content = response.json()
    assert "errors" not in content, content["errors"]
    return [edge["node"] for edge in content["data"][field]["edges"]]


def names(response: httpx.Response, field: str) -> list[object]:
    """The names of a connection's nodes in a faultless answer."""
    return [node["name"] for node in nodes(response, field)]
