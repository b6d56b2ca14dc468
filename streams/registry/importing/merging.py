"""Entries of a list against the registry: the difference, found without deciding over anything curated.

A known group gains what its file lacks: rows, numbers, plain names. Where the file says otherwise than a curated
field, that is a conflict. An unknown entry becomes a draft; it is held back where it looks like a group of the
registry, where its name is a single word, where its list holds companies too, or where the file tells no country;
from a list of companies it is passed over. Names that are short or weak are shown and never added: only an author can
say in whose company they count. A row of the registry on a list that the file holds in full, and which no entry
accounts for, is a conflict: the group may be off the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from streams.records import AuthorityKey, GroupKey
from streams.registry import Registry
from streams.registry.entries import Alias, Baseline
from streams.registry.folding import fold_key
from streams.registry.importing.diffs import Addition, Conflict, Diff, Doubt, Draft
from streams.registry.importing.drafting import alias_of, country_codes, draft_of, is_plain, is_single, key_for
from streams.registry.importing.listed import Holds, ListedEntity, ListedName, Listing
from streams.registry.importing.matching import Found, Matcher, numbers
from streams.registry.importing.standing import Place, each_list, row_of, stray, weigh

SEVERAL_NAMES = "its name holds more than a name"
SINGLE_WORD = "its name is a single word"
HOLDS_OTHERS = "its list also holds companies"
NO_COUNTRY = "no country is told, and a group file needs one"
LIKE_A_GROUP = "it looks like a group of the registry"


def merge(
    format_name: str,
    entities: Iterable[ListedEntity],
    registry: Registry,
    complete: frozenset[tuple[AuthorityKey, str]] = frozenset(),
    told: Mapping[str, GroupKey] | None = None,
) -> Diff:
    """The difference. `told` says by reference which group of the registry an entry is, whatever its names."""
    merger = _Merger(registry, told or {})
    count = 0
    for entity in entities:
        count += 1
        merger.take(entity)
    additions = tuple(merger.additions())
    return Diff(
        format=format_name,
        entries=count,
        known=merger.known,
        drafts=tuple(merger.drafts),
        additions=additions,
        conflicts=(*merger.conflicts, *merger.absent(complete)),
        doubts=tuple(merger.doubts),
        passed=dict(merger.passed),
        signals=dict(merger.signals),
    )


class _Growth:
    """What an existing group gains."""

    def __init__(self) -> None:
        self.entries: dict[str, None] = {}
        self.aliases: list[Alias] = []
        self.held: list[Alias] = []
        self.numbers: dict[str, dict[str, str]] = {}  # by register: number to the entry that has it
        self.rows: list[Baseline] = []


class _Merger:
    def __init__(self, registry: Registry, told: Mapping[str, GroupKey]) -> None:
        self.known = 0
        self.drafts: list[Draft] = []
        self.conflicts: list[Conflict] = []
        self.doubts: list[Doubt] = []
        self.passed: Counter[str] = Counter()
        self.signals: Counter[str] = Counter()
        self._registry = registry
        self._told = told
        self._matcher = Matcher(registry)
        self._growing: dict[GroupKey, _Growth] = {}
        self._present: set[tuple[GroupKey, GroupKey | None, AuthorityKey, str | None]] = set()
        self._claimed: dict[str, GroupKey] = {}  # names given out in this run
        self._numbers: dict[tuple[str, str], GroupKey] = {}  # likewise
        self._never = {fold_key(text): key for key, group in registry.groups.items() for text in group.never}
        self._codes = country_codes(registry.authorities.values())
        self._keys: set[str] = set(registry.groups)

    def take(self, entity: ListedEntity) -> None:
        """Find out what one entry means for the registry."""
        self.signals.update(entity.signals)
        if not entity.name:
            return
        told = self._told.get(entity.reference)
        found = Found(told, "your word") if told is not None else self._matcher.find(entity)
        if isinstance(found, Found):
            self._grow(entity, found)
        elif isinstance(found, Doubt):
            self.doubts.append(found)
        elif entity.holds is Holds.OTHERS:
            tags = (tag for listing in entity.listings for tag in listing.programme.split(", "))
            self.passed.update(set(tags) or {"no programme"})
        else:
            self._draft(entity)

    def additions(self) -> Iterator[Addition]:
        """What each existing group gains, in the order of the file."""
        for key, growth in self._growing.items():
            ids = dict(self._new_numbers(key, growth))
            if growth.aliases or ids or growth.rows or growth.held:
                yield Addition(
                    key=key,
                    entries=tuple(growth.entries),
                    aliases=tuple(growth.aliases),
                    ids=ids,
                    rows=tuple(growth.rows),
                    held_aliases=tuple(growth.held),
                )

    def _new_numbers(self, key: GroupKey, growth: _Growth) -> Iterator[tuple[str, str]]:
        """Numbers the group lacks. Where its entries have several, or none has the one it has, that is a conflict."""
        curated = dict(numbers(self._registry.groups[key].ids))
        for register, told in growth.numbers.items():
            stated = curated.get(register)
            if stated is None and len(told) == 1:
                yield register, next(iter(told))
            elif stated not in told:
                self.conflicts.append(
                    Conflict(
                        key=key,
                        field=f"ids {register}",
                        registry=stated or "not told",
                        file=" or ".join(told),
                        reference=", ".join(told.values()),
                    )
                )

    def absent(self, complete: frozenset[tuple[AuthorityKey, str]]) -> Iterator[Conflict]:
        """Rows of the registry on lists the file holds in full, that no entry of it accounts for."""
        told_of = {(authority, instrument) for _, _, authority, instrument in self._present}
        doubted = {key for doubt in self.doubts for key in doubt.keys}
        for key, group in self._registry.groups.items():
            for row in group.baseline:
                at = (row.authority, row.instrument)
                if row.delisted or at not in told_of or at not in complete or {key, row.scope} & doubted:
                    continue
                if not {(key, row.scope, *at), (key, None, *at)} & self._present:
                    field = f"baseline {row.authority} {row.instrument}"
                    stated = f"listed since {row.listed or 'an untold day'}"
                    yield Conflict(key=key, field=field, registry=stated, file="not in the file")

    def _grow(self, entity: ListedEntity, found: Found) -> None:
        self.known += 1
        growth = self._growing.setdefault(found.key, _Growth())
        growth.entries[f"{entity.reference} by {found.by}"] = None
        for register, number in numbers(entity.ids):
            growth.numbers.setdefault(register, {}).setdefault(number, entity.reference)
        held, plain = self._names(entity, found.key, (ListedName(text=entity.name), *entity.aliases))
        growth.aliases += plain
        growth.held += held
        self._stand(entity, found)

    def _names(
        self, entity: ListedEntity, key: GroupKey, names: Iterable[ListedName]
    ) -> tuple[list[Alias], list[Alias]]:
        """Names the group lacks: those left to an author, and the plain ones, which are its own from now on."""
        held: list[Alias] = []
        plain: list[Alias] = []
        for name in names:
            owners = self._owners_of(name.text)
            if not owners and is_plain(name):
                self._claimed[fold_key(name.text)] = key
                plain.append(alias_of(name))
            elif not is_plain(name) or key not in self._registry.groups:
                if key not in owners:
                    held.append(alias_of(name))
            elif key not in owners:
                stated = f"{name.text!r} is of {', '.join(owners)}"
                self.conflicts.append(
                    Conflict(key=key, field="aliases", registry=stated, file="its name", reference=entity.reference)
                )
        return held, plain

    def _owners_of(self, text: str) -> tuple[str, ...]:
        """The groups that have the name, in the registry or by an entry before; a word for one that is never a name."""
        folded = fold_key(text)
        if folded in self._never:
            return (f"nobody by {self._never[folded]}",)
        claimed = self._claimed.get(folded)
        return self._registry.owners(text) or ((claimed,) if claimed is not None else ())

    def _stand(self, entity: ListedEntity, found: Found) -> None:
        group = self._registry.groups[found.key]
        place = Place(group, None)
        if group.part_of is not None:
            place = Place(self._registry.groups[group.part_of], group.key)
        for listing in self._lists(entity):
            at = (place.group.key, place.scope, listing.authority, listing.instrument)
            if at in self._present:
                continue  # a second entry of the same group on the same list
            self._present.add(at)
            outcome = weigh(listing, place, entity.page, entity.reference)
            if outcome.conflict is not None:
                self.conflicts.append(outcome.conflict)
            if outcome.row is not None:
                growth = self._growing.setdefault(place.group.key, _Growth())
                growth.entries[f"{entity.reference} by {found.by}"] = None
                growth.rows.append(outcome.row)

    def _lists(self, entity: ListedEntity) -> Iterator[Listing]:
        for listing in each_list(entity.listings):
            unknown = stray(listing, self._registry.authorities)
            if unknown is None:
                yield listing
            else:
                self.signals[unknown] += 1

    def _draft(self, entity: ListedEntity) -> None:
        folded = fold_key(entity.name)
        owners = self._owners_of(entity.name)
        numbered = [key for number in numbers(entity.ids) if (key := self._numbers.get(number)) is not None]
        if owners or numbered:
            why = f"its {'name' if owners else 'number'} is of {', '.join(owners or numbered)}"
            self.doubts.append(Doubt(reference=entity.reference, name=entity.name, keys=(), why=why))
            return
        key = key_for(entity, self._keys)
        self._keys.add(key)
        self._claimed[folded] = key
        self._numbers |= dict.fromkeys(numbers(entity.ids), key)
        held_aliases, plain = self._names(entity, key, entity.aliases)
        rows = tuple(row_of(listing, entity.page) for listing in self._lists(entity))
        like = self._matcher.looking_like(entity)
        countries = self._countries(entity)
        reasons = (
            (NO_COUNTRY, not countries),
            (LIKE_A_GROUP, bool(like)),
            (SEVERAL_NAMES, not is_single(entity.name)),
            (SINGLE_WORD, " " not in folded),
            (HOLDS_OTHERS, entity.holds is not Holds.GROUPS),
        )
        self.drafts.append(
            Draft(
                reference=entity.reference,
                group=draft_of(entity, key, tuple(plain), rows, countries),
                held=tuple(reason for reason, holds in reasons if holds),
                like=like,
                held_aliases=tuple(held_aliases),
                remarks=entity.remarks,
            )
        )

    def _countries(self, entity: ListedEntity) -> tuple[str, ...]:
        codes: dict[str, None] = {}
        for country in entity.countries:
            turned = " ".join(reversed(country.split(", ")))  # Congo, Democratic Republic of the
            forms = (country, country.partition("(")[0], turned)
            code = next((code for form in forms if (code := self._codes.get(fold_key(form)))), None)
            if code is None:
                self.signals[f"unknown country {country}"] += 1
            else:
                codes[code] = None
        return tuple(codes)
