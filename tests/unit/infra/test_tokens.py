"""Access tokens: only our own form, key, algorithm, audience, issuer and time are accepted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import string
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from backend.core import base64url
from backend.core.errors import Unauthenticated
from backend.core.locale import Locale
from backend.infra import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from jwt.types import Options

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
SESSION = uuid.UUID("0193b0a4-7e2c-7b1a-9c3d-5e6f70818293")
OLD_SEED = bytes(range(32))
NEW_SEED = bytes(range(32, 64))
SECRET = bytes(range(64, 96))
OLD_SECRET = bytes(range(96, 128))


def ring(
    *signing: tuple[str, bytes],
    current: str = "new",
    secrets: Sequence[bytes] = (SECRET,),
    secrets_current: str = "0",
    issuer: str = "https://club.test",
    audience: str = "club",
) -> tokens.KeyRing:
    return tokens.KeyRing(
        signing=dict(signing or [("new", NEW_SEED)]),
        current=current,
        secrets={str(number): secret for number, secret in enumerate(secrets)},
        secrets_current=secrets_current,
        issuer=issuer,
        audience=audience,
    )


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    """The ring of these tests; what was configured before comes back."""
    before = tokens._Configured.ring
    tokens.configure(ring())
    yield
    tokens._Configured.ring = before
    tokens._Configured.verified.clear()


def issued(subject: int = 17) -> str:
    return tokens.issue(subject=subject, session=SESSION, at=NOW, expires_at=LATER)


def forged(
    claims: dict[str, object] | None = None,
    header: dict[str, object] | None = None,
    *,
    seed: bytes = NEW_SEED,
    without: str = "",
) -> str:
    """A token signed by hand, with these changes to what we issue; None takes a member away."""
    payload: dict[str, object] = {
        "iss": "https://club.test",
        "aud": "club",
        "sub": "17",
        "sid": str(SESSION),
        "iat": int(NOW.timestamp()),
        "nbf": int(NOW.timestamp()),
        "exp": int(LATER.timestamp()),
        **(claims or {}),
    }
    payload.pop(without, None)
    head = {"alg": "EdDSA", "kid": "new", "typ": "at+jwt", **(header or {})}
    parts = [orjson.dumps(head), orjson.dumps(payload)]
    signed = ".".join(base64url.encode(part) for part in parts)
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(signed.encode())
    return f"{signed}.{base64url.encode(signature)}"


def refused(token: str, *, at: datetime = NOW) -> None:
    with pytest.raises(tokens.TokenInvalid):
        tokens.verify(token, at=at)


def test_a_token_says_what_was_issued() -> None:
    assert tokens.verify(issued(), at=NOW) == tokens.AccessClaims(
        subject=17, session=SESSION, issued_at=NOW, expires_at=LATER
    )


def test_a_token_signed_by_hand_in_our_form_is_accepted() -> None:
    assert tokens.verify(forged(), at=NOW).subject == 17


@given(st.integers(1, 10**19 - 1))
def test_every_member_has_tokens(subject: int) -> None:
    assert tokens.verify(issued(subject), at=NOW).subject == subject


def test_header_and_claims_of_a_token() -> None:
    header, payload, signature = [base64url.decode(part) for part in issued().split(".")]

    assert orjson.loads(header) == {"alg": "EdDSA", "kid": "new", "typ": "at+jwt"}
    assert orjson.loads(payload) == {
        "iss": "https://club.test",
        "aud": "club",
        "sub": "17",
        "sid": "0193b0a4-7e2c-7b1a-9c3d-5e6f70818293",
        "iat": 1795249800,
        "nbf": 1795249800,
        "exp": 1795250400,
    }
    assert len(signature) == 64


def test_a_token_expires_at_its_time_and_not_before() -> None:
    token = issued()

    assert tokens.verify(token, at=LATER - timedelta(microseconds=1)).subject == 17
    with pytest.raises(tokens.TokenExpired):
        tokens.verify(token, at=LATER)


def test_a_remembered_token_expires_as_well() -> None:
    token = issued()
    tokens.verify(token, at=NOW)

    with pytest.raises(tokens.TokenExpired):
        tokens.verify(token, at=LATER)
    with pytest.raises(tokens.TokenExpired):
        tokens.verify(token, at=LATER)


def test_a_token_is_refused_before_its_time_but_for_the_skew_of_our_clocks() -> None:
    token = issued()

    assert tokens.verify(token, at=NOW - timedelta(seconds=5)).subject == 17
    refused(token, at=NOW - timedelta(seconds=5, microseconds=1))
    future = int((NOW + timedelta(minutes=1)).timestamp())
    refused(forged({"nbf": future}))
    refused(forged({"iat": future}))


def test_a_refusal_is_answered_as_unauthenticated() -> None:
    for error in (tokens.TokenInvalid(), tokens.TokenExpired()):
        assert isinstance(error, Unauthenticated)
        assert error.code == "UNAUTHENTICATED"
    assert tokens.TokenExpired().hint(Locale.EN) == "Refresh the session and try again."


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "operators"},
        {"aud": ["club"]},
        {"aud": ["club", "operators"]},
        {"aud": None},
        {"iss": "https://other.test"},
        {"iss": None},
        {"sub": 17},
        {"sub": ""},
        {"sub": "0"},
        {"sub": "017"},
        {"sub": "-1"},
        {"sub": "\u0661"},
        {"sid": "not a uuid"},
        {"sid": 5},
        {"exp": "1795250400"},
        {"exp": 1795250400.5},
        {"exp": True},
        {"exp": 10**18},
        {"iat": None},
    ],
)
def test_claims_of_another_form_are_refused(claims: dict[str, object]) -> None:
    refused(forged(claims))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "iat", "nbf", "exp"])
def test_each_claim_is_required(claim: str) -> None:
    refused(forged(without=claim))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": "Ed25519"},
        {"alg": "eddsa"},
        {"alg": None},
        {"alg": ["EdDSA"]},
        {"typ": "JWT"},
        {"typ": "AT+JWT"},
        {"kid": "other"},
        {"kid": "NEW"},
        {"kid": None},
        {"kid": ["new"]},
        {"kid": {}},
        {"crit": ["exp"]},
        {"b64": False},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": ""}},
        {"jku": "https://thief.test/jwks.json"},
    ],
)
def test_headers_of_another_form_are_refused(header: dict[str, object]) -> None:
    refused(forged(header=header))


def test_a_token_without_a_signature_is_refused() -> None:
    header, payload, _ = issued().split(".")
    none = base64url.encode(b'{"alg":"none","kid":"new","typ":"at+jwt"}')

    refused(f"{header}.{payload}.")
    refused(f"{header}.{payload}")
    refused(f"{none}.{payload}.")
    refused(f"{none}.{payload}")


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused() -> None:
    public = Ed25519PrivateKey.from_private_bytes(NEW_SEED).public_key().public_bytes_raw()
    header = base64url.encode(b'{"alg":"HS256","kid":"new","typ":"at+jwt"}')
    signed = f"{header}.{issued().split('.')[1]}"

    refused(f"{signed}.{base64url.encode(hmac.digest(public, signed.encode(), hashlib.sha256))}")


def test_a_token_of_another_key_under_our_name_is_refused() -> None:
    refused(forged(seed=OLD_SEED))


def test_a_payload_that_is_no_object_is_refused() -> None:
    for payload in (b"[]", b'"text"', b"17", b"null", b"{", b"\xff"):
        header = base64url.encode(b'{"alg":"EdDSA","kid":"new","typ":"at+jwt"}')
        signed = f"{header}.{base64url.encode(payload)}"
        signature = Ed25519PrivateKey.from_private_bytes(NEW_SEED).sign(signed.encode())
        refused(f"{signed}.{base64url.encode(signature)}")


def _padded(part: str) -> str:
    return part + "=" * (-len(part) % 4)


def _signed(header: str, payload: str) -> str:
    """A token whose parts are signed as they are written."""
    signed = f"{header}.{payload}"
    signature = Ed25519PrivateKey.from_private_bytes(NEW_SEED).sign(signed.encode())
    return f"{signed}.{base64url.encode(signature)}"


@pytest.mark.parametrize("padded", [(True, True), (True, False), (False, True)])
def test_a_token_signed_over_padded_parts_is_refused_although_pyjwt_takes_it(
    padded: tuple[bool, bool],
) -> None:
    """A class of vectors of a public suite that PyJWT alone lets pass."""
    # Claims and header of lengths that need padding.
    header = base64url.encode(b'{"alg":"EdDSA","kid":"new", "typ":"at+jwt"}')
    payload = forged({"x": "xxx"}).split(".")[1]
    parts = [
        _padded(part) if pad else part for part, pad in zip((header, payload), padded, strict=True)
    ]
    token = _signed(parts[0], parts[1])
    public = Ed25519PrivateKey.from_private_bytes(NEW_SEED).public_key()

    assert "=" in token
    assert tokens.verify(_signed(header, payload), at=NOW).subject == 17
    assert _taken_by_pyjwt(token, public)
    refused(token)


def test_a_padded_signature_is_refused_although_pyjwt_takes_it() -> None:
    header, payload, signature = issued().split(".")
    token = f"{header}.{payload}.{_padded(signature)}"
    public = Ed25519PrivateKey.from_private_bytes(NEW_SEED).public_key()

    assert token.endswith("==")
    assert _taken_by_pyjwt(token, public)
    refused(token)


def _taken_by_pyjwt(token: str, public: Ed25519PublicKey) -> bool:
    options: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    claims = jwt.decode(token, public, algorithms=["EdDSA"], audience="club", options=options)
    return bool(claims["sub"] == "17")


def _standard_alphabet(part: str) -> str:
    return part.replace("-", "+").replace("_", "/")


def test_the_standard_alphabet_is_refused() -> None:
    """`+` and `/` stand for the same bytes in plain base64."""
    found = 0
    for subject in range(1, 60):
        header, payload, signature = issued(subject).split(".")
        other = _standard_alphabet(signature)
        if other != signature:
            found += 1
            refused(f"{header}.{payload}.{other}")
    assert found > 0


def test_stray_bits_at_the_end_of_a_part_are_refused() -> None:
    header, payload, signature = issued().split(".")
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    last = alphabet.index(signature[-1])
    others = [alphabet[last ^ bits] for bits in range(1, 16)]
    same_bytes = [
        signature[:-1] + other
        for other in others
        if base64.urlsafe_b64decode(signature[:-1] + other + "==")
        == base64.urlsafe_b64decode(signature + "==")
    ]

    assert len(same_bytes) == 15
    for other in same_bytes:
        refused(f"{header}.{payload}.{other}")


@pytest.mark.parametrize("foreign", ["\n", " ", "\r\n", "!", "=", "\u0000", "\u200c", "\u0661"])
def test_foreign_characters_anywhere_are_refused(foreign: str) -> None:
    token = issued()

    for position in (0, 5, token.index("."), token.rindex(".") + 1, len(token)):
        refused(token[:position] + foreign + token[position:])


@pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b", "a.b.c.d", "e30.e30.e30", "x" * 99])
def test_what_is_no_token_is_refused(token: str) -> None:
    refused(token)


def test_more_parts_than_three_are_refused() -> None:
    refused(issued() + ".")
    refused(issued() + "." + issued())


def test_an_overlong_token_is_refused_unread() -> None:
    refused(forged({"padding": "x" * tokens.MAX_TOKEN_CHARACTERS}))


@given(st.data())
def test_no_altered_character_goes_unnoticed(data: st.DataObject) -> None:
    token = issued()
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda one: one != token[position]))

    refused(token[:position] + other + token[position + 1 :])


@given(st.text(max_size=200))
def test_garbage_is_refused_and_never_crashes(token: str) -> None:
    refused(token)


def test_a_token_of_a_former_key_is_accepted_until_the_key_goes() -> None:
    tokens.configure(ring(("old", OLD_SEED), current="old"))
    token = issued()

    tokens.configure(ring(("new", NEW_SEED), ("old", OLD_SEED)))
    assert tokens.verify(token, at=NOW).subject == 17
    assert orjson.loads(base64url.decode(issued().split(".")[0]))["kid"] == "new"

    tokens.configure(ring())
    refused(token)


def test_a_signature_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    token = issued()
    first = tokens.verify(token, at=NOW)
    monkeypatch.setattr(jwt, "decode", None)

    assert tokens.verify(token, at=NOW) is first


def test_the_memory_of_checked_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_VERIFIED", 3)
    given_out = [issued(subject) for subject in range(1, 6)]

    for token in given_out:
        tokens.verify(token, at=NOW)

    assert list(tokens._Configured.verified) == given_out[2:]
    assert tokens.verify(given_out[0], at=NOW).subject == 1


def test_a_refused_token_is_not_remembered() -> None:
    refused(forged(seed=OLD_SEED))

    assert tokens._Configured.verified == {}


def test_the_key_set_shows_public_keys_the_current_one_first() -> None:
    tokens.configure(ring(("a", OLD_SEED), ("new", NEW_SEED)))

    document = tokens.jwks()

    assert [key["kid"] for key in document["keys"]] == ["new", "a"]
    assert document["keys"][1] == {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": "a",
        "x": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
    }
    assert _taken_by_pyjwt(issued(), jwt.PyJWK(document["keys"][0]).key)


def test_secrets_differ_by_purpose_and_the_current_one_comes_first() -> None:
    both = ring(secrets=(OLD_SECRET, SECRET), secrets_current="1")
    refresh, codes = both.secrets_for("access.refresh"), both.secrets_for("access.codes")

    assert len({*refresh, *codes, SECRET, OLD_SECRET}) == 6
    assert refresh[0] == ring().secrets_for("access.refresh")[0]
    assert [len(each) for each in refresh] == [32, 32]


def test_the_keys_of_the_source_code_are_of_the_right_length() -> None:
    signing = base64.b64decode(tokens.DEVELOPMENT_SIGNING_KEY)
    secret = base64.b64decode(tokens.DEVELOPMENT_SECRET)

    tokens.configure(ring(("development", signing), current="development", secrets=(secret,)))
    assert tokens.verify(issued(), at=NOW).subject == 17


@pytest.mark.parametrize(
    ("signing", "current", "secrets", "complaint"),
    [
        ([("new", NEW_SEED)], "old", (SECRET,), "the current signing key is not among the keys"),
        ([("new", NEW_SEED[:31])], "new", (SECRET,), "needs 32 bytes"),
        ([("new", NEW_SEED)], "new", (SECRET[:31],), "needs 32 bytes"),
        ([("new", NEW_SEED)], "new", (), "the current secret is not among the secrets"),
        ([("new", NEW_SEED)], "new", (NEW_SEED,), "two places"),
        ([("new", NEW_SEED), ("old", NEW_SEED)], "new", (SECRET,), "two places"),
        ([("new", NEW_SEED)], "new", (SECRET, SECRET), "two places"),
        ([("a b", NEW_SEED)], "a b", (SECRET,), "id of a key or secret has 1 to 40"),
    ],
)
def test_keys_that_do_not_fit_are_refused(
    signing: list[tuple[str, bytes]], current: str, secrets: Sequence[bytes], complaint: str
) -> None:
    with pytest.raises(tokens.TokenKeyError, match=complaint):
        ring(*signing, current=current, secrets=secrets)


@pytest.mark.parametrize("names", [{"issuer": ""}, {"audience": ""}])
def test_tokens_need_an_issuer_and_an_audience(names: dict[str, str]) -> None:
    with pytest.raises(tokens.TokenKeyError, match="issuer and an audience"):
        ring(**names)  # type: ignore[arg-type]  # one of the two names


def test_nothing_is_signed_before_keys_are_configured() -> None:
    tokens._Configured.ring = None

    with pytest.raises(tokens.TokenKeyError, match="no token keys"):
        issued()


@pytest.mark.parametrize("bearer", tokens.Bearer)
def test_each_kind_of_bearer_has_an_audience_of_its_own(bearer: tokens.Bearer) -> None:
    token = tokens.issue(subject=17, session=SESSION, at=NOW, expires_at=LATER, bearer=bearer)

    assert tokens.verify(token, at=NOW).bearer is bearer
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == f"{tokens.current().audience}{bearer.value}"


@pytest.mark.parametrize("suffix", ["/", "/admins", "/operators/", "operators"])
def test_a_token_for_another_audience_is_nobodys(suffix: str) -> None:
    with pytest.raises(tokens.TokenInvalid):
        tokens.verify(forged({"aud": f"{tokens.current().audience}{suffix}"}), at=NOW)
