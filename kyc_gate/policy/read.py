"""Policy folders, read and checked whole: either a policy that is ready to decide, or every problem at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from kyc_gate.errors import PolicyError
from kyc_gate.model.decision import Grade, LegalStatus, Mode, Outcome, PolicyReference
from kyc_gate.model.match import Lines
from kyc_gate.model.record import Record
from kyc_gate.policy.expressions import compile_condition
from kyc_gate.policy.groups import Territory, expand_groups
from kyc_gate.policy.law import Law, Threshold, read_law
from kyc_gate.policy.lines import read_lines
from kyc_gate.policy.names import Constants
from kyc_gate.policy.open_rules import steady_part
from kyc_gate.policy.policy import Disclosure, Policy, Rule, editions
from kyc_gate.policy.routes import Route, RuleRoute, named_twice, read_routes
from kyc_gate.policy.source import WARNINGS, Problem, Source, read_source
from kyc_gate.policy.syntax import ConditionError, Literal, Node, Number, parse_condition, parse_number
from kyc_gate.policy.tables import Table, written
from kyc_gate.policy.templates import read_template
from kyc_gate.policy.typecheck import check_condition
from kyc_gate.policy.vocabulary import nearest

__all__ = ["Adjustments", "Policy", "Reading", "folders_read", "read_folder", "read_policy", "shipped_policies"]

BUNDLE = "kyc-gate-bundle.json"
"""Stands beside the folders of an unpacked bundle, which holds every pack that its policies extend."""

_RULE_ID = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DEAD = (LegalStatus.RESCINDED, LegalStatus.DEFUNCT_PROPOSAL, LegalStatus.PENDING_BILL)
_WEAK = (Grade.ONE, Grade.MEMORY)
_NEVER = Literal(value=False)


class Reading(Record):
    """What a folder holds: the policy when nothing is wrong, and every problem otherwise.

    Beside it stand its files, the shared data, the threshold behind each limit that takes one, and the rules: with
    problems, as far as they could be read. A condition that could not is never true there.
    """

    policy: Policy | None
    problems: tuple[Problem, ...]
    sources: tuple[Source, ...] = ()
    law: Law | None = None
    drawn: Mapping[str, Threshold] = MappingProxyType({})
    rules: tuple[Rule, ...] = ()


class Adjustments(Record):
    """What an operator sets outside the policy folder: its limits and options, by name."""

    limits: Mapping[str, Number] = MappingProxyType({})
    options: Mapping[str, bool] = MappingProxyType({})


def shipped_policies() -> Path:
    """Return the folder of the packs that come with the project, in a wheel or in the source tree."""
    package = Path(__file__).resolve().parents[1]
    in_wheel = package / "shipped_policies"
    return in_wheel if in_wheel.is_dir() else package.parent / "policies"


def read_policy(folder: Path, adjustments: Adjustments | None = None) -> Policy:
    """Return the policy in `folder`. Raises `PolicyError` with every problem, one line each."""
    reading = read_folder(folder, adjustments)
    if reading.policy is None:
        raise PolicyError([f"policy `{folder.name}`: {problem}" for problem in reading.problems])
    return reading.policy


def folders_read(folder: Path) -> tuple[Path, ...]:
    """Return every folder that the policy in `folder` is read from: what it extends, itself, and the data last.

    Raises `PolicyError` where one of them cannot be read.
    """
    reader = _Reader(folder, Adjustments())
    reader.gather(folder.resolve(), folder.name, ())
    if reader.problems:
        raise PolicyError([f"policy `{folder.name}`: {problem}" for problem in reader.problems])
    return (*(pack.folder for pack in reader.packs), reader.law_folder())


def read_folder(folder: Path, adjustments: Adjustments | None = None) -> Reading:
    """Return the policy in `folder` with its problems; nothing is raised for what the files say."""
    return _Reader(folder, adjustments or Adjustments()).read()


class _Pack(Record):
    """One folder: its files, without those that it extends."""

    folder: Path
    sources: tuple[Source, ...]
    below: frozenset[Path] = frozenset()
    """Every folder that it extends, directly or through others."""


class _Reader:
    """Reads one policy in steps, noting problems on the way."""

    def __init__(self, folder: Path, adjustments: Adjustments) -> None:
        self.folder = folder
        self.adjustments = adjustments
        self.problems: list[Problem] = []
        self.packs: list[_Pack] = []
        self.drawn: dict[str, Threshold] = {}

    def read(self) -> Reading:
        # 1. Every file: the packs that this one extends first, then its own, then the shared data.
        self.gather(self.folder.resolve(), self.folder.name, ())
        law = read_law(self.law_folder(), self.problems)
        # 2. The head, of this folder only; the limits and options, of all of them.
        head = self.head()
        constants = self.constants(law)
        territories = self.territories(law)
        lines = self.lines()
        # 3. The rules, base first.
        rules = [
            rule
            for pack in self.packs
            for source in pack.sources
            for rule in self.rules(source, pack.folder.name, law, constants)
        ]
        self.check_rules(rules)
        routes = self.routes()
        rules = self.routed(rules, routes, law)
        # 4. The policy, if nothing was wrong.
        sources = tuple(source for pack in self.packs for source in pack.sources)
        found: dict[str, Any] = {"sources": sources, "law": law, "drawn": self.drawn, "rules": tuple(rules)}
        if self.problems:
            return Reading(policy=None, problems=tuple(dict.fromkeys(self.problems)), **found)
        starts, stretches = editions(tuple(rules), expand_groups(law.groups, territories))
        policy = Policy(
            reference=PolicyReference(name=head.name, revision=head.revision, digest=self.digest(law)),
            about=head.about,
            status=head.status,
            disclosure=head.disclosure,
            rules=tuple(rules),
            constants=constants,
            groups=law.groups,
            starts=starts,
            editions=stretches,
            citations=law.citations,
            lines=lines,
            routes=tuple(route for route, _ in routes),
        )
        return Reading(policy=policy, problems=(), **found)

    def note(self, file: str, message: str) -> None:
        self.problems.append(Problem(file=file, message=message))

    def gather(self, folder: Path, name: str, above: tuple[Path, ...]) -> None:
        """Read the files of `folder`, after those of each pack that it extends."""
        if folder in above:
            self.note(name, "extends itself")
            return
        if not folder.is_dir():
            self.note(name, "there is no such folder")
            return
        paths = sorted(path for path in folder.glob("*.toml") if not path.name.endswith(".cases.toml"))
        if not paths:
            self.note(name, "has no policy file; write `policy.toml`")
        for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
            self.note(f"{folder.name}/{path.name}", "is not read: policies are TOML; rewrite it or move it away")
        read = [read_source(path, f"{folder.name}/{path.name}", self.problems) for path in paths]
        sources = tuple(source for source in read if source is not None)
        below: set[Path] = set()
        for source in sources:
            for parent in self.extended(source):
                if self.names_nothing(folder, source, parent):
                    continue
                other = shipped_pack(folder, parent[8:]) if parent.startswith("shipped:") else folder / parent
                if not other.resolve().is_relative_to(folder.parent) and not parent.startswith("shipped:"):
                    self.note(
                        source.name, f"extends `{parent}`, which is outside the folder of policies; move it there"
                    )
                    continue
                if all(pack.folder != other.resolve() for pack in self.packs):
                    self.gather(other.resolve(), parent, (*above, folder))
                below.add(other.resolve())
                below.update(*(pack.below for pack in self.packs if pack.folder == other.resolve()))
        self.packs.append(_Pack(folder=folder, sources=sources, below=frozenset(below)))

    def names_nothing(self, folder: Path, source: Source, parent: str) -> bool:
        """Note a pack that is not there, with the nearest one beside it or shipped, at the line that extends it."""
        shipped = parent.startswith("shipped:")
        other = shipped_pack(folder, parent[8:]) if shipped else folder / parent
        root = other.resolve().parent
        if other.is_dir() or not (shipped or root == folder.parent):
            return False
        lead = "shipped:" if shipped else "../"
        beside = [f"{lead}{each.parent.name}" for each in root.glob("*/policy.toml") if each.parent != folder]
        line = source.line_of(None, "extends")
        message = f"extends `{parent}`, and there is no such folder{nearest(parent, beside)}"
        self.problems.append(Problem(file=source.name, line=line, column=1 if line else None, message=message))
        return True

    def extended(self, source: Source) -> tuple[str, ...]:
        head = source.table.get("policy")
        found = head.get("extends", []) if isinstance(head, dict) else []
        return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()

    def law_folder(self) -> Path:
        """The data folder beside the policy, or the shipped one when there is none. The digest covers either."""
        beside = self.folder.resolve().parent / "data"
        return beside if beside.is_dir() else shipped_policies() / "data"

    def head(self) -> _Head:
        found: list[_Head] = []
        for pack in self.packs:
            heads = [(source, source.table["policy"]) for source in pack.sources if "policy" in source.table]
            if len(heads) != 1 and pack.sources:
                self.note(pack.folder.name, f"has {len(heads)} tables `[policy]`, and needs exactly one")
            found = [self.one_head(source, values) for source, values in heads]
        return found[0] if found else _Head()

    def one_head(self, source: Source, values: object) -> _Head:
        table = Table(values, source, self.problems, name="policy")
        if table.get("default") is not None:
            table.refuse("`default` is not a setting: what no rule stops is allowed, so remove it", "default")
        head = _Head(
            name=table.text("name"),
            revision=table.whole("revision"),
            about=table.text("about"),
            status=table.choice("status", LegalStatus),
            disclosure=table.choice("disclosure", Disclosure, Disclosure.PUBLIC),
        )
        table.texts("extends")
        table.known("accepts", table.texts("accepts"), WARNINGS, "warning")
        table.finish()
        return head

    def constants(self, law: Law) -> Constants:
        limits: dict[str, Number] = {}
        options: dict[str, bool] = {}
        setters: dict[str, list[tuple[_Pack, object]]] = {}
        for pack, source in ((each, source) for each in self.packs for source in each.sources):
            top = Table(source.table, source, self.problems)
            for name, value in self.named(top, "limits").items():
                number = self.limit(top, name, value, law)
                limits.setdefault(name, 0)  # what is wrong with it is told once, and not at each rule that names it
                if number is not None and number < 0:
                    top.refuse(f"limit `{name}` is below 0, and nothing that is counted or measured ever is", name)
                elif number is not None:
                    limits[name] = number
                    setters.setdefault(f"limit `{name}`", []).append((pack, number))
            for name, value in self.named(top, "options").items():
                if isinstance(value, bool):
                    options[name] = value
                    setters.setdefault(f"option `{name}`", []).append((pack, value))
                else:
                    top.refuse(f"option `{name}` must be true or false", name)
            for key in ("policy", "rule", "route", "territories", "screening"):
                top.get(key)
            top.finish()
        self.check_setters(setters)
        limits.update(self.adjusted("limit", self.adjustments.limits, limits))
        options.update(self.adjusted("option", self.adjustments.options, options))
        groups = {name: group.title for name, group in law.groups.items()}
        return Constants(limits=limits, options=options, groups=groups)

    def check_setters(self, setters: Mapping[str, list[tuple[_Pack, object]]]) -> None:
        """Refuse what two packs set differently of which neither extends the other: their order would decide."""
        for what, found in setters.items():
            last, stands = found[-1]
            for pack, value in found[:-1]:
                if value != stands and pack is not last and pack.folder not in last.below:
                    between = f"`{pack.folder.name}` and `{last.folder.name}`"
                    self.note(self.folder.name, f"{what} differs between {between}; set it here")

    def named(self, top: Table, key: str) -> dict[str, Any]:
        values = top.get(key)
        if values is None:
            return {}
        if not isinstance(values, dict):
            top.refuse(f"`{key}` must be a table", key)
            return {}
        for name in values:
            if not _NAME.fullmatch(name):
                top.refuse(f"`{key}.{name}` must be lower-case letters, digits and underscores", name)
        return values

    def limit(self, top: Table, name: str, value: object, law: Law) -> Number | None:
        """Return an exact number: written out, or `{ threshold = "..." }` of the shared data."""
        if isinstance(value, dict):
            table = Table(value, top.source, self.problems)
            wanted = table.text("threshold")
            table.finish()
            if wanted in law.thresholds:
                self.drawn[name] = law.thresholds[wanted]
                return law.thresholds[wanted].value
            top.refuse(f"limit `{name}`: unknown threshold `{wanted}`{nearest(wanted, law.thresholds)}", name)
            return None
        try:
            return parse_number(written(value) or "nothing")
        except ConditionError as error:
            top.refuse(f"limit `{name}`: {error}", name)
            return None

    def adjusted(self, what: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in given:
            if name not in known:
                self.note("adjustments", f"unknown {what} `{name}`{nearest(name, known)}")
        return {name: value for name, value in given.items() if name in known}

    def territories(self, law: Law) -> list[Territory]:
        """The territories, with the operator's choices from `[territories]`, where the data leave a choice."""
        chosen = dict(law.territories)
        for source in (source for pack in self.packs for source in pack.sources):
            table = Table(source.table.get("territories", {}), source, self.problems, name="territories")
            for code, country in table.values.items():
                open_codes = [one.code for one in law.territories.values() if one.choice]
                if code not in open_codes:
                    known = ", ".join(open_codes)
                    table.refuse(f"territory `{code}` is not the operator's to choose; there are {known}", code)
                elif not (isinstance(country, str) and re.fullmatch("[A-Z]{2}", country)):
                    table.refuse(f"territory `{code}` must be a country code of two capital letters", code)
                else:
                    old = chosen[code]
                    chosen[code] = Territory(
                        code=code, name=old.name, treat_as=country, why="the operator's choice", choice=True
                    )
        return list(chosen.values())

    def lines(self) -> Lines | None:
        """The lines of screening: those of this folder, else of the last pack that it extends and that draws any."""
        sources = [source for pack in self.packs for source in pack.sources if "screening" in source.table]
        found = [read_lines(source.table["screening"], source, self.problems) for source in sources]
        return found[-1] if found else None

    def rules(self, source: Source, pack: str, law: Law, constants: Constants) -> list[Rule]:
        top = Table(source.table, source, self.problems)
        return [self.rule(values, source, pack, law, constants) for values in top.tables("rule")]

    def rule(self, values: Any, source: Source, pack: str, law: Law, constants: Constants) -> Rule:
        name = values.get("id") if isinstance(values, dict) else None
        table = Table(values, source, self.problems, rule=name if isinstance(name, str) else None, name="rule")
        rule_id, text = table.text("id"), table.text("when").strip()
        if rule_id and not _RULE_ID.fullmatch(rule_id):
            table.refuse("`id` must be lower-case words joined by `-` or `.`", "id")
        node = self.condition(table, text, constants)
        outcome = self.outcome(table)
        because = read_template(table.text("because"), constants)
        first, last = self.days(table, law)
        for problem in because.problems:
            table.refuse(problem, "because")
        cites = table.texts("cites")
        rule = Rule(
            id=rule_id,
            title=table.text("title"),
            text=text,
            node=node,
            condition=compile_condition(node, constants),
            steady=steady_part(node, constants),
            outcome=outcome,
            cites=table.known("cites", cites, law.citations, "citation"),
            status=table.choice("status", LegalStatus),
            mode=table.choice("mode", Mode, Mode.ENFORCE),
            overridable=table.flag("overridable", default=outcome is Outcome.ESCALATE),
            four_eyes=table.flag("four_eyes", default=False),
            because=because.template,
            policy=pack,
            runbook=table.text("runbook", ""),
            effective_from=first,
            effective_to=last,
            replaces=table.text("replaces", ""),
            accepts=table.known("accepts", table.texts("accepts"), WARNINGS, "warning"),
        )
        table.finish()
        self.check_law(rule, table, law)
        return rule

    def outcome(self, table: Table) -> Outcome:
        """What the rule comes to: one of two words, told once where it is another."""
        value = table.get("then", needed=True)
        words = [str(Outcome.ESCALATE), str(Outcome.BLOCK)]
        if value in words:
            return Outcome(value)
        if value == str(Outcome.ALLOW):
            table.refuse("`then` must be escalate or block: what no rule stops is allowed", "then")
        elif value is not None:
            table.refuse(f"`then` is `{value}`, and must be escalate or block{nearest(str(value), words)}", "then")
        return Outcome.BLOCK

    def days(self, table: Table, law: Law) -> tuple[date | None, date | None]:
        """The rule's first and last day: its own, or those of the period of the shared data that it names."""
        first, last = table.day("effective_from"), table.day("effective_to")
        name = table.text("period", "")
        if not name:
            return first, last
        if first or last:
            table.refuse("`period` and `effective_from` or `effective_to` cannot stand together", "period")
        if name not in law.periods:
            hint = nearest(name, law.periods) if law.periods else "; the data folder has no `periods.toml`"
            table.refuse(f"unknown period `{name}`{hint}", "period")
            return first, last
        return law.periods[name].start, law.periods[name].end

    def condition(self, table: Table, text: str, constants: Constants) -> Node:
        if not text:
            return _NEVER
        try:
            node = parse_condition(text)
        except ConditionError as error:
            table.refuse(f"`when`: {error}", "when", at=(text, error.position))
            return _NEVER
        wrong = check_condition(node, constants)
        for problem in wrong:
            table.refuse(f"`when`: {problem}", "when", at=(text, problem.position))
        return _NEVER if wrong else node

    def check_law(self, rule: Rule, table: Table, law: Law) -> None:
        """Check that the rule claims no more than its citations carry."""
        if not table.values.get("cites"):
            table.refuse("a rule cites at least one text; add `cites`")
        if rule.effective_from and rule.effective_to and rule.effective_to < rule.effective_from:
            table.refuse("`effective_to` is before `effective_from`", "effective_to")
        cited = [law.citations[cite] for cite in rule.cites]
        if cited and rule.status is not LegalStatus.OPERATOR and all(one.status is not rule.status for one in cited):
            known = ", ".join(sorted({str(one.status) for one in cited}))
            table.refuse(f"`status` is {rule.status}, and its citations are {known}", "status")
        if rule.mode is Mode.ENFORCE:
            for message in _unenforceable(rule, law):
                table.refuse(message, "mode")

    def routes(self) -> list[tuple[Route, Source]]:
        """The routes of every pack, each with its file."""
        sources = [source for pack in self.packs for source in pack.sources]
        found = [(route, source) for source in sources for route in read_routes(source, self.problems)]
        for name in named_twice(route for route, _ in found):
            for source in dict.fromkeys(source.name for route, source in found if route.name == name):
                self.problems.append(
                    Problem(file=source, message="several routes have this name", rule=name, kind="route")
                )
        return found

    def routed(self, rules: list[Rule], routes: list[tuple[Route, Source]], law: Law) -> list[Rule]:
        """The rules with the routes that bear on them; what must not be enforced is not enforced on a route either."""
        ids = [rule.id for rule in rules]
        for route, source in routes:
            table = Table({"rules": list(route.rules)}, source, self.problems, rule=route.name, kind="route")
            table.known("rules", route.rules, ids, "rule")
            if route.mode is Mode.ENFORCE and not route.rules:
                table.refuse("mode `enforce` lowers nothing; name the `rules` that are enforced here", "mode")
            for rule in rules:
                if route.mode is Mode.ENFORCE and rule.id in route.rules:
                    for message in _unenforceable(rule, law):
                        table.refuse(f"rule `{rule.id}`: {message}", "rules")
        return [replace(rule, routes=_routes_of(rule, routes)) for rule in rules]

    def check_rules(self, rules: list[Rule]) -> None:
        ids = [rule.id for rule in rules]
        for rule in rules:
            if rule.replaces and rule.replaces not in ids:
                message = f"`replaces`: unknown rule `{rule.replaces}`{nearest(rule.replaces, ids)}"
                here = [source for pack in self.packs if pack.folder.name == rule.policy for source in pack.sources]
                source = next((each for each in here if each.line_of(rule.id) is not None), None)
                if source is None:
                    self.problems.append(Problem(file=rule.policy, rule=rule.id, message=message))
                else:
                    Table({}, source, self.problems, rule=rule.id).refuse(message, "replaces")
        for name in sorted({name for name in ids if name and ids.count(name) > 1}):
            for pack in self.packs:
                for source in pack.sources:
                    line = source.line_of(name)
                    if line is not None:
                        message = f"the id is used {ids.count(name)} times"
                        self.problems.append(Problem(file=source.name, line=line, rule=name, message=message))
        if not any(rule.mode is Mode.ENFORCE for rule in rules) and not self.problems:
            self.note(self.folder.name, "has no rule in mode `enforce`, so it would allow everything")

    def digest(self, law: Law) -> str:
        """SHA-256 over the name and bytes of every file, the data included, and over the adjustments."""
        total = hashlib.sha256()
        for source in (*(source for pack in self.packs for source in pack.sources), *law.sources):
            for part in (source.name.encode(), source.data):
                total.update(len(part).to_bytes(8, "big") + part)
        for kind, given in (("limits", self.adjustments.limits), ("options", self.adjustments.options)):
            for name, value in sorted(given.items()):
                total.update(f"{kind}.{name}={value}\n".encode())
        return total.hexdigest()


def _unenforceable(rule: Rule, law: Law) -> Iterator[str]:
    """Why a rule must not be enforced: what it rests on is badly evidenced, or is no law any more."""
    cited = [law.citations[cite] for cite in rule.cites]
    if cited and all(one.grade in _WEAK for one in cited):
        yield "every citation is of grade 1 or M, which is not enforced; use `observe` or `warn`"
    if rule.status in _DEAD:
        yield f"law with status {rule.status} is not enforced; use `observe`, or status `operator`"


def _routes_of(rule: Rule, routes: list[tuple[Route, Source]]) -> tuple[RuleRoute, ...]:
    found = [(route, route.mode_of(rule.id, rule.mode)) for route, _ in routes]
    return tuple(RuleRoute(route=route, mode=mode) for route, mode in found if mode is not None)


def shipped_pack(folder: Path, name: str) -> Path:
    """Return the shipped policy that `folder` extends; in a bundle, the one that was shipped when it was made."""
    bundled = (folder.parent / BUNDLE).is_file()
    return folder.parent / name if bundled else shipped_policies() / name


class _Head(Record):
    """The table `[policy]`."""

    name: str = ""
    revision: int = 1
    about: str = ""
    status: LegalStatus = LegalStatus.OPERATOR
    disclosure: Disclosure = Disclosure.PUBLIC
