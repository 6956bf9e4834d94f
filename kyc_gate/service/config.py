"""The configuration file, read strictly: every key has a type, a default and a meaning, and no other key is taken."""

from __future__ import annotations

import difflib
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.adapters.kubernetes.settings import AccountRule, KubernetesSettings, KueueSettings
from kyc_gate.adapters.slurm.settings import SlurmRestSettings, SlurmSettings
from kyc_gate.errors import ConfigurationError
from kyc_gate.feeds.source import Canary, Source
from kyc_gate.model.access import Role
from kyc_gate.model.receiver import Receiver
from kyc_gate.model.record import Record
from kyc_gate.service.business_calendar import BusinessCalendar


class GateSettings(Record):
    """What is decided, with what, and where it is kept."""

    policies: tuple[str, ...] = ("us-in-force", "us-ai-diffusion")
    state: str = "kyc-gate.db"
    data_centre: str | None = None
    body_bytes: Annotated[int, Meta(ge=1, le=64 * 1024 * 1024)] = 1024 * 1024
    body_seconds: Annotated[float, Meta(gt=0, le=300)] = 30.0
    decision_seconds: Annotated[float, Meta(gt=0, le=30)] = 0.95
    refusal_seconds: Annotated[float, Meta(ge=0, le=10)] = 0.25
    concurrent_decisions: Annotated[int, Meta(ge=1, le=100_000)] = 256
    unsafe_mode: Literal["warn", "observe"] | None = None


class DirectorySettings(Record):
    """Where parties and accounts are read from at start, besides what the store already holds.

    `ip_countries` is a CSV file that says in which country IP addresses are used. `reread_seconds` is how long what
    was read of the store's parties may be used before it is read again.
    """

    parties: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    ip_countries: str | None = None
    reread_seconds: Annotated[float, Meta(gt=0, le=300)] = 2.0


class ListSettings(Record):
    """Which published lists are screened against, how old they may be, and where the lines are drawn.

    `files` are read at start as they are; `sources` (shipped, by name) and `source` (the operator's own) are pulled,
    checked and kept in `folder`.
    """

    files: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    folder: str = "kyc-gate-lists"
    refresh_minutes: Annotated[float, Meta(gt=0)] = 60.0
    rescreen_minutes: Annotated[float, Meta(gt=0)] = 5.0
    max_shrink: Annotated[float, Meta(ge=0, lt=1)] = 0.10
    max_growth: Annotated[float, Meta(ge=0)] = 1.0
    max_unreadable: Annotated[float, Meta(ge=0, le=1)] = 0.02
    max_age_hours: Annotated[float, Meta(gt=0)] = 72.0
    possible: Annotated[float, Meta(gt=0, le=1)] | None = None
    match: Annotated[float, Meta(gt=0, le=1)] | None = None
    bundle_key: str | None = None
    source: tuple[Source, ...] = ()


class OwnerSettings(Record):
    """The LEI register that tells headquarters and parents: the file that `kyc-gate owners pull` builds."""

    gleif: str | None = None


class ComputeSettings(Record):
    """How operations are estimated and over how long a window they are summed; `models` are files of models on file."""

    utilisation: Decimal = Decimal("0.33")
    models: tuple[str, ...] = ()
    window_days: Annotated[int, Meta(ge=1, le=3650)] = 365
    reevaluate_minutes: Annotated[float, Meta(ge=1, le=1440)] = 15.0

    def __post_init__(self) -> None:
        """Refuse a share out of range; msgspec bounds no decimals."""
        if not 0 < self.utilisation <= 1:
            raise ValueError(f"`utilisation` must be above 0 and at most 1, not {self.utilisation}")


class CaseSettings(Record):
    """When a case is due and ends, how long a grant lasts, and what is asked of the people who decide.

    `four_eyes` is `policy` where the rules say it, or `always`. `calendar` has hours counted while somebody is at work.
    `public_url` is where customers reach the questionnaire.
    """

    due_hours: Annotated[float, Meta(gt=0)] = 24.0
    urgent_due_hours: Annotated[float, Meta(gt=0)] = 4.0
    grant_hours: Annotated[float, Meta(gt=0)] = 24.0
    expire_days: Annotated[float, Meta(gt=0, le=3650)] = 30.0
    four_eyes: Literal["policy", "always"] = "policy"
    attachment_bytes: Annotated[int, Meta(ge=1, le=16 * 1024 * 1024)] = 5 * 1024 * 1024
    questionnaire_days: Annotated[float, Meta(gt=0, le=365)] = 14.0
    public_url: str | None = None
    calendar: BusinessCalendar | None = None


class OIDCSettings(Record):
    """The operator's identity provider. Its groups in `roles_claim` give the roles that `roles` maps them to.

    Without `roles` only people who are on file with their subject sign in. `public_url` is where people reach the gate.
    `unsafe_plain_http` lets the provider be reached without TLS, for tests on one machine.
    """

    issuer: str
    client_id: str
    public_url: str
    client_secret_file: str | None = None
    name: str = "single sign-on"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "preferred_username"
    roles_claim: str = "groups"
    roles: dict[str, tuple[Role, ...]] = msgspec.field(default_factory=dict)
    unsafe_plain_http: bool = False


class AccessSettings(Record):
    """How long sessions and keys last, and who else says who somebody is.

    `unsafe_plain_http` lets browsers send the session without TLS: for a machine of one's own.
    """

    idle_minutes: Annotated[float, Meta(gt=0, le=1440)] = 30.0
    session_hours: Annotated[float, Meta(gt=0, le=24)] = 12.0
    key_days: Annotated[float, Meta(gt=0, le=366)] = 90.0
    unsafe_plain_http: bool = False
    oidc: OIDCSettings | None = None


class AWSAskSettings(Record):
    """Asking AWS about references that a call does not spell out, with the operator's own credentials.

    `regions` are those that are asked in, `hosts` the gate's own names behind which AWS answers: of calls to other
    hosts than these, AWS's own and the broker's nothing is asked. `role` is assumed for each account, `{account}` in
    its ARN; without it the credentials that botocore finds (`profile`) are asked with, about their own account alone.
    A decision waits `seconds` for an answer; what stands for the same for ever is kept `keep_seconds`.
    `unsafe_moving_names` believes what `$Latest` or a template's name stood for a moment before the call.
    """

    regions: Annotated[tuple[str, ...], Meta(min_length=1)]
    hosts: tuple[str, ...] = ()
    role: str | None = None
    external_id: str | None = None
    profile: str | None = None
    endpoints: dict[str, str] = msgspec.field(default_factory=dict)
    seconds: Annotated[float, Meta(gt=0, le=10)] = 0.5
    keep_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 300.0
    unsafe_moving_names: bool = False

    def __post_init__(self) -> None:
        """Refuse a role that would be the same in every account."""
        if self.role is not None and "{account}" not in self.role:
            raise ValueError("`aws.ask.role` has no `{account}`: it would ask about another account than the caller's")


class AWSSettings(Record):
    """AWS: who proves a caller's signature, the upstream behind the gate or nobody; and who is asked about references.

    A call that is not for an AWS host is known as AWS by its signature.
    """

    signatures: Literal["unverified", "upstream"] = "unverified"
    ask: AWSAskSettings | None = None


BROKERED = ("autoscaling", "batch", "bedrock", "ec2", "eks", "pcs", "sagemaker", "sts")
"""Signing names of the services that the broker can sign for: control planes, whose bodies are signed whole. Of `sts`
it signs the question who one is, and nothing that hands out credentials."""


class BrokerSettings(Record):
    """The re-signing door for AWS: customers sign for it with keys of the gate, and it signs anew upstream.

    `key_file` is what `kyc-gate broker keygen` made; with it the customers' secrets are sealed in the store. `hosts`
    are the door's own names, which signatures must be made for; names of AWS count too, where private DNS leads here.
    `regions` and `services` are what is signed for; nothing else passes. `endpoints` are addresses of services
    that are not AWS's public ones, such as VPC endpoints, with `{region}` in them.
    `role` is assumed for each customer's account, `{account}` in its ARN; the credentials that assume it are botocore's
    own (`profile`, environment, file, instance). Without `role` those sign for every customer, in one account of AWS,
    which `unsafe_one_account` must say.
    """

    key_file: str
    regions: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    services: tuple[str, ...] = BROKERED
    endpoints: dict[str, str] = msgspec.field(default_factory=dict)
    role: str | None = None
    external_id: str | None = None
    profile: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8083
    connect_seconds: Annotated[float, Meta(gt=0)] = 5.0
    upstream_seconds: Annotated[float, Meta(gt=0)] = 120.0
    unsafe_one_account: bool = False

    def __post_init__(self) -> None:
        """Refuse services that hand out credentials or take unsigned bodies, and customers who share one account."""
        if unknown := sorted({*self.services, *self.endpoints} - {*BROKERED}):
            raise ValueError(f"`broker` signs for {', '.join(BROKERED)}; `{unknown[0]}` is none of them")
        if not self.regions:
            raise ValueError("`broker.regions` is empty; name the regions that are signed for")
        if self.role is not None and "{account}" not in self.role and not self.unsafe_one_account:
            raise ValueError("`broker.role` has no `{account}`: customers would share one account; add it")
        if self.role is None and not self.unsafe_one_account:
            raise ValueError("`broker.role` is missing; name a role such as `arn:aws:iam::{account}:role/kyc-broker`")


class GCPSettings(Record):
    """Google Cloud: who proves that a caller's token has rights in the project of the path, the upstream or nobody.

    `hosts` are names of the operator's own behind which Google Cloud answers. `numbers` are ids of projects by their
    numbers, since calls may name either.
    """

    tokens: Literal["unverified", "upstream"] = "unverified"
    hosts: tuple[str, ...] = ()
    numbers: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a number that is none, and an id that is one: the table would be read the wrong way round."""
        for number, id in self.numbers.items():
            if not (number.isascii() and number.isdigit()) or id.isdigit() or not id:
                raise ValueError(f"`gcp.numbers` has `{number}` = `{id}`; write a project's number, and then its id")


class AzureSettings(Record):
    """Azure: who proves that a caller's token has rights in the subscription of the path, the upstream or nobody.

    `hosts` are names of the operator's own behind which Azure answers.
    """

    tokens: Literal["unverified", "upstream"] = "unverified"
    hosts: tuple[str, ...] = ()


class OCISettings(Record):
    """Oracle Cloud: who proves a caller's signature, the upstream behind the gate or nobody.

    `hosts` are names of the operator's own behind which Oracle Cloud answers.
    """

    signatures: Literal["unverified", "upstream"] = "unverified"
    hosts: tuple[str, ...] = ()


class NebiusSettings(Record):
    """Nebius: who proves that a caller's token has rights in a project, the upstream or nobody.

    `hosts` are names of the operator's own behind which Nebius answers.
    """

    tokens: Literal["unverified", "upstream"] = "unverified"
    hosts: tuple[str, ...] = ()


class NeocloudSettings(Record):
    """Lambda, RunPod, Together and CoreWeave, where named. `keys` says who checks a key: the upstream, or nobody."""

    providers: tuple[Literal["lambda", "runpod", "together", "coreweave"], ...]
    hosts: tuple[str, ...] = ()
    keys: Literal["unverified", "upstream"] = "unverified"


class GenericSettings(Record):
    """The platform's own JSON API. `account_header` is set by its authentication, and by nobody else.

    `idempotency_header` is named only where the API itself starts one job for one token, however often it is sent:
    the ledger counts it once too.
    """

    routes: tuple[GenericRoute, ...]
    account_header: str | None = None
    idempotency_header: str | None = None
    harmless: tuple[str, ...] = ()


class Upstream(Record):
    """Calls whose Host is `host` (or any, for `*`) are forwarded to `url`, Host unchanged."""

    url: str
    host: str = "*"


class GatewaySettings(Record):
    """The reverse proxy."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    upstreams: tuple[Upstream, ...] = ()
    connect_seconds: Annotated[float, Meta(gt=0)] = 5.0
    upstream_seconds: Annotated[float, Meta(gt=0)] = 120.0


class PolicySettings(Record):
    """How policies come and change: from a signed bundle, or from the folders of `gate.policies`.

    `keys` are the public Ed25519 keys (base64) that may sign. A bundle needs the signatures of `signatures` of them,
    and of `lenient_signatures` where it lets anything through that the active policies stop; 0 asks for none more.
    Files are looked at every `watch_seconds`. `shadow` names a candidate that is asked and decides nothing: a bundle,
    or folders.
    """

    bundle: str | None = None
    keys: tuple[str, ...] = ()
    signatures: Annotated[int, Meta(ge=1, le=16)] = 1
    lenient_signatures: Annotated[int, Meta(ge=0, le=16)] = 0
    watch_seconds: Annotated[float, Meta(gt=0, le=3600)] = 2.0
    shadow: tuple[str, ...] = ()
    unsafe_unsigned: bool = False
    unsafe_older: bool = False

    def __post_init__(self) -> None:
        """Refuse a bundle that nobody could have signed, and more signatures than there are keys."""
        if self.bundle is not None and not self.keys and not self.unsafe_unsigned:
            raise ValueError("`policy.keys` is empty, so that no bundle is signed; add a public key")
        if self.bundle is None and self.lenient_signatures:
            raise ValueError("`policy.lenient_signatures` needs `policy.bundle`: folders carry no signatures")
        if self.keys and len(self.keys) < max(self.signatures, self.lenient_signatures):
            raise ValueError("`policy.keys` names fewer keys than there must be signatures")


class APISettings(Record):
    """The gate's own interface, on a port of its own. `tokens_sha256` are SHA-256 digests of bearer tokens."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8081
    tokens_sha256: tuple[str, ...] = ()


class AuditSettings(Record):
    """The record: who signs its checkpoints, how often, and how long what it says of people is kept.

    `key` is the file that `kyc-gate audit keygen` makes; `verifiers` are public keys that signed before it.
    `checkpoints` is a file outside the store to which each checkpoint is added. Periods are in years.
    """

    key: str | None = None
    verifiers: tuple[str, ...] = ()
    checkpoint_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    checkpoints: str | None = None
    years_ofac: Annotated[int, Meta(ge=10, le=100)] = 10
    years_ear: Annotated[int, Meta(ge=5, le=100)] = 5


class AuthzSettings(Record):
    """The door for those who ask: over HTTP at `port`, and for Envoy over gRPC at `grpc_port` where that is given.

    `skypilot` answers a SkyPilot API server too.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8082
    grpc_port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    skypilot: bool = False


class NotifySettings(Record):
    """Who is told what happens. `console_url` is where links in messages lead."""

    console_url: str = ""
    receivers: tuple[Receiver, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two receivers of one name: each has its own place in the outbox."""
        names = [receiver.name for receiver in self.receivers]
        if len(set(names)) < len(names):
            raise ValueError("two receivers have one name")


class LogSettings(Record):
    """The decision line: its format, and whether names of parties may stand in it.

    `spans` makes each decision a span of the caller's trace, where OpenTelemetry is installed and set up.
    """

    format: Literal["auto", "json", "console"] = "auto"
    names: bool = False
    spans: bool = False


class Configuration(Record):
    """Everything in `kyc-gate.toml`. Relative paths start at the file's own folder, kept in `folder`."""

    gate: GateSettings = GateSettings()
    directory: DirectorySettings = DirectorySettings()
    lists: ListSettings = ListSettings()
    owners: OwnerSettings = OwnerSettings()
    compute: ComputeSettings = ComputeSettings()
    cases: CaseSettings = CaseSettings()
    access: AccessSettings = AccessSettings()
    aws: AWSSettings | None = None
    broker: BrokerSettings | None = None
    gcp: GCPSettings | None = None
    azure: AzureSettings | None = None
    oci: OCISettings | None = None
    nebius: NebiusSettings | None = None
    neoclouds: NeocloudSettings | None = None
    generic: GenericSettings | None = None
    kubernetes: KubernetesSettings | None = None
    gateway: GatewaySettings = GatewaySettings()
    api: APISettings = APISettings()
    authz: AuthzSettings | None = None
    slurm: SlurmSettings | None = None
    policy: PolicySettings = PolicySettings()
    log: LogSettings = LogSettings()
    audit: AuditSettings = AuditSettings()
    notify: NotifySettings = NotifySettings()
    folder: str = "."

    def path(self, name: str) -> Path:
        """Return `name` as a path, taken from the configuration's own folder when it is relative."""
        return Path(self.folder, name)


def read_configuration(path: str | Path) -> Configuration:
    """Return the configuration at `path`. Raises `ConfigurationError` that names the key and the fix."""
    file = Path(path)
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read `{file}`: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"`{file}` is not TOML: {error}") from error
    if "folder" in raw:
        raise ConfigurationError(f"`{file}`: unknown key `folder`; paths start at the file's own folder")
    raw["folder"] = str(file.resolve().parent)
    return configuration_of(raw, f"`{file}`")


def configuration_of(raw: dict[str, Any], where: str = "configuration") -> Configuration:
    """Return `raw`, as TOML gives it, as a `Configuration`. Raises `ConfigurationError`."""
    try:
        return msgspec.convert(raw, Configuration, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where}: {_explained(str(error))}") from error


_MISPLACED = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`(?: - at `\$\.?(?P<at>[^`]*)`)?")


def _explained(message: str) -> str:
    """Return msgspec's message as ours: dotted key first, nearest right spelling last."""
    if found := _MISPLACED.match(message):
        at = found["at"] or ""
        near = difflib.get_close_matches(found["field"], _keys(at), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        place = f"[{at}] " if at else ""
        return f"{place}unknown key `{found['field']}`{hint}"
    text, _, at = message.partition(" - at `$.")
    return f"`{at.rstrip('`')}`: {text[:1].lower()}{text[1:]}" if at else f"{text[:1].lower()}{text[1:]}"


def _generic_kind(at: str) -> type[Record]:
    """Return the record that stands at `at`, a path into `[generic]`."""
    if "fields" in at:
        return GenericFields
    return GenericRoute if "routes" in at else GenericSettings


def _kubernetes_kind(at: str) -> type[Record]:
    """Return the record that stands at `at`, a path into `[kubernetes]`."""
    if "accounts" in at:
        return AccountRule
    return KueueSettings if "kueue" in at else KubernetesSettings


def _lists_kind(at: str) -> type[Record]:
    """Return the record that stands at `at`, a path into `[lists]`."""
    if "canaries" in at:
        return Canary
    return Source if "source[" in at else ListSettings


def _keys(at: str) -> list[str]:
    sections = {field.name: field.type for field in msgspec.structs.fields(Configuration)}
    section = at.split(".")[0].split("[")[0]
    if not at:
        return [name for name in sections if name != "folder"]
    known: dict[str, type[Record]] = {
        "gate": GateSettings,
        "directory": DirectorySettings,
        "lists": _lists_kind(at),
        "owners": OwnerSettings,
        "compute": ComputeSettings,
        "access": OIDCSettings if "oidc" in at else AccessSettings,
        "cases": BusinessCalendar if "calendar" in at else CaseSettings,
        "aws": AWSAskSettings if "ask" in at else AWSSettings,
        "broker": BrokerSettings,
        "gcp": GCPSettings,
        "azure": AzureSettings,
        "oci": OCISettings,
        "nebius": NebiusSettings,
        "neoclouds": NeocloudSettings,
        "generic": _generic_kind(at),
        "kubernetes": _kubernetes_kind(at),
        "gateway": Upstream if "upstreams" in at else GatewaySettings,
        "api": APISettings,
        "authz": AuthzSettings,
        "slurm": SlurmRestSettings if "rest" in at else SlurmSettings,
        "policy": PolicySettings,
        "log": LogSettings,
        "audit": AuditSettings,
        "notify": Receiver if "receivers" in at else NotifySettings,
    }
    chosen = known.get(section)
    return [field.name for field in msgspec.structs.fields(chosen)] if chosen else []
