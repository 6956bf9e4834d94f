"""What the demo sends, and what must come of it."""

from __future__ import annotations

from typing import Any

import aiohttp

from kyc_gate.cli.cases import approve_case
from kyc_gate.model.decision import Outcome
from kyc_gate.model.record import Record
from kyc_gate.storage.store import Store

REVIEWER = "demo reviewer"

Body = dict[str, Any]
"""A request of the sample cloud's JSON API, as it is sent."""


class Step(Record):
    """One request: who sends it, what it asks for, and the outcome and rule that must come of it."""

    number: str
    what: str
    account: str
    body: Body
    expected: Outcome
    rule: str | None = None
    approves: str | None = None


class Told(Record):
    """What came of a step: status and ids of the answer, and the findings that decided, were granted, or warn."""

    step: Step
    status: int
    outcome: str
    decision_id: str
    case_id: str | None
    findings: tuple[dict[str, Any], ...]

    @property
    def as_expected(self) -> bool:
        """Return whether outcome, status and rule are those that the script names."""
        passed = self.status == 201
        named = self.step.rule is None or any(finding["rule"] == self.step.rule for finding in self.findings)
        return self.outcome == self.step.expected and passed == (self.step.expected is Outcome.ALLOW) and named


def _training(chips: int, days: int, workload: str = "pre_training") -> Body:
    return {"accelerator": "H100", "count": chips, "duration_hours": days * 24, "workload": workload}


_NEAR_FRONTIER = _training(16_384, 30)
"""About 1.4e25 operations at a third of peak: above a tenth of the 1e26 of ECCN 4E091."""

_A_THIRD_OF_IT = _training(5_000, 30)
"""About 4.2e24 operations: two of them stay under 1e25, three do not."""

SCRIPT = (
    Step(
        number="1",
        what="Fjordlys (NO) fine-tunes on 64 H100 for a day",
        account="fjordlys",
        body=_training(64, 1, "fine_tuning"),
        expected=Outcome.ALLOW,
    ),
    Step(
        number="2",
        what="Qasr (AE) trains on 16,384 H100 for 30 days",
        account="qasr",
        body=_NEAR_FRONTIER,
        expected=Outcome.ESCALATE,
        rule="red-flag-28",
    ),
    Step(
        number="3",
        what="Yunheng (CN, military end use on file) trains on 512 H100 for 14 days",
        account="yunheng",
        body=_training(512, 14),
        expected=Outcome.BLOCK,
        rule="d5-military-training",
    ),
    Step(
        number="4a",
        what="Samudra's account in DE (parent in SG) trains on 5,000 H100 for 30 days",
        account="samudra-de",
        body=_A_THIRD_OF_IT,
        expected=Outcome.ALLOW,
    ),
    Step(
        number="4b",
        what="... the same again from its account in JP",
        account="samudra-jp",
        body=_A_THIRD_OF_IT,
        expected=Outcome.ALLOW,
    ),
    Step(
        number="4c",
        what="... and from its account in US: the split run is caught",
        account="samudra-us",
        body=_A_THIRD_OF_IT,
        expected=Outcome.ESCALATE,
        rule="red-flag-28",
    ),
    Step(
        number="5",
        what="Qasr sends request 2 again, after a reviewer approved its case",
        account="qasr",
        body=_NEAR_FRONTIER,
        expected=Outcome.ALLOW,
        approves="2",
    ),
)


class Player:
    """Plays the script against a gateway, and reads what was decided from the gate's own record."""

    def __init__(self, session: aiohttp.ClientSession, gateway: str, store: Store) -> None:
        self._session = session
        self._gateway = gateway
        self._store = store
        self._told: dict[str, Told] = {}

    async def play(self, step: Step) -> Told:
        """Send one step over HTTP, approving the case that it relies on first."""
        if step.approves is not None:
            case_id = self._told[step.approves].case_id
            await approve_case(self._store, case_id or "", reviewer=REVIEWER, note="licence obtained", hours=24)
        headers = {"X-Account-Id": step.account}
        async with self._session.post(f"{self._gateway}/v1/clusters", json=step.body, headers=headers) as response:
            answer = await response.json(content_type=None)
            decision_id = response.headers.get("kyc-decision-id") or answer.get("decision_id") or ""
        told = await self._read(step, response.status, decision_id, answer.get("case_id"))
        self._told[step.number] = told
        return told

    async def _read(self, step: Step, status: int, decision_id: str, case_id: str | None) -> Told:
        record = await self._store.fetch_decision(decision_id) or {}
        decision = record.get("decision")
        known: dict[str, Any] = decision if isinstance(decision, dict) else {"outcome": "unknown", "findings": []}
        telling = [each for each in known["findings"] if each["counts"] or each["covered_by"] or each["mode"] == "warn"]
        return Told(
            step=step,
            status=status,
            outcome=known["outcome"],
            decision_id=decision_id,
            case_id=case_id,
            findings=tuple(sorted(telling, key=lambda each: (each["mode"] == "warn", each["outcome"]))),
        )
