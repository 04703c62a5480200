"""GraphiQL, the developers' workbench for `/graphql`, served whole from our own origin.

Its libraries are the npm packages of package-lock.json; nothing comes from a content network,
so the workbench opens on a machine without the internet.
"""

import hashlib
import html
import secrets
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

# Name in the page's template → file below node_modules, or beside this module.
_LIBRARIES: Final[Mapping[str, str]] = {
    "react_js": "react/umd/react.production.min.js",
    "react_dom_js": "react-dom/umd/react-dom.production.min.js",
    "graphiql_js": "graphiql/graphiql.min.js",
    "graphiql_css": "graphiql/graphiql.min.css",
}
_OWN: Final[Mapping[str, str]] = {"page_js": "graphiql.js", "page_css": "graphiql.css"}
_MEDIA_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}

# GraphiQL's style sheet carries its fonts and pictures as data; its dialogs add a style element.
_POLICY: Final = Template(
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-$nonce'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS: Final = {
    # Each answer has a nonce of its own.
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_ASSET_HEADERS: Final = {
    # An asset's name begins with a digest of its content: other content has another address.
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
}
_MISSING: Final = """\
میز کار GraphQL هنوز نصب نشده است. در پوشهٔ پروژه این فرمان را اجرا و سپس برنامه را دوباره باز کنید:

    make npm

نشانی /graphql بدون آن هم کار می‌کند.

The GraphQL workbench is not installed yet. In the project's folder run `make npm` (it needs
Node 20 or later), then start again. /graphql works without it.
"""


class _Asset(NamedTuple):
    name: str
    media_type: str
    body: bytes


def routes(assets: Path | None) -> list[BaseRoute]:
    """The routes below /graphiql, with libraries from `assets`, a folder `node_modules`.

    Without the libraries (None, or a file missing) /graphiql answers 503 and says how to get
    them. Files are read here, once; about 1.7 MB stay in memory.
    """
    try:
        libraries = {key: _read_library(assets, file) for key, file in _LIBRARIES.items()}
    except FileNotFoundError:
        return [Route("/graphiql", _missing)]
    served = libraries | {key: _asset(file, _packaged(file)) for key, file in _OWN.items()}
    page = _page_template(served)
    by_name = {asset.name: asset for asset in served.values()}

    async def answer_page(_: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = _POLICY.substitute(nonce=nonce)
        headers = {**_PAGE_HEADERS, "content-security-policy": policy}
        return HTMLResponse(page.substitute(nonce=nonce), headers=headers)

    async def answer_asset(request: Request) -> Response:
        asset = by_name.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        return Response(asset.body, media_type=asset.media_type, headers=_ASSET_HEADERS)

    return [Route("/graphiql", answer_page), Route("/graphiql/assets/{name}", answer_asset)]


def example_query() -> str:
    """The GraphQL document that the workbench opens with."""
    return _packaged("graphiql.graphql").decode()


async def _missing(_: Request) -> Response:
    return PlainTextResponse(_MISSING, 503, {"cache-control": "no-store"})


def _page_template(served: Mapping[str, _Asset]) -> Template:
    """The page with its addresses filled in and `$nonce` still open."""
    addresses = {key: f"/graphiql/assets/{asset.name}" for key, asset in served.items()}
    # A dollar sign begins a variable in GraphQL and a placeholder in a template: doubled, it stays.
    example = html.escape(example_query()).replace("$", "$$")
    page = Template(_packaged("graphiql.html").decode())
    return Template(page.safe_substitute(addresses, example=example))


def _read_library(assets: Path | None, file: str) -> _Asset:
    if assets is None:
        raise FileNotFoundError(file)
    return _asset(file, (assets / file).read_bytes())


def _packaged(file: str) -> bytes:
    return resources.files("backend.infra").joinpath(file).read_bytes()


def _asset(file: str, body: bytes) -> _Asset:
    path = Path(file)
    digest = hashlib.sha256(body).hexdigest()[:16]
    return _Asset(f"{digest}-{path.name}", _MEDIA_TYPES[path.suffix], body)
