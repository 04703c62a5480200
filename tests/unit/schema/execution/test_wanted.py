"""What bodies mean, and which of them are remembered."""

from collections.abc import Mapping

import orjson
import pytest

from schema import root
from schema.execution import manifest, wanted
from schema.execution.compilation import Compilation
from schema.execution.documents import Reader
from schema.execution.executor import Executor
from schema.execution.policy import Audience, Limits
from schema.execution.trusted import PROBES, DocumentStore, Trusted, probes
from schema.execution.wanted import BodyReader

STORE = "query Store($id: ID!) { store(id: $id) { name } }"
NEAR = "query Near($at: GeoPointInput, $first: Int) { nearbyStores(at: $at, first: $first) { edges { node { id } } } }"


def bodies(limits: Limits | None = None) -> BodyReader:
    limits, schema = limits or Limits(), root.build()
    core = schema._schema
    reader = Reader(core, limits, compilation=Compilation(schema))
    documents = [reader.read(text) for text in (STORE, NEAR)]
    known = [
        Trusted(manifest.id_of(each.text), Audience.APP, each, each.operation(None))
        for each in documents
    ]
    store = DocumentStore(
        reader, [*known, *probes(reader)], closed_to=frozenset({Audience.CONSOLE})
    )
    return BodyReader(store, Executor(core, limits))


def body(text: str, variables: Mapping[str, object]) -> bytes:
    return orjson.dumps({"documentId": f"sha256:{manifest.id_of(text)}", "variables": variables})


def test_a_body_by_id_is_remembered_with_its_variables() -> None:
    reads = bodies()
    first = reads.read(body(STORE, {"id": "a"}), Audience.APP)
    again = reads.read(body(STORE, {"id": "a"}), Audience.CONSOLE)
    other = reads.read(body(STORE, {"id": "b"}), Audience.APP)

    assert first is not None
    assert again is first
    assert other is not None
    assert (first.variables, other.variables) == ({"id": "a"}, {"id": "b"})
    assert first.document_id == manifest.id_of(STORE)


def test_a_place_is_never_remembered() -> None:
    reads = bodies()
    asked = body(NEAR, {"at": {"latitude": 35.7, "longitude": 51.4}, "first": 5})
    found = reads.read(asked, Audience.APP)

    assert found is not None
    assert found.variables == {"at": {"latitude": 35.7, "longitude": 51.4}, "first": 5}
    assert not reads._kept


@pytest.mark.parametrize(
    "sent",
    [
        b'{"documentId":"%b","variables":{"id":"a","id":"b"}}',
        b'{"documentId":"%b","documentId":"%b","variables":{"id":"a"}}',
        b'{"documentId":"%b","variables":{}}',
        b'{"documentId":"%b","variables":{"id":1}}',
        b'{"documentId":"%b","variables":[]}',
        b'{"documentId":"%b","variables":"x"}',
        b'{"documentId":["%b"],"variables":{"id":"a"}}',
        b'{"documentId":"%b","variables":{"id":"a"}',
        b'["%b"]',
        b"null",
        b"\xff",
        b'{"documentId":"sha256:%b","variables":{"id":"a"}}',
    ],
)
def test_what_is_refused_is_left_to_the_application(sent: bytes) -> None:
    known = f"sha256:{manifest.id_of(STORE)}".encode()

    assert bodies().read(sent.replace(b"%b", known), Audience.APP) is None


@pytest.mark.parametrize(
    "sent",
    [
        '{"variables": {"id": "a"}, "documentId": "ID"}',
        '{"documentId":"ID","variables":{"id":"a"},"operationName":"Store"}',
        '{"documentId":"ID","variables":{"id":"\\u0061"}}',
    ],
)
def test_other_ways_to_write_it_mean_the_same(sent: str) -> None:
    known = f"sha256:{manifest.id_of(STORE)}"
    found = bodies().read(sent.replace("ID", known).encode(), Audience.APP)

    assert found is not None
    assert found.variables == {"id": "a"}


def test_a_cost_beyond_the_limit_is_left() -> None:
    def first(number: int) -> bytes:
        return body(NEAR, {"at": {"latitude": 1.0, "longitude": 2.0}, "first": number})

    reads = bodies(Limits(cost=60))

    assert reads.read(first(20), Audience.APP) is not None
    assert reads.read(first(100), Audience.APP) is None


def test_texts_are_remembered_where_everyone_may_send_them() -> None:
    reads = bodies()
    asked = [orjson.dumps({"query": text}) for text in PROBES]
    text = orjson.dumps({"query": "{ storeCategories { id } }"})

    assert all(reads.read(probe, Audience.CONSOLE) is not None for probe in asked)
    assert reads.read(text, Audience.APP) is not None
    assert reads.read(text, Audience.CONSOLE) is None
    assert set(reads._kept) == set(asked)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "MAX_KEPT", 3)
    reads = bodies()
    for number in range(20):
        assert reads.read(body(STORE, {"id": f"{number}"}), Audience.APP) is not None
    assert 1 <= len(reads._kept) <= 3

    kept = len(reads._kept)
    reads.read(body(STORE, {"id": "x" * wanted.MAX_KEPT_BYTES}), Audience.APP)
    assert len(reads._kept) == kept
