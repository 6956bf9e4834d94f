"""Which operations are guarded, service by service, and which are known to provision nothing.

An operation of a guarded service that is on no list is guarded, and what it asks for is unresolved: a new way to
provision reaches a person before it reaches the upstream.
"""

from __future__ import annotations

import re

from kyc_gate.model.job import RequestKind

_VERB = re.compile(r"[A-Z][a-z]+")

Kind = RequestKind


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


EC2 = {
    "RunInstances": Kind.CREATE,
    "StartInstances": Kind.START,
    "RunScheduledInstances": Kind.CREATE,
    "ImportInstance": Kind.CREATE,
    "CreateFleet": Kind.CREATE,
    "ModifyFleet": Kind.SCALE,
    "RequestSpotInstances": Kind.CREATE,
    "RequestSpotFleet": Kind.CREATE,
    "ModifySpotFleetRequest": Kind.SCALE,
    "CreateCapacityReservation": Kind.RESERVE,
    "ModifyCapacityReservation": Kind.RESERVE,
    "CreateCapacityReservationFleet": Kind.RESERVE,
    "ModifyCapacityReservationFleet": Kind.RESERVE,
    "CreateCapacityReservationBySplitting": Kind.RESERVE,
    "MoveCapacityReservationInstances": Kind.RESERVE,
    "AcceptCapacityReservationBillingOwnership": Kind.RESERVE,
    "AssociateCapacityReservationBillingOwner": Kind.RESERVE,
    "CreateInterruptibleCapacityReservationAllocation": Kind.RESERVE,
    "UpdateInterruptibleCapacityReservationAllocation": Kind.RESERVE,
    "PurchaseCapacityBlock": Kind.PURCHASE,
    "PurchaseCapacityBlockExtension": Kind.PURCHASE,
    "PurchaseHostReservation": Kind.PURCHASE,
    "PurchaseReservedInstancesOffering": Kind.PURCHASE,
    "PurchaseScheduledInstances": Kind.PURCHASE,
    "AcceptReservedInstancesExchangeQuote": Kind.PURCHASE,
    "ModifyReservedInstances": Kind.PURCHASE,
    "AllocateHosts": Kind.RESERVE,
    "ModifyHosts": Kind.RESERVE,
    "ModifyInstanceAttribute": Kind.RESIZE,
}

SAGEMAKER = {
    "CreateTrainingJob": Kind.SUBMIT,
    "UpdateTrainingJob": Kind.RESIZE,
    "CreateHyperParameterTuningJob": Kind.SUBMIT,
    "CreateProcessingJob": Kind.SUBMIT,
    "CreateTransformJob": Kind.SUBMIT,
    "CreateAutoMLJob": Kind.SUBMIT,
    "CreateAutoMLJobV2": Kind.SUBMIT,
    "CreateLabelingJob": Kind.SUBMIT,
    "CreateOptimizationJob": Kind.SUBMIT,
    "CreateInferenceRecommendationsJob": Kind.SUBMIT,
    "CreateAIBenchmarkJob": Kind.SUBMIT,
    "CreateAIRecommendationJob": Kind.SUBMIT,
    "CreateJob": Kind.SUBMIT,
    "CreateTrainingSession": Kind.SUBMIT,
    "CreateAlgorithm": Kind.SUBMIT,
    "CreateModelPackage": Kind.SUBMIT,
    "CreateCluster": Kind.CREATE,
    "UpdateCluster": Kind.SCALE,
    "BatchAddClusterNodes": Kind.SCALE,
    "CreateTrainingPlan": Kind.PURCHASE,
    "ExtendTrainingPlan": Kind.PURCHASE,
    "CreateComputeQuota": Kind.RESERVE,
    "UpdateComputeQuota": Kind.RESERVE,
    "CreateEndpoint": Kind.CREATE,
    "UpdateEndpoint": Kind.SCALE,
    "UpdateEndpointWeightsAndCapacities": Kind.SCALE,
    "CreateInferenceComponent": Kind.CREATE,
    "UpdateInferenceComponent": Kind.SCALE,
    "UpdateInferenceComponentRuntimeConfig": Kind.SCALE,
    "CreateInferenceExperiment": Kind.CREATE,
    "StartInferenceExperiment": Kind.START,
    "UpdateInferenceExperiment": Kind.SCALE,
    "CreateNotebookInstance": Kind.CREATE,
    "StartNotebookInstance": Kind.START,
    "UpdateNotebookInstance": Kind.RESIZE,
    "CreateApp": Kind.CREATE,
    "CreateSpace": Kind.CREATE,
    "UpdateSpace": Kind.RESIZE,
    "CreateMonitoringSchedule": Kind.SUBMIT,
    "UpdateMonitoringSchedule": Kind.SUBMIT,
    "StartMonitoringSchedule": Kind.START,
    "StartPipelineExecution": Kind.SUBMIT,
    "RetryPipelineExecution": Kind.SUBMIT,
    "StartSession": Kind.START,
}

AUTOSCALING = {
    "CreateAutoScalingGroup": Kind.CREATE,
    "UpdateAutoScalingGroup": Kind.SCALE,
    "SetDesiredCapacity": Kind.SCALE,
    "LaunchInstances": Kind.CREATE,
    "PutScheduledUpdateGroupAction": Kind.SCALE,
    "BatchPutScheduledUpdateGroupAction": Kind.SCALE,
    "PutScalingPolicy": Kind.SCALE,
    "ExecutePolicy": Kind.SCALE,
    "PutWarmPool": Kind.SCALE,
    "StartInstanceRefresh": Kind.SCALE,
    "ResumeProcesses": Kind.SCALE,
    "DetachInstances": Kind.SCALE,
    "EnterStandby": Kind.SCALE,
}

PCS = {
    "CreateComputeNodeGroup": Kind.CREATE,
    "UpdateComputeNodeGroup": Kind.SCALE,
    "RegisterComputeNodeGroupInstance": Kind.CREATE,
}

# method and path of guarded REST operations (botocore service models)
REST = {
    "batch": {
        "/v1/createcomputeenvironment": ("POST", "CreateComputeEnvironment", Kind.CREATE),
        "/v1/updatecomputeenvironment": ("POST", "UpdateComputeEnvironment", Kind.SCALE),
        "/v1/createserviceenvironment": ("POST", "CreateServiceEnvironment", Kind.CREATE),
        "/v1/updateserviceenvironment": ("POST", "UpdateServiceEnvironment", Kind.SCALE),
        "/v1/submitjob": ("POST", "SubmitJob", Kind.SUBMIT),
        "/v1/submitservicejob": ("POST", "SubmitServiceJob", Kind.SUBMIT),
    },
    "eks": {
        "/clusters": ("POST", "CreateCluster", Kind.CREATE),
        "/clusters/{name}/update-config": ("POST", "UpdateClusterConfig", Kind.SCALE),
        "/clusters/{name}/node-groups": ("POST", "CreateNodegroup", Kind.CREATE),
        "/clusters/{name}/node-groups/{group}/update-config": ("POST", "UpdateNodegroupConfig", Kind.SCALE),
        "/clusters/{name}/node-groups/{group}/update-version": ("POST", "UpdateNodegroupVersion", Kind.SCALE),
    },
    "bedrock": {
        "/model-customization-jobs": ("POST", "CreateModelCustomizationJob", Kind.SUBMIT),
        "/provisioned-model-throughput": ("POST", "CreateProvisionedModelThroughput", Kind.PURCHASE),
        "/provisioned-model-throughput/{id}": ("PATCH", "UpdateProvisionedModelThroughput", Kind.PURCHASE),
        "/marketplace-model/endpoints": ("POST", "CreateMarketplaceModelEndpoint", Kind.CREATE),
        "/marketplace-model/endpoints/{id}": ("PATCH", "UpdateMarketplaceModelEndpoint", Kind.SCALE),
    },
}

TOKENS = {
    "ec2": dict.fromkeys(
        _names(
            "RunInstances RunScheduledInstances CreateFleet RequestSpotInstances CreateCapacityReservation "
            "CreateCapacityReservationFleet CreateCapacityReservationBySplitting MoveCapacityReservationInstances "
            "CreateInterruptibleCapacityReservationAllocation PurchaseHostReservation PurchaseScheduledInstances "
            "ModifyReservedInstances AllocateHosts"
        ),
        "ClientToken",
    ),
    "autoscaling": {"LaunchInstances": "ClientToken"},
    "sagemaker": {
        "BatchAddClusterNodes": "ClientToken",
        "CreateModelPackage": "ClientToken",
        "RetryPipelineExecution": "ClientRequestToken",
        "StartPipelineExecution": "ClientRequestToken",
    },
    "pcs": dict.fromkeys(("CreateComputeNodeGroup", "UpdateComputeNodeGroup"), "clientToken"),
    "batch": {"SubmitServiceJob": "clientToken"},
    "eks": dict.fromkeys(
        _names("CreateCluster UpdateClusterConfig CreateNodegroup UpdateNodegroupConfig UpdateNodegroupVersion"),
        "clientRequestToken",
    ),
    "bedrock": dict.fromkeys(
        _names(
            "CreateModelCustomizationJob CreateProvisionedModelThroughput CreateMarketplaceModelEndpoint "
            "UpdateMarketplaceModelEndpoint"
        ),
        "clientRequestToken",
    ),
}
"""The parameter that makes a retry a retry, by service and guarded operation (botocore service models).

An upstream that knows no such parameter may ignore it and start machines each time, so no other is read as a token.
"""

NEVER_DRY = _names("ModifySpotFleetRequest PurchaseHostReservation ModifyReservedInstances AllocateHosts ModifyHosts")
"""Guarded operations of EC2 that know no `DryRun` (botocore service model); Auto Scaling knows none anywhere."""

HARMLESS_VERBS = _names(
    "Describe Get List Search Query Delete Terminate Stop Cancel Release Detach Disassociate Deregister Revoke Disable "
    "Reject Withdraw Unassign Unmonitor Deprovision Export Report Validate Confirm Reboot Monitor Reset Lock Unlock "
    "Suspend Untag Tag Render"
)
"""Verbs that read, give back or label."""

CHANGING_VERBS = _names(
    "Create Modify Enable Associate Accept Replace Attach Import Restore Start Update Copy Provision Register Allocate "
    "Assign Authorize Move Advertise Apply Bundle Send Add Put Complete Record Enter Exit Rollback Set"
)
"""Verbs that change something; harmless in EC2 and Auto Scaling unless the noun names machines (`_MACHINES`)."""

_MACHINES = re.compile(r"Instance|Fleet|Host|Capacity|Spot|Reserved|Scheduled|Cluster|UltraServer|Accelerator")

HARMLESS_EC2 = _names(
    "AssociateIamInstanceProfile AssociateInstanceEventWindow BatchModifyIpamRoutingPolicyRegistrations BundleInstance "
    "CreateCapacityManagerDataExport CreateCapacityReservationCancellationQuote "
    "CreateCapacityReservationDateChangeQuote "
    "CreateInstanceConnectEndpoint CreateInstanceEventWindow CreateInstanceExportTask CreateReservedInstancesListing "
    "CreateSpotDatafeedSubscription CreateVerifiedAccessInstance EnableCapacityManager "
    "EnableInstanceSqlHaStandbyDetections ModifyInstanceCapacityReservationAttributes ModifyInstanceConnectEndpoint "
    "ModifyInstanceCpuOptions ModifyInstanceCreditSpecification ModifyInstanceEventStartTime ModifyInstanceEventWindow "
    "ModifyInstanceMaintenanceOptions ModifyInstanceMetadataDefaults ModifyInstanceMetadataOptions "
    "ModifyInstanceNetworkPerformanceOptions ModifyInstancePlacement ModifyVerifiedAccessInstance "
    "ModifyVerifiedAccessInstanceLoggingConfiguration RegisterInstanceEventNotificationAttributes "
    "ReplaceIamInstanceProfileAssociation ReplaceImageInstanceTypeSpecification UpdateCapacityManagerMonitoredTagKeys "
    "UpdateCapacityManagerOrganizationsAccess ReplaceImageCriteriaInAllowedImagesSettings"
)

HARMLESS_AUTOSCALING = _names(
    "AttachInstances BatchDeleteScheduledAction ExitStandby RollbackInstanceRefresh SetInstanceHealth "
    "SetInstanceProtection"
)

HARMLESS_SAGEMAKER = _names(
    "AddAssociation AddInferenceGateway AddTags AssociateTrialComponent AttachClusterNodeNetworkInterface "
    "AttachClusterNodeVolume BatchDeleteClusterNodes BatchDescribeModelPackage BatchRebootClusterNodes "
    "BatchReplaceClusterNodes CreateAIWorkloadConfig CreateAction CreateAppImageConfig CreateArtifact "
    "CreateClusterExtension CreateClusterSchedulerConfig CreateCodeRepository CreateCompilationJob CreateContext "
    "CreateDataQualityJobDefinition CreateDeviceFleet CreateDomain CreateEdgeDeploymentPlan CreateEdgeDeploymentStage "
    "CreateEdgePackagingJob CreateEndpointConfig CreateExperiment CreateFeatureGroup CreateFlowDefinition "
    "CreateGlobalInferenceGateway CreateHub CreateHubContentPresignedUrls CreateHubContentReference CreateHumanTaskUi "
    "CreateImage CreateImageVersion CreateInferenceRouter CreateMlflowApp CreateMlflowTrackingServer CreateModel "
    "CreateModelBiasJobDefinition CreateModelCard CreateModelCardExportJob CreateModelExplainabilityJobDefinition "
    "CreateModelPackageGroup CreateModelQualityJobDefinition CreateNotebookInstanceLifecycleConfig CreatePartnerApp "
    "CreatePartnerAppPresignedUrl CreatePipeline CreatePresignedDomainUrl CreatePresignedMlflowAppUrl "
    "CreatePresignedMlflowTrackingServerUrl CreatePresignedNotebookInstanceUrl CreateProject "
    "CreateStudioLifecycleConfig CreateTrial CreateTrialComponent CreateUserProfile CreateWorkforce CreateWorkteam "
    "EnableSagemakerServicecatalogPortfolio ImportHubContent MoveClusterNodes PutEndpointPolicy "
    "PutModelPackageGroupPolicy RegisterDevices RemoveInferenceGateway SendPipelineExecutionStepFailure "
    "SendPipelineExecutionStepSuccess StartClusterHealthCheck StartEdgeDeploymentStage StartMlflowTrackingServer "
    "UpdateAction UpdateAppImageConfig UpdateArtifact UpdateClusterExtension UpdateClusterSchedulerConfig "
    "UpdateClusterSoftware UpdateCodeRepository UpdateContext UpdateDeviceFleet UpdateDevices UpdateDomain "
    "UpdateExperiment UpdateFeatureGroup UpdateFeatureMetadata UpdateGlobalInferenceGateway UpdateHub "
    "UpdateHubContent UpdateHubContentReference UpdateImage UpdateImageVersion UpdateInferenceRouter UpdateMlflowApp "
    "UpdateMlflowTrackingServer UpdateModelCard UpdateModelPackage UpdateMonitoringAlert "
    "UpdateNotebookInstanceLifecycleConfig UpdatePartnerApp UpdatePipeline UpdatePipelineExecution "
    "UpdatePipelineVersion UpdateProject UpdateTrial UpdateTrialComponent UpdateUserProfile UpdateWorkforce "
    "UpdateWorkteam"
)
"""Operations that define, label or describe; machines start only through the operations of `SAGEMAKER`."""

HARMLESS_PCS = _names("CreateCluster UpdateCluster CreateQueue UpdateQueue TagResource UntagResource")

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
