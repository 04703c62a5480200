import time
from dataclasses import replace
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.stores.saving import save_drafts
from backend.stores.opening import *
from backend.core.calendar import Weekday
from tests.integration.test_import_stores import DRAFT, seed_categories, ready
async def test_t(ready):
    async def go(tag, drafts):
        s=time.perf_counter(); r=await save_drafts(viewer=SYSTEM, drafts=drafts); print(tag, r, round(time.perf_counter()-s,2))
    plain=replace(DRAFT, settlement=None)
    await go("500 new", [replace(plain,code=f"A{n}") for n in range(500)])
    await go("500 same", [replace(plain,code=f"A{n}") for n in range(500)])
    await go("500 name", [replace(plain,code=f"A{n}",name="x") for n in range(500)])
    await go("500 new settle", [replace(DRAFT,code=f"B{n}") for n in range(500)])
    six=tuple((h*120,h*120+30) for h in range(6))
    heavy=replace(plain,schedule=OpeningSchedule(tuple(OpeningPeriod(d,*x) for d in Weekday for x in six)))
    await go("1000 heavy", [replace(heavy,code=f"C{n}") for n in range(1000)])
    rows=await database.fetch("EXPLAIN ANALYZE INSERT INTO store_opening_period (store_id, weekday, opens_minute, closes_minute) SELECT id, 6, 1,2 FROM store WHERE code LIKE 'A%'")
    print("\n".join(r[0] for r in rows))
