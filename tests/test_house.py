"""The rules of the house, which no single room can keep alone."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kyc_gate.cli.main import COMMANDS

HOUSE = Path(__file__).parents[1]
PACKAGE = HOUSE / "kyc_gate"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(folder.parent for folder in PACKAGE.glob("*/__init__.py"))
PAGES = [
    *sorted(HOUSE.glob("*.md")),
    *sorted((HOUSE / "docs").rglob("*.md")),
    *sorted((HOUSE / "examples").glob("*.md")),
]


def named(path: Path) -> str:
    """Return a path as a test's id."""
    return str(path.relative_to(HOUSE))


def written_files() -> list[Path]:
    """Return every file of text that the project keeps under version control."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=HOUSE, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("this copy of the project is not a git working tree")
    paths = [HOUSE / name for name in done.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


@pytest.mark.parametrize("room", ROOMS, ids=named)
def test_a_room_says_in_two_sentences_what_lives_there(room: Path) -> None:
    """A room's `__init__` has a docstring of two sentences: what lives there, and what never does."""
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert text is not None
    assert len(re.findall(r"\.(?:\s|$)", text)) == 2, text


def undocumented(module: Path) -> Iterator[str]:
    """Yield each public class and function of a module that has no docstring, and the module itself."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    if ast.get_docstring(tree) is None:
        yield module.stem
    for node in ast.iter_child_nodes(tree):
        yield from _undocumented(node, "")


def _undocumented(node: ast.AST, inside: str) -> Iterator[str]:
    if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) or node.name.startswith("_"):
        return
    name = f"{inside}{node.name}"
    if ast.get_docstring(node) is None and not _is_signature(node):
        yield name
    if isinstance(node, ast.ClassDef):
        for child in ast.iter_child_nodes(node):
            yield from _undocumented(child, f"{name}.")


def _is_signature(node: ast.AST) -> bool:
    """Return whether a function only states a signature, as in a protocol, where names and types say enough."""
    body = getattr(node, "body", [])
    return len(body) == 1 and isinstance(body[0], ast.Expr) and getattr(body[0].value, "value", None) is ...


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_what_is_public_is_documented(module: Path) -> None:
    """Every module, and every public class and function in it, has a docstring."""
    assert list(undocumented(module)) == []


def test_every_room_stands_on_a_floor() -> None:
    """Each room has its place in the import contract and in the drawing of the house."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    floors = {room.strip() for layer in layers for room in layer.split("|")}
    drawing = (HOUSE / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for room in ROOMS:
        assert room.name in floors
        assert f"`{room.name}`" in drawing
    assert floors - {room.name for room in ROOMS} == {"errors"}


PURE = (
    "model",
    "names",
    "places",
    "lists",
    "ownership",
    "compute",
    "audit",
    "screening",
    "decide",
    "adapters",
    "policy",
)


@pytest.mark.parametrize("room", PURE)
def test_rooms_below_the_world_open_no_address(room: str) -> None:
    """`urllib.request` is not imported where I/O is barred; the import contract cannot name part of a library."""
    for module in (PACKAGE / room).rglob("*.py"):
        assert "urllib.request" not in module.read_text(encoding="utf-8"), module.name


def test_every_dependency_earns_its_place() -> None:
    """The drawing of the house gives each run-time dependency a line."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    drawing = (HOUSE / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for requirement in project["project"]["dependencies"]:
        name = re.match(r"[A-Za-z0-9_-]+", requirement)
        assert name is not None
        assert f"\n| {name[0]} | " in drawing
        assert ">=" in requirement


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    """The page of the command line has a section for each command, with a line that shows how it is called."""
    page = (HOUSE / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {command}\n")[2].partition("\n## ")[0]
    assert f"    kyc-gate {command}" in section


def test_every_option_is_documented() -> None:
    """The page of the command line names each option of each command."""
    page = (HOUSE / "docs" / "cli.md").read_text(encoding="utf-8")
    for module in sorted((PACKAGE / "cli").glob("*.py")):
        for option in re.findall(r'add_argument\(\s*"(--[a-z-]+)"', module.read_text(encoding="utf-8")):
            assert option in page, f"{module.stem} {option}"


def test_the_changelog_has_this_version() -> None:
    """The changelog has a section for the version of the package, and its sections are in order."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    text = (HOUSE / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## [{project['project']['version']}]" in text
    order = ["Security", "Removed", "Deprecated", "Added", "Changed", "Fixed"]
    for section in re.split(r"(?m)^## ", text)[1:]:
        kinds = re.findall(r"(?m)^### (\w+)$", section)
        assert kinds == sorted(kinds, key=order.index)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each relative link of a page leads to a file or folder of the project."""
    text = re.sub(r"(?s)```.*?```", "", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


UNFIT = {
    "a path of somebody's machine": re.compile(r"/(?:home|root|Users)/\w+|/work/(?:main|shared)|/tmp/[a-z]"),
    "data beside the project": re.compile(r"\bshared/"),
    "an unfinished thing": re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b"),
    "a merge that was not finished": re.compile(r"(?m)^(?:<{7} |={7}$|>{7} )"),
}
EXCUSED = {"data beside the project": {"tests/conftest.py", "tests/test_house.py"}}


def test_the_project_speaks_of_itself_alone() -> None:
    """No file names a path of somebody's machine, data beside the project, or something left undone."""
    for file in written_files():
        name = named(file)
        text = file.read_text(encoding="utf-8", errors="replace")
        for what, pattern in UNFIT.items():
            if name in EXCUSED.get(what, set()) or name == "tests/test_house.py":
                continue
            found = pattern.search(text)
            assert found is None, f"{name}: {what}: {found and found[0]}"


NOT_OURS = ("blacklist", "whitelist", "flops", "verdict", "tenant")
"""Words for which the house has better ones: list, clearance, operations, decision, account."""


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_names_keep_to_the_vocabulary(module: Path) -> None:
    """No class, function, argument or record field uses a word for which the house has a better one."""
    given = list(given_names(ast.parse(module.read_text(encoding="utf-8"))))
    assert [name for name in given if any(word in name.lower() for word in NOT_OURS)] == []


def given_names(tree: ast.AST) -> Iterator[str]:
    """Yield each name that a module gives to a class, a function, an argument or a record field."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def test_importing_the_package_is_cheap() -> None:
    """`import kyc_gate` loads no server, client or store."""
    code = "import sys, kyc_gate; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not set(done.stdout.split()) & {"aiohttp", "starlette", "uvicorn", "sqlite3", "rapidfuzz", "msgspec"}


def test_commands_that_only_ask_the_store_are_cheap() -> None:
    """Cases, the ledger and the audit chain are read without an HTTP client, the index of names or readers of lists."""
    code = "import sys; from kyc_gate.cli import audit, cases, ledger_models, ledger_show; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not set(done.stdout.split()) & {"aiohttp", "starlette", "numpy", "structlog", "kyc_gate.lists.read"}


def test_the_public_names_are_those_of_the_readme() -> None:
    """What the readme imports from the package is there."""
    import kyc_gate

    assert set(kyc_gate.__all__) == {"Decision", "Gate", "KYCGateMiddleware", "Outcome", "prove_interception"}
    for name in kyc_gate.__all__:
        assert getattr(kyc_gate, name) is not None
