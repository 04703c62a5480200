"""What the demo says on the terminal."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from backend import demo_files
from backend.access import seeding
from backend.demo_files import DemoStaff


def complain(console: Console, text: str) -> None:
    """Say what went wrong."""
    console.print(text, style="red", markup=False, highlight=False)


def welcome(*, base_url: str, data_dir: Path, environment: Path, seconds: float) -> Panel:
    """Where to look, how to go on in another shell, how to stop."""
    rows = Table.grid(padding=(0, 2))
    member = demo_files.find_member(data_dir)
    staff = demo_files.find_staff(data_dir)
    for name, value in (
        ("GraphiQL", f"{base_url}/graphiql"),
        ("GraphQL", f"{base_url}/graphql"),
        ("Health", f"{base_url}/healthz  {base_url}/readyz"),
        ("Tour", "README.md"),
        *(() if member is None else (("Member", f"national code {member[0]}, phone {member[1]}"),)),
        *(() if member is None else (("SMS", str(data_dir / "sms.jsonl")),)),
        *(() if staff is None else _staff(data_dir, staff)),
        ("Shell", f". '{environment}'  then bashgah doctor, seed, import …"),
        ("Data", str(data_dir)),
        ("Logs", str(data_dir / "logs")),
        ("Stop", "Ctrl-C; a second one hurries"),
        ("Wipe", f"stop, then rm -rf '{data_dir}'"),
    ):
        rows.add_row(f"[bold]{name}[/bold]", escape(value))
    return Panel(rows, title=f"Bashgah is ready after {seconds:.1f} s", expand=False)


def _staff(data_dir: Path, staff: DemoStaff) -> tuple[tuple[str, str], ...]:
    """Who of the staff may sign in, and by what."""
    names = " ".join(seeding.OPERATORS)
    return (
        ("Operators", f"{names}; password {staff.password}"),
        ("One-time", f"bashgah operator code < '{demo_files.totp_file(data_dir)}'"),
        ("Cashier", f"{seeding.CASHIER} of store {staff.store_code}, the same password"),
        ("Till", f"device id {staff.device_id}"),
    )
