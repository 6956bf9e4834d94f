"""What the LEI register says of a party: who it is, where it sits, and who stands above it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from msgspec.structs import replace

from kyc_gate.model.record import Record
from kyc_gate.ownership.gleif.lei import looks_like_lei, read_lei
from kyc_gate.ownership.gleif.records import (
    BRANCH,
    DIRECT,
    DIRECT_EXCEPTION,
    REASONS,
    ULTIMATE,
    ULTIMATE_EXCEPTION,
    Entity,
    Relationship,
    ReportingException,
)

MOST_LAYERS = 100
"""Layers that are followed in the register; the deepest group reported in 2025 has about thirty."""


class Register(Protocol):
    """The register as it is looked up: at one moment, by LEI or by exact name."""

    @property
    def as_of(self) -> str | None:
        """The moment that the level-1 data are of, in ISO 8601."""
        ...

    @property
    def version(self) -> str:
        """What tells one content of the register from another."""
        ...

    def entity(self, lei: str) -> Entity | None:
        """Return the record of an LEI, the latest one where there are several."""
        ...

    def named(self, name: str) -> tuple[Entity, ...]:
        """Return every entity that bears the name, exactly after folding, records that say nothing left out."""
        ...

    def above(self, lei: str) -> tuple[Relationship, ...]:
        """Return the relationships that lead upwards from an entity, ended ones included."""
        ...

    def exceptions(self, lei: str) -> tuple[ReportingException, ...]:
        """Return why the entity reports no parent."""
        ...

    def children(self, lei: str) -> int:
        """Return how many entities report this one as their direct parent."""
        ...


class Step(Record):
    """One step up: from an entity to `lei`, which the register may not know. `weak` evidence was not renewed."""

    lei: str
    type: str
    entity: Entity | None
    weak: bool

    @property
    def name(self) -> str:
        """Return the name, or the LEI of an entity that the register does not know."""
        return self.entity.name if self.entity else f"LEI {self.lei}"

    @property
    def country(self) -> str | None:
        """Return the country of the headquarters."""
        return self.entity.headquarters_address.country if self.entity else None


class Standing(Record):
    """What the register says of one entity.

    `chain` leads from its direct parent upwards; `ultimate` are the last ones, none where the register does not say,
    which never means that there are none. `notes` tell what weakens or qualifies the evidence, one clause each.
    """

    entity: Entity
    matched_by: str
    direct: tuple[Step, ...] = ()
    ultimate: tuple[Step, ...] = ()
    chain: tuple[Step, ...] = ()
    exceptions: tuple[ReportingException, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def weak(self) -> bool:
        """Whether the entity's own record is evidence that nobody renewed."""
        return self.entity.weak

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return every reason for reporting no parent, as the codes of the register."""
        return tuple(dict.fromkeys(reason for each in self.exceptions for reason in each.reasons))


class Search(Record):
    """What was found for a party: its standing, or why there is none."""

    standing: Standing | None = None
    problem: str | None = None


def search(register: Register, *, lei: str | None, names: Iterable[str] = (), countries: Iterable[str] = ()) -> Search:
    """Return what the register says of the party that has this LEI, or else one of these names in these countries.

    A name counts only when it is the same after folding, in a country that the party states, and when one entity alone
    bears it: a name that is near is nobody's.
    """
    if lei is not None and lei.strip():
        return _by_lei(register, lei)
    wanted = frozenset(countries)
    found = {
        entity.lei: entity
        for name in names
        for entity in register.named(name)
        if wanted & {entity.legal_address.country, entity.headquarters_address.country}
    }
    if len(found) == 1:
        return Search(standing=standing_of(register, next(iter(found.values())), "name"))
    return Search(problem=f"{len(found)} entities bear the name" if found else None)


def lei_problem(given: str | None) -> str | None:
    """Return why what is given as an LEI is none, or None where it may be one or nothing is given."""
    if given is None or not given.strip() or read_lei(given) is not None:
        return None
    shape = "its check digits do not fit" if looks_like_lei(given) else "an LEI has twenty letters and digits"
    return f"`{given[:40]}` is no LEI: {shape}"


def _by_lei(register: Register, given: str) -> Search:
    lei = read_lei(given)
    if lei is None:
        return Search(problem=lei_problem(given))
    entity = register.entity(lei)
    if entity is None:
        return Search(problem=f"the register does not know LEI {lei}")
    return Search(standing=standing_of(register, entity, "lei"))


def standing_of(register: Register, entity: Entity, matched_by: str) -> Standing:
    """Return what the register says of `entity`; a record that was replaced is read through to its successor."""
    notes: list[str] = []
    current = _succeeded(register, entity, notes)
    chain, ultimate = _upwards(register, current.lei, notes)
    _note_strength(current, notes)
    exceptions = register.exceptions(current.lei)
    notes.extend(_exception_notes(exceptions))
    return Standing(
        entity=current,
        matched_by=matched_by,
        direct=tuple(step for step in _steps(register, current.lei) if step.type == DIRECT),
        ultimate=ultimate,
        chain=chain,
        exceptions=exceptions,
        notes=tuple(notes),
    )


def _succeeded(register: Register, entity: Entity, notes: list[str]) -> Entity:
    seen = {entity.lei}
    while entity.successor and entity.successor not in seen and (entity.void or entity.weak):
        after = register.entity(entity.successor)
        if after is None:
            break
        notes.append(f"LEI {entity.lei} is {entity.registration} and succeeded by {after.lei}")
        seen.add(after.lei)
        entity = after
    return entity


def _note_strength(entity: Entity, notes: list[str]) -> None:
    if entity.void:
        notes.append(f"the record is {entity.registration}, so that it says nothing")
    elif entity.weak:
        state = entity.registration if entity.status != "INACTIVE" else f"{entity.registration} and the entity inactive"
        due = f" since {entity.renewal[:10]}" if entity.registration == "LAPSED" and entity.renewal else ""
        notes.append(f"the record is {state}{due}: weaker evidence")
    if read_lei(entity.lei) is None:
        notes.append(f"the check digits of {entity.lei} do not fit")


def _exception_notes(exceptions: Iterable[ReportingException]) -> list[str]:
    which = {DIRECT_EXCEPTION: "direct", ULTIMATE_EXCEPTION: "ultimate"}
    return [
        f"no {which.get(each.category, each.category)} parent is reported: "
        + (", ".join(REASONS.get(reason, reason) for reason in each.reasons) or "no reason is given")
        for each in exceptions
    ]


def _steps(register: Register, lei: str) -> list[Step]:
    """Return the steps up from an entity that stand: to parents that consolidate it, and from a branch to its owner."""
    return [
        Step(lei=each.end, type=each.type, entity=(end := register.entity(each.end)), weak=each.weak or _doubtful(end))
        for each in register.above(lei)
        if not each.void and each.type in (ULTIMATE, DIRECT, BRANCH) and each.end != lei
    ]


def _doubtful(entity: Entity | None) -> bool:
    return entity is None or entity.weak or entity.void


def _upwards(register: Register, lei: str, notes: list[str]) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Return the chain of direct parents upwards, and the ultimate parents.

    Who is reported as ultimate is followed further where that entity reports a parent of its own. Without a report of
    the ultimate parent the chain of direct ones is all there is, and its end is the last one that is known: weak, since
    silence is no report that nobody stands above it.
    """
    chain = _chain(register, lei, notes)
    tops: dict[str, Step] = {}
    waiting = [step for step in _steps(register, lei) if step.type in (ULTIMATE, BRANCH)] or list(chain[-1:])
    seen = {lei}
    while waiting:
        step = waiting.pop()
        if step.lei in seen:
            notes.append(f"the parents of {step.name} run in a circle")
            continue
        if len(seen) > MOST_LAYERS:
            notes.append(f"more than {MOST_LAYERS} layers of parents")
            return chain, ()
        seen.add(step.lei)
        further = [each for each in _steps(register, step.lei) if each.type in (ULTIMATE, BRANCH, DIRECT)]
        if further:
            waiting.extend(
                Step(lei=each.lei, type=each.type, entity=each.entity, weak=each.weak or step.weak) for each in further
            )
        else:
            tops[step.lei] = step if step.type == ULTIMATE else replace(step, weak=True)
    notes.extend(
        f"nobody reports {step.name} as ultimate parent: it is the last one that is known"
        for step in tops.values()
        if step.type != ULTIMATE
    )
    if len(tops) > 1:
        notes.append("several ultimate parents are reported: " + ", ".join(step.name for step in tops.values()))
    return chain, tuple(tops.values())


def _chain(register: Register, lei: str, notes: list[str]) -> tuple[Step, ...]:
    """Return the direct parents upwards, the first one where several are reported."""
    found: list[Step] = []
    seen, current = {lei}, lei
    while len(found) < MOST_LAYERS:
        step = next((each for each in _steps(register, current) if each.type in (DIRECT, BRANCH)), None)
        if step is None or step.lei in seen:
            break
        found.append(step)
        seen.add(step.lei)
        current = step.lei
    notes.extend(f"the register has no record of {step.name}" for step in found if step.entity is None)
    if any(step.weak and step.entity is not None for step in found):
        notes.append("a step of the chain, or the record of who stands there, was not renewed: weaker evidence")
    return tuple(found)
