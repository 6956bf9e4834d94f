"""XML lists, read in one pass: a record at a time, without entities, document types or unbounded depth."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from xml.parsers import expat

from kyc_gate.errors import InputError

DEEPEST = 64
"""Elements within elements; SDN_ADVANCED.XML has 12."""

LARGEST_RECORD = 1_000_000
"""Elements in one record, or outside of all records; the largest real ones have some thousands."""

LARGEST_TEXT = 8 * 2**20
"""Characters of one element; the longest real remarks have some thousands."""

_CHUNK = 1 << 20


class Node:
    """An element: its name without namespace, attributes, own text, children, and the line that it starts on."""

    __slots__ = ("attributes", "children", "line", "tag", "text")

    def __init__(self, tag: str, attributes: Mapping[str, str], line: int) -> None:
        """Start an element without text or children."""
        self.tag = tag
        self.attributes = attributes
        self.line = line
        self.text = ""
        self.children: list[Node] = []

    def get(self, name: str) -> str:
        """Return an attribute, or an empty text."""
        return self.attributes.get(name, "")

    def all(self, *path: str) -> Iterator[Node]:
        """Yield the elements at the end of `path`, a name for each step down."""
        for child in self.children:
            if child.tag == path[0]:
                if len(path) == 1:
                    yield child
                else:
                    yield from child.all(*path[1:])

    def first(self, *path: str) -> str:
        """Return the text of the first element at `path` that has any, or an empty text."""
        return next((text for node in self.all(*path) if (text := node.text.strip())), "")

    def texts(self, *path: str) -> list[str]:
        """Return the texts of the elements at `path` that have any."""
        return [text for node in self.all(*path) if (text := node.text.strip())]


class _Refused(Exception):
    """The document has what no published list has."""


class _Reader:
    """Builds one record after another and hands each over as soon as it ends."""

    def __init__(self, records: frozenset[str], found: Callable[[Node, tuple[str, ...]], None]) -> None:
        self.parser = expat.ParserCreate(encoding="utf-8")
        self.parser.buffer_text = True
        self.parser.buffer_size = _CHUNK
        self.parser.ordered_attributes = False
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.records = records
        self.found = found
        self.open: list[str] = []
        self.nodes: list[Node] = []
        self.size = 0

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        self.open.append(tag)
        if len(self.open) > DEEPEST:
            raise _Refused(f"more than {DEEPEST} elements within each other")
        if self.nodes or tag in self.records or len(self.open) == 1:
            node = Node(tag, attributes, self.parser.CurrentLineNumber)
            if self.nodes:
                self.nodes[-1].children.append(node)
                self.size += 1
                if self.size > LARGEST_RECORD:
                    raise _Refused(f"a record of more than {LARGEST_RECORD} elements")
            if len(self.open) == 1:
                self.found(node, ())
                if tag not in self.records:
                    return
            self.nodes.append(node)

    def _text(self, text: str) -> None:
        if self.nodes:
            node = self.nodes[-1]
            if len(node.text) + len(text) > LARGEST_TEXT:
                raise _Refused(f"an element of more than {LARGEST_TEXT} characters")
            node.text += text

    def _end(self, _: str) -> None:
        self.open.pop()
        if self.nodes:
            node = self.nodes.pop()
            if not self.nodes:
                self.size = 0
                self.found(node, tuple(self.open))

    @staticmethod
    def _doctype(*_: object) -> None:
        raise _Refused("a document type, through which entities come")


def read_records(name: str, text: str, records: frozenset[str], found: Callable[[Node, tuple[str, ...]], None]) -> None:
    """Call `found` with the root (its attributes only), then with each element in `records` and the names above it.

    Raises `InputError` when the text is not well-formed, is cut short, or has what no published list has. Nothing is
    ever fetched, and no entity expanded but the five that XML itself defines.
    """
    reader = _Reader(records, found)
    try:
        for start in range(0, len(text), _CHUNK):
            reader.parser.Parse(text[start : start + _CHUNK].encode("utf-8", "surrogatepass"), False)
        reader.parser.Parse(b"", True)
    except _Refused as problem:
        line = reader.parser.CurrentLineNumber
        raise InputError(f"list `{name}`: line {line} has {problem}; no published list does") from problem
    except expat.ExpatError as error:
        where = f"line {error.lineno}: {expat.ErrorString(error.code)}"
        cut = bool(reader.open) and error.code in _CUT
        fix = "the XML is cut short; download it again" if cut else "the XML is damaged; download it again"
        raise InputError(f"list `{name}`: {fix} ({where})") from error


_CUT = frozenset(
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
)


def root_of(name: str, text: str) -> Node:
    """Return the root element with its attributes. Raises `InputError` when there is none."""
    roots: list[Node] = []

    class _Enough(Exception):
        pass

    def first(node: Node, _: tuple[str, ...]) -> None:
        roots.append(node)
        raise _Enough

    with contextlib.suppress(_Enough):
        read_records(name, text[: 1 << 16], frozenset(), first)
    return roots[0]
