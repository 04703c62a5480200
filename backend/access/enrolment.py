"""An invited operator sets up the account: a code by SMS, the own password, an authenticator app, recovery codes.

Neither who asked for the account nor who granted it ever holds a secret of it.
"""

import hashlib
import hmac
from dataclasses import dataclass, field, replace

from backend.access import (
    guesses,
    operator_phones,
    operator_sign_in,
    passwords,
    staff,
    staff_policy,
    totp,
)
from backend.access import repository_operator_secrets as secrets_repository
from backend.access import repository_operators as repository
from backend.access.repository_operator_secrets import Secrets
from backend.access.staff import Operator, OperatorState
from backend.access.staff_refusals import EnrolmentInvalid
from backend.audit import service as audit
from backend.core import clock, errors
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS
from backend.infra import db, telemetry, tokens
from backend.infra.sms import port as sms

INVITATION_PURPOSE = "access.invitation"
OBJECT = "Operator"
CODE_GROUPS = 3  # 60 bits
TEXT = errors.sentences(
    fa="حساب کاربری شما در باشگاه ساخته شد.\nنام کاربری: {user_name}\nکد دعوت: {code}\nاین کد را به هیچ‌کس نگویید.",
    en="Your account at the club was made.\nUser name: {user_name}\nInvitation: {code}\nNever tell it to anyone.",
)

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """What the authenticator app is given; shown this once."""

    totp_secret: str = field(repr=False)
    otpauth_uri: str = field(repr=False)


async def invite(*, operator_id: int) -> None:
    """Send an operator the code of the invitation; for the job. A run that is repeated sends another code.

    Raises SmsNotSent, after which another run may succeed.
    """
    code = totp.new_code(CODE_GROUPS)
    async with db.transaction():
        found = await secrets_repository.lock_operator(operator_id)
        if found is None or found[0].state is not OperatorState.INVITED or found[0].phone is None:
            return
        at = clock.now()
        await secrets_repository.save_invitation(
            operator_id,
            digest=digest(code),
            expires_at=at + staff_policy.current().invitation_lifetime,
        )
    operator, _ = found
    assert operator.phone is not None  # noqa: S101 - looked at above
    text = TEXT[Locale.FA].format(user_name=operator.user_name, code=code)
    try:
        await sms.sender().send(
            to=operator_phones.unseal(operator_id, operator.phone),
            text=text,
            message_id=f"operator-{operator_id}-{int(at.timestamp() * 1_000)}",
        )
    except (sms.SmsRefused, sms.SmsUncertain):
        # A colleague who is asked why nothing came can ask for a reset, which invites anew.
        _log.exception("operator.invitation_not_known_sent", operator_id=operator_id)


async def begin(*, user_name: str, code: str, password: str, address: str | None) -> Begun:
    """Set the password of an invited account and get a secret for one-time passwords; public.

    Asked again with the code, it begins anew. Raises PasswordInvalid, EnrolmentInvalid, RateLimited, Unavailable.
    """
    name = staff.tried_user_name(user_name)
    checked = passwords.check(password, user_name=name, field="password")
    operator_id, tried = await _admitted(name, code, address)
    hashed = await passwords.hash_of(checked)
    secret = totp.new_secret()
    async with db.transaction():
        operator, _ = await _invited(operator_id, code)
        await secrets_repository.save_secrets(
            operator.id,
            password_hash=hashed,
            totp=operator_sign_in.seal_totp(operator.id, secret),
        )
    await guesses.was_right(tried)
    return Begun(secret, totp.uri(secret, user_name=name))


async def confirm(
    *, user_name: str, code: str, one_time_password: str, address: str | None
) -> tuple[str, ...]:
    """Prove that the authenticator app has the secret: the account is active; gives the recovery codes, this once.

    Raises EnrolmentInvalid, RateLimited, Unavailable.
    """
    operator_id, tried = await _admitted(staff.tried_user_name(user_name), code, address)
    codes = totp.new_recovery_codes()
    async with db.transaction():
        operator, secrets = await _invited(operator_id, code)
        step = None
        if secrets.totp is not None and secrets.password_hash is not None:
            secret = operator_sign_in.totp_secret(operator.id, secrets.totp)
            step = totp.step_of(secret, one_time_password, moment=clock.now(), after=None)
        if step is None:
            raise EnrolmentInvalid(field=("totp",))
        await secrets_repository.take_step(operator.id, step)
        await secrets_repository.save_invitation(operator.id, digest=None, expires_at=None)
        await secrets_repository.replace_recovery_codes(
            operator.id, [operator_sign_in.recovery_digest(each) for each in codes]
        )
        await repository.save_state(operator.id, OperatorState.ACTIVE)
        await audit.record(
            viewer=replace(ANONYMOUS, actor=operator.actor, scope=operator.scope),
            action="operator.enrol",
            object_type=OBJECT,
            object_id=str(operator.id),
            before={"state": OperatorState.INVITED},
            after={"state": OperatorState.ACTIVE},
        )
    await guesses.was_right(tried)
    return codes


async def _admitted(name: str, code: str, address: str | None) -> tuple[int, guesses.Try]:
    """Whose invitation it is, and a try of who has it. Raises EnrolmentInvalid, RateLimited.

    A right code is never waited for, whatever others have tried: wrong ones are counted for the network that they came
    from, and all cost one statement and no hash, whoever is named. The code has to withstand that by itself: it has
    60 bits and is good for 14 days at most, so who tries 10,000 a second from ever other networks for all of that
    time has made 2^34 tries, and finds it with a chance of 2^-26. Who has it is slowed down as any other known source.
    """
    operator_id = await secrets_repository.find_invited(name, digest=digest(code), at=clock.now())
    if operator_id is None:
        await guesses.begin(
            account=f"invitation|{name}",
            source=guesses.network(address),
            is_known=False,
            address=address,
        )
        raise EnrolmentInvalid(field=("invitationCode",))
    return operator_id, await guesses.begin(
        account=f"invited|{operator_id}", source="code", is_known=True, address=None
    )


async def _invited(operator_id: int, code: str) -> tuple[Operator, Secrets]:
    """The account, locked, where the invitation is still good. Raises EnrolmentInvalid."""
    found = await secrets_repository.lock_operator(operator_id)
    if found is None or found[0].state is not OperatorState.INVITED:
        raise EnrolmentInvalid(field=("invitationCode",))
    stored, until = found[1].invitation_digest, found[1].invitation_expires_at
    if stored is None or until is None or until <= clock.now():
        raise EnrolmentInvalid(field=("invitationCode",))
    if not hmac.compare_digest(bytes(stored), digest(code)):
        raise EnrolmentInvalid(field=("invitationCode",))
    return found


def digest(code: str) -> bytes:
    """What is stored of an invitation's code: an HMAC, for who has the table could search through 60 bits."""
    key = tokens.current().secrets_for(INVITATION_PURPOSE)[0]
    return hmac.digest(key, totp.typed(code).encode(), hashlib.sha256)
