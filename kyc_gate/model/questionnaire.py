"""What the customer is asked where a red flag was raised, and what they answer.

Red flag 28 (15 CFR Part 732, Supp. No. 3(b)) has the provider inquire whether the customer means to export the model;
Supp. No. 3(a)(2) names end use, end user and destination. The questions are the same whatever the reason was.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from msgspec import field

from kyc_gate.model.record import Record


class Question(NamedTuple):
    """A question: the field of its answer, its words, and the choices where the answer is one of a few."""

    id: str
    text: str
    choices: tuple[tuple[str, str], ...] = ()
    needed: bool = True
    hint: str = ""


_SAID = (("yes", "Yes"), ("no", "No"), ("not_known", "Not decided, or not known"))

QUESTIONS = (
    Question("end_use", "What will the computing capacity be used for?", hint="The work, the product and its users."),
    Question("end_users", "Who will use it, and where are they?", hint="Organisations and countries."),
    Question("trains_model", "Will an artificial-intelligence model be trained or fine-tuned with it?", _SAID),
    Question("model", "Which model, and which model does it start from?", needed=False),
    Question(
        "operations",
        "How many operations will its training take in all, earlier training included?",
        needed=False,
        hint="Such as 3e25, with how you estimate it.",
    ),
    Question("weights_published", "Will the model's weights be published?", _SAID),
    Question(
        "exports_weights",
        "Do you intend to export or re-export the model's weights, or release them to persons of other countries?",
        _SAID,
    ),
    Question("destinations", "To which countries and to whom?", needed=False),
    Question("licence", "Which export licence or licence exception do you have, or will you apply for?", needed=False),
    Question("answered_by", "Your name and position"),
)
"""The questionnaire, in order."""

MOST_TEXT = 4_000
"""Characters of an answer at most: a page of text."""


class Questionnaire(Record):
    """The questions as they were sent for a case, and the answers once they came. `digest` is of the link's token."""

    id: str
    case_id: str
    digest: str
    sent_by: str
    sent_at: datetime
    expires_at: datetime
    answered_at: datetime | None = None
    answers: dict[str, str] = field(default_factory=dict)
    kind: Literal["red-flag-28"] = "red-flag-28"
