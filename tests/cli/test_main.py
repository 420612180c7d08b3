"""The command line as a whole: light to start, and every mistake is a sentence with exit code 2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from zoo import __version__
from zoo.cli.main import VERBS, cli
from zoo.core import registry


@pytest.fixture(autouse=True)
def _fresh_registry() -> Iterator[None]:
    registry.use(None)
    yield
    registry.use(None)


def zoo(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="zoo")


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["list"], *(pytest.param([verb, "--help"], marks=pytest.mark.slow) for verb in VERBS)],
    ids=" ".join,
)
def test_help_and_listing_import_nothing_heavy(arguments):
    script = (
        "import sys; from zoo.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'rich', 'PIL', 'timm'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_python_m_zoo_is_zoo():
    done = subprocess.run([sys.executable, "-m", "zoo", "--version"], capture_output=True, text=True, check=True)
    assert __version__ in done.stdout


def test_a_reader_that_stops_reading_costs_no_traceback():
    command = f"{sys.executable} -m zoo list all | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lst"], "did you mean 'list'"),
        (["list", "--fromat", "json"], "--format"),
        (["list", "modls"], "did you mean 'models'"),
        (["show", "unte"], "'unet'"),
        (["show", "ssim"], "losses/ssim or metrics/ssim"),
        (["show", "recipes/defualt"], "'default'"),
        (["show", "quik"], "'quick'"),
        (["show", "suites/quik"], "'quick'"),
        (["show", "suits/quick"], "'suites'"),
        (["check", "suites/quick"], "zoo show suites/quick"),
        (["check", "quick"], "Nothing is registered"),
        (["bench", "--models", "all,-unte"], "did you mean 'unet'"),
        (["bench", "--models", "unet,-*"], "Every model is left out"),
        (["bench", "--models", "encoders/conv"], "parts of models"),
        (["bench", "--models", "models/unte"], "did you mean 'unet'"),
        (["bench", "--executor", "locl"], "'local'"),
        (["bench", "--set", "width=1", "--set", "width=2"], "--set width is given 2 times"),
        (["check"], "Give names, or --all"),
        (["check", "nothing_of_that_name"], "Nothing is registered"),
        (["check", "models/zzz*"], "Nothing matches"),
        (["--registry", "/nowhere.yaml", "list"], "there is no such file"),
        (["bench", "--models", "unte"], "did you mean 'unet'"),
        (["bench", "--suite", "quik"], "did you mean 'quick'"),
        (["bench", "--models", "gray", "--recipe", "defualt"], "'default'"),
        (["bench", "--models", "unet", "--set", "wdth=16"], "'width'"),
        (["bench", "--set", "width"], "key=value"),
        (["bench", "--set", "width=[1"], "not valid YAML"),
        (["bench", "--out", "a\0b"], "NUL"),
        (["bench", "--out", "x" * 5000], "too long"),
        (["bench", "--jobs", "0"], "--jobs"),
        (["train"], "Missing argument"),
        (["eval", "/nowhere"], "there is no such"),
        (["leaderboard", "/nowhere"], "there is no such"),
        (["score", "/nowhere", "/nowhere"], "there is no such"),
        (["colorize", "a\0b", "--with", "gray"], "NUL"),
        (["new-plugin", "a-b"], "cannot name a plugin"),
        (["show", "\udcff"], "Nothing is registered"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(arguments, said):
    result = zoo(*arguments)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_debug_shows_where_an_error_came_from():
    result = zoo("--debug", "show", "unte")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "UnknownName" in result.stderr


def test_ctrl_c_says_how_to_go_on(monkeypatch):
    def interrupt(kind: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.cli.list._rows", interrupt)
    result = zoo("list")
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr


def test_what_holds_for_every_verb_may_stand_behind_it(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("models:\n  mine: {encoder: conv, decoder: unet, head: ab, summary: hello}\n")
    for arguments in (
        ["list", "--registry", str(file)],
        ["list", f"--registry={file}", "models"],
        ["list", "--filter", "mine", "--registry", str(file)],
        ["--debug", "show", "mine", "--registry", str(file)],
    ):
        result = zoo(*arguments)
        assert result.exit_code == 0, result.output
        assert "mine" in result.stdout
    assert "Traceback" in zoo("show", "unte", "--debug").stderr
    assert zoo("bench", "--models", "mine2", "--registry", str(file)).stderr.count("did you mean 'mine'") == 1
    assert "--registry" in zoo("bench", "--registry").stderr
    assert "there is no such file" in " ".join(zoo("data", "check", "photos", "--registry", "/nowhere").stderr.split())
    assert "'--debug'" in zoo("new-plugin", "--", "--debug").stderr, "behind -- it is a name"


def test_a_registry_file_adds_to_the_table(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("models:\n  mine: {encoder: conv, decoder: unet, head: ab, summary: hello}\n")
    result = zoo("--registry", str(file), "list", "--filter", "mine")
    assert result.exit_code == 0
    assert "hello" in result.stdout
    file.write_text("models:\n  mine: {encodr: conv}\n")
    result = zoo("--registry", str(file), "list")
    assert result.exit_code == 2
    assert "'encoder'" in result.stderr
