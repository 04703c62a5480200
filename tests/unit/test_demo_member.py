"""The demo's panel names a member who can sign in."""

from pathlib import Path

from rich.console import Console

from backend import demo_console, demo_files


def panel(folder: Path) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(
            demo_console.welcome(
                base_url="http://127.0.0.1:8000",
                data_dir=folder,
                environment=folder / "environment",
                seconds=1.0,
            )
        )
    return captured.get()


def test_the_panel_shows_the_noted_member_and_where_the_messages_are(tmp_path: Path) -> None:
    demo_files.write_member(tmp_path, national_code="0012345679", phone="+989612345678")

    assert demo_files.find_member(tmp_path) == ("0012345679", "+989612345678")
    assert "0012345679" in panel(tmp_path)
    assert "+989612345678" in panel(tmp_path)
    assert str(tmp_path / "sms.jsonl") in panel(tmp_path)


def test_without_a_member_the_panel_names_none(tmp_path: Path) -> None:
    assert demo_files.find_member(tmp_path) is None
    assert "Member" not in panel(tmp_path)
