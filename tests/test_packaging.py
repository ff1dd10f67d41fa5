"""What users install: the wheels, in environments without anything of the checkout."""

import os
import pathlib
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BACKENDS = ("tensorflow", "jax", "torch")

pytestmark = pytest.mark.packaging

# Runs first in every subprocess: the machine has neither the other backends nor a
# network, and keras_gans may not even ask for them.
PRELUDE = """
import sys
from importlib.machinery import PathFinder

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name not in {absent}:
            return PathFinder.find_spec(name, path, target)
        frame = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        asker = frame.f_globals.get("__name__", "")
        assert not asker.startswith("keras_gans"), asker + " imports " + name

    def __getattr__(self, name):
        return getattr(PathFinder, name)

def no_network(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise AssertionError("asks the network: " + str(args))

sys.meta_path[sys.meta_path.index(PathFinder)] = Finder()
sys.addaudithook(no_network)
"""


def run(*command, **kwargs):
    """Runs a command; what it printed is part of the failure."""
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **kwargs
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build(kind, source, folder):
    run(sys.executable, "-m", "build", "--no-isolation", kind, "-o", folder, source)
    (archive,) = folder.iterdir()
    return archive


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build("--wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def zoo_wheel(tmp_path_factory):
    return build("--wheel", ROOT / "zoo", tmp_path_factory.mktemp("zoo_wheel"))


def install(folder, *wheels):
    """Makes a virtual environment with these wheels.

    Dependencies are not downloaded again: it sees those of this environment, but not
    the editable install of keras_gans here, as `.pth` files there are not read.

    Returns:
        The environment's interpreter and its folder of packages.
    """
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-qq")
    run(*pip, "--no-deps", "--no-index", *wheels)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = pathlib.Path(run(python, "-c", code).strip())
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(paths)))
    return python, packages


@pytest.fixture(scope="module")
def package_alone(wheel, tmp_path_factory):
    return install(tmp_path_factory.mktemp("package_alone"), wheel)


@pytest.fixture(scope="module")
def package_and_zoo(wheel, zoo_wheel, tmp_path_factory):
    return install(tmp_path_factory.mktemp("package_and_zoo"), wheel, zoo_wheel)


def run_offline(python, code, backend, folder):
    """Runs code elsewhere than in the checkout, with one backend and no network."""
    absent = {*BACKENDS} - {backend}
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    variables |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
    code = PRELUDE.replace("{absent}", repr(absent)) + code
    return run(python, "-c", code, cwd=folder, env=variables)


def modules():
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "keras_gans").rglob("*.py")
    }


def test_wheel_is_the_package_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    info = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert names - info == modules()
    assert any(name.endswith("licenses/LICENSE") for name in info)


def test_source_distribution_has_no_zoo(tmp_path):
    archive = build("--sdist", ROOT, tmp_path)
    names = {name.partition("/")[2] for name in tarfile.open(archive).getnames()}
    others = {"LICENSE", "README.md", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert names - others == modules()


@pytest.mark.parametrize("backend", BACKENDS)
def test_import_needs_the_chosen_backend_only(package_alone, backend, tmp_path):
    python, packages = package_alone
    code = "import keras_gans as kg; print(kg.__file__, kg.zoo.path(), kg.presets())"
    printed = run_offline(python, code, backend, tmp_path)
    assert printed.split() == [
        str(packages / "keras_gans/__init__.py"),
        "None",
        "{}",
    ]


@pytest.mark.parametrize("backend", BACKENDS)
def test_zoo_preset_samples_offline(package_and_zoo, backend, tmp_path):
    python, packages = package_and_zoo
    code = """
import keras_gans as kg
presets = kg.presets()
assert presets, "the zoo has no preset"
name = next(iter(presets))
assert presets[name].card
samples = kg.models.GAN.from_preset(name).generate(2, seed=0)
assert len(samples) == 2 and samples.std() > 0
print(kg.zoo.path())
"""
    printed = run_offline(python, code, backend, tmp_path)
    assert printed.strip() == str(packages / "keras_gans_zoo")
