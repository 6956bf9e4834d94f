"""`kyc_gate.compute.accelerators` and `kyc_gate.compute.chip_names`."""

from __future__ import annotations

from fractions import Fraction

import pytest

from kyc_gate.compute.accelerators import find_accelerator
from kyc_gate.compute.chip_names import find_chip, nearest_chips
from kyc_gate.compute.chips import chips


@pytest.mark.parametrize(
    ("spelled", "model"),
    [
        ("H100", "H100 SXM"),
        ("H 1 0 0", "H100 SXM"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("h100-sxm5-80gb", "H100 SXM"),
        ("nvidia-h100-80gb", "H100 SXM"),
        ("NVIDIA_H100_MEGA_80GB", "H100 SXM"),
        ("GH200", "H100 SXM"),
        ("H100 PCIe", "H100 PCIe"),
        ("NVIDIA H100 NVL", "H100 NVL"),
        ("H200 NVL", "H200 SXM"),
        ("H20", "H20"),
        ("A100 40", "A100"),
        ("A100-40GB", "A100"),
        ("NVIDIA-A100-SXM4-40GB", "A100"),
        ("AMD Instinct MI300X OAM", "MI300X"),
        ("MI300", "MI300X"),
        ("Trainium2", "Trainium2"),
        ("habana-gaudi3", "Gaudi3"),
        ("tpu-v5-lite-podslice", "TPU v5e"),
        ("tpu-v5p-slice", "TPU v5p"),
        ("Ascend910B2", "Ascend 910B2"),
        ("RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA A10G", "A10"),
    ],
)
def test_spellings_of_one_chip(spelled: str, model: str) -> None:
    """Vendors, memory sizes and board forms may be written or left out; an open form means the stronger chip."""
    found = find_chip(spelled)
    assert found is not None
    assert found.model == model


@pytest.mark.parametrize(
    "name",
    ["", "gpu", "nvidia", "custom-asic-v9", "H1000", "100", "x" * 200, "mig-1g.5gb", "0x H100", "9999x 9999x H100"],
)
def test_what_names_no_chip_is_none(name: str) -> None:
    """A name is never guessed: what no chip is called is not known."""
    assert find_accelerator(name) is None


def test_an_open_form_never_means_the_weaker_chip() -> None:
    """Where a name with a form left out finds a chip, no catalogue chip of that name with a form is stronger."""
    for bare, forms in {
        "H100": ("H100 PCIe", "H100 NVL", "H100 SXM"),
        "V100": ("V100 PCIe", "V100 SXM2"),
        "H800": ("H800 PCIe", "H800 SXM"),
    }.items():
        found = find_chip(bare)
        others = [chip for form in forms if (chip := find_chip(form))]
        assert found is not None
        assert found.training_rate == max(chip.training_rate for chip in others)


@pytest.mark.parametrize(
    ("named", "model", "share"),
    [
        ("8x H100", "H100 SXM", 8),
        ("Cerebras WSE-2", "WSE-2", 1),
        ("H100:8", "H100 SXM", 8),
        ("A100:80", "A100", 80),
        ("RTX 4090 x 512", "RTX 4090", 512),
        ("H100x8", "H100 SXM", 8),
        ("v4-32", "TPU v4", 16),
        ("TPU v5p-256", "TPU v5p", 128),
        ("v5litepod-16", "TPU v5e", 16),
        ("v6e-256", "TPU v6e", 256),
        ("tpu7x-64", "TPU v7", 64),
        ("DGX H100", "H100 SXM", 8),
        ("GB200 NVL72", "GB200", 72),
        ("GB200 Superchip", "GB200", 2),
        ("Vera Rubin NVL144", "Rubin", 72),
        ("A100 MIG 3g.20gb", "A100", Fraction(3, 7)),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "A100", Fraction(1, 7)),
    ],
)
def test_slices_boards_and_racks(named: str, model: str, share: Fraction | int) -> None:
    """A stated number, a TPU slice, a board or rack, and a multi-instance slice each hold what their names say."""
    found = find_accelerator(named)
    assert found is not None
    assert (found.chip.model, found.share) == (model, share)


def test_every_name_of_the_catalogue_finds_its_chip() -> None:
    """No name of one chip is taken by another."""
    for chip in chips():
        for name in (chip.model, *chip.names):
            found = find_accelerator(name)
            assert found is not None, name
            assert found.chip.model == chip.model, name


def test_misspelt_names_are_answered_with_the_nearest() -> None:
    """A slip of the keyboard is answered with the chips that were meant."""
    assert "H100 SXM" in nearest_chips("H10O")
    assert "MI300X" in nearest_chips("MI30OX")
    assert nearest_chips("zzzzzz") == ()
