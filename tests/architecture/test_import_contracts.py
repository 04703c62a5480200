"""The house's import contracts hold, each of them notices its breach, and none forgets a slice."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("backend", "schema")
NOT_SLICES = {"core", "infra", "commands", "club_seed", "settings"}

LAYERS = "Imports go down the house's layers"
SLICE_LAYERS = "Imports go down a slice's layers"
ORGANIZATION_IS_PRIVATE = "Tables and queries of organization are its own"
STORES_IS_PRIVATE = "Tables and queries of stores are its own"
PRIVATE = "Tables and queries of {} are its own"
PURE = "core and every domain are pure"
NO_GRAPHQL = "Slices know nothing of GraphQL"
THIN_SCHEMA = "schema asks services, never the database or the cache"


class Breach(NamedTuple):
    module: str
    imports: str
    breaks: frozenset[str]


def breach(module: str, imports: str, *breaks: str) -> Breach:
    return Breach(module, imports, frozenset(breaks))


BREACHES = [
    breach("backend.core.money", "backend.infra.db", LAYERS),
    breach("backend.infra.db", "backend.organization.service", LAYERS),
    breach("backend.organization.service", "backend.stores.service", LAYERS),
    breach("backend.stores.service", "schema.root", LAYERS),
    breach("backend.infra.db", "backend.app", LAYERS),
    breach("schema.stores", "backend.app", LAYERS),
    breach("schema.context", "backend.settings.api", LAYERS),
    breach("backend.stores.service", "backend.notifications.service", LAYERS),
    breach("backend.stores.domain", "backend.stores.service", SLICE_LAYERS),
    breach("backend.stores.models", "backend.stores.repository", SLICE_LAYERS),
    breach("backend.stores.opening", "backend.stores.models", SLICE_LAYERS),
    breach("backend.stores.repository", "backend.stores.importing", SLICE_LAYERS),
    breach("backend.stores.repository_derived", "backend.stores.repository_parts", SLICE_LAYERS),
    breach("backend.stores.clusters", "backend.stores.settlement_seals", SLICE_LAYERS),
    breach("backend.organization.repository", "backend.organization.service", SLICE_LAYERS),
    breach("schema.stores", "backend.stores.models", STORES_IS_PRIVATE),
    breach("backend.cli", "backend.stores.repository", STORES_IS_PRIVATE),
    breach("backend.commands.reindex", "backend.stores.repository_derived", STORES_IS_PRIVATE),
    breach("backend.stores.service", "backend.organization.repository", ORGANIZATION_IS_PRIVATE),
    breach("backend.stores.repository", "backend.organization.models", ORGANIZATION_IS_PRIVATE),
    breach("schema.access_log", "backend.audit.repository", PRIVATE.format("audit")),
    breach("backend.stores.service", "backend.members.models", PRIVATE.format("members")),
    breach("schema.notifications", "backend.notifications.models", PRIVATE.format("notifications")),
    breach("backend.loans.service", "backend.access.repository", PRIVATE.format("access")),
    breach("backend.loans.service", "backend.deductions.models", PRIVATE.format("deductions")),
    breach("schema.loans", "backend.loans.repository", PRIVATE.format("loans")),
    breach("schema.purchases", "backend.purchases.models", PRIVATE.format("purchases")),
    breach("backend.members.service", "backend.approvals.repository", PRIVATE.format("approvals")),
    breach("schema.import_files", "backend.imports.repository_uploads", PRIVATE.format("imports")),
    breach("backend.audit.chain", "asyncpg", PURE),
    breach("backend.core.money", "redis", PURE),
    breach("backend.core.clock", "httpx", PURE),
    breach("backend.stores.domain", "tortoise", PURE),
    breach("backend.stores.opening_text", "starlette.requests", PURE),
    breach("backend.organization.domain", "pgqueuer", PURE),
    breach("backend.core.errors", "strawberry", PURE, NO_GRAPHQL),
    breach("backend.stores.service", "strawberry", NO_GRAPHQL),
    breach("backend.infra.db", "graphql", NO_GRAPHQL),
    breach("schema.stores", "tortoise.expressions", THIN_SCHEMA),
    breach("schema.context", "redis.asyncio", THIN_SCHEMA),
]


def broken_contracts(tree: Path) -> tuple[set[str], str]:
    """The names of the contracts broken in `tree`, and the whole report."""
    run = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
        cwd=tree,
        env={**os.environ, "COLUMNS": "500", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    report = run.stdout + run.stderr
    assert "Contracts: " in report, report
    broken = {
        line.removesuffix("BROKEN").strip()
        for line in run.stdout.splitlines()
        if line.rstrip().endswith(" BROKEN")
    }
    assert (run.returncode == 0) == (not broken), report
    return broken, report


def contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, object]] = settings["tool"]["importlinter"]["contracts"]
    return found


def strings(contract: dict[str, object], key: str) -> list[str]:
    values = contract[key]
    assert isinstance(values, list)
    return [str(value) for value in values]


def contract(identifier: str) -> dict[str, object]:
    return next(each for each in contracts() if each["id"] == identifier)


def names(layer: str) -> set[str]:
    """The modules of one layer of a contract, without the marks around them."""
    return {name.strip(" ()") for name in layer.replace("|", ":").split(":")}


def slices() -> list[str]:
    return sorted(
        folder.name
        for folder in (ROOT / "backend").iterdir()
        if (folder / "__init__.py").exists() and folder.name not in NOT_SLICES
    )


def module_file(tree: Path, module: str) -> Path:
    """The file of a module in `tree`, created with its packages where it does not exist yet."""
    path = tree.joinpath(*module.split("."))
    if path.is_dir():
        return path / "__init__.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    for package in path.relative_to(tree).parents:
        if package != Path():
            (tree / package / "__init__.py").touch()
    path.with_suffix(".py").touch()
    return path.with_suffix(".py")


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """Empty modules at the places of ours: only the seeded import can break a contract."""
    for package in PACKAGES:
        for source in (ROOT / package).rglob("*.py"):
            copy = tmp_path / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch()
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return tmp_path


def test_every_contract_holds() -> None:
    broken, report = broken_contracts(ROOT)

    assert broken == set(), report


@pytest.mark.parametrize("seeded", BREACHES, ids=lambda each: f"{each.module}->{each.imports}")
def test_a_breach_is_reported_by_its_contract_alone(skeleton: Path, seeded: Breach) -> None:
    if seeded.imports.split(".", maxsplit=1)[0] in PACKAGES:
        module_file(skeleton, seeded.imports)
    module_file(skeleton, seeded.module).write_text(f"import {seeded.imports}\n", encoding="utf-8")

    broken, report = broken_contracts(skeleton)

    assert broken == seeded.breaks, report


def test_a_new_file_in_a_slice_needs_a_rank(skeleton: Path) -> None:
    module_file(skeleton, "backend.stores.helpers")

    broken, report = broken_contracts(skeleton)

    assert broken == {SLICE_LAYERS}
    assert "backend.stores.helpers" in report


def test_every_contract_has_a_seeded_breach() -> None:
    seeded = frozenset[str]().union(*(each.breaks for each in BREACHES))

    assert {each["name"] for each in contracts()} == seeded


def test_every_module_of_the_backend_has_a_layer() -> None:
    layered = set[str]().union(*map(names, strings(contract("layers"), "layers")))
    modules = {
        f"backend.{path.stem}"
        for path in (ROOT / "backend").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    } - {"backend.__init__"}

    assert modules - layered == set()


def test_every_module_that_ranks_with_a_domain_is_held_pure() -> None:
    lowest = names(strings(contract("slice-layers"), "layers")[-1]) - {"domain"}
    pure_rules = {
        f"backend.{name}.{module}"
        for name in slices()
        for module in lowest
        if (ROOT / "backend" / name / f"{module}.py").exists()
    }

    assert pure_rules - set(strings(contract("pure"), "source_modules")) == set()


@pytest.mark.parametrize("name", slices())
def test_a_slice_keeps_its_tables_and_queries_to_itself(name: str) -> None:
    private = contract(f"{name}-is-private")

    assert private["type"] == "protected"
    folder = ROOT / "backend" / name
    assert strings(private, "protected_modules") == [
        f"backend.{name}.{file.stem}"
        for file in (folder / "models.py", *sorted(folder.glob("repository*.py")))
    ]
    assert strings(private, "allowed_importers") == [f"backend.{name}"]


@pytest.mark.parametrize("name", slices())
def test_a_slice_stands_in_the_contracts_for_all_slices(name: str) -> None:
    assert f"backend.{name}" in strings(contract("slice-layers"), "containers")
    assert f"backend.{name}" in strings(contract("no-graphql"), "source_modules")


# The package managers' own configuration says where packages come from; a committed address would
# bind every machine to one registry.
ADDRESSES = {
    "*requirements*": ("://", "--index-url", "--extra-index-url", "--find-links", "--trusted-host"),
    "*.lock": ("://", "--index-url", "--extra-index-url", "--find-links", "--trusted-host"),
    "package-lock.json": ('"resolved"', '"version": "http', '"version": "git'),
    ".npmrc": ("registry=",),
}
MADE_BY_TOOLS = {"node_modules", ".venv", ".uv", ".git", ".data"}


def files_of_the_project() -> Iterator[Path]:
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in MADE_BY_TOOLS]
        yield from (Path(folder, file) for file in files)


def addresses(path: Path) -> list[str]:
    """The lines of a lock file that hold a download address; none for any other file."""
    marks = {mark for glob, found in ADDRESSES.items() if path.match(glob) for mark in found}
    if not marks:
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if any(mark in line for mark in marks)]


def test_no_lock_file_holds_a_download_address() -> None:
    found = {str(path.relative_to(ROOT)): addresses(path) for path in files_of_the_project()}

    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_lock_files_exist_and_carry_hashes() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert "--hash=sha256:" in (ROOT / name).read_text(encoding="utf-8")
    assert '"integrity": "sha512-' in (ROOT / "package-lock.json").read_text(encoding="utf-8")
