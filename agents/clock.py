"""The one place that asks what time it is; everything else is handed `now`."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the function that the ban points to
