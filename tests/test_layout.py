"""Who may import whom, and that file, test, export, catalogue and README agree."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

import keras_tricks
from keras_tricks import catalogue

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "keras_tricks"
FILES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"tensorflow", "jax", "torch", "tensorboard", "matplotlib", "PIL", "scipy"}
HEAVY |= {"faster_coco_eval"}
SHARED = {"_checks", "_figure", "_untouched"}
# Families that know other families; all others know only themselves and SHARED.
MAY_IMPORT = {
    "callbacks": {"doctor", "schedules"},
    "recipes": set(catalogue.FAMILIES),
    "detection": {"losses", "layers"},
    "catalogue": set(catalogue.FAMILIES),
}


def imports(path, everywhere):
    """Return the modules that a file imports: anywhere in it, or at its top only."""
    tree = ast.parse(path.read_text())
    nodes = ast.walk(tree) if everywhere else tree.body
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def parametrize_files(files, root):
    ids = [str(path.relative_to(root)) for path in files]
    return pytest.mark.parametrize("path", files, ids=ids)


@parametrize_files(FILES, PACKAGE)
def test_file_imports_only_what_it_may(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts == ("__init__",):
        return
    mine = imports(path, everywhere=True)
    families = {m.split(".")[1] for m in mine if m.startswith("keras_tricks.")}
    allowed = {parts[0], *SHARED} | MAY_IMPORT.get(parts[0], set())
    assert families <= allowed
    assert not {m for m in mine if m.startswith("keras.src")}
    assert not {m.split(".")[0] for m in imports(path, everywhere=False)} & HEAVY


@parametrize_files(FILES, PACKAGE)
def test_private_keras_is_only_where_it_is_watched(path):
    if path != PACKAGE / "layers" / "_tensors.py":  # tests/layers/test_tensors.py
        assert "keras.src" not in path.read_text()


@parametrize_files(FILES, PACKAGE)
def test_file_is_one_idea_long(path):
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("family", catalogue.FAMILIES)
def test_every_file_has_an_export_and_a_test(family):
    module = getattr(keras_tricks, family)
    assert module.__all__ == sorted(module.__all__)
    for path in sorted((PACKAGE / family).glob("*.py")):
        if path.name.startswith("_"):
            continue
        assert (ROOT / "tests" / family / f"test_{path.name}").exists()
        names = [name.lower() for name in module.__all__]
        assert path.stem.replace("_", "") in [name.replace("_", "") for name in names]


@parametrize_files(
    sorted(
        path
        for folder in ("tests", "examples", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    ),
    ROOT,
)
def test_only_public_names_are_used_outside(path):
    for module in imports(path, everywhere=True):
        private = [p for p in module.split(".") if re.match(r"_[a-z]", p)]
        if module.startswith("keras_tricks"):
            # A private module that has a test of its own is named after it.
            assert {f"test{p}.py" for p in private} <= {path.name}


def test_catalogue_in_the_readme_is_up_to_date():
    readme = (ROOT / "README.md").read_text()
    _, _, rest = readme.partition(catalogue.BEGIN)
    written, _, _ = rest.partition(catalogue.END)
    assert written.strip() == catalogue.table()


def test_rules_in_the_docs_are_up_to_date():
    docs = (ROOT / "docs" / "doctor.md").read_text()
    new = catalogue.rules_table()
    assert docs == catalogue.between(
        docs, catalogue.RULES_BEGIN, catalogue.RULES_END, new
    )
    assert new in docs


def test_ci_runs_the_command_of_the_readme():
    command = re.search(r"\n    (python3.*pytest)\n", (ROOT / "README.md").read_text())[
        1
    ]
    assert command in (ROOT / ".ci" / "run").read_text()


def test_lint_is_clean():
    pytest.importorskip("ruff")
    for arguments in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", str(ROOT)]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout


def test_import_is_light():
    code = (
        "import sys, time, keras; known = set(sys.modules);"
        "start = time.process_time();"
        "import keras_tricks; seconds = time.process_time() - start;"
        "print(seconds, *{m.split('.')[0] for m in set(sys.modules) - known})"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    seconds, *modules = result.stdout.split()
    assert not set(modules) & (HEAVY | {"rich"})
    assert float(seconds) < 0.3
