import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from zoo.core import download
from zoo.core.errors import BadInput, Unavailable, UnknownName
from zoo.harness.metrics.score import compare_folders, score


@pytest.fixture(autouse=True)
def no_trunk(tmp_path, monkeypatch):
    """An empty torch cache, and no network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(download, "_failed_lately", lambda file: True)


def save(folder, **images):
    for name, image in images.items():
        file = folder / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    return folder


def test_two_images_by_all_metrics_that_can_be_had(photos):
    found = score(photos[0], photos[1])
    assert list(found) == ["psnr", "ssim", "st_lpips", "delta_e00", "colorfulness_gap"]
    assert found["psnr"] == pytest.approx(peak_signal_noise_ratio(photos[1], photos[0]), abs=1e-4)
    assert all(type(value) is float for value in found.values())


def test_the_metrics_asked_for_and_no_others(photos):
    assert list(score(photos[0], photos[1], metrics=["delta_e00", "checkerboard"])) == [
        "delta_e00",
        "checkerboard",
    ]
    with pytest.raises(UnknownName, match="psnr"):
        score(photos[0], photos[1], metrics=["pnsr"])
    with pytest.raises(Unavailable, match="trunk"):
        score(photos[0], photos[1], metrics=["lpips"])


def test_arrays_that_cannot_be_written_to_and_views_are_fine(photos):
    view = photos[0][::-1, ::-1]
    view.flags.writeable = False
    assert score(view, view, metrics=["psnr"]) == {"psnr": 100.0}


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8), np.uint8),
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        [[0, 0, 0]],
    ],
)
def test_what_is_no_image_is_one_clear_sentence(wrong, photos):
    with pytest.raises(BadInput, match=r"The prediction .*uint8"):
        score(wrong, photos[0])
    with pytest.raises(BadInput, match=r"The target .*uint8"):
        score(photos[0], wrong)


def test_two_sizes_are_refused(photos):
    with pytest.raises(BadInput, match="200×100 and the target 256×256"):
        score(photos[0][:100, :200], photos[1])


@pytest.mark.slow
def test_scoring_needs_neither_torchvision_nor_timm():
    program = """
import sys
for name in ("torchvision", "timm", "lpips", "segmentation_models_pytorch"):
    sys.modules[name] = None
import numpy as np
from zoo.harness.metrics.score import score
image = np.zeros((32, 32, 3), np.uint8)
assert score(image, image)["psnr"] == 100
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_folders_are_matched_by_name_whatever_the_suffix(tmp_path, photos):
    truth = save(tmp_path / "truth", b=photos[1], a=photos[0], **{"deep/c": photos[2]})
    made = save(tmp_path / "made", a=photos[3], **{"deep/c": photos[2]})
    Image.fromarray(photos[1]).save(made / "b.tif")
    (made / "notes.txt").write_text("not an image")
    table = compare_folders(made, truth, metrics=["psnr", "ssim"]).table
    assert list(table.columns) == ["image", "psnr", "ssim"]
    assert table["image"].tolist() == ["a", "b", "deep/c"]
    assert table["psnr"].tolist()[1:] == [100.0, 100.0]
    assert table["psnr"][0] == score(photos[3], photos[0], metrics=["psnr"])["psnr"]


def test_folders_that_do_not_fit_are_one_clear_sentence(tmp_path, photos):
    truth = save(tmp_path / "truth", a=photos[0], b=photos[1])
    with pytest.raises(BadInput, match="not a folder"):
        compare_folders(tmp_path / "nowhere", truth, ["psnr"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no image"):
        compare_folders(tmp_path / "empty", truth, ["psnr"])
    (failure,) = compare_folders(save(tmp_path / "short", a=photos[0]), truth, ["psnr"]).failures
    assert re.search(r"1 of 2 images in .*truth.* \(b\)", failure)
    (failure,) = compare_folders(
        save(tmp_path / "long", a=photos[0], b=photos[1], c=photos[2]), truth, ["psnr"]
    ).failures
    assert re.search(r"1 of 3 images in .*long.* \(c\)", failure)
    (failure,) = compare_folders(save(tmp_path / "cut", a=photos[0], b=photos[1][:, :100]), truth, ["psnr"]).failures
    assert re.search("100×256", failure)
    twice = save(tmp_path / "twice", a=photos[0], b=photos[1])
    Image.fromarray(photos[0]).save(twice / "a.jpg")
    assert any("one name" in failure for failure in compare_folders(twice, truth, ["psnr"]).failures)
