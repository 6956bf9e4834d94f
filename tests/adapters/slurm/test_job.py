"""What a Slurm job asks for at most, in every spelling."""

from __future__ import annotations

import json

import pytest

from kyc_gate.adapters.slurm.array import array_size
from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.adapters.slurm.submission import read_submission
from kyc_gate.adapters.slurm.tres import Tres, read_gpus, read_tres
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Certainty, ProvisioningRequest

SETTINGS = SlurmSettings(
    accelerators={"": "A100", "h100": "H100 SXM", "a100": "A100", "tpu": "TPU v5e"},
    node_gpus=8,
    select="cons_tres",
    cpu_partitions=("cpu",),
    other_gres=("lustre",),
)


def asked(settings: SlurmSettings = SETTINGS, **job: object) -> ProvisioningRequest | None:
    return read_submission(json.dumps({"user": "ada", "account": "lab", **job}).encode(), settings)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        pytest.param("0-99", 100, id="range"),
        pytest.param("0-99%4", 100, id="some-at-a-time"),
        pytest.param("1,3,5-7:2", 4, id="steps"),
        pytest.param("7", 1, id="one"),
        pytest.param("0-9,0-9", 20, id="twice-the-same"),
    ],
)
def test_an_array_is_so_many_jobs(text: str, size: int) -> None:
    """All of an array counts, however few of it run at a time."""
    assert array_size(text) == size


@pytest.mark.parametrize("text", ["", "9-1", "a", "1-", "0-5:0", "0-9999999", "1%x", "-1", "０-９"])
def test_an_array_that_cannot_be_read_is_refused(text: str) -> None:
    """An array of no reading is refused, and so is one beyond what Slurm takes."""
    with pytest.raises(RefusedCall):
        array_size(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gres:gpu:h100:8", Tres(name="gpu", type="h100", count=8)),
        ("gres/gpu:8", Tres(name="gpu", type="", count=8)),
        ("gres/gpu=8", Tres(name="gpu", type="", count=8)),
        ("gres/gpu:H100=8", Tres(name="gpu", type="h100", count=8)),
        ("gpu", Tres(name="gpu", type="", count=1)),
        ("gpu:h100", Tres(name="gpu", type="h100", count=1)),
        ("gpu:8(S:0-1)", Tres(name="gpu", type="", count=8)),
        ("mps:150", Tres(name="gpu", type="", count=2)),
        ("shard:a100:3", Tres(name="gpu", type="a100", count=3)),
        ("gpu:1k", Tres(name="gpu", type="", count=1024)),
    ],
)
def test_resources_have_one_reading(text: str, found: Tres) -> None:
    """Every spelling of `--gres` that Slurm takes is read."""
    assert read_tres(text) == (found,)


def test_gpus_are_numbers_types_or_lists() -> None:
    """`--gpus` takes a number, a type with a number, and a list."""
    assert read_gpus(8) == (Tres(name="gpu", type="", count=8),)
    assert read_gpus("h100:4,a100:2") == (
        Tres(name="gpu", type="h100", count=4),
        Tres(name="gpu", type="a100", count=2),
    )


@pytest.mark.parametrize("text", ["gpu:h100:8:9", "gpu h100", "gpu:", ":8", "gpu:-1", "gpu:h100:99999999999"])
def test_resources_that_cannot_be_read_are_refused(text: str) -> None:
    """A resource of no reading is refused."""
    with pytest.raises(RefusedCall):
        read_tres(text)


@pytest.mark.parametrize(
    ("job", "chips"),
    [
        pytest.param({"tres_per_job": "gres:gpu:h100:8"}, 8, id="per-job"),
        pytest.param({"tres_per_node": "gres:gpu:h100:8", "min_nodes": 4, "max_nodes": 4}, 32, id="per-node"),
        pytest.param({"tres_per_node": "gres:gpu:h100:8", "min_nodes": 1, "max_nodes": 4}, 32, id="most-nodes"),
        pytest.param({"gres": "gpu:h100:8", "tasks": 4}, 32, id="a-node-for-each-task"),
        pytest.param({"tres_per_task": "gres:gpu:h100:1", "tasks": 16}, 16, id="per-task"),
        pytest.param(
            {"tres_per_task": "gres:gpu:h100:1", "tasks_per_node": 8, "min_nodes": 2, "max_nodes": 2}, 16, id="by-node"
        ),
        pytest.param(
            {"tres_per_socket": "gres:gpu:h100:4", "sockets_per_node": 2, "min_nodes": 3, "max_nodes": 3},
            24,
            id="per-socket",
        ),
        pytest.param({"tres_per_job": "gres:gpu:h100:8", "array": "0-99%1"}, 800, id="array"),
        pytest.param({"whole_nodes": True, "min_nodes": 2, "max_nodes": 2}, 16, id="whole-nodes"),
        pytest.param({"tres_per_node": "gpu:h100:4,gpu:h100:4"}, 8, id="twice-in-one-list"),
        pytest.param({"tres_per_job": "gres:gpu:h100:0", "whole_nodes": True}, 8, id="none-but-whole"),
        pytest.param(
            {"tres_per_node": "gres:gpu:0", "whole_nodes": True, "max_nodes": 4}, 32, id="none-a-node-but-whole"
        ),
        pytest.param({"tres_per_node": "lustre:1", "whole_nodes": True, "max_nodes": 4}, 32, id="others-but-whole"),
        pytest.param({"tres_per_node": "gpu:h100:1", "whole_nodes": True, "max_nodes": 4}, 32, id="one-but-whole"),
        pytest.param({"tres_per_job": "gpu:h100:64", "whole_nodes": True, "max_nodes": 4}, 64, id="more-than-whole"),
        pytest.param({"tres_per_node": "tpu:4", "whole_nodes": True, "max_nodes": 1}, 12, id="beside-others"),
        pytest.param({"whole_nodes": True, "partition": "cpu,gpu"}, 8, id="one-of-its-partitions"),
        pytest.param({"gres": "gpu:h100:8", "tasks": 4, "min_nodes": 1}, 32, id="a-node-for-each-task-at-least-one"),
    ],
)
def test_a_job_counts_at_its_most(job: dict[str, object], chips: int) -> None:
    """Nodes, tasks, sockets and arrays multiply what is asked for each."""
    request = asked(**job)
    assert request is not None
    assert sum(line.count * line.multiplier for line in request.lines) == chips
    assert not request.unresolved


@pytest.mark.parametrize(
    ("job", "open_"),
    [
        pytest.param({"tres_per_node": "gpu:b300:8"}, ("gres:gpu:b300",), id="type-without-a-chip"),
        pytest.param({"tres_per_node": "warp:8"}, ("gres:warp",), id="unknown-resource"),
        pytest.param({"tres_per_socket": "gpu:h100:4"}, ("sockets:per-node",), id="sockets"),
        pytest.param({"tres_per_node": "gpu:h100:8", "nodelist": "n[1-64]"}, ("nodes:named",), id="nodes-by-name"),
        pytest.param(
            {"tres_per_node": "gpu:h100:8", "nodelist": "n[1-64]", "min_nodes": 1},
            ("nodes:named",),
            id="one-or-more-named",
        ),
        pytest.param(
            {"tres_per_task": "gpu:h100:8", "nodelist": "n[1-64]", "tasks_per_node": 1},
            ("nodes:named",),
            id="tasks-by-name",
        ),
        pytest.param({"tres_per_node": "gpu:h100:8", "min_cpus": 512}, ("nodes:cpus",), id="nodes-by-processors"),
        pytest.param({"tasks": 8, "tasks_per_gpu": 1}, ("tasks:per-gpu",), id="tasks-per-gpu"),
        pytest.param({"tres_per_job": "gpu:h100:8", "repeats": True}, ("job:cron",), id="again-and-again"),
        pytest.param(
            {"tres_per_node": "gpu:h100:1,gpu:a100:1", "whole_nodes": True}, ("nodes:whole",), id="mixed-whole"
        ),
    ],
)
def test_what_a_job_leaves_open_is_unresolved(job: dict[str, object], open_: tuple[str, ...]) -> None:
    """What the gate cannot count reaches a person."""
    request = asked(**job)
    assert request is not None
    assert (request.unresolved, request.certainty) == (open_, Certainty.UNRESOLVED)


def test_whole_nodes_of_unknown_size_are_unresolved() -> None:
    """A job that takes nodes whole has their GPUs, and nobody said how many."""
    request = asked(SlurmSettings(), whole_nodes=True)
    assert request is not None
    assert request.unresolved == ("nodes:whole",)


@pytest.mark.parametrize(
    "job",
    [
        {},
        {"tasks": 64},
        {"tasks": 1, "min_cpus": 64},
        {"nodelist": "n[1-64]"},
        {"repeats": True},
        {"whole_nodes": True, "partition": "cpu"},
        {"tres_per_node": "lustre:1"},
    ],
)
def test_a_job_without_accelerators_is_nobodys_business(job: dict[str, object]) -> None:
    """It asks for nothing that is counted."""
    assert asked(**job) is None


def test_whole_nodes_are_of_the_chip_that_is_asked_for() -> None:
    """The GPUs beside those of a named type are of that type."""
    request = asked(tres_per_node="gpu:h100:1", whole_nodes=True)
    assert request is not None
    assert {line.model for line in request.lines} == {"H100 SXM"}


def test_every_job_takes_whole_nodes_unless_the_cluster_shares_them() -> None:
    """Until the operator says that nodes are shared, a job has all of its node, but in a partition without GPUs."""
    settings = SlurmSettings(accelerators={"": "A100"}, node_gpus=8, cpu_partitions=("cpu",))
    request = asked(settings, tasks=1)
    assert request is not None
    assert [line.count * line.multiplier for line in request.lines] == [8]
    assert asked(settings, tasks=1, partition="cpu") is None


def test_time_is_the_limit_or_has_no_end() -> None:
    """Minutes are the time limit; without one the job has no stated end."""
    request, endless = asked(gres="gpu:1", minutes=90), asked(gres="gpu:1")
    assert request is not None
    assert endless is not None
    assert (request.duration_seconds, endless.duration_seconds) == (5400, None)


def test_the_same_job_has_the_same_fingerprint() -> None:
    """What is asked for makes the fingerprint; another size, time or account makes another."""
    prints = [
        request.fingerprint
        for request in (
            asked(gres="gpu:8", minutes=10),
            asked(minutes=10, gres="gpu:8"),
            asked(gres="gpu:8", minutes=11),
            asked(gres="gpu:9", minutes=10),
            asked(gres="gpu:8", minutes=10, account="other"),
            asked(gres="gpu:8", minutes=10, array="0-1"),
        )
        if request is not None
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 5


def test_the_customer_is_the_account_or_the_user() -> None:
    """The operator says which of the two the customer is; both are proved by Slurm."""
    by_account, by_user = asked(gres="gpu:1"), asked(SlurmSettings(account="user", select="cons_tres"), gres="gpu:1")
    assert by_account is not None
    assert by_user is not None
    assert (by_account.caller.account, by_account.caller.principal, by_account.caller.verified) == ("lab", "ada", True)
    assert by_user.caller.account == "ada"


def test_a_field_that_is_not_known_is_refused() -> None:
    """A plugin of another release does not speak past the gate."""
    with pytest.raises(RefusedCall):
        asked(gres="gpu:1", licences="many")
