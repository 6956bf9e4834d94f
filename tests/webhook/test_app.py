"""The webhook through its real door: objects are let in, kept out or paused, and the ledger knows of it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from approvals import approve_case
from asgi.driver import drive, http

from kyc_gate import Gate
from kyc_gate.storage.store import CaseQuery

from .cluster import ALICE, JOBS, Cluster, deployment, job, owned_by, pod, pod_of, used


async def approve(gate: Gate) -> None:
    """Approve the newest case."""
    (case, *_) = await gate.store.fetch_cases(CaseQuery(state="open"))
    now = gate.now()
    await approve_case(
        gate.store, case.id, reviewer="rita", note="known", at=now, expires_at=now + timedelta(hours=1), budget=None
    )


async def test_a_pod_of_a_known_customer_is_let_in_and_counted(cluster: Cluster) -> None:
    """What is allowed is in the ledger before the API server hears of it."""
    answered = await cluster.create(pod())
    assert answered.allowed
    assert await used(cluster.gate, "norge") > 0
    (run,) = await cluster.gate.store.fetch_open_runs()
    assert f"root:{answered.document['metadata']['uid']}" in run.references


async def test_a_blocked_customer_is_kept_out(cluster: Cluster) -> None:
    """A block is 403 with a decision, nothing counts, and the object is not even paused."""
    answered = await cluster.create(job(namespace="harbin"))
    assert answered.code == 403
    assert answered.response["status"]["reason"] == "Forbidden"
    assert "dec_" in answered.message
    assert "suspend" not in answered.document["spec"]
    assert await used(cluster.gate, "harbin") == 0


async def test_what_cannot_wait_is_kept_out_until_it_is_approved(cluster: Cluster) -> None:
    """A deployment has no pause: it is refused with the case, and the same object passes after approval, once."""
    asked = deployment(8, 2000, "emirate")
    first = await cluster.create(asked)
    assert first.code == 403
    assert "case_" in first.message
    assert await used(cluster.gate, "emirate") == 0
    await approve(cluster.gate)
    assert (await cluster.create(asked)).allowed
    assert await used(cluster.gate, "emirate") > 0
    assert (await cluster.create(asked)).code == 403


async def test_an_escalated_job_is_paused_and_released_by_the_approval(cluster: Cluster) -> None:
    """The job is in, suspended, and counts nothing; unsuspended before the approval it is refused, after it runs."""
    paused = await cluster.create(job(8, "emirate", parallelism=2000, completions=2000))
    assert paused.allowed
    assert paused.document["spec"]["suspend"] is True
    assert "paused for a review" in paused.warnings[0]
    assert await used(cluster.gate, "emirate") == 0
    assert (await cluster.update(paused.document, suspend=False)).code == 403
    await approve(cluster.gate)
    assert (await cluster.update(paused.document, suspend=False)).allowed
    assert await used(cluster.gate, "emirate") > 0


async def test_approval_of_a_paused_job_is_not_spent_by_sending_it_again(cluster: Cluster) -> None:
    """A job that is made anew after the approval runs at once, by the grant."""
    asked = job(8, "emirate", parallelism=2000, completions=2000)
    await cluster.create(asked)
    await approve(cluster.gate)
    again = await cluster.create(asked)
    assert again.allowed
    assert "suspend" not in again.document["spec"]
    assert await used(cluster.gate, "emirate") > 0


async def test_the_pods_of_a_job_are_not_counted_again(cluster: Cluster) -> None:
    """What the job controller makes of a charged job passes and adds nothing."""
    made = (await cluster.create(job(completions=4, parallelism=4))).document
    before = await used(cluster.gate, "norge")
    for _ in range(4):
        assert (await cluster.create(pod_of(made), user=JOBS)).allowed
    assert await used(cluster.gate, "norge") == before


async def test_an_owner_that_a_customer_names_is_not_believed(cluster: Cluster) -> None:
    """A pod that says it is of a charged job is counted unless the controller made it."""
    made = (await cluster.create(job(1))).document
    before = await used(cluster.gate, "norge")
    assert (await cluster.create(owned_by(pod(64), made), user=ALICE)).allowed
    assert await used(cluster.gate, "norge") > before


async def test_a_part_may_not_be_larger_than_what_was_charged(cluster: Cluster) -> None:
    """A controller's pod with more devices than its owner's pods is counted by itself."""
    made = (await cluster.create(job(1))).document
    before = await used(cluster.gate, "norge")
    assert (await cluster.create(owned_by(pod(8), made), user=JOBS)).allowed
    assert await used(cluster.gate, "norge") > before


async def test_a_review_that_is_sent_twice_counts_once(cluster: Cluster) -> None:
    """The uid of a review is its key."""
    made = pod()
    made["metadata"]["uid"] = "11111111-0000-4000-8000-000000000001"
    review = cluster.review("CREATE", made, uid="22222222-0000-4000-8000-000000000002")
    answers = await asyncio.gather(*(cluster.post("/validate", review) for _ in range(4)))
    assert all(answer["allowed"] for answer in answers)
    assert len(await cluster.gate.store.fetch_open_runs()) == 1


async def test_a_dry_run_is_decided_and_never_counted(cluster: Cluster) -> None:
    """`kubectl apply --dry-run=server` sees the answer, and leaves nothing behind."""
    assert (await cluster.create(pod(), dry_run=True)).allowed
    assert (await cluster.create(pod(namespace="harbin"), dry_run=True)).code == 403
    assert await cluster.gate.store.fetch_open_runs() == ()
    assert await cluster.gate.store.fetch_cases() == ()


async def test_what_asks_for_no_accelerator_is_not_decided(cluster: Cluster) -> None:
    """A pod of a web server leaves no record, whoever runs it."""
    assert (await cluster.create(pod(0, "nobody"))).allowed
    assert [record async for record in cluster.gate.store.records()] == []


async def test_a_namespace_without_an_account_waits_for_a_person(cluster: Cluster) -> None:
    """A pod of an unknown account cannot be scheduled until it is released."""
    answered = await cluster.create(pod(namespace="nobody"))
    assert answered.allowed
    assert answered.document["spec"]["schedulingGates"] == [{"name": "kyc-gate.io/review"}]
    bare = Cluster(cluster.gate, mutates=False)
    assert (await bare.create(pod(namespace="nobody"))).code == 403


BROKEN = [
    pytest.param(b"{}", b"application/json", 400, id="no-review"),
    pytest.param(b"[]", b"application/json", 400, id="no-object"),
    pytest.param(b"\xff", b"application/json", 400, id="no-text"),
    pytest.param(b"{}", b"text/plain", 415, id="no-json"),
    pytest.param(
        b'{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}', b"application/json", 400, id="old"
    ),
    pytest.param(b"[" * 2_000_000, b"application/json", 413, id="large"),
]


@pytest.mark.parametrize(("body", "content_type", "status"), BROKEN)
@pytest.mark.parametrize("path", ["/validate", "/mutate"])
async def test_what_is_no_review_is_no_answer(
    cluster: Cluster, path: str, body: bytes, content_type: bytes, status: int
) -> None:
    """Without a review there is nothing to allow; the API server takes the status for a failure, and keeps out."""
    assert (await cluster.send(path, body, content_type))[0] == status


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b'"allowed"', b'"allowed"', id="whole"),
        pytest.param(b'"nvidia.com/gpu": 8', b'"nvidia.com/gpu": 0, "nvidia.com/gpu": 8', id="key-twice"),
        pytest.param(b'"nvidia.com/gpu": 8', b'"nvidia.com/gpu": "-8"', id="below-zero"),
        pytest.param(b'"nvidia.com/gpu": 8', b'"nvidia.com/gpu": "8 "', id="padded"),
        pytest.param(b'"nvidia.com/gpu": 8', b'"nvidia.com/gpu": NaN', id="nan"),
        pytest.param(b'"limits"', b'"Limits": {}, "limits"', id="other-case"),
        pytest.param(b'"kind": "Pod"}', b'"kind": "ConfigMap"}', id="another-kind"),
        pytest.param(b'"containers": [', b'"containers": ["x", ', id="wrong-type"),
    ],
)
async def test_a_review_with_two_readings_is_kept_out(cluster: Cluster, before: bytes, after: bytes) -> None:
    """A body that readers understand differently is refused with 400, and nothing is counted."""
    made = pod()
    made["metadata"]["uid"] = "11111111-0000-4000-8000-000000000001"
    whole = json.dumps(cluster.review("CREATE", made)).encode()
    changed = whole.replace(before, after)
    status, body = await cluster.send("/validate", changed)
    if before == after:
        assert json.loads(body)["response"]["allowed"]
        return
    assert changed != whole
    refused = json.loads(body).get("response")
    assert status == 400 or (refused["allowed"], refused["status"]["code"]) == (False, 400)
    assert await cluster.gate.store.fetch_open_runs() == ()


async def test_health_is_told(cluster: Cluster) -> None:
    """The probes of a deployment are answered."""
    assert (await drive(cluster.app, http("/healthz", method="GET"))).status == 200
    assert (await drive(cluster.app, http("/readyz", method="GET"))).status == 200
    await cluster.gate.close()
    assert (await drive(cluster.app, http("/readyz", method="GET"))).status == 503
    refused = await cluster.post("/validate", cluster.review("CREATE", pod()))
    assert refused["status"]["code"] == 503
