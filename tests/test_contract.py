"""The contract with subscribers: schemas and AsyncAPI document as committed, against the code that they come from."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agents.demo.outcome import outcome
from streams import records
from streams.asyncapi import PUBLIC, asyncapi
from streams.cloudevents import Event
from streams.compatibility import breaks
from streams.records import Record
from streams.registry import load_registry
from streams.schemas import RECORDS, VALUES, json_schema
from streams.topics import TOPICS, Topic

ROOT = Path(__file__).parent.parent
SCHEMAS = ROOT / "deploy" / "schemas"
BASELINE = SCHEMAS / "baseline"
DOCUMENT: dict[str, Any] = json.loads((ROOT / "deploy" / "asyncapi.json").read_bytes())
SPECIFICATION = json.loads(gzip.decompress((Path(__file__).parent / "asyncapi" / "3.0.0.json.gz").read_bytes()))
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


@pytest.fixture(scope="module")
def events() -> tuple[Event, ...]:
    return outcome(load_registry())


def committed(name: str, folder: Path = SCHEMAS) -> dict[str, Any]:
    return dict(json.loads((folder / f"{name}.schema.json").read_bytes()))


def listwire(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "agents", "topics", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_every_record_has_a_schema() -> None:
    kinds = {name for name, kind in vars(records).items() if isinstance(kind, type) and issubclass(kind, Record)}
    assert kinds - {"Record"} <= RECORDS.keys()
    assert {kind.__name__ for kind in VALUES.values() if kind is not None} <= RECORDS.keys()
    assert VALUES.keys() == set(Topic)


@pytest.mark.parametrize("folder", [SCHEMAS, BASELINE], ids=["now", "baseline"])
def test_no_schema_is_left_of_a_record_that_is_gone(folder: Path) -> None:
    assert {file.name.removesuffix(".schema.json") for file in folder.glob("*.json")} <= RECORDS.keys()


@pytest.mark.parametrize("name", RECORDS)
def test_the_committed_schema_is_what_the_type_says(name: str) -> None:
    told = f"listwire topics schema {name} > deploy/schemas/{name}.schema.json"
    assert committed(name) == json.loads(json.dumps(json_schema(name))), told


@pytest.mark.parametrize("name", RECORDS)
def test_a_schema_is_a_valid_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(committed(name))


@pytest.mark.parametrize("name", [file.name.removesuffix(".schema.json") for file in sorted(BASELINE.glob("*.json"))])
def test_readers_of_the_baseline_are_not_broken(name: str) -> None:
    """A break needs another `schema` number, a word in the changelog and then another baseline."""
    assert breaks(committed(name, BASELINE), json_schema(name)) == ()


def test_what_goes_out_fits_its_schema(events: tuple[Event, ...]) -> None:
    validators = {topic: jsonschema.Draft202012Validator(committed(_name(topic))) for topic in PUBLIC}
    for event in events:
        validators[event.topic].validate(json.loads(event.value))
    with pytest.raises(jsonschema.ValidationError):
        validators[Topic.ALERTS].validate({"id": "a"})


def _name(topic: Topic) -> str:
    kind = VALUES[topic]
    assert kind is not None
    return kind.__name__


def test_the_document_is_asyncapi() -> None:
    jsonschema.Draft7Validator(SPECIFICATION).validate(DOCUMENT)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SPECIFICATION).validate(DOCUMENT | {"channels": {"a": {"adress": "a"}}})


def test_the_document_is_what_code_and_sample_wire_say(events: tuple[Event, ...]) -> None:
    made = json.loads(json.dumps(asyncapi(events)))
    assert made == DOCUMENT, "listwire topics asyncapi > deploy/asyncapi.json"


def test_the_document_has_every_topic_as_the_table_has_it() -> None:
    channels = {channel["address"]: channel for channel in DOCUMENT["channels"].values()}
    assert list(channels) == [spec.topic for spec in TOPICS]
    for spec in TOPICS:
        channel = channels[spec.topic]
        kafka = channel["bindings"]["kafka"]
        kept = {name: _text(value) for name, value in kafka["topicConfiguration"].items()}
        assert (kafka["topic"], kafka["partitions"], kept) == (spec.topic, spec.partitions, spec.config())
        assert channel.get("x-internal", False) is (spec.topic not in PUBLIC)


def _text(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def test_every_schema_that_the_document_names_is_there() -> None:
    named = {message["payload"]["schema"]["$ref"] for message in MESSAGES.values() if "payload" in message}
    assert {f"./schemas/{name}.schema.json" for name in ("Alert", "Status", "Report", "Classified")} <= named
    assert [file for file in sorted(named) if not (ROOT / "deploy" / file).is_file()] == []


def test_every_reference_within_the_document_leads_somewhere() -> None:
    references = [ref for ref in _references(DOCUMENT) if ref.startswith("#/")]
    assert len(references) > len(TOPICS)
    for reference in references:
        at = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for part in node for found in _references(part)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for part in node.values() for found in _references(part)]


@pytest.mark.parametrize("topic", PUBLIC)
def test_examples_are_messages_of_the_sample_wire(topic: Topic, events: tuple[Event, ...]) -> None:
    sent = [
        {"headers": {name: value.decode() for name, value in event.headers}, "payload": json.loads(event.value)}
        for event in events
        if event.topic == topic
    ]
    message = MESSAGES[topic.replace(".", "-")]
    assert message["examples"]
    for example in message["examples"]:
        assert {"headers": example["headers"], "payload": example["payload"]} in sent
        jsonschema.Draft202012Validator(message["headers"]).validate(example["headers"])
        jsonschema.Draft202012Validator(committed(_name(topic))).validate(example["payload"])


def test_the_examples_show_a_revision() -> None:
    shown = [example["payload"] for example in MESSAGES["designation-alerts"]["examples"]]
    assert [(alert["revision"], alert["level"]) for alert in shown] == [(1, "unconfirmed"), (2, "confirmed")]
    assert shown[0]["id"] == shown[1]["id"]


def test_the_command_prints_a_schema_and_the_names_of_all() -> None:
    assert listwire("schema").stdout.split() == list(RECORDS)
    printed = listwire("schema", "Alert")
    assert (printed.returncode, printed.stdout) == (0, (SCHEMAS / "Alert.schema.json").read_text("utf-8"))


def test_the_command_prints_the_document() -> None:
    assert json.loads(listwire("asyncapi").stdout) == DOCUMENT


def test_the_command_tells_what_an_upgrade_breaks(tmp_path: Path) -> None:
    assert listwire("schema", "Alert", "--against", str(BASELINE / "Alert.schema.json")).stdout == (
        "Alert: nothing breaks\n"
    )
    older = committed("Alert")
    older["$defs"]["Alert"]["properties"]["colour"] = {"type": "string"}
    (tmp_path / "older.json").write_text(json.dumps(older), "utf-8")
    broken = listwire("schema", "Alert", "--against", str(tmp_path / "older.json"))
    assert (broken.returncode, broken.stdout) == (1, "Alert: record: field colour is gone\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Alarm"], "no record 'Alarm' (known: Alert, "),
        (["Alert", "--against", "nowhere.json"], "nowhere.json: No such file or directory"),
        (["Alert", "--against", str(ROOT / "README.md")], "no JSON Schema: "),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], told: str) -> None:
    refused = listwire("schema", *arguments)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert told in refused.stderr
