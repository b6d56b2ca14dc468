"""Renders the dashboards: `python deploy/grafana/build.py [FOLDER]`, by default where Grafana finds them.

They are made by `grafana-foundation-sdk`; what is committed is what this renders, which a test holds.
"""

import json
import sys
from pathlib import Path

import editorial
import operations
import runbook
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

COMMITTED = Path(__file__).parent / "dashboards"


def main() -> None:
    """Writes a file for each dashboard."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else COMMITTED
    for name, made in (("editorial", editorial), ("operations", operations), ("runbook", runbook)):
        (folder / f"{name}.json").write_text(rendered(made.build()), "utf-8")


def rendered(made: Dashboard) -> str:
    """The JSON, with a number for each panel that has none, in their order, and links where they are seen."""
    dashboard = made.build()
    for number, panel in enumerate(dashboard.panels or (), 1):
        panel.id_val = panel.id_val or number
    made_of = json.loads(JSONEncoder(sort_keys=True).encode(dashboard), object_hook=_seen)
    return json.dumps(made_of, indent=1, sort_keys=True) + "\n"


def _seen(part: dict[str, object]) -> dict[str, object]:
    """The library puts each link into a menu unless told otherwise, and takes no other word for it."""
    return {name: value for name, value in part.items() if (name, value) != ("placement", "inControlsMenu")}


if __name__ == "__main__":
    main()
