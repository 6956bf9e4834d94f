"""Build the catalogue of machine types: `python tools/build_instance_types.py INSTANCES_FOLDER [FOLDER]`.

Reads lists of machine types derived from Apache-2.0 sources (Karpenter's AWS reference, the Kubernetes Autoscaler,
Google Cloud's machine types) and the hand-kept `tools/catalogue/machines.csv`, and writes `instance_types.csv`. A row
kept by hand goes before a derived one: the lists count FPGAs as GPUs, and a sixth of a GPU as one.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

HAND = Path(__file__).parent / "catalogue"
DATA = Path(__file__).parents[1] / "kyc_gate" / "compute" / "data"
COLUMNS = ("provider", "name", "chip", "chips", "shared_by", "source", "as_of")

AWS_CHIPS = {
    "a100": "A100", "a10g": "A10", "b200": "B200", "b300": "B300", "h100": "H100 SXM", "h200": "H200 SXM",
    "inferentia": "Inferentia1", "inferentia2": "Inferentia2", "l4": "L4", "l40s": "L40S", "qualcomm-ai100": "AI 100",
    "radeon-pro-v520": "Radeon Pro V520", "rtx-pro-4500": "RTX PRO 4500", "rtx-pro-server-6000": "RTX PRO 6000",
    "t4": "T4", "t4g": "T4", "trainium": "Trainium1", "trainium2": "Trainium2", "v100": "V100 SXM2",
}  # fmt: skip

FAMILIES = (
    ("azure", r"Standard_N[CD].*_(A100|H200|MI300X|GB200|GB300|T4|A10)_v\d", None),
    ("azure", r"Standard_NCC?\d+a\w+_H100_v5", "H100 NVL"),
    ("azure", r"Standard_ND\d+isr_H100_v5", "H100 SXM"),
    ("azure", r"Standard_ND96asr_v4", "A100"),
    ("azure", r"Standard_N[CD]\d+r?s_v[23]", "V100 SXM2"),
    ("azure", r"Standard_NV\d+s_v[23]", "M60"),
    ("azure", r"Standard_NV\d+as_v4", "Radeon Instinct MI25"),
    ("azure", r"Standard_NV\d+ad\w*_A10_v5", "A10"),
    ("coreweave", r"b200-8x", "B200"),
    ("coreweave", r"gd-1xgh200", "H100 SXM"),
    ("coreweave", r"gd-8x(a100|l40s?)-i128", None),
    ("coreweave", r"gd-8xh100ib-i128", "H100 SXM"),
    ("coreweave", r"gd-8xh200ib-i128", "H200 SXM"),
    ("coreweave", r"rtxp6000-8x", "RTX PRO 6000"),
)
"""Which chip a family of machine types holds; None where the name itself says it."""
SPELLED = {"H200": "H200 SXM"}

GOOGLE = (
    (r"a2-\w+-(\d+)g", "A100"),
    (r"a3-(?:high|mega|edge)gpu-(\d+)g(?:-nolssd)?", "H100 SXM"),
    (r"a3-ultragpu-(\d+)g(?:-nolssd)?", "H200 SXM"),
    (r"a4-highgpu-(\d+)g", "B200"),
    (r"a4x-highgpu-(\d+)g", "GB200"),
    (r"a4x-maxgpu-(\d+)g-metal", "GB300"),
    (r"ct3p?-hightpu-(\d+)t", "TPU v3"),
    (r"ct5lp?-hightpu-(\d+)t", "TPU v5e"),
    (r"ct5p-hightpu-(\d+)t", "TPU v5p"),
    (r"ct6e-standard-(\d+)t", "TPU v6e"),
    (r"tpu7x-standard-(\d+)t", "TPU v7"),
)
"""Google names the number of chips in the machine type."""


def main(arguments: list[str]) -> int:
    """Write the file."""
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[1]) if len(arguments) > 1 else DATA
    (folder / "instance_types.csv").write_text(built(Path(arguments[0])), encoding="utf-8")
    return 0


def built(source: Path) -> str:
    """Return the text of `instance_types.csv`."""
    hand = [[row[column] for column in COLUMNS] for row in _rows(HAND / "machines.csv")]
    kept = {(row[0], row[1]) for row in hand}
    derived = (*_aws(source), *_autoscaler(source), *_google(source))
    rows = [*hand, *(row for row in derived if (row[0], row[1]) not in kept)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(rows, key=lambda row: (row[0], row[1].casefold())))
    return text.getvalue()


def _aws(source: Path) -> Iterator[list[str]]:
    for row in _rows(source / "aws_accelerator_instances.csv"):
        chip = AWS_CHIPS[row["accelerator"]]
        said = ["aws", row["instance_type"], chip, row["count"], "1"]
        yield [*said, "karpenter-provider-aws documentation, 2026-07", "2026-07-11"]


def _autoscaler(source: Path) -> Iterator[list[str]]:
    for row in _rows(source / "gpu_instances_derived.csv"):
        if row["provider"] != "aws" and (chip := _family(row["provider"], row["instance_type"])):
            said = [row["provider"], row["instance_type"], chip, row["gpu_count"], "1"]
            yield [*said, "kubernetes/autoscaler, 2026-03", "2026-03-17"]


def _family(provider: str, name: str) -> str | None:
    for owner, pattern, chip in FAMILIES:
        found = re.fullmatch(pattern, name) if owner == provider else None
        if found:
            return chip or SPELLED.get(found[1].upper(), found[1].upper())
    return None


def _google(source: Path) -> Iterator[list[str]]:
    text = (source / "gcp_machinetypes.csv").read_text(encoding="utf-8")
    for name in sorted({line.partition(";")[0] for line in text.splitlines()}):
        for pattern, chip in GOOGLE:
            if found := re.fullmatch(pattern, name):
                yield ["gcp", name, chip, found[1], "1", "Google Cloud machine type list, 2026-08", "2026-07-01"]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
