"""The manifest of a client's documents: each with the SHA-256 of its text as its id.

The form is the one of Apollo's tools ("apollo-persisted-query-manifest"), so that a client's build can read it:
an id is the SHA-256 of the operation's file, byte by byte. `manifest.json` lists the operations as they are now;
`released/<version>.json` are manifests of versions that are out there, kept until those are served no more.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import orjson
from graphql import GraphQLError, OperationDefinitionNode, parse

from schema.execution.policy import Audience

FORMAT = "apollo-persisted-query-manifest"
VERSION = 1

_PROJECT = Path(__file__).resolve().parents[2]
# Where each audience's operations and manifests lie; who is not here has no trusted documents yet.
FOLDERS = {
    Audience.APP: _PROJECT / "mobile_contracts",
    Audience.CONSOLE: _PROJECT / "console",
}


class ManifestInvalid(Exception):
    """A manifest or an operation's file is not what it should be; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A document of a manifest; `id` is 64 hexadecimal digits."""

    id: str
    name: str
    kind: str
    text: str


def id_of(text: str) -> str:
    """The id of a document: the SHA-256 of its text."""
    return hashlib.sha256(text.encode()).hexdigest()


def of_operations(folder: Path) -> list[Entry]:
    """The entries of the operations in a folder, one a file, in the order of their names."""
    return [_of_file(path) for path in sorted((folder / "operations").glob("*.graphql"))]


def written(entries: list[Entry]) -> bytes:
    """A manifest as it is committed."""
    operations = [
        {"id": each.id, "name": each.name, "type": each.kind, "body": each.text} for each in entries
    ]
    content = {"format": FORMAT, "version": VERSION, "operations": operations}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read(path: Path) -> list[Entry]:
    """The entries of a manifest. Raises ManifestInvalid, also where an id is not that of its text."""
    try:
        content = orjson.loads(path.read_bytes())
        entries = [
            Entry(each["id"], each["name"], each["type"], each["body"])
            for each in content["operations"]
        ]
        known = (content["format"], content["version"]) == (FORMAT, VERSION)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ManifestInvalid(f"{path}: {type(error).__name__}") from error
    wrong = [each.name for each in entries if id_of(each.text) != each.id]
    if wrong or not known:
        raise ManifestInvalid(f"{path}: {', '.join(wrong) or 'unknown format'}")
    return entries


def served(folder: Path) -> list[Entry]:
    """What a folder's manifest and those of its released versions list, each document once."""
    paths = [folder / "manifest.json", *sorted((folder / "released").glob("*.json"))]
    entries = [each for path in paths for each in read(path)]
    return list({each.id: each for each in entries}.values())


def _of_file(path: Path) -> Entry:
    text = path.read_text(encoding="utf-8")
    try:
        definitions = parse(text).definitions
    except GraphQLError as error:
        raise ManifestInvalid(f"{path}: {error.message}") from error
    operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
    names = [each.name.value for each in operations if each.name is not None]
    if names != [path.stem]:
        raise ManifestInvalid(f"{path}: holds one operation of the file's name")
    return Entry(id_of(text), path.stem, operations[0].operation.value, text)
