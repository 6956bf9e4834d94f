"""What a control group has used, and when it reaches the lines, as the ledger has it."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from kyc_gate.model.usage import HoldRequest
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.group_usage import GroupUsage, group_usage
from kyc_gate.storage.sqlite import SqliteStore

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = read_policy(shipped_policies() / "us-ai-diffusion")
DAY = 86_400


async def shown(folder: Path, now: datetime, *, operations: int, seconds: int, open_ended: bool) -> GroupUsage:
    """The usage of a group with one run that began at noon."""
    store = SqliteStore(folder / "state.db", deadline_seconds=20.0)
    await store.open()
    request = HoldRequest(
        control_group="g",
        account="aws:1",
        party_id="p",
        key=secrets.token_hex(8),
        fingerprint="f",
        likely=operations,
        high=3 * operations,
        at=NOON,
        window_days=365,
        seconds=seconds,
        open_ended=open_ended,
    )
    await store.settle((await store.hold(request)).hold_id)
    await store.ready()  # committed, so that readers see it
    found = await group_usage(store, "g", [POLICY], days=365, now=now)
    await store.close()
    assert found is not None
    return found


def reached(found: GroupUsage, name: str) -> tuple[date | None, date | None]:
    (line,) = [each for each in found.crossings if each.line.name == f"us-ai-diffusion.{name}"]
    return line.crossed, line.likely


async def test_machines_without_an_end_are_projected_at_their_own_pace(tmp_path: Path) -> None:
    """An hour after they began: what they did in an hour is used, and 10^25 at 10^24 a day is ten days ahead."""
    found = await shown(tmp_path, NOON + timedelta(hours=1), operations=10**24, seconds=DAY, open_ended=True)
    assert found.points[-1].likely == found.usage.likely < 5 * 10**22
    assert reached(found, "biological_notice_operations") == (None, date(2026, 11, 25))
    assert reached(found, "approach") == (None, date(2026, 12, 4))


async def test_what_is_planned_is_not_used_yet(tmp_path: Path) -> None:
    """A run of sixty days that began today has reached nothing, and reaches the line within them."""
    found = await shown(tmp_path, NOON, operations=60 * 10**24, seconds=60 * DAY, open_ended=False)
    assert found.points[-1].day == date(2026, 11, 24)
    assert found.points[-1].likely <= 10**24
    assert reached(found, "approach") == (None, date(2026, 12, 4))
