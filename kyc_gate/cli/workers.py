"""Input lines shared among processes; answers come out in the order of the lines."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from itertools import islice

from kyc_gate.cli.lines import Answered, Row, answer_line, numbered_lines, print_answers

Answer = Callable[[Row], dict[str, object]]
_Piece = list[tuple[int, bytes]]

LINES = 100
"""Lines that a process takes at once: a tenth of a second of work."""

_answer: list[Answer] = []


def answer_lines_with_workers(source: str, answer: Answer, workers: int) -> int:
    """Print the answer to each line of `source`, worked out by `workers` processes, and return the exit status.

    Where the system can fork, the processes share the memory of `answer`.
    """
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else None)
    with context.Pool(workers, _start, (answer,)) as pool:
        found = (one for piece in pool.imap(_answered, _pieces(source)) for one in piece)
        return print_answers(source, found, counting="screened")


def _start(answer: Answer) -> None:
    _answer[:] = [answer]


def _answered(piece: _Piece) -> list[Answered]:
    return [answer_line(number, line, _answer[0]) for number, line in piece]


def _pieces(source: str) -> Iterator[_Piece]:
    lines = numbered_lines(source)
    while piece := list(islice(lines, LINES)):
        yield piece
