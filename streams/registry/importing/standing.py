"""Where an entry stands, against what the registry has: a row to add, nothing, or a conflict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from streams.records import AuthorityKey, GroupKey
from streams.registry.entries import Authority, Baseline, Group
from streams.registry.importing.diffs import Conflict
from streams.registry.importing.listed import Listing


class Outcome(NamedTuple):
    """What a listing comes to."""

    row: Baseline | None = None
    conflict: Conflict | None = None


class Place(NamedTuple):
    """The group whose file tells of a listing, and the wing or chapter it is about."""

    group: Group
    scope: GroupKey | None


def each_list(listings: Iterable[Listing]) -> list[Listing]:
    """One listing for each list, since the earliest day told."""
    merged: dict[tuple[AuthorityKey, str | None], Listing] = {}
    for listing in listings:
        at = (listing.authority, listing.instrument)
        known = merged.get(at)
        if known is None:
            merged[at] = listing
            continue
        merged[at] = Listing(
            authority=known.authority,
            instrument=known.instrument,
            programme=", ".join(dict.fromkeys((*known.programme.split(", "), *listing.programme.split(", ")))),
            holds=known.holds,
            listed=min((day for day in (known.listed, listing.listed) if day is not None), default=None),
        )
    return list(merged.values())


def stray(listing: Listing, authorities: dict[AuthorityKey, Authority]) -> str | None:
    """The signal for a listing by an authority, or on a list, that the registry has no file or key for."""
    authority = authorities.get(listing.authority)
    if authority is None:
        return f"no authority {listing.authority} for programme {listing.programme}"
    if listing.instrument not in {None, *(instrument.key for instrument in authority.instruments)}:
        return f"no instrument {listing.instrument} of {listing.authority} for programme {listing.programme}"
    return None


def row_of(listing: Listing, page: str, scope: GroupKey | None = None) -> Baseline:
    """The row that tells of the listing; one without an instrument names the programme."""
    return Baseline(
        authority=listing.authority,
        source=page,
        instrument=listing.instrument,
        listed=listing.listed,
        scope=scope,
        note=None if listing.instrument else f"under {listing.programme}",
    )


def weigh(listing: Listing, place: Place, page: str, reference: str) -> Outcome:
    """What the listing adds to the rows of the group, or contradicts in them."""
    rows = [row for row in place.group.baseline if row.authority == listing.authority]
    standing = [row for row in rows if row.delisted is None]
    same = [row for row in standing if row.instrument == listing.instrument]
    exact = [row for row in same if row.scope == place.scope]

    def differs(field: str, registry: str, file: str) -> Outcome:
        label = f"baseline {listing.authority} {listing.instrument or '-'}{field}"
        return Outcome(
            conflict=Conflict(key=place.group.key, field=label, registry=registry, file=file, reference=reference)
        )

    if exact:
        stated, told = exact[0].listed, listing.listed
        if told is None or (stated or "").startswith(told):
            return Outcome()
        return differs(" listed", stated or "not told", told)
    if place.scope is not None and any(row.scope is None for row in same):
        return Outcome()  # the whole is on that list, and with it the part
    if same:
        return differs("", f"only {', '.join(row.scope or 'the whole' for row in same)}", "the whole")
    if listing.instrument is None and standing:
        return Outcome()  # some list of that authority is told of already
    if any(row.instrument is None for row in standing):
        return differs("", "listed, no instrument told", f"on {listing.instrument}")
    ended = [row for row in rows if (row.instrument, row.scope) == (listing.instrument, place.scope) and row.delisted]
    last = max((row.delisted for row in ended if row.delisted), default=None)
    if last is not None and (listing.listed is None or listing.listed < last):
        return differs("", f"delisted {last}", f"listed since {listing.listed or 'an untold day'}")
    return Outcome(row=row_of(listing, page, place.scope))
