"""Which item is which: the name under which an item is known from one poll to the next.

In this order: the guid as it is written, the link without what trackers add, a hash of title and date. A name
that items of one document share although they are plainly different (publishers send the same guid, or none,
for all of them) names none of them, and the next one is taken. Items that are not different are one item.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_TRACKING = re.compile(r"(?:utm|at|ns|mc)_\w+|fbclid|gclid|cmpid|ocid|xtor", re.IGNORECASE)


class Candidate(NamedTuple):
    """What an item offers to be known by; `body` where it has no title."""

    guid: str | None
    link: str | None
    title: str
    date: str
    body: str


def identities(items: Sequence[Candidate]) -> dict[int, str]:
    """The identity of each item by its index; further copies of one are left out."""
    chosen: dict[int, str] = {}
    rest = list(range(len(items)))
    for name, difference in _NAMES:
        groups = _grouped(rest, items, name)
        good = {known: group for known, group in groups.items() if len(set(map(difference, group.values()))) == 1}
        chosen |= {next(iter(group)): known for known, group in good.items()}
        taken = {index for group in good.values() for index in group}
        rest = [index for index in rest if index not in taken]
    return _first_of_each(chosen)


def normal_link(link: str | None) -> str | None:
    """The link as an identity: scheme and host alike for all spellings, no tracking parameters. None for no address."""
    try:
        parts = urlsplit(link or "")
    except ValueError:
        return None
    if not parts.netloc:
        return None
    pairs = (
        parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100, separator="&") if _few(parts.query) else []
    )
    kept = [(name, value) for name, value in pairs if not _TRACKING.fullmatch(name)]
    query = urlencode(kept) if len(kept) != len(pairs) else parts.query
    return urlunsplit(("https", parts.netloc.lower(), parts.path, query, parts.fragment))


def _few(query: str) -> bool:
    return query.count("&") < 100


def hashed(title: str, date: str) -> str:
    """The name of an item that has no other."""
    return "hash:" + hashlib.blake2b(f"{title}\n{date}".encode("utf-8", "replace")).hexdigest()[:32]


def _grouped(
    indices: Sequence[int], items: Sequence[Candidate], name: Callable[[Candidate], str | None]
) -> dict[str, dict[int, Candidate]]:
    groups: defaultdict[str, dict[int, Candidate]] = defaultdict(dict)
    for index in indices:
        if known := name(items[index]):
            groups[known][index] = items[index]
    return groups


def _first_of_each(chosen: dict[int, str]) -> dict[int, str]:
    """In document order; a guid of one item may be the link of another, and then they are one."""
    seen: dict[str, int] = {}
    for index in sorted(chosen):
        seen.setdefault(chosen[index], index)
    return {index: known for known, index in seen.items()}


# How an item can be named, and what must be alike for two items of that name to be the same item.
_NAMES: tuple[tuple[Callable[[Candidate], str | None], Callable[[Candidate], object]], ...] = (
    (lambda item: item.guid, lambda item: normal_link(item.link) or item.title),
    (lambda item: normal_link(item.link), lambda item: item.title),
    (lambda item: hashed(item.title or item.body, item.date), lambda item: None),
)
