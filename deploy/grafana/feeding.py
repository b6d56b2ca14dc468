"""Rows of the operations dashboard about what comes in: feeds, hubs, embargoes."""

from board import Panel, Rows
from panels import Ask, Look, bars, line, number, ranking


def feeding() -> Rows:
    """The rows."""
    return {"Feeds": _feeds(), "Hubs and embargoes": _hubs()}


def _feeds() -> list[Panel]:
    return [
        ranking(
            "Feeds that fail",
            "Failed looks in a row. `listwire feeds test KEY` says why; the others are not held up by it.",
            Ask("topk(20, max by (feed) (listwire_feed_failures{ours}))", "{{feed}}"),
            Look("short", 8, 3, 5, runbook="ListwireFeedFailing"),
        ),
        ranking(
            "Since a feed answered well",
            "The twenty that did so longest ago. A feed that is looked at daily may stand here for a day.",
            Ask("topk(20, time() - max by (feed) (listwire_feed_success_timestamp_seconds{ours} > 0))", "{{feed}}"),
            Look("s", 8, 6 * 3600, 24 * 3600, runbook="ListwireFeedFailing"),
        ),
        line(
            "Looks by how they ended",
            "`ok`, `not-modified` and `unchanged` are well. `fault` is a fault of ours, `unsent` the broker's.",
            Ask("sum by (outcome) (rate(listwire_polls_total{ours}[$__rate_interval]))", "{{outcome}}"),
            look=Look("cps", runbook="ListwireFeedsFailing"),
        ),
        line(
            "One look at a feed",
            "From request to stored state.",
            Ask("histogram_quantile(0.5, sum by (le) (rate(listwire_poll_seconds_bucket{ours}[5m])))", "half"),
            Ask("histogram_quantile(0.95, sum by (le) (rate(listwire_poll_seconds_bucket{ours}[5m])))", "95 %"),
            look=Look("s"),
        ),
        bars(
            "Items kept back",
            "Items that are no news, or not yet. `copy` in masses: a feed has renamed all its items.",
            Ask("sum by (reason) (increase(listwire_poll_items_kept_back_total{ours}[$__interval]))", "{{reason}}"),
            look=Look(),
        ),
        line(
            "Bytes fetched",
            "Documents as they came over the wire. A feed that repeats everything at each look shows here.",
            Ask("sum(rate(listwire_fetched_bytes_total{ours}[$__rate_interval]))", "fetched"),
            look=Look("Bps"),
        ),
    ]


def _hubs() -> list[Panel]:
    return [
        line(
            "Pushes",
            "What hubs sent, by what became of it; what is not signed is ignored.",
            Ask("sum by (outcome) (rate(listwire_websub_pushes_total{ours}[$__rate_interval]))", "{{outcome}}"),
            look=Look("cps", 12),
        ),
        number(
            "Feeds pushed",
            "Feeds that a hub has promised to push.",
            Ask("sum(listwire_websub_leases{ours})", ""),
            Look(width=4),
        ),
        number(
            "Stories held",
            "Stories under embargo; `listwire feeds held` lists them.",
            Ask("max(listwire_held_stories{ours})", ""),
            Look(width=4, runbook="ListwireHeldOverdue"),
        ),
        number(
            "Until the next release",
            "Below zero: its end has passed and it was not published. 0 where nothing is held.",
            Ask("(max(listwire_held_next_release_timestamp_seconds{ours} > 0) - time()) or vector(0)", ""),
            Look("s", 4, runbook="ListwireHeldOverdue"),
        ),
    ]
