"""What the dashboards have in common: the choices of a reader, the links, the rows."""

from grafana_foundation_sdk.builders import bargauge, dashboard, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from runbook import UID as RUNBOOK

Panel = timeseries.Panel | stat.Panel | bargauge.Panel | table.Panel
Rows = dict[str, list[Panel]]
EDITORIAL, OPERATIONS = "listwire-editorial", "listwire-operations"
TITLES = {EDITORIAL: "Editorial", OPERATIONS: "Operations", RUNBOOK: "Runbook"}


def board(uid: str, says: str, rows: Rows) -> dashboard.Dashboard:
    """A dashboard of these rows, which asks which Prometheus and which instances are meant."""
    made = dashboard.Dashboard(f"Listwire: {TITLES[uid].lower()}").uid(uid).description(says).tags(["listwire"])
    made.readonly().timezone("utc").refresh("30s").time("now-24h", "now")
    made.tooltip(models.DashboardCursorSync.CROSSHAIR)
    made.variables([_datasource(), _instance()])
    for other in (other for other in TITLES if other != uid):
        made.link(_link(other))
    for title, panels in rows.items():
        made.with_row(dashboard.Row(title))
        for panel in panels:
            made.with_panel(panel)
    return made


def _datasource() -> dashboard.DatasourceVariable:
    chosen = models.VariableOption(selected=True, text="Prometheus", value="prometheus")
    return dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus").current(chosen)


def _instance() -> dashboard.QueryVariable:
    everything = models.VariableOption(selected=True, text=["All"], value=["$__all"])
    variable = dashboard.QueryVariable("instance").label("Instance").multi(True).include_all(True)
    variable.datasource(common_models.DataSourceRef(type_val="prometheus", uid="$datasource"))
    variable.query("label_values(listwire_build_info, instance)").current(everything)
    return variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)


def _link(uid: str) -> dashboard.DashboardLink:
    link = dashboard.DashboardLink(TITLES[uid]).type(models.DashboardLinkType.LINK).url(f"/d/{uid}")
    return link.keep_time(True).include_vars(uid != RUNBOOK)
