"""The rules of the house, kept by machines: style, types, layers, sizes, documents that tell the truth."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TypeVar

import pytest
import typer.core
import typer.main
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from agents.__main__ import build
from agents.metrics import METRICS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MODULES = sorted(file for package in ("streams", "agents") for file in (ROOT / package).rglob("*.py"))
TREES = {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text("utf-8")) for file in MODULES}
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40
VAGUE = {"base", "common", "core", "helpers", "manager", "misc", "utils"}
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
TOOLS = {
    "ruff": ["-m", "ruff", "check", "--output-format=concise", "streams", "agents", "tests"],
    "format": ["-m", "ruff", "format", "--check", "streams", "agents", "tests"],
    "docstrings": [
        "-m",
        "ruff",
        "check",
        "--output-format=concise",
        "--select",
        "D100,D101,D102,D103,D104",
        "streams",
    ],
    "mypy": ["-m", "mypy"],
    "import contracts": ["-c", LINT_IMPORTS],
}

N = TypeVar("N", bound=ast.AST)


def nodes(*kinds: type[N]) -> Iterator[tuple[str, N]]:
    """Every node of these kinds in the two packages, with the file it is in."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield file, node


@pytest.mark.parametrize("tool", TOOLS)
def test_the_code_passes(tool: str) -> None:
    run = subprocess.run([sys.executable, *TOOLS[tool]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"\n{run.stdout}{run.stderr}"


def test_a_module_says_one_thing() -> None:
    sizes = {file.relative_to(ROOT).as_posix(): len(file.read_text("utf-8").splitlines()) for file in MODULES}
    assert {file: lines for file, lines in sizes.items() if lines > MAX_MODULE_LINES} == {}


def test_a_function_fits_a_glance() -> None:
    sizes = {
        f"{file}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for file, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in sizes.items() if lines > MAX_FUNCTION_LINES} == {}


def test_a_module_is_named_after_what_it_knows_or_does() -> None:
    assert [file.name for file in MODULES if VAGUE & set(file.stem.split("_"))] == []


def test_only_the_guard_swallows_whatever_comes() -> None:
    def is_broad(handler: ast.ExceptHandler) -> bool:
        if handler.type is None:
            return True
        named = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
        return bool(named & {"BaseException", "Exception"})

    def raises_again(handler: ast.ExceptHandler) -> bool:
        last = handler.body[-1]
        return isinstance(last, ast.Raise) and last.exc is None

    found = [(file, handler) for file, handler in nodes(ast.ExceptHandler) if is_broad(handler)]
    assert {file for file, handler in found if not raises_again(handler)} == {"agents/deadletter.py"}


def test_tests_are_no_package() -> None:
    """An `__init__.py` there would put a second `streams` on the path."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def imported(trees: Iterable[ast.AST]) -> set[str]:
    """The distributions, other than ours, from which something is imported."""
    tops: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                tops |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                tops.add(node.module.partition(".")[0])
    known = packages_distributions()
    return {
        canonicalize_name(name)
        for top in tops - {"streams", "agents"} - sys.stdlib_module_names
        for name in known.get(top, [top])
    }


def declared(*extras: str) -> set[str]:
    """The names of what the project depends on, with these extras."""
    asked = list(PYPROJECT["project"]["dependencies"])
    for extra in extras:
        asked += PYPROJECT["project"]["optional-dependencies"][extra]
    return {canonicalize_name(Requirement(line).name) for line in asked}


def test_what_is_imported_is_declared_and_the_other_way_round() -> None:
    read_by_zoneinfo = {"tzdata"}
    assert imported(TREES.values()) | read_by_zoneinfo == declared("broker")


def test_what_the_tests_import_is_declared() -> None:
    files = list((ROOT / "tests").rglob("*.py"))
    ours = {canonicalize_name(file.stem) for file in files}  # the scripts of one benchmark import each other
    assert imported(ast.parse(file.read_text("utf-8")) for file in files) - ours <= declared("broker", "test")


def code_in(markdown: str) -> str:
    """The fenced blocks and the code spans of a text."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL))
    return "\n".join([*fenced, *spans])


def commands_in(code: str) -> set[tuple[str, ...]]:
    """The words that follow `listwire` up to the first that is an option, a file or a placeholder."""
    found = re.findall(r"(?:^|[\s/])listwire((?: [a-z][a-z-]*(?![\w./=:-]))+)", code, re.MULTILINE)
    return {tuple(words.split()) for words in found}


def is_command(words: tuple[str, ...]) -> bool:
    """Whether these words lead to a command; what follows a command that has none below it is an argument."""
    at = typer.main.get_command(build())
    for word in words:
        if not isinstance(at, typer.core.TyperGroup):
            break
        if word not in at.commands:
            return False
        at = at.commands[word]
    return True


@pytest.mark.parametrize(
    "document", ["README.md", ".github/CONTRIBUTING.md", ".github/CHANGELOG.md", "deploy/RUNBOOK.md"]
)
def test_commands_that_are_told_of_exist(document: str) -> None:
    commands = commands_in(code_in((ROOT / document).read_text("utf-8")))
    assert "scan" in {words[0] for words in commands}
    assert [words for words in sorted(commands) if not is_command(words)] == []


def test_deployed_commands_exist() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"].values()
    commands = [tuple(service["command"]) for service in services if service["image"] == "listwire"]
    assert ("worker",) in commands
    assert [words for words in commands if not is_command(words)] == []


def test_ci_runs_the_test_command_of_the_readme() -> None:
    *_, command = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert command.endswith("-m pytest")
    assert command in code_in(README.read_text("utf-8")).splitlines()


def test_readme_lists_every_metric() -> None:
    rows = [f"| `{metric.name}` | {metric.type} | {', '.join(metric.labels)} | {metric.help} |" for metric in METRICS]
    table = "\n".join(["| metric | type | labels | what it is |", "|---|---|---|---|", *rows])
    told = re.search(r"<!-- metrics -->\n(.*?)\n<!-- /metrics -->", README.read_text("utf-8"), re.DOTALL)
    assert told, f"put this between <!-- metrics --> and <!-- /metrics -->:\n{table}"
    assert told[1].strip() == table
