"""Every command and snippet of our texts: run in small form, here or by the test that is named; or why it is not.

Pages that lead through one subject have tests of their own (:data:`RUN_ELSEWHERE`). The others are run here from top to
bottom, each in one folder that holds what the page speaks of: a suite of a few steps in the place of ``quick`` and
``day``, a few rows in the place of all.
"""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import save_file

import zoo
from zoo.cli.main import VERBS, cli
from zoo.cli.new_plugin import plugin_files
from zoo.core import registry
from zoo.core.colorizer import Colorizer
from zoo.core.download import cached_file
from zoo.core.files import sha256_of
from zoo.harness.plan.suite import load_suite, open_photos

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "results/**/*.md", "zoo/shipped/*.md")
    for page in ROOT.glob(pattern)
)
RUN_ELSEWHERE = {
    "docs/adding.md": "tests/test_docs.py",
    "docs/by_hand.md": "tests/studio/test_docs.py",
    "docs/cluster.md": "tests/cli/test_cluster_docs.py",
    "docs/colorize.md": "tests/studio/test_docs.py",
    "docs/film.md": "tests/cli/test_colorize_film.py",
    "docs/metrics.md": "tests/test_docs.py",
    "docs/publish.md": "tests/studio/test_hub.py",
    "docs/suites.md": "tests/test_suites.py",
}
RUN_HERE = ("README.md", "docs/export.md", "docs/plugins.md", "docs/shipped.md", "results/README.md")
THE_SAME_AS = {"zoo/shipped/README.md": "docs/shipped.md"}

NOT_RUN = {
    r"make (bench|test)": "fills .venv, and takes minutes to hours: what it calls is run below with fewer rows",
    r"python3 -m venv .*|pip install .*": "installs: tests/e2e/test_wheel.py does, and tests/cli/test_new_plugin.py",
    r"zoo serve": "stays until Ctrl-C: tests/e2e/test_serve_in_chromium.py starts it",
    r"zoo bench .*--executor (ray|slurm).*": "wants a cluster: tests/harness/run/test_executors.py tries both",
    r"torchrun .*": "wants processes of its own: tests/harness/training/test_together.py trains so by two",
}
SMALLER = (
    ("--suite quick", "--suite small/quick.yaml"),
    ("--suite day", "--suite small/day.yaml"),
    ('suite="quick"', 'suite="small/quick.yaml"'),
    ("zoo eval zhang2017", "zoo eval zhang2017 --suite small/quick.yaml"),
    ("--models all", "--models unet,residual_unet,fpn"),
    ("'unet,*attention*'", "'unet,attention_unet'"),
    ("--seeds 3 --set width=32", "--seeds 2 --set width=8"),
    ("width: 32, depth: 5", "width: 4, depth: 5"),
    ("theirs.safetensors --model unet", "theirs.safetensors --model unet --set width=4"),
)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str = r"\w+") -> list[str]:
    """What is fenced on a page, in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[str]:
    return [line for block in blocks(page, "sh") for line in block.splitlines() if line.strip()]


def test_every_page_with_commands_or_snippets_has_its_test():
    assert {page for page in PAGES if blocks(page)} == {*RUN_ELSEWHERE, *RUN_HERE, *THE_SAME_AS}
    for page, test in RUN_ELSEWHERE.items():
        assert Path(page).name in text_of(test), f"{test} does not read {page}"
    for page, other in THE_SAME_AS.items():
        assert blocks(page) == blocks(other)


def inline(page: str) -> list[str]:
    """The commands of ours within the lines of a page."""
    return re.findall(r"`(zoo [^`]*)`", re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("page", [page for page in PAGES if "zoo " in text_of(page)])
def test_every_verb_and_option_that_a_page_names_is_there(page):
    for line in [*commands(page), *inline(page)]:
        words = shlex.split(line.split(" | ")[-1], comments=True)
        if words[:1] != ["zoo"] or not (verbs := [word for word in words if word in VERBS]):
            continue
        command = importlib.import_module(f"zoo.cli.{verbs[0].replace('-', '_')}").command
        command = command.commands[words[words.index("data") + 1]] if verbs[0] == "data" else command
        known = {
            name for each in (cli, command) for param in each.params for name in (*param.opts, *param.secondary_opts)
        }
        options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert options <= known, line


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_leads_to_is_there(page):
    """Scripts and links; code has brackets of its own."""
    text = text_of(page)
    for script in re.findall(r"\b(?:benchmarks|tests|docs)/[\w/]+\.\w+", text):
        assert (ROOT / script).is_file(), script
    for module in re.findall(r"-m (benchmarks[\w.]+)", text):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        assert "://" in target or (ROOT / page).parent.joinpath(target).exists(), target


@pytest.fixture
def place(tmp_path, photo_paths, photos, films, monkeypatch) -> Path:
    """A folder with what the pages speak of, where they are run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in ("docs", "results"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name, path in zip(("photo.jpg", "old.jpg", "album/a.jpg", "album/b.jpg"), photo_paths, strict=False):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / name)
    (tmp_path / "PHOTOS").mkdir()
    for path in photo_paths:
        shutil.copy(path, tmp_path / "PHOTOS")
    films.write_film(tmp_path / "film.mp4", [films.grey(frame) for frame in films.pan(photos[1], 4)])
    (tmp_path / "small").mkdir()
    few = "base: smoke\nmodels: gray\nbudget: {steps: 2}\ntest_limit: 3\nmetrics: [psnr]\nsweeps: {points2: null}\n"
    for suite in ("quick", "day"):
        (tmp_path / "small" / f"{suite}.yaml").write_text(few)
    # A small network in the place of the published one, where torch keeps what it has downloaded.
    save_file(zoo.build("zhang2017", width=4).network.state_dict(), tmp_path / "published.safetensors")
    digest = sha256_of(tmp_path / "published.safetensors")
    row = f"{{model: zhang2017, options: {{width: 4}}, url: 'https://host/small.safetensors', sha256: '{digest}'}}"
    (tmp_path / "small" / "table.yaml").write_text(f"weights: {{siggraph17: {row}}}\n")
    kept = cached_file("https://host/small.safetensors", digest)
    kept.parent.mkdir(parents=True)
    (tmp_path / "published.safetensors").rename(kept)
    return tmp_path


def smaller(line: str) -> str:
    for long, short in SMALLER:
        line = line.replace(long, short)
    return line


def run(line: str) -> str:
    """What a command says."""
    words = shlex.split(smaller(line), comments=True)
    if words[0] == "cp":
        subprocess.run(words, check=True)
        return ""
    assert words[0] == "zoo", line
    published = ["--registry", "small/table.yaml"] if "published" in words else []
    result = CliRunner().invoke(cli, [*published, *words[1:]], prog_name="zoo")
    assert result.exit_code == 0, f"{line}: {result.output}"
    return result.output


def run_all(page: str, *, but: Callable[[str], bool] = lambda line: False) -> dict[str, str]:
    """What each command of a page says, without those that are not run."""
    lines = [line for line in commands(page) if not but(line)]
    return {line: run(line) for line in lines if not any(re.fullmatch(why, bare(line)) for why in NOT_RUN)}


def bare(line: str) -> str:
    """Without the words behind it."""
    return re.sub(r"\s+#.*", "", line)


def test_what_is_not_run_is_on_some_page():
    lines = [bare(line) for page in RUN_HERE for line in commands(page)]
    for pattern in NOT_RUN:
        assert any(re.fullmatch(pattern, line) for line in lines), pattern


def is_a_model(snippet: str) -> None:
    """The class of a page is a model as it stands."""
    space: dict[str, object] = {"nn": torch.nn}
    exec(snippet, space)
    model = Colorizer(space["Mine"](width=4))
    assert model(torch.rand(1, 4, 33, 40))["ab"].shape == (1, 2, 33, 40)


def names_the_class(page: str) -> None:
    """The line of TOML is that of the package which ``zoo new-plugin`` writes."""
    (line,) = blocks(page, "toml")
    points = tomllib.loads(line)["project"]["entry-points"]
    assert points == tomllib.loads(plugin_files("mine")["pyproject.toml"])["project"]["entry-points"]


@pytest.mark.slow
def test_the_readme(place):
    said = run_all("README.md")
    assert (
        "attention_unet"
        in said["zoo list                           # every model        zoo list encoders, losses, suites, all …"]
    )
    for made in ("macaw.png", "coloured/a.colorized.png", "coloured.mp4", "old.png", "benches/quick/report.html"):
        assert Path(made).is_file(), made
    snippet, model = blocks("README.md", "python")
    space: dict[str, object] = {}
    exec(smaller(snippet), space)
    assert np.ptp(space["rgb"].astype(int), axis=2).mean() > 5
    assert len(space["table"]) > 50
    assert space["outcome"].ok
    is_a_model(model)
    names_the_class("README.md")


@pytest.fixture
def trained(place) -> Path:
    """A run, where the pages expect one."""
    run("zoo train residual_unet --suite quick --seeds 1")
    return place


@pytest.mark.slow
def test_the_page_of_exports(trained):
    pytest.importorskip("onnxruntime", reason="the extra export is not installed")
    said = run_all("docs/export.md")
    assert len(said) == 3
    space: dict[str, object] = {}
    for snippet in blocks("docs/export.md", "python"):
        exec(snippet, space)
    assert space["rgb"].shape == (1, 3, 120, 90)
    assert space["ab"].shape == (1, 2, 120, 90)
    assert Path("siggraph17.onnx").is_file()


@pytest.mark.slow
def test_the_page_of_plugins(place, monkeypatch):
    model, weights = blocks("docs/plugins.md", "yaml")
    Path("mine.yaml").write_text(smaller(model))
    Path("theirs.yaml").write_text(weights)
    assert "theirs" in run("zoo --registry theirs.yaml list weights")
    of_packages = re.compile("zoo (new-plugin|check|bench --models mine).*")
    assert len(run_all("docs/plugins.md", but=lambda line: bool(of_packages.match(line)))) == 2
    assert "--recipe patient" not in text_of("docs/plugins.md")
    run("zoo --registry mine.yaml show patient")
    write, *use = [line for line in commands("docs/plugins.md") if of_packages.match(line)]
    run(write)
    # As `pip install -e zoo-mine` makes it known.
    site = place / "zoo-mine" / "src"
    (site / "zoo_mine-1.dist-info").mkdir()
    (site / "zoo_mine-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-mine\nVersion: 1\n")
    (site / "zoo_mine-1.dist-info" / "entry_points.txt").write_text("[zoo.models]\nmine = zoo_mine:Mine\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    registry.use(None)
    try:
        assert len([run(line) for line in use]) == 2
    finally:
        registry.use(None)
    assert {"mine", "unet", "thin_attention_unet"} <= set(zoo.leaderboard("benches/quick")["model"])
    (snippet,) = blocks("docs/plugins.md", "python")
    is_a_model(snippet)
    names_the_class("docs/plugins.md")


@pytest.mark.slow
def test_the_page_of_the_shipped_colorizer(place):
    assert len(run_all("docs/shipped.md")) == 1
    assert np.ptp(np.asarray(Image.open("photo.colorized.png")).astype(int), axis=2).mean() > 5


@pytest.mark.slow
def test_the_page_of_results(place):
    test = open_photos(load_suite("small/quick.yaml")).test
    for name, truth in zip(test.names, test.tensor().permute(0, 2, 3, 1).numpy(), strict=True):
        picture = Path("their_pictures", name).with_suffix(".png")
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(truth).save(picture)
    save_file(zoo.build("unet", width=4).network.state_dict(), "theirs.safetensors")
    said = run_all("results/README.md")

    def of(command: str) -> list[str]:
        return [text for line, text in said.items() if line.startswith(command)]

    assert of("zoo data export")[0].startswith("3 photos in asked/grey, hints for 3 of them in asked/hints.")
    assert all("verified by its" in each for each in of("zoo verify"))
    assert all("unet" in each for each in of("zoo leaderboard"))
    assert "the bench has ended" in of("zoo watch")[0]
    assert "not to be told apart:" in of("zoo compare --results")[0]
    assert "unet" not in set(zoo.leaderboard("here")["model"])
    assert set(zoo.runs("here")["seed"]) == {0, 1, 2, 3}
    checked = dict(zip(*(zoo.leaderboard("benches/quick")[name] for name in ("model", "checked")), strict=True))
    assert len(checked) == 2
    assert set(checked.values()) == {"verified"}
