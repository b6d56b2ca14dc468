"""Who may do what on the broker: the least with which each part of Listwire, and each reader, does all it has to do.

Read implies Describe, and Write does, on the same topic. Nobody but the operator creates topics; worker and poller
only look whether all are there, which is why they may describe every one. There is no right of the cluster in the
table: producers are idempotent with Write alone since Kafka 2.8, and nobody needs more.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from streams.topics import Topic


class Role(StrEnum):
    """A principal of its own each."""

    POLLER = "poller"  # `listwire poll`: fetches, holds embargoed stories, keeps the feeds' states
    WORKER = "worker"  # `listwire worker`: classifier, detector, bookkeeper, and the heralds of all sinks
    WEB = "web"  # `listwire web`: reads, in no group
    SUBSCRIBER = "subscriber"  # whoever acts on alerts, with a client of his own or `listwire tail`, and sees no more
    READER = "reader"  # `listwire status`, `due`, and clients of all topics that are for others than Listwire itself
    OPERATOR = "operator"  # `topics`, `feeds add`, `ledger`, `deadletters`, `doctor`, `backup`: a person


class Kind(StrEnum):
    """What a right is about, in Kafka's words."""

    TOPIC = "topic"
    GROUP = "group"


class Operation(StrEnum):
    """What may be done, in Kafka's words."""

    READ = "Read"
    WRITE = "Write"
    DESCRIBE = "Describe"
    CREATE = "Create"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    ALTER_CONFIGS = "AlterConfigs"


class Grant(NamedTuple):
    """A right of a role. `prefixed`: it is about all names that begin so."""

    role: Role
    kind: Kind
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False


SUBSCRIBER_GROUPS = "desk-"
"""Subscribers and readers name their consumer groups so, unless told otherwise."""

_READ, _WRITE, _BOTH = (Operation.READ,), (Operation.WRITE,), (Operation.READ, Operation.WRITE)
_LOOK = (Operation.DESCRIBE,)
_ALL = (Operation.READ, Operation.WRITE, Operation.CREATE, Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS)

# fmt: off
_TOPICS: dict[Topic, dict[Role, tuple[Operation, ...]]] = {
    #                    operator besides, who may do all
    Topic.FEEDS:         {Role.POLLER: _BOTH,  Role.WORKER: _LOOK,  Role.WEB: _READ},
    Topic.FEED_STATE:    {Role.POLLER: _BOTH,  Role.WORKER: _LOOK,  Role.WEB: _READ},
    Topic.SUBSCRIPTIONS: {Role.POLLER: _BOTH,  Role.WORKER: _LOOK},
    Topic.HELD:          {Role.POLLER: _BOTH,  Role.WORKER: _LOOK},
    Topic.STORIES:       {Role.POLLER: _WRITE, Role.WORKER: _BOTH},
    Topic.RELEVANT:      {Role.POLLER: _LOOK,  Role.WORKER: _BOTH,  Role.WEB: _READ, Role.READER: _READ},
    Topic.DEADLETTERS:   {Role.POLLER: _LOOK,  Role.WORKER: _WRITE},
    Topic.STORY_KEYS:    {Role.POLLER: _LOOK,  Role.WORKER: _BOTH},
    Topic.CLAIMS:        {Role.POLLER: _LOOK,  Role.WORKER: _BOTH,  Role.WEB: _READ, Role.READER: _READ},
    Topic.SKIPPED:       {Role.POLLER: _LOOK,  Role.WORKER: _BOTH,  Role.READER: _READ},
    Topic.ALERTS:        {Role.POLLER: _LOOK,  Role.WORKER: _BOTH,  Role.WEB: _READ, Role.READER: _READ,
                          Role.SUBSCRIBER: _READ},
    Topic.RESEND:        {Role.POLLER: _LOOK,  Role.WORKER: _READ},
    Topic.STATUS:        {Role.POLLER: _LOOK,  Role.WORKER: _BOTH,  Role.WEB: _READ, Role.READER: _READ},
}
# fmt: on

_GROUPS = (
    Grant(Role.POLLER, Kind.GROUP, "listwire-poller", _READ),
    Grant(Role.WORKER, Kind.GROUP, "listwire", _READ),
    Grant(Role.WORKER, Kind.GROUP, "listwire.herald.", _READ, prefixed=True),
    Grant(
        Role.OPERATOR, Kind.GROUP, "listwire", _READ, prefixed=True
    ),  # `backup` reads their places, `restore` sets them
)


def grants(role: Role, subscriber_groups: str = SUBSCRIBER_GROUPS) -> tuple[Grant, ...]:
    """All rights of a role, topics first."""
    own = {topic: _ALL if role is Role.OPERATOR else roles.get(role, ()) for topic, roles in _TOPICS.items()}
    topics = tuple(Grant(role, Kind.TOPIC, topic, operations) for topic, operations in own.items() if operations)
    if role in {Role.SUBSCRIBER, Role.READER}:
        return (*topics, Grant(role, Kind.GROUP, subscriber_groups, _READ, prefixed=True))
    if role is Role.OPERATOR:
        topics = (*topics, Grant(role, Kind.GROUP, subscriber_groups, _READ, prefixed=True))
    return (*topics, *(grant for grant in _GROUPS if grant.role is role))


def command(grant: Grant, principal: str) -> str:
    """The arguments of Kafka's `kafka-acls.sh` that give the right, but for the address."""
    operations = " ".join(f"--operation {operation}" for operation in grant.operations)
    pattern = " --resource-pattern-type prefixed" if grant.prefixed else ""
    return f"--add --allow-principal '{principal}' {operations} --{grant.kind} {grant.name}{pattern}"
