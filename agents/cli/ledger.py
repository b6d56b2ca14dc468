"""`listwire ledger`: an operator's word on the claims log, of highest rank, with who and why for those who audit it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from agents.claims_log import ClaimsLog, read_claims
from agents.cli.ledger_facts import Facts, stated
from agents.cli.naming import Pair, pairs_of
from agents.cli.options import Baseline, BrokerFlag, Config, DataDir, registry_of, settings_of, with_broker
from agents.clock import utcnow
from agents.kafka import Outgoing, Publisher
from agents.link import Bootstrap
from agents.link_settings import link_of
from agents.rendering import plain
from agents.settings import Settings
from streams.alerts import settle
from streams.codec import encode
from streams.correcting import OUT, correct
from streams.errors import ListwireError, SettingsError
from streams.history import entry_now
from streams.records import Alert, Entry, PartialDate, Report, ledger_key
from streams.registry import Registry
from streams.topics import Topic
from streams.verdicts import Word, confirmation, retraction
from streams.vocabulary import AlertStatus, Change, Level, Stage

Key = Annotated[str, typer.Argument(help="`authority|group`, by keys or names, or the id of an alert.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; subscribers read it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would follow, and write nothing.")]
By = Annotated[str, typer.Option("--by", help="Who says so.")]
Given = str | None


class NothingToRuleError(ListwireError):
    """What is asked for would change nothing, or is not there."""


class Subject(NamedTuple):
    """What the key stands for: an entry, and the one alert of it that was named."""

    entry: Entry
    alert: Alert | None
    registry: Registry


Ruling = Callable[[Subject, Word], tuple[Report, tuple[Alert, ...]]]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Confirm, correct or retract what the ledger says; `status --history` shows who did, and why.",
        rich_markup_mode=None,
    )
    group.command("confirm")(confirm)
    group.command("correct")(correct_)
    group.command("retract")(retract)
    app.add_typer(group, name="ledger")


def confirm(
    key: Key,
    reason: Reason,
    by: By,
    dry_run: DryRun = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    baseline: Baseline = None,
    config: Config = None,
) -> None:
    """Raise a live alert to confirmed."""
    _rule(
        key, _word(reason, by), _confirmed, _found(config, broker=broker, data_dir=data_dir, baseline=baseline), dry_run
    )


def retract(
    key: Key,
    reason: Reason,
    by: By,
    dry_run: DryRun = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    baseline: Baseline = None,
    config: Config = None,
) -> None:
    """Withdraw a live alert, and what the ledger took from it; late copies of the report raise nothing."""
    _rule(
        key, _word(reason, by), _retracted, _found(config, broker=broker, data_dir=data_dir, baseline=baseline), dry_run
    )


def correct_(
    key: Key,
    reason: Reason,
    by: By,
    change: Annotated[Change | None, typer.Option(help="What happens.", show_default=False)] = None,
    stage: Annotated[Stage | None, typer.Option(help="How far it has come.", show_default=False)] = None,
    instrument: Annotated[Given, typer.Option(help="On which list, by key.", show_default=False)] = None,
    scope: Annotated[Given, typer.Option(help="Of which wing or chapter, by key.", show_default=False)] = None,
    day: Annotated[Given, typer.Option("--date", help="When it was done; today if new.", show_default=False)] = None,
    effective: Annotated[Given, typer.Option("--effective", help="The day of effect.", show_default=False)] = None,
    dry_run: DryRun = False,
    broker: BrokerFlag = None,
    data_dir: DataDir = None,
    baseline: Baseline = None,
    config: Config = None,
) -> None:
    """State what is so. Of an alert by its id, only what differs has to be given."""
    facts = Facts(change, stage, instrument, scope, _date(day), _date(effective))
    ruling = partial(_corrected, facts=facts)
    _rule(key, _word(reason, by), ruling, _found(config, broker=broker, data_dir=data_dir, baseline=baseline), dry_run)


def _found(config: Path | None, **flags: object) -> Settings:
    return with_broker(settings_of(config, **flags))


def _word(reason: str, by: str) -> Word:
    for flag, text in (("--reason", reason), ("--by", by)):
        if not plain(text):
            raise SettingsError(f"{flag}: empty")
    return Word(plain(by), plain(reason), utcnow())


def _date(text: str | None) -> PartialDate | None:
    return PartialDate(text) if text is not None else None


def _rule(key: str, word: Word, ruling: Ruling, settings: Settings, dry_run: bool) -> None:
    registry, bootstrap = registry_of(settings), link_of(settings)
    subject = _subject(key, asyncio.run(read_claims(bootstrap)), registry)
    report, alerts = ruling(subject, word)
    if not dry_run:
        asyncio.run(_publish(report, bootstrap))
    written = "would be" if dry_run else "is"
    typer.echo(f"{report.story.id} {written} in the claims log of {ledger_key(report.authority, report.group)}")
    for alert in alerts:
        what = f"{alert.change} {alert.stage}, {alert.status}, {alert.level}"
        typer.echo(f"    alert {alert.id} revision {alert.revision}: {what} ({plain(alert.reason)})")


def _subject(key: str, log: ClaimsLog, registry: Registry) -> Subject:
    """Raises NothingToRuleError or UnknownNameError."""
    if "|" in key:
        ((authority, group),) = pairs_of([key], registry)
        return Subject(entry_now(authority, group, log.get(ledger_key(authority, group), ()), registry), None, registry)
    for told in log.values():
        pair: Pair = (told[0].report.authority, told[0].report.group)
        entry = entry_now(*pair, told, registry)
        for alert in entry.alerts:
            if alert.id == key:
                return Subject(entry, alert, registry)
    raise NothingToRuleError(f"{key!r} is the id of no alert (or write authority|group)")


def _live_alert(subject: Subject) -> Alert:
    """The alert that was named, or the only live one."""
    if subject.alert is not None:
        if subject.alert.status not in OUT:
            raise NothingToRuleError(f"alert {subject.alert.id} is {subject.alert.status}")
        return subject.alert
    live = [alert for alert in subject.entry.alerts if alert.status in OUT]
    if len(live) == 1:
        return live[0]
    if not live:
        raise NothingToRuleError(f"{subject.entry.key} has no live alert")
    ids = ", ".join(f"{alert.id} ({alert.change} {alert.stage})" for alert in live)
    raise NothingToRuleError(f"{subject.entry.key} has several live alerts, name one: {ids}")


def _confirmed(subject: Subject, word: Word) -> tuple[Report, tuple[Alert, ...]]:
    alert = _live_alert(subject)
    if alert.level is not Level.UNCONFIRMED:
        raise NothingToRuleError(f"alert {alert.id} is {alert.level} already")
    return _settled(subject, confirmation(alert, word))


def _retracted(subject: Subject, word: Word) -> tuple[Report, tuple[Alert, ...]]:
    return _settled(subject, retraction(_live_alert(subject), word))


def _corrected(subject: Subject, word: Word, facts: Facts) -> tuple[Report, tuple[Alert, ...]]:
    if subject.alert is not None and subject.alert.status is AlertStatus.SUPERSEDED:
        raise NothingToRuleError(f"alert {subject.alert.id} is superseded; correct the one that followed it")
    matter = stated(subject.entry, subject.alert, facts, word.at.date(), subject.registry)
    found = correct(subject.entry, matter, word, subject.registry, subject.alert)
    if found is None:
        fault = f"the ledger has no place for {matter.change} {matter.stage} of {matter.acted_on}"
        raise NothingToRuleError(f"{subject.entry.key}: {fault}: it says so already, or the registry's baseline has it")
    return found


def _settled(subject: Subject, report: Report) -> tuple[Report, tuple[Alert, ...]]:
    return report, settle(subject.entry, report, subject.registry)[1]


async def _publish(report: Report, bootstrap: Bootstrap) -> None:
    publisher = Publisher(bootstrap)
    await publisher.start()
    try:
        key = ledger_key(report.authority, report.group).encode()
        await publisher.publish(Outgoing(Topic.CLAIMS, key, encode(report)))
    finally:
        await publisher.stop()
