"""A review of each kind through the real door, and what the record says that it asked for."""

from __future__ import annotations

from adapters.kubernetes.test_objects import GOLDEN

from kyc_gate.adapters.kubernetes.counts import amounts_of
from kyc_gate.adapters.kubernetes.settings import AccountRule, KubernetesSettings
from kyc_gate.model.job import Accelerators
from kyc_gate.webhook.app import webhook_app

from .cluster import Cluster

DEFINED = {"ResourceClaimTemplate", "ClusterTrainingRuntime"}
EVERYBODY = (AccountRule(account="acct-norge"),)


async def test_each_kind_is_recorded_as_it_is_read(cluster: Cluster) -> None:
    """The request on record has the chips, the time and the account of the object; a definition has no record."""
    seen = set()
    for param in GOLDEN:
        document, expected, seconds = param.values
        kind = document["kind"]
        charge = "nodes" if kind == "NodePool" else "workloads"
        settings = KubernetesSettings(cluster="test", accounts=EVERYBODY, charge=charge)
        cluster.app, cluster.mutates = webhook_app(cluster.gate, settings), False
        before = [record async for record in cluster.gate.store.records()]
        document["metadata"]["namespace"] = "" if kind in ("NodePool", "ClusterTrainingRuntime") else "team"
        answered = await cluster.create(document)
        made = [record async for record in cluster.gate.store.records()][len(before) :]
        if kind in DEFINED:
            assert (answered.allowed, made) == (True, [])
            continue
        request = made[0]["request"]
        lines = tuple(Accelerators(**line) for line in request["lines"])  # type: ignore[index]
        assert amounts_of(lines) == expected, param.id
        assert request["duration_seconds"] == seconds  # type: ignore[index]
        assert request["caller"]["account"] == "acct-norge"  # type: ignore[index]
        assert request["provider"] == "kubernetes"  # type: ignore[index]
        assert request["operation"].startswith(f"Create {kind}")  # type: ignore[index]
        assert (made[0]["acted"] == "pass") is answered.allowed
        seen.add((document["apiVersion"].rpartition("/")[0], kind))
    assert len(seen) >= 20
