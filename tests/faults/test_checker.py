"""The judge is judged: what is missing, doubled, late or too much is said, and sound evidence is clean."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from checker import Evidence, Row, Told, judge

NAMES = (
    "quiet:0:-:-",
    "mention:1:kg:isis",
    "news:2:kg:taliban",
    "comma:3:kz:pkk",
    "killed:4:rs:ltte",
    "dropped:5:ge:eta",
    "copied:6:my:farc:a",
    "copied:6:my:farc:b",
)


def told(number: int, story: str, revision: int = 1, status: str = "live") -> Told:
    return Told("k", f"alert-{number}", revision, status, story, f"digest-{number}-{revision}")


@pytest.fixture
def sound() -> Evidence:
    """A run of which nothing is wrong."""
    alerts = [
        told(2, "news:2:kg:taliban"),
        told(3, "comma:3:kz:pkk"),
        told(4, "killed:4:rs:ltte"),
        told(4, "killed:4:rs:ltte", 2, "retracted"),
        told(5, "dropped:5:ge:eta"),
        told(5, "dropped:5:ge:eta", 2, "retracted"),
        told(6, "copied:6:my:farc:b"),
        told(6, "copied:6:my:farc:b", 2),
    ]
    names = {*NAMES, "unmatched:7:-:-"}
    return Evidence(
        acknowledged={*names, "poison:0"},
        stories=names,
        poison={"poison:0": "wire.stories/0/9"},
        relevant=set(NAMES[1:]),
        claimed=set(NAMES[2:]),
        letters={"wire.stories/0/9", "wire.relevant/1/3"},
        buried={"unmatched:7:-:-"},
        alerts=alerts,
        folded={(one.id, one.revision): one.digest for one in alerts},
        rows={"kg|taliban": Row(3, "x")},
        folded_rows={"kg|taliban": Row(3, "x")},
        delivered=[(one.id, one.revision) for one in alerts],
    )


def test_sound_evidence_is_clean(sound: Evidence) -> None:
    assert judge(sound).is_clean


def test_what_a_crash_repeats_is_no_fault(sound: Evidence) -> None:
    sound.alerts = [*sound.alerts, *sound.alerts]
    sound.delivered = [*sound.delivered, *sound.delivered]
    assert judge(sound).is_clean


def without(story: str) -> Callable[[Evidence], None]:
    def remove(found: Evidence) -> None:
        gone = {(one.id, one.revision) for one in found.alerts if one.story == story}
        found.alerts = [one for one in found.alerts if (one.id, one.revision) not in gone]
        found.folded = {place: digest for place, digest in found.folded.items() if place not in gone}
        found.delivered = [place for place in found.delivered if place not in gone]

    return remove


def taking(place: str, name: str) -> Callable[[Evidence], None]:
    return lambda found: getattr(found, place).discard(name)


def adding(*alerts: Told) -> Callable[[Evidence], None]:
    return lambda found: found.alerts.extend(alerts)


WRONG: dict[str, tuple[str, Callable[[Evidence], Any]]] = {
    "a story that was acknowledged and is gone": ("lost", taking("stories", "news:2:kg:taliban")),
    "a story without its alert": ("lost", without("news:2:kg:taliban")),
    "news that never got to the detector": ("lost", taking("relevant", "news:2:kg:taliban")),
    "news that nobody claimed": ("lost", taking("claimed", "copied:6:my:farc:b")),
    "a kill without a retraction": ("lost", lambda found: found.alerts.pop(3)),
    "an alert that was never delivered": ("lost", lambda found: found.delivered.pop(0)),
    "an alert that the claims ask for": ("lost", lambda found: found.folded.update({("alert-9", 1): "x"})),
    "a mention that stopped on its way": ("unaccounted", taking("relevant", "mention:1:kg:isis")),
    "poison without a letter": ("unaccounted", taking("letters", "wire.stories/0/9")),
    "a kill of nothing without a letter": ("unaccounted", taking("buried", "unmatched:7:-:-")),
    "an offset that never moved": ("unaccounted", lambda found: found.behind.update({"wire.stories/0": 3})),
    "two alerts of one story": ("doubled", adding(told(8, "news:2:kg:taliban"))),
    "one revision told in two ways": ("doubled", adding(told(2, "news:2:kg:taliban")._replace(digest="y"))),
    "a revision that came too early": ("disordered", lambda found: found.alerts.insert(2, found.alerts.pop(3))),
    "an alert about nothing": ("unexpected", adding(told(8, "mention:1:kg:isis"))),
    "a quiet story that was thought relevant": ("unexpected", lambda found: found.relevant.add("quiet:0:-:-")),
    "a comma that made a revision": ("unexpected", adding(told(3, "comma:3:kz:pkk", 2))),
    "a story told under embargo": ("unexpected", lambda found: found.early.add("embargoed:9:kg:eta")),
    "a delivery of nothing": ("unexpected", lambda found: found.delivered.append(("alert-9", 1))),
    "a row that a zombie wrote": ("stale", lambda found: found.rows.update({"kg|taliban": Row(2, "w")})),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_the_judge_says_what_is_wrong(name: str, sound: Evidence) -> None:
    kind, spoil = WRONG[name]
    spoil(sound)
    wrong = vars(judge(sound))
    assert wrong[kind], wrong


def test_a_story_in_a_letter_is_accounted_for(sound: Evidence) -> None:
    without("news:2:kg:taliban")(sound)
    sound.claimed.discard("news:2:kg:taliban")
    sound.relevant.discard("news:2:kg:taliban")
    sound.buried.add("news:2:kg:taliban")
    assert judge(sound).is_clean


def test_all_that_is_asked_of_the_verdict_has_a_case() -> None:
    asked = {field.name for field in dataclasses.fields(judge(Evidence()))}
    assert asked == {kind for kind, _ in WRONG.values()}
