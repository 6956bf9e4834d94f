"""Bring the pages of docs/rules up to what the shipped policies say: `python tools/rule_pages.py`.

A page belongs to a rule of the same id. What a person writes is the part between the title and the table: what the rule
is for, and why. The rest is told from the policy and from the data, and is written anew each time.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kyc_gate.model.decision import Mode
from kyc_gate.policy.law import Law, read_law
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.policy.read import read_policy, shipped_policies

PAGES = Path(__file__).resolve().parents[1] / "docs" / "rules"
MODES = {
    Mode.OFF: "it is not asked",
    Mode.OBSERVE: "it is recorded and stops nobody",
    Mode.WARN: "it is recorded, told to the caller, and stops nobody",
    Mode.ENFORCE: "it is acted on",
}


def packs() -> list[Path]:
    """Return the folders of the shipped policies."""
    return sorted(folder.parent for folder in shipped_policies().glob("*/policy.toml"))


def pages() -> dict[str, str]:
    """Return each rule's page as it must be, by the rule's id. What people wrote is kept from the page there is."""
    problems: list[Any] = []
    law = read_law(shipped_policies() / "data", problems)
    raw = {folder.name: tomllib.loads((folder / "policy.toml").read_text(), parse_float=str) for folder in packs()}
    policies = {folder.name: read_policy(folder) for folder in packs()}
    own = {rule.id: (rule, policy) for name, policy in policies.items() for rule in policy.rules if rule.policy == name}
    return {id: page(rule, policy, law, _limits(raw, rule.policy)) for id, (rule, policy) in own.items()}


def _limits(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The limits as the packs write them, those of the pack `name` before those of others."""
    others = {key: value for pack in raw.values() for key, value in pack.get("limits", {}).items()}
    return {**others, **raw[name].get("limits", {})}


def page(rule: Rule, policy: Policy, law: Law, limits: Mapping[str, Any]) -> str:
    """Return one page."""
    parts = [f"# {rule.id}", f"{rule.title}.", reason(rule), table(rule)]
    parts += ["## When", "\n".join(f"    {line}" for line in rule.text.splitlines())]
    parts += ["A fact that is unknown where the answer hangs on it escalates." if rule.mode is Mode.ENFORCE else _OPEN]
    parts += ["## On what ground", "\n".join(ground(cite, policy) for cite in rule.cites)]
    parts += ["## How to tune", "\n".join(tuning(rule, policy, law, limits))]
    parts += ["## What to do", f"See [{rule.runbook.removeprefix('docs/')}](../{rule.runbook.removeprefix('docs/')})."]
    return "\n\n".join(part for part in parts if part) + "\n"


_OPEN = "Where a fact is unknown and the answer hangs on it, that is recorded in the same way."


def reason(rule: Rule) -> str:
    """Return what people wrote on the rule's page."""
    file = PAGES / f"{rule.id}.md"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = re.match(r"# [^\n]*\n\n[^\n]*\n\n(.*?)\n*\| \| \|\n", text, re.DOTALL)
    return found[1].strip() if found else ""


def table(rule: Rule) -> str:
    """Return what the rule does, and when."""
    first, last = rule.effective_from, rule.effective_to
    days = (
        "always"
        if first is None and last is None
        else f"from {first or 'ever'}" + (f" to {last}, both days included" if last else "")
    )
    rows = {
        "policy": f"`{rule.policy}`",
        "outcome": f"`{rule.outcome}`",
        "mode": f"`{rule.mode}`",
        "in force": days,
        "status of its law": f"`{rule.status}`",
        "an approval covers it": "yes" if rule.overridable else "no",
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def ground(cite: str, policy: Policy) -> str:
    """Return a citation with its status and its grade of evidence."""
    found = policy.citations[cite]
    return f"- `{cite}`, {found.cite}: {found.says} (status `{found.status}`, grade {found.grade})."


def tuning(rule: Rule, policy: Policy, law: Law, limits: Mapping[str, Any]) -> list[str]:
    """Return a line for each limit, option and group that the rule asks, and one for its mode."""
    lines = []
    for name in named(rule, "limits"):
        written = limits[name]
        if isinstance(written, dict):
            line = law.thresholds[written["threshold"]]
            source = (
                f"from `{line.name}`: {line.source} (`{line.comparator}`, status `{line.status}`, grade {line.grade})"
            )
        else:
            source = "the operator's own"
        lines.append(f"- `limits.{name}` is {number(policy.limits[name])}, {source}.")
    lines += [f"- `options.{name}` is {str(policy.options[name]).lower()}." for name in named(rule, "options")]
    for name in named(rule, "groups"):
        group = law.groups[name]
        lines.append(
            f"- `groups.{name}` is {group.title}, read on {group.as_of} (status `{group.status}`, grade {group.grade})."
        )
    lines.append(f"- Its mode is `{rule.mode}`: {MODES[rule.mode]}.")
    return [*lines, "", "[Tuning a shipped policy](../policies.md#tuning-a-shipped-policy) tells how to set these."]


def named(rule: Rule, kind: str) -> list[str]:
    """Return the limits, options or groups that the rule's condition names, in its order."""
    return list(dict.fromkeys(re.findall(rf"\b{kind}\.([a-z0-9_]+)", rule.text)))


def number(value: Any) -> str:
    """Return an exact number as people write it: `1e26`, `0.25`, `1600`."""
    if value == int(value):
        digits = str(int(value))
        stem = digits.rstrip("0")
        zeros = len(digits) - len(stem)
        if zeros < 12:
            return digits
        return f"{stem[0]}{'.' + stem[1:] if len(stem) > 1 else ''}e{len(digits) - 1}"
    return f"{float(value):g}"


def main() -> int:
    """Write the pages, and remove those of rules that are gone."""
    wanted = pages()
    for id, text in wanted.items():
        (PAGES / f"{id}.md").write_text(text, encoding="utf-8")
    for file in PAGES.glob("*.md"):
        if file.stem not in wanted:
            file.unlink()
    print(f"{len(wanted)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
