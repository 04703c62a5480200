"""The documents say what is true: settings, links, paths, commands, and the queries of the tour."""

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import parse, validate
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from backend import cli
from backend.settings import Settings
from schema import root

ROOT = Path(__file__).resolve().parents[2]
ADR_FOLDER = ROOT / "docs" / "adr"
TOP_LEVEL = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
DOCUMENTS = [*(ROOT / name for name in TOP_LEVEL), *sorted((ROOT / "docs").rglob("*.md"))]
MADE_BY_TOOLS = {".venv", ".uv", ".git", ".data", "node_modules", "__pycache__"}
ADR_SECTIONS = ["Context", "Decision", "Consequences", "What enforces it"]
ADR_MOST_WORDS = 500  # a page

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
SETTING_ROW = re.compile(r"^\| `(BASHGAH_\w+)` \| (.+?) \| (.+) \|$", re.MULTILINE)
VARIABLE = re.compile(r"\bBASHGAH_[A-Z][A-Z_]*\b")
MAKE = re.compile(r"(?:^|[\s(&;])make ([a-z][a-z-]*)", re.MULTILINE)
BASHGAH = re.compile(r"(?:^|[\s/&;])bashgah ([a-z][^\n#|&;]*)", re.MULTILINE)
QUERY = re.compile(r'"query":("(?:[^"\\]|\\.)*")')
SUFFIXES = "py|md|toml|tsv|json|graphql|lock|yml|css|js|mjs"
MEDIA_TYPE = re.compile(r"(application|text|image)/")
PATH = re.compile(rf"\.?[\w-][\w.-]*(?:/[\w.-]+)+/?|\.?[\w-]+/|[\w.-]*\w\.(?:{SUFFIXES})")


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def code_of(document: Path) -> Iterator[str]:
    """Every piece of code of a document: fenced blocks and inline."""
    text = document.read_text(encoding="utf-8")
    yield from (body for _, body in FENCE.findall(text))
    yield from INLINE_CODE.findall(FENCE.sub("", text))


def anchors_of(document: Path) -> set[str]:
    headings = HEADING.findall(FENCE.sub("", document.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def shown_default(field: FieldInfo) -> str:
    """A default as the table shows it; keys are not repeated."""
    default = field.default
    if default is None or default in ("", {}, ()):
        return "–"
    if isinstance(default, SecretStr | dict | tuple):
        return "a key of the source code"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def files_of_the_project() -> set[str]:
    """Every file and folder, as written from the project's folder."""
    found = set[str]()
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in MADE_BY_TOOLS]
        found |= {str(Path(folder, name).relative_to(ROOT)) for name in (*folders, *files)}
    return found


def named_paths(document: Path) -> set[str]:
    """What of a document's code looks like a path of the project; placeholders and addresses do not."""
    found = set()
    for code in code_of(document):
        for word in re.split(r"[\s,;()|]+", code):
            is_ours = word.split("/")[0] not in MADE_BY_TOOLS and not MEDIA_TYPE.match(word)
            if is_ours and PATH.fullmatch(word):
                found.add(word.rstrip("/"))
    return found


def commands_of(command: object) -> dict[str, object]:
    return getattr(command, "commands", {})


def options_of(command: object) -> set[str]:
    parameters = getattr(command, "params", [])
    return {option for parameter in parameters for option in parameter.opts} | {"--help"}


def fault_of(line: str, commands: dict[str, object]) -> str | None:
    """What of `bashgah …` does not exist: a command or an option."""
    command: object = None
    for word in shlex.split(line):
        if word.startswith("--"):
            if word.partition("=")[0] not in options_of(command):
                return word
        elif commands:
            if word not in commands:
                return word
            command = commands[word]
            commands = commands_of(command)
    return None


@pytest.fixture(scope="module")
def commands() -> dict[str, object]:
    """Every command by its name."""
    return {name: cli.load(name) for name in cli.COMMANDS}


@pytest.fixture(scope="module")
def files() -> set[str]:
    return files_of_the_project()


def test_the_readme_lists_every_setting_with_its_default_and_description() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert SETTING_ROW.findall(readme) == [
        (f"BASHGAH_{name.upper()}", shown_default(field), field.description)
        for name, field in Settings.model_fields.items()
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_variable_that_a_document_names_is_a_setting(document: Path) -> None:
    known = {f"BASHGAH_{name.upper()}" for name in Settings.model_fields}

    assert set(VARIABLE.findall(document.read_text(encoding="utf-8"))) - known == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8"))):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        path = (document.parent / target).resolve() if target else document
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_path_that_a_document_names_exists(document: Path, files: set[str]) -> None:
    missing = {
        path
        for path in named_paths(document)
        if not any(file == path or file.endswith(f"/{path}") for file in files)
    }

    assert missing == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_make_target_that_a_document_names_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {target for code in code_of(document) for target in MAKE.findall(code)}

    assert named - targets == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_bashgah_command_that_a_document_names_exists(
    document: Path, commands: dict[str, object]
) -> None:
    lines = [line for code in code_of(document) for line in BASHGAH.findall(code)]

    assert {line: fault for line in lines if (fault := fault_of(line, commands))} == {}


def test_every_query_of_the_readme_is_valid() -> None:
    schema = root.build()._schema
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    queries = [json.loads(text) for text in QUERY.findall(readme)]

    assert len(queries) >= 7
    assert {query: validate(schema, parse(query)) for query in queries} == {
        query: [] for query in queries
    }


def test_the_license_is_the_one_that_the_package_declares() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_decision_records_are_numbered_without_a_gap_and_all_listed() -> None:
    records = sorted(path.name for path in ADR_FOLDER.glob("[0-9]*.md"))
    listed = LINK.findall((ADR_FOLDER / "README.md").read_text(encoding="utf-8"))

    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))
    assert [link for link in listed if link in records] == records


@pytest.mark.parametrize("record", sorted(ADR_FOLDER.glob("[0-9]*.md")), ids=lambda each: each.stem)
def test_a_decision_record_has_the_form_and_fits_a_page(record: Path) -> None:
    text = record.read_text(encoding="utf-8")

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ADR_SECTIONS
    assert len(text.split()) <= ADR_MOST_WORDS


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("seed --stores 15000 --seed 7", None),
        ("import stores stores.xlsx --dry-run", None),
        ("sow", "sow"),
        ("import purchases", "purchases"),
        ("seed --many", "--many"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(
    line: str, fault: str | None, commands: dict[str, object]
) -> None:
    assert fault_of(line, commands) == fault


def test_paths_are_told_from_other_code(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text(
        "`backend/core/money.py`, `cache.py` and `.data/`; `application/json`, `/graphql`,\n"
        "`backend/<slice>/jobs.py`, `redis://host/0`, `make check`\n\n```\ntests/unit/   rules\n```\n",
        encoding="utf-8",
    )

    assert named_paths(document) == {"backend/core/money.py", "cache.py", "tests/unit"}
