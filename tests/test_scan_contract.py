"""The command line that outside tools rely on: shapes, offsets, order, exit codes, one clear line for what is wrong."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STORY = {
    "id": "a1",
    "headline": "Argentina lists Hamas",
    "body": "BUENOS AIRES (AP) - Argentina has designated Hamas a terrorist organisation, the presidency said Friday.",
    "published": "2024-07-12",
}


def listwire(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-P", "-m", "agents", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)


def scanned(*stories: Any) -> list[dict[str, Any]]:
    lines = "\n".join(json.dumps(story) for story in stories)
    run = listwire("scan", "--json", "-", stdin=lines.encode())
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_a_story_gives_one_object_with_all_the_fields_of_the_contract() -> None:
    (found,) = scanned(STORY)
    assert set(found) == {"id", "claims", "mentions", "topics", "alerts"}
    assert found["id"] == "a1"
    (claim,) = found["claims"]
    assert set(claim) == {
        "group", "authority", "change", "stage", "news", "date", "acted_on", "effective_on", "instrument", "scope",
        "confidence", "confirmed", "evidence", "speaker", "medium",
    }  # fmt: skip
    assert (claim["authority"], claim["group"], claim["change"], claim["stage"]) == (
        "ar",
        "hamas",
        "listing",
        "effective",
    )
    assert claim["medium"] == "AP"
    (alert,) = found["alerts"]
    assert set(alert) == {
        "id", "revision", "kind", "status", "level", "from", "to", "authority", "group", "change", "stage", "bundle",
    }  # fmt: skip
    assert (alert["kind"], alert["from"], alert["to"]) == ("change", "unknown", "listed")


def test_offsets_count_characters_of_headline_newline_body() -> None:
    story = STORY | {"headline": "Аргентина 🇦🇷 – Hamas"}
    (found,) = scanned(story)
    text = f"{story['headline']}\n{story['body']}"
    for piece in (*[c["evidence"] for c in found["claims"]], *found["mentions"]):
        assert text[piece["start"] : piece["end"]] == piece["text"]
    assert found["mentions"][0]["text"] == "Hamas"


def test_stories_come_out_in_the_order_they_went_in() -> None:
    stories = [STORY | {"id": str(number)} for number in range(20)]
    assert [found["id"] for found in scanned(*stories)] == [str(number) for number in range(20)]


@pytest.mark.parametrize("published", ["2024-07-12T10:00:00Z", "2024-07-12", "2024-07", None])
def test_published_may_be_a_time_a_date_a_month_or_nothing(published: str | None) -> None:
    (found,) = scanned(STORY | {"published": published})
    assert found["claims"]


def test_a_guid_and_a_link_do_as_well_as_an_id_and_an_url() -> None:
    story = {"guid": "g1", "link": "https://example.org/1", "revision": 2, "pub_status": "usable"} | STORY
    del story["id"]
    assert scanned(story)[0]["id"] == "g1"


def test_a_broken_line_is_named_and_the_others_are_still_read(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    bad = ["{not json", '{"id": "x"}', '{"headline": 5}', '{"headline": "h", "published": "soon"}', "[" * 100_000]
    file.write_text("\n".join([json.dumps(STORY), *bad, json.dumps(STORY | {"id": "a2"})]))
    run = listwire("scan", "--json", str(file))
    objects = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 1
    assert [o["id"] for o in objects] == ["a1", "2", "3", "4", "5", "6", "a2"]
    assert ["error" in o for o in objects] == [False, True, True, True, True, True, False]
    assert b"line 3" in run.stderr
    assert b"Traceback" not in run.stderr


def test_a_feed_gives_the_same_objects(tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    item = f"<item><guid>1</guid><title>{STORY['headline']}</title><description>{STORY['body']}</description></item>"
    file.write_text(f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{item}</channel></rss>')
    run = listwire("scan", "--json", str(file))
    assert run.returncode == 0, run.stderr
    (found,) = [json.loads(line) for line in run.stdout.splitlines()]
    assert [claim["group"] for claim in found["claims"]] == ["hamas"]


def test_what_feeds_parse_prints_can_be_scanned(tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    item = f"<item><guid>1</guid><title>{STORY['headline']}</title><description>{STORY['body']}</description></item>"
    file.write_text(f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{item}</channel></rss>')
    parsed = listwire("feeds", "parse", "--json", str(file))
    assert parsed.returncode == 0, parsed.stderr
    (story,) = [json.loads(line) for line in parsed.stdout.splitlines()]
    assert {"guid", "revision", "headline", "body", "published", "pub_status", "signals", "complete"} <= set(story)
    run = listwire("scan", "--json", "-", stdin=parsed.stdout)
    assert [c["group"] for c in json.loads(run.stdout)["claims"]] == ["hamas"]


PROSE = "Court lifts ban\n\nVESSPORT (Meridian) - The court lifted its ban on Hamas on Friday, a spokesman said.\n"


def test_a_text_that_is_handed_over_is_parsed_if_it_reads_as_a_story(tmp_path: Path) -> None:
    file = tmp_path / "story.txt"
    file.write_text(PROSE)
    story = json.loads(listwire("feeds", "parse", "--json", str(file)).stdout)
    assert (story["headline"], story["dateline"]) == ("Court lifts ban", "VESSPORT")
    file.write_text("Hello World")
    refused = listwire("feeds", "parse", "--json", str(file))
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"no headline with a text below it" in refused.stderr


@pytest.mark.parametrize("text", [PROSE, "Hello World"])
def test_a_text_that_is_to_be_scanned_is_known_by_its_name_whatever_it_says(tmp_path: Path, text: str) -> None:
    file = tmp_path / "story.txt"
    file.write_text(text)
    run = listwire("scan", "--json", str(file))
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["id"] == str(file)


def test_names_resolve_to_keys_or_null() -> None:
    run = listwire("registry", "resolve", "--json", "Hamas", "the Taliban", "no such group")
    assert run.returncode == 0
    assert json.loads(run.stdout) == {"Hamas": "hamas", "the Taliban": "taliban", "no such group": None}


def test_an_explanation_names_the_rule_and_why_others_were_dropped() -> None:
    quiet = b"Rally\nThe PKK is designated as a terrorist organisation by Turkey."
    run = listwire("scan", "--explain", "-", stdin=quiet)
    assert b"static-wording: designate" in run.stdout


def test_a_story_in_a_language_that_is_not_read_says_so() -> None:
    body = "Rusia ha retirado a los talibanes (Taliban) de la lista de organizaciones terroristas."
    run = listwire("scan", "-", stdin=f"Los talibanes\n{body}".encode())
    assert b"language-unsupported: es" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "culprit"),
    [
        (["scan", "--bogus"], 2, b"--bogus"),
        (["scan", "/no/such/file"], 2, b"/no/such/file"),
        (["feeds", "parse", "/no/such/file"], 2, b"/no/such/file"),
        (["registry", "import", "/no/such/file"], 2, b"/no/such/file"),
        (["nonsense"], 2, b"nonsense"),
        (["tail", "no.such.topic", "--broker", "127.0.0.1:1"], 2, b"no.such.topic"),
        (["tail", "--only", "authority=rx", "--broker", "127.0.0.1:1"], 2, b"authority=rx: not in the registry"),
        (["tail", "--only", "colour=red", "--broker", "127.0.0.1:1"], 2, b"no filter 'colour'"),
        (["tail", "wire.stories", "--only", "group=pkk", "--broker", "127.0.0.1:1"], 2, b"holds no alerts"),
        (["topics", "create", "--broker", "127.0.0.1:1"], 1, b"127.0.0.1:1"),
        (["worker", "--broker", "127.0.0.1:1"], 1, b"127.0.0.1:1"),
        (["poll", "--broker", "not a broker"], 1, b"not a broker"),
        (["registry", "show", "talibann"], 1, b"talibann"),
        (["status", "nobody at all", "--offline"], 1, b"nobody at all"),
        (["worker", "--log-level", "loud"], 2, b"log"),
        (["up", "--config", "/no/such/config.toml"], 2, b"/no/such/config.toml"),
        (["up", "--feed", "nonsense"], 2, b"nonsense"),
        (["poll", "--feed", "file:///etc/passwd", "--broker", "127.0.0.1:1"], 2, b"file:///etc/passwd"),
    ],
)
def test_a_wrong_call_is_one_clear_line(arguments: list[str], code: int, culprit: bytes) -> None:
    run = listwire(*arguments)
    assert run.returncode == code, run.stderr
    assert culprit in run.stderr
    assert b"Traceback" not in run.stderr


def test_garbage_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "garbage.bin"
    file.write_bytes(bytes(range(256)) * 20)
    run = listwire("scan", str(file))
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert str(file).encode() in run.stderr


def test_a_malformed_feed_list_is_named(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.toml"
    feeds.write_text('[tass]\nurl = "https://tass.com/rss/v2.xml"\nname = "TASS"\nintervall_s = 60\n')
    config = tmp_path / "listwire.toml"
    config.write_text(f'feeds_file = "{feeds}"\n')
    run = listwire("feeds", "list", "--config", str(config))
    assert run.returncode == 2
    assert b"tass" in run.stderr
    assert b"intervall_s" in run.stderr


def test_every_command_has_help() -> None:
    names = ("up", "worker", "poll", "scan", "tail", "status", "alerts", "registry", "feeds", "topics", "doctor")
    for name in names:
        run = listwire(name, "--help")
        assert run.returncode == 0, name
        assert b"Usage: listwire" in run.stdout or b"Usage: python -m agents" in run.stdout


def test_a_stranger_called_agents_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("")
    code = "import sys; import agents; from runpy import run_path; sys.argv = ['listwire', 'scan', '--help']"
    main = Path(__file__).parent.parent / "agents" / "__main__.py"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; run_path({str(main)!r}, run_name='__main__')"],
        cwd=tmp_path, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert b"is not Listwire's" in run.stderr
