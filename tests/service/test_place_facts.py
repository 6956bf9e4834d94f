"""evidence_of, read_place, and the five countries of a decision."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kyc_gate.model.facts import Facts
from kyc_gate.model.job import ProvisioningRequest, RequestKind
from kyc_gate.model.party import Party, UltimateParent
from kyc_gate.model.usage import Usage
from kyc_gate.places.ip_countries import parse_ip_countries
from kyc_gate.service.gather import ListStanding, estimate_of, gather, standing_of
from kyc_gate.service.place_facts import evidence_of, vetting_expired

TABLE = parse_ip_countries(["192.0.2.0/24,CN"])


def party(**more: object) -> Party:
    """A Norwegian company, with what else is on file."""
    return Party(id="p", name="Fjord Analytics AS", **{"headquarters": "Oslo, Norway", "location": "Norway", **more})


@pytest.mark.parametrize(
    ("more", "kinds"),
    [
        pytest.param({}, (), id="nothing"),
        pytest.param({"phone": "+47 22 12 34 56", "email": "a@fjord.no"}, (), id="at-home"),
        pytest.param({"phone": "+86 755 8888 8888"}, ("phone",), id="phone"),
        pytest.param({"email": "a@fjord.cn"}, ("email",), id="mail"),
        pytest.param({"website": "https://fjord.ru"}, ("website",), id="site"),
        pytest.param({"payment_country": "China"}, ("payment",), id="payment"),
        pytest.param({"ip": "192.0.2.9"}, ("ip",), id="ip"),
        pytest.param({"register_number": "91110000600037341L"}, ("register",), id="register"),
        pytest.param({"address": "Nanshan District, Shenzhen"}, ("address",), id="address"),
        pytest.param({"phone": "+1 604 555 0123", "location": "Canada"}, (), id="where-it-is-located"),
        pytest.param({"phone": "+86 755 8888 8888", "headquarters": None, "location": None}, (), id="no-home"),
    ],
)
def test_evidence_that_points_elsewhere_is_named_by_its_kind(more: dict[str, object], kinds: tuple[str, ...]) -> None:
    """Each kind of evidence that is neither location nor headquarters is named; what agrees or is unknown is not."""
    assert evidence_of(party(**more), TABLE).elsewhere == kinds


def test_what_is_not_on_file_is_unknown() -> None:
    """A party of which nothing is on file has no evidence, and no address."""
    bare = evidence_of(party(), None)
    assert (bare.phone, bare.email, bare.ip, bare.free_mail, bare.website_given, bare.residential) == (None,) * 6
    assert bare.address_given is False
    assert bare.incorporated_after_controls is None


@pytest.mark.parametrize(
    ("more", "fact", "value"),
    [
        pytest.param({"email": "fjord@gmail.com"}, "free_mail", True, id="free-mail"),
        pytest.param({"email": "a@x.no", "website": "y.no"}, "email_on_website", False, id="other-domain"),
        pytest.param({"email": "a@x.no", "website": "www.x.no"}, "email_on_website", True, id="own-domain"),
        pytest.param({"website": "none"}, "website_given", False, id="no-website"),
        pytest.param({"incorporated": date(2022, 10, 7)}, "incorporated_after_controls", False, id="that-day"),
        pytest.param({"incorporated": date(2022, 10, 8)}, "incorporated_after_controls", True, id="day-after"),
        pytest.param({"headquarters": "Prefer not to say"}, "headquarters_refused", True, id="refused"),
        pytest.param({"headquarters": "Shenzhen, Germany"}, "conflict", True, id="conflict"),
        pytest.param({"address": "Lenin Street 1, Simferopol, Ukraine"}, "occupied", True, id="occupied"),
        pytest.param({"address": "   "}, "address_given", False, id="blank-address"),
    ],
)
def test_the_vetting_form_is_answered(more: dict[str, object], fact: str, value: bool) -> None:
    """What the vetting form asks is a fact, true or false."""
    assert getattr(evidence_of(party(**more), TABLE), fact) is value


def test_vetting_counts_to_its_last_day() -> None:
    """Vetting runs out the day after its last day; without one on file it does not."""
    assert not vetting_expired(date(2026, 11, 24), date(2026, 11, 24))
    assert vetting_expired(date(2026, 11, 24), date(2026, 11, 25))
    assert not vetting_expired(None, date(2026, 11, 25))


def gathered(who: Party, **request: object) -> Facts:
    """The facts of a request of `who`."""
    asked = ProvisioningRequest(provider="generic", service="x", operation="create", kind=RequestKind.CREATE, **request)  # type: ignore[arg-type]
    return gather(
        asked,
        as_of=datetime(2026, 11, 24, 12, tzinfo=UTC),
        standing=standing_of(who, {who.id: who}, None, ip_countries=TABLE),
        lists=ListStanding(digest=None, as_of=None, max_age_hours=1),
        estimated=estimate_of(asked, horizon_days=30, utilisation=Decimal("0.33")),
        usage=Usage(hold_id="", control_group="", likely=0, high=0, accounts=1),
        account_known=True,
        data_centre="Frankfurt am Main",
    )


def test_five_countries_are_kept_with_their_evidence() -> None:
    """Each of the five is a fact, beside the text it was read from and the reason; any may be unknown."""
    who = party(ultimate_parent=UltimateParent(name="Parent", headquarters="서울"), vetted_until=date(2026, 11, 1))
    facts = gathered(who, place_of_use="Kingston")
    assert facts.five_countries is not None
    five = facts.five_countries
    assert (five.location.country, five.headquarters.country, five.parent_headquarters.country) == ("NO", "NO", "KR")
    assert (five.use.country, five.data_centre.country) == (None, "DE")
    assert five.headquarters.text == "Oslo, Norway"
    assert all(place.evidence for place in (five.location, five.headquarters, five.use, five.data_centre))
    assert (facts.parent.headquarters, facts.place.use, facts.place.data_centre) == ("KR", None, "DE")
    assert facts.evidence.vetting_expired


def test_a_place_of_use_that_cannot_be_read_is_unknown() -> None:
    """What the request says stands alone: it never falls back to the place on file."""
    who = party(place_of_use="Norway")
    assert gathered(who).place.use == "NO"
    assert gathered(who, place_of_use="somewhere").place.use is None
