"""Trusted documents: those of the manifests, made ready at start, and the rule who may send others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schema.errors import DocumentNotFound
from schema.execution import asking, manifest
from schema.execution.asking import Asked
from schema.execution.documents import Document, Kept, Operation, Reader, Refused
from schema.execution.manifest import Entry, ManifestInvalid
from schema.execution.policy import Audience

PROBES: Final = ("{ __typename }", "{__typename}")


@dataclass(frozen=True, slots=True)
class Trusted:
    """A document of a manifest, valid and within the limits. It has one operation."""

    id: str
    audience: Audience
    document: Document
    operation: Operation


def load(reader: Reader, folders: Mapping[Audience, Path]) -> list[Trusted]:
    """Make the documents of every audience ready. Raises ManifestInvalid where one can't be run."""
    return [
        _ready(reader, audience, entry)
        for audience, folder in folders.items()
        for entry in manifest.served(folder)
    ]


def probes(reader: Reader) -> list[Trusted]:
    """What monitors and gateways send to see whether a GraphQL server answers at all: everyone may."""
    documents = [reader.read(text) for text in PROBES]
    return [
        Trusted(manifest.id_of(each.text), Audience.APP, each, each.operation(None))
        for each in documents
    ]


class DocumentStore:
    """Finds the document that a request means: a trusted one by id or text, else one that was sent."""

    def __init__(
        self, reader: Reader, trusted: Iterable[Trusted], *, closed_to: frozenset[Audience]
    ) -> None:
        """`closed_to` are the audiences that may send trusted documents only."""
        self.trusted: Mapping[str, Trusted] = {each.id: each for each in trusted}
        self.kept = Kept()
        self._by_text = {each.document.text: each.document for each in self.trusted.values()}
        self._reader = reader
        self._closed_to = closed_to

    def find(self, asked: Asked, audience: Audience) -> Document:
        """The document. Raises DocumentNotFound, Malformed for a text with another's id, and Refused.

        A text that is trusted is run for everyone: an id only saves sending it.
        """
        if asked.text is None:
            assert asked.document_id is not None  # noqa: S101 - one of both is there
            found = self.trusted.get(asked.document_id)
            if found is None:
                raise DocumentNotFound
            return found.document
        if asked.document_id is not None and manifest.id_of(asked.text) != asked.document_id:
            raise asking.mismatch()
        document = self._by_text.get(asked.text)
        if document is not None:
            return document
        if audience in self._closed_to:
            raise DocumentNotFound
        return self._sent(asked.text)

    def is_trusted(self, text: str) -> bool:
        """Whether a text is that of a trusted document."""
        return text in self._by_text

    def _sent(self, text: str) -> Document:
        document = self.kept.find(text)
        if document is None:
            document = self._reader.read(text)
            self.kept.keep(document)
        return document


def _ready(reader: Reader, audience: Audience, entry: Entry) -> Trusted:
    try:
        document = reader.read(entry.text)
        operation = document.operation(entry.name)
    except Refused as error:
        reasons = "; ".join(str(each.original_error or each.message) for each in error.errors)
        raise ManifestInvalid(f"{entry.name}: {reasons}") from error
    return Trusted(entry.id, audience, document, operation)
