"""What a party's record refuses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kyc_gate.model.party import BeneficialOwner, Owner


@pytest.mark.parametrize("kind", [Owner, BeneficialOwner])
@pytest.mark.parametrize("share", ["-0.5", "1.1", "NaN", "Infinity"])
def test_a_share_out_of_range_is_refused(kind: type[Owner] | type[BeneficialOwner], share: str) -> None:
    """A negative share would take away from what listed parties hold."""
    with pytest.raises(ValueError, match="a share is from 0 to 1"):
        kind(name="x", share=Decimal(share))
