"""Decisions on record made again: how many a second one core replays under two sets of policies, reading included."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from kyc_gate.audit.record import body_of
from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import combine, decide
from kyc_gate.model.facts import Facts
from kyc_gate.model.record import plain
from kyc_gate.policy.cases import ordinary_facts
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.tuning.backtest import Backtest

DECISIONS = 4_000
TIMES = 5
PARTIES = (20, 400, 4_000)
"""How many different parties ask: what is the same in two decisions is asked once."""

COUNTRIES = ("NO", "DE", "AE", "IN", "CN", "SG", "BR", None)


def main() -> None:
    """Print decisions a second of processor time for books of several sizes."""
    old = tuple(read_policy(shipped_policies() / name) for name in ("us-in-force", "us-ai-diffusion"))
    with tempfile.TemporaryDirectory() as folder:
        new = (old[0], _candidate(Path(folder)))
        for parties in PARTIES:
            bodies = _bodies(old, parties)
            backtest = Backtest(old, new)
            started = time.process_time()
            for _ in range(TIMES):
                for body in bodies:
                    backtest.take(body)
            seconds = time.process_time() - started
            report = backtest.report(since=ordinary_facts().as_of, until=ordinary_facts().as_of)
            size = sum(map(len, bodies)) // len(bodies)
            print(
                f"{parties:5} parties, {len(bodies)} decisions {TIMES} times, {size} bytes each:"
                f" {len(bodies) * TIMES / seconds:9,.0f} a second, {report.lenient} more lenient,"
                f" {report.determinism.same} of {report.determinism.checked} as on record"
            )


def _candidate(folder: Path) -> Policy:
    packs = Path(shutil.copytree(shipped_policies(), folder / "packs"))
    file = packs / "us-ai-diffusion" / "policy.toml"
    file.write_text(file.read_text().replace("approach_share = 0.10", "approach_share = 0.20"))
    return read_policy(packs / "us-ai-diffusion")


def _bodies(policies: tuple[Policy, ...], parties: int) -> list[str]:
    dice = random.Random(5)  # noqa: S311 - the same draw every time
    base = ordinary_facts()
    book = [_party(base, number, dice) for number in range(parties)]
    bodies = []
    for number in range(DECISIONS):
        facts = dice.choice(book)
        likely = dice.randrange(10**20, 3 * 10**25)
        operations = replace(
            facts.operations, likely=likely, high=3 * likely, used=likely, projected=2 * likely, ceiling=6 * likely
        )
        screening = replace(facts.screening, age_hours=dice.random() * 24)
        at = facts.as_of + timedelta(seconds=number)
        bodies.append(_body(number, replace(facts, as_of=at, operations=operations, screening=screening), policies))
    return bodies


def _party(base: Facts, number: int, dice: random.Random) -> Facts:
    country = dice.choice(COUNTRIES)
    return replace(
        base,
        customer=replace(base.customer, id=f"party-{number}", name=f"Party {number} AS", headquarters=country),
        parent=replace(base.parent, headquarters=country),
        account=replace(base.account, id=f"acct-{number}"),
    )


def _body(number: int, facts: Facts, policies: tuple[Policy, ...]) -> str:
    asked = replace(request_of(facts), fingerprint=f"{number:064x}")
    decision = combine([decide(asked, facts, policy) for policy in policies])
    return body_of(
        {
            "type": "decision",
            "decision_id": f"dec_{number}",
            "at": facts.as_of.isoformat(),
            "acted": "pass",
            "request": plain(asked),
            "facts": plain(facts),
            "decision": plain(decision),
            "hold_id": None,
            "grant_id": None,
        }
    )


if __name__ == "__main__":
    main()
