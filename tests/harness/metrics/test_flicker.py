"""Flicker is 0 where colours stay, is what they jump by where they do, and knows of motion and cuts."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab

from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.harness.metrics.flicker import flicker


def tinted(frame: np.ndarray, a: float, b: float) -> np.ndarray:
    """The frame's lightness, in a middle range where sRGB has the tint."""
    lab = rgb2lab(frame)
    lab[..., 0] = 40 + lab[..., 0] * 0.3
    lab[..., 1:] = a, b
    return np.clip(lab2rgb(lab) * 255 + 0.5, 0, 255).astype(np.uint8)


@pytest.fixture
def window(films: ModuleType, photos: list[np.ndarray]) -> list[np.ndarray]:
    return films.pan(photos[1], 5, step=3)


@pytest.mark.slow
def test_colours_that_move_with_the_picture_do_not_flicker(films, tmp_path, window):
    path = films.write_film(tmp_path / "a.mkv", window)
    still = films.write_film(tmp_path / "b.mkv", [tinted(frame, 20, 20) for frame in window])
    moving, tint = flicker([path, still], path)
    assert (moving.frames, moving.shots) == (5, 1)
    assert moving.aligned > 0.7
    assert tint.flicker < 0.6
    by_itself = [
        deltaE_ciede2000(rgb2lab(one), rgb2lab(other)).mean() for one, other in zip(window[1:], window, strict=False)
    ]
    assert moving.flicker < 0.3 * np.mean(by_itself)
    assert moving.with_lightness > moving.flicker


def test_it_is_what_colours_jump_by(films, tmp_path, window):
    tints = [(15, 10), (-15, 10), (15, 10), (-15, 10), (15, 10)]
    jumping = [tinted(window[0], *tint) for tint in tints]
    path = films.write_film(tmp_path / "a.mkv", jumping)
    (found,) = flicker([path], path)
    expected = deltaE_ciede2000(rgb2lab(jumping[0]), rgb2lab(jumping[1])).mean()
    assert found.flicker == pytest.approx(expected, rel=0.15)


def test_nothing_is_compared_across_a_cut(films, tmp_path, photos, window):
    frames = [tinted(window[0], 20, 20)] * 2 + [tinted(films.pan(photos[5], 1)[0], -20, 20)] * 2
    path = films.write_film(tmp_path / "a.mkv", frames)
    (found,) = flicker([path], path)
    assert found.shots == 2
    assert found.flicker < 0.5


def test_a_grey_film_does_not_flicker(films, tmp_path, window):
    path = films.write_film(tmp_path / "a.mkv", [films.grey(frame) for frame in window])
    assert flicker([path], path)[0].flicker < 0.3


def test_films_of_other_pictures_are_one_sentence(films, tmp_path, window):
    path = films.write_film(tmp_path / "a.mkv", window)
    shorter = films.write_film(tmp_path / "b.mkv", window[:3])
    smaller = films.write_film(tmp_path / "c.mkv", [frame[:40] for frame in window])
    for other, what in ((shorter, "lengths"), (smaller, "sizes")):
        with pytest.raises(BadInput, match=f"have different {what}; give films of one"):
            flicker([other], path)


def test_one_frame_has_no_neighbour(films, tmp_path, window):
    path = films.write_film(tmp_path / "a.mkv", window[:1])
    assert np.isnan(flicker([path], path)[0].flicker)


@pytest.mark.slow
def test_zoo_score_tells_of_two_films(films, tmp_path, window):
    path = films.write_film(tmp_path / "a.mkv", window[:3])
    made = films.write_film(tmp_path / "b.mkv", [films.grey(frame) for frame in window[:3]])

    def said(*arguments: str | Path) -> str:
        result = CliRunner().invoke(cli, ["score", str(made), str(path), *map(str, arguments)], prog_name="zoo")
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "with_lightness" in said()
    rows = json.loads(said("--format", "json"))
    assert [row["film"] for row in rows] == ["b.mkv", "a.mkv"]
    assert rows[0]["flicker"] < rows[1]["flicker"]
    assert said("--format", "csv").splitlines()[0] == "film,frames,shots,flicker,with_lightness,aligned"
    refused = CliRunner().invoke(cli, ["score", str(made), str(path), "--metrics", "psnr"], prog_name="zoo")
    assert refused.exit_code == 2
    assert "--metrics is for images" in refused.stderr
