"""What an operator says of a Slurm cluster, since a job does not."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kyc_gate.model.record import Record

Name = Annotated[str, Meta(min_length=1, max_length=128)]


class SlurmRestSettings(Record):
    """slurmrestd behind the gateway. `tokens` says who checks a caller's token: slurmrestd, or nobody.

    With `escalate = "hold"` a job that a person must look at is handed in held, and released once it is approved; this
    needs `url`, where slurmrestd answers, and the token in `token_file` of `user`, an operator of the cluster. Jobs are
    looked at every `seconds`. Jobs in `exclusive_partitions` have their nodes whole, and so do those that name no
    partition where there are any. `version` is the interface by which the gate itself asks.
    """

    tokens: Literal["unverified", "upstream"] = "unverified"
    escalate: Literal["hold", "refuse"] = "refuse"
    exclusive_partitions: tuple[Name, ...] = ()
    url: str | None = None
    user: Name = "slurm"
    token_file: str | None = None
    version: Annotated[str, Meta(pattern=r"^v0\.0\.[0-9]{2,3}$")] = "v0.0.40"
    seconds: Annotated[float, Meta(gt=0, le=3600)] = 5.0

    def __post_init__(self) -> None:
        """Refuse to hold what nobody could release."""
        if self.escalate == "hold" and (self.url is None or self.token_file is None):
            raise ValueError('`escalate = "hold"` needs `url` and `token_file`, by which jobs are released')


class SlurmSettings(Record):
    """One cluster. `account` says who the customer is: the Slurm account that pays, or the user.

    `accelerators` gives the chip of each type of GPU that `gres.conf` names, under `""` that of a GPU without a type,
    and that of other generic resources by their names. `node_gpus` is the most GPUs of one node: what a job has that
    takes nodes whole. `select` is the cluster's `SelectType`: with `linear` every job takes nodes whole, with
    `cons_tres` those that ask for it or whose partition is exclusive. Jobs in `cpu_partitions` have no GPUs unless they
    ask for them. `other_gres` names generic resources that do not compute. `rest` is slurmrestd behind the gateway.
    `refusal_seconds` is the step to which the time of a refusal is rounded up for the plugin, shorter than the gate's
    own: slurmctld waits with its locks held.
    """

    cluster: Name = "slurm"
    account: Literal["account", "user"] = "account"
    accelerators: dict[str, str] = msgspec.field(default_factory=dict)
    node_gpus: Annotated[int, Meta(ge=1, le=1024)] | None = None
    select: Literal["linear", "cons_tres"] = "linear"
    cpu_partitions: tuple[Name, ...] = ()
    other_gres: tuple[Name, ...] = ()
    data_centre: str | None = None
    refusal_seconds: Annotated[float, Meta(ge=0, le=1)] = 0.1
    rest: SlurmRestSettings | None = None
