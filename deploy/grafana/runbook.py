"""The runbook as a dashboard, so that a panel's link leads to what to do, wherever Grafana runs.

One text panel a section of `deploy/RUNBOOK.md`, numbered in the order of the page.
"""

import re
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard, text
from grafana_foundation_sdk.models import text as text_models

UID = "listwire-runbook"
PAGE = Path(__file__).parent.parent / "RUNBOOK.md"
_WIDE, _LINE_CHARACTERS = 24, 150


def sections() -> dict[str, str]:
    """What the page says, by the heading it stands under."""
    _, *parts = re.split(r"^## (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


def address_of(heading: str) -> str:
    """Where Grafana shows the section alone. Raises ValueError if there is none of this name."""
    return f"/d/{UID}?viewPanel=panel-{list(sections()).index(heading) + 1}"


def build() -> dashboard.Dashboard:
    """The page."""
    made = dashboard.Dashboard("Listwire: runbook").uid(UID).tags(["listwire"]).readonly()
    made.description("What each alert means and what to do; the same as deploy/RUNBOOK.md.")
    for number, (heading, says) in enumerate(sections().items(), 1):
        made.with_panel(_panel(number, heading, says))
    return made


def _panel(number: int, heading: str, says: str) -> text.Panel:
    lines = sum(1 + len(line) // _LINE_CHARACTERS for line in says.splitlines())
    panel = text.Panel().id(number).title(heading).span(_WIDE).height(3 + lines)
    return panel.mode(text_models.TextMode.MARKDOWN).content(says)
