"""An exported file gives what its model gives, at every size, by programs that know nothing of the model."""

from __future__ import annotations

import csv
import subprocess
import sys
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import zoo
from zoo.cli.main import cli
from zoo.core.color import AB_SCALE
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.studio import export as export_module
from zoo.studio.colorize import colorize
from zoo.studio.export import LabInside, export, read_onnx


@pytest.fixture(scope="module")
def rows(benchmark_script):
    """The script that the table of the docs is made by."""
    return benchmark_script("export/rows.py")


def unet(**options: int) -> Colorizer:
    """A small one whose colours are not all zero."""
    torch.manual_seed(1)
    model = zoo.build("unet", width=4, depth=2, **options)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
    return model.eval()


@pytest.mark.parametrize("name", ["gray", "mean_ab", "unet"])
@pytest.mark.slow
def test_onnxruntime_gives_ours_on_real_photos_of_three_sizes(rows, name):
    assert {(height == width) for height, width in rows.SIZES} == {True, False}
    difference, _ = rows.differences(name)
    assert difference <= 1e-4


with (Path(zoo.__file__).parents[1] / "benchmarks/export/rows.csv").open() as file:
    TOLD = list(csv.DictReader(file))


def test_a_row_of_the_table_is_exported_to_1e_4_or_has_a_reason():
    assert [told["model"] for told in TOLD] == sorted(zoo.list_models())
    assert all(bool(told["reason"]) != bool(told["difference"]) for told in TOLD)
    assert all(float(told["difference"]) <= 1e-4 for told in TOLD if told["difference"])


MINUTES = [
    *("cspn", "dada_diffusion", "efficientnet_lite0_unet", "learned_pyramid"),
    *("lrru", "nconv_unet", "nlspn", "ogni", "pyramid", "spun_pyramid"),
]
"""To write their graphs takes a core that long."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "told", [told for told in TOLD if told["model"] not in MINUTES][9::12], ids=itemgetter("model")
)
def test_a_row_is_exported_or_its_reason_holds_as_the_table_says(rows, told):
    """Of every twelfth: an export takes seconds, and the script that makes the table looks at all."""
    if told["reason"]:
        with pytest.raises(BadInput, match=r"cannot be exported|needs "):
            rows.differences(told["model"])
    else:
        assert rows.differences(told["model"])[0] <= 1e-4


@pytest.mark.slow
def test_a_grey_picture_and_a_picture_of_hints_become_a_picture_in_colour(tmp_path, photos):
    """As `zoo.colorize` makes it, but for a level where two libraries round a hair's breadth apart."""
    model = zoo.build("hints_alone").eval()
    photo = photos[0][:90, :70]
    grey = np.asarray(photo.mean(2, keepdims=True).round(), dtype=np.uint8)
    mask = np.zeros(grey.shape[:2], dtype=bool)
    mask[20:24, 30:34] = mask[70, 5] = True
    picture = np.dstack((photo, mask * np.uint8(255)))
    export(model, tmp_path / "hints.onnx", "onnx", uint8=True)
    run = read_onnx(tmp_path / "hints.onnx")
    made = run(*(image.transpose(2, 0, 1)[None] for image in (grey, picture)))
    assert made.dtype == np.uint8
    ab = torch.from_numpy(photo.copy()).permute(2, 0, 1)[None]
    hints = (export_module.split_lab(ab)[1][0].permute(1, 2, 0).numpy() * AB_SCALE, mask)
    ours = colorize(model, grey, hints=hints, size=90)
    assert np.abs(made[0].transpose(1, 2, 0).astype(int) - ours).max() <= 1
    assert np.abs(ours.astype(int) - colorize(model, grey, size=90)).max() > 1, "the hints say something"


@pytest.mark.slow(seconds=15)
def test_torchs_file_is_read_without_this_package(tmp_path):
    model = unet()
    export(model, tmp_path / "unet.pt2", "torch")
    given = LabInside(model).example(1, 33, 64)
    torch.save(given, tmp_path / "given.pt")
    script = (
        "import sys, torch\n"
        "given = torch.load('given.pt')\n"
        "torch.save(torch.export.load('unet.pt2').module()(*given), 'made.pt')\n"
        "assert 'zoo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    with torch.no_grad():
        torch.testing.assert_close(torch.load(tmp_path / "made.pt"), LabInside(model)(*given), atol=1e-5, rtol=0)


class FixedSize(torch.nn.Module):
    """As a stranger may write it: the size of the photo it was exported with is a number in the graph."""

    stride = 1

    def forward(self, condition):
        rows = torch.linspace(0, 1, int(condition.shape[-2]))
        return condition[:, 1:3] + rows.sum()


class OutsideTorch(torch.nn.Module):
    def forward(self, condition):
        return torch.from_numpy(condition.numpy()[:, 1:3] * 2)


@pytest.mark.parametrize("network", [FixedSize(), OutsideTorch()])
@pytest.mark.slow
def test_a_file_that_would_answer_otherwise_is_not_written(tmp_path, network):
    with pytest.raises(BadInput, match="stranger cannot be exported: "):
        export(Colorizer(network, name="stranger"), tmp_path / "file.pt2", "torch", lab="outside")
    assert not list(tmp_path.iterdir())


def run(*arguments: object):
    return CliRunner().invoke(cli, ["export", *map(str, arguments)], prog_name="zoo")


@pytest.mark.slow
def test_a_solver_is_refused_in_a_sentence(tmp_path):
    result = run("levin2004", "--to", "torch", "-o", tmp_path / "levin.pt2")
    assert result.exit_code == 2
    assert "levin2004 cannot be exported: it works photo by photo in numpy and scipy" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_kept_and_a_missing_package_is_named(tmp_path, monkeypatch):
    file = tmp_path / "gray.onnx"
    file.write_bytes(b"mine")
    assert "is there already; give --overwrite" in run("gray", "--to", "onnx", "-o", file).stderr
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "pip install 'colorizer-zoo[export]'" in run("gray", "--to", "onnx", "-o", file, "--overwrite").stderr
    assert file.read_bytes() == b"mine"
    assert "leave uint8 out" in run("gray", "--to", "torch", "--lab", "outside", "--pixels", "uint8").stderr
    assert "zoo train unet" in run("unet", "--to", "torch").stderr


@pytest.mark.slow
def test_the_command_writes_beside_us_and_says_how_exact_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("hints_alone", "--to", "torch", "--lab", "outside")
    assert result.exit_code == 0, result.output
    assert result.stdout == "hints_alone.pt2\n"
    assert "differ by at most 0" in result.stderr
    assert Path("hints_alone.pt2").is_file()
