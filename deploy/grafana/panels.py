"""The kinds of panels that our dashboards have, each made in one call.

Two short forms are filled in here, so that a query reads as it would by hand:

    {ours}      the instances that the reader has chosen; every metric is asked for with it
    runbook     the alert whose section says what to do; it becomes a link of the panel

A panel says in its description what to do, or that nothing is to be done.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models
from runbook import address_of

SOURCE = common_models.DataSourceRef(type_val="prometheus", uid="$datasource")
OURS = 'instance=~"$instance"'
HEIGHT, LOW = 8, 4

P = TypeVar("P", timeseries.Panel, stat.Panel, bargauge.Panel, table.Panel)


class Ask(NamedTuple):
    """One query, and how its series are called; `{{label}}` is filled in by Grafana."""

    query: str
    legend: str


class Look(NamedTuple):
    """How numbers are shown: unit, width of 24, the limits from which they are yellow and red, the section to read."""

    unit: str = "short"
    width: int = 8
    warn: float | None = None
    bad: float | None = None
    runbook: str = ""
    empty: str = "none"


PLAIN = Look()


def line(title: str, says: str, *asks: Ask, look: Look = PLAIN) -> timeseries.Panel:
    """A line for each series over time."""
    return _shared(_over_time(title, says, asks, look).line_width(1).fill_opacity(10), look)


def bars(title: str, says: str, *asks: Ask, look: Look = PLAIN) -> timeseries.Panel:
    """What was counted in each span of time, stacked."""
    stacked = common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A")
    panel = _over_time(title, says, asks, look).draw_style(common_models.GraphDrawStyle.BARS)
    return _shared(panel.stacking(stacked).fill_opacity(80).line_width(0).interval("5m"), look)


def number(title: str, says: str, ask: Ask, look: Look = PLAIN) -> stat.Panel:
    """One number, or one for each of a few series, as of now."""
    mode = common_models.BigValueColorMode.VALUE if look.bad is None else common_models.BigValueColorMode.BACKGROUND
    named = common_models.BigValueTextMode.VALUE_AND_NAME if ask.legend else common_models.BigValueTextMode.VALUE
    panel = stat.Panel().title(title).description(says).height(LOW).span(look.width)
    panel.with_target(_target(ask, 0, now=True)).no_value(look.empty).reduce_options(_last())
    panel.graph_mode(common_models.BigValueGraphMode.NONE).color_mode(mode).text_mode(named)
    return _shared(panel, look)


def ranking(title: str, says: str, ask: Ask, look: Look = PLAIN) -> bargauge.Panel:
    """A bar for each series as of now, for a query that has an order."""
    panel = bargauge.Panel().title(title).description(says).height(HEIGHT).span(look.width).min(0)
    panel.with_target(_target(ask, 0, now=True)).no_value(look.empty).reduce_options(_last())
    panel.orientation(common_models.VizOrientation.HORIZONTAL).display_mode(common_models.BarGaugeDisplayMode.BASIC)
    return _shared(panel, look)


def listing(title: str, says: str, ask: Ask, columns: dict[str, str], look: Look = PLAIN) -> table.Panel:
    """A row for each series: its labels in this order under these headings, the greatest value first.

    `Value` stands for the value itself; labels that are not named are left out.
    """
    query = _target(ask, 0, now=True).format(prometheus_models.PromQueryFormat.TABLE)
    panel = table.Panel().title(title).description(says).height(HEIGHT).span(look.width)
    panel.with_target(query).no_value(look.empty)
    for transformation in _arranged(columns):
        panel.with_transformation(transformation)
    panel.override_by_name(columns["Value"], [models.DynamicConfigValue("unit", look.unit)])
    return _shared(panel, look._replace(unit="string"))


def _over_time(title: str, says: str, asks: Iterable[Ask], look: Look) -> timeseries.Panel:
    panel = timeseries.Panel().title(title).description(says).height(HEIGHT).span(look.width).min(0)
    for index, ask in enumerate(asks):
        panel.with_target(_target(ask, index))
    legend = common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.LIST).show_legend(True)
    panel.legend(legend.placement(common_models.LegendPlacement.BOTTOM).calcs([]))
    tooltip = common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI)
    panel.tooltip(tooltip.sort(common_models.SortOrder.DESCENDING)).no_value(look.empty)
    if look.bad is not None:
        style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(style)
    return panel


def _shared(panel: P, look: Look) -> P:
    panel.datasource(SOURCE).unit(look.unit).thresholds(_thresholds(look))
    if look.runbook:
        panel.links([_to_runbook(look.runbook)])
    return panel


def _target(ask: Ask, index: int, *, now: bool = False) -> prometheus.Dataquery:
    query = prometheus.Dataquery().datasource(SOURCE).ref_id(chr(ord("A") + index))
    query.expr(ask.query.replace("{ours", "{" + OURS)).legend_format(ask.legend or "__auto")
    return query.instant() if now else query.range()


def _thresholds(look: Look) -> dashboard.ThresholdsConfig:
    steps = [models.Threshold(value=None, color="text" if look.bad is None else "green")]
    if look.warn is not None:
        steps.append(models.Threshold(value=look.warn, color="yellow"))
    if look.bad is not None:
        steps.append(models.Threshold(value=look.bad, color="red"))
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _arranged(columns: dict[str, str]) -> list[models.DataTransformerConfig]:
    kept = {"include": {"names": list(columns)}}
    order = {name: place for place, name in enumerate(columns)}
    organized = {"indexByName": order, "renameByName": columns, "excludeByName": {}}
    newest = {"sort": [{"field": columns["Value"], "desc": True}]}
    steps = {"filterFieldsByName": kept, "organize": organized, "sortBy": newest}
    return [models.DataTransformerConfig(id_val=name, options=options) for name, options in steps.items()]


def _to_runbook(heading: str) -> dashboard.DashboardLink:
    link = dashboard.DashboardLink(f"What to do: {heading}").type(models.DashboardLinkType.LINK)
    return link.url(address_of(heading)).target_blank(True)
