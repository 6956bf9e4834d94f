"""What people do with cases. Every step asks who takes it, and is an audit record."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from kyc_gate.errors import AccessDenied, CaseError, InputError
from kyc_gate.model.access import Actor, Permission
from kyc_gate.model.case import Case, CaseEvent, CaseRequest, Disposition, Grant
from kyc_gate.model.case_steps import Move, Moved, Step, permission_of, transition
from kyc_gate.model.clearance import Clearance, Pair
from kyc_gate.model.questionnaire import MOST_TEXT, QUESTIONS, Questionnaire
from kyc_gate.model.record import Record
from kyc_gate.service.settings import Settings
from kyc_gate.storage.store import CaseQuery, Store

MOST_CASES = 1_000
"""Cases in one answer at most."""

MOST_NOTE = 10_000
"""Characters of a note at most."""

MOST_LINK = 2_000
"""Characters of a link at most: what every browser takes."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that would let a text show itself as something else."""


class CaseFile(Record):
    """A case with everything that belongs to it."""

    case: Case
    requests: tuple[CaseRequest, ...]
    events: tuple[CaseEvent, ...]
    grants: tuple[Grant, ...]
    questionnaires: tuple[Questionnaire, ...]
    steps: tuple[str, ...]


class Sent(Record):
    """A questionnaire as it was sent. `path` holds the token: it is told once, and kept nowhere."""

    questionnaire: Questionnaire
    path: str
    case: Case


class Casework:
    """Cases over a store. `actor` is who takes a step: they need its permission, and never see to their own customer.

    Raises `AccessDenied`, `CaseError` for a step that the case does not allow, and `InputError`.
    """

    def __init__(
        self, store: Store, settings: Settings | None = None, now: Callable[[], datetime] | None = None
    ) -> None:
        self._store = store
        self._settings = settings or Settings()
        self._now = now or (lambda: datetime.now(UTC))

    # Looking

    async def list(self, actor: Actor, query: CaseQuery) -> tuple[Case, ...]:
        """Return the cases that `query` asks for, those of the actor's own customers left out."""
        require(actor, Permission.READ_CASES)
        if not 1 <= query.limit <= MOST_CASES:
            raise InputError(f"`limit` is {query.limit}; it is a whole number from 1 to {MOST_CASES}")
        found: list[Case] = []
        while True:
            page = await self._store.fetch_cases(query)
            found += [case for case in page if not _own(actor, case)]
            if len(page) < query.limit or len(found) >= query.limit:
                return tuple(found[: query.limit])
            query = replace(query, after=page[-1].id)

    async def counts(self, actor: Actor) -> dict[str, int]:
        """Return how many cases wait, by state, and how many are overdue."""
        require(actor, Permission.READ_CASES)
        return await self._store.count_cases()

    async def case(self, actor: Actor, case_id: str) -> Case | None:
        """Return the case; None where there is none, or none that the actor may see."""
        require(actor, Permission.READ_CASES)
        found = await self._store.fetch_case(case_id)
        return None if found is None or _own(actor, found) else found

    async def show(self, actor: Actor, case_id: str) -> CaseFile | None:
        """Return the case with its requests, history, grants and questionnaires, and the steps open to the actor."""
        case = await self.case(actor, case_id)
        if case is None:
            return None
        return CaseFile(
            case=case,
            requests=await self._store.fetch_case_requests(case_id),
            events=await self._store.fetch_case_events(case_id),
            grants=await self._store.fetch_grants(case_id),
            questionnaires=await self._store.fetch_questionnaires(case_id),
            steps=tuple(step.value for step in Step if self.why_not(actor, case, step) is None),
        )

    async def decisions(self, actor: Actor, case: Case, limit: int = 10) -> tuple[dict[str, object], ...]:
        """Return the audit records of the newest decisions of a case."""
        require(actor, Permission.READ_DECISIONS)
        found = [await self.decision(actor, each) for each in reversed(case.decision_ids[-limit:])]
        return tuple(each for each in found if each is not None)

    async def decision(self, actor: Actor, decision_id: str) -> dict[str, object] | None:
        """Return a decision's audit record; None where there is none, or none that the actor may see."""
        require(actor, Permission.READ_DECISIONS)
        record = await self._store.fetch_decision(decision_id)
        return None if record is None or _on_own(actor, record) else record

    async def grant(self, actor: Actor, grant_id: str) -> Grant | None:
        """Return a grant as it stands; None where there is none, or none that the actor may see."""
        require(actor, Permission.READ_CASES)
        found = await self._store.fetch_grant(grant_id)
        return None if found is None or await self.case(actor, found.case_id) is None else found

    def why_not(self, actor: Actor, case: Case, step: Step) -> str | None:
        """Return why the actor cannot take a step with the case as it stands; None where they can.

        The store asks again when the step is taken, and knows more: who asked for what waits.
        """
        permission, proposal = permission_of(step), case.proposal
        if permission is None:
            return "no person takes this step"
        if not actor.may(permission):
            return f"the permission `{permission}` is missing"
        if transition(step, case.state) is None:
            return f"the case is {case.state}"
        if step is Step.PROPOSE and not actor.signed_in:
            return "a person proposes who signed in"
        if step is not Step.APPROVE:
            return None
        if proposal is None:
            two = case.four_eyes or self._settings.four_eyes
            return "two people decide: one proposes the approval, and another one approves" if two else None
        if proposal.step != Step.APPROVE:
            return f"`{proposal.by}` proposed to reject the case; withdraw that, and propose anew"
        same = proposal.by.strip().casefold() == actor.id.strip().casefold()
        return "you proposed this; another person approves it" if same else None

    # Steps

    async def take_next(self, actor: Actor) -> Case | None:
        """Assign the most urgent case that nobody has to the actor, and return it; None where there is none."""
        require(actor, Permission.WORK)
        return await self._store.take_next_case(by=actor.id, at=self._now(), parties=actor.parties, via=actor.via)

    async def take(self, actor: Actor, case_id: str) -> Case:
        """Assign the case to the actor."""
        return (await self._move(actor, case_id, Step.TAKE)).case

    async def assign(self, actor: Actor, case_id: str, assignee: str, *, note: str = "") -> Case:
        """Assign the case to somebody."""
        return (await self._move(actor, case_id, Step.ASSIGN, assignee=_named(assignee), note=note)).case

    async def put_back(self, actor: Actor, case_id: str, *, note: str = "") -> Case:
        """Give the case back to the queue."""
        return (await self._move(actor, case_id, Step.PUT_BACK, note=note)).case

    async def note(self, actor: Actor, case_id: str, text: str) -> Case:
        """Add a note. Notes are never changed and never taken away."""
        if not text.strip():
            raise InputError("`note` is empty")
        return (await self._move(actor, case_id, Step.NOTE, note=text)).case

    async def link(self, actor: Actor, case_id: str, url: str, *, note: str = "") -> Case:
        """Add a link to evidence: an https address."""
        return (await self._move(actor, case_id, Step.LINK, note=note, details={"url": _link(url)})).case

    async def attach(self, actor: Actor, case_id: str, name: str, content: bytes, *, note: str = "") -> str:
        """Keep a paper with the case, up to the size that the configuration allows, and return its SHA-256."""
        most = self._settings.attachment_bytes
        if not content:
            raise InputError("the attachment is empty")
        if len(content) > most:
            raise InputError(f"the attachment has {len(content)} bytes; at most {most} are kept (`attachment_bytes`)")
        require(actor, Permission.WORK)
        step = self._step(actor, Step.ATTACH, note=note, details={"name": file_name(name)})
        return await self._store.attach_to_case(case_id, step, content)

    async def attachment(self, actor: Actor, case_id: str, sha256: str) -> tuple[str, bytes] | None:
        """Return name and content of a paper of the case; None where the case has none with this hash."""
        file = await self.show(actor, case_id)
        if file is None:
            return None
        names = [
            str(event.details.get("name", ""))
            for event in file.events
            if event.step == Step.ATTACH and event.details.get("sha256") == sha256
        ]
        content = await self._store.fetch_attachment(sha256) if names else None
        return None if content is None else (names[-1], content)

    async def propose(
        self,
        actor: Actor,
        case_id: str,
        decision: Step,
        *,
        note: str,
        seen: int | None,
        disposition: Disposition | None = None,
        budget: int | None = None,
        uses: int = 1,
        run: bool = False,
        grant_hours: float | None = None,
        clear: Sequence[Pair] = (),
        clear_days: int | None = None,
    ) -> Case:
        """Propose to approve or to reject the case as it was read, `seen` being its version; another person decides.

        The first of two people is a person as well: a key could be theirs who decides.
        """
        if not actor.signed_in:
            raise AccessDenied(f"`{actor.id}` did not sign in: a person proposes, and another person decides")
        moved = await self._move(
            actor,
            case_id,
            Step.PROPOSE,
            note=note,
            proposes=decision,
            disposition=disposition,
            seen=seen,
            budget=budget,
            uses=uses,
            run=run,
            grant_hours=grant_hours,
            clear=tuple(clear),
            clear_days=clear_days,
        )
        return moved.case

    async def withdraw(self, actor: Actor, case_id: str, *, note: str = "") -> Case:
        """Take a proposal back, or send it back to whoever proposed."""
        return (await self._move(actor, case_id, Step.WITHDRAW, note=note)).case

    async def approve(
        self,
        actor: Actor,
        case_id: str,
        *,
        note: str,
        seen: int | None,
        disposition: Disposition | None = None,
        budget: int | None = None,
        uses: int = 1,
        run: bool = False,
        grant_hours: float | None = None,
    ) -> Moved:
        """Approve the case, or what was proposed for it, and return its grants and clearances.

        `seen` is the version of the case that was read: nobody approves what they did not see. Without a proposal the
        case must not ask for two people. With one, what was proposed is what is given.
        """
        return await self._move(
            actor,
            case_id,
            Step.APPROVE,
            note=note,
            disposition=disposition,
            seen=seen,
            budget=budget,
            uses=uses,
            run=run,
            grant_hours=grant_hours,
        )

    async def reject(
        self,
        actor: Actor,
        case_id: str,
        *,
        note: str,
        disposition: Disposition | None = None,
        duplicate_of: str | None = None,
        seen: int | None = None,
    ) -> Case:
        """Reject the case: one person is enough, since nothing passes by it."""
        if duplicate_of is not None and await self._store.fetch_case(duplicate_of) is None:
            raise InputError(f"`duplicate_of`: there is no case `{duplicate_of}`")
        moved = await self._move(
            actor, case_id, Step.REJECT, note=note, disposition=disposition, duplicate_of=duplicate_of, seen=seen
        )
        return moved.case

    async def revoke(self, actor: Actor, grant_id: str, *, note: str) -> Grant:
        """Take back what is left of a grant. One on the actor's own customer is none to them."""
        require(actor, Permission.DECIDE)
        if await self.grant(actor, grant_id) is None:
            raise CaseError(f"there is no grant `{grant_id}`")
        return await self._store.revoke_grant(
            grant_id, reviewer=actor.id, note=_text(note), at=self._now(), via=actor.via
        )

    # The customer

    async def ask(self, actor: Actor, case_id: str, *, note: str = "") -> Sent:
        """Make a link under which the customer answers the questionnaire, and have the case wait for it."""
        require(actor, Permission.WORK)
        token = secrets.token_urlsafe(32)
        now = self._now()
        questionnaire = Questionnaire(
            id=f"ask_{secrets.token_hex(16)}",
            case_id=case_id,
            digest=token_digest(token),
            sent_by=actor.id,
            sent_at=now,
            expires_at=now + timedelta(days=self._settings.questionnaire_days),
        )
        moved = await self._store.send_questionnaire(questionnaire, self._step(actor, Step.ASK, note=note))
        return Sent(questionnaire=questionnaire, path=f"/questions/{token}", case=moved.case)

    async def questions(self, token: str) -> Questionnaire | None:
        """Return the questionnaire of a link that is still good; None for any other, whatever is wrong with it."""
        found = await self._store.fetch_questionnaire(token_digest(token))
        return found if found and found.expires_at > self._now() else None

    async def answer(self, token: str, answers: Mapping[str, str]) -> Questionnaire:
        """Keep the customer's answers, once. Raises `InputError` that names the question, `CaseError` for the link."""
        return await self._store.answer_questionnaire(token_digest(token), read_answers(answers), self._now())

    # Clearances

    async def clearances(self, actor: Actor, *, within_days: float | None = None) -> tuple[Clearance, ...]:
        """Return the clearances that stand, or those that expire `within_days`; none of the actor's own customers."""
        require(actor, Permission.READ_CASES)
        now = self._now()
        until = now + timedelta(days=within_days) if within_days is not None else None
        found = await self._store.fetch_clearances(now, until=until)
        return tuple(each for each in found if each.pair.party_id not in actor.parties)

    async def end_clearance(self, actor: Actor, clearance_id: str, *, note: str) -> Clearance:
        """End a clearance: the pair counts again from the next decision on. One person is enough.

        One of the actor's own customer is none to them.
        """
        require(actor, Permission.WORK)
        found = await self._store.fetch_clearance(clearance_id)
        if found is None or found.pair.party_id in actor.parties:
            raise CaseError(f"there is no clearance `{clearance_id}`")
        return await self._store.end_clearance(
            clearance_id, by=actor.id, at=self._now(), because=_text(note), via=actor.via
        )

    def _step(self, actor: Actor, step: Step, **of: Any) -> Move:
        note = _text(str(of.pop("note", "") or ""))
        return Move(
            step=step,
            by=actor.id,
            at=self._now(),
            note=note,
            parties=actor.parties,
            via=actor.via,
            four_eyes=self._settings.four_eyes,
            default_grant_hours=self._settings.grant_hours,
            **of,
        )

    async def _move(self, actor: Actor, case_id: str, step: Step, **of: Any) -> Moved:
        permission = permission_of(step)
        if permission is not None:
            require(actor, permission)
        if step in (Step.PROPOSE, Step.APPROVE) and of["seen"] is None:
            raise InputError(f"`version` is missing: read the case `{case_id}`, and send the `version` that you read")
        return await self._store.move_case(case_id, self._step(actor, step, **of))


def require(actor: Actor, permission: Permission) -> None:
    """Raise `AccessDenied` where the actor may not."""
    if not actor.may(permission):
        raise AccessDenied(f"`{actor.id}` may not: the permission `{permission}` is missing")


def token_digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read_answers(given: Mapping[str, str]) -> dict[str, str]:
    """Return the answers, checked. Raises `InputError` naming the question."""
    unknown = sorted(set(given) - {question.id for question in QUESTIONS})
    if unknown:
        raise InputError(f"`{unknown[0][:80]}` is none of the questions")
    answers = {}
    for question in QUESTIONS:
        text = _CONTROL.sub(" ", given.get(question.id, "").replace("\r\n", "\n")).strip()
        if question.needed and not text:
            raise InputError(f"`{question.id}`: this question needs an answer")
        if len(text) > MOST_TEXT:
            raise InputError(f"`{question.id}`: the answer has {len(text)} characters; at most {MOST_TEXT} are kept")
        if question.choices and text and text not in dict(question.choices):
            raise InputError(f"`{question.id}`: choose one of {', '.join(dict(question.choices))}")
        if text:
            answers[question.id] = text
    return answers


def file_name(name: str) -> str:
    """Return a name that is safe in a header, on a page and on a disk: no folder, nothing that turns a line around."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = "".join(each if each.isprintable() and each not in '"<>|:*?;' else "_" for each in _CONTROL.sub("", last))
    return plain.strip(". ")[:120] or "attachment"


def _text(note: str) -> str:
    if len(note) > MOST_NOTE:
        raise InputError(f"`note` has {len(note)} characters; at most {MOST_NOTE} are kept")
    return _CONTROL.sub("�", note.replace("\r\n", "\n"))


def _link(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if (
        parts.scheme != "https"
        or not parts.hostname
        or len(url) > MOST_LINK
        or not url.isascii()
        or _CONTROL.search(url)
    ):
        raise InputError("`url` is not an https address of ASCII characters; write it as a browser shows it")
    return url


def _named(assignee: str) -> str:
    if not assignee.strip():
        raise InputError("`assignee` is empty: name the person")
    return assignee.strip()


def _own(actor: Actor, case: Case) -> bool:
    return not case.customers.isdisjoint(actor.parties)


def _on_own(actor: Actor, record: Mapping[str, Any]) -> bool:
    """Return whether a decision is on a customer of the actor's, or may be: what was erased does not say on whom."""
    if not actor.parties:
        return False
    customer = _customer(record)
    return customer is None or customer in actor.parties


def _customer(record: Mapping[str, Any]) -> str | None:
    """Return whom a decision, a resemblance or a clearance armed again is on, "" where nobody is on file."""
    match record:
        case {"facts": {"customer": {"id": str() | None as id}}}:
            return id or ""
        case {"resemblance": {"party": str() as id}} | {"parties": {"pair": {"party_id": str() as id}}}:
            return id
        case _:
            return None
