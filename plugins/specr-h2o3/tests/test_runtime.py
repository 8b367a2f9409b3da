"""What a runtime says that can't begin, and where it looks for what it needs.

Real models and a real Java are in tests/families.
"""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from specr_h2o3 import jar
from specr_h2o3.jar import JarError, find_jar
from specr_h2o3.runtime import load
from specr_scorer import LoadError

MakeMojo = Callable[..., Path]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package h2o with a server's jar."""
    package = tmp_path / "site" / "h2o"
    (package / "backend" / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('it was imported')")
    server = package / "backend" / "bin" / "h2o.jar"
    with zipfile.ZipFile(server, "w") as archive:
        archive.writestr("www/3/h2o-genmodel.jar", b"the jar")
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setattr(sys, "modules", {name: m for name, m in sys.modules.items() if name != "h2o"})
    return server


def test_the_jar_is_where_the_setting_says(tmp_path: Path) -> None:
    told = tmp_path / "genmodel.jar"
    with pytest.raises(JarError, match=r"SPECR_GENMODEL_JAR is '.*genmodel.jar', where there is no file"):
        find_jar({"SPECR_GENMODEL_JAR": str(told)})
    told.write_bytes(b"x")
    assert find_jar({"SPECR_GENMODEL_JAR": str(told)}) == told


def test_the_jar_is_taken_out_of_the_installed_package_once(installed: Path, tmp_path: Path) -> None:
    found = find_jar({"HOME": str(tmp_path)})
    assert found.read_bytes() == b"the jar"
    assert found.is_relative_to(tmp_path / ".cache" / "specr-h2o3")
    assert [path.name for path in found.parent.iterdir()] == ["h2o-genmodel.jar"]
    changed = found.stat().st_mtime_ns
    assert find_jar({"HOME": str(tmp_path)}) == found
    assert found.stat().st_mtime_ns == changed
    assert find_jar({"XDG_CACHE_HOME": str(tmp_path / "cache")}).is_relative_to(tmp_path / "cache")
    with pytest.raises(JarError, match="there is no HOME"):
        find_jar({})
    installed.write_bytes(b"no zip")
    with pytest.raises(JarError, match=r"h2o.jar holds no www/3/h2o-genmodel.jar"):
        find_jar({"HOME": str(tmp_path)})


def test_a_cache_that_cant_be_written_is_told(installed: Path, tmp_path: Path) -> None:
    assert installed.exists()
    (tmp_path / ".cache").write_text("a file")
    with pytest.raises(JarError, match="can't be put into"):
        find_jar({"HOME": str(tmp_path)})


def test_no_jar_at_all_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jar, "find_spec", lambda _: None)
    with pytest.raises(JarError, match="set SPECR_GENMODEL_JAR to one, or install the Python package h2o"):
        find_jar({})


def test_a_mojo_that_cant_be_served_is_told_before_java_starts(make_mojo: MakeMojo, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="the MOJO can't be served: it is of the category KLime"):
        load({"MODEL_PATH": str(make_mojo({"category": "KLime"}))})
    with pytest.raises(LoadError, match=r"there is no mojo\.zip in "):
        load({"MODEL_PATH": str(tmp_path)})
    with pytest.raises(LoadError, match=r"there is no other\.zip in "):
        load({"MODEL_PATH": str(tmp_path / "other.zip")})


def test_a_missing_jar_is_told(make_mojo: MakeMojo, tmp_path: Path) -> None:
    mojo = str(make_mojo())
    with pytest.raises(LoadError, match="where there is no file"):
        load({"MODEL_PATH": mojo, "SPECR_GENMODEL_JAR": str(tmp_path / "none.jar")})


def test_without_jpype_it_says_what_to_install(make_mojo: MakeMojo) -> None:
    mojo = make_mojo()
    program = (
        "import sys; sys.modules['jpype'] = None\n"
        "from specr_h2o3.runtime import load\n"
        f"load({{'MODEL_PATH': {str(mojo)!r}, 'SPECR_GENMODEL_JAR': {str(mojo)!r}}})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "the Python package jpype is not installed; install specr-h2o3[runtime]" in done.stderr
