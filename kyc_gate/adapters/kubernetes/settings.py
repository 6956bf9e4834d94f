"""The `[kubernetes]` section: which cluster asks, whose namespaces are whose, and what is known of its nodes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kyc_gate.model.record import Record

Name = Annotated[str, Meta(min_length=1, max_length=253)]

CONTROLLERS = (
    "system:kube-controller-manager",
    *(
        f"system:serviceaccount:kube-system:{name}"
        for name in (
            "cronjob-controller",
            "daemon-set-controller",
            "deployment-controller",
            "job-controller",
            "replicaset-controller",
            "replication-controller",
            "resource-claim-controller",
            "statefulset-controller",
        )
    ),
)
"""Controllers of Kubernetes itself, which make objects only from templates that were admitted. Their names are those of
kube-controller-manager with and without `--use-service-account-credentials`."""


class AccountRule(Record):
    """Reviews that are an account's. Every list that is given must hold a value of the review; `*` is any text.

    `users` are names of users and service accounts (`system:serviceaccount:team-a:runner`).
    """

    account: Name
    namespaces: tuple[Name, ...] = ()
    users: tuple[Name, ...] = ()
    groups: tuple[Name, ...] = ()


KUEUE = "system:serviceaccount:kueue-system:kueue-controller-manager"
"""Kueue's own user, as its manifests name it."""


_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


class KueueSettings(Record):
    """Kueue's admission checks of `controller`, which the gate answers through the API server at `api`.

    `token_file` and `ca_file` are those of the gate's own service account. Workloads are looked at every `seconds`;
    `user` is who starts them. `unsafe_plain_http` lets the API server be reached without TLS.
    """

    api: str = "https://kubernetes.default.svc"
    token_file: str = f"{_MOUNT}/token"
    ca_file: str | None = f"{_MOUNT}/ca.crt"
    version: Literal["v1beta1", "v1beta2"] = "v1beta1"
    controller: Name = "kyc-gate.io/admission-check"
    user: Name = KUEUE
    seconds: Annotated[float, Meta(gt=0, le=3600)] = 5.0
    unsafe_plain_http: bool = False

    def __post_init__(self) -> None:
        """Refuse an address to which a token would go in clear."""
        if not self.api.startswith("https://") and not self.unsafe_plain_http:
            raise ValueError(f"`api` {self.api} is not `https://...`; the gate's token would go there in clear")


class KubernetesSettings(Record):
    """One cluster. `accounts` are tried in order; a review that none fits is from an unknown account.

    `callers` states that only the API server reaches the webhook, so that whom it names counts as verified; a
    `client_ca` proves it. `controllers` are users that make objects from admitted ones, beside Kubernetes' own.
    `accelerators` says which chip a resource or device class is, where the pod does not choose nodes by a label.
    `charge` says what is counted: what runs on the nodes, or the nodes. `nodes` is the most a daemon set can reach.
    `kueue` has the gate answer Kueue's admission checks. `hosts` are names of the API server, with or without a port,
    whose calls are guarded where the gateway forwards them or a client has the hook.
    """

    cluster: Annotated[str, Meta(min_length=1, max_length=63, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
    accounts: tuple[AccountRule, ...] = ()
    callers: Literal["unverified", "api-server"] = "unverified"
    controllers: tuple[Name, ...] = ()
    accelerators: dict[str, str] = msgspec.field(default_factory=dict)
    charge: Literal["workloads", "nodes"] = "workloads"
    nodes: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    data_centre: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8443
    certificate: str | None = None
    key: str | None = None
    client_ca: str | None = None
    unsafe_plain_http: bool = False
    unsafe_ignore_privileged: bool = False
    kueue: KueueSettings | None = None
    hosts: tuple[Name, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether whom a review names is proved: by the API server's certificate, or by the operator's word."""
        return self.callers == "api-server" or self.client_ca is not None

    def trusts(self, user: str) -> bool:
        """Return whether the user is a controller that makes objects only from admitted ones."""
        return user in CONTROLLERS or user in self.controllers
