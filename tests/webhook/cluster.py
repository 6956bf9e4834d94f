"""A cluster as the API server shows it: objects that go through both webhooks, and are kept where they are let in."""

from __future__ import annotations

import base64
import copy
import itertools
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from asgi.driver import chunks, drive, http
from gates import PARTIES, make_gate

from kyc_gate import Gate
from kyc_gate.adapters.kubernetes.settings import AccountRule, KubernetesSettings
from kyc_gate.model.party import Account
from kyc_gate.ownership.control_groups import control_group
from kyc_gate.webhook.app import webhook_app

PLURALS = {"NetworkPolicy": "networkpolicies"}
ALICE = "alice"
JOBS = "system:serviceaccount:kube-system:job-controller"
REPLICAS = "system:serviceaccount:kube-system:replicaset-controller"
DEPLOYMENTS = "system:serviceaccount:kube-system:deployment-controller"

SETTINGS = KubernetesSettings(
    cluster="test",
    callers="api-server",
    accounts=tuple(
        AccountRule(account=f"acct-{name}", namespaces=(name, f"{name}-*")) for name in ("norge", "emirate", "harbin")
    ),
    controllers=(
        "system:serviceaccount:jobset-system:jobset-controller-manager",
        "system:serviceaccount:kueue-system:kueue-controller-manager",
    ),
)

H100 = {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}


async def open_gate(folder: Path, **settings: object) -> Gate:
    """An open gate whose three parties have an account of the cluster each."""
    gate = make_gate(folder, **settings)
    await gate.open()
    names = ("norge", "emirate", "harbin")
    accounts = [Account(provider="kubernetes", id=f"acct-{name}", party_id=name) for name in names]
    await gate.store.save_directory((), accounts)
    return gate


async def used(gate: Gate, party: str) -> int:
    """Operations that count for the party over the next month, in tera-operations."""
    parties = {each.id: each for each in PARTIES}
    now = gate.now()
    group = control_group(parties[party], parties, None)
    usage = await gate.store.fetch_usage(group, now - timedelta(days=30), now + timedelta(days=30))
    return 0 if usage is None else usage.likely // 10**12


class Answered:
    """What became of one operation."""

    def __init__(self, response: dict[str, Any], document: dict[str, Any]) -> None:
        self.response = response
        self.document = document

    @property
    def allowed(self) -> bool:
        return bool(self.response["allowed"])

    @property
    def code(self) -> int:
        return 200 if self.allowed else int(self.response["status"]["code"])

    @property
    def message(self) -> str:
        return str(self.response.get("status", {}).get("message", ""))

    @property
    def warnings(self) -> list[str]:
        return list(self.response.get("warnings", ()))


class Cluster:
    """Does what the API server does around admission: defaults ids and times, patches, and asks in its order."""

    def __init__(self, gate: Gate, settings: KubernetesSettings = SETTINGS, *, mutates: bool = True) -> None:
        self.gate = gate
        self.app = webhook_app(gate, settings)
        self.mutates = mutates
        self._uids = (f"00000000-0000-4000-8000-{number:012d}" for number in itertools.count(1))

    async def create(self, document: dict[str, Any], user: str = ALICE, **more: Any) -> Answered:
        made = copy.deepcopy(document)
        made["metadata"].setdefault("namespace", "norge")
        if self.mutates:
            response = await self.post("/mutate", self.review("CREATE", made, user=user, **more))
            assert response["allowed"]
            if "patch" in response:
                assert response["patchType"] == "JSONPatch"
                patched(made, json.loads(base64.b64decode(response["patch"])))
        made["metadata"]["uid"] = made["metadata"].get("uid") or next(self._uids)
        made["metadata"]["creationTimestamp"] = "2026-11-27T07:00:00Z"
        if "generateName" in made["metadata"]:
            made["metadata"]["name"] = made["metadata"]["generateName"] + made["metadata"]["uid"][-5:]
        return Answered(await self.post("/validate", self.review("CREATE", made, user=user, **more)), made)

    async def update(self, old: dict[str, Any], user: str = ALICE, **spec: Any) -> Answered:
        made = copy.deepcopy(old)
        made["spec"] |= spec
        return await self.replace(old, made, user)

    async def replace(self, old: dict[str, Any], made: dict[str, Any], user: str = ALICE, **more: Any) -> Answered:
        return Answered(await self.post("/validate", self.review("UPDATE", made, old, user=user, **more)), made)

    async def scale(self, document: dict[str, Any], before: int, replicas: int, user: str = ALICE) -> Answered:
        metadata = {name: document["metadata"][name] for name in ("name", "namespace", "uid")}
        scales = [
            {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": {"replicas": count}}
            for count in (replicas, before)
        ]
        review = self.review("UPDATE", *scales, user=user, subresource="scale")
        review["request"]["resource"] = resource_of(document)
        return Answered(await self.post("/validate", review), document)

    async def delete(self, document: dict[str, Any], user: str = ALICE, **options: Any) -> Answered:
        review = self.review("DELETE", None, document, user=user)
        review["request"]["options"] = {"apiVersion": "meta.k8s.io/v1", "kind": "DeleteOptions", **options}
        return Answered(await self.post("/validate", review), document)

    def review(
        self,
        operation: str,
        document: dict[str, Any] | None,
        old: dict[str, Any] | None = None,
        *,
        user: str = ALICE,
        subresource: str = "",
        dry_run: bool = False,
        uid: str | None = None,
        groups: tuple[str, ...] = ("system:authenticated",),
    ) -> dict[str, Any]:
        """The review of an operation, as `admission.k8s.io/v1` writes it."""
        about = document or old or {}
        group, _, version = about["apiVersion"].rpartition("/")
        kind = {"group": group, "version": version, "kind": about["kind"]}
        request = {
            "uid": uid or next(self._uids),
            "kind": kind,
            "resource": resource_of(about),
            "requestKind": kind,
            "requestResource": resource_of(about),
            "name": about["metadata"].get("name", ""),
            "namespace": about["metadata"].get("namespace", ""),
            "operation": operation,
            "userInfo": {"username": user, "groups": list(groups), "extra": {}},
            "object": document,
            "oldObject": old,
            "dryRun": dry_run,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": f"{operation.title()}Options"},
        }
        if subresource:
            request["subResource"] = subresource
        return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}

    async def post(self, path: str, review: dict[str, Any]) -> dict[str, Any]:
        status, body = await self.send(path, json.dumps(review).encode())
        assert status == 200, body
        answer = json.loads(body)
        assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        response: dict[str, Any] = answer["response"]
        assert response["uid"] == review["request"]["uid"]
        if not response["allowed"]:
            message = response["status"]["message"]
            assert message.isascii()
            assert len(message) < 256
        return response

    async def send(self, path: str, body: bytes, content_type: bytes = b"application/json") -> tuple[int | None, bytes]:
        half = len(body) // 2
        headers = [(b"host", b"gate.kyc-gate.svc"), (b"content-type", content_type)]
        exchange = await drive(self.app, http(path, headers=headers), chunks(body[:half], body[half:]))
        return exchange.status, exchange.body


def resource_of(document: dict[str, Any]) -> dict[str, str]:
    group, _, version = document["apiVersion"].rpartition("/")
    plural = PLURALS.get(document["kind"], f"{document['kind'].lower()}s")
    return {"group": group, "version": version, "resource": plural}


def patched(document: dict[str, Any], patch: list[dict[str, Any]]) -> None:
    """Apply a JSON patch (RFC 6902) of `add` steps on members of objects."""
    for step in patch:
        assert step["op"] == "add"
        *path, last = step["path"].split("/")[1:]
        home = document
        for name in path:
            home = home[name]
        home[last] = step["value"]


def pod_spec(gpus: object = 8, *, labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """The specification of a pod with accelerators, on nodes with H100."""
    container = {"name": "main", "image": "registry.example/train:1", "resources": {"limits": {"nvidia.com/gpu": gpus}}}
    return {"containers": [container], "nodeSelector": H100 if labels is None else labels, **more}


def thing(api: str, kind: str, spec: dict[str, Any], namespace: str = "norge", **metadata: Any) -> dict[str, Any]:
    """An object of any kind."""
    name = {} if "generateName" in metadata else {"name": "run"}
    return {"apiVersion": api, "kind": kind, "metadata": {**name, "namespace": namespace, **metadata}, "spec": spec}


def pod(gpus: object = 8, namespace: str = "norge", **more: Any) -> dict[str, Any]:
    return thing("v1", "Pod", pod_spec(gpus, **more), namespace)


def job(gpus: object = 8, namespace: str = "norge", **spec: Any) -> dict[str, Any]:
    return thing("batch/v1", "Job", {"template": {"spec": pod_spec(gpus)}, **spec}, namespace)


def owned_by(document: dict[str, Any], owner: dict[str, Any]) -> dict[str, Any]:
    """The object with a controller."""
    made = copy.deepcopy(document)
    made["metadata"]["ownerReferences"] = [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    return made


def deployment(gpus: object = 8, replicas: int = 2, namespace: str = "norge") -> dict[str, Any]:
    spec = {"replicas": replicas, "selector": {}, "template": {"metadata": {}, "spec": pod_spec(gpus)}}
    return thing("apps/v1", "Deployment", spec, namespace)


def replica_set(owner: dict[str, Any]) -> dict[str, Any]:
    """The replica set that the controller makes of a deployment."""
    made = thing("apps/v1", "ReplicaSet", copy.deepcopy(owner["spec"]), owner["metadata"]["namespace"])
    return owned_by(made, owner)


def pod_of(owner: dict[str, Any]) -> dict[str, Any]:
    """The pod that a controller makes of its owner's template."""
    made = thing("v1", "Pod", copy.deepcopy(owner["spec"]["template"]["spec"]), owner["metadata"]["namespace"])
    return owned_by(made, owner)
