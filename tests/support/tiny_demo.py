"""`bashgah demo` with the tiny services: `python -m tests.support.tiny_demo DATA_DIR PORT [OPTION …]`."""

import asyncio
import sys
from pathlib import Path

import asyncpg
from rich.console import Console
from tortoise.exceptions import OperationalError

from backend import demo
from backend.demo_processes import DemoSettings, Plan
from migrations.rights import APP_ROLE

TINY = (sys.executable, "-m", "tests.support.tiny_services")


async def migrate(url: str) -> None:
    """Make the table of marks; wait for ever, or fail, where the test wants it."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS marks (who text)")
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APP_ROLE):
        await connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN")
    await connection.execute(f"GRANT INSERT ON marks TO {APP_ROLE}")
    await connection.close()
    if "failing-migration" in sys.argv:
        raise OperationalError("no such column")
    if "slow-migration" in sys.argv:
        print("migrating", flush=True)  # noqa: T201 - the test waits for it
        await asyncio.Event().wait()


def run(data_dir: str, port: str, *options: str) -> int:
    """Run the demo until it is told to stop; gives its exit code."""
    plan = Plan(
        migrate=migrate,
        seed=(*TINY, "seed", *options),
        services=(("api", (*TINY, "api", *options)), ("worker", (*TINY, "worker"))),
    )
    settings = DemoSettings(
        data_dir=Path(data_dir), port=int(port), environment={"TINY": "passed on"}
    )
    return demo.run_demo(settings, Console(width=200), plan=plan)


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
