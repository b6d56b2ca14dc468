"""Each official format: what is read of it, what is ignored by name, and how a bad file is refused."""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.registry import load_registry
from streams.registry.entries import AliasKind, Ids
from streams.registry.importing import FORMATS, ListedEntity, ListFileError, format_of, load
from streams.registry.importing.listed import Holds, ListedName
from streams.registry.importing.opensanctions import PROGRAMMES
from streams.registry.importing.texts import clean, day_first, from_parts, iso_day, names, script_of

FILES = Path(__file__).parent
LISTS = {
    "un": ["un.xml"],
    "ofac": ["ofac.xml"],
    "ofac-advanced": ["ofac-advanced.xml"],
    "ofac-csv": ["sdn.csv", "alt.csv", "add.csv"],
    "eu": ["eu.xml"],
    "gb": ["gb.xml"],
    "gb-csv": ["gb.csv"],
    "opensanctions": ["targets.simple.csv"],
    "opensanctions-ftm": ["entities.ftm.json"],
}
XML = ["un", "ofac", "ofac-advanced", "eu", "gb"]
ARABIC = "كتائب الفانوس الشمالي"


def raws(name: str) -> list[bytes]:
    return [(FILES / file).read_bytes() for file in LISTS[name]]


def entities(name: str) -> dict[str, ListedEntity]:
    _, found = load(raws(name))
    return {entity.reference: entity for entity in found}


def told(entity: ListedEntity) -> list[tuple[str, str | None, str | None]]:
    return [(listing.authority, listing.instrument, listing.listed) for listing in entity.listings]


def aliases(entity: ListedEntity) -> dict[str, str]:
    return {alias.text: f"{alias.kind}{' weak' if alias.weak else ''}" for alias in entity.aliases}


def test_every_format_has_a_file_of_its_schema() -> None:
    assert [known.NAME for known in FORMATS if known.NAME not in LISTS] == []


@pytest.mark.parametrize("name", LISTS)
def test_a_file_is_told_by_its_bytes_and_by_no_other_format(name: str) -> None:
    for raw in raws(name):
        assert name == format_of(raw).NAME
        assert [known.NAME for known in FORMATS if known.sniff(raw[:65_536])] == [name]


@pytest.mark.parametrize("name", LISTS)
def test_the_official_schema_leaves_no_field_unnamed(name: str) -> None:
    strangers = {signal for entity in entities(name).values() for signal in entity.signals}
    assert {signal for signal in strangers if signal.startswith("unknown")} == set()


@pytest.mark.parametrize("name", LISTS)
def test_persons_and_ships_are_no_groups(name: str) -> None:
    texts = {entity.name.lower() for entity in entities(name).values()}
    assert texts
    assert [text for text in texts if "persona" in text or "star" in text or "petrel" in text] == []


def test_the_security_council_tells_committee_day_names_and_places() -> None:
    found = entities("un")
    lantern = found["QDe.901"]
    assert list(found) == ["QDe.901", "HTe.901", "KPe.901"]
    assert (lantern.name, told(lantern)) == ("NORTHERN LANTERN BRIGADES", [("un", "1267", "2015-03-04")])
    assert aliases(lantern) == {
        "NLB": "acronym",
        ARABIC: "translation",
        "Brigades of the Northern Lantern": "name",
        "Lantern Column of the North": "name",
        "Lamp Bearers of the Valley": "former",
        "The Lamps": "name weak",
    }
    assert (lantern.countries, lantern.ids.un) == (("Yemen",), "QDe.901")
    assert lantern.remarks == "Invented for a test. Reviewed in 2021."
    assert told(found["HTe.901"]) == [("un", "2653", "2025-07-08")]
    assert (found["KPe.901"].holds, lantern.holds) == (Holds.OTHERS, Holds.GROUPS)


def test_the_classic_list_of_the_treasury_has_no_dates_and_names_the_finer_list() -> None:
    found = entities("ofac")
    heron = found["90001"]
    assert told(heron) == [("us", "fto", None), ("us", "sdgt", None)]
    assert aliases(heron) == {
        "PEOPLE'S FRONT OF THE HERON MARSH": "name",
        "HERON STUDENT UNION OF THE MARSH": "former",
        "MHF": "acronym weak",
    }
    assert (heron.countries, heron.ids) == (("Bangladesh",), Ids(ofac="90001"))
    assert told(found["90004"]) == [("us", "sdn", None)]
    assert found["90004"].listings[0].programme == "TCO, SDNTK"


def test_the_advanced_list_dates_a_programme_only_where_the_day_is_its_own() -> None:
    found = entities("ofac-advanced")
    assert list(found) == ["90001", "90004"], "an entry of another list is not read"
    heron = found["90001"]
    assert heron.name == "MARSH HERON FRONT", "the primary name in Latin letters"
    assert told(heron) == [("us", "fto", None), ("us", "sdgt", "2010-05-07")]
    assert aliases(heron)["جبهة مالك الحزين"] == "translation"
    assert aliases(heron)["MHF"] == "acronym weak"
    assert heron.countries == ("Bangladesh",)
    assert told(found["90004"]) == [("us", "sdn", "2019-12")]


def test_the_three_csv_files_of_the_treasury_are_one_list() -> None:
    found = entities("ofac-csv")
    assert list(found) == ["90001", "90004"]
    assert told(found["90001"]) == [("us", "fto", None), ("us", "sdgt", None)]
    assert aliases(found["90001"])["HERON STUDENT UNION OF THE MARSH"] == "former"
    assert (found["90001"].countries, found["90004"].countries) == (("Bangladesh",), ())
    _, alone = load([raws("ofac-csv")[0]])
    assert [entity.aliases for entity in alone] == [(), ()]


def test_a_programme_is_known_by_its_first_tag_too() -> None:
    _, found = load([raws("ofac-csv")[0].replace(b"TCO] [SDNTK", b"ILLICIT-DRUGS-EO")])
    assert {entity.holds for entity in found if entity.reference == "90004"} == {Holds.MIXED}


def test_an_amendment_is_no_day_of_listing_in_the_european_list() -> None:
    found = entities("eu")
    heron = found["EU.9001.11"]
    assert heron.name == "Marsh Heron Front", "the English name, not the first"
    assert told(heron) == [("eu", "cp-931", None)]
    assert aliases(heron)["Frente de la Garza del Pantano"] == "translation"
    assert aliases(heron)["The Herons"] == "name weak"
    assert told(found["EU.9002.10"]) == [("eu", "un-isil-aq", None)], "it was the day of the United Nations"
    assert (found["EU.9002.10"].ids.un, found["EU.9002.10"].countries) == ("QDe.901", ("YE",))
    assert told(found["EU.9003.12"]) == [("eu", "cp-931", "2026-03-02")]


def test_the_european_union_dates_the_designations_of_its_own() -> None:
    marker = b'euReferenceNumber="EU.9001.11"'
    _, (heron, *_) = load([raws("eu")[0].replace(marker, b'designationDate="2002-06-18" ' + marker)])
    assert told(heron) == [("eu", "cp-931", "2002-06-18")]


def test_both_formats_of_the_british_list_say_the_same() -> None:
    assert entities("gb") == entities("gb-csv")
    lantern = entities("gb")["AQD9001"]
    assert told(lantern) == [("gb", "financial-sanctions", "2015-03-04")]
    assert lantern.ids == Ids(gb="AQD9001", un="QDe.901")
    assert aliases(lantern) == {
        "Brigades of the Northern Lantern": "name",
        "NLB": "acronym weak",
        ARABIC: "translation",
    }
    assert entities("gb")["RUS9002"].holds is Holds.OTHERS


@pytest.mark.parametrize("name", ["gb", "gb-csv"])
def test_a_number_of_the_council_in_capitals_is_the_same_number(name: str) -> None:
    _, found = load([raw.replace(b"QDe.901", b"QDE.901") for raw in raws(name)])
    assert [entity.ids.un for entity in found if entity.reference == "AQD9001"] == ["QDe.901"]


@pytest.mark.parametrize(
    ("regime", "holds"),
    [
        (b"The ISIL (Da'esh) and Al-Qaida (United Nations Sanctions) (EU Exit) Regulations 2019", Holds.GROUPS),
        (b"The Counter-Terrorism (Sanctions) (EU Exit) Regulations 2019", Holds.GROUPS),
        (b"The Libya (Sanctions) (EU Exit) Regulations 2020", Holds.MIXED),
        (b"The Global Human Rights Sanctions Regulations 2020", Holds.MIXED),
    ],
)
def test_the_regime_tells_what_a_british_entry_may_be(regime: bytes, holds: Holds) -> None:
    _, found = load([raw.replace(b"The Russia (Sanctions) (EU Exit) Regulations 2019", regime) for raw in raws("gb")])
    assert [entity.holds for entity in found if entity.reference == "RUS9002"] == [holds]


def test_opensanctions_dates_what_it_dates_alone() -> None:
    found = entities("opensanctions")
    heron = found["Q90000001"]
    assert told(heron) == [("us", None, None), ("eu", "cp-931", None)]
    assert aliases(heron)["Marsh Heron; People's Front"] == "name", "a quoted semicolon parts nothing"
    assert (heron.ids.wikidata, heron.page) == ("Q90000001", "https://www.opensanctions.org/entities/Q90000001/")
    assert found["NK-inventedLANTERN"].ids.un == "QDe.901"
    assert told(found["ca-invented"]) == [("ca", "listed-entities", "2024-06-20")]
    assert "NK-inventedWORKS" not in found


def test_opensanctions_entities_carry_their_sanctions_beside_or_inside() -> None:
    found = entities("opensanctions-ftm")
    heron = found["Q90000001"]
    assert told(heron) == [("us", "sdgt", "2010-05-07"), ("eu", "cp-931", None)]
    assert "a sanction with an end" in heron.signals
    assert aliases(heron)["Heron Student Union of the Marsh"] == "former"
    assert told(found["NK-inventedLANTERN"]) == [("un", "1267", "2015-03-04")]
    assert found["NK-inventedLANTERN"].ids.un == "QDe.901"


def test_lists_are_called_by_keys_of_the_registry() -> None:
    known = {
        (authority.key, instrument.key)
        for authority in load_registry().authorities.values()
        for instrument in authority.instruments
    }
    complete = {at for format_ in FORMATS for at in format_.COMPLETE}
    listed = {(row.authority, row.instrument) for row in PROGRAMMES.values() if row.instrument}
    assert (complete | listed) - known == set()
    assert {row.authority for row in PROGRAMMES.values()} - set(load_registry().authorities) == set()


@pytest.mark.parametrize(
    ("name", "old", "new", "signal"),
    [
        ("un", b"<SORT_KEY/>", b"<HULL/>", "unknown field HULL"),
        ("un", b"<UN_LIST_TYPE>Haiti<", b"<UN_LIST_TYPE>Atlantis<", "unknown UN_LIST_TYPE Atlantis"),
        ("un", b">2025-07-08-04:00<", b">8 July 2025<", "unreadable date in LISTED_ON"),
        ("un", b"<QUALITY>f.k.a.<", b"<QUALITY>p.k.a.<", "unknown QUALITY p.k.a."),
        ("un", b"<FIRST_NAME>COPPER KETTLE RIVER MILITIA<", b"<FIRST_NAME>...<", "no name"),
        ("ofac", b"<uid>4</uid>", b"<uid>4</uid><tone/>", "unknown field akaList/aka/tone"),
        ("ofac", b"<sdnType>Entity</sdnType>", b"<sdnType>Comet</sdnType>", "unknown sdnType Comet"),
        ("ofac", b">weak<", b">feeble<", "unknown aka category feeble"),
        ("ofac-advanced", b"<Comment/>\n      <Profile", b"<Aura/>\n      <Profile", "unknown field Aura"),
        ("ofac-advanced", b"<Feature ", b"<Tint/><Feature ", "unknown field Profile/Tint"),
        ("eu", b'nameLanguage="ES"', b'nameLanguage="ES" tone="1"', "unknown field nameAlias/@tone"),
        ("eu", b'designationDate="2016-09-20"', b'designationDate="soon"', "unreadable date in designationDate"),
        ("eu", b'subjectType code="enterprise"', b'subjectType code="comet"', "unknown subjectType comet"),
        ("gb", b"<NameType>ALias<", b"<NameType>Echo<", "unknown name type Echo"),
        ("gb", b"<OFSIGroupID>90001</OFSIGroupID>", b"<Aura>1</Aura>", "unknown field Aura"),
        ("gb-csv", b"OFSI Group ID", b"Aura", "unknown column Aura"),
        ("gb-csv", b"04/03/2015", b"dd/mm/2015", "unreadable date in Date Designated"),
        ("ofac-csv", b'"TIN WHISTLE SYNDICATE",-0- ', b'"TIN WHISTLE SYNDICATE","comet"', "unknown SDN_Type comet"),
        ("opensanctions", b'"phones"', b'"auras"', "unknown column auras"),
        ("opensanctions-ftm", b'"topics"', b'"auras"', "unknown property auras"),
    ],
)  # fmt: skip
def test_what_a_schema_did_not_have_before_is_signalled(name: str, old: bytes, new: bytes, signal: str) -> None:
    changed = [raw.replace(old, new) for raw in raws(name)]
    assert changed != raws(name)
    _, found = load(changed, name)
    assert signal in {signal for entity in found for signal in entity.signals}


@pytest.mark.parametrize("name", XML)
def test_a_file_that_was_cut_is_refused_with_its_last_place(name: str) -> None:
    (raw,) = raws(name)
    with pytest.raises(ListFileError, match="cut XML") as refused:
        load([raw[: len(raw) * 2 // 3]], name)
    assert refused.value.line is not None
    assert refused.value.line >= raw[: len(raw) * 2 // 3].count(b"\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", XML)
def test_a_declared_document_type_is_refused_before_anything_is_read(name: str, encoding: str) -> None:
    (raw,) = raws(name)
    head, _, body = raw.decode().partition("?>")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>'
    hostile = f"{head.replace('utf-8', encoding).replace('UTF-8', encoding)}?><!-- {'x' * 70_000} -->{bomb}{body}"
    for format_name in (name, None):
        with pytest.raises(ListFileError, match=r"document type|known format"):
            load([hostile.encode(encoding)], format_name)


@pytest.mark.parametrize("name", XML)
def test_absurd_nesting_is_refused(name: str) -> None:
    (raw,) = raws(name)
    start = raw.index(b">", raw.index(format_root(raw))) + 1
    with pytest.raises(ListFileError, match="nest deeper"):
        load([raw[:start] + b"<a>" * 100_000], name)


def format_root(raw: bytes) -> bytes:
    return next(
        tag for tag in (b"<CONSOLIDATED", b"<sdnList", b"<Sanctions ", b"<export", b"<Designations") if tag in raw
    )


@pytest.mark.parametrize("name", LISTS)
def test_a_file_of_another_format_is_refused_in_one_line(name: str) -> None:
    for other in LISTS:
        if other.partition("-")[0] != name.partition("-")[0]:
            with pytest.raises(ListFileError) as refused:
                load(raws(other)[:1], name)
            assert "\n" not in str(refused.value)


def refuses(raw: bytes, name: str | None = None) -> str:
    with pytest.raises(ListFileError) as refused:
        load([raw], name)
    return str(refused.value.named("list.csv"))


@pytest.mark.parametrize(
    ("raw", "name", "line"),
    [
        (b"", None, "list.csv: no list in a known format"),
        (b"<!DOCTYPE html><html></html>", None, "list.csv: line 1: a web page, not a list"),
        (b"PK\x03\x04", None, "list.csv: compressed: unpack it first"),
        (b"<x/>", "gb", "list.csv: line 1: the root element is x, not Designations"),
        (b"", "gb-csv", "list.csv: no rows"),
        (b"Unique ID\n1\n", "gb-csv", "list.csv: line 1: the column 'Address Country' is missing"),
        (b"1,2,3\n", "ofac-csv", "list.csv: line 1: 3 cells, where SDN.CSV has 12, ALT.CSV 5 and ADD.CSV 6"),
        (b'1,"never\nended', "ofac-csv", "list.csv: line 2: broken or cut CSV: unexpected end of data"),
        (
            b"id,schema,name,aliases,countries,identifiers\na,Organization\n",
            "opensanctions",
            "list.csv: line 2: 2 cells where the head has 6",
        ),
        (b'{"id": "a", "schema": "Org', "opensanctions-ftm", "list.csv: line 1: no FollowTheMoney entity:"),
        (b"x", "xx", "list.csv: no format 'xx': un, ofac,"),
    ],
)
def test_a_bad_file_is_named_with_place_and_fault(raw: bytes, name: str | None, line: str) -> None:
    assert refuses(raw, name).startswith(line)


def test_a_number_without_its_explanation_is_refused() -> None:
    (raw,) = raws("ofac-advanced")
    assert "no PartySubType 3" in refuses(raw.replace(b'<PartySubType ID="3"', b'<PartySubType ID="33"'))


def test_files_of_several_formats_are_no_list() -> None:
    with pytest.raises(ListFileError, match="several formats"):
        load([*raws("un"), *raws("eu")])


def test_a_large_file_costs_the_memory_of_its_records_and_not_of_its_tree() -> None:
    (raw,) = raws("un")
    first, last = raw.index(b"<INDIVIDUAL>"), raw.index(b"</INDIVIDUALS>")
    large = raw[:first] + raw[first:last] * 7_000 + raw[last:]
    assert len(large) > 3_000_000
    tracemalloc.start()
    try:
        _, found = load([large])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 3
    assert peak < 1_500_000


@given(st.binary(max_size=300), st.sampled_from(sorted(LISTS)))
def test_any_bytes_are_read_or_refused(raw: bytes, name: str) -> None:
    for tried in (raw, raws(name)[0][: len(raw) * 7] + raw):
        with suppress(ListFileError):
            assert all(isinstance(entity, ListedEntity) for entity in load([tried], name)[1])


@pytest.mark.parametrize(
    ("reader", "text", "day"),
    [
        (iso_day, "2015-03-04", "2015-03-04"),
        (iso_day, "2015-03-27-04:00", "2015-03-27"),
        (iso_day, "2015-03-04T10:00:00Z", "2015-03-04"),
        (iso_day, "2015-03", "2015-03"),
        (iso_day, "2015", "2015"),
        (iso_day, "2015-13-04", None),
        (iso_day, "20150304", None),
        (iso_day, "", None),
        (day_first, "29/02/2012", "2012-02-29"),
        (day_first, "29/02/2013", None),
        (day_first, "dd/mm/2013", None),
        (lambda text: from_parts(*text.split()), "2019 12 0", "2019-12"),
        (lambda text: from_parts(*text.split()), "2019 0 0", "2019"),
    ],
)
def test_a_date_is_as_precise_as_the_list_makes_it(
    reader: Callable[[str], str | None], text: str, day: str | None
) -> None:
    assert reader(text) == day


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("AFGHAN EXAMPLE COMMITTEE (AEC)", [("AFGHAN EXAMPLE COMMITTEE", "name"), ("AEC", "acronym")]),
        ("Harakat Example / HEX", [("Harakat Example", "name"), ("HEX", "acronym")]),
        ("“The Lamps”", [("The Lamps", "name")]),
        ("Front (of the two banks)", [("Front (of the two banks)", "name")]),
        ("PFLP-GC", [("PFLP-GC", "acronym")]),
        ("\u202eLamps\u0007 of\n  night\u200b", [("Lamps of night", "name")]),
        ("Братство лампы", [("Братство лампы", "translation")]),
        ("-", []),
        ("x" * 201, [("x" * 199 + "…", "name")]),
        ("(AB) " * 9_000, [(("(AB) " * 40)[:199] + "…", "name")]),
    ],
)
def test_a_field_gives_the_names_in_it(text: str, found: list[tuple[str, str]]) -> None:
    assert [(name.text, name.kind.value) for name in names(text)] == found


def test_a_former_name_in_another_script_stays_former() -> None:
    assert list(names("Братство лампы", AliasKind.FORMER)) == [ListedName(text="Братство лампы", kind=AliasKind.FORMER)]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("حركة", "Arab"),
        ("Ḥamās", "Latn"),
        ("фронт PFLP", "Cyrl"),
        ("日本赤軍", "Hani"),
        ("बब्बर", "Deva"),
        ("12", "Latn"),
    ],
)
def test_the_script_is_that_of_the_letters(text: str, script: str) -> None:
    assert script_of(text) == script


@given(st.text(max_size=80))
def test_a_cleaned_text_stands_on_one_line_and_cleaning_it_again_changes_nothing(text: str) -> None:
    cleaned = clean(text)
    assert all(char.isprintable() or char in "\u200c\u200d" for char in cleaned)
    assert clean(cleaned) == cleaned
