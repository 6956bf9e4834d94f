"""Which calls to Google Cloud ask for machines, define them or end them, by service, path and method.

The paths are those of the discovery documents compute.v1, aiplatform.v1, tpu.v2, container.v1 and batch.v1.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kyc_gate.adapters.gcp import batch, clusters, compute, tpu, vertex
from kyc_gate.adapters.gcp.asked import Asked
from kyc_gate.model.job import RequestKind

_CREATE, _RESIZE, _START = RequestKind.CREATE, RequestKind.RESIZE, RequestKind.START
_RESERVE, _PURCHASE, _SUBMIT, _SCALE = (
    RequestKind.RESERVE,
    RequestKind.PURCHASE,
    RequestKind.SUBMIT,
    RequestKind.SCALE,
)


class Operation(NamedTuple):
    """One operation: what it does, and who reads it. `ends` is the kind of what it ends."""

    name: str
    kind: RequestKind = RequestKind.CREATE
    read: compute.Reader = Asked.unread
    ends: str | None = None
    defines: bool = False


Table = dict[str, dict[str, Operation]]

_P = "/compute/{version}/projects/{project}"
_L = "/{version}/projects/{project}/locations/{location}"
_Z = "/{version}/projects/{project}/zones/{zone}"


def _ends(name: str, kind: str) -> Operation:
    return Operation(name, ends=kind)


def _instances() -> Table:
    home = f"{_P}/zones/{{zone}}/instances"
    return {
        home: {"POST": Operation("instances.insert", _CREATE, compute.read_insert)},
        f"{home}/bulkInsert": {"POST": Operation("instances.bulkInsert", _CREATE, compute.read_bulk_insert)},
        f"{_P}/regions/{{region}}/instances/bulkInsert": {
            "POST": Operation("regionInstances.bulkInsert", _CREATE, compute.read_bulk_insert)
        },
        f"{home}/{{instance}}": {
            "PUT": Operation("instances.update", _RESIZE, compute.read_update),
            "DELETE": _ends("instances.delete", "instance"),
        },
        f"{home}/{{instance}}/start": {"POST": Operation("instances.start", _START, compute.read_start)},
        f"{home}/{{instance}}/startWithEncryptionKey": {
            "POST": Operation("instances.startWithEncryptionKey", _START, compute.read_start)
        },
        f"{home}/{{instance}}/resume": {"POST": Operation("instances.resume", _START, compute.read_start)},
        f"{home}/{{instance}}/setMachineType": {
            "POST": Operation("instances.setMachineType", _RESIZE, compute.read_type)
        },
        f"{home}/{{instance}}/setMachineResources": {
            "POST": Operation("instances.setMachineResources", _RESIZE, compute.read_type)
        },
        f"{home}/{{instance}}/setScheduling": {"POST": Operation("instances.setScheduling", _RESIZE)},
        f"{home}/{{instance}}/stop": {"POST": _ends("instances.stop", "instance")},
        f"{home}/{{instance}}/suspend": {"POST": _ends("instances.suspend", "instance")},
    }


def _groups() -> Table:
    found: Table = {
        f"{_P}/global/instanceTemplates": {"POST": Operation("instanceTemplates.insert", defines=True)},
        f"{_P}/regions/{{region}}/instanceTemplates": {
            "POST": Operation("regionInstanceTemplates.insert", defines=True)
        },
    }
    for place in ("zones/{zone}", "regions/{region}"):
        home = f"{_P}/{place}/instanceGroupManagers"
        change = Operation("instanceGroupManagers.patch", _SCALE, compute.read_group_change)
        found |= {
            home: {"POST": Operation("instanceGroupManagers.insert", _CREATE, compute.read_group)},
            f"{home}/{{group}}": {
                "PATCH": change,
                "PUT": change._replace(name="instanceGroupManagers.update"),
                "DELETE": _ends("instanceGroupManagers.delete", "instance-group"),
            },
            f"{home}/{{group}}/resize": {
                "POST": Operation("instanceGroupManagers.resize", _SCALE, compute.read_resize)
            },
            f"{home}/{{group}}/resizeAdvanced": {
                "POST": Operation("instanceGroupManagers.resizeAdvanced", _SCALE, compute.read_resize)
            },
            f"{home}/{{group}}/createInstances": {
                "POST": Operation("instanceGroupManagers.createInstances", _SCALE, compute.read_more)
            },
            f"{home}/{{group}}/resizeRequests": {
                "POST": Operation("instanceGroupManagerResizeRequests.insert", _SCALE, compute.read_more)
            },
            f"{_P}/{place}/autoscalers": {
                method: Operation("autoscalers", _SCALE, compute.read_autoscaler) for method in ("POST", "PUT", "PATCH")
            },
        }
        found[f"{home}/{{group}}/setInstanceTemplate"] = {
            "POST": Operation("instanceGroupManagers.setInstanceTemplate", _SCALE, compute.read_other_machines)
        }
        for verb in ("startInstances", "resumeInstances"):
            found[f"{home}/{{group}}/{verb}"] = {"POST": Operation(f"instanceGroupManagers.{verb}", _SCALE)}
    return found


def _capacity() -> Table:
    home = f"{_P}/zones/{{zone}}/reservations"
    later = f"{_P}/zones/{{zone}}/futureReservations"
    future = Operation("futureReservations.insert", _RESERVE, compute.read_future_reservation)
    return {
        home: {"POST": Operation("reservations.insert", _RESERVE, compute.read_reservation)},
        f"{home}/{{reservation}}": {
            "PATCH": Operation("reservations.update", _RESERVE),
            "DELETE": _ends("reservations.delete", "reservation"),
        },
        f"{home}/{{reservation}}/resize": {
            "POST": Operation("reservations.resize", _RESERVE, compute.read_reservation_size)
        },
        later: {"POST": future},
        f"{later}/{{reservation}}": {
            "PATCH": future._replace(name="futureReservations.update"),
            "DELETE": _ends("futureReservations.delete", "future-reservation"),
        },
        f"{_P}/regions/{{region}}/commitments": {
            "POST": Operation("regionCommitments.insert", _PURCHASE, compute.read_commitment)
        },
        f"{_P}/regions/{{region}}/commitments/{{commitment}}": {
            "PATCH": Operation("regionCommitments.update", _PURCHASE)
        },
        f"{_P}/zones/{{zone}}/nodeGroups": {"POST": Operation("nodeGroups.insert", _RESERVE)},
        f"{_P}/zones/{{zone}}/nodeGroups/{{group}}/addNodes": {"POST": Operation("nodeGroups.addNodes", _SCALE)},
    }


def _vertex() -> Table:
    def post(name: str, read: compute.Reader = Asked.unread, kind: RequestKind = _SUBMIT) -> dict[str, Operation]:
        return {"POST": Operation(name, kind, read)}

    found = {
        f"{_L}/customJobs": post("customJobs.create", vertex.read_custom_job),
        f"{_L}/hyperparameterTuningJobs": post("hyperparameterTuningJobs.create", vertex.read_tuning),
        f"{_L}/trainingPipelines": post("trainingPipelines.create", vertex.read_pipeline),
        f"{_L}/pipelineJobs": post("pipelineJobs.create"),
        f"{_L}/pipelineJobs:batchCreate": post("pipelineJobs.batchCreate"),
        f"{_L}/tuningJobs": post("tuningJobs.create"),
        f"{_L}/tuningJobs:rebaseTunedModel": post("tuningJobs.rebaseTunedModel"),
        f"{_L}/nasJobs": post("nasJobs.create"),
        f"{_L}/batchPredictionJobs": post("batchPredictionJobs.create", vertex.read_batch_prediction),
        f"{_L}/persistentResources": post("persistentResources.create", vertex.read_persistent, _CREATE),
        f"{_L}/persistentResources/{{resource}}": {
            "PATCH": Operation("persistentResources.patch", _RESIZE, vertex.read_persistent),
            "DELETE": _ends("persistentResources.delete", "persistent-resource"),
        },
        f"{_L}/endpoints/{{endpoint}}:deployModel": post("endpoints.deployModel", vertex.read_deploy, _CREATE),
        f"{_L}/endpoints/{{endpoint}}:mutateDeployedModel": post("endpoints.mutateDeployedModel", kind=_SCALE),
        f"{_L}/deploymentResourcePools": post("deploymentResourcePools.create", vertex.read_serving_pool, _CREATE),
        f"{_L}/deploymentResourcePools/{{pool}}": {"PATCH": Operation("deploymentResourcePools.patch", _SCALE)},
        f"{_L}/notebookRuntimes:assign": post("notebookRuntimes.assign", kind=_CREATE),
        f"{_L}/notebookRuntimes/{{runtime}}:start": post("notebookRuntimes.start", kind=_START),
        f"{_L}/notebookExecutionJobs": post("notebookExecutionJobs.create", vertex.read_execution),
        f"{_L}/schedules": post("schedules.create"),
        f"{_L}/schedules/{{schedule}}": {"PATCH": Operation("schedules.patch", _SUBMIT)},
        f"{_L}/schedules/{{schedule}}:resume": post("schedules.resume"),
        f"{_L}/indexEndpoints/{{endpoint}}:deployIndex": post("indexEndpoints.deployIndex", kind=_CREATE),
        f"{_L}/indexEndpoints/{{endpoint}}:mutateDeployedIndex": post(
            "indexEndpoints.mutateDeployedIndex", kind=_SCALE
        ),
        f"{_L}:deploy": post("projects.locations.deploy", kind=_CREATE),
        f"{_L}:deployPublisherModel": post("projects.locations.deployPublisherModel", kind=_CREATE),
        f"{_L}/reasoningEngines": post("reasoningEngines.create", kind=_CREATE),
    }
    for jobs, kind in (
        ("customJobs", "custom-job"),
        ("hyperparameterTuningJobs", "tuning-job"),
        ("trainingPipelines", "training-pipeline"),
        ("batchPredictionJobs", "batch-prediction-job"),
    ):
        found[f"{_L}/{jobs}/{{job}}:cancel"] = {"POST": _ends(f"{jobs}.cancel", kind)}
    return found


def _tpu() -> Table:
    return {
        f"{_L}/nodes": {"POST": Operation("nodes.create", _CREATE, tpu.read_node)},
        f"{_L}/nodes/{{node}}": {
            "PATCH": Operation("nodes.patch", _RESIZE, tpu.read_change),
            "DELETE": _ends("nodes.delete", "tpu-node"),
        },
        f"{_L}/nodes/{{node}}:start": {"POST": Operation("nodes.start", _START, tpu.read_start)},
        f"{_L}/nodes/{{node}}:stop": {"POST": _ends("nodes.stop", "tpu-node")},
        f"{_L}/queuedResources": {"POST": Operation("queuedResources.create", _RESERVE, tpu.read_queued)},
        f"{_L}/queuedResources/{{resource}}": {"DELETE": _ends("queuedResources.delete", "queued-resource")},
        f"{_L}/queuedResources/{{resource}}:reset": {"POST": Operation("queuedResources.reset", _RESERVE)},
    }


def _clusters() -> Table:
    found: Table = {}
    for home, colon in ((_L, ":"), (_Z, "/")):
        cluster, pool = f"{home}/clusters/{{cluster}}", f"{home}/clusters/{{cluster}}/nodePools/{{pool}}"
        scaling = "setAutoscaling" if colon == ":" else "autoscaling"
        change = Operation("nodePools.update", _RESIZE, clusters.read_pool_change)
        found |= {
            f"{home}/clusters": {"POST": Operation("clusters.create", _CREATE, clusters.read_cluster)},
            cluster: {
                "PUT": Operation("clusters.update", _SCALE, clusters.read_cluster_change),
                "DELETE": _ends("clusters.delete", "cluster"),
            },
            f"{cluster}{colon}{'setLocations' if colon == ':' else 'locations'}": {
                "POST": Operation("clusters.setLocations", _SCALE, clusters.read_locations)
            },
            f"{cluster}/nodePools": {"POST": Operation("nodePools.create", _CREATE, clusters.read_pool)},
            pool: {"PUT": change, "DELETE": _ends("nodePools.delete", "node-pool")},
            f"{pool}{colon}setSize": {"POST": Operation("nodePools.setSize", _SCALE, clusters.read_size)},
            f"{pool}{colon}{scaling}": {
                "POST": Operation("nodePools.setAutoscaling", _SCALE, clusters.read_autoscaling)
            },
        }
        if colon == "/":
            found[f"{pool}/update"] = {"POST": change}
    return found


def _batch() -> Table:
    return {
        f"{_L}/jobs": {"POST": Operation("jobs.create", _SUBMIT, batch.read_job)},
        f"{_L}/jobs/{{job}}": {"DELETE": _ends("jobs.delete", "batch-job")},
        f"{_L}/jobs/{{job}}:cancel": {"POST": _ends("jobs.cancel", "batch-job")},
    }


def _specific_first(table: Table) -> Table:
    """Return the table so that `nodes/{node}:start` is tried before `nodes/{node}`, which would take it in."""
    return dict(sorted(table.items(), key=lambda item: (-item[0].count("/"), -len(item[0].rpartition("/")[2]))))


SERVICES: dict[str, Table] = {
    "compute": _specific_first(_instances() | _groups() | _capacity()),
    "aiplatform": _specific_first(_vertex()),
    "tpu": _specific_first(_tpu()),
    "container": _specific_first(_clusters()),
    "batch": _specific_first(_batch()),
}
"""Each service's operations, by path pattern and method."""

_HARMLESS = {
    "compute": re.compile(
        r"(?i)addresses|backend(Buckets|Services)|crossSiteNetworks|disks|externalVpnGateways|firewall(s|Policies)|"
        r"forwardingRules|globalAddresses|globalForwardingRules|haVpnGateways|(http|https)?healthChecks|"
        r"healthCheckServices|images|instanceGroups|instantSnapshots|interconnect\w*|licenses?|licenseCodes|"
        r"machineImages|network\w*|networkEdgeSecurityServices|nodeTemplates|notificationEndpoints|operations|"
        r"packetMirrorings|public\w+Prefixes|resourcePolicies|routers|routes|securityPolicies|serviceAttachments|"
        r"snapshots|snapshotSettings|ssl\w+|storagePools|subnetworks|target\w+|urlMaps|vpn\w+|wireGroups"
    ),
    "aiplatform": re.compile(
        r"datasets|dataLabelingJobs|endpoints|featureGroups|featurestores|featureOnlineStores|indexes|indexEndpoints|"
        r"metadataStores|models|studies|tensorboards|specialistPools|publishers|cachedContents|rag\w+|exampleStores|"
        r"notebookRuntimeTemplates|operations|modelMonitors|modelDeploymentMonitoringJobs|"
        r"(customJobs|hyperparameterTuningJobs|trainingPipelines|pipelineJobs|tuningJobs|nasJobs|batchPredictionJobs|"
        r"notebookRuntimes|schedules|persistentResources|notebookExecutionJobs)/[^/:]+"
        r"(:(cancel|stop|pause|reboot|upgrade|getIamPolicy|testIamPermissions))?|reasoningEngines/.*"
    ),
    "tpu": re.compile(r"operations|nodes/[^/:]+:(getGuestAttributes|simulateMaintenanceEvent)|queuedResources/[^/:]+"),
    "container": re.compile(
        r"operations|clusters/[^/:]+[:/](setAddons|addons|setLegacyAbac|legacyAbac|setLogging|logging|setMonitoring|"
        r"monitoring|setMaintenancePolicy|setMasterAuth|updateMaster|master|setNetworkPolicy|setResourceLabels|"
        r"resourceLabels|startIpRotation|completeIpRotation|checkAutopilotCompatibility)|"
        r"clusters/[^/]+/nodePools/[^/:]+[:/](setManagement|rollback|completeUpgrade)"
    ),
    "batch": re.compile(r"operations|resourceAllowances|state"),
}
"""What follows the place in paths of calls that provision nothing, by service: collections, or ones with a verb."""

_HARMLESS_VERBS = frozenset(
    """addAccessConfig addNetworkInterface attachDisk deleteAccessConfig deleteNetworkInterface
    detachDisk getIamPolicy performMaintenance removeResourcePolicies reportHostAsFaulty reset sendDiagnosticInterrupt
    setDeletionProtection setDiskAutoDelete setIamPolicy setLabels setMetadata setMinCpuPlatform setName
    setSecurityPolicy setServiceAccount setShieldedInstanceIntegrityPolicy setTags simulateMaintenanceEvent
    testIamPermissions updateAccessConfig updateDisplayDevice updateNetworkInterface updateShieldedInstanceConfig
    abandonInstances applyUpdatesToInstances deleteInstances deletePerInstanceConfigs listErrors listManagedInstances
    listPerInstanceConfigs patchPerInstanceConfigs recreateInstances setTargetPools stopInstances suspendInstances
    updatePerInstanceConfigs setNamedPorts cancel""".split()
)
"""Verbs of Compute Engine on machines and groups that provision nothing beyond what is there."""

_COMPUTE_PATH = re.compile(
    r"/compute/[a-z0-9_]+/projects/[^/]+/(?:global|aggregated|(?:zones|regions|locations)/[^/]+)/([A-Za-z]+)(?:/(.+))?"
)
_OTHER_PATH = re.compile(r"/[a-z0-9]+/projects/[^/]+/(?:locations|zones)/[^/:]+/(.+)")
_PROJECT_PATH = re.compile(r"/compute/[a-z0-9_]+/projects/[^/]+/([A-Za-z]+)")
_PROJECT_VERBS = frozenset(
    """disableXpnHost disableXpnResource enableXpnHost enableXpnResource setCommonInstanceMetadata setCloudArmorTier
    setDefaultNetworkTier setManagedProtectionTier setUsageExportBucket moveDisk moveInstance""".split()
)


def is_harmless(service: str, path: str) -> bool:
    """Return whether a call that is on no list is known to provision nothing."""
    if service == "compute":
        found = _COMPUTE_PATH.fullmatch(path)
        if found is None:
            project = _PROJECT_PATH.fullmatch(path)
            return bool(project and project[1] in _PROJECT_VERBS)
        if _HARMLESS["compute"].fullmatch(found[1]):
            return True
        return bool(found[2]) and found[2].rpartition("/")[2] in _HARMLESS_VERBS and "/" in found[2]
    other = _OTHER_PATH.fullmatch(path)
    if other is None:
        return False
    rest = other[1]
    known = _HARMLESS[service]
    return bool(known.fullmatch(rest) or known.fullmatch(re.split("[/:]", rest)[0]))
