"""Laws of the source text: short files, documented functions, no print, no hidden randomness, no machine's traces."""

import ast
import re

import pytest
from house import REPOSITORY, run

SOURCES = sorted((REPOSITORY / "src" / "gaugeflow").rglob("*.py"))
PYTHON_FOLDERS = ("src", "tests", "workflow", "benchmarks", "docs")
TRACKED = [".ci", "benchmarks", "cluster", "docs", "src", "tests", "workflow"]
FORBIDDEN_NAMES = {"utils", "util", "common", "misc", "helpers", "scripts", "notebooks"}
MAX_LINES = 300
MAX_FUNCTION_LINES = 60


def names(path):
    return str(path.relative_to(REPOSITORY / "src"))


def functions(tree):
    """(qualified name, node) of every function and class of a module, methods included, nested functions not."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    yield f"{node.name}.{item.name}", item


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_a_file_has_one_idea_and_fits_in_300_lines(path):
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_functions_are_short_and_public_ones_documented(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module has no docstring"
    for name, node in functions(tree):
        promised = isinstance(node.body[-1], ast.Expr) and isinstance(node.body[-1].value, ast.Constant)  # a protocol's
        if not promised and not any(part.startswith("_") for part in name.split(".")):
            assert ast.get_docstring(node), f"{name} (line {node.lineno}) has no docstring"
        if not isinstance(node, ast.ClassDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_nothing_prints_or_draws_hidden_random_numbers(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"print in line {node.lineno}: log, or use typer.echo in cli"
        if isinstance(node, ast.Import):
            assert "random" not in [alias.name for alias in node.names], f"line {node.lineno}: see gaugeflow.rng"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            where = f"line {node.lineno}: randomness is an argument, see gaugeflow.rng"
            assert (node.value.id, node.attr) not in {("np", "random"), ("numpy", "random")}, where


def test_no_folder_or_module_is_named_for_nothing():
    inside = [path for path in (REPOSITORY / "src").rglob("*") if path.stem in FORBIDDEN_NAMES]
    outside = [name for name in FORBIDDEN_NAMES if (REPOSITORY / name).is_dir()]
    assert inside + outside == []


def texts():
    """Every text file of the repository that is tracked."""
    files = [path for path in REPOSITORY.iterdir() if path.is_file()]
    for folder in TRACKED:
        files += [p for p in (REPOSITORY / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    for path in sorted(files):
        content = path.read_bytes()
        if b"\0" not in content:
            yield path, content.decode()


def test_no_tracked_file_names_a_machine_or_an_absolute_path_of_one():
    roots = "|".join(("home", "root", "work", "tmp", "Users", "scratch", "mnt", "opt"))
    pattern = re.compile(rf"(?<![\w./~}}>*-])/({roots})/[A-Za-z0-9._]+")
    found = [
        f"{path.relative_to(REPOSITORY)}: {match[0]}" for path, text in texts() for match in pattern.finditer(text)
    ]
    assert found == []


def test_the_lock_names_no_registry():
    lock = (REPOSITORY / "requirements.lock").read_text()
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links|@ ", lock)


def test_no_unfinished_work_is_left():
    words = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
    unfinished = [str(path) for path, text in texts() if path.suffix in (".py", ".smk", ".md") and words.search(text)]
    assert unfinished == []


def test_the_code_is_formatted_and_free_of_lint():
    folders = [name for name in PYTHON_FOLDERS if (REPOSITORY / name).is_dir()]
    for command in (("ruff", "check", *folders), ("ruff", "format", "--check", *folders)):
        result = run(*command)
        assert result.returncode == 0, result.stdout[-4000:]
