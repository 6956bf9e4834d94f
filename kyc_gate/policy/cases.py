"""The cases beside a policy: facts in, and the outcome and rule ids that must come out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from kyc_gate.errors import PolicyError
from kyc_gate.model.decision import Outcome
from kyc_gate.model.facts import Facts, GrantFacts, Resembled
from kyc_gate.model.party import PartyKind
from kyc_gate.model.record import Record
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import Adjustments, Reading, read_folder, shipped_pack, shipped_policies
from kyc_gate.policy.source import Problem, Source, read_source
from kyc_gate.policy.syntax import ConditionError, Number, parse_number
from kyc_gate.policy.tables import Table, written
from kyc_gate.policy.written_facts import Written, build_facts, missing_facts, read_facts, read_moment


class PolicyCase(Record):
    """One case. `rules` are the findings that count, `noted` the others, each by rule id; both are exact.

    `policy` is the policy that decides it: the folder's own, or one with the case's options and limits.
    """

    file: str
    name: str
    facts: Facts
    policy: Policy
    outcome: Outcome
    rules: frozenset[str]
    noted: frozenset[str]


class CasesReading(Record):
    """The cases beside a policy, and every problem of the policy and of its cases."""

    cases: tuple[PolicyCase, ...]
    problems: tuple[Problem, ...]


def read_cases(folder: Path) -> tuple[PolicyCase, ...]:
    """Return the cases in the files `*.cases.toml` of `folder`. Raises `PolicyError` with every problem."""
    reading = read_cases_folder(folder)
    if reading.problems:
        raise PolicyError([f"policy `{folder.name}`: {problem}" for problem in reading.problems])
    return reading.cases


def read_cases_folder(folder: Path) -> CasesReading:
    """Return the cases with their problems; nothing is raised for what the files say."""
    policy = read_folder(folder)
    if policy.policy is None:
        return CasesReading(cases=(), problems=policy.problems)
    reader = _CasesReader(folder, policy.policy)
    return CasesReading(cases=tuple(reader.read()), problems=tuple(reader.problems))


def ordinary_facts() -> Facts:
    """Return the facts of an ordinary customer and request, which no shipped rule finds anything against."""
    folder = shipped_policies() / "gate-base"
    found = read_folder(folder)
    if found.policy is None:
        raise PolicyError([str(problem) for problem in found.problems])
    reader = _CasesReader(folder, found.policy)
    base = reader.base(reader.sources(folder))
    if base is None:
        raise PolicyError([str(problem) for problem in reader.problems])
    return build_facts(base)


class _CasesReader:
    def __init__(self, folder: Path, policy: Policy) -> None:
        self.folder = folder.resolve()
        self.policy = policy
        self.problems: list[Problem] = []
        self.names: set[str] = set()
        # The policy is read once for each way in which cases adjust it: a reading takes 20 ms and more.
        self.readings: dict[tuple[object, ...], Reading] = {}

    def read(self) -> list[PolicyCase]:
        sources = self.sources(self.folder)
        base = self.base(sources)
        if base is None:
            return []
        return [
            case
            for source in sources
            for values in Table(source.table, source, self.problems).tables("case")
            if (case := self.case(values, source, base)) is not None
        ]

    def sources(self, folder: Path) -> list[Source]:
        paths = sorted(folder.glob("*.cases.toml"))
        read = [read_source(path, f"{folder.name}/{path.name}", self.problems) for path in paths]
        found = [source for source in read if source is not None]
        for source in found:
            for key in source.table:
                if key not in ("base", "case"):
                    table = Table(source.table, source, self.problems)
                    table.refuse(f"unknown key `{key}`; a cases file has `base` and `case`", key)
        return found

    def base(self, sources: list[Source]) -> Written | None:
        """The ordinary customer: from these files, or from those of a pack that this one extends."""
        holders = [source for source in sources if "base" in source.table]
        if not holders:
            shared = [self.sources(folder) for folder in self.extended()]
            holders = [source for found in shared for source in found if "base" in source.table]
        if len(holders) != 1:
            message = f"the cases have {len(holders)} tables `[base]`, and need exactly one"
            self.problems.append(Problem(file=self.folder.name, message=message))
            return None
        source = holders[0]
        table = Table({"facts": source.table["base"]}, source, self.problems, rule="base")
        values = dict(source.table["base"])
        table.values = {"facts": values, "unknown": values.pop("unknown", [])}
        base = read_facts(table, "facts", "unknown")
        for path in missing_facts(base):
            table.refuse(f"`[base]` leaves out fact `{path}`; write it, or list it in `unknown`")
        return None if self.problems else base

    def extended(self) -> list[Path]:
        folders: list[Path] = []
        for path in sorted(self.folder.glob("*.toml")):
            source = None if path.name.endswith(".cases.toml") else read_source(path, path.name, [])
            head = source.table.get("policy", {}) if source is not None else {}
            for parent in head.get("extends", []):
                shipped = parent.startswith("shipped:")
                folders.append(shipped_pack(self.folder, parent[8:]) if shipped else (self.folder / parent).resolve())
        return folders

    def case(self, values: Any, source: Source, base: Written) -> PolicyCase | None:
        name = values.get("name") if isinstance(values, dict) else None
        table = Table(values, source, self.problems, rule=name if isinstance(name, str) else None)
        before = len(self.problems)
        name = table.text("name")
        if name in self.names:
            table.refuse("two cases have this name", "name")
        self.names.add(name)
        facts: dict[str, object] = {**base, **read_facts(table, "facts", "unknown")}
        moment = self.moment(table)
        if moment is not None:
            facts["as_of"] = moment
        outcome = table.choice("outcome", Outcome)
        ids = [rule.id for rule in self.policy.rules]
        rules = frozenset(table.known("rules", table.texts("rules"), ids, "rule"))
        noted = frozenset(table.known("noted", table.texts("noted"), ids, "rule"))
        policy = self.adjusted(table)
        grant = self.grant(table)
        resembled = self.resembled(table)
        table.finish()
        if len(self.problems) > before:
            return None
        return PolicyCase(
            file=source.name,
            name=name,
            facts=build_facts(facts, grant=grant, resembled=resembled),
            policy=policy,
            outcome=outcome,
            rules=rules,
            noted=noted,
        )

    def resembled(self, table: Table) -> tuple[Resembled, ...] | None:
        """The listed entries that the party resembles, for policies that draw lines; None where the case names none."""
        if table.get("resembled") is None:
            return None
        found = []
        for values in table.tables("resembled"):
            own = Table(values, table.source, self.problems, rule=table.rule)
            score = own.get("score", needed=True)
            if isinstance(score, bool) or not isinstance(score, int | Decimal) or not 0 <= score <= 1:
                own.refuse("`score` must be a number from 0 to 1", "score")
                score = 0
            kind = own.choice("kind", PartyKind, PartyKind.UNKNOWN)
            found.append(Resembled(list=own.text("list"), kind=kind, score=float(score)))
            own.finish()
        return tuple(found)

    def moment(self, table: Table) -> datetime | None:
        value = table.get("as_of")
        moment = read_moment(value)
        if value is not None and moment is None:
            table.refuse("`as_of` must be a date, or a timestamp with an offset", "as_of")
        return moment

    def adjusted(self, table: Table) -> Policy:
        """The policy as the case's own options and limits make it."""
        limits = {name: self.number(table, name, value) for name, value in _table(table, "limits").items()}
        options = dict(_table(table, "options"))
        for name, value in options.items():
            if not isinstance(value, bool):
                table.refuse(f"option `{name}` must be true or false", name)
        if not limits and not options:
            return self.policy
        asked = (tuple(sorted(limits.items())), tuple(sorted(options.items())))
        if asked not in self.readings:
            self.readings[asked] = read_folder(self.folder, Adjustments(limits=limits, options=options))
        reading = self.readings[asked]
        self.problems.extend(reading.problems)
        return reading.policy or self.policy

    def number(self, table: Table, name: str, value: object) -> Number:
        try:
            return parse_number(written(value) or "nothing")
        except ConditionError as error:
            table.refuse(f"limit `{name}`: {error}", name)
            return 0

    def grant(self, table: Table) -> GrantFacts | None:
        values = table.get("grant")
        if values is None:
            return None
        inner = Table(values, table.source, self.problems, rule=table.rule)
        budget = self.number(table, "budget", inner.get("budget", needed=True))
        grant = GrantFacts(
            id=inner.text("id", "grant-1"),
            rules=inner.texts("rules"),
            budget=int(budget),
            outcome=Outcome.BLOCK if inner.text("outcome", "escalate") == "block" else Outcome.ESCALATE,
        )
        inner.finish()
        return grant


def _table(table: Table, key: str) -> Mapping[str, Any]:
    values = table.get(key)
    if values is not None and not isinstance(values, dict):
        table.refuse(f"`{key}` must be a table", key)
    return values if isinstance(values, dict) else {}
