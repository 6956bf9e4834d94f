"""Reasons with facts in them: `{customer.name} is headquartered in {customer.headquarters}`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

from kyc_gate.model.facts import Facts
from kyc_gate.model.record import Record
from kyc_gate.policy.names import Constants
from kyc_gate.policy.vocabulary import nearest, vocabulary

Template = tuple[str | Callable[[Facts], object], ...]

_HOLE = re.compile(r"\{([^{}]*)\}")
_LONGEST = 200
"""Characters of one value in a reason: a customer's name comes from outside."""


class TemplateReading(Record):
    """A template and everything that is wrong with it."""

    template: Template
    problems: tuple[str, ...]


def template_text(template: Template) -> str:
    """Return a template as people write it; what stands for a setting is written out."""
    return "".join(part if isinstance(part, str) else f"{{{part.__reduce__()[1][0]}}}" for part in template)


def read_template(text: str, constants: Constants) -> TemplateReading:
    """Return `text` as literal parts and readers of facts. Names are those of conditions, and group titles."""
    parts: list[str | Callable[[Facts], object]] = []
    problems: list[str] = []
    end = 0
    for hole in _HOLE.finditer(text):
        parts.append(text[end : hole.start()])
        end = hole.end()
        known = _known(constants)
        path = hole.group(1).strip()
        if path in vocabulary():
            parts.append(operator.attrgetter(path))
        elif path in known:
            parts.append(_shown(known[path]))
        else:
            problems.append(f"unknown fact `{path}` in `because`{nearest(path, [*vocabulary(), *known])}")
    parts.append(text[end:])
    if "{" in "".join(part for part in parts if isinstance(part, str)):
        problems.append("`because` has a brace that does not enclose one name")
    return TemplateReading(template=tuple(part for part in parts if part != ""), problems=tuple(problems))


def render(template: Template, facts: Facts) -> str:
    """Return the reason in words. A fact that is unknown reads `unknown`."""
    return "".join(part if isinstance(part, str) else _shown(part(facts)) for part in template)


def _known(constants: Constants) -> Mapping[str, object]:
    return {
        **{f"limits.{name}": value for name, value in constants.limits.items()},
        **{f"options.{name}": value for name, value in constants.options.items()},
        **{f"groups.{name}.title": title for name, title in constants.groups.items()},
    }


def _shown(value: object) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case int() if abs(value) >= 10**7:
            return f"{Decimal(value):.3g}".replace("+", "")
        case Fraction():
            return f"{float(value):.6g}"
        case float():
            return f"{value:.6g}"
        case tuple():
            return ", ".join(_shown(item) for item in value) or "none"
        case _:
            text = str(value)
            clean = "".join(character if character.isprintable() else " " for character in text)
            return clean if len(clean) <= _LONGEST else f"{clean[:_LONGEST]}..."
