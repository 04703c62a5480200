"""Which document a request means, and who may send others than the trusted ones."""

from pathlib import Path

import pytest

from schema.errors import DocumentNotFound
from schema.execution import manifest, trusted
from schema.execution.asking import Asked, Malformed
from schema.execution.documents import Refused
from schema.execution.manifest import Entry, ManifestInvalid
from schema.execution.policy import Audience, Limits
from schema.execution.trusted import DocumentStore
from tests.support.boxes import CountingReader, nested, reader

HOME = "query Home { box { name } }\n"
OTHER = "{ __typename }"


def entry(text: str, name: str) -> Entry:
    return Entry(manifest.id_of(text), name, "query", text)


def folder_of(path: Path, *entries: Entry) -> Path:
    (path / "manifest.json").write_bytes(manifest.written(list(entries)))
    return path


def asked(text: str | None = None, document_id: str | None = None) -> Asked:
    return Asked(text, document_id, None, {})


@pytest.fixture
def read() -> CountingReader:
    return reader()


@pytest.fixture
def store(read: CountingReader, tmp_path: Path) -> DocumentStore:
    """One trusted document; the app may send no other, the console may."""
    folder = folder_of(tmp_path, entry(HOME, "Home"))
    documents = trusted.load(read, {Audience.APP: folder})
    return DocumentStore(read, documents, closed_to=frozenset({Audience.APP}))


def test_a_trusted_document_is_ready_at_start(store: DocumentStore, read: CountingReader) -> None:
    [known] = store.trusted.values()

    assert (known.id, known.audience) == (manifest.id_of(HOME), Audience.APP)
    assert (known.operation.name, known.operation.cost.of({})) == ("Home", 1)
    assert known.document.text == HOME
    assert read.texts == [HOME]


@pytest.mark.parametrize("audience", Audience)
def test_a_trusted_document_is_found_by_its_id_and_by_its_text(
    store: DocumentStore, read: CountingReader, audience: Audience
) -> None:
    known = store.trusted[manifest.id_of(HOME)].document

    assert store.find(asked(document_id=manifest.id_of(HOME)), audience) is known
    assert store.find(asked(HOME), audience) is known
    assert store.find(asked(HOME, manifest.id_of(HOME)), audience) is known
    assert read.texts == [HOME]


@pytest.mark.parametrize("audience", Audience)
def test_an_unknown_id_is_not_found(store: DocumentStore, audience: Audience) -> None:
    store.find(asked(OTHER), Audience.CONSOLE)

    with pytest.raises(DocumentNotFound):
        store.find(asked(document_id=manifest.id_of(OTHER)), audience)


@pytest.mark.parametrize("audience", Audience)
def test_a_text_with_the_id_of_another_is_refused(store: DocumentStore, audience: Audience) -> None:
    for text in (OTHER, HOME.strip()):
        with pytest.raises(Malformed):
            store.find(asked(text, manifest.id_of(HOME)), audience)


def test_other_documents_are_read_once_for_those_who_may_send_them(
    store: DocumentStore, read: CountingReader
) -> None:
    first = store.find(asked(OTHER), Audience.CONSOLE)

    assert store.find(asked(OTHER, manifest.id_of(OTHER)), Audience.CONSOLE) is first
    assert read.texts == [HOME, OTHER]


def test_other_documents_are_not_even_read_for_those_who_may_not(
    store: DocumentStore, read: CountingReader
) -> None:
    store.find(asked(OTHER), Audience.CONSOLE)

    for text in (OTHER, HOME + " ", "{ box {"):
        with pytest.raises(DocumentNotFound):
            store.find(asked(text), Audience.APP)
    assert read.texts == [HOME, OTHER]


def test_what_can_t_be_parsed_is_not_kept(store: DocumentStore) -> None:
    with pytest.raises(Refused):
        store.find(asked("{ box {"), Audience.CONSOLE)

    assert store.kept.characters == 0


def test_a_refusal_is_remembered(store: DocumentStore, read: CountingReader) -> None:
    for _ in range(2):
        assert store.find(asked("{ bax }"), Audience.CONSOLE).errors

    assert read.texts == [HOME, "{ bax }"]


@pytest.mark.parametrize(
    "text", ["query Home { bax }", nested(5).replace("{", "query Home {", 1), "query Home {"]
)
def test_a_trusted_document_that_can_t_be_run_stops_the_start(tmp_path: Path, text: str) -> None:
    folder = folder_of(tmp_path, entry(text, "Home"))

    with pytest.raises(ManifestInvalid, match="Home"):
        trusted.load(reader(Limits(depth=3)), {Audience.APP: folder})
