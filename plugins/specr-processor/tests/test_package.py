"""The package as it is installed."""

from importlib.metadata import requires, version

import specr_processor


def test_the_package_says_the_version_it_was_built_as() -> None:
    assert specr_processor.__version__ == version("specr-processor")


def test_unpacking_needs_nothing_but_python() -> None:
    assert [need for need in requires("specr-processor") or [] if "extra ==" not in need] == []
