"""What a candidate that only watches would have decided otherwise, added up."""

from __future__ import annotations

from collections import Counter

from kyc_gate.model.record import Record
from kyc_gate.model.shadow import Disagreement, ShadowDay
from kyc_gate.storage.store import Store

EXAMPLES = 10


class ShadowReport(Record):
    """A shadow's counts: decisions that it was asked about, and of its disagreements the changes, rules and examples.

    `looked` is how many disagreements were read; `whole` says whether that is all of them.
    """

    id: str
    decided: int
    differed: int
    failed: int
    lenient: int
    stricter: int
    days: tuple[ShadowDay, ...]
    changes: dict[str, int]
    rules: dict[str, int]
    examples: tuple[Disagreement, ...]
    looked: int
    whole: bool = True

    @property
    def status(self) -> int:
        """The exit status: 0 for the same decisions, 3 for stricter ones only, 4 for more lenient ones somewhere."""
        return 4 if self.lenient else 3 if self.stricter or self.failed else 0


async def shadow_report(store: Store, id: str, most: int | None = None) -> ShadowReport:
    """Return the report on a shadow that goes on or ended, over its first `most` disagreements; over all without."""
    days = await store.fetch_shadow_days(id)
    changes: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    examples: list[Disagreement] = []
    lenient = stricter = failed = looked = 0
    whole = True
    async for each in store.disagreements(id):
        if looked == most:
            whole = False
            break
        looked += 1
        changes[f"{each.old} to {each.new or 'failed'}"] += 1
        rules.update(set(each.old_rules) ^ set(each.new_rules))
        lenient += each.lenient
        failed += each.new is None
        stricter += each.new is not None and each.new.severity > each.old.severity
        if len(examples) < EXAMPLES:
            examples.append(each)
    return ShadowReport(
        id=id,
        decided=sum(day.decided for day in days),
        differed=sum(day.differed for day in days),
        failed=failed,
        lenient=lenient,
        stricter=stricter,
        days=days,
        changes=dict(changes.most_common()),
        rules=dict(rules.most_common()),
        examples=tuple(examples),
        looked=looked,
        whole=whole,
    )
