"""`kyc_gate.compute.instance_types`."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from kyc_gate.compute.instance_types import find_instance_type, nearest_instance_types, stated_chips


@pytest.mark.parametrize(
    ("name", "provider", "chip", "chips"),
    [
        ("p5.48xlarge", "aws", "H100 SXM", 8),
        ("ml.p5.48xlarge", "aws", "H100 SXM", 8),
        ("P5.48XLARGE", None, "H100 SXM", 8),
        ("p6e-gb200.36xlarge", "aws", "GB200", 4),
        ("u-p6e-gb200x72", "aws", "GB200", 72),
        ("trn2.48xlarge", "aws", "Trainium2", 16),
        ("a3-megagpu-8g", "gcp", "H100 SXM", 8),
        ("a4x-maxgpu-4g-metal", "gcp", "GB300", 4),
        ("ct5lp-hightpu-4t", "gcp", "TPU v5e", 4),
        ("v4-8", "gcp", "TPU v4", 4),
        ("v5litepod-8", "gcp", "TPU v5e", 8),
        ("Standard_ND96isr_H100_v5", "azure", "H100 SXM", 8),
        ("ND96isr_MI300X_v5", "azure", "MI300X", 8),
        ("BM.GPU.GB200.4", "oci", "GB200", 4),
        ("gpu-h100-sxm 8gpu-128vcpu-1600gb", "nebius", "H100 SXM", 8),
        ("gd-8xh100ib-i128", "coreweave", "H100 SXM", 8),
        ("gpu_8x_h100_sxm5", "lambda", "H100 SXM", 8),
        ("gpu_1x_a10", "lambda", "A10", 1),
        ("NVIDIA H100 80GB HBM3", "runpod", "H100 SXM", 1),
        ("H100-SXM-8-80G", "scaleway", "H100 SXM", 8),
        ("h100-80gb-sxm-ib.8x", "crusoe", "H100 SXM", 8),
        ("gpu-mi300x8-1536gb", "digitalocean", "MI300X", 8),
        ("foo__8xH100_SXM5__96__512_SPOT", "shadeform", "H100 SXM", 8),
    ],
)
def test_machine_types_of_many_providers(name: str, provider: str | None, chip: str, chips: int) -> None:
    """A machine type holds its chips, whether it is in the catalogue or spells them out."""
    found = find_instance_type(name, provider)
    assert found is not None
    assert found.chip is not None
    assert (found.chip.model, found.chips) == (chip, chips)


@pytest.mark.parametrize(("name", "share"), [("g6f.large", 8), ("g4-standard-6", 8), ("Standard_NV6ads_A10_v5", 6)])
def test_a_part_of_a_chip_is_a_part(name: str, share: int) -> None:
    """Machine types with a share of one chip say how many machines share it."""
    found = find_instance_type(name)
    assert found is not None
    assert (found.chips, found.shared_by) == (1, share)


@pytest.mark.parametrize("name", ["t3.micro", "e2-standard-4", "Standard_D4s_v5", "VM.Standard.E4.Flex", "f1.2xlarge"])
def test_processors_hold_no_chips(name: str) -> None:
    """A machine without accelerators is known to hold none."""
    found = find_instance_type(name)
    assert found is not None
    assert found.chips == 0


@pytest.mark.parametrize("name", ["p9.48xlarge", "Standard_ND96isr_X100_v9", "a9-highgpu-8g", "h100", "p5.48xlarj"])
def test_what_is_not_known_is_none(name: str) -> None:
    """A type that smells of accelerators and is not known is never taken for one without."""
    assert find_instance_type(name) is None


def test_nearest_names_and_counts_of_unknown_types() -> None:
    """An unknown type is answered with the nearest, and the chips that its name states are read."""
    assert "p5.48xlarge" in nearest_instance_types("p5.48xlarj")
    assert stated_chips("new_16x_machine") == 16
    assert stated_chips("x9-32gpu-big") == 32
    assert stated_chips("p5.48xlarge") == 0


def test_counts_agree_with_the_published_lists(shared_data: Path) -> None:
    """Each machine type of the published lists has the published number of GPUs, FPGAs and shared ones apart."""
    with (shared_data / "instances" / "gpu_instances_derived.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        found = find_instance_type(row["instance_type"], row["provider"])
        assert found is not None, row
        if found.chip is not None and found.shared_by == 1:
            assert found.chips == int(row["gpu_count"]), row
