"""One layout of policy files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kyc_gate.errors import PolicyError
from kyc_gate.policy.layout import laid_out
from kyc_gate.policy.read import shipped_policies

FILES = [path for path in sorted(shipped_policies().glob("*/*.toml")) if path.parent.name != "data"]
MESSY = '''# top of the file


[policy]
revision=1
name   =   "small" # the name
about = "x"
status = "operator"
[limits]
a = 1



# of b
b=2
# --- rules ---

# of the rule
[[rule]]
when = """
  chips.count > 1 &&
# no comment, but a part of the text
  account.known   """
id = "first"
# of the title
title = "t"
cites = [
    "OPERATOR-01",  # why
]
then = "escalate"

# --- more rules ---

[[rule]]
then = "block"
id = "second"
'''
NEAT = '''# top of the file

[policy]
name = "small" # the name
revision = 1
status = "operator"
about = "x"

[limits]
a = 1

# of b
b = 2
# --- rules ---

# of the rule
[[rule]]
id = "first"
# of the title
title = "t"
when = """
  chips.count > 1 &&
# no comment, but a part of the text
  account.known   """
then = "escalate"
cites = [
    "OPERATOR-01",  # why
]

# --- more rules ---

[[rule]]
id = "second"
then = "block"
'''


def test_a_messy_file_is_laid_out() -> None:
    """Spaces, blank lines and keys stand as they should, and every comment where it was."""
    assert laid_out(MESSY, "small") == NEAT


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_files_are_laid_out(path: Path) -> None:
    """What ships stands in the one layout, as `policy fmt --check` asks for."""
    text = path.read_text(encoding="utf-8")
    assert laid_out(text, path.name) == text


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_twice_is_as_good_as_once(path: Path) -> None:
    """Files with their tables' keys turned round say the same afterwards, keep every comment, and then stay."""
    text = _turned(path.read_text(encoding="utf-8"))
    once = laid_out(text, path.name)
    assert laid_out(once, path.name) == once
    assert tomllib.loads(once) == tomllib.loads(text)
    assert sorted(line.strip() for line in once.splitlines() if "#" in line) == sorted(
        line.strip() for line in text.splitlines() if "#" in line
    )


def _turned(text: str) -> str:
    """The text with its first two lines of each rule or case the other way round, and blank lines doubled."""
    return re.sub(r"(?m)^(id|name)( = .*\n)(\w+ = [^\[{\n\"]*\"[^\"\n]+\"\n)", r"\3\1\2", text).replace(
        "\n\n", "\n\n\n"
    )


@pytest.mark.parametrize("text", [MESSY, MESSY.replace("\n", "\r\n"), f"{MESSY}# at the end", "", "# only", "a = 1"])
def test_hard_files_are_stable(text: str) -> None:
    """Comments without tables, keys without tables, other ends of lines: all are laid out, and then stay."""
    once = laid_out(text, "x")
    assert laid_out(once, "x") == once
    assert once.count("#") == text.count("#")


def test_what_is_not_toml_is_refused() -> None:
    """A file that cannot be read is left alone."""
    with pytest.raises(PolicyError, match="is not TOML"):
        laid_out("[policy", "x")


def test_a_number_that_is_none_is_laid_out() -> None:
    """`nan`, which is not like itself, keeps no file from being laid out; `lint` tells what is wrong with it."""
    assert laid_out("[limits]\nx=nan\ny = [ nan ]\n", "x") == "[limits]\nx = nan\ny = [ nan ]\n"


@pytest.mark.parametrize("file", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_files_name_their_schema(file: Path) -> None:
    """An editor that opens a shipped file in the repository finds the schema that its first line names."""
    first = file.read_text(encoding="utf-8").splitlines()[0]
    kind = "cases" if file.name.endswith(".cases.toml") else "policy"
    assert first == f"#:schema ../../docs/schemas/{kind}.schema.json"
    assert (Path(__file__).parents[2] / "policies" / "x" / first.partition(" ")[2]).resolve().is_file()
