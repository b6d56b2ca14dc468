"""Our topics on the broker: there, cut as we need them, copied often enough, kept as long as we said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agents.checks import Finding, odd, or_fine, wrong
from agents.messages import TopicState
from agents.recutting import SPREADABLE
from agents.topic_configs import Configs
from streams.retention import Difference, differences, period
from streams.topics import Topic, TopicSpec

CREATE = "run `listwire topics create`"
CONFIGURE = "`listwire topics configure --dry-run` shows what would change, without the flag it is changed"
COPY = "give them more with Kafka's kafka-reassign-partitions.sh"
MIN_INSYNC = "min.insync.replicas"


def examine(
    table: Sequence[TopicSpec], states: Sequence[TopicState], configs: Mapping[str, Configs], replication: int
) -> Iterator[Finding]:
    """The topics as the broker told them, beside the table. `configs` lacks those that it does not tell."""
    there = [state for state in states if state.partitions]
    found = [*_missing(table, states), *_copies(there, replication)]
    for state in there:
        if state.name in configs:
            found += _insync(state, configs[state.name])
    found += [one for spec in table if spec.topic in configs for one in _drift(spec, configs[spec.topic])]
    yield from or_fine("topics", found, "all there")


def _missing(table: Sequence[TopicSpec], states: Sequence[TopicState]) -> Iterator[Finding]:
    if absent := [state.name for state in states if not state.partitions]:
        yield wrong("topics", f"absent: {', '.join(absent)}", CREATE)
    for spec, state in zip(table, states, strict=True):
        if state.partitions not in {0, spec.partitions}:
            what = f"{spec.topic} has {state.partitions} partitions, Listwire needs {spec.partitions}"
            yield wrong("topics", what, _recount(spec.topic))
    if leaderless := [f"{state.name} ({state.leaderless})" for state in states if state.leaderless]:
        what = f"partitions without a leader: {', '.join(leaderless)}"
        yield wrong("topics", what, "start the brokers that have them")


def _recount(topic: Topic) -> str:
    """What helps depends on whether keys may be spread anew."""
    other = "or use a broker without other topics of these names"
    if topic in SPREADABLE:
        return f"stop the workers, back up, and restore into new topics; {other}"
    return f"keys have moved away from their log: restore the last backup from before into new topics; {other}"


def _copies(there: Sequence[TopicState], replication: int) -> Iterator[Finding]:
    if few := [state for state in there if state.replicas < replication]:
        told = ", ".join(f"{state.name} ({state.replicas})" for state in few)
        yield odd("topics", f"fewer copies than the {replication} of LISTWIRE_REPLICATION: {told}", COPY)


def _insync(state: TopicState, configs: Configs) -> Iterator[Finding]:
    least = int(configs.in_force.get(MIN_INSYNC) or 1)
    change = f"set {MIN_INSYNC} with Kafka's kafka-configs.sh"
    if least > state.replicas:
        yield wrong("topics", f"{state.name} takes nothing: {MIN_INSYNC} {least} of {state.replicas} copies", change)
    elif state.replicas > 2 and least < 2:
        what = f"{state.name} acknowledges what only one of its {state.replicas} brokers has ({MIN_INSYNC} {least})"
        yield odd("topics", what, f"{change} to 2")


def _drift(spec: TopicSpec, configs: Configs) -> Iterator[Finding]:
    for difference in differences(spec, configs.in_force):
        what = f"{spec.topic}: {difference.name} is {_shown(difference, difference.have)}, not "
        what += _shown(difference, difference.want)
        grave = _loses(difference)
        yield (wrong if grave else odd)("topics", f"{what}{f': {grave}' if grave else ''}", CONFIGURE)


def _loses(difference: Difference) -> str:
    """What is lost by it, if anything is."""
    match difference.name:
        case "cleanup.policy" if difference.want == "delete":
            return "of each key only the last message stays"
        case "cleanup.policy":
            return "what is older is deleted, though it is the last of its key"
        case "max.message.bytes" if int(difference.have or 0) < int(difference.want):
            return "large messages are refused"
        case "retention.ms" if difference.want == "-1":
            return "what must be kept for ever is deleted"
    return ""


def _shown(difference: Difference, value: str | None) -> str:
    return period(int(value)) if difference.name == "retention.ms" and value is not None else str(value)
