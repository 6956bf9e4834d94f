"""Batch: jobs of many tasks on machines that come and go with them."""

from __future__ import annotations

from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.gcp.asked import Asked, accelerators_of, machine_lines, total_seconds
from kyc_gate.adapters.gcp.compute import template_reference
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import MAX_COUNT

MOST_AT_ONCE = 1000
"""Tasks that run at once where the job says nothing (batch.v1, `TaskGroup.parallelism`)."""

DEFAULT_MACHINE = "e2-medium"
"""What stands for the machines of a job that names none: Batch chooses one without accelerators."""


def read_job(asked: Asked) -> Reading:
    """As many machines as tasks run at once, each for as long as its share of the tasks may take."""
    groups = [_group(group) for group in asked.body.parts("taskGroups")]
    machines = sum(number for number, _ in groups)
    limits = [seconds for _, seconds in groups if seconds is not None]
    number = min(max(machines, 1), MAX_COUNT)
    lines, hidden = [], []
    for instance in asked.body.part("allocationPolicy").parts("instances"):
        if template := instance.text("instanceTemplate"):
            hidden.append(template_reference(asked, template))
            continue
        policy = instance.part("policy")
        attached = accelerators_of(policy.parts("accelerators"), "count")
        lines += machine_lines(policy.text("machineType") or DEFAULT_MACHINE, attached, number)
    if not lines and not hidden:
        lines = machine_lines(DEFAULT_MACHINE, (), number)
    name = asked.named("batch-job", asked.query.get("jobid"))
    seconds = max(limits) if limits and len(limits) == len(groups) else None
    return asked.reading(lines, hidden, seconds=seconds, repeats=number, starts=name)


def _group(group: Fields) -> tuple[int, int | None]:
    """Return the machines of a group of tasks, and how long they are used at most; None without a limit."""
    tasks = group.number("taskCount", least=1) or 1
    at_once = min(group.number("parallelism", least=1) or min(tasks, MOST_AT_ONCE), tasks)
    each = group.number("taskCountPerNode", least=1) or 1
    spec = group.part("taskSpec")
    tries = 1 + (spec.number("maxRetryCount") or 0)
    return -(-at_once // each), total_seconds(spec.seconds("maxRunDuration"), -(-tasks // at_once) * tries)
