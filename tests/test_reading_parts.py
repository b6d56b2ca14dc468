"""The reader's parts: sentences and datelines, dates in prose, voices, and that no text makes it raise."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.reading import read
from streams.reading.sentences import find_dateline, split
from streams.reading.times import find_times
from streams.records import Story, StoryId
from streams.registry import load_registry

NOW = datetime(2025, 6, 10, tzinfo=UTC)


def sentences(body: str, headline: str = "Head") -> list[str]:
    text = f"{headline}\n{body}"
    return [text[s.start : s.end] for s in split(headline, body)[0]][1:]


@pytest.mark.parametrize(
    ("line", "rest", "agency"),
    [
        ("MOSCOW, October 4. /TASS/. The decision", "The decision", "TASS"),
        ("MOSCOW, Oct 4 (Reuters) - The decision", "The decision", "Reuters"),
        ("MOSCOW (AP) - The decision", "The decision", "AP"),
        ("Paris (AFP) - The decision", "The decision", "AFP"),
        ("MOSCOW. Oct 4 (Interfax) - The decision", "The decision", "Interfax"),
        ("MOSCOW, Oct. 4 (Xinhua) -- The decision", "The decision", "Xinhua"),
        ("Madrid, 4 oct (EFE).- The decision", "The decision", "EFE"),
        ("Berlin (dpa) - The decision", "The decision", "dpa"),
        ("New Delhi, Oct 4 (PTI) The decision", "The decision", "PTI"),
        ("RIYADH, October 4, 2024, SPA -- The decision", "The decision", "SPA"),
        ("ABU DHABI, 4th October, 2024 (WAM) -- The decision", "The decision", "WAM"),
        ("GUATEMALA CITY - The decision", "The decision", None),
    ],
)
def test_a_dateline_is_taken_off_and_its_agency_kept(line: str, rest: str, agency: str | None) -> None:
    dateline = find_dateline(line)
    assert dateline is not None
    assert (line[dateline.end :], dateline.agency) == (rest, agency)


@pytest.mark.parametrize(
    "line", ["The Taliban (TTP) said", "Hamas was added", "It was a mistake - a big one - he said"]
)
def test_ordinary_text_has_no_dateline(line: str) -> None:
    assert find_dateline(line) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("The U.S. State Department said so. It did.", ["The U.S. State Department said so.", "It did."]),
        ("He left the U.S. The group stayed.", ["He left the U.S.", "The group stayed."]),
        (
            "Mr. Blinken and Gov. Abbott met on Oct. 4 in St. Louis.",
            ["Mr. Blinken and Gov. Abbott met on Oct. 4 in St. Louis."],
        ),
        ('"It is over," he said. "Truly."', ['"It is over," he said.', '"Truly."']),
        ("One\nTwo", ["One", "Two"]),
        ("(Adds quote)\nMOSCOW (AP) - One.", ["One."]),
    ],
)
def test_sentences_end_where_they_should(body: str, expected: list[str]) -> None:
    assert sentences(body) == expected


@pytest.mark.parametrize(
    "headline", ["UPDATE 1-US drops X", "CORRECTED-US drops X", "URGENT: US drops X", "WRAPUP 2-US drops X"]
)
def test_a_series_mark_is_no_part_of_the_headline(headline: str) -> None:
    (sentence,) = split(headline, "")[0]
    assert headline[sentence.start : sentence.end] == "US drops X"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on 26 November 1993", ["1993-11-26"]),
        ("on November 26, 1993", ["1993-11-26"]),
        ("in March 2005", ["2005-03"]),
        ("since 2021", ["2021"]),
        ("last December", ["2024-12"]),
        ("in July", ["2024-07"]),
        ("last month", ["2025-05"]),
        ("on Friday", ["2025-06-06"]),
        ("will meet on Saturday", ["2025-06-14"]),
        ("on 5 July last year", ["2024-07-05"]),
        ("three years ago", ["2022"]),
        ("it may ban and march on", []),
        ("under the Terrorism Act 2000", []),
        ("the February 14 Coalition", []),
        ("resolution 2653 (2022)", []),
        ("31 February 2020", ["2020-02-31"]),
    ],
)
def test_dates_are_as_precise_as_the_words(text: str, found: list[str]) -> None:
    assert [when.date for when in find_times(text, 0, len(text), date(2025, 6, 10))] == found


def test_without_the_day_of_the_story_a_weekday_is_no_date() -> None:
    assert [when.date for when in find_times("on Friday", 0, 9, None)] == [None]


WORDS = st.sampled_from(
    "Hamas the Taliban PKK Russia Britain's U.S. UN removed from list terrorist organisations ban on was to by , . ; : "
    "said that whether not will should lifted suspended recognised as government declared a court asked in 2003 since "
    "Friday ( ) “ ” - and it they which group \n".split(" ")
)


@settings(max_examples=300, deadline=None)
@given(headline=st.lists(WORDS, max_size=12), body=st.lists(WORDS, max_size=80), published=st.sampled_from([None, NOW]))
def test_no_story_makes_the_reader_raise_and_evidence_is_always_text(
    headline: list[str], body: list[str], published: datetime | None
) -> None:
    story = Story(
        id=StoryId("1"),
        feed="f",
        guid="g",
        headline=" ".join(headline),
        body=" ".join(body),
        received_at=NOW,
        published=published,
    )
    for claim in read(story, load_registry()).claims:
        assert story.text[claim.evidence.start : claim.evidence.end] == claim.evidence.text
        assert 0 < claim.confidence <= 1


@pytest.mark.parametrize(
    ("headline", "body", "news"),
    [
        ("Hamas outlawed", "Hamas was on Friday declared a terrorist organisation by Canada.", ["effective"]),
        ("Plans told", "Britain is banning Hamas, the Home Office said on Friday.", ["decided"]),
        ("British MPs back outlawing Hamas", "Members of Parliament spoke for two hours.", ["decided"]),
        (
            "Order laid",
            "Britain outlawed Hamas on Monday. The order takes effect on Friday if Parliament agrees.",
            ["decided"],
        ),
        ("Canada keeps Hamas and Hezbollah outlawed", "The government spoke on Friday.", []),
        ("Lift the ban on Hamas, lawyers tell Britain", "The lawyers wrote to newspapers on Friday.", []),
        ("Has Britain outlawed Hamas?", "Many ask.", []),
        ("Talks held", "Hamas is a terrorist organisation in Canada, an officer told a hearing.", []),
    ],
)
def test_the_form_of_a_sentence_decides_what_its_verb_says(headline: str, body: str, news: list[str]) -> None:
    story = Story(id=StoryId("1"), feed="f", guid="g", headline=headline, body=body, received_at=NOW, published=NOW)
    assert [claim.stage.value for claim in read(story, load_registry()).claims if claim.news] == news
