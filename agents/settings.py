"""Settings of all commands: flags before environment before file before defaults.

The environment names are `LISTWIRE_` + the field in capitals, lists are written with commas. The file is
TOML, found by `--config`, by `LISTWIRE_CONFIG` or in the user's configuration folder, and its keys are the
fields. What is set and not known is an error that names it: a setting ignored in silence costs an evening.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from agents.origins import CONFIG, PREFIX, Sources, sources
from streams.errors import SettingsError
from streams.retention import parse_kept
from streams.topics import Topic
from streams.websub import base_problem

__all__ = ["CONFIG", "PREFIX", "Settings", "Traced", "load_settings", "traced_settings"]

Port = Annotated[int, Field(ge=0, le=65535)]
_BETWEEN_URLS = re.compile(r",\s*(?=[a-z][a-z0-9+.-]*:)")
Network = IPv4Network | IPv6Network


class Settings(BaseSettings):
    """What an operator can set. Every field has a default that works on one machine without a network."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)

    broker: str | None = Field(None, description="bootstrap servers, host:port[,host:port]; none: the embedded broker")
    broker_security: Literal["plaintext", "tls"] = Field("plaintext", description="what protects the way to the broker")
    broker_allow_plaintext: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="hosts besides this machine that brokers may be spoken to in plaintext on"
    )
    broker_ca_file: Path | None = Field(None, description="who signed the broker's certificate; none: this machine's")
    broker_cert_file: Path | None = Field(None, description="our certificate, where the broker asks for one")
    broker_key_file: Path | None = Field(None, description="its key; none: in the file of the certificate")
    broker_key_password_file: Path | None = Field(None, description="the key's password, if it has one")
    broker_credentials_file: Path | None = Field(None, description="our name there, one line: basic USER:PASSWORD")
    broker_sasl_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] | None = Field(
        None, description="how name and password are told; none: SCRAM-SHA-512"
    )
    replication: int = Field(1, ge=1, le=9, description="copies of each topic; 3 where three brokers run")
    retention: Annotated[dict[Topic, int], NoDecode] = Field(
        {}, description="how long topics are kept, such as wire.stories=30d,designation.alerts=730d; else the default"
    )
    data_dir: Path = Field(default_factory=lambda: user_data_path("listwire"), description="what must survive")
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("listwire"), description="what may be deleted")
    feeds_file: Path | None = Field(None, description="the feed list; none: the one that is bundled")
    credentials_dir: Path | None = Field(None, description="folder with the secrets of feeds, a file each")
    drop_settle_s: float = Field(
        2.0, gt=0, le=3600, description="a file in a watched folder is whole when it did not change for so long"
    )
    drop_keep_days: int = Field(7, ge=1, le=36500, description="published files of watched folders are kept so long")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is logged")
    log_format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal")
    metrics_host: str = Field("127.0.0.1", description="where metrics and health listen")
    metrics_port: Port = Field(9464, description="the worker's port; 0 takes a free one")
    poller_metrics_port: Port = Field(9465, description="the poller's port; 0 takes a free one")
    contact: str | None = Field(None, description="URL or address in the User-Agent, for whoever runs a feed")
    baseline: Literal["registry", "none"] = Field(
        "registry", description="where the ledger starts: the registry's baseline, or none"
    )
    sinks: Annotated[tuple[str, ...], NoDecode] = Field(("stdout:",), description="where alerts go, by URL")
    sink_patience_s: float = Field(
        86_400, ge=0, le=1_209_600, description="an alert is tried for so long before it becomes a dead letter"
    )
    webhook_secret_file: Path | None = Field(None, description="secret of webhooks that name no file of their own")
    allow_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="private networks that feeds and sinks may be in, in CIDR form"
    )
    websub_url: str | None = Field(None, description="public address at which hubs may push to us; none: no WebSub")
    websub_host: str = Field("127.0.0.1", description="where hubs' calls arrive, behind whatever speaks TLS for us")
    websub_port: Port = Field(9466, description="the port of hubs' calls; 0 takes a free one")
    web_host: str = Field("127.0.0.1", description="where the live page listens; it has no password of its own")
    web_port: Port = Field(9467, description="the live page's port; 0 takes a free one")
    web_names: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="host names besides loopback that browsers may ask for the page by"
    )
    web_keep: int = Field(500, ge=1, le=20_000, description="how many alerts the page remembers")
    kafka_jars: Path | None = Field(None, description="a folder with the broker's jars instead of fetching them")
    maven_repository: str | None = Field(None, description="where the broker's jars are fetched from")

    @field_validator("sinks", mode="before")
    @classmethod
    def _split_urls(cls, value: object) -> object:
        """A comma parts two sinks only before a scheme: `stdout:?group=a,b,jsonl:x` are two."""
        if not isinstance(value, str):
            return value
        return tuple(part for url in _BETWEEN_URLS.split(value) if (part := url.strip(", ")))

    @field_validator("retention", mode="before")
    @classmethod
    def _times(cls, value: object) -> object:
        if isinstance(value, str):
            pairs = [pair.strip().partition("=") for pair in value.split(",") if pair.strip()]
            value = {topic.strip(): time.strip() for topic, _, time in pairs}
        return parse_kept(value) if isinstance(value, dict) else value

    @field_validator("allow_networks", "web_names", "broker_allow_plaintext", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("websub_url", mode="after")
    @classmethod
    def _callable(cls, value: str | None) -> str | None:
        if value is not None and (problem := base_problem(value)):
            raise ValueError(problem)
        return value

    @field_validator(
        "data_dir",
        "cache_dir",
        "feeds_file",
        "credentials_dir",
        "webhook_secret_file",
        "kafka_jars",
        "broker_ca_file",
        "broker_cert_file",
        "broker_key_file",
        "broker_key_password_file",
        "broker_credentials_file",
        mode="after",
    )
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        return value and value.expanduser()


class Traced(NamedTuple):
    """The settings in force, and where each comes from."""

    settings: Settings
    sources: Sources


def load_settings(config: Path | None = None, **flags: object) -> Settings:
    """The settings in force; a flag that is None was not given.

    Raises SettingsError, one line that names the flag, the variable or the file and key at fault.
    """
    return traced_settings(config, **flags).settings


def traced_settings(config: Path | None = None, **flags: object) -> Traced:
    """As `load_settings`, with the origin of each value."""
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    known = set(Settings.model_fields)
    found = sources(config, given, known)
    try:
        return Traced(_sourced(dict(found.values))(**given), found)
    except ValidationError as error:
        raise SettingsError("; ".join(found.complaints(error, known))) from None


def _sourced(values: dict[str, Any]) -> type[Settings]:
    class Sourced(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, values)

    return Sourced
