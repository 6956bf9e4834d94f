"""How the gate is tuned, apart from policies: clocks, sizes and lines."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from kyc_gate.audit.checkpoint import Signer, Verifier, read_signer, read_verifier
from kyc_gate.audit.retention import Periods
from kyc_gate.errors import ConfigurationError
from kyc_gate.model.record import Record
from kyc_gate.service.business_calendar import BusinessCalendar
from kyc_gate.service.config import AccessSettings, Configuration

HORIZON_DAYS = 30
"""Days over which machines without a stated end are projected when no policy says: a month, as bills are."""


class Limits(Record):
    """What a door may read: `max_body` bytes within `body_seconds`."""

    max_body: int = 1024 * 1024
    body_seconds: float = 30.0


class Settings(Record):
    """Everything that `Gate` needs besides policies, lists, adapters and the store.

    `unsafe_mode` weakens the whole gate: findings are recorded (`observe`) or told (`warn`), and nothing is refused.
    `public_url` is where customers reach the questionnaire.
    `directory_seconds` is how long a reading of the directory may be used before it is read again:
    100,000 parties that did not change take half a second of processor time each time.
    `refusal_seconds` is the step to which the time of a refusal is rounded up; 0 does not round.
    """

    body_bytes: int = 1024 * 1024
    body_seconds: float = 30.0
    decision_seconds: float = 0.95
    refusal_seconds: float = 0.25
    concurrent_decisions: int = 256
    unsafe_mode: Literal["warn", "observe"] | None = None
    data_centre: str | None = None
    max_age_hours: float = 72.0
    possible: float | None = None
    match: float | None = None
    utilisation: Decimal = Decimal("0.33")
    window_days: int = 365
    reevaluate_minutes: float = 15.0
    due_hours: float = 24.0
    urgent_due_hours: float = 4.0
    grant_hours: float = 24.0
    case_days: float = 30.0
    four_eyes: bool = False
    calendar: BusinessCalendar | None = None
    attachment_bytes: int = 5 * 1024 * 1024
    questionnaire_days: float = 14.0
    public_url: str | None = None
    access: AccessSettings = AccessSettings()
    directory_seconds: float = 2.0
    log_names: bool = False
    spans: bool = False
    signer: Signer | None = None
    verifiers: tuple[Verifier, ...] = ()
    checkpoint_seconds: float = 60.0
    checkpoint_file: str | None = None
    periods: Periods = Periods()

    def due_at(self, at: datetime, *, urgent: bool) -> datetime:
        """Return when a case that was opened at `at` is due: so many hours on, counted while somebody is at work."""
        hours = self.urgent_due_hours if urgent else self.due_hours
        return at + timedelta(hours=hours) if self.calendar is None else self.calendar.after(at, hours)

    def expires_at(self, at: datetime) -> datetime:
        """Return when a case that was opened at `at` can no longer be decided."""
        return at + timedelta(days=self.case_days)


def settings_of(configuration: Configuration) -> Settings:
    """Return the settings that the configuration asks for. Raises `ConfigurationError` for a calendar that is none."""
    gate, lists, cases = configuration.gate, configuration.lists, configuration.cases
    if cases.calendar is not None:
        cases.calendar.check()
    return Settings(
        body_bytes=gate.body_bytes,
        body_seconds=gate.body_seconds,
        decision_seconds=gate.decision_seconds,
        refusal_seconds=gate.refusal_seconds,
        concurrent_decisions=gate.concurrent_decisions,
        unsafe_mode=gate.unsafe_mode,
        data_centre=gate.data_centre,
        max_age_hours=lists.max_age_hours,
        possible=lists.possible,
        match=lists.match,
        utilisation=configuration.compute.utilisation,
        window_days=configuration.compute.window_days,
        reevaluate_minutes=configuration.compute.reevaluate_minutes,
        due_hours=cases.due_hours,
        urgent_due_hours=cases.urgent_due_hours,
        grant_hours=cases.grant_hours,
        case_days=cases.expire_days,
        four_eyes=cases.four_eyes == "always",
        calendar=cases.calendar,
        attachment_bytes=cases.attachment_bytes,
        questionnaire_days=cases.questionnaire_days,
        public_url=cases.public_url,
        access=configuration.access,
        directory_seconds=configuration.directory.reread_seconds,
        log_names=configuration.log.names,
        spans=configuration.log.spans,
        signer=signer_of(configuration),
        verifiers=verifiers_of(configuration),
        checkpoint_seconds=configuration.audit.checkpoint_seconds,
        periods=Periods(ofac=configuration.audit.years_ofac, ear=configuration.audit.years_ear),
        checkpoint_file=str(configuration.path(name)) if (name := configuration.audit.checkpoints) else None,
    )


def signer_of(configuration: Configuration) -> Signer | None:
    """Return the key that signs checkpoints, or None without one. Raises `ConfigurationError` where it cannot be read:
    a gate that is told to sign does not start without its key."""
    name = configuration.audit.key
    if name is None:
        return None
    file = configuration.path(name)
    try:
        return read_signer(file.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"`audit.key`: cannot read `{file}`: {error}") from error


def verifiers_of(configuration: Configuration) -> tuple[Verifier, ...]:
    """Return the public keys whose checkpoints count: that of the key in use, and those before it."""
    signer = signer_of(configuration)
    earlier = tuple(read_verifier(text) for text in configuration.audit.verifiers)
    return (*((signer.verifier,) if signer else ()), *earlier)
