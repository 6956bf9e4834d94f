"""What every adapter can do: the same verbs in each dialect."""

from __future__ import annotations

from typing import Protocol

from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import ProvisioningRequest
from kyc_gate.model.learned import Learned as Learned
from kyc_gate.model.record import Record


class Refusal(Record):
    """What a refused customer is told, before it is put in a dialect.

    `code` is `blocked`, `review-required`, `unreadable`, `unavailable`, `conflict` or one of
    `aws.signature.CODES`; `detail` is safe to show: it
    never names a list, a score or a rule's inner condition.
    """

    status: int
    code: str
    title: str
    detail: str
    decision_id: str | None = None
    case_id: str | None = None
    outcome: str | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    resubmit: bool = False


class Adapter(Protocol):
    """A provider's dialect. All methods are plain functions of their arguments."""

    name: str

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true only where `guards` is false and raises nothing for a call with this head, whatever its method.

        Every call is asked about here first, so it must be quick. False says nothing: `guards` will be asked. A door
        asks only where the path sent is the path routed by. An adapter without this method is asked by `guards`.
        """
        ...

    def guards(self, call: Call) -> bool:
        """Return whether the call, head only, may be a guarded operation, so that its body must be read.

        True is not yet a verdict: `read` may still find the operation unguarded. False means untouched.
        Raises `RefusedCall` for a head on a guarded host that cannot be read one way only.
        """
        ...

    def read(self, call: Call) -> ProvisioningRequest | None:
        """Return what the call asks for, or None when the operation is not guarded.

        What the call does not spell out stands in `unresolved` as `kind:id`, such as `instance:i-0abc`. Whoever keeps
        what `learn` returned may look up that kind and id, add the lines and drop the name; the rest stays unresolved.
        Raises `RefusedCall` for a body that cannot be read one way only.
        """
        ...

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Return the refusal in the dialect that this call's client understands, retried by none of them."""
        ...

    def learns(self, request: ProvisioningRequest) -> bool:
        """Return whether the upstream's answer to this request may define references, so that it is worth keeping."""
        ...

    def learn(self, request: ProvisioningRequest, call: Call, status: int, body: bytes) -> tuple[Learned, ...]:
        """Return the references that the upstream's answer to a passed call defines; empty when it defines none."""
        ...

    def ending(self, call: Call) -> Ending | None:
        """Return the runs that a call ends which `guards` is true for and `read` found unguarded; None if it ends none.

        Such a call is read and never refused; once the upstream accepted it, what it names no longer runs.
        """
        ...
