"""Which policies stand where, on each engine."""

from __future__ import annotations

from datetime import UTC, datetime

from kyc_gate.model.decision import Outcome
from kyc_gate.model.shadow import Disagreement
from kyc_gate.storage.rowstore import RowStore

from .conftest import Maker

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def differing(number: int, at: datetime = AT) -> Disagreement:
    return Disagreement(
        candidate="pol_1",
        digest="ab" * 32,
        decision_id=f"dec_{number}",
        at=at,
        facts_digest="cd" * 32,
        old=Outcome.BLOCK,
        new=Outcome.ALLOW,
        old_rules=("red-flag-28",),
        new_rules=(),
    )


async def test_a_state_is_kept_with_its_bundle_and_its_record(any_store: RowStore, make_store: Maker) -> None:
    """Another process sees the state, the bundle byte for byte, and who did it in the audit chain."""
    archive = bytes(range(256))
    step = {"type": "policies.activated", "version": 3}
    await any_store.keep_policy_state("active", {"version": 3}, step=step, bundle=("ab", archive))
    other = make_store()
    await other.open()
    try:
        assert await other.fetch_policy_states() == {"active": {"version": 3}}
        assert await other.fetch_policy_bundle("ab") == archive
        assert await other.fetch_policy_bundle("cd") is None
        assert [record["version"] async for record in other.records()] == [3]
    finally:
        await other.close()
    await any_store.keep_policy_state("active", None, step={"type": "policies.gone"})
    assert await any_store.fetch_policy_states() == {}
    assert (await any_store.verify()).records == 2


async def test_shadow_counts_add_up_and_disagreements_stay_in_order(any_store: RowStore) -> None:
    """Counts of a day are summed over replicas; disagreements come back as they were, candidate by candidate."""
    await any_store.note_shadow("pol_1", {"2026-11-24": 5}, [differing(1)])
    await any_store.note_shadow("pol_1", {"2026-11-24": 2, "2026-11-25": 1}, [differing(2), differing(3)])
    await any_store.note_shadow("pol_2", {"2026-11-24": 9}, [])
    days = await any_store.fetch_shadow_days("pol_1")
    assert [(each.day, each.decided, each.differed) for each in days] == [("2026-11-24", 7, 3), ("2026-11-25", 1, 0)]
    found = [each async for each in any_store.disagreements("pol_1")]
    assert found == [differing(1), differing(2), differing(3)]
    assert all(each.lenient for each in found)
