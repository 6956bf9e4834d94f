"""Screening facts by the lines that a policy draws."""

from __future__ import annotations

from msgspec.structs import replace

from kyc_gate.model.facts import Facts, Resembled
from kyc_gate.model.match import Lines, ScreeningOutcome


def facts_by_lines(facts: Facts, lines: Lines | None) -> Facts:
    """Return the facts with `screening.outcome`, `matched` and `possible` as `lines` draw them.

    Without lines, or without a record of what was resembled, the facts stand: what was not screened stays so.
    """
    screened = facts.screening.outcome != ScreeningOutcome.NOT_SCREENED.value
    if lines is None or facts.resembled is None or not screened:
        return facts
    sides = [(one.list, lines.of(one.list, one.kind).outcome(one.score)) for one in facts.resembled]
    matched = {code for code, side in sides if side is ScreeningOutcome.MATCH}
    possible = matched | {code for code, side in sides if side is ScreeningOutcome.POSSIBLE}
    worst = ScreeningOutcome.MATCH if matched else ScreeningOutcome.POSSIBLE if possible else ScreeningOutcome.CLEAR
    screening = replace(
        facts.screening, outcome=worst.value, matched=tuple(sorted(matched)), possible=tuple(sorted(possible))
    )
    return replace(facts, screening=screening)


def facts_uncleared(facts: Facts) -> Facts:
    """Return the facts as they were without any clearance: what was left out of `screening` and `resembled` is back."""
    screening, cleared = facts.screening, facts.cleared
    ranks = [ScreeningOutcome.CLEAR, ScreeningOutcome.NOT_SCREENED, ScreeningOutcome.POSSIBLE, ScreeningOutcome.MATCH]
    outcomes = [ScreeningOutcome(screening.outcome), *(ScreeningOutcome(each.outcome) for each in cleared)]
    lists = {each.list for each in cleared}
    matched = {each.list for each in cleared if each.matched}
    whole = replace(
        screening,
        outcome=max(outcomes, key=ranks.index).value,
        score=max([screening.score or 0.0, *(each.score for each in cleared)]),
        matched=tuple(sorted({*(screening.matched or ()), *matched})),
        possible=tuple(sorted({*(screening.possible or ()), *lists})),
    )
    back = {(each.list, each.kind, each.score) for each in cleared}
    back |= {(each.list, each.kind, each.score) for each in facts.resembled or ()}
    resembled = tuple(Resembled(list=list, kind=kind, score=score) for list, kind, score in sorted(back))
    return replace(facts, screening=whole, resembled=resembled, cleared=())
