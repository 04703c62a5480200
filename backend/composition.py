"""What the API and the worker are put together from alike: settings → the adapters and rules of a process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from importlib import import_module

from backend.access import acting_operators, codes, limits, phone_change, sign_in, staff_policy
from backend.access import jobs as access_jobs
from backend.access.limits import SignInLimits
from backend.access.staff_policy import StaffPolicy
from backend.approvals import jobs as approval_jobs
from backend.approvals import service as approvals
from backend.audit import jobs as audit_jobs
from backend.commands import sealing_setup
from backend.imports import jobs as import_jobs
from backend.imports import running as imports
from backend.infra import (
    cache,
    cache_server,
    db,
    rights,
    sealing,
    signing,
    telemetry,
    tokens,
    tracing,
)
from backend.infra.sms import port as sms
from backend.infra.sms.gateway import HttpOwnNumberCheck, HttpSender, Patience
from backend.infra.sms.lines import JsonLinesSender
from backend.infra.sms.template import Field
from backend.members import jobs as member_jobs
from backend.notifications import jobs as notification_jobs
from backend.purchases import service as purchases
from backend.purchases.credit import CreditPolicy
from backend.settings import Settings
from backend.settings.gateways import SmsRoute
from backend.stores import jobs as store_jobs

_log = telemetry.logger(__name__)

CODES_PURPOSE = "access.codes"
SMS_FILE = "sms.jsonl"

# Importing one registers its jobs and schedules.
JOBS = (
    access_jobs,
    approval_jobs,
    audit_jobs,
    import_jobs,
    member_jobs,
    notification_jobs,
    store_jobs,
)


class CacheForgets(Exception):
    """The cache drops keys when it is full, the limits of signing in among them: an open gate."""


class DatabaseBendable(Exception):
    """The database lets this process alter tables, or change the trail or the ledger: `bashgah doctor` says more."""


def configure(settings: Settings) -> None:
    """Set the keys, limits and policies of this process; nothing is connected."""
    sealing.configure(settings.sealer())
    signing.configure(settings.signer())
    ring = settings.key_ring()
    tokens.configure(ring)
    codes.configure(ring.secrets_for(CODES_PURPOSE))
    sign_in.configure(retriever_hashes=settings.sms_retriever_hashes)
    phone_change.configure(support_phone=settings.support_phone)
    limits.configure(
        SignInLimits(
            **{
                each.name: getattr(settings, f"sign_in_{each.name}")
                for each in fields(SignInLimits)
            }
        )
    )
    staff_policy.configure(
        StaffPolicy(
            **{
                each.name: getattr(settings, f"operator_{each.name}")
                for each in fields(StaffPolicy)
            }
        )
    )
    approvals.set_still_may(acting_operators.still_may)
    imports.configure(
        prepare_worker=sealing_setup.configure_sealing,
        pension_number_pattern=settings.pension_number_pattern,
    )
    purchases.configure(
        CreditPolicy(
            version=1,
            cap_rials=settings.credit_cap_rials,
            pension_multiple=settings.credit_pension_multiple,
            deduction_percent=settings.deduction_percent,
            longest_months=settings.credit_longest_months,
            cutoff_day=settings.cutoff_day,
        )
    )


async def check_cache(settings: Settings) -> None:
    """See that the connected cache forgets nothing when it is full; one that is away is left to the doctor.

    Raises CacheForgets in production, and logs it elsewhere.
    """
    try:
        policy = await cache.find_eviction_policy()
    except (cache.CacheNotConnected, cache_server.CacheUnavailable):
        return
    if policy is None:
        return
    if settings.is_production:
        raise CacheForgets(f"the cache's maxmemory-policy is {policy}, and has to be noeviction")
    _log.error("cache.forgets", policy=policy)


async def check_rights(settings: Settings) -> None:
    """See that the connected database lets this process do what it needs and no more; elsewhere the doctor tells.

    Raises DatabaseBendable in production.
    """
    if not settings.is_production:
        return
    async with db.acquire() as connection:
        found = await rights.compare(connection)
    if found.too_much:
        raise DatabaseBendable(
            f"{found.role} has rights that the API must not have, such as: {found.too_much[0]}"
        )


@asynccontextmanager
async def spans(settings: Settings) -> AsyncIterator[None]:
    """Send spans while the block runs, where a collector is set."""
    if settings.tracing_url is None:
        yield
        return
    # Loaded here, because it takes half a second and is mostly off.
    otlp = import_module("backend.infra.tracing_otlp")
    tracer: tracing.Tracer = otlp.OtlpTracer(settings.tracing_url, ratio=settings.tracing_ratio)
    tracing.configure(tracer)
    try:
        yield
    finally:
        tracing.configure(None)
        await asyncio.to_thread(tracer.close)


def configure_sms(settings: Settings) -> None:
    """Set what sends text messages, and who knows the owners of numbers; `sms.port.close` ends it.

    Raises TemplateInvalid where a gateway's settings miss a place, or hold one that nobody fills.
    """
    patience = Patience(
        timeout_seconds=settings.sms_timeout_seconds,
        connect_seconds=min(settings.sms_timeout_seconds, Patience().connect_seconds),
        attempts=settings.sms_attempts,
    )
    sms.configure(
        _sender(settings, patience), own_number_check=_own_number_check(settings, patience)
    )


def _sender(settings: Settings, patience: Patience) -> sms.SmsSender:
    endpoint = settings.sms_endpoint()
    if settings.sms_route is SmsRoute.LINES or endpoint is None:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        return JsonLinesSender(settings.data_dir / SMS_FILE)
    return HttpSender(endpoint, success=settings.sms_success_answer(), patience=patience)


def _own_number_check(settings: Settings, patience: Patience) -> HttpOwnNumberCheck | None:
    endpoint = settings.owner_check_endpoint()
    if endpoint is None:
        return None
    return HttpOwnNumberCheck(
        endpoint,
        field=Field(settings.owner_check_field),
        yes=settings.owner_check_yes,
        no=settings.owner_check_no,
        patience=patience,
    )
