"""`python -m benchmarks [NAME ...]`: run every benchmark of this folder, or those named, one after another."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Run the benchmarks and return the exit status."""
    known = sorted(each.name for each in pkgutil.iter_modules([str(Path(__file__).parent)]) if each.name[0] != "_")
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(known)}"
            print(f"benchmarks: there is no benchmark `{name}`{hint}", file=sys.stderr)
            return 2
    for name in names or known:
        print(f"== {name}")
        importlib.import_module(f"benchmarks.{name}").main()
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
