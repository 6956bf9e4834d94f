"""A job as Slurm describes it, and what it asks for at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kyc_gate.adapters.slurm.array import array_size
from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.adapters.slurm.tres import Tres, read_tres
from kyc_gate.adapters.values import reference
from kyc_gate.model.job import Accelerators, Caller, Certainty, ProvisioningRequest, RequestKind
from kyc_gate.model.record import Record, digest


class SlurmJob(Record):
    """One component of a job. Counts are what the job says; None where it says nothing.

    `per_job`, `per_node`, `per_task` and `per_socket` are resources, as Slurm writes them. `minutes` is the time limit;
    None where there is none. `whole_nodes` says that the job takes nodes whole, and with them whatever they have;
    `tasks_per_gpu` that Slurm makes GPUs of its tasks; `repeats` that it starts again and again.
    """

    user: str
    account: str | None = None
    partition: str | None = None
    qos: str | None = None
    name: str | None = None
    per_job: tuple[Tres, ...] = ()
    per_node: tuple[Tres, ...] = ()
    per_task: tuple[Tres, ...] = ()
    per_socket: tuple[Tres, ...] = ()
    array: str | None = None
    least_nodes: int | None = None
    most_nodes: int | None = None
    named_nodes: bool = False
    tasks: int | None = None
    tasks_per_node: int | None = None
    tasks_per_gpu: int | None = None
    least_cpus: int | None = None
    cpus_per_task: int | None = None
    sockets_per_node: int | None = None
    minutes: int | None = None
    whole_nodes: bool = False
    repeats: bool = False
    unread: tuple[str, ...] = ()


def request_of(
    jobs: tuple[SlurmJob, ...], settings: SlurmSettings, *, operation: str, caller: Caller
) -> ProvisioningRequest | None:
    """Return what the components of one job ask for together, or None where none asks for an accelerator."""
    lines: list[Accelerators] = []
    unresolved: list[str] = []
    exact = True
    for job in jobs:
        found, missing, certain = _demand(job, settings)
        lines += found
        unresolved += missing
        exact &= certain
    if not lines and not unresolved:
        return None
    minutes = [job.minutes for job in jobs]
    certainty = Certainty.UNRESOLVED if unresolved else Certainty.EXACT if exact else Certainty.RANGE
    return ProvisioningRequest(
        provider="slurm",
        service=settings.cluster,
        operation=operation,
        kind=RequestKind.SUBMIT,
        lines=tuple(lines),
        certainty=certainty,
        unresolved=tuple(dict.fromkeys(unresolved)),
        duration_seconds=None if None in minutes else max(each or 0 for each in minutes) * 60,
        data_centre=settings.data_centre,
        caller=caller,
        linkage=tuple(sorted({("job-name", job.name) for job in jobs if job.name})),
        fingerprint=digest({"cluster": settings.cluster, "account": caller.account, "jobs": jobs}),
    )


def _demand(job: SlurmJob, settings: SlurmSettings) -> tuple[list[Accelerators], list[str], bool]:
    """Return the lines of one component, what stays open, and whether the numbers are exact."""
    copies = array_size(job.array) if job.array else 1
    nodes, exact = _most_nodes(job)
    tasks = job.tasks or (job.tasks_per_node or 1) * nodes
    unresolved = list(job.unread)
    wanted: dict[tuple[str, str], int] = {}
    for each, times in _multiplied(job, nodes, tasks):
        if each.count:
            key = (each.name, each.type)
            wanted[key] = max(wanted.get(key, 0), each.count * times)
    whole = _takes_whole(job, settings)
    unresolved += _open_nodes(job, whole or any(each.count for each in (*job.per_node, *job.per_task, *job.per_socket)))
    if job.tasks_per_gpu is not None:
        unresolved.append(reference("tasks", "per-gpu"))
    if any(each.count for each in job.per_socket) and job.sockets_per_node is None:
        unresolved.append(reference("sockets", "per-node"))
    lines, gpus = [], 0
    for (name, type), number in sorted(wanted.items()):
        chip = _chip(name, type, settings)
        if name in settings.other_gres:
            continue
        if chip is None:
            unresolved.append(reference("gres", f"{name}:{type}" if type else name))
            if name != "gpu":
                continue
        lines.append(Accelerators(count=number, model=chip or type or "unspecified", multiplier=copies))
        gpus += number if name == "gpu" else 0
    if whole:
        rest = None if settings.node_gpus is None else settings.node_gpus * nodes - gpus
        chip = _chip_beside(lines, settings)
        if rest is None or (rest > 0 and chip is None):
            unresolved.append(reference("nodes", "whole"))
        elif rest > 0:
            lines.append(Accelerators(count=rest, model=chip, multiplier=copies))
    if job.repeats and (lines or unresolved):
        unresolved.append(reference("job", "cron"))
    return lines, unresolved, exact


def _takes_whole(job: SlurmJob, settings: SlurmSettings) -> bool:
    """Return whether the job has all of its nodes, in a partition that may have GPUs."""
    partitions = (job.partition or "").split(",")
    return (job.whole_nodes or settings.select == "linear") and not set(partitions) <= set(settings.cpu_partitions)


def _chip_beside(lines: list[Accelerators], settings: SlurmSettings) -> str | None:
    """Return the chip of GPUs that come with whole nodes: the one that is asked for beside them, else the default."""
    asked = {line.model for line in lines}
    if len(asked) != 1:
        return None if asked else settings.accelerators.get("")
    return asked.pop()


def _open_nodes(job: SlurmJob, counts: bool) -> list[str]:
    """Return what may bring more nodes than `_most_nodes` tells, where nodes count."""
    if job.most_nodes is not None or not counts:
        return []
    tasks = job.tasks or job.tasks_per_node or 1
    found = [reference("nodes", "named")] if job.named_nodes else []
    return [*found, *([reference("nodes", "cpus")] if (job.least_cpus or 0) > tasks * (job.cpus_per_task or 1) else [])]


def _most_nodes(job: SlurmJob) -> tuple[int, bool]:
    """Return the most nodes that the job may get, and whether it says so itself.

    Without a most number of nodes, each task may get a node of its own.
    """
    if job.most_nodes is not None:
        return max(job.most_nodes, 1), job.least_nodes in (None, job.most_nodes)
    most = max(job.least_nodes or 1, job.tasks or 1)
    return most, most == max(job.least_nodes or 1, 1)


def _multiplied(job: SlurmJob, nodes: int, tasks: int) -> Iterator[tuple[Tres, int]]:
    yield from _times(job.per_job, 1)
    yield from _times(job.per_node, nodes)
    yield from _times(job.per_task, tasks)
    yield from _times(job.per_socket, nodes * (job.sockets_per_node or 1))


def _times(resources: Iterable[Tres], times: int) -> Iterator[tuple[Tres, int]]:
    # The same resource may be named twice in one list; Slurm adds them up.
    added: dict[tuple[str, str], int] = {}
    for each in resources:
        added[each.name, each.type] = added.get((each.name, each.type), 0) + each.count
    return (((Tres(name=name, type=type, count=number)), times) for (name, type), number in added.items())


def _chip(name: str, type: str, settings: SlurmSettings) -> str | None:
    known = {key.lower(): chip for key, chip in settings.accelerators.items()}
    if name == "gpu":
        return known.get(type)
    return known.get(f"{name}:{type}") or known.get(name)


def resources(*texts: str | None) -> tuple[Tres, ...]:
    """Return the resources of several texts, any of which may be absent."""
    return tuple([each for text in texts if text for each in read_tres(text)])
