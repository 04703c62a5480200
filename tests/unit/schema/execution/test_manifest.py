"""Manifests: made of operations, read again, and refused where they are not what they say."""

import hashlib
from pathlib import Path

import orjson
import pytest

from schema.execution import manifest
from schema.execution.manifest import FOLDERS, Entry, ManifestInvalid

HOME = "query Home {\n  box { name }\n}\n"
OPEN = "mutation Open { open }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A client's folder with two operations."""
    (tmp_path / "operations").mkdir()
    (tmp_path / "operations" / "Open.graphql").write_text(OPEN, encoding="utf-8")
    (tmp_path / "operations" / "Home.graphql").write_text(HOME, encoding="utf-8")
    return tmp_path


def entry(text: str, name: str, kind: str = "query") -> Entry:
    return Entry(hashlib.sha256(text.encode()).hexdigest(), name, kind, text)


def test_a_manifest_lists_each_operation_with_the_hash_of_its_file(folder: Path) -> None:
    entries = manifest.of_operations(folder)

    assert entries == [entry(HOME, "Home"), entry(OPEN, "Open", "mutation")]
    assert orjson.loads(manifest.written(entries)) == {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [
            {"id": each.id, "name": each.name, "type": each.kind, "body": each.text}
            for each in entries
        ],
    }


def test_what_was_written_is_read_again(folder: Path) -> None:
    entries = manifest.of_operations(folder)
    (folder / "manifest.json").write_bytes(manifest.written(entries))

    assert manifest.read(folder / "manifest.json") == entries


def test_documents_of_released_versions_are_served_beside_those_of_today(folder: Path) -> None:
    old = entry("query Home { __typename }", "Home")
    today = manifest.of_operations(folder)
    (folder / "manifest.json").write_bytes(manifest.written(today))
    (folder / "released").mkdir()
    (folder / "released" / "1.0.0.json").write_bytes(manifest.written([old, today[1]]))

    assert manifest.served(folder) == [*today, old]


@pytest.mark.parametrize(
    "text",
    [
        "query Other { a }",
        "{ a }",
        "query Home { a } query More { a }",
        "fragment Home on Query { a }",
        "query Home {",
    ],
)
def test_a_file_holds_one_operation_of_its_name(folder: Path, text: str) -> None:
    (folder / "operations" / "Home.graphql").write_text(text, encoding="utf-8")

    with pytest.raises(ManifestInvalid, match=r"Home\.graphql"):
        manifest.of_operations(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format": "apollo-persisted-query-manifest", "version": 1}',
        b'{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{}]}',
        b'{"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}',
        b'{"format": "other", "version": 1, "operations": []}',
        manifest.written([Entry("0" * 64, "Home", "query", HOME)]),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)

    with pytest.raises(ManifestInvalid, match=r"manifest\.json"):
        manifest.served(tmp_path)


def test_without_a_manifest_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid):
        manifest.served(tmp_path)


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS.keys())
def test_the_committed_manifests_are_those_of_the_operations(folder: Path) -> None:
    """`make schema` writes them anew."""
    committed = (folder / "manifest.json").read_bytes()

    assert committed == manifest.written(manifest.of_operations(folder))
