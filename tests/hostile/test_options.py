"""Whatever is written on the command line: one line on stderr, exit code 2, and nothing on the disk."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from zoo.cli import probing
from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.core.kinds import KINDS
from zoo.core.registry import current
from zoo.core.registry_rows import suites_folder
from zoo.harness.run import bench as bench_module

DAMAGE = runpy.run_path(str(Path(__file__).with_name("damage.py")))
names = DAMAGE["names"]
hostile = settings.get_profile("hostile")

STOP = "here the work would begin"


def is_there(text: str) -> bool:
    """Whether it names one thing, which `zoo show` rightly shows: hypothesis takes texts from our own code too."""
    kind, slash, name = text.rpartition("/")
    if slash and kind in KINDS and len(current().names(kind, name)) == 1:
        return True
    known = {*(each for kind in KINDS for each in current().names(kind)), *current().recipes, *current().weights}
    return name.partition("@")[0] in known | {file.stem for file in suites_folder().glob("*.yaml")}


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[Path]:
    """A folder to watch: the current one lies in it, the home and the cache too; no work is begun."""

    def stop(*_: object, **__: object) -> None:
        raise BadInput(STOP)

    folder = tmp_path_factory.mktemp("house")
    (folder / "here").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "here")
        patch.setenv("HOME", str(folder))
        patch.setenv("ZOO_CACHE", str(folder / "cache"))
        patch.setattr(bench_module, "open_photos", stop)
        patch.setattr(probing, "probe_apart", stop)
        yield folder


def refused(house: Path, *arguments: str) -> None:
    """The command line takes none of it, in one sentence, and writes nothing."""
    result = CliRunner().invoke(cli, arguments, prog_name="zoo")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2, (result.exit_code, result.output)
    assert result.stdout == ""
    said = result.stderr.splitlines()
    if not said[0].startswith("Usage: "):  # click's own, of three lines
        assert len(said) == 1, said
        assert said[0].startswith("zoo: ")
    assert [path.name for path in house.rglob("*")] == ["here"]


@given(names)
@example("all")
@example("gray@")
@example("-x")
@hostile
def test_the_names_of_models(house, text):
    refused(house, "bench", "--suite", "smoke", "--models", text)


@given(names.filter(lambda text: not text.startswith("-")))
@example("models/*")
@example("losses/*l*")
@hostile
@pytest.mark.parametrize("verb", [["check"], ["show"], ["train", "--suite", "smoke"]], ids=lambda verb: verb[0])
def test_a_name_to_look_at(house, verb, text):
    assume(verb != ["show"] or not is_there(text))
    refused(house, *verb, "--", text)


@given(
    st.tuples(st.sampled_from(("width", "depth", "norm", "decoder.skip", "nobody", "")) | names, names).map("=".join)
)
@hostile
def test_a_setting(house, text):
    refused(house, "bench", "--suite", "smoke", "--models", "unet", "--set", text)


@given(
    st.sampled_from(("suite", "budget", "data", "test-data", "recipe", "device", "seeds", "jobs", "timeout", "track")),
    names,
)
@example("budget", "steps=1e999")
@example("budget", "seconds=nan")
@example("data", "~nobody")
@example("suite", "...yaml")
@hostile
def test_an_option(house, option, text):
    suite = [] if option == "suite" else ["--suite", "smoke"]
    refused(house, "bench", *suite, "--models", "gray", f"--{option}", text)


@given(st.sampled_from(("--registry",)), names)
@hostile
def test_a_registry_that_is_no_file(house, option, text):
    refused(house, option, text, "list")


@given(names, names)
@example("a" * 300, "b" * 300)
@example("\0", "\ud800")
@hostile
def test_two_names_to_compare(house, a, b):
    refused(house, "compare", "--in", ".", "--", a, b)


@given(st.sampled_from(("leaderboard", "eval", "report")), names.filter(lambda text: not text.startswith("/")))
@example("leaderboard", ".")
@example("report", "..")
@hostile
def test_a_folder_without_results(house, verb, text):
    refused(house, verb, "--", text)


@given(names.filter(lambda text: not text.replace("-", "").replace("_", "").isalnum()))
@hostile
def test_a_plugins_name(house, text):
    refused(house, "new-plugin", "--", text)


@given(names)
@example("~nobody")
@example("a" * 300)
@hostile
def test_a_source_of_photos(house, text):
    refused(house, "data", "check", f"folder:{text}")
    refused(house, "data", "check", "--", text)
