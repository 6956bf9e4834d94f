"""Run by `.venv-peers`: reads pairs of names on standard input, writes the scores of nomenklatura's algorithms.

Each input line is `{"query": [names], "target": [names], "schema": "Person" | "LegalEntity"}`; each output line an object
of score by algorithm. The project itself never imports this.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> None:
    """Score every pair."""
    from followthemoney import EntityProxy, model
    from nomenklatura.matching import get_algorithm
    from nomenklatura.matching.types import ScoringConfig

    algorithms = {name: get_algorithm(name) for name in ("logic-v1", "logic-v2")}
    configs = {name: ScoringConfig.defaults() for name in algorithms}
    known: dict[tuple[str, ...], Any] = {}

    def entity(names: list[str], schema: str) -> Any:
        key = (schema, *names)
        if key not in known:
            known[key] = EntityProxy.from_dict(
                {"id": f"x-{len(known)}", "schema": schema, "properties": {"name": names}}
            )
        return known[key]

    assert model is not None
    for line in sys.stdin:
        row = json.loads(line)
        schema = row["schema"]
        query, target = entity(row["query"], schema), entity(row["target"], schema)
        scores = {
            name: algorithm.compare(query, target, configs[name]).score
            for name, algorithm in algorithms.items()
            if algorithm
        }
        print(json.dumps(scores), flush=False)


if __name__ == "__main__":
    main()
