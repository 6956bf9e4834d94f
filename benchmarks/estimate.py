"""How near the estimate comes to published training runs, beside two peers in the same run.

The peers are what is usually done: a constant 40 % of 16-bit peak without a band, and believing the declared 6ND.
The second needs what a provider cannot see, and has no ceiling.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kyc_gate.compute.accelerators import find_accelerator
from kyc_gate.compute.estimate import estimate
from kyc_gate.model.job import Accelerators

DATA = Path(os.environ.get("KYC_GATE_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))

Run = dict[str, Any]
Band = tuple[float, float, float]


def ours(run: Run) -> Band:
    """Low, likely and high operations from hardware and time alone."""
    line = Accelerators(model=run["accelerator"], count=1)
    found = estimate([line], duration_seconds=round(run["chip_hours"] * 3600), horizon_days=30)
    return found.low, found.likely, found.high


def constant(run: Run) -> Band:
    """Two fifths of 16-bit peak, and half and twice of it for a band."""
    unit = find_accelerator(run["accelerator"])
    peak = unit.chip.training_rate if unit else 0
    likely = 0.4 * peak * run["chip_hours"] * 3600
    return likely / 2, likely, likely * 2


def main() -> None:
    """Print the table."""
    file = DATA / "compute" / "runs_public.jsonl"
    if not file.is_file():
        print(f"estimate: skipped, the published runs are not at {DATA}")
        return
    runs = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    print(f"estimate: {len(runs)} published runs")
    for run in runs:
        _, likely, high = ours(run)
        truth = run["published_operations"]
        said = f"{truth:9.2e} published  {likely:9.2e} likely  {high:9.2e} ceiling  x{likely / truth:.2f}"
        print(f"  {run['run'][:30]:30}  {said}")
    _score("ours", runs, ours)
    _score("constant 40 %", runs, constant)
    _declared(runs)
    _speed(runs)


def _score(name: str, runs: Sequence[Run], method: Callable[[Run], Band]) -> None:
    ratios, band, violations = [], 0, 0
    for run in runs:
        low, likely, high = method(run)
        truth = run["published_operations"]
        ratios.append(likely / truth)
        band += low <= truth <= high
        violations += high < truth
    errors = [abs(math.log10(ratio)) for ratio in ratios]
    print(
        f"  {name:14} within 1.5x {_share(ratios, 1.5):4.0%}  within 2x {_share(ratios, 2):4.0%}  "
        f"in band {band / len(runs):4.0%}  ceilings under the truth {violations}  "
        f"mean error {statistics.mean(errors):.3f} dex  bias x{10 ** statistics.mean(map(math.log10, ratios)):.2f}"
    )


def _share(ratios: Sequence[float], factor: float) -> float:
    return sum(1 / factor <= ratio <= factor for ratio in ratios) / len(ratios)


def _declared(runs: Sequence[Run]) -> None:
    """Believing what is declared is exact for the honest, and a tenth where a tenth is declared; machines say so."""
    caught = sum(ours(run)[0] > run["published_operations"] / 10 for run in runs)
    noted = sum(ours(run)[1] > 3 * run["published_operations"] / 10 for run in runs)
    print(
        f"  declared 6ND   a customer who declares a tenth passes as a tenth in {len(runs)} of {len(runs)}; "
        f"beside the estimate it disagrees in {noted}, and is below `low` in {caught}"
    )


def _speed(runs: Sequence[Run]) -> None:
    started = time.perf_counter()
    for _ in range(200):
        for run in runs:
            ours(run)
    print(f"  an estimate takes {(time.perf_counter() - started) / 200 / len(runs) * 1e6:.0f} microseconds")


if __name__ == "__main__":
    main()
