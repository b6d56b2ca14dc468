"""`listwire settings`: every value with its origin, and no secret."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agents.__main__ import build
from agents.settings import Settings
from streams.errors import SettingsError
from streams.masking import masked_addresses, masked_url


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in [*Settings.model_fields, "config"]:
        monkeypatch.delenv(f"LISTWIRE_{field.upper()}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(("settings", "scan")), ["settings", *arguments])


def rows(*arguments: str) -> dict[str, dict[str, object]]:
    result = run("--json", *arguments)
    assert result.exit_code == 0, result.output
    return {row["name"]: row for row in map(json.loads, result.stdout.splitlines())}


def test_each_setting_is_told_with_where_its_value_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('broker = "localhost:1"\nweb_keep = 7\nreplication = 3\n')
    monkeypatch.setenv("LISTWIRE_WEB_KEEP", "8")
    found = rows("--config", str(file), "--broker", "localhost:2")
    assert set(found) == set(Settings.model_fields)
    told = {name: (found[name]["value"], found[name]["origin"], found[name]["where"]) for name in found}
    assert told["broker"] == ("localhost:2", "flag", "--broker")
    assert told["web_keep"] == (8, "environment", "LISTWIRE_WEB_KEEP")
    assert told["replication"] == (3, "file", f"{file}: replication")
    assert told["web_port"] == (9467, "default", None)
    assert set(rows("--config", str(file), "--changed")) == {"broker", "web_keep", "replication"}


def test_an_empty_variable_is_not_the_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTWIRE_WEB_KEEP", "")
    assert rows("web_keep")["web_keep"]["origin"] == "default"


def test_a_person_is_told_what_a_setting_takes_and_is() -> None:
    value, takes, is_about = run("LISTWIRE_SINK_PATIENCE_S", "--describe").stdout.splitlines()
    assert value == "sink_patience_s  86400.0  (default)"
    assert takes.strip() == "LISTWIRE_SINK_PATIENCE_S: number 0 to 1209600; default 86400"
    assert "dead letter" in is_about


def test_every_setting_says_what_it_is() -> None:
    found = rows()
    assert [name for name, row in found.items() if not row["description"] or not row["takes"]] == []


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("whsec_do-not-show")
    monkeypatch.setenv("LISTWIRE_SINKS", "webhook+https://ada:pw1@desk.example/hooks/T0k3nT0k3nT0k3nT0k3n?key=pw2")
    monkeypatch.setenv("LISTWIRE_MAVEN_REPOSITORY", "https://ada:pw3@maven.example/x")
    monkeypatch.setenv("LISTWIRE_WEBHOOK_SECRET_FILE", str(secret))
    shown = run().output + run("--json").output
    assert not any(word in shown for word in ("pw1", "pw2", "pw3", "T0k3n", "do-not-show"))
    assert "webhook+https://***@desk.example/hooks/***?key=***" in shown
    assert str(secret) in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "jsonl:/var/log/alerts.jsonl?authority=ru,us&name=desk",
            "jsonl:/var/log/alerts.jsonl?authority=ru,us&name=desk",
        ),
        ("smtp://h:587/?from=a@b&to=c@d&credentials_file=/x", "smtp://h:587/?from=a@b&to=c@d&credentials_file=/x"),
        ("slack:https://hooks.example/services/T/B/x", "slack:***"),
        ("slack:/run/secrets/desk", "slack:/run/secrets/desk"),
        ("webhook+https://h/organisation-for-listing/a", "webhook+https://h/organisation-for-listing/a"),
        ("webhook+https://h/?a=1;b", "webhook+https://h/?a=***"),
        ("desk@agency.example", "desk@agency.example"),
    ],
)
def test_an_address_is_shown_as_far_as_it_is_no_secret(url: str, shown: str) -> None:
    assert masked_url(url) == shown


def test_a_user_before_a_broker_is_masked() -> None:
    assert masked_addresses("ada:pw@kafka:9092,kafka-2:9092") == "***@kafka:9092,kafka-2:9092"


def test_a_wrong_setting_is_the_same_line_as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: str) -> str:
        result = run(*arguments)
        assert isinstance(result.exception, SettingsError)
        return str(result.exception)

    assert refused("metrics-prt") == "metrics-prt: no such setting (did you mean metrics_port?)"
    monkeypatch.setenv("LISTWIRE_BROKER_CERT_FILE", "/x")
    assert refused() == "LISTWIRE_BROKER_CERT_FILE has no effect without LISTWIRE_BROKER_SECURITY=tls: set that too"
    monkeypatch.setenv("LISTWIRE_WEB_KEEP", "none")
    assert refused().startswith("LISTWIRE_WEB_KEEP: input should be a valid integer")
