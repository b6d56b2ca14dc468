"""Every metric there is. Nothing else in the project declares one.

Names: `listwire_` + noun + base unit, `_total` for counters. Labels come from closed sets, never from a
story. A counter counts what was processed: after a crash events are handled again and counted again, so none
of these is a fact about the ledger. `METRICS` is the same as a table, for the README and the test of it.
"""

from importlib.metadata import version
from itertools import product
from typing import NamedTuple

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.metrics import MetricWrapperBase

from streams.classifying import QuietReason
from streams.novelty import REASONS
from streams.reading.effects import Drop
from streams.stalls import Part
from streams.vocabulary import AlertKind, Change, Level, Stage
from streams.websub import Push

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter that no rule of ours reads

VERSION = version("listwire")

_HANDLER_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_POLL_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)
_ALERT_BUCKETS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)

BUILD = Gauge("listwire_build_info", "Always 1; the version that runs.", ["version"])

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
ALERTS = Counter("listwire_alerts_total", "Alert revisions that the bookkeeper composed.", ["kind", "level"])
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
DEADLETTERS = Counter("listwire_deadletters_total", "Messages that could not be handled, by the reason.", ["reason"])
PUBLISH_RETRIES = Counter("listwire_publish_retries_total", "Messages sent again because the broker did not take them.")
DELIVERIES = Counter("listwire_deliveries_total", "Alerts handed to a sink, by how it went.", ["sink", "outcome"])
STANDSTILL = Gauge(
    "listwire_standstill_seconds", "How long a part that has work has not come forward, 0 if it does.", ["part"]
)
STALLS = Counter("listwire_stalls_total", "Standstills that lasted so long that we were not ready.", ["part"])
PARTITIONS = Gauge("listwire_partitions_assigned", "Partitions that this worker reads now.")

PAGE_CONNECTIONS = Gauge("listwire_page_connections", "Event streams that the live page has open.")
PAGE_EVENTS = Counter("listwire_page_events_total", "Events that the live page sent, by their name.", ["event"])
PAGE_REQUESTS = Counter(
    "listwire_page_requests_total", "Requests to the live page, by route and class of status.", ["route", "status"]
)
PAGE_ALERTS = Gauge("listwire_page_alerts", "Alerts that the live page remembers.")
PAGE_NEWEST = Gauge(
    "listwire_page_newest_alert_timestamp_seconds", "When the newest of them was told, 0 if there is none."
)
PAGE_BEHIND = Gauge("listwire_page_messages_behind", "Messages that the live page has still to read.")


def _begin() -> None:
    """Every series of a closed set starts at 0: one born at its first event would show no increase for it."""
    for change, stage in product(Change, Stage):
        CLAIMS.labels(change=change, stage=stage)
    for kind, level in product(AlertKind, Level):
        ALERTS.labels(kind=kind, level=level)
    for quiet in QuietReason:
        QUIET.labels(reason=quiet)
    for reason in REASONS:
        KEPT_BACK.labels(reason=reason)
    for push in Push:
        PUSHES.labels(outcome=push)
    for part in Part:
        STALLS.labels(part=part)
    for drop in Drop:
        DROPPED.labels(reason=drop)


_begin()


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
