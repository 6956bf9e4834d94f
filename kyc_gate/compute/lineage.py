"""The operations that count for a model under ECCN 4E091: its base, its training, and data that other models made."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from kyc_gate.model.lineage import Lineage, SyntheticData, Weights
from kyc_gate.model.record import Record


class LineageLines(Record):
    """The lines of ECCN 4E091's notes, exact. The defaults are the text's; a policy may draw stricter ones.

    Note 1: what derives from published weights is free up to `derivative_operations` or `derivative_share` of the
    operations that trained them, whichever is more. Technical note 3: data from one model counts above
    `synthetic_share`.
    """

    derivative_operations: int = 25 * 10**24
    derivative_share: Fraction | Decimal = Decimal("0.25")
    synthetic_share: Fraction | Decimal = Decimal("0.10")


class Counted(Record):
    """What a lineage adds up to, in operations; None where a part is not known.

    `allowance` is None unless the run starts from published weights. `synthetic_share` is the largest share that
    trains on unpublished data of one generator.
    """

    base: int | None
    additional: int | None
    synthetic: int | None
    synthetic_share: Decimal
    total: int | None
    allowance: int | None


def count_lineage(lineage: Lineage, additional: int | None, lines: LineageLines) -> Counted:
    """Return the operations of the model that a run makes; `additional` are those of the run itself.

    Technical note 2: pre-training and all later training count together, so that a base's operations are added
    whatever became of its weights; note 1 then frees what derives from published ones.
    """
    base = lineage.base.operations if lineage.base else 0
    synthetic = _synthetic(lineage, lines)
    parts = (base, additional, synthetic)
    return Counted(
        base=base,
        additional=additional,
        synthetic=synthetic,
        synthetic_share=max((share for _, share, _ in _generators(lineage.synthetic)), default=Decimal(0)),
        total=None if None in parts else sum(part for part in parts if part is not None),
        allowance=_allowance(lineage, lines),
    )


def _allowance(lineage: Lineage, lines: LineageLines) -> int | None:
    """Operations up to which a derivative stays free. Where the base's are not known, the fixed part alone stands."""
    if lineage.base is None or lineage.base.weights is not Weights.PUBLISHED:
        return None
    share = math.floor(Fraction(lines.derivative_share) * (lineage.base.operations or 0))
    return max(lines.derivative_operations, share)


def _synthetic(lineage: Lineage, lines: LineageLines) -> int | None:
    """Operations that technical note 3 adds.

    Generating the data counts, and so does training the generator unless its weights are published. Of several
    generators without published weights only the one with the most training operations counts, and nothing twice:
    a generator that is also the base was added already.
    """
    above = [
        (generator, data)
        for generator, share, data in _generators(lineage.synthetic)
        if Fraction(share) > Fraction(lines.synthetic_share)
    ]
    total: int | None = 0
    secret = []
    for generator, data in above:
        if _published(data):
            total = _plus(total, _generation(data))
        else:
            secret.append((_training(generator, data, lineage), _generation(data)))
    if not secret:
        return total
    if len(secret) > 1 and any(training is None for training, _ in secret):
        return None  # which one counts is not known
    training, generation = max(secret, key=lambda each: (each[0] or 0, each[1] or 0))
    return _plus(total, _plus(training, generation))


def _training(generator: str, data: list[SyntheticData], lineage: Lineage) -> int | None:
    if lineage.base is not None and _folded(lineage.base.name) == generator:
        return 0
    known = [each.generator_operations for each in data if each.generator_operations is not None]
    return max(known, default=None)


def _generation(data: list[SyntheticData]) -> int | None:
    total: int | None = 0
    for each in data:
        total = _plus(total, each.generation_operations)
    return total


def _published(data: list[SyntheticData]) -> bool:
    return all(each.generator_weights is Weights.PUBLISHED for each in data)


def _generators(synthetic: Iterable[SyntheticData]) -> list[tuple[str, Decimal, list[SyntheticData]]]:
    """Unpublished data by the model that made it, with the share of all of it together."""
    by_generator: dict[str, list[SyntheticData]] = {}
    for data in synthetic:
        if not data.data_published:
            by_generator.setdefault(_folded(data.generator), []).append(data)
    return [(name, sum((each.share for each in data), Decimal(0)), data) for name, data in by_generator.items()]


def _plus(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
