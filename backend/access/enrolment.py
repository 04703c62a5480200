"""An invited operator sets up the account: a code by SMS, the own password, an authenticator app, recovery codes.

Neither who asked for the account nor who granted it ever holds a secret of it.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

from backend.access import guesses, operator_phones, operator_sign_in, passwords, staff, totp
from backend.access import repository_operators as repository
from backend.access.repository_operators import Secrets
from backend.access.staff import Operator, OperatorState
from backend.access.staff_refusals import EnrolmentInvalid, UserNameInvalid
from backend.audit import service as audit
from backend.core import addresses, clock, errors
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, Viewer
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
        found = await repository.lock_operator(operator_id)
        if found is None or found[0].state is not OperatorState.INVITED or found[0].phone is None:
            return
        at = clock.now()
        await repository.save_invitation(
            operator_id, digest=digest(code), expires_at=at + staff.INVITATION_LIFETIME
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

    Asked again with the code, it begins anew. Raises EnrolmentInvalid, PasswordInvalid, RateLimited, Unavailable.
    """
    name, tried = await _try(user_name, address)
    checked = passwords.check(password, user_name=name, field="password")
    hashed = await passwords.hash_of(checked)
    secret = totp.new_secret()
    async with db.transaction():
        operator, _ = await _invited(name, code)
        await repository.save_secrets(
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
    name, tried = await _try(user_name, address)
    codes = totp.new_recovery_codes()
    async with db.transaction():
        operator, secrets = await _invited(name, code)
        step = None
        if secrets.totp is not None and secrets.password_hash is not None:
            secret = operator_sign_in.totp_secret(operator.id, secrets.totp)
            step = totp.step_of(secret, one_time_password, moment=clock.now(), after=None)
        if step is None:
            raise EnrolmentInvalid(field=("totp",))
        await repository.take_step(operator.id, step)
        await repository.save_invitation(operator.id, digest=None, expires_at=None)
        await repository.replace_recovery_codes(
            operator.id, [operator_sign_in.recovery_digest(each) for each in codes]
        )
        await repository.save_state(operator.id, OperatorState.ACTIVE)
        await audit.record(
            viewer=Viewer(ANONYMOUS.kind, actor=operator.actor),
            action="operator.enrol",
            object_type=OBJECT,
            object_id=str(operator.id),
            before={"state": OperatorState.INVITED},
            after={"state": OperatorState.ACTIVE},
        )
    await guesses.was_right(tried)
    return codes


async def _try(user_name: str, address: str | None) -> tuple[str, guesses.Try]:
    try:
        name = staff.normal_user_name(user_name)
    except UserNameInvalid:
        name = "-"
    tried = await guesses.begin(
        account=f"invitation|{name}",
        source=f"network|{addresses.group(address)}",
        is_known=False,
        address=address,
    )
    return name, tried


async def _invited(name: str, code: str) -> tuple[Operator, Secrets]:
    """The invited account of that user name and code, locked. Raises EnrolmentInvalid."""
    candidate = await repository.find_candidate(
        name, device_id=None, address_index=None, recovery_digest=None, known_since=clock.now()
    )
    found = None if candidate is None else await repository.lock_operator(candidate.operator.id)
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
