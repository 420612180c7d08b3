"""`zoo colorize` on films: what a person types, and what is said when it cannot be."""

from __future__ import annotations

import re
import shlex
import signal
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from zoo.cli.main import cli
from zoo.harness.metrics.flicker import flicker
from zoo.studio import film

ROOT = Path(__file__).parents[2]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["colorize", *map(str, arguments)], prog_name="zoo")


@pytest.fixture
def here(tmp_path: Path, films: ModuleType, photos: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A grey film of two shots, and the first frame of the first in colour."""
    frames = [*films.pan(photos[1], 3), *films.pan(photos[5], 3)]
    films.write_film(tmp_path / "film.mp4", [films.grey(frame) for frame in frames], sound=True)
    (tmp_path / "keys").mkdir()
    Image.fromarray(frames[0]).save(tmp_path / "keys" / "000000.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_film_is_coloured_beside_itself(here, films):
    result = run("film.mp4", "--key-frames", "keys", "--size", 64, "--with", "pyramid")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["1 colorized", "film.colorized.mp4"]
    assert "film.mp4: 6 frames in 2 shots" in result.stderr
    made = films.read_film(here / "film.colorized.mp4")
    assert np.ptp(made[2].astype(int), axis=2).mean() > 8
    assert np.ptp(made[5].astype(int), axis=2).mean() < 8
    assert films.packets(here / "film.colorized.mp4", "audio") == films.packets(here / "film.mp4", "audio")


def test_what_is_there_is_kept_passed_over_or_replaced(here):
    (here / "film.colorized.mp4").write_bytes(b"mine")
    kept = run("film.mp4", "--with", "gray")
    assert kept.exit_code == 2
    assert "film.colorized.mp4 is there already and is kept as it is; --overwrite replaces it." in kept.stderr
    passed = run("film.mp4", "--with", "gray", "--resume")
    assert (passed.exit_code, passed.stdout) == (0, "0 colorized, 1 there already\n")
    assert (here / "film.colorized.mp4").read_bytes() == b"mine"
    assert run("film.mp4", "--with", "gray", "--overwrite").exit_code == 0
    assert (here / "film.colorized.mp4").stat().st_size > 1000


def test_shots_are_written_to_be_coloured_and_grey_ones_are_no_key_frames(here):
    result = run("film.mp4", "--shots", "first")
    assert result.stdout.startswith("2 shots, the first frame of each in first; colour")
    assert sorted(file.name for file in (here / "first").iterdir()) == ["000000.png", "000003.png"]
    again = run("film.mp4", "--shots", "first")
    assert again.exit_code == 2
    assert "first holds pictures already" in again.stderr
    uncoloured = run("film.mp4", "--key-frames", "first")
    assert uncoloured.exit_code == 2
    assert "only 2 without colour" in uncoloured.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("film.mp4 --hints keys/000000.png", "--hints is for photos, and this is a film"),
        ("film.mp4 --tiles", "--tiles is for photos"),
        ("film.mp4 --from-sepia", "--from-sepia is for photos"),
        ("film.mp4 --samples 2", "--samples is for photos"),
        ("film.mp4 --format png", "--format is for photos"),
        ("film.mp4 --again", "--again is for photos"),
        ("keys --with gray --key-frames keys", "--key-frames is for films, and none is given"),
        ("keys --with gray --shots first", "--shots is for films"),
        ("keys --with gray --frame-by-frame", "--frame-by-frame is for films"),
        ("film.mp4 keys --with gray", "Films and photos are coloured one kind at a time"),
        ("none.mp4 --with gray", "none.mp4: there is no such file"),
        ("film.mp4 --with gray -o film.avi", "films are written as .mp4, .m4v, .mov, .mkv, .webm"),
        ("film.mp4 --with gray -o film.mp4", "film.mp4 is the film itself"),
        ("film.mp4 --with gray -o -", "not written to standard output"),
        ("film.mp4 --with pyramid", "pyramid only spreads the colours of hints"),
        ("film.mp4 --key-frames keys --with zhang2016 --set width=3", "zhang2016"),
        ("film.mp4 --key-frames film.mp4", "film.mp4: there is no such folder"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(here, command, said):
    before = sorted(here.rglob("*"))
    result = run(*shlex.split(command))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(here.rglob("*")) == before


def test_no_colour_is_said(here):
    result = run("film.mp4", "--with", "gray", "--size", 32)
    assert result.exit_code == 0
    assert "No colour came out of film.mp4" in result.stderr


def test_ctrl_c_is_one_sentence_and_leaves_nothing(here, monkeypatch):
    original, calls = film.reduced, []

    def stopped(*given):
        calls.append(given)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return original(*given)

    monkeypatch.setattr(film, "reduced", stopped)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = sorted(here.rglob("*"))
    try:
        result = run("film.mp4", "--with", "gray", "--size", 32)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert result.exit_code == 130
    assert re.search(r"zoo: stopped at frame \d of 6 of film\.mp4; no film was written\.", result.stderr)
    assert sorted(here.rglob("*")) == before


def test_without_the_extra_one_sentence_names_it(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    result = run("film.mp4", "--with", "gray")
    assert result.exit_code == 2
    assert "Films need the package av, which is not installed; pip install 'colorizer-zoo[video]'." in result.stderr


@pytest.mark.slow
def test_several_films_go_into_a_folder(here, films):
    films.write_film(here / "film.mkv", films.read_film(here / "film.mp4")[:2])
    result = run("film.*", "--with", "gray", "--size", 32, "-o", "made")
    assert result.exit_code == 2, "a pattern that may mean photos too names no film"
    result = run("film.mp4", "film.mkv", "--with", "gray", "--size", 32, "-o", "made")
    assert result.stdout == "2 colorized\n"
    assert sorted(file.name for file in (here / "made").iterdir()) == [
        "film.mkv.colorized.mkv",
        "film.mp4.colorized.mp4",
    ]


@pytest.mark.slow
def test_flicker_of_a_real_film_is_halved(films, tmp_path, monkeypatch):
    """Twelve frames of Big Buck Bunny, in the colours that each is given by its likeness to another frame."""
    clip = films.write_film(tmp_path / "film.mkv", films.read_film(films.BUNNY)[:12])
    monkeypatch.chdir(tmp_path)
    reference = ["--reference", films.BUNNY.parent / "bunny_keys" / "000020.jpg"]
    for options in (["-o", "steady.mkv"], ["-o", "alone.mkv", "--frame-by-frame"]):
        result = run(clip, "--with", "welsh2002", *reference, "--size", 96, *options)
        assert result.exit_code == 0, result.output
    steady, alone = flicker([Path("steady.mkv"), Path("alone.mkv")], clip)
    assert steady.frames == alone.frames == 12
    assert steady.aligned > 0.8
    assert steady.flicker < 0.5 * alone.flicker


@pytest.mark.slow
def test_every_command_on_the_page_of_films_works(films, here, monkeypatch):
    text = (ROOT / "docs" / "film.md").read_text(encoding="utf-8")
    (here / "docs").symlink_to(ROOT / "docs")
    commands = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    assert len(commands) == 8
    for command in commands:
        words = ["gray" if word == "MODEL" else word for word in shlex.split(command)[1:]]
        if "--shots" in words:  # a folder that holds nothing yet
            words[words.index("--shots") + 1] = "shots"
        sized = ["--size", "64"] if words[0] == "colorize" else []
        result = CliRunner().invoke(cli, [*words, *sized], prog_name="zoo")
        assert result.exit_code == 0, f"{command}: {result.output}"
    bunny = films.read_film(here / "bunny.mp4")
    truth = films.read_film(films.BUNNY)
    for number in (5, 20, 35):
        grey_error = np.abs(films.grey(truth[number]).astype(int) - truth[number]).mean()
        assert np.abs(bunny[number].astype(int) - truth[number]).mean() < 0.4 * grey_error
