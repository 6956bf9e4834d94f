"""`/metrics` and the example alerts, read by Prometheus' own tool. It is 96 MB, and so these tests are `long`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which

import aiohttp
import pytest
import yaml
from gates import job, make_gate
from wire import served

from kyc_gate.api.app import api_app
from kyc_gate.model.call import Call

ALERTS = Path(__file__).parents[2] / "examples" / "monitoring" / "alerts.yaml"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(which("promtool") is None, reason="promtool is not installed: apt install prometheus"),
]


def promtool(*arguments: str, given: str = "") -> None:
    """Run it, and fail with what it says."""
    ran = subprocess.run(["promtool", *arguments], input=given, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr == ""


async def test_promtool_finds_no_fault_with_the_metrics(tmp_path: Path) -> None:
    """After decisions of each outcome the text parses, and every name, unit and help is as Prometheus wants it."""
    async with make_gate(tmp_path) as gate:
        for account in ("acct-norge", "acct-emirate", "acct-harbin", "acct-nobody"):
            headers = (
                (b"host", b"cloud.example"),
                (b"x-account", account.encode()),
                (b"content-type", b"application/json"),
            )
            await gate.admit(Call(method="POST", raw_path=b"/v1/training-jobs", headers=headers, body=job(8_192, 720)))
        async with (
            served(api_app(gate, [])) as port,
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/metrics") as answer,
        ):
            text = await answer.text()
    assert 'outcome="block"' in text
    promtool("check", "metrics", given=text)


def test_promtool_finds_no_fault_with_the_alerts() -> None:
    """Every rule of the example parses, and none is there twice."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(ALERTS))


@pytest.mark.parametrize(
    ("alert", "series", "labels"),
    [
        pytest.param("KYCGateDown", 'up{job="kyc-gate"}', {"job": "kyc-gate"}, id="down"),
        pytest.param("KYCGateNotReady", "kyc_gate_ready", {}, id="not-ready"),
    ],
)
def test_an_alert_fires_and_ends(alert: str, series: str, labels: dict[str, str], tmp_path: Path) -> None:
    """Five minutes of trouble are told, and no longer when they are over."""
    rules = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]
    (rule,) = [each for each in rules if each.get("alert") == alert]
    fired = {
        "exp_labels": {**labels, **rule["labels"]},
        "exp_annotations": {"summary": rule["annotations"]["summary"].replace("{{ $labels.instance }}", "")},
    }
    asked = [
        {"eval_time": "5m", "alertname": alert, "exp_alerts": [fired]},
        {"eval_time": "12m", "alertname": alert, "exp_alerts": []},
    ]
    file = tmp_path / "alerts.test.yaml"
    test = {"interval": "1m", "input_series": [{"series": series, "values": "0x6 1x10"}], "alert_rule_test": asked}
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "tests": [test]}), encoding="utf-8")
    promtool("test", "rules", str(file))
