"""What people are told while a server that fails is asked again."""

from __future__ import annotations

import stamina.instrumentation

from kyc_gate.cli.output import complain


def tell_retries() -> None:
    """From now on, tell each retry of this process in one line: what failed, and when it is asked again."""
    stamina.instrumentation.set_on_retry_hooks([_tell])


def _tell(details: stamina.instrumentation.RetryDetails) -> None:
    complain(f"{details.caused_by}; asking again in {max(details.wait_for, 0.1):.1f} seconds")
