"""`kyc-gate log`."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from kyc_gate.cli.log import _followed
from kyc_gate.cli.main import main
from tests.telemetry.lines import line


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of four lines of the gate, and one of somebody else."""
    lines = [
        json.dumps({"timestamp": "2026-11-24T09:00:00+00:00", "level": "info", "event": "gate.opened"}),
        json.dumps(line()),
        json.dumps(line(decision_id="dec_2", outcome="allow", acted="pass", rules=[], share=0.01, milliseconds=0.4)),
        "\x1b[2J outcome=allow",
        json.dumps(line(decision_id="dec_3", outcome="block", rules=["sdn-match"], account="acct-9", share=0.2)),
    ]
    file = tmp_path / "gate.log"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param(["--outcome", "block"], ["dec_3"], id="outcome"),
        pytest.param(["--outcome", "block", "--outcome", "allow"], ["dec_2", "dec_3"], id="outcomes"),
        pytest.param(["--rule", "red-flag-28"], ["dec_1"], id="rule"),
        pytest.param(["--account", "acct-9"], ["dec_3"], id="account"),
        pytest.param(["--policy", "us-ai-diffusion", "--min-share", "0.2"], ["dec_1", "dec_3"], id="policy-and-share"),
        pytest.param(["--policy", "us-ai-diffusion@2"], [], id="other-revision"),
        pytest.param(["--slower", "1", "--decision", "dec_1"], ["dec_1"], id="slow"),
        pytest.param(
            ["--since", "2026-11-24T09:10", "--until", "2026-11-24T10:00Z"], ["dec_1", "dec_2", "dec_3"], id="when"
        ),
        pytest.param(["--since", "2d", "--outcome", "allow"], None, id="ago"),
        pytest.param(["SDN-match"], ["dec_3"], id="text"),
        pytest.param(
            ["--trace", "4bf92f3577b34da6a3ce929d0e0e4736", "--case", "case_1", "--party", "nobody"], [], id="all"
        ),
    ],
)
def test_grep_finds_what_is_asked(
    log: Path, capsys: pytest.CaptureFixture[str], asked: list[str], found: list[str] | None
) -> None:
    """Every filter must hold; what is piped on is JSON, a line each."""
    assert main(["log", "grep", *asked, "--input", str(log)]) == 0
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    if found is not None:
        assert [each["decision_id"] for each in lines] == found


@pytest.mark.parametrize("lines", ["--lines", "-n"])
def test_tail_shows_the_last_lines_for_people(lines: str, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last lines come in order, each on one line; what the gate did not write is marked and escaped."""
    assert main(["log", "tail", lines, "2", "--color", "never", "--input", str(log)]) == 0
    told = capsys.readouterr()
    foreign, last = told.out.splitlines()
    assert foreign == "? \\x1b[2J outcome=allow"
    assert last.split()[:2] == ["2026-11-24T09:14:02.113000+00:00", "BLOCK"]
    assert "operations=3.1e+25/1e+26(20%)" in last
    assert "rules=sdn-match" in last
    assert "1 lines are not the gate's" in told.err


def test_colours_are_for_terminals(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is coloured unless a terminal reads it, or it is asked for."""
    main(["log", "tail", "--color", "always", "--input", str(log)])
    assert "\x1b[31m" in capsys.readouterr().out
    main(["log", "tail", "--input", str(log)])
    assert "\x1b" not in capsys.readouterr().out


def test_a_followed_file_may_be_rotated(tmp_path: Path) -> None:
    """Lines that are appended come as they are whole, and a new file of the same name is read from its start."""
    file = tmp_path / "gate.log"
    file.write_text("one\n", encoding="utf-8")

    def write() -> None:
        time.sleep(0.05)
        with file.open("a", encoding="utf-8") as out:
            out.write("tw")
            out.flush()
            time.sleep(0.3)
            out.write("o\n")
        time.sleep(0.4)
        file.rename(tmp_path / "gate.log.1")
        file.write_text("three\n", encoding="utf-8")

    with file.open(encoding="utf-8") as source:
        lines = _followed(source, str(file))
        writer = threading.Thread(target=write)
        writer.start()
        assert [next(lines) for _ in range(3)] == ["one\n", "two\n", "three\n"]
        writer.join()
        lines.close()  # type: ignore[attr-defined]


def test_export_writes_one_event_a_line(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """OCSF tells decisions only; CloudEvents tell every line of the gate."""
    assert main(["log", "export", "--format", "ocsf", "--input", str(log)]) == 0
    classes = [json.loads(text)["class_uid"] for text in capsys.readouterr().out.splitlines()]
    assert classes == [6003, 2003, 6003, 2003, 6003, 2003]
    assert main(["log", "export", "--format", "cloudevents", "--input", str(log)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_a_time_that_is_none_is_a_mistake(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The option and the ways to write a time are named."""
    with pytest.raises(SystemExit) as left:
        main(["log", "grep", "--since", "yesterday", "--input", str(log)])
    assert left.value.code == 2
    assert "`--since`: `yesterday` is no time" in capsys.readouterr().err
