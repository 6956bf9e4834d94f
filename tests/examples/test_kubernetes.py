"""The manifests for Kubernetes are whole: every kind that the adapter reads is asked about."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from kyc_gate.adapters.kubernetes.objects import CLAIMS, NODE_POOLS
from kyc_gate.adapters.kubernetes.pauses import pause_patch
from kyc_gate.adapters.kubernetes.settings import KueueSettings
from kyc_gate.adapters.kubernetes.workloads import WORKLOADS
from kyc_gate.service.config import configuration_of

FOLDER = Path(__file__).parents[2] / "examples" / "kubernetes"


def manifests(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def webhooks() -> dict[str, dict[str, Any]]:
    """The webhooks of the configurations, by the path that they ask."""
    found = {}
    for manifest in manifests("webhooks.yaml"):
        (hook,) = manifest["webhooks"]
        assert manifest["metadata"]["annotations"]["cert-manager.io/inject-ca-from"] == "kyc-gate/kyc-gate-tls"
        found[hook["name"].partition(".")[0]] = hook
    return found


def asked(hook: dict[str, Any], group: str, resource: str, operation: str) -> bool:
    """Return whether the rules of a webhook cover an operation."""
    wild = f"*/{resource.partition('/')[2]}" if "/" in resource else "*"
    return any(
        group in rule["apiGroups"]
        and operation in rule["operations"]
        and (resource in rule["resources"] or wild in rule["resources"])
        for rule in hook["rules"]
    )


@pytest.mark.parametrize(("group", "kind"), [*WORKLOADS, *CLAIMS, *NODE_POOLS])
def test_every_kind_is_asked_about(group: str, kind: str) -> None:
    """Its creation, change and end are decided; where it can be paused, the pause is asked for."""
    hooks = webhooks()
    resource = f"{kind.lower()}s"
    for operation in ("CREATE", "UPDATE", "DELETE"):
        assert asked(hooks["validate"], group, resource, operation)
    patch = pause_patch(group, kind, {"shutdownAfterJobFinishes": True})
    assert asked(hooks["pause"], group, resource, "CREATE") is (patch is not None) or group == "kubeflow.org"


@pytest.mark.parametrize("resource", ["deployments", "statefulsets", "replicasets"])
def test_scales_are_asked_about(resource: str) -> None:
    """A scale is an operation of its own, which no rule for the object covers."""
    assert asked(webhooks()["validate"], "apps", f"{resource}/scale", "UPDATE")


def test_while_the_gate_is_down_nothing_starts() -> None:
    """Only the report of an end may fail; its failure goes on counting."""
    policies = {name: hook["failurePolicy"] for name, hook in webhooks().items()}
    assert policies == {"validate": "Fail", "pause": "Fail", "ends": "Ignore"}
    for hook in webhooks().values():
        (expression,) = hook["namespaceSelector"]["matchExpressions"]
        assert expression["key"] == "kubernetes.io/metadata.name"  # a label that nobody can choose
        assert expression["values"] == ["kube-system", "kube-node-lease", "kyc-gate"]
        assert hook["sideEffects"] == "NoneOnDryRun"


def test_kueues_check_is_the_one_that_is_answered() -> None:
    """The check names the gate as its controller, and its role reads owners of every kind and writes both statuses."""
    by_kind = {manifest["kind"]: manifest for manifest in manifests("kueue.yaml")}
    assert by_kind["AdmissionCheck"]["spec"]["controllerName"] == KueueSettings().controller
    granted = {
        (group, resource): rule["verbs"]
        for rule in by_kind["ClusterRole"]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    for resource in ("workloads/status", "admissionchecks/status"):
        assert granted["kueue.x-k8s.io", resource] == ["patch"]
    made_by_others = {"replicasets", "replicationcontrollers", "daemonsets", "nodesets", "cronjobs", "workloads"}
    for group, kind in WORKLOADS:
        resource = f"{kind.lower()}s"
        queued = resource not in made_by_others and not kind.endswith("Runtime") and group != "batch.volcano.sh"
        assert not queued or granted.get((group, resource)) or granted.get((group, "*")), (group, kind)


def test_the_configuration_in_the_manifest_is_one() -> None:
    """The gate of the manifests reads its configuration, and listens where the service sends to."""
    by_kind = {manifest["kind"]: manifest for manifest in manifests("gate.yaml")}
    settings = configuration_of(tomllib.loads(by_kind["ConfigMap"]["data"]["kyc-gate.toml"]))
    assert settings.kubernetes is not None
    (container,) = by_kind["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "webhook", "containerPort": settings.kubernetes.port}]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert str(Path(str(settings.kubernetes.certificate)).parent) in mounted
    (certificate,) = [each for each in manifests("certificate.yaml") if each["kind"] == "Certificate"]
    volumes = {volume["name"]: volume for volume in by_kind["Deployment"]["spec"]["template"]["spec"]["volumes"]}
    assert volumes["tls"]["secret"]["secretName"] == certificate["spec"]["secretName"]
    assert certificate["spec"]["dnsNames"] == ["kyc-gate.kyc-gate.svc"]
