"""Groups and authorities as people name them on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from streams.errors import ListwireError
from streams.records import AuthorityKey, GroupKey
from streams.registry import Registry

Pair = tuple[AuthorityKey, GroupKey]


class UnknownNameError(ListwireError):
    """Neither a group nor an authority."""


def pairs_of(names: Sequence[str], registry: Registry) -> list[Pair]:
    """The pairs that a group, an authority, both, or one `authority|group` stand for. Raises UnknownNameError."""
    parts = [part for name in names for part in name.split("|", 1)]
    groups = [group for part in parts if (group := registry.resolve(part)) is not None]
    authorities = [a for part in parts if registry.resolve(part) is None and (a := _authority(part, registry))]
    if len(groups) + len(authorities) < len(parts):
        raise _unknown(next(part for part in parts if not _is_known(part, registry)), registry)
    if len(groups) > 1 or len(authorities) > 1:
        raise UnknownNameError(f"{' and '.join(map(repr, parts))}: give one authority and one group")
    return [(a, g) for a in authorities or registry.authorities for g in groups or registry.groups]


def authority_name(key: AuthorityKey, registry: Registry) -> str:
    """The authority in words; a key that the registry does not have speaks for itself."""
    return registry.authorities[key].name if key in registry.authorities else key


def group_name(key: GroupKey, registry: Registry) -> str:
    """The group in words; a key that the registry does not have speaks for itself."""
    return registry.groups[key].name if key in registry.groups else key


def _is_known(name: str, registry: Registry) -> bool:
    return registry.resolve(name) is not None or _authority(name, registry) is not None


def _authority(name: str, registry: Registry) -> AuthorityKey | None:
    wanted = name.strip().casefold()
    if wanted in registry.authorities:
        return AuthorityKey(wanted)
    named = (a for a in registry.authorities.values() if wanted in {text.casefold() for text in (a.name, *a.names)})
    return next((authority.key for authority in named), None)


def _unknown(name: str, registry: Registry) -> UnknownNameError:
    near = ", ".join(key for key, _, _ in registry.search(name, 3))
    return UnknownNameError(f"{name!r} is neither a group nor an authority" + (f"; near: {near}" if near else ""))
