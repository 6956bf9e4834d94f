"""The catalogue of bad inputs: its rows, and where each of them is tried."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent


def rows_of(shared_data: Path, category: str) -> dict[str, dict[str, Any]]:
    """The rows of a category, by id."""
    lines = (shared_data / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines) if row["category"] == category}


def stands(reference: str) -> bool:
    """Whether there is a test `file::name` in this folder."""
    file, _, name = reference.partition("::")
    return name in _names(TESTS / file)


@cache
def _names(file: Path) -> frozenset[str]:
    if not file.exists():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))
