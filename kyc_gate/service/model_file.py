"""Files of models on file: one JSON object a line, read strictly."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.compute.lineage_input import parse_model
from kyc_gate.compute.registry import Models, models_by_name
from kyc_gate.errors import ConfigurationError, InputError, RefusedCall
from kyc_gate.model.run import RegisteredModel


def read_models(files: Iterable[Path]) -> Models:
    """Return the models of the files by id and name. Raises `ConfigurationError` naming file, line and field."""
    try:
        return models_by_name(model for file in files for model in _models(file))
    except ValueError as error:
        raise ConfigurationError(f"models: {error}") from None


def _models(file: Path) -> Iterable[RegisteredModel]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"cannot read `{file}`: {error}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith(b"#"):
            try:
                yield parse_model(read_json_object(line))
            except (InputError, RefusedCall) as error:
                raise ConfigurationError(f"`{file}` line {number}: {error}") from None
