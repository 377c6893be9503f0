"""The source files that a program runs."""

from modulefinder import ModuleFinder
from pathlib import Path

import pytest

from conftest import ROOT
from gradient_failures.imports import sources

PACKAGE = ROOT / "src"
SCRIPTS = sorted((ROOT / "workflow/scripts").glob("*.py"))
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for folder in ("experiments", "diagnostics", "figures")
    for path in (PACKAGE / "gradient_failures" / folder).glob("[a-z]*.py")
)


def found_by_python(program, modules=()):
    finder = ModuleFinder(path=[str(PACKAGE)])
    finder.run_script(str(program))
    for module in modules:
        finder.import_hook(module)
    return {Path(module.__file__) for module in finder.modules.values() if module.__file__}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_sources_of_a_script_are_what_python_itself_would_find(script):
    assert sources(script, PACKAGE) == found_by_python(script)


@pytest.mark.parametrize("module", MODULES)
def test_modules_that_a_script_imports_by_name_are_among_its_sources(module):
    script = ROOT / "workflow/scripts/figure.py"
    assert sources(script, PACKAGE, [module]) == found_by_python(script, [module])


def test_every_way_to_import_is_followed(tmp_path):
    files = {
        "program.py": "import a.b\ndef late():\n    from c import (\n        d,\n        e,\n    )\n",
        "a/__init__.py": "import f",
        "a/b.py": "",
        "c/__init__.py": "e = 1",
        "c/d.py": "import os, g",
        "c/unused.py": "",
        "f.py": "import a",
        "g.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert sources(tmp_path / "program.py", tmp_path) == {
        tmp_path / name for name in files if name != "c/unused.py"
    }
