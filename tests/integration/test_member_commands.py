"""Commands on members as processes: what they ask for, and what they tell."""

import os
import subprocess
import sys
from pathlib import Path

import asyncpg

from benchmarks import membership_file

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code and all that was printed, on one line."""
    ended = subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.returncode, " ".join(ended.stdout.split())


def test_who_accepts_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x\n", encoding="utf-8")

    for given in (["--accept-unusual"], ["--accepted-by", "نام"]):
        code, said = run("import", "members", str(path), *given)

        assert code == 2
        assert "--accept-unusual and --accepted-by NAME go together" in said


async def test_members_are_imported_and_their_seals_counted_and_renewed(
    tmp_path: Path, database_url: str
) -> None:
    path = tmp_path / "a.csv"
    lines = [membership_file.HEADER, *membership_file.rows(3, later=False)]
    path.write_text("".join(",".join(map(str, line)) + "\n" for line in lines), encoding="utf-8")
    keys = '{{"old":"{}","new":"{}"}}'.format("A" * 43 + "=", "B" * 42 + "A=")
    given = {"BASHGAH_DATABASE_URL": database_url, "BASHGAH_SEALING_KEYS": keys}
    old = given | {"BASHGAH_SEALING_KEY_CURRENT": "old"}
    new = given | {"BASHGAH_SEALING_KEY_CURRENT": "new"}

    imported = run("import", "members", str(path), **old)
    renewed = run("seal", "renew", **new)
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE member SET iban_key_id = 'gone' WHERE id = 1")
    await connection.close()
    counted = run("doctor", **new)

    assert imported[0] == 0
    assert "3 rows: 3 created" in imported[1]
    assert renewed[0] == 0
    assert "3 members sealed anew, 0 with a seal that does not open." in renewed[1]
    assert counted[0] == 1
    assert "gone: 1, new: 5" in counted[1]
    assert "bring back to BASHGAH_SEALING_KEYS: gone" in counted[1]
