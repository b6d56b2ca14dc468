"""`listwire registry import`, called as a person would."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from agents.cli import registry_import
from agents.cli.registry_import import register_import
from streams.errors import DataFileError, SettingsError
from streams.registry import build_registry, load_registry
from streams.registry.checking import check
from streams.registry.entries import Group
from streams.registry.importing import ListFileError
from streams.registry.loader import load_folder

FILES = Path(__file__).parent
UN = str(FILES / "un.xml")


@pytest.fixture
def app() -> typer.Typer:
    group = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    register_import(group)
    group.command("other")(lambda: None)  # with a second command, `import` keeps its name
    return group


@pytest.fixture(autouse=True)
def small_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A registry of one group in a folder of its own, in place of the one that ships."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "lantern.toml").write_text(
        '# kept by hand\nkey = "lantern"\nname = "Lantern Brigades"\ncountries = ["ye"]\n'
        'sources = ["https://example.org/list"]\n\n[ids]\nun = "QDe.901"\n',
        "utf-8",
    )
    shipped = build_registry(load_registry().authorities.values(), load_folder(folder, Group).values())
    monkeypatch.setattr(registry_import, "load_registry", lambda: shipped)
    monkeypatch.setattr(registry_import, "package_folder", lambda _: folder)


def run(app: typer.Typer, *words: str) -> None:
    app(["import", *words], standalone_mode=False)


def test_without_write_nothing_is_written(app: typer.Typer, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    run(app, UN)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "un: 3 entries, 1 of them known groups"
    assert "add to lantern: entry QDe.901 by un QDe.901" in out
    assert sorted(tmp_path.rglob("*")) == before


def test_the_difference_is_one_object_as_json(app: typer.Typer, capsys: pytest.CaptureFixture[str]) -> None:
    run(app, UN, "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["additions"][0]["rows"][0]["instrument"] == "1267"
    assert told["drafts"][0]["group"]["key"] == "copper-kettle-river-militia"


def test_what_is_written_loads_strictly_and_a_second_run_finds_nothing_new(
    app: typer.Typer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "out" / "groups"
    run(app, UN, "--write", str(folder))
    assert "wrote 2 files" in capsys.readouterr().err
    groups = load_folder(folder, Group)
    assert set(groups) == {"lantern", "copper-kettle-river-militia"}
    assert (folder / "lantern.toml").read_text("utf-8").startswith('# kept by hand\nkey = "lantern"\n')
    assert [row.listed for row in groups["lantern"].baseline] == ["2015-03-04"]
    assert check(folder)[1] == []
    texts = {file: file.read_bytes() for file in folder.iterdir()}
    run(app, UN, "--write", str(folder))
    captured = capsys.readouterr()
    assert "wrote 0 files" in captured.err
    assert re.findall(r"^(?:new|add to|conflict) .*", captured.out, re.MULTILINE) == []
    assert {file: file.read_bytes() for file in folder.iterdir()} == texts


def test_several_lists_one_after_another_make_one_record(app: typer.Typer, tmp_path: Path) -> None:
    folder = tmp_path / "groups"
    for files in (["un.xml"], ["eu.xml"], ["gb.csv"], ["targets.simple.csv"]):
        run(app, *(str(FILES / file) for file in files), "--write", str(folder))
    lantern = load_folder(folder, Group)["lantern"]
    assert {(row.authority, row.instrument, row.listed) for row in lantern.baseline} == {
        ("un", "1267", "2015-03-04"),
        ("eu", "un-isil-aq", None),
        ("gb", "financial-sanctions", "2015-03-04"),
    }
    assert (lantern.ids.un, lantern.ids.eu, lantern.ids.gb) == ("QDe.901", "EU.9002.10", "AQD9001")
    assert check(folder)[1] == []


def test_accepting_writes_only_that_and_says_what_an_entry_is(app: typer.Typer, tmp_path: Path) -> None:
    folder = tmp_path / "groups"
    run(app, UN, "--write", str(folder), "--accept", "copper-kettle-river-militia")
    assert [file.name for file in folder.iterdir()] == ["copper-kettle-river-militia.toml"]
    run(app, UN, "--write", str(folder), "--accept", "KPe.901=lantern")
    lantern = load_folder(folder, Group)["lantern"]
    assert lantern.ids.un == "QDe.901"
    assert [(row.instrument, row.note) for row in lantern.baseline] == [("1267", None), (None, "under DPRK")]


def test_ofac_comes_in_three_files(app: typer.Typer, capsys: pytest.CaptureFixture[str]) -> None:
    run(app, *(str(FILES / name) for name in ("sdn.csv", "alt.csv", "add.csv")))
    out = capsys.readouterr().out
    assert out.startswith("ofac-csv: 2 entries, 0 of them known groups\nnew marsh-heron-front:")
    assert "new tin-whistle-syndicate: Tin Whistle Syndicate (entry 90004), held back: no country" in out


@pytest.mark.parametrize("word", ["nobody", "QDe.901=nobody"])
def test_accepting_what_is_not_there_is_a_wrong_call(app: typer.Typer, word: str) -> None:
    with pytest.raises(SettingsError, match="nobody"):
        run(app, UN, "--accept", word)


def test_a_draft_without_a_country_is_not_written(app: typer.Typer, tmp_path: Path) -> None:
    folder = tmp_path / "groups"
    files = [str(FILES / name) for name in ("sdn.csv", "alt.csv")]
    with pytest.raises(DataFileError, match="no country"):
        run(app, *files, "--write", str(folder), "--accept", "tin-whistle-syndicate")
    assert not folder.exists()


def test_a_broken_file_is_told_with_its_name_and_place(app: typer.Typer, tmp_path: Path) -> None:
    cut = tmp_path / "cut.xml"
    cut.write_bytes(Path(UN).read_bytes()[:2_000])
    with pytest.raises(ListFileError, match=r"cut\.xml: line \d+, column \d+: broken or cut XML"):
        run(app, str(cut))


def test_a_file_that_is_not_there_is_a_wrong_call(app: typer.Typer) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        run(app, "nowhere.xml")


def test_a_file_beyond_reason_is_not_read(app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_import, "MAX_FILE_BYTES", 1_000)
    with pytest.raises(ListFileError, match="larger than"):
        run(app, UN)


SCRIPT = """
import typer
from agents.cli.registry_import import register_import
group = typer.Typer()
register_import(group)
group()
"""


def test_the_registry_that_ships_meets_each_format() -> None:
    for name in ("un.xml", "ofac.xml", "ofac-advanced.xml", "eu.xml", "gb.xml", "gb.csv", "entities.ftm.json"):
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(FILES / name)], capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert re.match(r"[a-z-]+: \d entries, 0 of them known groups\n", ran.stdout)
