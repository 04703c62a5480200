"""Operators sign in by user name, password and one-time password; who is signed in says so again by `confirming`.

Whatever is wrong is one refusal, after the same work: an unknown user name costs an argon2id hash as well. Tries are
counted before anything is looked at (`guesses`), so that nobody guesses for long, and no stranger locks the owner out.
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Final

from backend.access import bearers, guesses, passwords, staff, staff_policy, staff_sessions, totp
from backend.access import repository_operator_secrets as secrets_repository
from backend.access.domain import DeviceGiven
from backend.access.repository_operator_secrets import Candidate
from backend.access.staff import OperatorState, StaffIssued
from backend.access.staff_refusals import CredentialsInvalid
from backend.access.staff_sessions import Place
from backend.audit import service as audit
from backend.core import clock
from backend.core.viewer import ANONYMOUS, Viewer
from backend.infra import db, sealing, telemetry
from backend.infra.sealing import Sealed
from backend.infra.tokens import AccessClaims, Bearer

TOTP_CONTEXT: Final = "operator.totp"

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class OperatorSignedIn:
    """An operator who signed in: who asks from now on, and with which tokens."""

    viewer: Viewer
    issued: StaffIssued


@dataclass(frozen=True, slots=True)
class _Proof:
    """What takes the place of the second factor: the step of a one-time password, or a recovery code's digest."""

    step: int | None = None
    recovery_digest: bytes | None = field(default=None, repr=False)


async def operator_sign_in(
    *,
    user_name: str,
    password: str,
    one_time_password: str,
    device: DeviceGiven | None,
    address: str | None,
) -> OperatorSignedIn:
    """Sign an operator in; public, alike and alike long for every user name.

    In place of the one-time password a recovery code may stand, each once. Raises CredentialsInvalid, RateLimited,
    DeviceInvalid, and Unavailable where the cache or the database is away.
    """
    name = staff.tried_user_name(user_name)
    digest = recovery_digest_of(one_time_password)
    device_id = None if device is None else device.id
    candidate = await secrets_repository.find_candidate(
        name,
        device_id=device_id if _is_telling(device_id) else None,
        address_index=staff_sessions.address_index(address),
        recovery_digest=digest,
        known_since=clock.now() - staff_policy.current().known_for,
    )
    source, is_known = _source(candidate, device_id, address)
    account = f"operator|{name}"
    tried = await guesses.begin(account=account, source=source, is_known=is_known, address=address)
    proof = _proof(candidate, one_time_password, digest)
    hashed = None if candidate is None else candidate.secrets.password_hash
    is_right = await passwords.is_right(password, hashed)
    has_factor = is_right or proof is not None
    counted = (
        tried if is_known else await guesses.has_room(tried, account=account, has_factor=has_factor)
    )
    issued = None
    if candidate is not None and proof is not None and is_right and counted is not None:
        issued = await _open(candidate, hashed, proof, _place(device, address))
    if candidate is None or counted is None or issued is None:
        await _record_failure(candidate, name, has_factor=has_factor)
        raise CredentialsInvalid
    await guesses.was_right(counted)
    claims = AccessClaims(
        subject=candidate.operator.id,
        session=issued.session_id,
        issued_at=clock.now(),
        expires_at=issued.access_token_expires_at,
        bearer=Bearer.OPERATOR,
    )
    return OperatorSignedIn(await bearers.viewer_of(claims), issued)


async def _open(
    candidate: Candidate, hashed: str | None, proof: _Proof, place: Place
) -> StaffIssued | None:
    """The session; None where the account is not active, changed since it was read, or the second factor is spent."""
    operator_id = candidate.operator.id
    if candidate.operator.state is not OperatorState.ACTIVE:
        return None
    async with db.transaction():
        found = await secrets_repository.lock_operator(operator_id)
        if found is None or found[1].password_hash != hashed:
            return None
        operator = found[0]
        if operator.state is not OperatorState.ACTIVE:
            return None
        at = clock.now()
        if proof.recovery_digest is not None:
            spent = await secrets_repository.take_recovery_code(
                operator_id, proof.recovery_digest, at=at
            )
        else:
            spent = proof.step is not None and await secrets_repository.take_step(
                operator_id, proof.step
            )
        if not spent:
            return None
        issued = await staff_sessions.open_session(
            bearer=Bearer.OPERATOR, holder_id=operator_id, place=place
        )
        await secrets_repository.save_signed_in(operator_id, at=at)
        await audit.record(
            viewer=replace(ANONYMOUS, actor=operator.actor, scope=operator.scope),
            action="operator.sign_in",
            object_type="Operator",
            object_id=str(operator_id),
            after={
                "session": str(issued.session_id),
                "by_recovery_code": proof.recovery_digest is not None,
                "on_known_device": candidate.is_known_device,
            },
        )
    return issued


def _proof(candidate: Candidate | None, given: str, digest: bytes | None) -> _Proof | None:
    if candidate is None:
        step_of(0, None, given, None)
        return None
    if digest is not None:
        return _Proof(recovery_digest=digest) if candidate.has_recovery_code else None
    secrets = candidate.secrets
    step = step_of(candidate.operator.id, secrets.totp, given, secrets.totp_last_step)
    return None if step is None else _Proof(step=step)


def step_of(
    operator_id: int, sealed: Sealed | None, given: str, last_step: int | None
) -> int | None:
    """The step of a right one-time password, None for a wrong or spent one; without a secret the work is the same."""
    secret = totp.new_secret() if sealed is None else totp_secret(operator_id, sealed)
    step = totp.step_of(secret, given, moment=clock.now(), after=last_step)
    return None if sealed is None else step


def totp_secret(operator_id: int, sealed: Sealed) -> str:
    """The TOTP secret of an operator's row. Raises SealBroken."""
    return sealing.current().unseal(sealed, context=f"{TOTP_CONTEXT}:{operator_id}")


def seal_totp(operator_id: int, secret: str) -> Sealed:
    """A TOTP secret sealed for an operator's row."""
    return sealing.current().seal(secret, context=f"{TOTP_CONTEXT}:{operator_id}")


def recovery_digest(code: str) -> bytes:
    """What is stored of a recovery code: SHA-256 of 80 random bits, as they are typed in small form."""
    return hashlib.sha256(totp.typed(code).encode()).digest()


def recovery_digest_of(given: str) -> bytes | None:
    """That of what has the form of a recovery code; None for what has that of a one-time password."""
    return recovery_digest(given) if totp.is_recovery_code(given) else None


def _source(
    candidate: Candidate | None, device_id: str | None, address: str | None
) -> tuple[str, bool]:
    """Whose budget a try takes from, and whether it is one of the owner's own."""
    network = guesses.network(address)
    if candidate is None:
        return network, False
    if candidate.has_recovery_code:
        return "recovery", True
    if candidate.is_known_device:
        return f"device|{device_id}", True
    return network, candidate.is_known_address


def _place(device: DeviceGiven | None, address: str | None) -> Place:
    return Place(
        device_id=staff.UNNAMED_DEVICE if device is None else device.id,
        device_name="" if device is None else device.shown_name,
        address=address,
    )


def _is_telling(device_id: str | None) -> bool:
    """Whether a device's id could be guessed by nobody."""
    return device_id is not None and len(device_id) >= staff.LEAST_KNOWN_DEVICE_CHARACTERS


async def _record_failure(candidate: Candidate | None, name: str, *, has_factor: bool) -> None:
    """In the trail an unknown user name is a blind index: it may be a password in the wrong place.

    That one factor was right, so that somebody has it, is for the auditors alone.
    """
    known = None if candidate is None else candidate.operator
    blind = sealing.current().blind_index(name, context="operator.user_name").hex()[:32]
    await audit.record(
        viewer=ANONYMOUS if known is None else replace(ANONYMOUS, scope=known.scope),
        action="operator.sign_in_failed",
        object_type="Operator",
        object_id=blind if known is None else str(known.id),
        after={"factor_right": has_factor},
    )
    _log.info("operator.sign_in_failed", operator_id=None if known is None else known.id)
