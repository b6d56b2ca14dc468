"""The formats side by side: each document of tests/wires is taken for what its folder says, whoever is asked first."""

from pathlib import Path

import pytest

from streams.wires import FORMATS, sniff

WIRES = Path(__file__).parent / "wires"
FOLDERS = {known.__name__.rpartition(".")[2]: known for known in FORMATS}  # type: ignore[attr-defined]
DOCUMENTS = sorted(path for path in WIRES.glob("*/*") if path.suffix != ".json" or path.name.endswith(".wire.json"))


def test_every_format_has_documents() -> None:
    assert {path.parent.name for path in DOCUMENTS} == set(FOLDERS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.name}")
@pytest.mark.parametrize("media_type", [None, "text/html", "application/octet-stream"])
def test_a_document_is_recognised_as_what_it_is_whatever_the_server_says(path: Path, media_type: str | None) -> None:
    assert sniff(path.read_bytes(), media_type, addressed=False) is FOLDERS[path.parent.name]
