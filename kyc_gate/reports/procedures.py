"""The description of know-your-customer procedures that Supp. No. 2 to 15 CFR Part 748 (dd) asks a consignee for.

It tells what this gate does as it is set up now. What a provider does beside it is left for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from kyc_gate.model.coverage import ListClock
from kyc_gate.model.decision import Mode
from kyc_gate.model.record import Record
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.reports.paper import Basis, Cell, Field, Paper, Section, Table, joined, told
from kyc_gate.reports.remote_users import CITE

STATUS = (
    f"{CITE}, in force since 2026-01-15, has an applicant describe the procedures by which the ultimate consignee "
    "keeps remote access from whoever must not have it. Read the paragraph before filing."
)


class Setup(Record):
    """How a gate is set up, as far as its procedures are described by it.

    Times are in the unit that their name ends in. `entries` counts the entries of each active list; `clocks` say how
    old each is. `signs` tells whether the record is signed, `observes` that nothing is refused (`gate.unsafe_mode`).
    `reviewers` counts people by role.
    """

    policies: tuple[Policy, ...]
    entries: Mapping[str, int]
    clocks: tuple[ListClock, ...]
    max_age_hours: float
    possible: float
    match: float
    always_two: bool
    due_hours: float
    urgent_due_hours: float
    grant_hours: float
    case_days: float
    questionnaire_days: float
    window_days: int
    years_ofac: int
    years_ear: int
    signs: bool
    register: bool
    observes: bool
    parties: int
    verified: int
    reviewers: Mapping[str, int]


def procedures_paper(setup: Setup, *, basis: Basis, provider: str | None = None) -> Paper:
    """Return the description as a paper."""
    today = basis.prepared_at.date()
    return Paper(
        kind="procedures",
        title="Draft description of know-your-customer procedures",
        status=STATUS,
        basis=basis,
        sections=(
            Section(
                title="The ultimate consignee",
                fields=(
                    told(CITE, "name", provider),
                    told(CITE, "address", None),
                    told(CITE, "person responsible", None),
                ),
            ),
            Section(title="Who the customer is", fields=tuple(_identity(setup))),
            Section(title="Screening", fields=tuple(_screening(setup))),
            Section(title="Each request for machines", fields=tuple(_requests(setup))),
            Section(title="People who decide", fields=tuple(_people(setup))),
            Section(title="Records", fields=tuple(_records(setup))),
            Section(title="Beside the gate", fields=tuple(_beside())),
        ),
        tables=(_lists(setup, basis), *(_rules(policy, today) for policy in setup.policies)),
        remarks=(
            ("`gate.unsafe_mode` is set: what this describes is recorded, and nothing is refused.",)
            if setup.observes
            else ()
        ),
    )


def _identity(setup: Setup) -> Iterator[Field]:
    asked = (
        "location, headquarters, headquarters of the ultimate parent, place of use and data centre, each read from "
        "what the customer declares, with evidence; what cannot be read is unknown, and unknown is held for a person"
    )
    yield told(CITE, "parties on file", f"{setup.parties}, of which {setup.verified} are verified", "directory")
    yield told(CITE, "countries that are established of each", asked, "how the gate works")
    register = "owners as declared, and the LEI register" if setup.register else "owners as declared"
    yield told(
        CITE, "who stands behind a customer", f"{register}; shares are followed through every level", "configuration"
    )
    yield told(CITE, "documents by which identity is verified", None)
    yield told(CITE, "how customers of resellers are known", None)


def _screening(setup: Setup) -> Iterator[Field]:
    lines = f"a resemblance of {setup.possible:g} is held for a person, one of {setup.match:g} counts as a match"
    yield told(CITE, "lists", ", ".join(sorted(setup.entries)), "active lists")
    yield told(
        CITE, "who is screened", "the customer, its ultimate parent, its owners and its managers", "how the gate works"
    )
    yield told(CITE, "lines", lines, "configuration; a policy may draw its own")
    yield told(
        CITE,
        "age from which on a list is stale",
        f"{setup.max_age_hours:g} hours; then requests are held",
        "configuration",
    )
    yield told(
        CITE,
        "screening again",
        "each customer is screened at each decision, by the lists of that moment",
        "how the gate works",
    )
    yield told(
        CITE, "false positives", "cleared by two people for a time, until either side changes", "how the gate works"
    )


def _requests(setup: Setup) -> Iterator[Field]:
    enforced = sum(rule.strictest is Mode.ENFORCE for policy in setup.policies for rule in policy.rules)
    held = "no request passes before its decision is on record; what is not known is held for a person"
    yield told(CITE, "before machines are given", held, "how the gate works")
    yield told(CITE, "rules that are enforced", str(enforced), "policies; named below")
    window = f"operations are summed over the control group for {setup.window_days} days"
    yield told(CITE, "requests in small pieces", window, "configuration")
    asks = "a questionnaire on end use, end users, the model and the export of its weights, good for "
    asks += f"{setup.questionnaire_days:g} days"
    yield told(CITE, "what the customer is asked", asks, "configuration")


def _people(setup: Setup) -> Iterator[Field]:
    roles = joined((f"{count} {role}" for role, count in sorted(setup.reviewers.items())), between=", ")
    two = "always" if setup.always_two else "for what blocks, and where a rule asks for it"
    yield told(CITE, "people by role", roles, "people on file")
    yield told(CITE, "when two people decide", two, "configuration")
    due = f"{setup.urgent_due_hours:g} hours where a rule blocks, {setup.due_hours:g} hours otherwise"
    yield told(CITE, "how soon a case is due", due, "configuration")
    grants = f"an approval is good for the very request, once, within {setup.grant_hours:g} hours"
    yield told(CITE, "what an approval opens", grants, "configuration")
    yield told(CITE, "undecided cases", f"end after {setup.case_days:g} days, without an approval", "configuration")
    yield told(CITE, "training of the people who decide", None)


def _records(setup: Setup) -> Iterator[Field]:
    signed = "each record is chained to the one before, and the whole is signed" if setup.signs else None
    yield told(CITE, "integrity", signed, "configuration: audit.key")
    kept = f"{setup.years_ofac} years, or {setup.years_ear} where nobody involved resembles a list"
    kept += "; longer under a legal hold"
    yield told(CITE, "how long records are kept", kept, "configuration")


def _beside() -> Iterator[Field]:
    for label in (
        "how remote access is restricted technically",
        "how remote end users are told apart from the customer",
        "how the transfer of weights to undisclosed end users is prevented",
        "physical security of the data centre",
        "what is done when access is found that must not be",
        "certified by, with date",
    ):
        yield told(CITE, label, None)


def _lists(setup: Setup, basis: Basis) -> Table:
    ages = {clock.list: clock.age_hours(basis.prepared_at) for clock in setup.clocks}
    stale = {clock.list for clock in setup.clocks if clock.stale(basis.prepared_at)}
    return Table(
        title="Active lists",
        header=("List", "Entries", "Hours since it was confirmed", "Standing"),
        rows=tuple(
            (
                code,
                str(setup.entries.get(code, 0)),
                _age(ages.get(code)),
                "stale or missing" if code in stale else "current",
            )
            for code in sorted({*setup.entries, *ages})
        ),
    )


def _age(hours: float | None) -> Cell:
    return None if hours is None else f"{hours:.0f}"


def _rules(policy: Policy, today: date) -> Table:
    rules: Sequence[Rule] = [rule for rule in policy.rules if rule.strictest is not Mode.OFF and rule.in_force(today)]
    return Table(
        title=f"Rules of {policy.reference}",
        header=("Rule", "What it finds", "Outcome", "Mode", "Two people", "Law's standing", "Citations"),
        rows=tuple(
            (
                rule.id,
                rule.title,
                rule.outcome.value,
                rule.mode.value,
                "yes" if rule.four_eyes or rule.outcome.severity > 1 else "no",
                rule.status.value.replace("_", " "),
                "; ".join(policy.citations[each].cite if each in policy.citations else each for each in rule.cites),
            )
            for rule in rules
        ),
        note=policy.about,
    )
