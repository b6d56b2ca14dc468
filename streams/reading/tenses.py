"""When a change happened, and whether the clause itself tells it as history.

History is what lies well before the story by its date, what began "since" then, the pluperfect outside reported
speech, and what a time clause or a noun retells ("when it listed X", "the ruling that suspended the ban").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise

from streams.dates import is_before
from streams.reading.attribution import Attribution, attribute
from streams.reading.operators import Hit, find_operators
from streams.reading.phrases import Form
from streams.reading.sentences import Sentence
from streams.reading.times import When, find_times
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger, Voice
from streams.reading.words import singular, words
from streams.records import AuthorityKey
from streams.registry import Registry

_TURN_TO_ANOTHER = frozenset({"that", "which", "who", "whom", "whose"})
"""Words behind which a time belongs to another verb: "listed X, completing a step that was begun in January"."""

_SPANS = frozenset({"year", "years", "decade", "decades", "months", "weeks"})
"""`30 years after it was banned`: the measure of an anniversary, also in the lead."""


@dataclass(frozen=True)
class Scene:
    """A sentence with what is known about it; what only a change in it asks for is looked up on the first question."""

    sentence: Sentence
    units: Sequence[Unit]
    story: str  # the text that all offsets count in
    today: date | None
    registry: Registry
    home: AuthorityKey | None  # whose "the ministry" is
    agency: str | None  # the medium of a sentence that cites none

    @cached_property
    def operators(self) -> list[Hit]:
        """The words that may bend a change, left to right."""
        return find_operators(self.units)

    @cached_property
    def times(self) -> list[When]:
        """The times that the sentence names, in order."""
        found = find_times(self.story, self.sentence.start, self.sentence.end, self.today)
        groups = [unit for unit in self.units if unit.kind is Kind.GROUP]
        return [w for w in found if not any(unit.start <= w.start < unit.end for unit in groups)]  # "November 17"

    @cached_property
    def voice(self) -> Attribution:
        """Who speaks, and through which medium."""
        text = self.story[self.sentence.start : self.sentence.end]
        voice = attribute(self.units, text, self.registry, self.home)
        return voice if voice.medium is not None else voice._replace(medium=self.agency)


def when_of(view: Scene, trigger: Trigger) -> When | None:
    """The time nearest to the verb within its clause; one behind it first; else the day of the report itself."""
    start, end = view.units[trigger.left].start, view.units[trigger.right - 1].end
    verb = view.units[trigger.start].start
    behind = range(trigger.end, trigger.right)
    wall = next((view.units[i].start for i in behind if _turns_to_another(view.units, i)), end)
    inside = [w for w in view.times if start <= w.start and w.end <= end]
    inside = [w for w in inside if w.start < wall and not _in_aside(view, trigger, w) and not _is_end(view, w)]
    today = any(w.weekday for w in inside)
    inside = [w for w in inside if not (today and is_long_ago(view, w) and _is_of_participle(view, trigger, w))]
    told = next((w for w in view.times if view.today is not None and w.date == view.today.isoformat()), None)
    return min(inside, key=lambda w: (w.weekday, abs(w.start - verb) * (1 if w.start > verb else 2)), default=told)


def _is_of_participle(view: Scene, trigger: Trigger, when: When) -> bool:
    """`extended on Tuesday the ban imposed in 2019`: the time of a verb that stands between."""
    between = (u for u in view.units[trigger.end : trigger.right] if u.start < when.start)
    return any(u.kind is Kind.WORD and u.text.endswith("ed") for u in between)


_UNTIL = re.compile(
    r"\b(?:until|till|in\s+(?:force|place|effect)\s+since)\s+(?:the\s+)?(?:end\s+of\s+)?$", re.IGNORECASE
)


def _is_end(view: Scene, when: When) -> bool:
    """`prolonged the listing, in force since 2019, until October 2027`: its span, not when it was prolonged."""
    return _UNTIL.search(view.story, max(0, when.start - 24), when.start) is not None


def _in_aside(view: Scene, trigger: Trigger, when: When) -> bool:
    """`Activities of X, which won fame in 2011, were banned`: the time belongs to the clause between the commas."""
    opener = next(
        (i for i in range(trigger.start - 1, 0, -1) if view.units[i - 1].text == "," and _opens_aside(view.units[i])),
        None,
    )
    if opener is None or not view.units[opener].start < when.start < view.units[trigger.start].start:
        return False
    return any(unit.text == "," and unit.start > when.start for unit in view.units[opener : trigger.start])


def _opens_aside(unit: Unit) -> bool:
    """`the designation, made in 2005, shall be maintained`: a relative or a participle behind a comma."""
    return unit.text in _TURN_TO_ANOTHER or (unit.kind is Kind.WORD and unit.text.endswith(("ed", "made")))


def _just_before(view: Scene, trigger: Trigger) -> bool:
    """`danced in the streets minutes after the court had lifted the ban`: how a lead may tell the news itself."""
    before = view.units[trigger.left - 2].text if trigger.left > 1 else ""
    return view.sentence.number <= 1 and before in {"moments", "minutes", "hours", "shortly", "hour"}


def _turns_to_another(units: Sequence[Unit], index: int) -> bool:
    """Whether another verb's clause opens here: "that", "which", or a participle behind a comma."""
    if units[index].text in _TURN_TO_ANOTHER:
        following = singular(units[index + 1].text) if index + 1 < len(units) else ""
        return following not in words().group_nouns and following not in words().rulings  # "of that network"
    if units[index - 1].text != "," or units[index].kind is not Kind.WORD:
        return False
    goes_on = units[index].text in {"and", "but"} and all(u.kind is not Kind.GROUP for u in units[index : index + 4])
    return goes_on or units[index].text.endswith("ing")


def time_near(view: Scene, place: int) -> When | None:
    """The time nearest to `place` in the text; weekdays too, for they say that it is news."""
    return min(view.times, key=lambda w: abs(w.start - place), default=None)


def is_background(view: Scene, trigger: Trigger, when: When | None) -> bool:
    """Whether the clause itself tells of the past: a stated day well before the story, or a word that says so."""
    if when is not None and is_long_ago(view, when):
        return True
    if when is not None and when.since:
        return True
    if "had" in trigger.auxiliaries and not _reported(view, trigger) and not _just_before(view, trigger):
        return True
    if when is None and (_is_behind_old_event(view, trigger) or _is_said_in_passing(view, trigger)):
        return True
    if _is_retold(view, trigger) or _is_when(view, trigger) or _is_counted(view, trigger, when):
        return True
    window = view.units[max(trigger.left, trigger.start - 5) : min(trigger.right, trigger.end + 12)]
    close = view.units[max(trigger.left, trigger.start - 4) : min(trigger.right, trigger.end + 4)]
    return (
        any(unit.text in words().past_cues for unit in window)
        or any(unit.text in words().close_past_cues for unit in close)
        or _has(window, "last", {"year", "month", "week"})
        or _first_listed(view, trigger)
        or view.units[0].text == "earlier"
    )


def _is_said_in_passing(view: Scene, trigger: Trigger) -> bool:
    """`ties to the NPA, which the government has designated as terrorist`: how it stands, told beside the news."""
    opener = view.units[trigger.left - 1].text if trigger.left > 1 else ""
    perfect = not words().have_forms.isdisjoint(trigger.auxiliaries)
    return opener in {"which", "whom"} and perfect and view.units[trigger.left - 2].text == ","


def _is_behind_old_event(view: Scene, trigger: Trigger) -> bool:
    """`banned X three weeks after the bombings of 2019`: the only time is that of an event long past."""
    if view.sentence.number <= 1 or trigger.right >= min(len(view.units), trigger.end + 10):
        return False
    wall = view.units[trigger.right]
    behind = (w for w in view.times if w.start > wall.start)
    return wall.text in {"after", "before"} and any(is_long_ago(view, w, 90) for w in behind)


_COUNTED = re.compile(
    r"\b(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|\d+|several|some|many) "
    r"(?:days?|weeks?|months?|years?|decades?) (?:later|earlier|previously|afterwards?)\b",
    re.IGNORECASE,
)


def _is_counted(view: Scene, trigger: Trigger, when: When | None) -> bool:
    """`branded the group terrorist three months later`: told by its distance from another event of the past."""
    if view.sentence.number <= 1 or (when is not None and when.weekday):
        return False
    return _COUNTED.search(view.story, view.units[trigger.left].start, view.units[trigger.right - 1].end) is not None


def is_long_ago(view: Scene, when: When, days: int = 10) -> bool:
    """Whether a stated day lies more than `days` before the story."""
    return when.date is not None and view.today is not None and is_before(when.date, view.today, days)


def _is_when(view: Scene, trigger: Trigger) -> bool:
    """`announced on Wednesday when it listed X`: a time is told by a known change. The lead may tell it so."""
    opener = view.units[trigger.left - 1].text if trigger.left else ""
    if any(hit.end == trigger.left for hit in view.operators):
        return False  # "erred when they struck": the clause is what the verb is about
    if opener in {"after", "since", "before"} and (
        trigger.voice is Voice.GERUND or view.units[trigger.left - 2].text in _SPANS
    ):
        return True
    return opener == "when" or (opener in {"after", "since", "before"} and view.sentence.number > 1)


def _is_retold(view: Scene, trigger: Trigger) -> bool:
    """`commenting on a ruling that suspended the ban`: the change is the ground of the story, not its news."""
    for index in range(trigger.start - 1, max(trigger.start - 4, 0), -1):
        if view.units[index].text in {"that", "which"}:
            return any(
                unit.text in words().rulings - words().legal_texts for unit in view.units[max(0, index - 6) : index]
            )
    return False


def _reported(view: Scene, trigger: Trigger) -> bool:
    """`denied that it had been removed`: the pluperfect of reported speech is no history."""
    return any(h.operator.id in {"refuse", "announce"} for h in view.operators if h.end <= trigger.start)


def _has(window: Sequence[Unit], first: str, second: set[str]) -> bool:
    return any(a.text == first and b.text in second for a, b in pairwise(window))


def _first_listed(view: Scene, trigger: Trigger) -> bool:
    before = view.units[trigger.start - 1].text if trigger.start else ""
    return before in {"first", "originally"} and trigger.form is not Form.BASE
