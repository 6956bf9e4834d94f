"""Which calls to Oracle Cloud that are on no list are known to provision no machines."""

from __future__ import annotations

import re

_MOVES = r"(?:/[^/]+/[^/]+/actions/changeCompartment)"

_HARMLESS = {
    # Networks, volumes and images share the host of Compute.
    "iaas": re.compile(
        r"/20160918/(?:byoasns|byoipRanges|captureFilters|cpes|crossConnectGroups|crossConnects|dhcps|drgAttachments|"
        r"drgNatPolicies|drgRouteDistributions|drgRouteTables|drgs|internetGateways|ipInventory|ipsecConnections|ipv6|"
        r"localPeeringGateways|natGateways|networkSecurityGroups|privateIps|publicIpPools|publicIps|"
        r"remotePeeringConnections|routeTables|securityLists|serviceGateways|subnets|vcns|virtualCircuits|vlans|vnics|"
        r"vtaps|bootVolumeBackups|bootVolumes|volumeBackupPolicies|volumeBackupPolicyAssignments|volumeBackups|"
        r"volumeGroupBackups|volumeGroups|volumes|bootVolumeAttachments|vnicAttachments|volumeAttachments|"
        r"instanceConsoleHistories|instanceConsoleConnections|appCatalogSubscriptions|images|"
        r"computeImageCapabilitySchemas|computeCapacityReports|computeCapacityTopologies|computeClusters)(?:/.*)?|"
        r"/20160918/instances/[^/]+/actions/(?:acceptShieldedIntegrityPolicy|changeCompartment)|"
        r"/20160918/instanceMaintenanceEvents/[^/]+|"
        r"/20160918/(?:instanceConfigurations|computeHostGroups|dedicatedVmHosts|computeGpuMemoryFabrics)/[^/]+|"
        r"/20160918/instancePools/[^/]+/(?:instances|actions/(?:attachLoadBalancer|detachLoadBalancer|"
        r"terminationProceed))|"
        rf"/20160918{_MOVES}"
    ),
    "datascience": re.compile(
        r"/20190101/(?:models|modelGroups|modelGroupVersionHistory|modelVersionSets|projects|dataSciencePrivateEndpoints)"
        r"(?:/.*)?|/20190101/(?:jobs|pipelines)/[^/]+/(?:artifact|steps/[^/]+/artifact)|/20190101/jobRuns/[^/]+|"
        r"/20190101/pipelines(?:/[^/]+)?|/20190101/pipelineRuns/[^/]+(?:/actions/cancelPipelineRun)?|"
        rf"/20190101/schedules/[^/]+/actions/deactivate|/20190101{_MOVES}"
    ),
    "containerengine": re.compile(
        r"/20180222/clusters(?:/[^/]+(?:/(?:kubeconfig/content|workloadMappings(?:/[^/]+)?|actions/[A-Za-z]+|"
        r"nodes/[^/]+/actions/(?:reboot|replaceBootVolume)))?)?"
    ),
    "autoscaling": re.compile(rf"/20181001{_MOVES}"),
    "resourcemanager": re.compile(
        r"/20180917/(?:stacks|templates|configurationSourceProviders|privateEndpoints)(?:/.*)?|/20180917/jobs/[^/]+"
    ),
    "generativeai": re.compile(
        r"/20231130/(?:apikeys|endpoints|generativeAiPrivateEndpoints|routingProfiles|semanticStores|"
        rf"vectorStoreConnectors|vectorStoreConnectorFileSyncs|importedModels)(?:/.*)?|/20231130/models/[^/]+|/20231130{_MOVES}"
    ),
}
"""By service, the paths of calls that provision no machines; clusters of Kubernetes have none without a pool."""


def is_harmless(service: str, path: str) -> bool:
    """Return whether a call of `service` that is on no list is known to provision no machines."""
    return bool(_HARMLESS[service].fullmatch(path))
