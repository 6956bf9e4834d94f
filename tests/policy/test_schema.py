"""JSON Schema of policies and cases, and the page of facts."""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kyc_gate.cli.policy_schema import example, facts_page
from kyc_gate.policy.lint import lint
from kyc_gate.policy.names import Constants
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.policy.schema import cases_schema, policy_schema
from kyc_gate.policy.syntax import parse_condition
from kyc_gate.policy.typecheck import check_condition
from kyc_gate.policy.vocabulary import Fact, vocabulary

from .builders import POLICY, write_policy

DOCS = Path(__file__).resolve().parents[2] / "docs"
FILES = sorted(shipped_policies().glob("*/*.toml"))
PACKS = [path for path in FILES if path.parent.name != "data"]


def as_json(value: Any) -> Any:
    """TOML as JSON has it: dates are text."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def errors(text: str, schema: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft202012Validator(schema).iter_errors(as_json(tomllib.loads(text)))]


def test_the_schemas_are_schemas() -> None:
    """Both are valid schemas themselves."""
    for schema in (policy_schema(), cases_schema()):
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", PACKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_files_fit_their_schema(path: Path) -> None:
    """Every policy file and every file of cases that is shipped is valid."""
    schema = cases_schema() if path.name.endswith(".cases.toml") else policy_schema()
    assert errors(path.read_text(encoding="utf-8"), schema) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("revision = 1", 'revision = "1"'),
        ("revision = 1", "revision = 0"),
        ("revision = 1", "revision = 1\nabuot = 1"),
        ('then = "escalate"', 'then = "allow"'),
        ('cites = ["OPERATOR-01"]', "cites = []"),
        ("because =", "becuase ="),
        ('status = "operator"\nbecause', 'status = "opertor"\nbecause'),
        ('id = "first"', 'id = "First Rule"'),
        ("[[rule]]", "[limits]\nx = true\n[[rule]]"),
        ("[[rule]]", "[limits]\nx = -1\n[[rule]]"),
        ("[[rule]]", "[options]\nx = 1\n[[rule]]"),
        ("[[rule]]", "[screening]\npossible = 80\nmatch = 90\n[[rule]]"),
    ],
)
def test_what_lint_refuses_the_schema_refuses(tmp_path: Path, old: str, new: str) -> None:
    """An editor marks what `policy lint` would refuse."""
    text = POLICY.replace(old, new, 1)
    assert text != POLICY
    assert errors(POLICY, policy_schema()) == []
    assert errors(text, policy_schema()) != []
    assert lint(write_policy(tmp_path / "small", text)) != []


@pytest.mark.parametrize(
    "case",
    [
        'name = "x"',
        'name = "x"\noutcome = "pass"',
        'name = "x"\noutcome = "allow"\nfacts = { chips.cuont = 1 }',
        'name = "x"\noutcome = "allow"\nfacts = { workload.kind = "pretraining" }',
        'name = "x"\noutcome = "allow"\nunknown = ["account.known"]',
    ],
)
def test_a_wrong_case_does_not_fit(case: str) -> None:
    """A missing outcome, a misspelt fact, a value that a fact never has, and a fact that is never unknown."""
    assert errors(f"[[case]]\n{case}\n", cases_schema()) != []


def test_a_line_that_names_the_schema_is_accepted(tmp_path: Path) -> None:
    """`#:schema` is a comment to TOML."""
    assert lint(write_policy(tmp_path / "small", f"#:schema ../schemas/policy.schema.json\n{POLICY}")) == []


@pytest.mark.parametrize(("name", "schema"), [("policy", policy_schema()), ("cases", cases_schema())])
def test_the_schema_files_are_current(name: str, schema: dict[str, Any]) -> None:
    """`docs/schemas` holds what `kyc-gate policy schema` prints."""
    assert json.loads((DOCS / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")) == schema


def test_the_page_of_facts_is_current() -> None:
    """`docs/facts.md` is what `kyc-gate policy schema facts --markdown` prints."""
    assert (DOCS / "facts.md").read_text(encoding="utf-8") == facts_page()


@pytest.mark.parametrize("fact", vocabulary().values(), ids=lambda fact: fact.path)
def test_every_example_is_a_condition(fact: Fact) -> None:
    """What the page shows of a fact can be pasted into a rule."""
    policy = read_policy(shipped_policies() / "gate-base")
    titles = {name: group.title for name, group in policy.groups.items()}
    constants = Constants(limits={}, options={}, groups=titles)
    assert [str(error) for error in check_condition(parse_condition(example(fact)), constants)] == []
