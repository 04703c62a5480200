"""What a gateway wants to be sent and what its answers mean, as settings say it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote, urlencode

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEMPLATE_CHARACTERS: Final = 10_000

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
_METHODS: Final = frozenset({"GET", "POST", "PUT"})
_HEADER_PLACES: Final = frozenset({"id"})


class TemplateInvalid(ValueError):
    """A gateway's settings cannot be used; the text says why and shows no value."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with its values in place. Not shown by `repr`: it holds personal data and keys."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One request of a gateway, with places such as `{to}` in URL, headers and body.

    `body` is JSON, or the fields of a form. A place stands for a text in JSON, and is percent-encoded
    in the URL and in a form, so that no value can change the shape of the request. `{id}` is the same
    for every repetition of a message: with it in the request, the gateway drops repetitions.
    """

    url: str = field(repr=False)
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json_body: str | None = field(default=None, repr=False)
    form_body: Mapping[str, str] | None = field(default=None, repr=False)

    def check(self, *, needed: frozenset[str], allowed: frozenset[str]) -> None:
        """Raise TemplateInvalid where the settings miss a needed place or hold one nobody fills."""
        if self.method not in _METHODS:
            raise TemplateInvalid(f"the method is one of {', '.join(sorted(_METHODS))}")
        if not self.url.startswith(("https://", "http://")):
            raise TemplateInvalid("the URL begins with https:// (or http://)")
        if "{" in self.url.partition("://")[2].partition("/")[0]:
            raise TemplateInvalid("the URL's host is fixed")
        bodies = [body for body in (self.json_body, self.form_body) if body is not None]
        if len(bodies) > 1 or (bodies and self.method == "GET"):
            raise TemplateInvalid("there is one body, JSON or form, and none with GET")
        if any(len(text) > MAX_TEMPLATE_CHARACTERS for text in self._texts()):
            raise TemplateInvalid(f"a template has at most {MAX_TEMPLATE_CHARACTERS} characters")
        if self.json_body is not None:
            try:
                orjson.loads(self.json_body)
            except orjson.JSONDecodeError as error:
                raise TemplateInvalid("the body is no JSON") from error
        in_headers = {place for text in self.headers.values() for place in _PLACE.findall(text)}
        unknown = (self.places() - allowed) | (in_headers - _HEADER_PLACES)
        missing = needed - self.places()
        if unknown or missing:
            raise TemplateInvalid(
                "; ".join(
                    f"{what}: {', '.join(sorted(places))}"
                    for what, places in (("unknown places", unknown), ("missing places", missing))
                    if places
                )
            )

    def places(self) -> frozenset[str]:
        """The names of all places."""
        return frozenset(place for text in self._texts() for place in _PLACE.findall(text))

    def prepare(self, values: Mapping[str, str]) -> Prepared:
        """The request with these values in its places."""

        def fill(text: str) -> str:
            return _PLACE.sub(lambda match: values[match[1]], text)

        url = _PLACE.sub(lambda match: quote(values[match[1]], safe=""), self.url)
        headers = {name: fill(text) for name, text in self.headers.items()}
        if self.json_body is not None:
            headers.setdefault("content-type", "application/json")
            body: bytes | None = orjson.dumps(_filled(orjson.loads(self.json_body), values))
        elif self.form_body is not None:
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
            body = urlencode({name: fill(text) for name, text in self.form_body.items()}).encode()
        else:
            body = None
        return Prepared(self.method, url, headers, body)

    def _texts(self) -> list[str]:
        form = self.form_body or {}
        return [self.url, *self.headers.values(), self.json_body or "", *form.values()]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a JSON answer: its path, such as `return.status`, with numbers for places in lists."""

    path: str

    def read(self, body: bytes) -> str | None:
        """The field's value as text (`200`, `true`); None where the answer has no such scalar."""
        try:
            found: Json = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        for step in self.path.split("."):
            if isinstance(found, dict) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
        if isinstance(found, dict | list) or found is None:
            return None
        return found if isinstance(found, str) else orjson.dumps(found).decode()


def _filled(template: Json, values: Mapping[str, str]) -> Json:
    if isinstance(template, str):
        return _PLACE.sub(lambda match: values[match[1]], template)
    if isinstance(template, list):
        return [_filled(each, values) for each in template]
    if isinstance(template, dict):
        return {name: _filled(each, values) for name, each in template.items()}
    return template
