"""Which operations are guarded, service by service, and which are known to provision nothing.

An operation of a guarded service that is on no list is guarded, and what it asks for is unresolved: a new way to
provision reaches a person before it reaches the upstream.
"""

from __future__ import annotations

import re

from kyc_gate.model.job import RequestKind

_VERB = re.compile(r"[A-Z][a-z]+")

C, R, S, V, P, J, G = (
    RequestKind.CREATE,
    RequestKind.RESIZE,
    RequestKind.START,
    RequestKind.RESERVE,
    RequestKind.PURCHASE,
    RequestKind.SUBMIT,
    RequestKind.SCALE,
)

EC2 = {
    "RunInstances": C,
    "StartInstances": S,
    "RunScheduledInstances": C,
    "ImportInstance": C,
    "CreateFleet": C,
    "ModifyFleet": G,
    "RequestSpotInstances": C,
    "RequestSpotFleet": C,
    "ModifySpotFleetRequest": G,
    "CreateCapacityReservation": V,
    "ModifyCapacityReservation": V,
    "CreateCapacityReservationFleet": V,
    "ModifyCapacityReservationFleet": V,
    "CreateCapacityReservationBySplitting": V,
    "MoveCapacityReservationInstances": V,
    "AcceptCapacityReservationBillingOwnership": V,
    "AssociateCapacityReservationBillingOwner": V,
    "CreateInterruptibleCapacityReservationAllocation": V,
    "UpdateInterruptibleCapacityReservationAllocation": V,
    "PurchaseCapacityBlock": P,
    "PurchaseCapacityBlockExtension": P,
    "PurchaseHostReservation": P,
    "PurchaseReservedInstancesOffering": P,
    "PurchaseScheduledInstances": P,
    "AcceptReservedInstancesExchangeQuote": P,
    "ModifyReservedInstances": P,
    "AllocateHosts": V,
    "ModifyHosts": V,
    "ModifyInstanceAttribute": R,
}

SAGEMAKER = {
    "CreateTrainingJob": J,
    "UpdateTrainingJob": R,
    "CreateHyperParameterTuningJob": J,
    "CreateProcessingJob": J,
    "CreateTransformJob": J,
    "CreateAutoMLJob": J,
    "CreateAutoMLJobV2": J,
    "CreateLabelingJob": J,
    "CreateOptimizationJob": J,
    "CreateInferenceRecommendationsJob": J,
    "CreateAIBenchmarkJob": J,
    "CreateAIRecommendationJob": J,
    "CreateJob": J,
    "CreateTrainingSession": J,
    "CreateCluster": C,
    "UpdateCluster": G,
    "BatchAddClusterNodes": G,
    "CreateTrainingPlan": P,
    "ExtendTrainingPlan": P,
    "CreateComputeQuota": V,
    "UpdateComputeQuota": V,
    "CreateEndpoint": C,
    "UpdateEndpoint": G,
    "UpdateEndpointWeightsAndCapacities": G,
    "CreateInferenceComponent": C,
    "UpdateInferenceComponent": G,
    "UpdateInferenceComponentRuntimeConfig": G,
    "CreateInferenceExperiment": C,
    "StartInferenceExperiment": S,
    "UpdateInferenceExperiment": G,
    "CreateNotebookInstance": C,
    "StartNotebookInstance": S,
    "UpdateNotebookInstance": R,
    "CreateApp": C,
    "CreateSpace": C,
    "UpdateSpace": R,
    "CreateMonitoringSchedule": J,
    "UpdateMonitoringSchedule": J,
    "StartMonitoringSchedule": S,
    "StartPipelineExecution": J,
    "RetryPipelineExecution": J,
    "StartSession": S,
}

AUTOSCALING = {
    "CreateAutoScalingGroup": C,
    "UpdateAutoScalingGroup": G,
    "SetDesiredCapacity": G,
    "LaunchInstances": C,
    "PutScheduledUpdateGroupAction": G,
    "BatchPutScheduledUpdateGroupAction": G,
    "PutScalingPolicy": G,
    "ExecutePolicy": G,
    "PutWarmPool": G,
    "StartInstanceRefresh": G,
    "ResumeProcesses": G,
}

PCS = {"CreateComputeNodeGroup": C, "UpdateComputeNodeGroup": G, "RegisterComputeNodeGroupInstance": C}

# method and path of guarded REST operations (botocore service models)
REST = {
    "batch": {
        "/v1/createcomputeenvironment": ("POST", "CreateComputeEnvironment", C),
        "/v1/updatecomputeenvironment": ("POST", "UpdateComputeEnvironment", G),
        "/v1/createserviceenvironment": ("POST", "CreateServiceEnvironment", C),
        "/v1/updateserviceenvironment": ("POST", "UpdateServiceEnvironment", G),
        "/v1/submitjob": ("POST", "SubmitJob", J),
        "/v1/submitservicejob": ("POST", "SubmitServiceJob", J),
    },
    "eks": {
        "/clusters": ("POST", "CreateCluster", C),
        "/clusters/{name}/update-config": ("POST", "UpdateClusterConfig", G),
        "/clusters/{name}/node-groups": ("POST", "CreateNodegroup", C),
        "/clusters/{name}/node-groups/{group}/update-config": ("POST", "UpdateNodegroupConfig", G),
        "/clusters/{name}/node-groups/{group}/update-version": ("POST", "UpdateNodegroupVersion", G),
    },
    "bedrock": {
        "/model-customization-jobs": ("POST", "CreateModelCustomizationJob", J),
        "/provisioned-model-throughput": ("POST", "CreateProvisionedModelThroughput", P),
        "/provisioned-model-throughput/{id}": ("PATCH", "UpdateProvisionedModelThroughput", P),
        "/marketplace-model/endpoints": ("POST", "CreateMarketplaceModelEndpoint", C),
        "/marketplace-model/endpoints/{id}": ("PATCH", "UpdateMarketplaceModelEndpoint", G),
    },
}

HARMLESS_VERBS = frozenset(
    "Describe Get List Search Query Delete Terminate Stop Cancel Release Detach Disassociate Deregister Revoke Disable "
    "Reject Withdraw Unassign Unmonitor Deprovision Export Report Validate Confirm Reboot Monitor Reset Lock Unlock "
    "Suspend Untag Tag Render".split()
)
"""Verbs that read, give back or label."""

CHANGING_VERBS = frozenset(
    "Create Modify Enable Associate Accept Replace Attach Import Restore Start Update Copy Provision Register Allocate "
    "Assign Authorize Move Advertise Apply Bundle Send Add Put Complete Record Enter Exit Rollback Set".split()
)
"""Verbs that change something; harmless in EC2 and Auto Scaling unless the noun names machines (`_MACHINES`)."""

_MACHINES = re.compile(r"Instance|Fleet|Host|Capacity|Spot|Reserved|Scheduled|Cluster|Block|UltraServer|Accelerator")

HARMLESS_EC2 = frozenset(
    "AssociateIamInstanceProfile AssociateInstanceEventWindow BatchDeleteSpotInstances BundleInstance "
    "CreateCapacityManagerDataExport CreateCapacityReservationCancellationQuote CreateCapacityReservationDateChangeQuote "
    "CreateInstanceConnectEndpoint CreateInstanceEventWindow CreateInstanceExportTask CreateReservedInstancesListing "
    "CreateSpotDatafeedSubscription CreateVerifiedAccessInstance EnableCapacityManager "
    "EnableInstanceSqlHaStandbyDetections ModifyInstanceCapacityReservationAttributes ModifyInstanceConnectEndpoint "
    "ModifyInstanceCpuOptions ModifyInstanceCreditSpecification ModifyInstanceEventStartTime ModifyInstanceEventWindow "
    "ModifyInstanceMaintenanceOptions ModifyInstanceMetadataDefaults ModifyInstanceMetadataOptions "
    "ModifyInstanceNetworkPerformanceOptions ModifyInstancePlacement ModifyVerifiedAccessInstance "
    "ModifyVerifiedAccessInstanceLoggingConfiguration RegisterInstanceEventNotificationAttributes "
    "ReplaceIamInstanceProfileAssociation ReplaceImageInstanceTypeSpecification UpdateCapacityManagerMonitoredTagKeys "
    "UpdateCapacityManagerOrganizationsAccess ReplaceImageCriteriaInAllowedImagesSettings".split()
)

HARMLESS_AUTOSCALING = frozenset(
    "AttachInstances BatchDeleteScheduledAction EnterStandby ExitStandby RollbackInstanceRefresh SetInstanceHealth "
    "SetInstanceProtection".split()
)

HARMLESS_SAGEMAKER = frozenset(
    "AddAssociation AddTags AssociateTrialComponent AttachClusterNodeNetworkInterface AttachClusterNodeVolume "
    "BatchDeleteClusterNodes BatchDescribeModelPackage BatchRebootClusterNodes BatchReplaceClusterNodes "
    "CreateAIWorkloadConfig CreateAction CreateAlgorithm CreateAppImageConfig CreateArtifact CreateClusterExtension "
    "CreateClusterSchedulerConfig CreateCodeRepository CreateCompilationJob CreateContext "
    "CreateDataQualityJobDefinition CreateDeviceFleet CreateDomain CreateEdgeDeploymentPlan CreateEdgeDeploymentStage "
    "CreateEdgePackagingJob CreateEndpointConfig CreateExperiment CreateFeatureGroup CreateFlowDefinition CreateHub "
    "CreateHubContentPresignedUrls CreateHubContentReference CreateHumanTaskUi CreateImage CreateImageVersion "
    "CreateInferenceRouter CreateMlflowApp CreateMlflowTrackingServer CreateModel CreateModelBiasJobDefinition "
    "CreateModelCard CreateModelCardExportJob CreateModelExplainabilityJobDefinition CreateModelPackage "
    "CreateModelPackageGroup CreateModelQualityJobDefinition CreateNotebookInstanceLifecycleConfig CreatePartnerApp "
    "CreatePartnerAppPresignedUrl CreatePipeline CreatePresignedDomainUrl CreatePresignedMlflowAppUrl "
    "CreatePresignedMlflowTrackingServerUrl CreatePresignedNotebookInstanceUrl CreateProject "
    "CreateStudioLifecycleConfig CreateTrial CreateTrialComponent CreateUserProfile CreateWorkforce CreateWorkteam "
    "EnableSagemakerServicecatalogPortfolio ImportHubContent PutEndpointPolicy PutModelPackageGroupPolicy "
    "RegisterDevices SendPipelineExecutionStepFailure SendPipelineExecutionStepSuccess StartClusterHealthCheck "
    "StartEdgeDeploymentStage StartMlflowTrackingServer UpdateAction UpdateAppImageConfig UpdateArtifact "
    "UpdateClusterExtension UpdateClusterSchedulerConfig UpdateClusterSoftware UpdateCodeRepository UpdateContext "
    "UpdateDeviceFleet UpdateDevices UpdateDomain UpdateExperiment UpdateFeatureGroup UpdateFeatureMetadata UpdateHub "
    "UpdateHubContent UpdateHubContentReference UpdateImage UpdateImageVersion UpdateInferenceRouter UpdateMlflowApp "
    "UpdateMlflowTrackingServer UpdateModelCard UpdateModelPackage UpdateMonitoringAlert "
    "UpdateNotebookInstanceLifecycleConfig UpdatePartnerApp UpdatePipeline UpdatePipelineExecution "
    "UpdatePipelineVersion UpdateProject UpdateTrial UpdateTrialComponent UpdateUserProfile UpdateWorkforce "
    "UpdateWorkteam".split()
)
"""Operations that define, label or describe; machines start only through the operations of `SAGEMAKER`."""

HARMLESS_PCS = frozenset("CreateCluster UpdateCluster CreateQueue UpdateQueue TagResource UntagResource".split())

GUARDED = {"ec2": EC2, "sagemaker": SAGEMAKER, "autoscaling": AUTOSCALING, "pcs": PCS}
_HARMLESS = {
    "ec2": HARMLESS_EC2,
    "sagemaker": HARMLESS_SAGEMAKER,
    "autoscaling": HARMLESS_AUTOSCALING,
    "pcs": HARMLESS_PCS,
}


def is_harmless(service: str, operation: str) -> bool:
    """Return whether the operation of a guarded service is known to provision nothing."""
    if operation in GUARDED[service]:
        return False
    found = _VERB.match(operation)
    verb = found[0] if found else ""
    if operation in _HARMLESS[service] or verb in HARMLESS_VERBS:
        return True
    return service in ("ec2", "autoscaling") and verb in CHANGING_VERBS and not _MACHINES.search(operation)


def kind_of(service: str, operation: str) -> RequestKind:
    """Return what the operation does to the amount of compute; `CREATE` for an operation on no list."""
    return GUARDED[service].get(operation, RequestKind.CREATE)
