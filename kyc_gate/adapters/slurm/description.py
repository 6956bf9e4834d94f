"""A job as slurmrestd takes it, in the spellings of every version from v0.0.36 on."""

from __future__ import annotations

import re
from decimal import Decimal

from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.slurm.job import SlurmJob, resources
from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.adapters.slurm.tres import Tres, read_gpus
from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.adapters.values import count, digits, reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall

NO_VALUE = 0xFFFF_FFFE
"""Slurm's `NO_VAL` and, one above it, `INFINITE`, of 32 bits: nothing was said, and no limit."""

_OTHER_WORDS = """
    account_gather_frequency argv batch_features begin_time burst_buffer cluster_constraint clusters comment constraints
    container container_id contiguous core_specification cores_per_socket cpu_binding cpu_binding_flags cpu_binding_hint
    cpu_frequency cpus_per_gpu cpus_per_tres current_working_directory deadline delay_boot dependency distribution
    distribution_plane_size environment excluded_nodes extra get_user_environment gpu_binding gpu_frequency
    gres_flags group_id hold immediate kill_on_invalid_dependency kill_on_node_fail kill_warning_delay
    kill_warning_flags kill_warning_signal licenses mail_type mail_user maximum_cpus mcs_label memory_binding
    memory_binding_type memory_per_cpu memory_per_gpu memory_per_node memory_per_tres minimum_boards_per_node
    minimum_cpus_per_node minimum_sockets_per_board network nice no_kill oom_kill_step open_mode overcommit
    power_flags prefer priority profile reboot required_switches requeue reservation reserve_ports rlimits script
    segment_size selinux_context signal site_factor spank_environment spread_job standard_error standard_in
    standard_input standard_out standard_output step_id tasks_per_board tasks_per_core tasks_per_socket
    temporary_disk_per_node thread_specification threads_per_core time_minimum tres_bind tres_freq wait_all_nodes
    wait_for_switch wckey x11 x11_magic_cookie x11_target_host x11_target_port
"""
_HARMLESS = frozenset(_OTHER_WORDS.split())
"""Fields that change neither how many GPUs a job has nor how long, nor whose it is."""

_SIZE_WORDS = """
    account array crontab cpus_per_task end_time exclusive flags gpus gpus_per_node gpus_per_socket gpus_per_task gres
    maximum_nodes minimum_cpus minimum_nodes nodes ntasks_per_tres oversubscribe partition qos required_nodes shared
    sockets_per_node tasks tasks_per_node tres_per_job tres_per_node tres_per_socket tres_per_task user_id
"""
SIZES = frozenset(_SIZE_WORDS.split())
"""Fields that a changed job is another job by."""

_READ = SIZES | {"name", "time_limit"}
_NODES = re.compile(r"([0-9]{1,7})(?:-([0-9]{1,7}))?")
_CLOCK = re.compile(
    r"(?:(?P<days>[0-9]{1,4})-(?P<dh>[0-9]{1,3})(?::(?P<dm>[0-9]{1,3})(?::(?P<ds>[0-9]{1,3}))?)?"
    r"|(?:(?P<hours>[0-9]{1,7}):(?=[0-9]+:))?(?P<minutes>[0-9]{1,9})(?::(?P<seconds>[0-9]{1,3}))?)"
)
_SHARING = frozenset({"user", "oversubscribe", "topo"})
"""Ways to have nodes beside others, or only one's own jobs beside this one."""


def read_job(body: Fields, user: str, settings: SlurmSettings) -> SlurmJob:
    """Return one component as its fields tell. Raises `RefusedCall` 400 for a field that cannot be read.

    What this gate does not know is `unread`, and stays open. `#SBATCH` lines of the script mean nothing to slurmrestd.
    """
    least, most, open_nodes = _nodes(body)
    body.value("hold")
    partition = body.text("partition")
    unread = [reference("field", name) for name in sorted(body.home) if name not in _READ | _HARMLESS]
    return SlurmJob(
        user=user,
        account=body.text("account"),
        partition=partition,
        qos=body.text("qos"),
        name=body.text("name"),
        per_job=(*resources(body.text("tres_per_job")), *_gpus(body, "gpus")),
        per_node=(*resources(body.text("tres_per_node"), body.text("gres")), *_gpus(body, "gpus_per_node")),
        per_task=(*resources(body.text("tres_per_task")), *_gpus(body, "gpus_per_task")),
        per_socket=(*resources(body.text("tres_per_socket")), *_gpus(body, "gpus_per_socket")),
        array=body.text("array"),
        least_nodes=least,
        most_nodes=most,
        named_nodes=bool(body.value("required_nodes")),
        tasks=_number(body, "tasks"),
        tasks_per_node=_number(body, "tasks_per_node"),
        tasks_per_gpu=_number(body, "ntasks_per_tres"),
        least_cpus=_number(body, "minimum_cpus"),
        cpus_per_task=_number(body, "cpus_per_task"),
        sockets_per_node=_number(body, "sockets_per_node"),
        minutes=read_minutes(body, "time_limit"),
        whole_nodes=_whole(body) or _whole_by_partition(partition, settings),
        repeats=body.has("crontab") or "CRON_JOB" in _words(body, "flags"),
        unread=(*unread, *open_nodes, *([reference("user", user)] if body.has("user_id") else [])),
    )


def read_minutes(body: Fields, name: str) -> int | None:
    """Return a limit of time in minutes, rounded up: a number, Slurm's own spelling, or a number that may be unset.

    None is no limit. Raises `RefusedCall` 400 for what Slurm might read otherwise.
    """
    value = body.value(name)
    if isinstance(value, dict):
        value = _unwrapped(body, name, value)
    if isinstance(value, str) and (value == "" or value.lower() in ("infinite", "unlimited")):
        return None
    if isinstance(value, str):
        return _clock(value, f"{body.path}.{name}")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value in (-1, 0)):
        return None  # 0 is no limit to slurmctld
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= NO_VALUE + 1:
        raise RefusedCall(400, "field", f"{body.path}.{name} {shown(value)} is not a number of minutes")
    return None if value >= NO_VALUE else value


def _clock(text: str, field: str) -> int | None:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise RefusedCall(400, "field", f"{field} {shown(text)} is not a limit such as `60`, `1:00:00` or `2-12`")
    part = {name: int(value or 0) for name, value in found.groupdict().items()}
    seconds = (part["days"] * 24 + part["dh"] + part["hours"]) * 3600 + (part["dm"] + part["minutes"]) * 60
    seconds += part["ds"] + part["seconds"]
    return -(-seconds // 60) or None


def _unwrapped(body: Fields, name: str, value: dict[str, JsonValue]) -> JsonValue:
    """Return the number of `{"set": true, "infinite": false, "number": 60}`, None where it is unset or infinite."""
    if set(value) - {"set", "infinite", "number"} or not all(
        isinstance(value.get(key, False), bool) for key in ("set", "infinite")
    ):
        raise RefusedCall(400, "field", f"{body.path}.{name} is not a number, set or infinite")
    if value.get("infinite") or not value.get("set", "number" in value):
        return None
    return value.get("number")


def _number(body: Fields, name: str) -> int | None:
    """Return a count, None where nothing is said."""
    value = body.value(name)
    if isinstance(value, dict):
        value = _unwrapped(body, name, value)
    if isinstance(value, str) and value:
        return digits(value, f"{body.path}.{name}", least=0)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if value is None or value == "" or value in (NO_VALUE, NO_VALUE + 1, 0xFFFE, 0xFFFF):
        return None
    return count(value, f"{body.path}.{name}", least=0)


def _gpus(body: Fields, name: str) -> tuple[Tres, ...]:
    value = body.value(name)
    return () if value is None or value == "" else read_gpus(value)


def _nodes(body: Fields) -> tuple[int | None, int | None, list[str]]:
    """Return the least and the most number of nodes, and what stays open of them.

    `minimum_nodes` is a number, and in the first versions a wish to have few.
    """
    value = body.value("nodes")
    least = None if isinstance(body.value("minimum_nodes"), bool) else _number(body, "minimum_nodes")
    most = _number(body, "maximum_nodes")
    if isinstance(value, str) and value:
        found = _NODES.fullmatch(value)
        if found is None:
            return least, most, [reference("nodes", value)]
        value = [int(found[1]), int(found[2] or found[1])]
    if isinstance(value, list) and 1 <= len(value) <= 2:
        value = [digits(each, f"{body.path}.nodes") if isinstance(each, str) else each for each in value]
        numbers = [count(each, f"{body.path}.nodes") for each in (value[0], value[-1])]
    elif value is None or value == "":
        return least, most, []
    else:
        numbers = [count(value, f"{body.path}.nodes")] * 2
    return max(numbers[0], least or 0), max(numbers[1], most or 0, least or 0), []


def _whole(body: Fields) -> bool:
    """Return whether the job says that it has its nodes whole."""
    value = body.value("exclusive")
    body.value("oversubscribe")
    alone = value not in (None, False, "false", "no", "user")
    return alone or bool(body.value("shared") and not set(_words(body, "shared")) <= _SHARING)


def _whole_by_partition(partition: str | None, settings: SlurmSettings) -> bool:
    """Return whether one of the partitions gives nodes whole, as far as the operator says."""
    exclusive = () if settings.rest is None else settings.rest.exclusive_partitions
    return bool(exclusive) and (partition is None or bool(set(partition.split(",")) & set(exclusive)))


def _words(body: Fields, name: str) -> list[str]:
    value = body.value(name)
    words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [str(word) if name == "flags" else str(word).lower() for word in words]
