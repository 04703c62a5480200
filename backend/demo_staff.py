"""The demo's staff: operators of every role and a cashier at a till, with secrets of this folder alone."""

from pathlib import Path

from backend import demo_files
from backend.access import seeding
from backend.access.seeding import DemoSecrets
from backend.core.viewer import SYSTEM
from backend.demo_files import DemoStaff
from backend.organization import service as organization
from backend.stores import managing
from backend.stores import seeding as stores


async def seed(data_dir: Path, *, association_code: str | None) -> None:
    """Make the staff in the demo's database; the secrets are noted first, and stay the same from then on."""
    store_id, store_code = await _store()
    noted = demo_files.find_staff(data_dir)
    if noted is None:
        new = seeding.new_secrets()
        noted = DemoStaff(new.password, new.totp_secret, store_code, new.device_id)
        demo_files.write_staff(data_dir, noted)
    known = DemoSecrets(noted.password, noted.totp_secret, noted.device_id)
    await seeding.seed_operators(
        viewer=SYSTEM, known=known, association_id=await _association(association_code)
    )
    await seeding.seed_cashier(viewer=SYSTEM, known=known, store_id=store_id, store_code=store_code)


async def _store() -> tuple[int, str]:
    """The store of the cashier, by its id and code."""
    page = await managing.list_records(
        viewer=SYSTEM, search=stores.DEMO_TILL, state=None, first=1, after=None
    )
    [found] = page.items
    return found.id, found.draft.code


async def _association(code: str | None) -> int:
    """The association of the registrar; the first of all where the demo's member has none."""
    codes = (await organization.list_unit_codes()).associations if code is None else (code,)
    found = await organization.associations_by_code(sorted(codes)[:1])
    return next(iter(found.values())).id
