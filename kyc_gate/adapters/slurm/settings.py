"""What an operator says of a Slurm cluster, since a job does not."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kyc_gate.model.record import Record

Name = Annotated[str, Meta(min_length=1, max_length=128)]


class SlurmSettings(Record):
    """One cluster. `account` says who the customer is: the Slurm account that pays, or the user.

    `accelerators` gives the chip of each type of GPU that `gres.conf` names, under `""` that of a GPU without a type,
    and that of other generic resources by their names. `node_gpus` is the most GPUs of one node: what a job has that
    takes nodes whole. `select` is the cluster's `SelectType`: with `linear` every job takes nodes whole, with
    `cons_tres` those that ask for it or whose partition is exclusive. Jobs in `cpu_partitions` have no GPUs unless they
    ask for them. `other_gres` names generic resources that do not compute.
    """

    cluster: Name = "slurm"
    account: Literal["account", "user"] = "account"
    accelerators: dict[str, str] = msgspec.field(default_factory=dict)
    node_gpus: Annotated[int, Meta(ge=1, le=1024)] | None = None
    select: Literal["linear", "cons_tres"] = "linear"
    cpu_partitions: tuple[Name, ...] = ()
    other_gres: tuple[Name, ...] = ()
    data_centre: str | None = None
