"""Whether enough keys signed policies that let more through than those before them."""

from __future__ import annotations

from collections.abc import Sequence

from kyc_gate.errors import FeedFault
from kyc_gate.policy.cases import ordinary_facts
from kyc_gate.policy.policy import Policy
from kyc_gate.service.config import Configuration
from kyc_gate.tuning.difference import sets_lenient


def require_second(
    signers: tuple[str, ...], before: Sequence[Policy], after: Sequence[Policy], configuration: Configuration
) -> None:
    """Raise `FeedFault` where `after` lets more through than `before`, and too few signed for that."""
    if len(signers) < configuration.policy.lenient_signatures:
        require_more(signers, sets_lenient(before, after, ordinary_facts()), configuration)


def require_more(signers: tuple[str, ...], lenient: str | None, configuration: Configuration) -> None:
    """Raise `FeedFault` where too few keys signed what is `lenient`."""
    least = configuration.policy.lenient_signatures
    if lenient is not None and len(signers) < least:
        raise FeedFault(
            f"signature: more lenient than the active policies ({lenient}), so {least} known keys must sign it,"
            f" and {len(signers)} did"
        )
