"""The rules with their times shortened, so that what takes hours in service takes seconds in a test.

What is compared stays what it is: windows, `for` and those limits that are times or sizes are replaced, each by name.
"""

import re

WINDOWS = {"5m": "10s", "10m": "10s", "15m": "30s", "30m": "15s", "1h": "20s", "3h": "15s", "6h": "20s", "1d": "20s"}
LIMITS = {
    "ListwireStandstill": ("> 60", "> 3"),
    "ListwireClockAhead": ("> 30", "> 30"),
    "ListwireDiskLow": ("< 2e9", "< 2e18"),
    "ListwireDiskFull": ("< 2e8", "< 2e18"),
    "ListwireMemoryHigh": ("> 8e8", "> 1e7"),
    "ListwireCanaryOld": ("> 300", "> 6"),
    "ListwireBehind": ("> 120", "> 4"),
    "ListwireFarBehind": ("> 900", "> 6"),
    "ListwireHeldOverdue": ("time() - 180", "time() - 2"),
    "ListwireSinkFailing": ("> 300", "> 3"),
}
"""A disk and a memory that are large enough everywhere are made too small here."""


def hurried(rules: str) -> str:
    """The text of a file of rules, shortened."""
    rules = re.sub(r"\[(\w+)\]", lambda window: f"[{WINDOWS[window[1]]}]", rules)
    rules = re.sub(r"offset (\w+)", lambda window: f"offset {WINDOWS[window[1]]}", rules)
    rules = re.sub(r"^( +)for: \w+$", r"\1for: 1s", rules, flags=re.MULTILINE)
    rules = rules.replace("interval: 30s", "interval: 1s").replace('le="30.0"', 'le="1.0"')
    alerts = re.split(r"(?=^ +- alert: )", rules, flags=re.MULTILINE)
    return "".join(map(_limited, alerts))


def _limited(alert: str) -> str:
    found = re.match(r" +- alert: (\w+)", alert)
    if found is None or found[1] not in LIMITS:
        return alert
    old, new = LIMITS[found[1]]
    assert old in alert, f"{found[1]} no longer says {old}"
    return alert.replace(old, new, 1)
