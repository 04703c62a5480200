"""The audit of the npm package graphql-http against a server that really listens: every check passes."""

import asyncio
import json
import shutil
from pathlib import Path

from backend import app
from tests.support import browser
from tests.support.api import development_settings

SCRIPT = Path(__file__).with_name("http_audit.mjs")
CHECKS = 61


async def test_every_check_of_the_audit_passes() -> None:
    node = shutil.which("node")
    assert node is not None, "Node 20 is needed: see the README's prerequisites"
    assert (browser.NODE_MODULES / "graphql-http").is_dir(), "run `make npm`"

    async with browser.serving(app.create(development_settings())) as origin:
        auditing = await asyncio.create_subprocess_exec(
            node, str(SCRIPT), f"{origin}/graphql", stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await auditing.communicate()

    assert auditing.returncode == 0
    results = json.loads(printed)
    assert [each for each in results if each["status"] != "ok"] == []
    assert len({each["id"] for each in results}) == CHECKS
