"""The shared data of policies: country groups, thresholds, citations, periods and territories, dated and graded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec

from kyc_gate.model.decision import Citation, Grade, LegalStatus
from kyc_gate.model.record import Record
from kyc_gate.policy.country_codes import MAPPED, code_problem
from kyc_gate.policy.groups import Group, Member, Territory, expand_groups
from kyc_gate.policy.source import Problem, Source, read_source
from kyc_gate.policy.syntax import ConditionError, Number, parse_number
from kyc_gate.policy.tables import Table, written

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Threshold(Record):
    """A number that a text of law draws a line at, with how the text compares with it."""

    name: str
    value: Number
    comparator: str
    unit: str
    cite: str
    as_of: date
    status: LegalStatus
    grade: Grade
    source: str


class Period(Record):
    """A stretch of days that a text of law names, both ends included, UTC; None where it is open."""

    name: str
    start: date | None
    end: date | None
    cite: str
    as_of: date
    status: LegalStatus
    grade: Grade
    source: str


class Law(Record):
    """Everything that the data files say, and the files themselves for the digest."""

    groups: Mapping[str, Group]
    thresholds: Mapping[str, Threshold]
    citations: Mapping[str, Citation]
    territories: Mapping[str, Territory]
    periods: Mapping[str, Period]
    sources: tuple[Source, ...]


def read_law(folder: Path, problems: list[Problem]) -> Law:
    """Return what the files in `folder` say: groups, thresholds, citations, territories and periods.

    `periods.toml` may be absent: a rule that names a period is then refused, and nothing else is lost.
    """
    files = {
        name: read_source(folder / f"{name}.toml", f"data/{name}.toml", problems)
        for name in _FILES
        if name != "periods" or (folder / "periods.toml").exists()
    }
    mapped = frozenset(files["territories"].table) if files["territories"] is not None else frozenset()
    citations = {name: _citation(name, table) for name, table in _tables(files["citations"], problems)}
    territories = {name: _territory(name, table) for name, table in _tables(files["territories"], problems)}
    thresholds = {name: _threshold(name, table, citations) for name, table in _tables(files["thresholds"], problems)}
    periods = {name: _period(name, table, citations) for name, table in _tables(files.get("periods"), problems)}
    names = [name for name, _ in _tables(files["groups"], [])]
    groups = {name: _group(name, table, citations, names, mapped) for name, table in _tables(files["groups"], problems)}
    _check_nesting(groups, files["groups"], problems)
    _check_apart(groups, files["groups"], problems)
    sources = tuple(source for source in files.values() if source is not None)
    return Law(
        groups=groups,
        thresholds=thresholds,
        citations=citations,
        territories=territories,
        periods=periods,
        sources=sources,
    )


_FILES = ("citations", "territories", "thresholds", "periods", "groups")


def _tables(source: Source | None, problems: list[Problem]) -> list[tuple[str, Table]]:
    if source is None:
        return []
    return [(name, Table(values, source, problems, rule=name)) for name, values in source.table.items()]


def _citation(name: str, table: Table) -> Citation:
    citation = Citation(
        id=name,
        cite=table.text("cite"),
        says=table.text("says"),
        status=table.choice("status", LegalStatus),
        grade=table.choice("grade", Grade),
        source=table.text("source"),
        effective=table.day("effective"),
        as_of=table.needed_day("as_of"),
    )
    table.finish()
    return citation


def _territory(name: str, table: Table) -> Territory:
    treat_as = table.text("treat_as", "") or None
    territory = Territory(
        code=name,
        name=table.text("name"),
        treat_as=treat_as,
        why=table.text("why"),
        choice=table.flag("choice", default=False),
    )
    _check_codes(table, "treat_as", [name], frozenset({name}))
    _check_codes(table, "treat_as", [treat_as] if treat_as else [])
    table.needed_day("as_of")
    table.choice("status", LegalStatus)
    table.choice("grade", Grade)
    table.text("source")
    table.finish()
    return territory


def _threshold(name: str, table: Table, citations: Mapping[str, Citation]) -> Threshold:
    value: Number = 0
    raw = table.get("value", needed=True)
    try:
        value = parse_number(written(raw) or "nothing")
    except ConditionError as error:
        table.refuse(f"`value`: {error}", "value")
    cites = table.known("cite", [table.text("cite")], citations, "citation")
    threshold = Threshold(
        name=name,
        value=value,
        comparator=table.text("comparator"),
        unit=table.text("unit"),
        cite=cites[0] if cites else "",
        as_of=table.needed_day("as_of"),
        status=table.choice("status", LegalStatus),
        grade=table.choice("grade", Grade),
        source=table.text("source"),
    )
    if threshold.comparator not in (">=", ">", "<", "<="):
        table.refuse("`comparator` must be one of >=, >, <, <=", "comparator")
    table.finish()
    return threshold


def _period(name: str, table: Table, citations: Mapping[str, Citation]) -> Period:
    if not _NAME.fullmatch(name):
        table.refuse("a period's name is lower-case letters, digits and underscores")
    cites = table.known("cite", [table.text("cite")], citations, "citation")
    period = Period(
        name=name,
        start=table.day("from"),
        end=table.day("to"),
        cite=cites[0] if cites else "",
        as_of=table.needed_day("as_of"),
        status=table.choice("status", LegalStatus),
        grade=table.choice("grade", Grade),
        source=table.text("source"),
    )
    if period.start is None and period.end is None:
        table.refuse("the period has neither `from` nor `to`")
    if period.start and period.end and period.end < period.start:
        table.refuse("`to` is before `from`", "to")
    table.finish()
    return period


def _group(
    name: str, table: Table, citations: Mapping[str, Citation], names: list[str], mapped: frozenset[str]
) -> Group:
    if not _NAME.fullmatch(name):
        table.refuse("a group's name is lower-case letters, digits and underscores")
    codes = table.texts("codes")
    dated = tuple(_member(Table(values, table.source, table.problems, rule=name)) for values in table.tables("dated"))
    _check_codes(table, "codes", [*codes, *(member.code for member in dated)], mapped)
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        table.refuse(f"country `{code}` stands twice in `codes`", "codes")
    cites = table.known("cite", [table.text("cite")], citations, "citation")
    group = Group(
        name=name,
        title=table.text("title"),
        cite=cites[0] if cites else "",
        as_of=table.needed_day("as_of"),
        status=table.choice("status", LegalStatus),
        grade=table.choice("grade", Grade),
        source=table.text("source"),
        codes=frozenset(codes),
        dated=dated,
        includes=table.known("includes", table.texts("includes"), names, "group"),
        excludes=table.known("excludes", table.texts("excludes"), names, "group"),
        disjoint=table.known("disjoint", table.texts("disjoint"), names, "group"),
    )
    if not (group.codes or group.dated or group.includes):
        table.refuse("the group is empty")
    table.finish()
    return group


def _member(table: Table) -> Member:
    member = Member(code=table.text("code"), start=table.day("from"), end=table.day("to"))
    table.text("why")
    if member.start is None and member.end is None:
        table.refuse(f"dated member `{member.code}` has neither `from` nor `to`", "dated")
    table.finish()
    return member


def _check_codes(table: Table, key: str, codes: list[str], mapped: frozenset[str] = MAPPED) -> None:
    for code in codes:
        if wrong := code_problem(code, mapped):
            table.refuse(wrong, key)


def _check_nesting(groups: dict[str, Group], source: Source | None, problems: list[Problem]) -> None:
    """Note each group that contains itself, and empty its `includes` so that expanding ends."""
    for name, group in list(groups.items()):
        seen: set[str] = set()
        waiting = [*group.includes, *group.excludes]
        while waiting:
            other = waiting.pop()
            if other not in seen and other in groups:
                seen.add(other)
                waiting.extend((*groups[other].includes, *groups[other].excludes))
        if name in seen and source is not None:
            line = source.line_of(name)
            problems.append(Problem(file=source.name, line=line, rule=name, message="the group includes itself"))
            groups[name] = msgspec.structs.replace(group, includes=(), excludes=())


def _check_apart(groups: Mapping[str, Group], source: Source | None, problems: list[Problem]) -> None:
    """Note each country that two groups share on some day, where the data say that they share none."""
    if source is None:
        return
    told: set[tuple[str, str]] = set()
    for period in expand_groups(groups, ()).groups:
        for name, group in groups.items():
            for other in group.disjoint:
                both = ", ".join(f"`{code}`" for code in sorted(period[name] & period[other]))
                if both and (name, other) not in told:
                    told.add((name, other))
                    message = f"{both} would be in `{other}` too, and the two groups share no country"
                    problems.append(
                        Problem(file=source.name, line=source.line_of(name, "disjoint"), rule=name, message=message)
                    )
