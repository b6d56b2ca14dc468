"""FollowTheMoney entities of OpenSanctions, one JSON object a line: organisations and legal entities.

All other schemata are ignored by name but `Sanction`, which says which programme an entry is under and since when;
it stands on a line of its own (`entities.ftm.json`) or inside the entry (`targets.nested.json`). A sanction with an
end is over or ends some day, which the file alone cannot tell apart: it is signalled and not read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from streams.records import AuthorityKey, PartialDate
from streams.registry.entries import AliasKind, Ids
from streams.registry.importing import ofac
from streams.registry.importing.listed import ListedEntity, ListedName, ListFileError, Listing
from streams.registry.importing.opensanctions import SCHEMATA, listing, page_of
from streams.registry.importing.texts import NO_NAME, clean, iso_day, leading, names, remark, un_number

NAME = "opensanctions-ftm"
COMPLETE: frozenset[tuple[AuthorityKey, str]] = frozenset()

NAMES = {
    "name": (AliasKind.NAME, False),
    "alias": (AliasKind.NAME, False),
    "abbreviation": (AliasKind.ACRONYM, False),
    "previousName": (AliasKind.FORMER, False),
    "weakAlias": (AliasKind.NAME, True),
}
USED = frozenset({*NAMES, *"country jurisdiction mainCountry notes wikidataId sanctions".split()})
IGNORED = frozenset(
    "address addressEntity amount bikCode brightQueryId brightQueryOrgId bvdId cageCode capital classification "
    "createdAt description dissolutionDate dunsCode economicActivityCode email giiNumber gln icijId idNumber "
    "imoNumber incorporationDate innCode keywords kppCode legalForm leiCode licenseNumber modifiedAt npiCode "
    "ogrnCode okpoCode opencorporatesUrl parent permId phone program programId proof publisher publisherUrl "
    "registrationNumber retrievedAt ricCode sayariId sector sourceUrl status summary swiftBic taxNumber taxStatus "
    "topics uniqueEntityId uscCode vatCode website wikipediaUrl".split()
)
OVER = "a sanction with an end"


class Inner(Struct):
    """An entity inside another's property, as in the nested file."""

    schema: str
    properties: dict[str, list[str | dict[str, msgspec.Raw]]] = {}


class Line(Struct):
    """An entity; what else its line has (datasets, referents, days of crawling) is ignored."""

    id: str
    schema: str
    caption: str = ""
    properties: dict[str, list[str | Inner]] = {}


Properties = Mapping[str, Sequence[str | Inner]]


class _Sanction(Struct, frozen=True):
    listings: tuple[Listing, ...] = ()
    numbers: tuple[str, ...] = ()
    over: bool = False


def sniff(head: bytes) -> bool:
    """Whether a file that starts so holds entities, one a line."""
    first = head.lstrip(b"\xef\xbb\xbf \r\n\t").partition(b"\n")[0]
    return first.startswith(b"{") and b'"schema"' in first and b'"properties"' in first


def load(raw: bytes) -> tuple[ListedEntity, ...]:
    """Its organisations and legal entities, in order. Raises ListFileError."""
    decoder = msgspec.json.Decoder(Line)
    bodies: list[Line] = []
    sanctions: dict[str, list[_Sanction]] = {}
    for number, line in enumerate(io.BytesIO(raw.removeprefix(b"\xef\xbb\xbf")), 1):
        if not line.strip():
            continue
        try:
            entity = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ListFileError(f"no FollowTheMoney entity: {error}", number) from None
        if entity.schema in SCHEMATA:
            bodies.append(entity)
        elif entity.schema == "Sanction":
            for owner in _texts(entity.properties, "entity"):
                sanctions.setdefault(owner, []).append(_sanction(entity.properties))
    return tuple(_entity(body, sanctions.get(body.id, [])) for body in bodies)


def _entity(body: Line, outer: list[_Sanction]) -> ListedEntity:
    inner = [
        _sanction({name: [v for v in values if isinstance(v, str)] for name, values in found.properties.items()})
        for found in body.properties.get("sanctions", [])
        if isinstance(found, Inner) and found.schema == "Sanction"
    ]
    sanctions = [*outer, *inner]
    name, aliases = leading(_names(body))
    un = {number for sanction in sanctions for number in sanction.numbers}
    wikidata = _texts(body.properties, "wikidataId")
    unknown = sorted(set(body.properties) - USED - IGNORED)
    return ListedEntity(
        reference=clean(body.id),
        name=name,
        aliases=aliases,
        listings=tuple(dict.fromkeys(found for sanction in sanctions for found in sanction.listings)),
        page=page_of(body.id),
        countries=tuple(dict.fromkeys(_countries(body))),
        ids=Ids(wikidata=wikidata[0] if len(wikidata) == 1 else None, un=un.pop() if len(un) == 1 else None),
        remarks=remark(" ".join(_texts(body.properties, "notes"))),
        signals=(
            *(f"unknown property {clean(name)}" for name in unknown),
            *((OVER,) if any(sanction.over for sanction in sanctions) else ()),
            *(() if name else (NO_NAME,)),
        ),
    )


def _names(body: Line) -> Iterator[ListedName]:
    yield from names(body.caption)
    for field, (kind, weak) in NAMES.items():
        for text in _texts(body.properties, field):
            yield from names(text, kind, weak=weak)


def _countries(body: Line) -> Iterator[str]:
    for field in ("mainCountry", "country", "jurisdiction"):
        yield from _texts(body.properties, field)


def _sanction(properties: Properties) -> _Sanction:
    numbers = tuple(number for text in _texts(properties, "unscId") if (number := un_number(text)))
    if _texts(properties, "endDate"):
        return _Sanction(over=True)
    days = [day for text in _texts(properties, "startDate") if (day := iso_day(text))]
    return _Sanction(tuple(_listings(properties, days[0] if days else None)), numbers)


def _listings(properties: Properties, listed: PartialDate | None) -> Iterator[Listing]:
    """OFAC's own tags are finer than the programme they belong to."""
    tags = [tag for tag in _texts(properties, "program") if tag in ofac.PROGRAMMES]
    for programme in _texts(properties, "programId"):
        if programme.startswith("US-") and tags:
            yield from ofac.listings(tags, listed)
        else:
            yield listing(programme, listed)


def _texts(properties: Properties, field: str) -> list[str]:
    return [text for value in properties.get(field, []) if isinstance(value, str) and (text := clean(value))]
