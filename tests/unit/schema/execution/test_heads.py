"""What is read of headers, what is remembered of them, and which requests are not usual."""

import pytest

from backend.core.locale import Locale
from backend.infra.clients import Clients
from schema.execution import heads
from schema.execution.heads import HeadReader
from schema.execution.policy import Audience
from schema.negotiation import GRAPHQL_RESPONSE, JSON

Headers = list[tuple[bytes, bytes]]

PLAIN: Headers = [
    (b"content-type", b"application/json"),
    (b"content-length", b"12"),
    (b"accept", GRAPHQL_RESPONSE.encode()),
    (b"accept-language", b"en"),
    (b"x-client-name", b"bashgah-console"),
    (b"x-client-version", b"1.2.0"),
]


def reader(most: int = 65_536) -> HeadReader:
    return HeadReader(Clients(("bashgah-console",)), most)


def without(name: bytes) -> Headers:
    return [header for header in PLAIN if header[0] != name]


def test_what_headers_say() -> None:
    found = reader().read([*PLAIN, (b"authorization", b"bearer  abc "), (b"traceparent", b"x")])

    assert found is not None
    assert (found.length, found.token, found.is_traced) == (12, "abc", True)
    profile = found.profile
    assert (profile.kind, profile.language) == (GRAPHQL_RESPONSE, Locale.EN)
    assert profile.client == ("bashgah-console", "1.2.0")
    assert profile.audience is Audience.CONSOLE


def test_what_is_left_out_has_its_default() -> None:
    found = reader().read([(b"content-type", b"application/json"), (b"content-length", b"0")])

    assert found is not None
    assert (found.length, found.token, found.is_traced) == (0, None, False)
    assert (found.profile.kind, found.profile.language) == (JSON, Locale.FA)
    assert found.profile.audience is Audience.APP


@pytest.mark.parametrize(
    "headers",
    [
        without(b"content-length"),
        without(b"content-type"),
        [*without(b"content-length"), (b"content-length", b"65537")],
        [*without(b"content-length"), (b"content-length", b"1" * 40)],
        [*without(b"content-length"), (b"content-length", b"+1")],
        [*without(b"content-length"), (b"content-length", "۱".encode())],
        [*without(b"accept"), (b"accept", b"text/html")],
        [*PLAIN, (b"accept", b"application/json")],
        [*PLAIN, (b"content-length", b"12")],
        [*PLAIN, (b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
        [*PLAIN, (b"authorization", b"Basic abc")],
        [*PLAIN, (b"origin", b"https://other.test")],
        [*PLAIN, (b"content-encoding", b"gzip")],
        [*PLAIN, (b"transfer-encoding", b"chunked")],
        [*PLAIN, (b"expect", b"100-continue")],
    ],
)
def test_what_is_not_usual_is_left_also_when_it_comes_again(headers: Headers) -> None:
    reads = reader()

    assert reads.read(headers) is None
    assert reads.read(headers) is None


def test_nothing_of_one_member_is_remembered_for_another() -> None:
    reads = reader()
    first = reads.read([*PLAIN, (b"authorization", b"Bearer first"), (b"x-real-ip", b"1.1.1.1")])
    second = reads.read([*PLAIN, (b"authorization", b"Bearer second"), (b"x-real-ip", b"2.2.2.2")])
    nobody = reads.read(PLAIN)

    assert first is not None
    assert second is not None
    assert nobody is not None
    assert (first.token, second.token, nobody.token) == ("first", "second", None)
    assert first.profile is second.profile is nobody.profile


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MAX_KEPT", 3)
    reads = reader()
    for number in range(20):
        assert reads.read([*PLAIN, (b"user-agent", b"%d" % number)]) is not None
    assert 1 <= len(reads._profiles) <= 3

    kept = len(reads._profiles)
    assert reads.read([*PLAIN, (b"user-agent", b"x" * heads.MAX_KEPT_BYTES)]) is not None
    assert len(reads._profiles) == kept
