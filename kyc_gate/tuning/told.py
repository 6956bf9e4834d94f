"""An explanation in words: lines for a terminal, and a page."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined

from kyc_gate.policy.written_conditions import number_text
from kyc_gate.tuning.explanation import Explanation, Part, RuleExplained
from kyc_gate.tuning.nearest_change import Change

_JOINTS = {"all": "all of", "any": "any of", "not": "not"}
_SIGNS = {"true": "yes", "false": "no ", "unknown": "?  ", "failed": "!  "}


def value_told(value: object) -> str:
    """Return the value of a fact as people read it; what is not known is `unknown`."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _number_told(value)
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _number_told(value: int) -> str:
    """A number short and exact, where need be by its neighbour: `1e25 - 1`."""
    for beside, sign in ((value, ""), (value + 1, " - 1"), (value - 1, " + 1")):
        text = f"{number_text(beside)}{sign}"
        if "e" in text:
            return text
    return str(value)


def change_told(change: Change) -> str:
    """Return a change in words: what would be otherwise, and what it is."""
    parts = [
        f"{path} were {value_told(then)} (is {value_told(now)})"
        for path, now, then in zip(change.facts, change.now, change.then, strict=True)
    ]
    return f"{change.outcome} if {' and '.join(parts)}"


def explanation_lines(explanation: Explanation, *, everything: bool = False) -> Iterator[str]:
    """Yield the explanation line by line. Rules without a finding are only counted unless `everything` is asked."""
    decision = explanation.decision
    policies = ", ".join(map(str, decision.policies))
    yield f"{decision.outcome} by {policies}, as on {decision.as_of:%Y-%m-%d}"
    quiet = 0
    for rule in explanation.rules:
        if rule.finding is None and not everything:
            quiet += 1
            continue
        yield ""
        yield from _rule_lines(rule)
    if quiet:
        yield ""
        yield f"{quiet} other rules found nothing or are not in force; --all shows them"
    if explanation.changes:
        yield ""
        yield "it would be"
        yield from (f"  {change_told(change)}" for change in explanation.changes)


def _rule_lines(rule: RuleExplained) -> Iterator[str]:
    yield f"{standing(rule)}  {rule.rule}  {rule.title}"
    if rule.finding is not None:
        yield f"  because {rule.finding.reason}"
    if rule.condition is not None:
        yield from _part_lines(rule.condition, 1)
    for citation in rule.citations:
        yield f"  {citation.id}: {citation.cite}; {citation.says} ({citation.status}, grade {citation.grade})"
    if rule.finding is not None and rule.finding.runbook:
        yield f"  runbook: {rule.finding.runbook}"


def standing(rule: RuleExplained) -> str:
    """Return what became of a rule in a few words."""
    if not rule.in_force:
        return f"not in force (mode {rule.mode}, from {rule.effective_from or '-'} to {rule.effective_to or '-'})"
    if rule.finding is None:
        return "nothing found"
    if rule.finding.counts:
        return str(rule.finding.outcome)
    if rule.finding.covered_by:
        return f"covered by {rule.finding.covered_by}"
    return f"noted ({rule.mode}{f' on route {rule.finding.route}' if rule.finding.route else ''})"


def _part_lines(part: Part, depth: int) -> Iterator[str]:
    facts = "".join(f"   {path} = {value_told(value)}" for path, value in part.facts if path != part.text)
    reason = f"   [{part.reason}]" if part.reason and not part.parts else ""
    if not part.parts:
        yield f"{'  ' * depth}{_SIGNS[part.answer]} {part.text}{facts}{reason}"
        return
    yield f"{'  ' * depth}{_SIGNS[part.answer]} {_JOINTS[part.joins]}"
    for inner in part.parts:
        yield from _part_lines(inner, depth + 1)


_PAGES = Environment(
    loader=PackageLoader("kyc_gate.tuning", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters |= {"value": value_told, "change": change_told, "standing": standing}


def render_explanation(explanation: Explanation, title: str) -> str:
    """Return the explanation as an HTML page that loads nothing from elsewhere."""
    return _PAGES.get_template("explanation.html.j2").render(explanation=explanation, title=title)
