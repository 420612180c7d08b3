"""Several answers of one model to one photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.torch import save_file
from skimage.color import rgb2lab

import zoo
from zoo.cli.main import cli
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput

SIDE = 48


@pytest.fixture(scope="module")
def several() -> Colorizer:
    """A mixture's components start apart: untrained, it has several answers already."""
    torch.manual_seed(0)
    return zoo.build("unet_mixture", width=4)


@pytest.fixture
def grey(photos) -> np.ndarray:
    return np.asarray(Image.fromarray(photos[0][:SIDE, :SIDE]).convert("L").convert("RGB"))


@pytest.fixture
def folder(tmp_path, several, grey) -> Path:
    save_file(several.network.state_dict(), tmp_path / "mixture.safetensors")
    Image.fromarray(grey).save(tmp_path / "photo.jpg")
    return tmp_path


def colorize(folder: Path, *arguments: object, model: str = "unet_mixture") -> Result:
    weights = ["--weights", folder / "mixture.safetensors", "--set", "width=4"] if model == "unet_mixture" else []
    words = ["colorize", folder / "photo.jpg", "--with", model, *weights, *arguments]
    return CliRunner().invoke(cli, list(map(str, words)), prog_name="zoo")


def test_the_answers_differ_in_colour_alone_and_are_the_same_every_time(several, grey):
    drawn = zoo.colorize(several, grey, samples=3)
    assert drawn.shape == (3, *grey.shape)
    assert drawn.dtype == np.uint8
    lab = rgb2lab(drawn)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert np.hypot(*np.moveaxis(lab[one, ..., 1:] - lab[other, ..., 1:], -1, 0)).mean() > 3
        assert np.abs(lab[one, ..., 0] - lab[other, ..., 0]).mean() < 1
    assert np.array_equal(zoo.colorize(several, grey, samples=2), drawn[:2])


def test_a_model_with_one_answer_says_so(grey, folder):
    with pytest.raises(BadInput, match=r"pyramid has one answer.*unet_mixture"):
        zoo.colorize("pyramid", grey, samples=2)
    result = colorize(folder, "--samples", 2, model="pyramid")
    assert result.exit_code == 2
    assert "one answer" in result.stderr
    with pytest.raises(BadInput, match="1 or more"):
        zoo.colorize("pyramid", grey, samples=0)
    with pytest.raises(BadInput, match="tiles"):
        zoo.colorize("pyramid", grey, samples=2, tiles=True)


def test_each_answer_is_a_file_and_more_of_them_leave_the_first_as_they_are(folder, several):
    result = colorize(folder, "--samples", 2, "-o", folder / "out.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"{folder / 'out-1.png'}\n{folder / 'out-2.png'}\n")
    with Image.open(folder / "out-2.png") as made:
        drawn = zoo.colorize(several, folder / "photo.jpg", samples=2)
        assert np.array_equal(np.asarray(made), drawn[1])
    assert "1 colorized, 2 done already" in colorize(folder, "--samples", 3, "-o", folder / "out.png").stdout
    assert not (folder / "out.png").exists()


def test_answers_keep_to_the_photo_that_comes_from_standard_input(folder):
    content = (folder / "photo.jpg").read_bytes()
    words = ["colorize", "-", "--with", "unet_mixture", "--weights", folder / "mixture.safetensors", "--set", "width=4"]
    words += ["--samples", 2, "-o", folder / "out"]
    result = CliRunner().invoke(cli, list(map(str, words)), content, prog_name="zoo")
    assert result.exit_code == 0, result.output
    assert {path.name for path in (folder / "out").iterdir()} == {"stdin.colorized-1.png", "stdin.colorized-2.png"}
