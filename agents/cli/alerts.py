"""`listwire alerts`: do alerts arrive where they should?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import orjson
import typer

from agents.cli.options import Config, settings_of
from agents.clock import utcnow
from agents.sinks import Sink, SinkError, means_of, open_sinks
from agents.trial import trial_alert
from streams.outlets import parse_outlet

DEADLINE_S = 60.0


class Trial(NamedTuple):
    """How one sink fared; `problem` is empty where it took the alert."""

    sink: str
    problem: str
    seconds: float


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Alerts and where they go.", rich_markup_mode=None)
    group.callback()(_root)
    group.command("test")(test)
    app.add_typer(group, name="alerts")


def _root() -> None:
    """Alerts and where they go."""


def test(
    sinks: Annotated[
        list[str] | None,
        typer.Option(
            "--sink", help="Test this sink instead of the configured ones; may be repeated.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a sink.")] = False,
    config: Config = None,
) -> None:
    """Send one alert, marked as a test, to each sink and say how each fares. Exit code 1 if one fails.

    No broker is needed. Filters do not apply to the test, and it is tried once.
    """
    settings = settings_of(config, sinks=tuple(sinks) if sinks else None)
    trials = asyncio.run(_tried(open_sinks(settings.sinks, means_of(settings))))
    for trial in trials:
        typer.echo(orjson.dumps(trial._asdict()).decode() if as_json else _line(trial))
    if any(trial.problem for trial in trials):
        raise typer.Exit(1)


async def _tried(sinks: dict[str, Sink]) -> Sequence[Trial]:
    return await asyncio.gather(*(_try(parse_outlet(url).label, sink) for url, sink in sinks.items()))


async def _try(label: str, sink: Sink) -> Trial:
    began, problem = time.monotonic(), ""
    now = utcnow()
    try:
        async with asyncio.timeout(DEADLINE_S):
            await sink.deliver(trial_alert(now), now)
    except SinkError as error:
        problem = str(error)
    except TimeoutError:
        problem = f"not done within {DEADLINE_S:g} s"
    finally:
        await sink.close()
    return Trial(label, problem, round(time.monotonic() - began, 3))


def _line(trial: Trial) -> str:
    mark = "FAIL" if trial.problem else "ok  "
    return f"{mark} {trial.sink}  {trial.problem or f'{trial.seconds:.1f} s'}"
