"""`kyc-gate policy test`: the cases beside policies, what they try, and what they only just miss."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from kyc_gate.cli.output import UsageError, add_json, complain, print_json, printable
from kyc_gate.cli.policies import policy_folders, shipped
from kyc_gate.decide.cases import CaseResult, run_case
from kyc_gate.errors import PolicyError
from kyc_gate.model.record import Record, plain
from kyc_gate.policy.cases import PolicyCase, read_cases
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.tuning.coverage import Coverage, coverage
from kyc_gate.tuning.nearest_change import Change, nearest_changes
from kyc_gate.tuning.told import change_told

POLL_SECONDS = 0.5
"""How often `--watch` looks at the files."""

NEAREST = 3
"""Near misses that are told of one case."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("folders", metavar="DIR", nargs="*", help="policy folders (default: the shipped policies)")
    parser.add_argument("--near", action="store_true", help="tell of each case what would have to change")
    parser.add_argument("--coverage", action="store_true", help="tell what no case tries")
    parser.add_argument(
        "--fail-under", metavar="PERCENT", type=float, help="fail when cases try less than this of each policy"
    )
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write the results as JUnit XML, too")
    parser.add_argument("--watch", action="store_true", help="run again whenever a file changes, until interrupted")
    add_json(parser)


class _Tested(Record):
    """The cases of one policy with their results, what they try, and how long they took."""

    folder: str
    cases: tuple[PolicyCase, ...]
    results: tuple[CaseResult, ...]
    coverage: Coverage
    seconds: float

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The cases that fail."""
        return tuple(result for result in self.results if not result.passed)


def run(options: argparse.Namespace) -> int:
    """Run the cases of each policy; the status is 1 when one fails, there are none, or they try too little."""
    if options.fail_under is not None and not 0 <= options.fail_under <= 100:
        raise UsageError("`--fail-under` must be a number from 0 to 100")
    folders = [folder for name in options.folders for folder in policy_folders(name)] or shipped()
    if options.watch:
        return _watch(folders, options)
    return _run(folders, options)


def _run(folders: Sequence[Path], options: argparse.Namespace) -> int:
    tested = [_tested(folder) for folder in folders]
    if options.junit is not None:
        options.junit.write_bytes(_junit(tested))
    return max(_show(one, options) for one in tested)


def _watch(folders: Sequence[Path], options: argparse.Namespace) -> int:
    """Run whenever a file changes. Ends with an interrupt alone; a policy with an error is told and waited for."""
    before: object = None
    while True:
        now = _state(folders)
        if now != before:
            before = now
            try:
                _run(folders, options)
            except PolicyError as error:
                complain(str(error))
            print(flush=True)
        time.sleep(POLL_SECONDS)


def _state(folders: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Name, time and size of every file that the policies may rest on: theirs, and all beside them."""
    roots = {folder.resolve().parent for folder in folders} | {shipped_policies()}
    found = []
    for path in sorted({path for root in roots for path in root.glob("*/*.toml")}):
        try:
            stat = path.stat()
        except FileNotFoundError:  # an editor puts a new file in the place of the old one
            continue
        found.append((str(path), stat.st_mtime_ns, stat.st_size))
    return found


def _tested(folder: Path) -> _Tested:
    started = time.perf_counter()
    cases = read_cases(folder)
    return _Tested(
        folder=str(folder),
        cases=cases,
        results=tuple(run_case(case) for case in cases),
        coverage=coverage(read_policy(folder), cases, folder.resolve().name),
        seconds=time.perf_counter() - started,
    )


def _show(tested: _Tested, options: argparse.Namespace) -> int:
    percent = tested.coverage.percent
    too_little = options.fail_under is not None and percent < options.fail_under
    for case, result in zip(tested.cases, tested.results, strict=True):
        near = _near(case) if options.near or not result.passed else ()
        if options.json:
            told = {"near": [plain(change) for change in near]} if near else {}
            print_json({"policy": tested.folder, **plain(result), **told})
        elif options.near or not result.passed:
            print(printable(str(result)))
            for change in near:
                print(printable(f"  {change_told(change)}"))
    if options.json:
        if options.coverage or options.fail_under is not None:
            missing = [plain(aim) for aim in tested.coverage.missing]
            print_json({"policy": tested.folder, "coverage": round(percent, 2), "missing": missing})
    else:
        for line in _summary(tested, wants_missing=options.coverage or too_little):
            print(printable(line))
        if too_little:
            print(f"{tested.folder}: {percent:.1f} % is less than the {options.fail_under:g} % asked for")
    if not tested.results:
        complain(f"{tested.folder}: there are no cases; write some to `policy.cases.toml` beside the policy")
    return 1 if tested.failed or not tested.results or too_little else 0


def _summary(tested: _Tested, *, wants_missing: bool) -> Iterator[str]:
    if wants_missing:
        yield from (f"{tested.folder}: {aim}" for aim in tested.coverage.missing)
    passed = len(tested.results) - len(tested.failed)
    aims = len(tested.coverage.aims)
    tried = aims - len(tested.coverage.missing)
    yield (
        f"{tested.folder}: {passed} of {len(tested.results)} cases pass; "
        f"they try {tried} of {aims} answers, lines and dates of its rules ({tested.coverage.percent:.1f} %)"
    )


def _near(case: PolicyCase) -> tuple[Change, ...]:
    return nearest_changes(case.facts, [case.policy], most=NEAREST)


def _junit(tested: Sequence[_Tested]) -> bytes:
    """The results in the XML that build servers read, a suite for each policy."""
    root = ElementTree.Element("testsuites")
    for one in tested:
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=Path(one.folder).name,
            tests=str(len(one.results)),
            failures=str(len(one.failed)),
            time=f"{one.seconds:.3f}",
        )
        for result in one.results:
            case = ElementTree.SubElement(suite, "testcase", classname=result.file, name=_legal(result.name))
            if not result.passed:
                ElementTree.SubElement(case, "failure", message=_legal(str(result)))
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _legal(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return "".join(char if char.isprintable() else " " for char in text)
