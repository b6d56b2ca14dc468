"""What a record may say and should not: the matcher would then see the group where it is not, or see it never.

The program runs with such a record; `listwire registry check` tells its author.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.registry.entries import Group
from streams.registry.folding import fold, words
from streams.registry.matcher import Name, names_of
from streams.registry.problems import Problem, Records, Rule, file_of

_EVERYDAY = (
    "activist after anarchy and answer army attack attacks authority banner baseball benefit billion board border "
    "bring brother campaign capital cartoon central charge civilian coastal combat company conflict country court "
    "culture defence defense eastern election even family federal first force foreign forward freedom front general "
    "government group guard harmless head history home house independent international island joint justice leader "
    "left liberal list loser major march mayor media member military minister movement much murder muse national "
    "nations new northern office official one organisation organization other parliament party peace people petrol "
    "petroleum plan police political power president prison public question rafah region report republicans resident "
    "resist revolution right riot rising said saw security september service seven several side sign so social south "
    "southern soviet special state street student support target telephone territory the their time today together "
    "town trial unit united use village war week west western white who with workers world year"
)
_WORDS = tuple(f" {word}" for word in (*_EVERYDAY.split(), "white house", "united nations", "civil war"))
_SHORT = 3
_LATIN = (range(0x250), range(0x1E00, 0x1F00))


def near_words_are_telling(records: Records) -> Iterator[Problem]:
    """A near word begins no everyday word, is not in the name itself, and speaks for one group only."""
    for group, name in _all_names(records):
        for word in name.near:
            common = next((common for common in _WORDS if common.startswith(word)), None)
            if common is not None:
                yield _near(group, name, word, f"is the beginning of the everyday {common.strip()!r}")
            elif word in words(fold(name.text).text):
                yield _near(group, name, word, "stands in the name itself, so it always counts")
    for names in records.shared:
        for name in names:
            rivals = {other.group for other in names if other.group != name.group and set(other.near) & set(name.near)}
            if rivals and name.group is not None:
                shared = next(word for word in name.near if any(word in o.near for o in names if o.group in rivals))
                yield _near(records.groups[name.group], name, shared, f"also speaks for {min(filter(None, rivals))}")


def short_acronyms_are_cased(records: Records) -> Iterator[Problem]:
    """Two or three Latin letters are a word of some language in another case."""
    for group, name in _all_names(records):
        if len(name.text) <= _SHORT and name.text.isascii() and name.text.isalpha() and not name.cased:
            remedy = "add cased = true, and near words unless nothing else is called so"
            yield Problem(file_of(group), "aliases", f"{name.text!r} counts in any case, as a word too", remedy)


def scripts_are_told(records: Records) -> Iterator[Problem]:
    """An alias says in which script it is."""
    for group in records.groups.values():
        for alias in group.aliases:
            latin = all(not char.isalpha() or any(ord(char) in block for block in _LATIN) for char in alias.text)
            if latin != (alias.script == "Latn"):
                fault = f"{alias.text!r} is not written in {alias.script}"
                yield Problem(file_of(group), "aliases", fault, 'set script to its own, such as "Arab" or "Cyrl"')


def defaults_have_rivals(records: Records) -> Iterator[Problem]:
    """`default` settles who is meant by a text that several share; on any other, it makes `near` mean nothing."""
    shared = {id(name) for names in records.shared for name in names}
    for names in records.names.values():
        for name in names:
            if name.default and id(name) not in shared and name.group is not None:
                fault = f"{name.text!r} is default and no other group has that text"
                yield Problem(file_of(records.groups[name.group]), "aliases", fault, "take default out")


TRAPS: tuple[Rule, ...] = (
    near_words_are_telling,
    short_acronyms_are_cased,
    scripts_are_told,
    defaults_have_rivals,
)


def _all_names(records: Records) -> Iterator[tuple[Group, Name]]:
    for group in records.groups.values():
        for name in names_of(group):
            if name.group is not None:
                yield group, name


def _near(group: Group, name: Name, word: str, fault: str) -> Problem:
    remedy = "take a word that only stories about the group have: the country, the leader, the rival"
    return Problem(file_of(group), "near", f"{word.strip()!r}, beside {name.text!r}, {fault}", remedy)
