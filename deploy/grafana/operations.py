"""The dashboard of who keeps Listwire running: is all up, does it flow, what waits, what fails, what is used up."""

from board import OPERATIONS, Panel, Rows, board
from feeding import feeding
from grafana_foundation_sdk.builders.dashboard import Dashboard
from panels import Ask, Look, bars, line, number

_STAT = Look(width=4)


def build() -> Dashboard:
    """The dashboard."""
    says = "Whether Listwire is well: what is up, what flows, what waits and for how long, what fails, what is used up."
    rows: Rows = {"Is it well?": _well(), "Throughput": _throughput(), "Latency": _latency(), "What waits": _waiting()}
    rows |= {"Failures": _failures(), **feeding(), "Sinks": _sinks(), "Live page": _page(), "Resources": _resources()}
    return board(OPERATIONS, says, rows)


def _well() -> list[Panel]:
    return [
        number(
            "Alerts that fire",
            "Alerts of ours that Prometheus has firing now; Prometheus lists them under /alerts.",
            Ask('count(ALERTS{alertname=~"Listwire.*", alertstate="firing"}) or vector(0)', ""),
            Look(width=4, bad=1),
        ),
        number(
            "Processes down",
            "Processes that do not answer Prometheus.",
            Ask("count(up{ours} == 0) or vector(0)", ""),
            Look(width=4, bad=1, runbook="ListwireDown"),
        ),
        number(
            "Longest standstill",
            "Beyond 90 s /readyz is 503, after 180 s the process ends itself.",
            Ask("max(listwire_standstill_seconds{ours})", ""),
            Look("s", 4, 30, 90, runbook="ListwireStandstill"),
        ),
        number(
            "Partitions read",
            "All workers together. Fewer for long than before: nobody reads some.",
            Ask("sum(listwire_partitions_assigned{ours})", ""),
            _STAT._replace(runbook="ListwireNothingRead"),
        ),
        number(
            "Feeds polled",
            "All pollers together.",
            Ask("sum(listwire_poll_feeds{ours})", ""),
            _STAT._replace(runbook="ListwireNothingPolled"),
        ),
        number(
            "Versions",
            "Processes by the version that runs; two for long means that an upgrade was not finished.",
            Ask("count by (version) (listwire_build_info{ours})", "{{version}}"),
            _STAT._replace(runbook="ListwireVersionSkew"),
        ),
    ]


def _throughput() -> list[Panel]:
    return [
        line(
            "Stories",
            "What feeds brought, what the classifier took in, what went on to the detector.",
            Ask("sum(rate(listwire_poll_stories_total{ours}[$__rate_interval]))", "brought"),
            Ask("sum(rate(listwire_stories_total{ours}[$__rate_interval]))", "taken in"),
            Ask("sum(rate(listwire_stories_relevant_total{ours}[$__rate_interval]))", "relevant"),
            look=Look("cps", 12, runbook="ListwireNoStories"),
        ),
        line(
            "Events by agent",
            "What each agent has done with, by how it ended; canaries are left out. `buried` is a dead letter.",
            Ask(
                "sum by (agent, outcome) (rate(listwire_events_total{ours}[$__rate_interval]))",
                "{{agent}}, {{outcome}}",
            ),
            look=Look("cps", 12),
        ),
    ]


def _sinks() -> list[Panel]:
    return [
        bars(
            "Deliveries",
            "Alerts by sink and by how it went. `failed` is tried again, `refused` is a dead letter at once.",
            Ask(
                "sum by (sink, outcome) (increase(listwire_deliveries_total{ours}[$__interval]))",
                "{{sink}}, {{outcome}}",
            ),
            look=Look(runbook="ListwireSinkFailing"),
        ),
        line(
            "Waiting for a sink",
            "Messages that it has still to be given, or spared because they are not for it.",
            Ask("max by (sink) (listwire_sink_waiting_messages{ours})", "{{sink}}"),
            look=Look(runbook="ListwireSinkFailing"),
        ),
        line(
            "How long a sink has taken nothing",
            "0 where the last delivery went well. After a day its alerts become dead letters.",
            Ask(
                "(time() - max by (sink) (listwire_sink_failing_since_timestamp_seconds{ours} > 0))"
                " or 0 * max by (sink) (listwire_sink_failing_since_timestamp_seconds{ours})",
                "{{sink}}",
            ),
            look=Look("s", warn=60, bad=600, runbook="ListwireSinkFailing"),
        ),
    ]


def _latency() -> list[Panel]:
    return [
        line(
            "By stage, half",
            "`fetched`: from publication until the broker has it; the others: from the story's arrival on.",
            Ask(
                "histogram_quantile(0.5, sum by (stage, le) (rate(listwire_stage_seconds_bucket{ours}[5m])))",
                "{{stage}}",
            ),
            look=Look("s", 6),
        ),
        line(
            "By stage, 95 %",
            "The stage at which the lines part is the one that is slow; compare what waits before it.",
            Ask(
                "histogram_quantile(0.95, sum by (stage, le) (rate(listwire_stage_seconds_bucket{ours}[5m])))",
                "{{stage}}",
            ),
            look=Look("s", 6, runbook="ListwireAlertsLate"),
        ),
        line(
            "One event in an agent, 95 %",
            "Until all that it caused is acknowledged. All of them slow: the broker is. One of them: its stories are.",
            Ask(
                "histogram_quantile(0.95, sum by (agent, le) (rate(listwire_handler_seconds_bucket{ours}[5m]))) >= 0",
                "{{agent}}",
            ),
            look=Look("s", 6),
        ),
        bars(
            "Stories that `fetched` does not time",
            "Older than a day when they came, or without a time of publication: they would say nothing about us.",
            Ask("sum by (reason) (increase(listwire_stage_untimed_total{ours}[$__interval]))", "{{reason}}"),
            look=Look(width=6),
        ),
    ]


def _waiting() -> list[Panel]:
    place = "{{topic}}/{{partition}}"
    return [
        line(
            "Messages not yet done with",
            "By partition. One that grows alone: what is at its head is slow, or hangs.",
            Ask("max by (topic, partition) (listwire_partition_lag_messages{ours})", place),
            look=Look(width=6, runbook="ListwireBehind"),
        ),
        line(
            "Age of the oldest of them",
            "How long the first that waits has been waiting; 0 where nothing waits.",
            Ask(
                "(time() - max by (topic, partition) (listwire_partition_oldest_timestamp_seconds{ours} > 0))"
                " or 0 * max by (topic, partition) (listwire_partition_lag_messages{ours})",
                place,
            ),
            look=Look("s", 6, 120, 900, runbook="ListwireBehind"),
        ),
        line(
            "Age of the last canary",
            "Stories have one a minute, claims one an hour.",
            Ask("time() - max by (topic, partition) (listwire_canary_timestamp_seconds{ours} > 0)", place),
            look=Look("s", 6, runbook="ListwireCanaryOld"),
        ),
        line(
            "Standstills",
            "How long a part that has work has not come forward.",
            Ask("max by (part) (listwire_standstill_seconds{ours})", "{{part}}"),
            Ask("sum(increase(listwire_stalls_total{ours}[1h]))", "standstills of the last hour"),
            look=Look("s", 6, 30, 90, runbook="ListwireStandstill"),
        ),
    ]


def _failures() -> list[Panel]:
    return [
        bars(
            "Dead letters",
            "By the reason. `listwire deadletters list` names them, `replay` sends them again.",
            Ask("sum by (reason) (increase(listwire_deadletters_total{ours}[$__interval]))", "{{reason}}"),
            look=Look(runbook="ListwireDeadLetters"),
        ),
        bars(
            "Trouble with the broker",
            "Errors that its clients report, and messages that had to be sent again.",
            Ask("sum by (client) (increase(listwire_broker_errors_total{ours}[$__interval]))", "{{client}}"),
            Ask("sum(increase(listwire_publish_retries_total{ours}[$__interval]))", "sent again"),
            look=Look(runbook="ListwireBrokerErrors"),
        ),
        bars(
            "Hostile or broken input",
            "Parsers that were ended by the reason, and addresses that were not dialled.",
            Ask("sum by (reason) (increase(listwire_parser_kills_total{ours}[$__interval]))", "parser: {{reason}}"),
            Ask("sum by (what) (increase(listwire_egress_blocked_total{ours}[$__interval]))", "address of a {{what}}"),
            look=Look(runbook="ListwireParserKills"),
        ),
    ]


def _page() -> list[Panel]:
    return [
        line(
            "Requests to the page",
            "By route and class of status; 5xx is a fault of ours, 503 on /readyz a page that still reads.",
            Ask(
                "sum by (route, status) (rate(listwire_page_requests_total{ours}[$__rate_interval]))",
                "{{route}} {{status}}",
            ),
            look=Look("reqps"),
        ),
        line(
            "Events to readers",
            "What event streams were sent.",
            Ask("sum by (event) (rate(listwire_page_events_total{ours}[$__rate_interval]))", "{{event}}"),
            look=Look("cps"),
        ),
        number(
            "Readers", "Event streams that are open.", Ask("sum(listwire_page_connections{ours})", ""), Look(width=2)
        ),
        number(
            "Alerts held", "Alerts that the page remembers.", Ask("max(listwire_page_alerts{ours})", ""), Look(width=3)
        ),
        number(
            "Page behind",
            "Messages that the page has still to read; what it shows is that old.",
            Ask("max(listwire_page_messages_behind{ours})", ""),
            Look("short", 3, 100, 1000, runbook="ListwirePageBehind"),
        ),
    ]


def _resources() -> list[Panel]:
    return [
        line(
            "Memory",
            "Compose ends a process at 1 GiB. A line that only rises is a leak.",
            Ask("process_resident_memory_bytes{ours}", "{{instance}}"),
            look=Look("bytes", 6, runbook="ListwireMemoryGrowing"),
        ),
        line(
            "Processor",
            "One core is 100 %. A process uses one at most, its parsers come on top.",
            Ask("rate(process_cpu_seconds_total{ours}[$__rate_interval])", "{{instance}}"),
            look=Look("percentunit", 6),
        ),
        line(
            "Open files",
            "As a share of what the process may open.",
            Ask("process_open_fds{ours} / process_max_fds{ours}", "{{instance}}"),
            look=Look("percentunit", 6, 0.6, 0.8, runbook="ListwireFilesRunningOut"),
        ),
        line(
            "Free where the data lies",
            "The broker of `listwire up` keeps its log there; without space nothing is written.",
            Ask("min by (instance) (listwire_data_free_bytes{ours} > 0)", "{{instance}}"),
            look=Look("bytes", 3, runbook="ListwireDiskLow"),
        ),
        line(
            "Time since start",
            "A saw is a process that ends again and again; its log says why.",
            Ask("time() - process_start_time_seconds{ours}", "{{instance}}"),
            look=Look("s", 3, runbook="ListwireRestarting"),
        ),
    ]
