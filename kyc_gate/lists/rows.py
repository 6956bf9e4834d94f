"""Tables of text: rows with the line that each ends on, cells by column name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from kyc_gate.errors import InputError
from kyc_gate.lists.reading import Problems

LONGEST_CELL = 2**20
"""Characters of one CSV cell; the longest list of addresses has about 20,000."""

Cells = list[str]


class Table:
    """The rows of one CSV or TSV text below its header; `columns` are the header's names, lower case."""

    def __init__(self, name: str, text: str, problems: Problems, skip: int = 0) -> None:
        """Read the header, after `skip` lines of preamble. Raises `InputError` when there is none.

        What parts the header's cells parts those of every row: a comma, a tab or a semicolon.
        """
        self.name = name
        self.problems = problems
        self._rows = numbered_rows(name, text, problems, _delimiter(text, skip))
        first: Cells = []
        for _ in range(skip + 1):
            first = next(self._rows, (0, []))[1]
        if not first:
            raise InputError(f"list `{name}`: there is no header; download it again")
        self.columns = [cell.strip().casefold() for cell in first]
        self.width = max((number for number, column in enumerate(self.columns, 1) if column), default=0)
        self._cut = not text.endswith(("\n", "\r"))

    def require(self, *columns: str) -> None:
        """Raise `InputError` unless the header has all of the columns: a renamed one must not pass for an empty one."""
        missing = [column for column in columns if column not in self.columns]
        if missing:
            raise InputError(f"list `{self.name}`: the header lacks the column `{missing[0]}`; download the file again")

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield each row that holds anything, with its line, as cells by column.

        One of another width is noted, and read as far as it goes: a row cut short still names somebody. Raises
        `InputError` when the last row breaks off: the rest of the list is missing.
        """
        waiting: tuple[int, Cells] | None = None
        for line, cells in self._rows:
            if waiting is not None:
                yield waiting[0], self._named(waiting)
            waiting = (line, cells)
        if waiting is not None:
            if self._cut and len(waiting[1]) < self.width:
                raise InputError(f"list `{self.name}`: cut short in line {waiting[0]}; download it again")
            yield waiting[0], self._named(waiting)

    def _named(self, row: tuple[int, Cells]) -> dict[str, str]:
        line, cells = row
        if not self.width <= len(cells) <= max(len(self.columns), self.width) and any(
            cells[self.width :] or [len(cells)]
        ):
            self.problems.add(f"line {line}", f"{len(cells)} cells where the header has {len(self.columns)}")
        return dict(zip(self.columns, cells, strict=False))


def _delimiter(text: str, skip: int) -> str:
    header = io.StringIO(text[: 1 << 16], newline="").readlines()[skip : skip + 1]
    return max(",\t;", key=header[0].count) if header else ","


def numbered_rows(name: str, text: str, problems: Problems, delimiter: str = ",") -> Iterator[tuple[int, Cells]]:
    """Yield each row that holds anything, with the line that it ends on. A cell beyond `LONGEST_CELL` is a problem.

    Raises `InputError` when the text ends inside a quoted cell.
    """
    csv.field_size_limit(LONGEST_CELL)
    stream = _Ended(text)
    rows = csv.reader(stream, delimiter=delimiter)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add(f"line {rows.line_num}", error)
            continue
        if row == [_SENTINEL]:
            return
        if stream.ended and row and row[-1].endswith(_SENTINEL):
            raise InputError(
                f"list `{name}`: cut short inside a quoted cell in line {rows.line_num}; download it again"
            )
        if any(cell and not cell.isspace() for cell in row):
            yield rows.line_num, row


_SENTINEL = "\ue0f0end\ue0f0"
"""Stands behind the last line; it becomes part of a cell only where a quotation was never closed."""


class _Ended:
    """The lines of a text, and behind them the sentinel."""

    def __init__(self, text: str) -> None:
        self._stream = io.StringIO(text, newline="")
        self.ended = False

    def __iter__(self) -> _Ended:
        return self

    def __next__(self) -> str:
        if self.ended:
            raise StopIteration
        line = self._stream.readline()
        if line:
            return line
        self.ended = True
        return _SENTINEL


def first_rows(text: str, delimiter: str = ",", count: int = 3) -> list[Cells]:
    """Return the first rows that hold anything, or fewer where the text cannot be read that far."""
    csv.field_size_limit(LONGEST_CELL)
    found: list[Cells] = []
    try:
        for row in csv.reader(io.StringIO(text[: 1 << 18], newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in row):
                found.append(row)
            if len(found) == count:
                break
    except csv.Error:
        pass
    return found


def split_list(text: str, separator: str = ";") -> list[str]:
    """Return the parts of a cell that holds several, without blanks."""
    return [part for part in (part.strip() for part in text.split(separator)) if part]


def padded(cells: Sequence[str], width: int) -> list[str]:
    """Return the cells, filled up to `width`."""
    return [*cells, *([""] * (width - len(cells)))]
