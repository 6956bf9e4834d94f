"""`kyc_gate.compute.chips` and the files that it reads."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from kyc_gate.compute.chip_names import find_chip
from kyc_gate.compute.chips import chips, eccn_by_formula, strongest_peak_chip, strongest_training_chip

HOUSE = Path(__file__).parents[2]
DATA = HOUSE / "kyc_gate" / "compute" / "data"


def tool(name: str) -> ModuleType:
    """Return a script of `tools/` as a module."""
    spec = importlib.util.spec_from_file_location(name, HOUSE / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_catalogue_is_what_the_build_makes(shared_data: Path) -> None:
    """Building the catalogue again from its sources gives the files that are committed, byte for byte."""
    made = tool("build_catalogue").built(shared_data / "compute" / "epoch_ml_hardware_2026-07.csv")
    for name, text in made.items():
        assert (DATA / name).read_text(encoding="utf-8") == text, name
    machines = tool("build_instance_types").built(shared_data / "instances")
    assert (DATA / "instance_types.csv").read_text(encoding="utf-8") == machines


def test_every_published_accelerator_is_known(shared_data: Path) -> None:
    """Each row of Epoch AI's table that states a rate finds a chip, by the name that the table gives it."""
    with (shared_data / "compute" / "epoch_ml_hardware_2026-07.csv").open(encoding="utf-8") as file:
        names = [row["Hardware name"] for row in csv.DictReader(file)]
    assert len(names) > 150
    assert [name for name in names if find_chip(name) is None] == ["Cambricon Siyuan 690"]


def test_every_number_says_where_it_comes_from() -> None:
    """Each number has a source and a day, and each chip a rate."""
    for chip in chips():
        assert chip.rates, chip.model
        assert chip.origins
        assert all(origin.source and origin.as_of for _, origin in chip.origins), chip.model


@pytest.mark.parametrize(
    ("model", "tpp"),
    [
        ("A100", 4992),
        ("H100 SXM", 15832),
        ("H100 PCIe", 12104),
        ("H20", 2368),
        ("B200", 36000),
        ("GB200", 40000),
        ("GB300", 60000),
        ("MI300X", 20919),
        ("TPU v4", 4400),
        ("TPU v5p", 7344),
        ("Trainium1", 3610),
        ("V100 SXM2", 2000),
        ("RTX 4090", 5285),
    ],
)
def test_total_processing_performance(model: str, tpp: float) -> None:
    """TPP is the dense rate times bit length, highest over formats."""
    chip = find_chip(model)
    assert chip is not None
    assert chip.tpp == pytest.approx(tpp, rel=0.002)


@pytest.mark.parametrize(
    ("tpp", "density", "eccn"),
    [
        (4800, None, "3A090.a"),
        (4799, 5.92, "3A090.a"),
        (4799, 5.91, "3A090.b"),
        (4799, 1.6, "3A090.b"),
        (4799, 1.59, ""),
        (2400, 1.6, "3A090.b"),
        (2399, 1.6, ""),
        (2399, 3.2, "3A090.b"),
        (1600, 5.92, "3A090.a"),
        (1600, 3.19, ""),
        (1599, 50.0, ""),
        (1599, None, ""),
        (1600, None, None),
    ],
)
def test_the_export_class_by_formula(tpp: float, density: float | None, eccn: str | None) -> None:
    """Each paragraph of 3A090.a and .b on both sides of its lines; an unknown density leaves the class open."""
    assert eccn_by_formula(tpp, density) == eccn


def test_classes_of_chips_that_surprise() -> None:
    """L4 is 3A090.a by density; H20 is below both; a computer with an H100 is 4A090.a; Trainium1's die is unknown."""
    classes = {chip.model: chip.eccn for chip in chips()}
    assert classes["L4"] == "3A090.a"
    assert classes["H20"] == ""
    assert classes["A30"] == "3A090.b"
    assert classes["Trainium1"] is None
    assert {chip.model: chip.computer_eccn for chip in chips()}["H100 SXM"] == "4A090.a"


def test_shader_rates_do_not_hide_faster_units() -> None:
    """A card with matrix units is counted by them: no tensor-core card falls below four times its shader rate."""
    for name, least in (("RTX A6000", 150), ("RTX 3090", 140), ("Quadro RTX 8000", 130), ("Max 1550", 800)):
        chip = find_chip(name)
        assert chip is not None
        assert chip.training_rate >= least * 10**12


def test_the_strongest_chips() -> None:
    """No chip of the catalogue is above the two that unknown chips are counted as."""
    assert max(chip.training_rate for chip in chips()) == strongest_training_chip().training_rate
    assert max(chip.peak_rate for chip in chips()) == strongest_peak_chip().peak_rate
