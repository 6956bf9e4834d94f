"""The operator's commands: cases, parties, ledger, audit and doctor, over the state of a gate."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from kyc_gate import Gate
from kyc_gate.cli.demo_world import write_world
from kyc_gate.model.call import Call
from kyc_gate.service.admission import Admission

from .conftest import Ran

LARGE = {"accelerator": "H100", "count": 16_384, "duration_hours": 720, "workload": "pre_training"}
SMALL = {**LARGE, "count": 8}


def sent(config: Path, account: str, body: dict[str, object]) -> Admission:
    """Send one call to a gate of its own and return what came of it."""

    async def send() -> Admission:
        call = Call(
            method="POST",
            raw_path=b"/v1/clusters",
            headers=(
                (b"host", b"cloud.example"),
                (b"content-type", b"application/json"),
                (b"x-account-id", account.encode()),
            ),
            body=json.dumps(body).encode(),
        )
        async with Gate.from_config(config) as gate:
            assert gate.guards(call)
            return await gate.admit(call)

    return asyncio.run(send())


@pytest.fixture
def kyc_gate(called: Callable[..., Ran]) -> Callable[..., Ran]:
    """The command, in this process."""
    return called


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gate that held one request and allowed another."""
    folder = tmp_path_factory.mktemp("world")
    path = write_world(folder, port=0, upstream="http://127.0.0.1:9")
    # A busy machine may take seconds over the first decision of a process.
    patient = path.read_text(encoding="utf-8").replace("[gate]", "[gate]\ndecision_seconds = 20", 1)
    path.write_text(patient, encoding="utf-8")
    assert sent(path, "qasr", LARGE).case_id is not None
    assert sent(path, "fjordlys", SMALL).answer is None
    return folder


@pytest.fixture
def config(tmp_path: Path, world: Path) -> Path:
    """The configuration of that gate, in a copy of its folder."""
    shutil.copytree(world, tmp_path, dirs_exist_ok=True)
    return tmp_path / "kyc-gate.toml"


def test_a_case_is_listed_shown_approved_and_passes_once(config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """An approved case is a grant: the same request passes once, and then waits again; nobody approves twice."""
    (case,) = kyc_gate("cases", "list", "--config", str(config), "--json").rows
    assert case["state"] == "open"
    assert case["rules"] == ["red-flag-28"]
    (shown,) = kyc_gate("cases", "show", case["id"], "--config", str(config), "--json").rows
    assert shown["decisions"][0]["decision"]["outcome"] == "escalate"

    approve = ("cases", "approve", case["id"], "--config", str(config), "--reviewer", "R. Viewer", "--note", "licence")
    ran = kyc_gate(*approve, "--expires-hours", "2", "--json")
    assert ran.status == 0, ran.err
    (grant,) = ran.rows[0]["grants"]
    assert grant["uses_left"] == 1
    assert grant["reviewer"] == "R. Viewer"
    again = kyc_gate(*approve)
    assert again.status == 1
    assert again.err.count("\n") == 1

    assert sent(config, "qasr", {**LARGE, "count": 16_385}).answer is not None
    assert sent(config, "qasr", LARGE).answer is None
    assert sent(config, "qasr", LARGE).answer is not None
    assert kyc_gate("audit", "verify", "--config", str(config)).status == 0


def test_what_is_approved_is_what_was_read(config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """A version that is no longer the case's approves nothing; without one the case is printed, and that is decided."""
    (case,) = kyc_gate("cases", "list", "--config", str(config), "--json").rows
    header, row = kyc_gate("cases", "list", "--config", str(config)).out.splitlines()
    assert (header.split()[1], row.split()[1]) == ("version", str(case["version"]))
    of = (case["id"], "--config", str(config), "--note", "licence")
    stale = kyc_gate("cases", "propose", case["id"], "approve", *of[1:], "--version", str(case["version"] + 1))
    assert (stale.status, "changed since you read it" in stale.err) == (1, True)
    proposed = kyc_gate("cases", "propose", case["id"], "approve", *of[1:], "--reviewer", "ana", "--budget", "2e25")
    assert f"{case['id']}, version {case['version']}: escalate" in proposed.out
    stale = kyc_gate("cases", "approve", *of, "--reviewer", "bo", "--version", str(case["version"]))
    assert (stale.status, "changed since you read it" in stale.err) == (1, True)
    approved = kyc_gate("cases", "approve", *of, "--reviewer", "bo", "--json")
    assert approved.rows[0]["grants"][0]["budget"] == 2 * 10**25
    assert f"version {case['version'] + 1}" in approved.err
    assert "proposed  by ana: approve, benign, 2.00e+25 operations" in approved.err


def test_a_grant_too_small_does_not_pass(config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """A budget below the request's ceiling lets nothing through."""
    (case,) = kyc_gate("cases", "list", "--config", str(config), "--json").rows
    ran = kyc_gate(
        "cases", "approve", case["id"], "--config", str(config), "--note", "a little", "--budget", "1e20", "--json"
    )
    assert ran.rows[0]["grants"][0]["budget"] == 10**20
    assert sent(config, "qasr", LARGE).answer is not None


def test_a_rejected_case_stays_refused(config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """A rejected case gives no grant."""
    (case,) = kyc_gate("cases", "list", "--config", str(config), "--json").rows
    assert kyc_gate("cases", "reject", case["id"], "--config", str(config), "--note", "no licence").status == 0
    assert kyc_gate("cases", "list", "--config", str(config), "--json").rows == []
    (rejected,) = kyc_gate("cases", "list", "--config", str(config), "--state", "rejected", "--json").rows
    assert rejected["note"] == "no licence"
    assert sent(config, "qasr", LARGE).answer is not None


@pytest.mark.parametrize("step", ["show", "approve", "reject"])
def test_a_case_that_is_not_there_is_one_line(step: str, config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """An unknown case id is an error of one line that says where the ids are."""
    note = () if step == "show" else ("--note", "n")
    ran = kyc_gate("cases", step, "case_0", "--config", str(config), *note)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "kyc-gate: there is no case `case_0`; `kyc-gate cases list` shows those that wait\n"


def test_a_table_for_people(config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """Without `--json`, cases and parties are tables with a header."""
    header, row = kyc_gate("cases", "list", "--config", str(config)).out.splitlines()
    assert header.split()[0] == "case"
    assert "red-flag-28" in row
    assert "Fjordlys" in kyc_gate("parties", "list", "--config", str(config)).out


def test_the_ledger_shows_what_is_held(config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """Only what was let through counts: the held request gave its hold back."""
    rows = kyc_gate("ledger", "show", "--config", str(config), "--json").rows
    used = {row["control_group"]: row["likely"] for row in rows if row["likely"]}
    assert len(used) == 1
    # 8 chips x 30 days x 989.4e12 dense 16-bit operations a second x 0.33
    assert next(iter(used.values())) == pytest.approx(8 * 30 * 86_400 * 989.4e12 * 0.33, rel=1e-6)


def test_a_party_is_shown_against_the_lines_of_the_policies(
    tmp_path: Path, config: Path, kyc_gate: Callable[..., Ran]
) -> None:
    """A party's days, the lines it nears and the days on which it will reach them, as data and as a chart."""
    chart = tmp_path / "chart.svg"
    (row,) = kyc_gate("ledger", "show", "fjordlys", "--config", str(config), "--chart", str(chart), "--json").rows
    assert sum(day["likely"] for day in row["days"]) == row["likely"] > 0
    lines = {line["line"]: line for line in row["lines"]}
    assert lines["us-ai-diffusion.approach"]["operations"] == 10**25
    assert lines["us-ai-diffusion.frontier_operations"]["crossed"] is None
    assert chart.read_text(encoding="utf-8").startswith("<svg")
    table = kyc_gate("ledger", "show", "fjordlys", "--config", str(config))
    assert "at the pace of four weeks, or of what goes on" in table.out


def test_a_chart_is_of_one_party_and_a_known_kind(config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """A chart of nobody, and one in an unknown format, are refused in one line; so is a name without usage."""
    assert kyc_gate("ledger", "show", "--config", str(config), "--chart", "x.svg").status == 2
    assert kyc_gate("ledger", "show", "fjordlys", "--config", str(config), "--chart", "x.gif").status == 2
    unknown = kyc_gate("ledger", "show", "nobody", "--config", str(config))
    assert unknown.status == 1
    assert "holds nothing" in unknown.err


def test_a_training_report_is_drafted(tmp_path: Path, config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """The draft tells the runs on record, as data and as a page."""
    (report,) = kyc_gate("report", "training-run", "fjordlys", "--config", str(config)).rows
    assert report["draft"] is True
    assert [run["machines"] for run in report["runs"]] == [["8 x H100"]]
    page = tmp_path / "report.html"
    kyc_gate("report", "training-run", "fjordlys", "--config", str(config), "--output", str(page))
    assert "DRAFT." in page.read_text(encoding="utf-8")
    unknown = kyc_gate("report", "training-run", "nobody", "--config", str(config))
    assert unknown.status == 1
    assert "no party `nobody`" in unknown.err


def test_an_export_verifies_and_a_change_is_found(tmp_path: Path, config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """The exported chain verifies; with one word changed, or its end cut off, it does not."""
    file = tmp_path / "audit.jsonl"
    assert kyc_gate("audit", "export", "--config", str(config), "--output", str(file)).status == 0
    verified = kyc_gate("audit", "verify", "--input", str(file), "--json").rows[0]
    assert verified["verified"] is True
    assert verified["records"] >= 2
    assert kyc_gate("audit", "export", "--config", str(config), "--output", str(file)).status == 1

    lines = file.read_text(encoding="ascii").splitlines(keepends=True)
    (tmp_path / "cut.jsonl").write_text("".join(lines[:-1]), encoding="ascii")
    assert kyc_gate("audit", "verify", "--input", str(tmp_path / "cut.jsonl")).status == 0
    ran = kyc_gate("audit", "verify", "--input", str(tmp_path / "cut.jsonl"), "--head", verified["head"], "--json")
    assert (ran.status, ran.rows[0]["verified"]) == (1, False)

    (tmp_path / "changed.jsonl").write_text("".join(lines).replace("escalate", "allow", 1), encoding="ascii")
    ran = kyc_gate("audit", "verify", "--input", str(tmp_path / "changed.jsonl"))
    assert ran.status == 1
    assert "was changed" in ran.err


def test_parties_are_imported_whole_or_not_at_all(tmp_path: Path, config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """A file with a bad line changes nothing and names the line; a good one adds its parties."""
    file = tmp_path / "more.jsonl"
    file.write_text('{"id": "n1", "name": "Nordavind AS", "aliases": ["Nordavind"]}\n{"id": "n2", "nmae": "X"}\n')
    ran = kyc_gate("parties", "import", str(file), "--config", str(config))
    assert ran.status == 1
    assert "line 2: field `nmae` is not known; did you mean `name`?" in ran.err
    assert "n1" not in kyc_gate("parties", "list", "--config", str(config)).out
    file.write_text('# new\n{"id": "n1", "name": "Nordavind AS", "aliases": ["Nordavind"]}\n')
    assert kyc_gate("parties", "import", str(file), "--config", str(config), "--json").rows == [
        {"parties": 1, "accounts": 0}
    ]
    assert "n1" in kyc_gate("parties", "list", "--config", str(config)).out


def test_what_a_file_leaves_out_is_told(tmp_path: Path, config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """Each party has a line with what its file leaves out."""
    file = tmp_path / "more.jsonl"
    party = {
        "id": "n1",
        "name": "Nordavind AS",
        "kind": "company",
        "headquarters": "Norway",
        "trade_names": [],
        "jurisdiction": "Norway",
        "beneficial_owners": [{"name": "A Person", "us_person": False}],
        "payment_sources": ["account-1"],
        "phone": "+4755555555",
        "access": [{"ip": "192.0.2.1", "at": "2026-01-01T00:00:00Z"}],
    }
    file.write_text(json.dumps(party) + "\n", encoding="utf-8")
    assert kyc_gate("parties", "import", str(file), "--config", str(config)).status == 0
    rows = kyc_gate("parties", "missing", "--config", str(config), "--json").rows
    (row,) = [row for row in rows if row["party"] == "n1"]
    assert row == {"party": "n1", "missing": ["address", "email", "place_of_use"], "us_persons": False}
    assert "address, email, place_of_use" in kyc_gate("parties", "missing", "--config", str(config)).out


def test_no_state_is_made_by_asking(tmp_path: Path, kyc_gate: Callable[..., Ran]) -> None:
    """A question about a store that does not exist is an error, and makes none."""
    config = write_world(tmp_path, port=0, upstream="http://127.0.0.1:9")
    ran = kyc_gate("cases", "list", "--config", str(config))
    assert ran.status == 1
    assert "does not exist" in ran.err
    assert not (tmp_path / "kyc-gate.db").exists()


def test_the_doctor_finds_nothing_wrong_and_what_is(tmp_path: Path, config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """A sound gate passes every check; a misspelt key, a missing list and a broken store are named."""
    sound = kyc_gate("doctor", "--config", str(config), "--json")
    assert sound.status == 0
    assert {"python", "config", "policy", "lists", "store", "clock"} <= {row["check"] for row in sound.rows}
    assert not [row for row in sound.rows if row["state"] == "fail"]

    text = config.read_text(encoding="utf-8")
    misspelt = tmp_path / "misspelt.toml"
    misspelt.write_text(text.replace("[lists]", "[list]"), encoding="utf-8")
    ran = kyc_gate("doctor", "--config", str(misspelt))
    assert ran.status == 1
    assert "did you mean `lists`?" in ran.out

    unscreened = tmp_path / "unscreened.toml"
    unscreened.write_text(text.replace('files = ["csl_excerpt.csv"]', "files = []"), encoding="utf-8")
    ran = kyc_gate("doctor", "--config", str(unscreened), "--json")
    assert ran.status == 1
    assert [row["check"] for row in ran.rows if row["state"] == "fail"] == ["lists"]


def test_the_doctor_finds_a_changed_record(config: Path, kyc_gate: Callable[..., Ran]) -> None:
    """A record changed in the store fails the check of the store, and the verification of the chain."""
    database = sqlite3.connect(config.parent / "kyc-gate.db")
    # The store's own triggers stop an honest mistake; whoever changes a record on purpose removes them first.
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{name}"')
    database.execute("UPDATE records SET body = replace(body, 'escalate', 'allow')")
    database.commit()
    database.close()
    assert kyc_gate("audit", "verify", "--config", str(config)).status == 1
    assert kyc_gate("doctor", "--config", str(config)).status == 1


def test_doctor_without_configuration_checks_the_installation(kyc_gate: Callable[..., Ran]) -> None:
    """Without `--config`, versions and shipped policies are checked."""
    ran = kyc_gate("doctor", "--json")
    assert ran.status == 0
    assert {row["check"] for row in ran.rows} >= {"python", "policy"}
