"""Operators sign in by user name, password and one-time password; and say again who they are before money and roles.

Whatever is wrong is one refusal, after the same work: an unknown user name costs an argon2id hash as well. Tries are
counted before anything is looked at (`guesses`), so that nobody guesses for long, and nobody locks the owner out.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from backend.access import guesses, passwords, staff, staff_sessions, totp
from backend.access import repository_operators as repository
from backend.access import repository_staff_sessions as sessions_repository
from backend.access.domain import DeviceGiven
from backend.access.repository_operators import Candidate
from backend.access.staff import OperatorState, StaffIssued
from backend.access.staff_refusals import CredentialsInvalid, UserNameInvalid
from backend.access.staff_sessions import Place
from backend.audit import service as audit
from backend.core import addresses, clock
from backend.core.permissions import Permission
from backend.core.viewer import ANONYMOUS, Viewer
from backend.infra import db, sealing, telemetry
from backend.infra.sealing import Sealed
from backend.infra.tokens import AccessClaims, Bearer

KNOWN_FOR: Final = timedelta(days=90)  # how long a device or network is known after a sign-in
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
    name = _normal(user_name)
    digest = _recovery_digest(one_time_password)
    device_id = None if device is None else device.id
    candidate = await repository.find_candidate(
        name,
        device_id=device_id if _is_telling(device_id) else None,
        address_index=staff_sessions.address_index(address),
        recovery_digest=digest,
        known_since=clock.now() - KNOWN_FOR,
    )
    source, is_known = _source(candidate, device_id, address)
    tried = await guesses.begin(
        account=f"operator|{name}", source=source, is_known=is_known, address=address
    )
    proof = _proof(candidate, one_time_password, digest)
    hashed = None if candidate is None else candidate.secrets.password_hash
    is_right = await passwords.is_right(password, hashed)
    if candidate is None or proof is None or not is_right:
        await _record_failure(candidate, name)
        raise CredentialsInvalid
    place = Place(
        device_id=staff.UNNAMED_DEVICE if device is None else device.id,
        device_name="" if device is None else device.shown_name,
        address=address,
    )
    issued = await _open(candidate, hashed, proof, place)
    if issued is None:
        await _record_failure(candidate, name)
        raise CredentialsInvalid
    await guesses.was_right(tried)
    claims = AccessClaims(
        subject=candidate.operator.id,
        session=issued.session_id,
        issued_at=clock.now(),
        expires_at=issued.access_token_expires_at,
        bearer=Bearer.OPERATOR,
    )
    return OperatorSignedIn(await staff_sessions.viewer_of(claims), issued)


async def reauthenticate(
    *, viewer: Viewer, session_id: UUID | None, password: str | None, one_time_password: str | None
) -> None:
    """Let the operator's session do for five minutes what asks for `Viewer.require_recent`.

    By the password or by a one-time password. Raises CredentialsInvalid, RateLimited, Unauthenticated, Forbidden, and
    Unavailable.
    """
    viewer.require(Permission.OPERATOR_SELF)
    _, operator_id = staff_sessions.holder_of(viewer)
    if session_id is None:
        raise CredentialsInvalid
    tried = await guesses.begin(
        account=f"operator-again|{operator_id}",
        source=str(session_id),
        is_known=True,
        address=None,
    )
    if not await _confirms(operator_id, password, one_time_password):
        await _record(viewer, operator_id, "operator.reauthentication_failed")
        raise CredentialsInvalid
    async with db.transaction():
        await sessions_repository.save_reauthenticated(session_id, at=clock.now())
        await _record(viewer, operator_id, "operator.reauthenticated")
    await guesses.was_right(tried)


async def _confirms(operator_id: int, password: str | None, one_time_password: str | None) -> bool:
    async with db.transaction():
        found = await repository.lock_operator(operator_id)
        if found is None:
            return False
        secrets = found[1]
        if one_time_password is not None:
            step = _step(operator_id, secrets.totp, one_time_password, secrets.totp_last_step)
            return step is not None and await repository.take_step(operator_id, step)
    return password is not None and await passwords.is_right(password, secrets.password_hash)


async def _open(
    candidate: Candidate, hashed: str | None, proof: _Proof, place: Place
) -> StaffIssued | None:
    """The session; None where the account changed since it was read, or the second factor is spent."""
    operator_id = candidate.operator.id
    async with db.transaction():
        found = await repository.lock_operator(operator_id)
        if found is None or found[1].password_hash != hashed:
            return None
        operator = found[0]
        if operator.state is not OperatorState.ACTIVE:
            return None
        at = clock.now()
        if proof.recovery_digest is not None:
            spent = await repository.take_recovery_code(operator_id, proof.recovery_digest, at=at)
        else:
            spent = proof.step is not None and await repository.take_step(operator_id, proof.step)
        if not spent:
            return None
        issued = await staff_sessions.open_session(
            bearer=Bearer.OPERATOR, holder_id=operator_id, place=place
        )
        await repository.save_signed_in(operator_id, at=at)
        await audit.record(
            viewer=Viewer(ANONYMOUS.kind, actor=operator.actor),
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
        _step(0, None, given, None)
        return None
    if digest is not None:
        return _Proof(recovery_digest=digest) if candidate.has_recovery_code else None
    secrets = candidate.secrets
    step = _step(candidate.operator.id, secrets.totp, given, secrets.totp_last_step)
    return None if step is None else _Proof(step=step)


def _step(operator_id: int, sealed: Sealed | None, given: str, last_step: int | None) -> int | None:
    """The step of a right one-time password. Where there is no secret, the work is done all the same."""
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


def _recovery_digest(given: str) -> bytes | None:
    return recovery_digest(given) if totp.is_recovery_code(given) else None


def _source(
    candidate: Candidate | None, device_id: str | None, address: str | None
) -> tuple[str, bool]:
    """Whose budget a try takes from, and whether it is one of the owner's own."""
    network = f"network|{addresses.group(address)}"
    if candidate is None:
        return network, False
    if candidate.has_recovery_code:
        return "recovery", True
    if candidate.is_known_device:
        return f"device|{device_id}", True
    return network, candidate.is_known_address


def _is_telling(device_id: str | None) -> bool:
    """Whether a device's id could be guessed by nobody."""
    return device_id is not None and len(device_id) >= staff.LEAST_KNOWN_DEVICE_CHARACTERS


def _normal(user_name: str) -> str:
    """The user name; one that nobody may have is an unknown one."""
    try:
        return staff.normal_user_name(user_name)
    except UserNameInvalid:
        return "-"


async def _record_failure(candidate: Candidate | None, name: str) -> None:
    """In the trail an unknown user name is a blind index: it may be a password in the wrong place."""
    known = None if candidate is None else candidate.operator
    blind = sealing.current().blind_index(name, context="operator.user_name").hex()[:32]
    await audit.record(
        viewer=ANONYMOUS,
        action="operator.sign_in_failed",
        object_type="Operator",
        object_id=blind if known is None else str(known.id),
    )
    _log.info("operator.sign_in_failed", operator_id=None if known is None else known.id)


async def _record(viewer: Viewer, operator_id: int, action: str) -> None:
    await audit.record(
        viewer=viewer, action=action, object_type="Operator", object_id=str(operator_id)
    )
