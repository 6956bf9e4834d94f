"""What the strict reader lets pass, JavaScript's JSON.parse and Go's encoding/json read as the same document."""

from __future__ import annotations

import base64
import json
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kyc_gate.adapters.strict_json import read_json
from kyc_gate.errors import RefusedCall

LONG = 50_000
"""Documents that the long versions try."""

# Each line is a document in base64; the answer is the document with a number as the bits of its double, an object as
# its members in order of name, or `null` where it is refused.
_NODE = r"""
const bits = (x) => { const b = Buffer.alloc(8); b.writeDoubleBE(x); return b.toString('hex'); };
const told = (x) => typeof x === 'number' ? {n: bits(x)} : Array.isArray(x) ? x.map(told)
  : x && typeof x === 'object' ? {o: Object.keys(x).map((k) => [k, told(x[k])])} : x;
require('readline').createInterface({input: process.stdin}).on('line', (line) => {
  let out = {bad: 1};
  try { out = told(JSON.parse(Buffer.from(line, 'base64').toString('utf8'))); } catch (e) {}
  process.stdout.write(JSON.stringify(out) + '\n');
});
"""
_GO = r"""
package main

import ("bufio"; "encoding/base64"; "encoding/json"; "fmt"; "math"; "os")

func told(x interface{}) interface{} {
	switch v := x.(type) {
	case float64:
		return map[string]interface{}{"n": fmt.Sprintf("%016x", math.Float64bits(v))}
	case []interface{}:
		out := make([]interface{}, 0)
		for _, each := range v { out = append(out, told(each)) }
		return out
	case map[string]interface{}:
		out := make([]interface{}, 0)
		for k, each := range v { out = append(out, []interface{}{k, told(each)}) }
		return map[string]interface{}{"o": out}
	}
	return x
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1 << 20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		line, err := in.ReadString('\n')
		if err != nil { return }
		raw, _ := base64.StdEncoding.DecodeString(line[:len(line)-1])
		var found interface{}
		if json.Unmarshal(raw, &found) != nil { out.Encode(map[string]int{"bad": 1}); continue }
		out.Encode(told(found))
	}
}
"""

Reader = Callable[[bytes], Any]


def _reader(command: list[str]) -> Iterator[Reader]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None

    def read(document: bytes) -> Any:
        process.stdin.write(base64.b64encode(document) + b"\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        return json.loads(process.stdout.readline())  # type: ignore[union-attr]

    yield read
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


@pytest.fixture(scope="module")
def javascript() -> Iterator[Reader]:
    """JSON.parse, in one process for all documents."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    yield from _reader(["node", "-e", _NODE])


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """encoding/json, compiled once."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    folder = tmp_path_factory.mktemp("go")
    (folder / "main.go").write_text(_GO)
    environment = {"GOCACHE": str(folder / "cache"), "HOME": str(folder), "PATH": "/usr/bin:/bin:/usr/local/go/bin"}
    subprocess.run(["go", "build", "-o", "reader", "main.go"], cwd=folder, env=environment, check=True, timeout=900)
    yield from _reader([str(Path(folder, "reader"))])


def told(value: object) -> Any:
    """A document as the other readers tell it, members in order of name."""
    if isinstance(value, dict):
        return {"o": sorted([name, told(each)] for name, each in value.items())}
    if isinstance(value, list):
        return [told(each) for each in value]
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        # Nothing is asked for by minus nought either.
        return {"n": struct.pack(">d", float(value) or 0.0).hex()}
    return value


def ordered(value: Any) -> Any:
    if isinstance(value, list):
        return [ordered(each) for each in value]
    if value == {"n": "8000000000000000"}:
        return {"n": "0000000000000000"}
    if isinstance(value, dict) and "o" in value:
        return {"o": sorted([name, ordered(each)] for name, each in value["o"])}
    return value


_PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
_PIECES = st.sampled_from(
    [
        '"',
        "\\",
        "\\u0041",
        "\\ud83d\\ude00",
        "\\ud83d",
        "\\u0000",
        "\\/",
        "\\x41",
        "\t",
        "\x00",
        "\u2028",
        "\ufeff",
        " ",
        ",",
        ":",
        "{",
        "}",
        "[",
        "]",
        "//",
        "/*",
        "'",
        "NaN",
        "Infinity",
        "-0",
        "01",
        "1.",
        ".5",
        "1e5",
        "1E400",
        "+1",
        "0x1",
        '"a":1',
        '"A":2',
        '"a":1,"a":2',
        '"__proto__":{}',
        "true",
        "True",
        "null",
        "é",
        "é",
        "ſ",
        "K",
        "9007199254740993",
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A document as some writer writes it, with up to three pieces of text put in, in some encoding."""
    text = json.dumps(draw(_PLAIN), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, None, 1])))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 1))
        text = text[:at] + draw(_PIECES) + text[at + cut :]
    if draw(st.integers(0, 9)):
        return text.encode("utf-8", "surrogatepass")
    return draw(
        st.sampled_from(["utf-8-sig", "utf-16", "utf-16-le", "latin-1"]).map(lambda name: text.encode(name, "replace"))
    )


def check(read: Reader, document: bytes) -> None:
    """Fail where the strict reader takes a document that another refuses, or reads otherwise."""
    try:
        mine = read_json(document)
    except RefusedCall:
        return
    assert ordered(read(document)) == told(mine), document


_FEW = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
_MANY = settings(max_examples=LONG, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@given(document=documents())
@_FEW
def test_javascript_reads_the_same(javascript: Reader, document: bytes) -> None:
    """Of a document that passes JSON.parse has the same members, texts and numbers."""
    check(javascript, document)


@pytest.mark.long
@given(document=documents())
@_MANY
def test_javascript_reads_the_same_of_many(javascript: Reader, document: bytes) -> None:
    """The same over many more."""
    check(javascript, document)


@pytest.mark.long
@given(document=documents())
@_MANY
def test_go_reads_the_same_of_many(go: Reader, document: bytes) -> None:
    """Of a document that passes encoding/json has the same members, texts and numbers."""
    check(go, document)


@pytest.mark.parametrize(
    "document",
    [b'{"a":1,"a":2}', b'{"a":1,"A":2}', b'"\\ud83d"', b"\xef\xbb\xbf{}", b"NaN", b'{"__proto__":{"a":1}}', b"01"],
)
def test_what_readers_read_otherwise_does_not_pass(document: bytes) -> None:
    """Documents with two readings are refused; without that, the comparison would fail on them."""
    with pytest.raises(RefusedCall):
        read_json(document)
