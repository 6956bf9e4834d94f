"""The file of a case: everything that is on record of it, in one paper to print, hand over or put away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kyc_gate.model.case import Case, CaseEvent, CaseRequest, Grant
from kyc_gate.model.case_steps import Step
from kyc_gate.model.clearance import Clearance
from kyc_gate.model.match import Match
from kyc_gate.model.questionnaire import QUESTIONS, Questionnaire
from kyc_gate.model.record import Record
from kyc_gate.reports.paper import ERASED, Basis, Cell, Field, Paper, Section, Table, told
from kyc_gate.reports.recorded import DecidedRecord, Tree, leaves, text_of

STATUS = "A working paper from the gate's own records. It certifies nothing, and no agency asks for it in this form."

PLACES = {
    "location": "location",
    "headquarters": "headquarters",
    "parent_headquarters": "headquarters of the ultimate parent",
    "use": "place of use",
    "data_centre": "data centre",
}
"""The five countries, as `FiveCountries` names them and as people do."""

_APART = ("five_countries", "resembled", "cleared", "as_of", "grant")
"""What of the facts has a table of its own, or stands in the head."""


class Proved(Record):
    """A record's place under a checkpoint. `proof` is a C2SP tlog-proof; None where no checkpoint covers it yet."""

    position: int
    proof: str | None


class CaseContents(Record):
    """What a case file is made of, as the store holds it.

    `decisions` are those of the case, oldest first; the newest of each request is printed in full. `screened` are the
    matches of its parties by party, found anew with the lists of `screened_with` when the paper was drawn up, since a
    decision's record keeps scores and not words. `attachments` are digests whose content is on file and unchanged.
    """

    case: Case
    requests: tuple[CaseRequest, ...]
    events: tuple[CaseEvent, ...]
    grants: tuple[Grant, ...]
    questionnaires: tuple[Questionnaire, ...]
    decisions: tuple[DecidedRecord, ...]
    clearances: tuple[Clearance, ...] = ()
    attachments: frozenset[str] = frozenset()
    proofs: tuple[Proved, ...] = ()
    screened: Mapping[str, tuple[Match, ...]] = {}
    screened_with: str | None = None


def case_paper(contents: CaseContents, *, prepared_at: datetime) -> Paper:
    """Return the file of a case. Policies and snapshot of the whole are those of its newest decision."""
    newest = contents.decisions[-1] if contents.decisions else None
    full = {request.decision_id for request in contents.requests} or ({newest.decision_id} if newest else set())
    decided = [each for each in contents.decisions if each.decision_id in full]
    return Paper(
        kind="case-file",
        title=f"Case file {contents.case.id}",
        status=STATUS,
        basis=Basis(
            prepared_at=prepared_at,
            policies=newest.policies if newest else (),
            snapshot=newest.snapshot if newest else None,
        ),
        sections=(_case(contents.case), *_customers(decided), *_questions(contents.questionnaires)),
        tables=(
            _requests(contents.requests),
            *(table for each in decided for table in _decision(each)),
            *_explained(contents),
            _history(contents.events),
            _attachments(contents),
            _grants(contents.grants),
            _clearances(contents.clearances),
            _positions(contents),
            *_proofs(contents.proofs),
        ),
        remarks=tuple(_remarks(contents)),
    )


def _case(case: Case) -> Section:
    rows: tuple[tuple[str, Any], ...] = (
        ("state", f"{case.state.value}{' (overdue)' if case.overdue else ''}"),
        ("severity", case.severity),
        ("outcome that opened it", case.outcome.value),
        ("rules", ", ".join(case.rules)),
        ("control group", case.control_group),
        ("parties", ", ".join(sorted(case.customers))),
        ("account", case.account),
        ("operation", case.operation),
        ("opened", _time(case.opened_at)),
        ("due", _time(case.due_at)),
        ("two people decide", case.four_eyes),
        ("version", case.version),
        ("assigned to", case.assignee or "nobody"),
        ("follows", case.follows or "no other case"),
    )
    decided: tuple[tuple[str, Any], ...] = (
        ("decided", _time(case.decided_at)),
        ("decided by", case.reviewer),
        ("conclusion", case.disposition.value if case.disposition else None),
        ("reason", case.note or None),
        ("repeats", case.duplicate_of or "no other case"),
    )
    proposal = case.proposal
    proposed: tuple[tuple[str, Any], ...] = (
        (
            ("proposed", f"{proposal.step}: {proposal.disposition.value}"),
            ("proposed by", f"{proposal.by}, {_time(proposal.at)}, on version {proposal.version}"),
            ("why proposed", proposal.note),
        )
        if proposal
        else ()
    )
    return Section(
        title="The case",
        fields=tuple(told("", label, text_of(value), "case") for label, value in (*rows, *proposed, *decided)),
    )


def _customers(decided: Sequence[DecidedRecord]) -> Iterator[Section]:
    """Each customer once, as its newest decision knew it."""
    for party_id, record in {each.fact("customer.id"): each for each in decided if each.facts}.items():
        name, source = record.fact("customer.name"), f"record {record.position}"
        rows = (
            ("party", party_id),
            ("name", name),
            ("kind", record.fact("customer.kind")),
            ("identity verified", record.fact("customer.verified")),
            ("reseller", record.fact("customer.reseller")),
            ("ultimate parent", "itself" if record.fact("parent.is_self") else record.fact("parent.name")),
            ("way up to the parent", record.fact("parent.chain") or None),
            ("owners on file", record.fact("ownership.known")),
            ("share held by SDNs", record.fact("ownership.sdn_share")),
            ("holdings of listed parties", record.fact("ownership.chains")),
        )
        yield Section(
            title=f"Customer: {name or party_id or 'not on file'}",
            fields=tuple(told("", label, text_of(value), source) for label, value in rows),
        )


def _questions(questionnaires: Sequence[Questionnaire]) -> Iterator[Section]:
    for sent in questionnaires:
        answered = f"answered {_time(sent.answered_at)}" if sent.answered_at else "not answered"
        fields: list[Field] = []
        for question in QUESTIONS:
            answer = sent.answers.get(question.id)
            shown = dict(question.choices).get(answer, answer) if answer else None
            if shown is None and sent.answered_at and not question.needed:
                shown = "left empty"
            fields.append(told("", question.text, shown, "customer's answer"))
        yield Section(
            title=f"Questionnaire of {_time(sent.sent_at)}, sent by {sent.sent_by}, {answered}", fields=tuple(fields)
        )


def _requests(requests: Sequence[CaseRequest]) -> Table:
    return Table(
        title="Requests that wait, or waited, in the case",
        header=(
            "Time",
            "Account",
            "Party",
            "Operation",
            "Likely operations",
            "At full peak",
            "Outcome",
            "Rules",
            "Decision",
        ),
        rows=tuple(
            (
                _time(each.at),
                each.account,
                each.party_id or None,
                each.operation,
                f"{each.likely:.3e}",
                f"{each.high:.3e}",
                each.outcome.value,
                ", ".join(each.rules),
                each.decision_id,
            )
            for each in requests
        ),
    )


def _decision(record: DecidedRecord) -> Iterator[Table]:
    name = f"Decision {record.decision_id}"
    under = f"{record.outcome} ({record.acted}), {_time(record.at)}, under {', '.join(record.policies) or 'no policy'}"
    lists = f"list snapshot {record.snapshot}" if record.snapshot else "no list was active"
    if record.erased:
        rows = tuple((rule, None, None, ERASED, None) for rule in record.rules)
        yield Table(title=f"{name}: findings", header=_FINDINGS, rows=rows, note=f"{under}; {lists}; {ERASED}")
        return
    if record.resemblance is not None:
        yield Table(
            title=f"{name}: resemblance found by screening again",
            header=("What", "Value"),
            rows=tuple(leaves(record.resemblance)),
            note=f"{_time(record.at)}; {lists}",
        )
        return
    yield Table(
        title=f"{name}: findings",
        header=_FINDINGS,
        rows=tuple(_finding(finding) for finding in record.findings),
        note=f"{under}; {lists}",
    )
    yield Table(
        title=f"{name}: the five countries",
        header=("Which", "Country", "As written", "Evidence"),
        rows=tuple(_place(label, record.fact(f"five_countries.{key}")) for key, label in PLACES.items()),
    )
    yield Table(
        title=f"{name}: what it resembles",
        header=("List", "Kind", "Score", "Settled by"),
        rows=tuple(_resemblances(record)),
        note="Scores and lists as recorded; the names compared stand below where they could be found anew.",
    )
    yield Table(title=f"{name}: the request", header=("What", "Value"), rows=tuple(leaves(record.request)))
    facts = {key: value for key, value in (record.facts or {}).items() if key not in _APART}
    yield Table(title=f"{name}: every fact", header=("Fact", "Value"), rows=tuple(leaves(facts)))


_FINDINGS = ("Rule", "Outcome", "Mode", "Reason", "Citations")


def _finding(finding: Tree) -> tuple[Cell, ...]:
    counts = "" if finding.get("counts", True) else " (does not count)"
    return (
        finding.get("rule"),
        f"{finding.get('outcome')}{counts}",
        finding.get("mode"),
        finding.get("reason"),
        ", ".join(finding.get("cites", ())) or None,
    )


def _place(label: str, place: Tree | None) -> tuple[Cell, ...]:
    read = place or {}
    evidence = "; ".join(read.get("evidence", ()))
    return (label, read.get("country"), read.get("text"), evidence or None)


def _resemblances(record: DecidedRecord) -> Iterator[tuple[Cell, ...]]:
    for each in record.facts.get("resembled") or () if record.facts else ():
        yield (each["list"], each["kind"], f"{each['score']:.3f}", None)
    for each in record.facts.get("cleared") or () if record.facts else ():
        by = " and ".join(each["by"])
        yield (f"{each['list']}/{each['entry_id']}", each["kind"], f"{each['score']:.3f}", f"{each['clearance']}, {by}")


def _explained(contents: CaseContents) -> Iterator[Table]:
    for party_id, matches in contents.screened.items():
        yield Table(
            title=f"Matches of {party_id}, explained",
            header=("List", "Entry", "Listed name", "Name asked", "Score", "Word by word", "Beside the name"),
            rows=tuple(_match(match) for match in matches),
            note=f"Found anew for this paper with list snapshot {contents.screened_with}; not part of the record.",
        )


def _match(match: Match) -> tuple[Cell, ...]:
    words = [f"{pair.asked} = {pair.listed} ({pair.share:.2f}, {pair.how})" for pair in match.words]
    words += [f"only asked: {', '.join(match.only_asked)}"] if match.only_asked else []
    words += [f"only listed: {', '.join(match.only_listed)}"] if match.only_listed else []
    words += [f"held back: {match.guard}"] if match.guard else []
    beside = [f"{each.of}: {each.said} ({each.log_odds:+.1f})" for each in match.evidence]
    return (
        match.list,
        match.entry_id,
        match.name,
        match.queried,
        f"{match.score:.3f} ({match.outcome.value})",
        "; ".join(words) or match.explanation,
        "; ".join(beside) or None,
    )


def _history(events: Sequence[CaseEvent]) -> Table:
    return Table(
        title="History",
        header=("Time", "Step", "By", "Note", "Details"),
        rows=tuple((_time(each.at), each.step, each.by, each.note or None, _details(each.details)) for each in events),
        note="Every step of the case, as its history holds it; nothing in it is ever changed.",
    )


def _details(details: Mapping[str, Any]) -> str | None:
    return "; ".join(f"{path}: {value}" for path, value in leaves(details) if path and value is not None) or None


def _attachments(contents: CaseContents) -> Table:
    attached = [each for each in contents.events if each.step == Step.ATTACH]
    return Table(
        title="Attachments",
        header=("Name", "SHA-256", "Bytes", "By", "Time", "Content"),
        rows=tuple(
            (
                text_of(each.details.get("name")),
                text_of(each.details.get("sha256")),
                text_of(each.details.get("bytes")),
                each.by,
                _time(each.at),
                "on file, unchanged" if each.details.get("sha256") in contents.attachments else None,
            )
            for each in attached
        ),
    )


def _grants(grants: Sequence[Grant]) -> Table:
    return Table(
        title="Grants",
        header=("Grant", "For", "Rules", "Budget", "Spent", "Uses left", "Until", "Given by"),
        rows=tuple(
            (
                each.id,
                f"run {each.run}" if each.run else f"request {each.fingerprint[:16]}",
                ", ".join(each.rules),
                f"{each.budget:.3e}",
                f"{each.spent:.3e}",
                f"{each.uses_left}{' (revoked)' if each.revoked else ''}",
                _time(each.expires_at),
                each.reviewer,
            )
            for each in grants
        ),
    )


def _clearances(clearances: Sequence[Clearance]) -> Table:
    return Table(
        title="Clearances of its parties",
        header=("Clearance", "Name", "Listed name", "Entry", "Score", "Reason", "Proposed by", "Approved by", "Until"),
        rows=tuple(
            (
                each.id,
                each.pair.queried,
                each.pair.listed,
                f"{each.pair.list}/{each.pair.entry_id}",
                f"{each.pair.score:.3f}",
                each.reason,
                each.proposed_by,
                each.approved_by,
                _time(each.ended_at or each.expires_at),
            )
            for each in clearances
        ),
    )


def _positions(contents: CaseContents) -> Table:
    covered = {each.position for each in contents.proofs if each.proof}
    return Table(
        title="The record",
        header=("Position", "Decision", "Time", "Outcome", "SHA-256 of the record", "Proof of inclusion"),
        rows=tuple(
            (
                str(each.position),
                each.decision_id,
                _time(each.at),
                each.outcome,
                each.hash,
                "below" if each.position in covered else None,
            )
            for each in contents.decisions
        ),
        note="`kyc-gate audit prove` writes the record itself beside its proof, for whoever is to check it.",
    )


def _proofs(proofs: Sequence[Proved]) -> Iterator[Table]:
    rows = tuple((str(each.position), each.proof) for each in proofs if each.proof)
    if rows:
        yield Table(title="Proofs of inclusion", header=("Position", "C2SP tlog-proof"), rows=rows)


def _remarks(contents: CaseContents) -> Iterator[str]:
    if len({(each.policies, each.snapshot) for each in contents.decisions}) > 1:
        yield "Its decisions were made under several revisions of policies or lists; each says which."
    erased = sum(each.erased for each in contents.decisions)
    if erased:
        yield f"What {erased} of its {len(contents.decisions)} records said of people was erased; their digests verify."
    if len(contents.decisions) < len(contents.case.decision_ids):
        yield f"{len(contents.case.decision_ids) - len(contents.decisions)} of its decisions are not on file."
    if any(not each.proof for each in contents.proofs) or not contents.proofs:
        yield "Some records are under no signed checkpoint yet, so that their place is not proved to an outsider."


def _time(at: datetime | None) -> str | None:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else None
