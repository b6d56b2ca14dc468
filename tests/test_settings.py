"""Settings: which source wins, and that nothing wrong passes in silence."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from agents.settings import load_settings
from streams.errors import SettingsError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    with monkeypatch.context() as clean:
        for name in (
            "BROKER",
            "METRICS_PORT",
            "SINKS",
            "CACHE_DIR",
            "KAFKA_JARS",
            "MAVEN_REPOSITORY",
            "CONFIG",
        ):
            clean.delenv(f"LISTWIRE_{name}", raising=False)
        clean.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
        yield


def toml(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "listwire.toml"
    file.write_text(text)
    return file


def test_without_anything_set_the_embedded_broker_and_loopback_are_used() -> None:
    settings = load_settings()
    assert (settings.broker, settings.metrics_host, settings.sinks) == (None, "127.0.0.1", ("stdout:",))


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = toml(tmp_path, 'broker = "file:1"\nmetrics_port = 1\nreplication = 3\n')
    monkeypatch.setenv("LISTWIRE_BROKER", "environment:1")
    monkeypatch.setenv("LISTWIRE_METRICS_PORT", "2")
    settings = load_settings(file, metrics_port=3, log_level=None)
    assert (settings.replication, settings.broker, settings.metrics_port) == (3, "environment:1", 3)


def test_the_environment_can_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTWIRE_CONFIG", str(toml(tmp_path, 'contact = "me"')))
    assert load_settings().contact == "me"


def test_lists_are_written_with_commas_in_the_environment_and_as_lists_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTWIRE_ALLOW_NETWORKS", "10.1.0.0/16, fd00::/8")
    settings = load_settings(toml(tmp_path, 'sinks = ["stdout:json", "stdout:text"]'))
    assert settings.allow_networks == (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
    assert settings.sinks == ("stdout:json", "stdout:text")


def test_a_comma_inside_a_sinks_url_does_not_part_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = "jsonl:/a?authority=ru,us&group=x,y , webhook+https://h/?level=confirmed,stdout:,"
    monkeypatch.setenv("LISTWIRE_SINKS", given)
    assert load_settings().sinks == (
        "jsonl:/a?authority=ru,us&group=x,y",
        "webhook+https://h/?level=confirmed",
        "stdout:",
    )


def test_paths_may_start_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings(data_dir=Path("~/kept")).data_dir == tmp_path / "kept"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("metric_port = 1", "listwire.toml: metric_port: no such setting (did you mean metrics_port?)"),
        ('metrics_port = "many"', "listwire.toml: metrics_port: input should be a valid integer"),
        ("replication = 0", "listwire.toml: replication: input should be greater than or equal to 1"),
        ("broker = 1\n\nx = [", "listwire.toml: Invalid value (at end of document)"),
        ("a\n", "listwire.toml: Expected '=' after a key in a key/value pair (at line 1, column 2)"),
    ],
)
def test_a_fault_in_the_file_names_file_and_key_or_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(problem)):
        load_settings(toml(tmp_path, text))


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: no such file"):
        load_settings(tmp_path / "nowhere.toml")


def test_a_misspelt_variable_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTWIRE_BROKR", "x:1")
    with pytest.raises(SettingsError, match=r"LISTWIRE_BROKR: no such setting \(did you mean LISTWIRE_BROKER\?\)"):
        load_settings()


def test_a_wrong_value_is_blamed_on_the_variable_or_flag_it_came_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SettingsError, match=r"^--log-level: input should be 'debug'"):
        load_settings(log_level="loud")
    monkeypatch.setenv("LISTWIRE_METRICS_PORT", "99999")
    with pytest.raises(SettingsError, match=r"^LISTWIRE_METRICS_PORT: input should be less than"):
        load_settings()


def test_how_folders_are_watched_can_be_set_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load_settings().drop_settle_s, load_settings().drop_keep_days) == (2.0, 7)
    monkeypatch.setenv("LISTWIRE_DROP_KEEP_DAYS", "0")
    with pytest.raises(SettingsError, match=r"^LISTWIRE_DROP_KEEP_DAYS: input should be greater than or equal to 1"):
        load_settings()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://pushes.example/", "must be https: who reads a callback can push to it"),
        ("pushes.example", "is no https address"),
        ("https://[::1", "is no address"),
        ("https://desk:pw@pushes.example/", "takes no credentials, query or fragment"),
    ],
)
def test_the_address_for_hubs_must_be_one_that_keeps_secrets(url: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"^--websub-url: {problem}$"):
        load_settings(websub_url=url)


@pytest.mark.parametrize("url", [None, "https://pushes.example/wire", "http://127.0.0.1:9466", "http://localhost:1/"])
def test_hubs_may_call_over_https_or_on_this_machine(url: str | None) -> None:
    assert load_settings(websub_url=url).websub_url == url
