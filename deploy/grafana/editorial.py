"""The dashboard of who reads the alerts: what was told, how soon, out of what, and what could not be heard."""

from board import EDITORIAL, Panel, board
from grafana_foundation_sdk.builders.dashboard import Dashboard
from panels import Ask, Look, bars, line, listing, number, ranking

_COLUMNS = {
    "Value": "Told",
    "authority": "Authority",
    "group": "Group",
    "change": "Change",
    "stage": "Stage",
    "level": "Level",
    "status": "Status",
    "alert": "Alert",
}


def build() -> Dashboard:
    """The dashboard."""
    says = "What Listwire announced, how soon after publication, out of what it read, and what it does not hear."
    rows = {"Now": _now(), "What was told": _told(), "How soon": _soon(), "Out of what": _read(), "Unheard": _unheard()}
    return board(EDITORIAL, says, rows)


def _now() -> list[Panel]:
    return [
        number(
            "Alerts",
            "Alert revisions in the time that is shown.",
            Ask("sum(increase(listwire_alerts_total{ours}[$__range]))", ""),
            Look(width=4),
        ),
        number(
            "Since the newest alert",
            "Of those that the live page has. Days without one are usual; see how many stories come.",
            Ask("time() - max(listwire_page_newest_alert_timestamp_seconds{ours} > 0)", ""),
            Look("s", 4, empty="no alert yet"),
        ),
        number(
            "Stories",
            "Story revisions taken in, in the time that is shown. None for hours means that we hear nothing.",
            Ask("sum(increase(listwire_stories_total{ours}[$__range]))", ""),
            Look(width=4, runbook="ListwireNoStories"),
        ),
        number(
            "Quiet feeds",
            "Feeds without a new item for longer than is usual for them; they are named below.",
            Ask(
                "count(time() - max by (feed) (listwire_feed_newest_item_timestamp_seconds{ours})"
                " > max by (feed) (listwire_feed_quiet_seconds_limit{ours})) or vector(0)",
                "",
            ),
            Look(width=4, warn=1, bad=10, runbook="ListwireFeedQuiet"),
        ),
        number(
            "Blind authorities",
            "Authorities of which no feed that could tell of them is fresh: silence about them means nothing.",
            Ask("sum(max by (authority) (listwire_authority_blind{ours})) or vector(0)", ""),
            Look(width=4, warn=1, bad=10, runbook="ListwireAuthorityBlind"),
        ),
        number(
            "Changes missed",
            "Changes learnt only from background in 30 days: a feed that would have told them is missing.",
            Ask("sum(increase(listwire_changes_missed_total{ours}[30d]))", ""),
            Look(width=4, warn=1, bad=10, runbook="ListwireChangesMissed"),
        ),
    ]


def _told() -> list[Panel]:
    return [
        bars(
            "Alerts by change and stage",
            "Alert revisions. `decided` is not yet in force, `effective` is.",
            Ask("sum by (change, stage) (increase(listwire_alerts_total{ours}[$__interval]))", "{{change}}, {{stage}}"),
            look=Look(width=8),
        ),
        bars(
            "Alerts by kind and level",
            "`unconfirmed` rests on one voice; `official` on the authority's own publication.",
            Ask("sum by (kind, level) (increase(listwire_alerts_total{ours}[$__interval]))", "{{kind}}, {{level}}"),
            look=Look(width=8),
        ),
        bars(
            "Alerts by whether they stand",
            "`retracted` and `corrected` are as loud as the alert was: who has acted on it must act again.",
            Ask("sum by (status) (increase(listwire_alert_revisions_total{ours}[$__interval]))", "{{status}}"),
            look=Look(width=8),
        ),
        listing(
            "Latest alerts",
            "The newest that the live page remembers, at most 50; each with the revision that counts. "
            "The live page has the sentence each rests on.",
            Ask(
                "1000 * max by (alert, authority, group, change, stage, level, status)"
                " (listwire_page_alert_timestamp_seconds{ours})",
                "",
            ),
            _COLUMNS,
            Look("dateTimeAsIso", 12, empty="no alert yet"),
        ),
        ranking(
            "Alerts by authority",
            "Alert revisions in the time that is shown, the fifteen with the most.",
            Ask(
                "topk(15, sum by (authority) (increase(listwire_authority_alerts_total{ours}[$__range])) > 0)",
                "{{authority}}",
            ),
            Look(width=6, empty="no alert in this time"),
        ),
        ranking(
            "Alerts by group",
            "Alert revisions in the time that is shown, the fifteen with the most.",
            Ask("topk(15, sum by (group) (increase(listwire_group_alerts_total{ours}[$__range])) > 0)", "{{group}}"),
            Look(width=6, empty="no alert in this time"),
        ),
    ]


def _soon() -> list[Panel]:
    return [
        line(
            "From publication to alert",
            "Over an hour each; a gap is an hour without alerts. Most of it is the rhythm in which feeds are polled.",
            Ask("histogram_quantile(0.5, sum by (le) (rate(listwire_alert_delay_seconds_bucket{ours}[1h])))", "half"),
            Ask("histogram_quantile(0.95, sum by (le) (rate(listwire_alert_delay_seconds_bucket{ours}[1h])))", "95 %"),
            look=Look("s", 12, runbook="ListwireAlertsLate"),
        ),
        line(
            "From receipt to sink, 95 %",
            "What we ourselves take: from the story's arrival until it was classified, read, announced and delivered.",
            Ask(
                "histogram_quantile(0.95, sum by (stage, le)"
                ' (rate(listwire_stage_seconds_bucket{ours, stage!="fetched"}[1h])))',
                "{{stage}}",
            ),
            look=Look("s", 12, runbook="ListwireAlertsLate"),
        ),
    ]


def _read() -> list[Panel]:
    return [
        bars(
            "Claims",
            "What stories claim, news and background.",
            Ask("sum by (change, stage) (increase(listwire_claims_total{ours}[$__interval]))", "{{change}}, {{stage}}"),
            look=Look(width=6),
        ),
        line(
            "Share of stories that are relevant",
            "Stories that go on to be read. A jump means that the feeds, or the registry, have changed.",
            Ask(
                "sum(increase(listwire_stories_relevant_total{ours}[1h]))"
                " / (sum(increase(listwire_stories_total{ours}[1h])) > 0) or vector(0)",
                "relevant",
            ),
            look=Look("percentunit", 6),
        ),
        bars(
            "Quiet stories",
            "Stories that went no further, by the reason. `language-unsupported` is what we cannot read.",
            Ask("sum by (reason) (increase(listwire_stories_quiet_total{ours}[$__interval]))", "{{reason}}"),
            look=Look(width=6),
        ),
        bars(
            "Candidates dropped",
            "What looked like a claim and was none, by the reason; `listwire scan --explain` shows it for a story.",
            Ask("sum by (reason) (increase(listwire_candidates_dropped_total{ours}[$__interval]))", "{{reason}}"),
            look=Look(width=6),
        ),
    ]


def _unheard() -> list[Panel]:
    return [
        ranking(
            "How quiet feeds are",
            "Age of the newest item as a share of what is usual for the feed; from 100 % on it counts as quiet. "
            "`listwire feeds test KEY` looks at one.",
            Ask(
                "topk(20, (time() - max by (feed) (listwire_feed_newest_item_timestamp_seconds{ours}))"
                " / max by (feed) (listwire_feed_quiet_seconds_limit{ours}))",
                "{{feed}}",
            ),
            Look("percentunit", 8, 0.8, 1, runbook="ListwireFeedQuiet"),
        ),
        ranking(
            "Blind authorities",
            "No feed that could tell of them is fresh.",
            Ask(
                "(max by (authority) (listwire_authority_blind{ours}) == 1)"
                ' or label_replace(vector(0), "authority", "none", "", "")',
                "{{authority}}",
            ),
            Look("short", 8, 0.5, 1, runbook="ListwireAuthorityBlind"),
        ),
        ranking(
            "Stories by feed",
            "New or changed stories in the time that is shown, the twenty feeds with the most.",
            Ask("topk(20, sum by (feed) (increase(listwire_poll_stories_total{ours}[$__range])))", "{{feed}}"),
            Look(width=8),
        ),
    ]
