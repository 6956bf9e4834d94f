"""Which calls and resources that are on no list are known to provision nothing."""

from __future__ import annotations

import re

_HARMLESS = re.compile(
    r"microsoft\.compute/(?:disks|snapshots|images|galleries|availabilitysets|proximityplacementgroups|sshpublickeys|"
    r"diskencryptionsets|diskaccesses|restorepointcollections|locations)(?:/.*)?|"
    r"microsoft\.compute/(?:capacityreservationgroups|hostgroups)/[^/]+|"
    r"microsoft\.compute/virtualmachines/[^/]+/(?:extensions|runcommands)/[^/]+|"
    r"microsoft\.compute/virtualmachine(?:scalesets/[^/]+(?:/virtualmachines/[^/]+)?|s/[^/]+)/(?:restart|reimage|"
    r"reimageall|redeploy|poweroff|generalize|capture|assesspatches|installpatches|performmaintenance|runcommand|"
    r"simulateeviction|retrievebootdiagnosticsdata|instanceview|deallocate|delete|manualupgrade|approverollingupgrade|"
    r"converttosingleplacementgroup|setorchestrationservicestate|forcerecoveryservicefabricplatformupdatedomainwalk)|"
    r"microsoft\.compute/virtualmachinescalesets/[^/]+/(?:extensions/[^/]+|rollingupgrades/.*|osrollingupgrade)|"
    r"microsoft\.machinelearningservices/workspaces/[^/]+(?:/(?:data|models|environments|datastores|codes|components|"
    r"connections|featuresets|featurestoreentities|privateendpointconnections|outboundrules|listkeys|resynckeys|"
    r"preparenotebook|diagnose|listnotebookkeys|liststorageaccountkeys|listworkspacekeys|notebookaccesstoken|"
    r"serverlessendpoints|marketplacesubscriptions)(?:/.*)?)?|"
    r"microsoft\.machinelearningservices/workspaces/[^/]+/(?:online|batch)endpoints/[^/]+"
    r"(?:/(?:listkeys|regeneratekeys|token|deployments/[^/]+/(?:getlogs|skus)))?|"
    r"microsoft\.machinelearningservices/workspaces/[^/]+/computes/[^/]+/(?:listkeys|listnodes|restart|"
    r"updateidleshutdownsetting|updatecustomservices)|"
    r"microsoft\.machinelearningservices/(?:locations|virtualclusters)/.*|"
    r"microsoft\.containerservice/locations/.*|"
    r"microsoft\.containerservice/(?:snapshots|managedclustersnapshots|fleets)(?:/.*)?|"
    r"microsoft\.containerservice/managedclusters/[^/]+/(?:maintenanceconfigurations/.*|list[a-z]*|reset[a-z]*|"
    r"rotate[a-z]*|runcommand|abort|privateendpointconnections/.*|trustedaccessrolebindings/.*|"
    r"resolveprivatelinkserviceid|accessprofiles/.*|agentpools/[^/]+/(?:upgradenodeimageversion|abort))"
)
"""What follows `providers/` in paths of calls that provision nothing."""

_GUARDED = re.compile(r"microsoft\.(?:compute|machinelearningservices|containerservice|azurefleet|computeschedule)/.*")


def is_harmless(path: str) -> bool:
    """Return whether a call that is on no list is known to provision nothing, or is for a service that is not guarded.

    `path` is in lower case.
    """
    rest = path.rpartition("/providers/")[2] if "/providers/" in path else ""
    return not _GUARDED.fullmatch(rest) or bool(_HARMLESS.fullmatch(rest))


def is_harmless_type(kind: str) -> bool:
    """Return the same for the type of a resource in a template, such as `microsoft.compute/disks`, in lower case."""
    provider, *types = kind.split("/")
    return bool(types) and is_harmless("/providers/" + "/".join((provider, *(f"{each}/x" for each in types))))
