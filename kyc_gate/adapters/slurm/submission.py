"""A job as the plugin `job_submit.lua` of this project tells it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from kyc_gate.adapters.slurm.job import SlurmJob, request_of, resources
from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Caller, ProvisioningRequest
from kyc_gate.model.record import Record

Text = Annotated[str, Meta(max_length=4096)]
Number = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]


class Submission(Record):
    """The fields of a job description that the plugin sends; what the job does not state is left out."""

    user: Annotated[str, Meta(min_length=1, max_length=128)]
    account: Text | None = None
    partition: Text | None = None
    qos: Text | None = None
    name: Text | None = None
    gres: Text | None = None
    tres_per_job: Text | None = None
    tres_per_node: Text | None = None
    tres_per_socket: Text | None = None
    tres_per_task: Text | None = None
    array: Text | None = None
    min_nodes: Number | None = None
    max_nodes: Number | None = None
    nodelist: Text | None = None
    tasks: Number | None = None
    tasks_per_node: Number | None = None
    tasks_per_gpu: Number | None = None
    min_cpus: Number | None = None
    cpus_per_task: Number | None = None
    sockets_per_node: Number | None = None
    minutes: Number | None = None
    whole_nodes: bool = False
    repeats: bool = False


def read_submission(body: bytes, settings: SlurmSettings) -> ProvisioningRequest | None:
    """Return what the job asks for, or None where it asks for no accelerator. Raises `RefusedCall` 400.

    Slurm has checked who the user is before it calls the plugin.
    """
    try:
        given = msgspec.convert(read_json_object(body), Submission, strict=True)
    except msgspec.ValidationError as error:
        raise RefusedCall(400, "submission", f"the plugin sent what this gate does not know: {error}") from error
    job = SlurmJob(
        user=given.user,
        account=given.account or None,
        partition=given.partition or None,
        qos=given.qos or None,
        name=given.name or None,
        per_job=resources(given.tres_per_job),
        per_node=resources(given.tres_per_node, given.gres),
        per_task=resources(given.tres_per_task),
        per_socket=resources(given.tres_per_socket),
        array=given.array or None,
        least_nodes=given.min_nodes,
        most_nodes=given.max_nodes,
        named_nodes=bool(given.nodelist),
        tasks=given.tasks,
        tasks_per_node=given.tasks_per_node,
        tasks_per_gpu=given.tasks_per_gpu,
        least_cpus=given.min_cpus,
        cpus_per_task=given.cpus_per_task,
        sockets_per_node=given.sockets_per_node,
        minutes=given.minutes,
        whole_nodes=given.whole_nodes,
        repeats=given.repeats,
    )
    account = job.account if settings.account == "account" else job.user
    caller = Caller(account=account, principal=job.user, verified=account is not None, how="slurmctld")
    return request_of((job,), settings, operation="SubmitJob", caller=caller)
