"""Signs that one run comes in pieces: what requests share, and how close to a line they keep."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kyc_gate.model.record import Record


class SplittingFacts(Record):
    """What the ledger knows of runs that come in pieces. Each figure has its evidence beside it."""

    linked_accounts: Annotated[
        int | None, Meta(description="accounts of other control groups that share what this request names")
    ] = 0
    shared: Annotated[
        tuple[str, ...], Meta(description="what they share: checkpoint, output, image, key, role, user-data or name")
    ] = ()
    together: Annotated[
        int | None,
        Meta(description="likely operations of the control group and those linked to it, request included"),
    ] = None
    restarts: Annotated[
        int, Meta(description="earlier requests within the window from the same checkpoint or to the same output")
    ] = 0
    near_runs: Annotated[
        int, Meta(description="requests of the control group within the window for 80 to 100 % of a policy's line")
    ] = 0
    near_share: Annotated[
        float, Meta(description="share (0 to 1) of the operations asked for in the window that came in such requests")
    ] = 0.0
    total: Annotated[
        int | None, Meta(description="likely operations of the control group since it was first seen, any window")
    ] = None
    evidence: Annotated[
        tuple[str, ...],
        Meta(description="what is shared with whom, who resumed what, and who kept near a line, a sentence for each"),
    ] = ()


class Linked(Record):
    """A link that other accounts share: its kind, the accounts, and when the link was seen first."""

    kind: str
    accounts: tuple[str, ...]
    since: str


class Resumed(Record):
    """A checkpoint or an output that earlier requests named: its kind, how many did, of which accounts, since when."""

    kind: str
    runs: int
    accounts: tuple[str, ...]
    since: str


class Near(Record):
    """Requests of one account that kept just under a line: how many, from the first of their days to the last."""

    account: str
    runs: int
    first: str
    last: str


class Pieces(Record):
    """What the ledger found about a request's links and lines, beside its usage."""

    linked: tuple[Linked, ...] = ()
    resumed: tuple[Resumed, ...] = ()
    kept_near: tuple[Near, ...] = ()
    linked_operations: int = 0
    restarts: int = 0
    asked_runs: int = 0
    near_runs: int = 0
    asked: int = 0
    near: int = 0
