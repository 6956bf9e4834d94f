"""Settings of an operator's own files that weaken rules of elsewhere: limits, territories, lines of screening."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from kyc_gate.model.match import Band, Lines
from kyc_gate.model.party import PartyKind
from kyc_gate.policy.law import Law
from kyc_gate.policy.lines import read_lines
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.policy.read import shipped_policies
from kyc_gate.policy.source import Problem, Severity, Source
from kyc_gate.policy.syntax import Name, walk
from kyc_gate.screening.screener import MATCH, POSSIBLE

_TOLD = 5
"""Rules that a warning names, at most."""


def own_sources(sources: Sequence[Source]) -> tuple[Source, ...]:
    """Return the files that are not, byte for byte, those of a shipped pack."""
    return tuple(source for source in sources if not _shipped(source))


def setting_behind(rule: Rule, policy: Policy, other: Policy, own: Sequence[Source]) -> tuple[Source, str, str] | None:
    """Return the own file, its table and the limit or option in it that makes `rule` differ between two policies."""
    for path in dict.fromkeys(part.path for part in walk(rule.node) if isinstance(part, Name)):
        table, _, name = path.partition(".")
        if table not in ("limits", "options"):
            continue
        values = [getattr(each.constants, table).get(name) for each in (policy, other)]
        setting = [source for source in own if name in source.table.get(table, {})]
        if values[0] != values[1] and setting:
            return setting[-1], table, name
    return None


def weak_settings(policy: Policy, law: Law, sources: Sequence[Source], today: date) -> Iterator[Problem]:
    """Yield a warning for each territory and line of screening by which own files have rules find less."""
    own = own_sources(sources)
    for source in own:
        for code, country in source.table.get("territories", {}).items():
            if code in law.territories and law.territories[code].treat_as != country:
                yield from _territory(policy, source, code, country, today)
    drawn = [source for source in sources if "screening" in source.table]
    if drawn and drawn[-1] in own and policy.lines is not None:
        shipped = [
            lines for each in drawn if each not in own and (lines := read_lines(each.table["screening"], each, []))
        ]
        gate = Lines(default=Band(possible=POSSIBLE, match=MATCH))
        yield from _lines(policy.lines, shipped[-1] if shipped else gate, drawn[-1])


def at_setting(source: Source, table: str, key: str, message: str, rule: str | None = None) -> Problem:
    """Return the warning `weaker` at the line of a setting."""
    line = source.line_in(table, key) or source.line_of(None, key)
    return Problem(
        file=source.name,
        line=line,
        column=1 if line else None,
        rule=rule,
        message=message,
        severity=Severity.WARNING,
        code="weaker",
    )


def _shipped(source: Source) -> bool:
    file = shipped_policies() / source.name
    return file.is_file() and file.read_bytes() == source.data


def _territory(policy: Policy, source: Source, code: str, country: str, today: date) -> Iterator[Problem]:
    groups = {f"groups.{name}" for name, codes in policy.edition_on(today).groups.items() if code in codes}
    asking = [
        rule.id
        for rule in policy.rules
        if any(isinstance(part, Name) and part.path in groups for part in walk(rule.node))
    ]
    if asking:
        told = ", ".join(asking[:_TOLD]) + (f" and {len(asking) - _TOLD} more" if len(asking) > _TOLD else "")
        message = (
            f"`{code}` counts as `{country}`, and is in no group without this line: a rule that stops what is outside"
            f" a group stops it no more ({told})"
        )
        yield at_setting(source, "territories", code, message)


def _lines(own: Lines, before: Lines, source: Source) -> Iterator[Problem]:
    """Bands of which a line is higher than it was: whatever resembles an entry less is no more told."""
    bands = [("", "ANY", PartyKind.UNKNOWN.value)]
    bands += [(f".lists.{name}", name, PartyKind.UNKNOWN.value) for name in own.lists]
    bands += [(f".kinds.{kind}", "ANY", kind) for kind in own.kinds]
    bands += [(f'.pairs."{pair}"', *pair.split("/", 1)) for pair in own.pairs]  # type: ignore[misc]
    for table, name, kind in bands:
        band, was = own.of(name, PartyKind(kind)), before.of(name, PartyKind(kind))
        for key in ("possible", "match"):
            here, there = getattr(band, key), getattr(was, key)
            if here > there:
                message = (
                    f"`{key}` is {here:g}, and was {there:g} without this table: what resembles an entry less is let go"
                )
                yield at_setting(source, f"screening{table}", key, message)
