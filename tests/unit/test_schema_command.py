"""`bashgah schema`: files are written, compared, and every document that is served can be run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backend.commands import schema as command
from schema import root
from schema.execution import manifest
from schema.execution.manifest import Entry
from schema.execution.policy import Audience

PROVINCES = "query Provinces { provinces { code } }\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A client's folder with one operation; its manifest and the schema's file are to be written."""
    (tmp_path / "operations").mkdir()
    (tmp_path / "operations" / "Provinces.graphql").write_text(PROVINCES, encoding="utf-8")
    monkeypatch.setattr(manifest, "FOLDERS", {Audience.APP: tmp_path})
    monkeypatch.setattr(command, "SCHEMA_FILE", tmp_path / "schema.graphql")
    return tmp_path


def refused(run: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says before it ends with an error."""
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def write() -> None:
    command.export(command.SCHEMA_FILE)


def test_what_is_written_is_what_the_code_says(folder: Path) -> None:
    write()

    command.check()
    assert (folder / "schema.graphql").read_text(encoding="utf-8") == root.sdl()
    [entry] = manifest.read(folder / "manifest.json")
    assert (entry.name, entry.text) == ("Provinces", PROVINCES)


def test_an_operation_that_changed_is_noticed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write()
    file = folder / "operations" / "Provinces.graphql"
    file.write_text(PROVINCES.replace("code", "name"), encoding="utf-8")

    assert "manifest.json is not what the code says" in refused(command.check, capsys)


def test_a_manifest_that_is_missing_is_noticed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write()
    (folder / "manifest.json").unlink()

    assert "manifest.json is not what the code says" in refused(command.check, capsys)


@pytest.mark.parametrize(
    "text", ["query Old { provinces { mayor } }", "query Old { " + "provinces { code } " * 11 + "}"]
)
def test_a_released_document_that_can_t_be_run_any_more_is_noticed(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    write()
    (folder / "released").mkdir()
    old = manifest.written([Entry(manifest.id_of(text), "Old", "query", text)])
    (folder / "released" / "1.0.0.json").write_bytes(old)

    assert "Old: " in refused(command.check, capsys)


def test_an_operation_of_another_name_than_its_file_is_not_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "operations" / "Other.graphql").write_text(PROVINCES, encoding="utf-8")

    assert "holds one operation of the file's name" in refused(write, capsys)
    assert not (folder / "manifest.json").exists()
