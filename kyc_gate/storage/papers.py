"""Papers of cases as rows: attachments by their hash, and questionnaires. Callers hold the transaction."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from kyc_gate.errors import CaseError, StorageFault
from kyc_gate.model.case_steps import Move, Moved, Step
from kyc_gate.model.questionnaire import Questionnaire
from kyc_gate.model.record import digest as digest_of
from kyc_gate.storage import casework
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection


def attach(connection: Connection, case_id: str, step: Move, content: bytes) -> str:
    """Keep a paper under its SHA-256 and note it in the case; return the digest. The same paper is kept once."""
    found = hashlib.sha256(content).hexdigest()
    details = {**step.details, "sha256": found, "bytes": len(content)}
    casework.move(connection, case_id, replace(step, details=details))
    connection.execute(
        "INSERT INTO attachments (digest, content) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
        (found, base64.b64encode(content).decode("ascii")),
    )
    connection.execute(
        "INSERT INTO case_papers (case_id, digest) VALUES (?, ?) ON CONFLICT (case_id, digest) DO NOTHING",
        (case_id, found),
    )
    return found


def attachment_of(connection: Connection, digest: str) -> bytes | None:
    """Return the paper with a SHA-256. Raises `StorageFault` where it is no longer what was attached."""
    row = connection.execute("SELECT content FROM attachments WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    content = base64.b64decode(row[0])
    if hashlib.sha256(content).hexdigest() != digest:
        raise StorageFault(f"the attachment `{digest[:12]}` was changed: its hash is another")
    return content


def send(connection: Connection, questionnaire: Questionnaire, step: Move) -> Moved:
    """Keep a questionnaire and have its case wait for the answers."""
    details: dict[str, object] = {"questionnaire": questionnaire.id, "until": questionnaire.expires_at.isoformat()}
    moved = casework.move(connection, questionnaire.case_id, replace(step, step=Step.ASK, details=details))
    connection.execute(
        "INSERT INTO questionnaires (id, case_id, digest, document) VALUES (?, ?, ?, ?)",
        (questionnaire.id, questionnaire.case_id, questionnaire.digest, written(questionnaire)),
    )
    return moved


def questionnaire_of(connection: Connection, digest: str) -> Questionnaire | None:
    """Return the questionnaire whose link has a token with this digest."""
    row = connection.execute("SELECT document FROM questionnaires WHERE digest = ?", (digest,)).fetchone()
    return read(row[0], Questionnaire) if row else None


def questionnaires_of(connection: Connection, case_id: str) -> tuple[Questionnaire, ...]:
    """Return the questionnaires of a case, first to last."""
    rows = connection.execute("SELECT document FROM questionnaires WHERE case_id = ?", (case_id,))
    found: list[Questionnaire] = [read(document, Questionnaire) for (document,) in rows]
    return tuple(sorted(found, key=lambda each: (each.sent_at, each.id)))


def answer(connection: Connection, digest: str, answers: Mapping[str, str], at: datetime) -> Questionnaire:
    """Keep the answers, once, and tell the case. Raises `CaseError` where they came already, or too late.

    The chain holds their digest: what a customer wrote is personal, and can be erased apart from it.
    """
    found = questionnaire_of(connection, digest)
    if found is None or found.expires_at <= at:
        raise CaseError("this link is not good, or no longer")
    if found.answered_at is not None:
        raise CaseError("these questions were answered already")
    answered = replace(found, answered_at=at, answers=dict(answers))
    connection.execute("UPDATE questionnaires SET document = ? WHERE id = ?", (written(answered), found.id))
    details: dict[str, object] = {"questionnaire": found.id, "answers_sha256": digest_of([found.digest, dict(answers)])}
    casework.move(connection, found.case_id, Move(step=Step.ANSWER, by="customer", at=at, details=details))
    return answered
