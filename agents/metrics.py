"""Every metric there is. Nothing else in the project declares one.

Names: `listwire_` + noun + base unit, `_total` for counters. Labels come from closed sets, never from a
story. A counter counts what was processed: after a crash events are handled again and counted again, so none
of these is a fact about the ledger. `METRICS` is the same as a table, for the README and the test of it.
"""

from collections.abc import Iterable
from enum import StrEnum
from importlib.metadata import version
from itertools import product
from typing import NamedTuple

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.metrics import MetricWrapperBase

from streams.classifying import QuietReason
from streams.latency import Untimed
from streams.novelty import REASONS
from streams.reading.effects import Drop
from streams.stalls import Part
from streams.vocabulary import AlertKind, AlertStatus, Change, Level, Stage
from streams.websub import Push

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter that no rule of ours reads

VERSION = version("listwire")

_HANDLER_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_POLL_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)
_STAGE_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 7200, 21600, 86400)
_ALERT_BUCKETS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)

BUILD = Gauge(
    "listwire_build_info",
    "Always 1; the version that runs, its Python, and a hash of the registry's files.",
    ["version", "python", "registry"],
)
STAGE_SECONDS = Histogram(
    "listwire_stage_seconds",
    "Fetched: from a story's publication; all others: from its arrival, until the stage is acknowledged.",
    ["stage"],
    buckets=_STAGE_BUCKETS_S,
)
UNTIMED = Counter(
    "listwire_stage_untimed_total",
    "Stories that the stage fetched does not time: older than a day, or without a time of publication.",
    ["reason"],
)
BROKER_ERRORS = Counter("listwire_broker_errors_total", "Errors that the broker's clients reported.", ["client"])
EGRESS_BLOCKED = Counter(
    "listwire_egress_blocked_total",
    "Addresses that were not dialled, because they lie in a private network, by what for.",
    ["what"],
)
DATA_FREE = Gauge("listwire_data_free_bytes", "Free space where the data folder lies.")

POLLS = Counter("listwire_polls_total", "Looks at a feed, by how they ended.", ["outcome"])
POLL_SECONDS = Histogram(
    "listwire_poll_seconds", "One look at a feed, from request to stored state.", buckets=_POLL_BUCKETS_S
)
FEEDS = Gauge("listwire_poll_feeds", "Feeds that this poller polls now.")
NEW_STORIES = Counter("listwire_poll_stories_total", "New or changed stories that feeds brought.", ["feed"])
KEPT_BACK = Counter(
    "listwire_poll_items_kept_back_total",
    "Items of feeds that are no news, or not yet: copies, late versions, floods.",
    ["reason"],
)
NEWEST_ITEM = Gauge(
    "listwire_feed_newest_item_timestamp_seconds", "When the newest item of a feed was published.", ["feed"]
)
FEED_SUCCESS = Gauge(
    "listwire_feed_success_timestamp_seconds", "When a feed last answered well, 0 if that is not known.", ["feed"]
)
FEED_FAILURES = Gauge("listwire_feed_failures", "Looks at a feed that failed in a row.", ["feed"])
FEED_QUIET_LIMIT = Gauge(
    "listwire_feed_quiet_seconds_limit", "After so long without a new item a feed counts as quiet.", ["feed"]
)
AUTHORITY_BLIND = Gauge(
    "listwire_authority_blind", "1 if no feed that could tell of this authority is fresh, else 0.", ["authority"]
)
FETCHED_BYTES = Counter("listwire_fetched_bytes_total", "Bytes of the documents that feeds answered with or pushed.")
PARSER_KILLS = Counter("listwire_parser_kills_total", "Parser processes that had to be ended, or died.", ["reason"])
PUSHES = Counter("listwire_websub_pushes_total", "What hubs pushed, by what became of it.", ["outcome"])
LEASES = Gauge("listwire_websub_leases", "Feeds that a hub has promised to push, for now.")
HELD = Gauge("listwire_held_stories", "Stories under embargo, as this poller sees them: every poller sees all.")
NEXT_RELEASE = Gauge(
    "listwire_held_next_release_timestamp_seconds", "When the next of them is released, 0 if none is held."
)

STORIES = Counter("listwire_stories_total", "Story revisions that the classifier took in.")
RELEVANT = Counter("listwire_stories_relevant_total", "Stories that went on to the detector.")
QUIET = Counter("listwire_stories_quiet_total", "Stories that went no further, by the reason.", ["reason"])
CLAIMS = Counter("listwire_claims_total", "Claims that the detector read out of stories.", ["change", "stage"])
DROPPED = Counter("listwire_candidates_dropped_total", "Candidates that became no claim, by the reason.", ["reason"])
ALERTS = Counter(
    "listwire_alerts_total",
    "Alert revisions that the bookkeeper composed.",
    ["kind", "level", "change", "stage"],
)
AUTHORITY_ALERTS = Counter("listwire_authority_alerts_total", "Alert revisions, by the authority.", ["authority"])
GROUP_ALERTS = Counter("listwire_group_alerts_total", "Alert revisions, by the group.", ["group"])
REVISIONS = Counter(
    "listwire_alert_revisions_total", "Alert revisions, by whether what the alert told still stands.", ["status"]
)
MISSED = Counter("listwire_changes_missed_total", "Changes learnt only from background, within days of them.")
ALERT_DELAY = Histogram(
    "listwire_alert_delay_seconds", "From a story's publication to its alert.", buckets=_ALERT_BUCKETS_S
)

HANDLER_SECONDS = Histogram(
    "listwire_handler_seconds",
    "One event in one agent, until all it caused is acknowledged.",
    ["agent"],
    buckets=_HANDLER_BUCKETS_S,
)
EVENTS = Counter(
    "listwire_events_total", "Events that an agent was done with, by how they ended.", ["agent", "outcome"]
)
DEADLETTERS = Counter("listwire_deadletters_total", "Messages that could not be handled, by the reason.", ["reason"])
PUBLISH_RETRIES = Counter("listwire_publish_retries_total", "Messages sent again because the broker did not take them.")
DELIVERIES = Counter("listwire_deliveries_total", "Alerts handed to a sink, by how it went.", ["sink", "outcome"])
SINK_FAILING = Gauge(
    "listwire_sink_failing_since_timestamp_seconds", "Since when a sink takes nothing, 0 if it does.", ["sink"]
)
SINK_WAITING = Gauge(
    "listwire_sink_waiting_messages", "Messages that a sink has still to be given or spared.", ["sink"]
)
STANDSTILL = Gauge(
    "listwire_standstill_seconds", "How long a part that has work has not come forward, 0 if it does.", ["part"]
)
STALLS = Counter("listwire_stalls_total", "Standstills that lasted so long that we were not ready.", ["part"])
PARTITIONS = Gauge("listwire_partitions_assigned", "Partitions that this worker reads now.")
LAG = Gauge("listwire_partition_lag_messages", "Messages not yet committed.", ["topic", "partition"])
OLDEST = Gauge(
    "listwire_partition_oldest_timestamp_seconds",
    "When the oldest message that is not yet committed was written, 0 if there is none.",
    ["topic", "partition"],
)
CANARY = Gauge(
    "listwire_canary_timestamp_seconds", "When the last canary of ours came through.", ["topic", "partition"]
)

PAGE_CONNECTIONS = Gauge("listwire_page_connections", "Event streams that the live page has open.")
PAGE_EVENTS = Counter("listwire_page_events_total", "Events that the live page sent, by their name.", ["event"])
PAGE_REQUESTS = Counter(
    "listwire_page_requests_total", "Requests to the live page, by route and class of status.", ["route", "status"]
)
PAGE_ALERTS = Gauge("listwire_page_alerts", "Alerts that the live page remembers.")
PAGE_NEWEST = Gauge(
    "listwire_page_newest_alert_timestamp_seconds", "When the newest of them was told, 0 if there is none."
)
PAGE_ALERT = Gauge(
    "listwire_page_alert_timestamp_seconds",
    "When an alert was told: the newest that the live page remembers, at most 50.",
    ["alert", "authority", "group", "change", "stage", "level", "status"],
)
PAGE_BEHIND = Gauge("listwire_page_messages_behind", "Messages that the live page has still to read.")


class Step(StrEnum):
    """The stages that a story passes. The label of their metric."""

    FETCHED = "fetched"  # acknowledged in wire.stories
    CLASSIFIED = "classified"  # acknowledged in wire.relevant, or known to be of no interest
    READ = "read"  # its reports are acknowledged
    ANNOUNCED = "announced"  # an alert is acknowledged
    DELIVERED = "delivered"  # a sink has taken the alert


class Client(StrEnum):
    """Which client of the broker has met an error."""

    CONSUMER = "consumer"
    PRODUCER = "producer"
    OTHER = "other"


class Way(StrEnum):
    """What for we would have dialled an address."""

    FEED = "feed"
    SINK = "sink"
    WEBSUB = "websub"


class Kill(StrEnum):
    """Why a parser process ended."""

    SLOW = "slow"  # not done in the quick lane; the document goes to the slow one
    DEADLINE = "deadline"  # not done within the full limits of time
    MEMORY = "memory"  # wanted more than it may have
    CRASH = "crash"  # died of something else, or never came to life


_CLOSED: tuple[tuple[Counter | Histogram, tuple[Iterable[str], ...]], ...] = (
    (ALERTS, (AlertKind, Level, Change, Stage)),
    (BROKER_ERRORS, (Client,)),
    (CLAIMS, (Change, Stage)),
    (DROPPED, (Drop,)),
    (EGRESS_BLOCKED, (Way,)),
    (KEPT_BACK, (REASONS,)),
    (PARSER_KILLS, (Kill,)),
    (PUSHES, (Push,)),
    (QUIET, (QuietReason,)),
    (REVISIONS, (AlertStatus,)),
    (STAGE_SECONDS, (Step,)),
    (STALLS, (Part,)),
    (UNTIMED, (Untimed,)),
)
"""Every series of a closed set starts at 0: one born at its first event would show no increase for it."""


def _begin() -> None:
    for metric, values in _CLOSED:
        for labels in product(*values):
            metric.labels(*labels)


_begin()


def begin_registry(authorities: Iterable[str], groups: Iterable[str]) -> None:
    """The same for the series by keys of the registry, which not every command loads."""
    for authority in authorities:
        AUTHORITY_ALERTS.labels(authority=authority)
    for group in groups:
        GROUP_ALERTS.labels(group=group)


class Metric(NamedTuple):
    """One line of the table of metrics."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str


def _described(metric: MetricWrapperBase) -> Metric:
    family = next(iter(metric.describe()))
    suffix = "_total" if family.type == "counter" else ""
    return Metric(family.name + suffix, family.type, tuple(metric._labelnames), family.documentation)


METRICS: tuple[Metric, ...] = tuple(
    _described(metric) for metric in list(globals().values()) if isinstance(metric, MetricWrapperBase)
)
