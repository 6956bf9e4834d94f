"""One layout of policy files."""

from __future__ import annotations

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
'''


def test_a_messy_file_is_laid_out() -> None:
    """Spaces, blank lines and keys stand as they should, and every comment where it was."""
    assert laid_out(MESSY, "small") == NEAT


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_twice_is_as_good_as_once(path: Path) -> None:
    """Shipped files say the same afterwards, keep every comment, and are not changed again."""
    text = path.read_text(encoding="utf-8")
    once = laid_out(text, path.name)
    assert laid_out(once, path.name) == once
    assert tomllib.loads(once) == tomllib.loads(text)
    assert sorted(line.strip() for line in once.splitlines() if "#" in line) == sorted(
        line.strip() for line in text.splitlines() if "#" in line
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
