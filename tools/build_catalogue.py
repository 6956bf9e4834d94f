"""Build the accelerator catalogue: `python tools/build_catalogue.py EPOCH_CSV [FOLDER]`.

Reads Epoch AI's "Machine Learning Hardware" table (CC BY 4.0) and the hand-kept names, numbers and systems of
`tools/catalogue`, and writes `chips.csv` (names), `numbers.csv` (one row for each number, with its source and date)
and `systems.csv` (boards and racks sold under one name). A number kept by hand goes before Epoch's: Epoch lists shader
rates where cards have faster matrix units, and vector rates for FP64.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

HAND = Path(__file__).parent / "catalogue"
DATA = Path(__file__).parents[1] / "kyc_gate" / "compute" / "data"

EPOCH = "Epoch AI, Machine Learning Hardware, 2026-07"
EPOCH_DATE = "2026-07-31"

TENSOR = "Tensor-FP16/BF16 performance (FLOP/s)"
RATES: Mapping[str, tuple[str, ...]] = {
    "bits4": ("FP4 performance (FLOP/s)", "INT4 performance (OP/s)"),
    "bits8": ("FP8 performance (FLOP/s)", "INT8 performance (OP/s)"),
    "bits16": (TENSOR, "FP16 (half precision) performance (FLOP/s)"),
    "tf32": ("TF32 (TensorFloat-32) performance (FLOP/s)",),
    "fp32": ("FP32 (single precision) performance (FLOP/s)",),
    "fp64": ("FP64 (double precision) performance (FLOP/s)",),
}
OTHERS: Mapping[str, tuple[str, float]] = {
    "memory_gb": ("Memory (bytes)", 1e9),
    "bandwidth_tb_s": ("Memory bandwidth (byte/s)", 1e12),
    "watts": ("TDP (W)", 1),
    "die_mm2": ("Die Size (mm^2)", 1),
}
QUANTITIES = (*RATES, *OTHERS)
MAKERS = ("NVIDIA", "AMD", "Intel", "Google", "Amazon", "AWS", "Huawei", "Baidu", "Meta", "Tianshu Zhixin", "T-Head")

Row = dict[str, str]
Model = tuple[str, str, tuple[str, ...]]
"""A model's name, its other names, and the names of its rows in Epoch's table, of which the first gives numbers."""


def main(arguments: list[str]) -> int:
    """Write the two files."""
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[1]) if len(arguments) > 1 else DATA
    for name, text in built(Path(arguments[0])).items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


def built(epoch_file: Path) -> dict[str, str]:
    """Return the text of each file of the catalogue, by name."""
    epoch = {row["Hardware name"]: row for row in _rows(epoch_file)}
    hand: dict[str, dict[str, Row]] = {}
    for row in _rows(HAND / "numbers.csv"):
        hand.setdefault(row["model"], {})[row["quantity"]] = row
    models = [model for model in _models(epoch) if _rated(model, hand, epoch)]
    numbers = [row for model in models for row in _numbers(model, hand, epoch)]
    return {
        "chips.csv": _text(["model", "names"], ([name, others] for name, others, _ in models)),
        "numbers.csv": _text(["model", "quantity", "value", "source", "as_of"], numbers),
        "systems.csv": (HAND / "systems.csv").read_text(encoding="utf-8"),
    }


def _models(epoch: Mapping[str, Row]) -> Iterator[Model]:
    """Yield the models kept by hand, and then each of Epoch's that none of them covers."""
    covered: set[str] = set()
    for row in _rows(HAND / "models.csv"):
        named = tuple(name.strip() for name in row["epoch"].split(";") if name.strip())
        for name in named:
            if name not in epoch:
                raise SystemExit(f"models.csv: `{row['model']}`: Epoch's table has no `{name}`")
        covered.update(named)
        yield row["model"], "; ".join((row["names"], *named)), named
    for name in sorted(set(epoch) - covered):
        yield _without_maker(name), name, (name,)


def _without_maker(name: str) -> str:
    for maker in MAKERS:
        name = name.removeprefix(f"{maker} ")
    return name.removeprefix("Radeon ").removeprefix("Instinct ").replace("PCle", "PCIe")


def _rated(model: Model, hand: Mapping[str, Mapping[str, Row]], epoch: Mapping[str, Row]) -> bool:
    """Whether any rate of the model is known; one without any is left out, and so counts as unknown."""
    return any(quantity in RATES for _, quantity, *_ in _numbers(model, hand, epoch))


def _numbers(model: Model, hand: Mapping[str, Mapping[str, Row]], epoch: Mapping[str, Row]) -> Iterator[list[str]]:
    name, _, rows = model
    for quantity in QUANTITIES:
        kept = hand.get(name, {}).get(quantity)
        if kept is not None:
            yield [name, quantity, kept["value"], kept["source"], kept["as_of"]]
        elif rows and (value := _epoch_value(epoch[rows[0]], quantity)) is not None:
            yield [name, quantity, f"{value:.6g}", EPOCH, EPOCH_DATE]


def _epoch_value(row: Row, quantity: str) -> float | None:
    if quantity in OTHERS:
        column, unit = OTHERS[quantity]
        return float(row[column]) / unit if row[column] else None
    columns = (TENSOR,) if quantity == "bits16" and row[TENSOR] else RATES[quantity]
    return max((float(row[column]) / 1e12 for column in columns if row[column]), default=None)


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _text(header: list[str], rows: Iterable[list[str]]) -> str:
    class Lines(list[str]):
        write = list.append

    lines = Lines()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
