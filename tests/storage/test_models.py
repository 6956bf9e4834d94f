"""Runs that said which model they make."""

from __future__ import annotations

from kyc_gate.model.lineage import BaseModel
from kyc_gate.model.run import DeclaredRun
from kyc_gate.storage.rowstore import RowStore

from .samples import decision_entry, hold_request


async def declared(store: RowStore, model: str = "Own  1T", **changes: object) -> str:
    """Let a run through that makes a model, and return its hold."""
    usage = await store.hold(hold_request(**changes))
    run = DeclaredRun(hold_id=usage.hold_id, model=model, operations=10**25, base=BaseModel(name="b", operations=5))
    await store.append(decision_entry(hold_id=usage.hold_id, keep_hold=True, declares=run))
    return usage.hold_id


async def test_runs_are_found_by_model_and_control_group(any_store: RowStore) -> None:
    """A run is found whole under its model's folded name, in its own control group alone, or among all."""
    hold_id = await declared(any_store)
    await declared(any_store, control_group="group:lark", party_id="lark", account="aws:444455556666")
    (run,) = await any_store.fetch_declared_runs("group:kestrel", ("own 1t", "other"))
    assert (run.hold_id, run.model, run.operations) == (hold_id, "Own  1T", 10**25)
    assert run.base == BaseModel(name="b", operations=5)
    assert (run.control_group, run.account) == ("group:kestrel", "aws:111122223333")
    assert await any_store.fetch_declared_runs("group:kestrel", ("other",)) == ()
    assert len(await any_store.fetch_declared_runs()) == 2


async def test_a_run_counts_while_its_hold_does(any_store: RowStore) -> None:
    """A run that the upstream refused made nothing; one that is settled stays."""
    given_back, kept = await declared(any_store), await declared(any_store)
    run = await any_store.fetch_run(given_back)
    assert run is not None
    await any_store.release(given_back, run.decision_id)
    await any_store.settle(kept)
    await any_store.ready()  # both are answered before their commit
    assert [run.hold_id for run in await any_store.fetch_declared_runs("group:kestrel")] == [kept]


async def test_a_run_follows_its_holder(any_store: RowStore) -> None:
    """When two control groups turn out to be one, the models of both are the one's."""
    await declared(any_store)
    await any_store.join_group(["kestrel"], "group:whole")
    assert len(await any_store.fetch_declared_runs("group:whole", ("own 1t",))) == 1
    assert await any_store.fetch_declared_runs("group:kestrel") == ()
