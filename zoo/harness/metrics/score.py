"""The rulers in public: two images, or two folders of images, that anybody's method made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zoo.core.assemble import make
from zoo.core.errors import BadInput, Unavailable
from zoo.core.photo_files import find_photos, suffix_list

if TYPE_CHECKING:
    import pandas as pd

    from zoo.core.contracts import Metric

DEFAULT_METRICS = ("psnr", "ssim", "lpips", "st_lpips", "delta_e00", "colorfulness_gap")


def score(prediction: np.ndarray, target: np.ndarray, metrics: Sequence[str] | None = None) -> dict[str, float]:
    """The metrics of one image against its truth.

    Args:
        prediction, target: uint8 (H, W, 3) RGB, one size.
        metrics: registered names; by default :data:`DEFAULT_METRICS`, without those that cannot be
            had here (LPIPS where its trunk is missing).

    Returns:
        A number a metric; NaN where the image is too small for it.

    Raises:
        BadInput: an array of another shape or type, or two sizes.
        UnknownName: a metric that is not registered.
        Unavailable: a metric asked for by name that cannot be had here.
    """
    _check(prediction, "prediction")
    _check(target, "target")
    if prediction.shape != target.shape:
        raise BadInput(
            f"The prediction is {_size(prediction)} and the target {_size(target)} pixels; give two of one size."
        )
    return _score(prediction, target, _rulers(metrics))


def score_folders(predictions: str | Path, targets: str | Path, metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Every image of one folder against the image of the same name in the other.

    Files are matched by their path below the folder without the suffix, so ``a/cat.png`` is scored
    against ``a/cat.jpg``.

    Returns:
        A row an image, sorted by name: ``image``, then a column a metric.

    Raises:
        BadInput: a folder that is missing or holds no image, an image without its counterpart, two
            files of one name, two sizes, a file that cannot be read.
    """
    import pandas as pd

    from zoo.core.photo import read_photo

    predicted, true = _images(Path(predictions)), _images(Path(targets))
    _check_counterparts(predicted, Path(predictions), true, Path(targets))
    rulers = _rulers(metrics)
    rows = []
    for name in sorted(true):
        prediction, target = read_photo(predicted[name]), read_photo(true[name])
        if prediction.shape != target.shape:
            raise BadInput(
                f"{predicted[name]} is {_size(prediction)} and {true[name]} {_size(target)} pixels; "
                "resize one to the other."
            )
        rows.append({"image": name, **_score(prediction, target, rulers)})
    return pd.DataFrame(rows)


def _rulers(names: Sequence[str] | None) -> list[Metric]:
    if names is not None:
        return [_ruler(name) for name in names]
    rulers = []
    for name in DEFAULT_METRICS:
        try:
            rulers.append(_ruler(name))
        except Unavailable:
            continue  # Left out, as the docstring of score says.
    return rulers


@lru_cache(maxsize=32)
def _ruler(name: str) -> Metric:
    """One instance a name: some load networks."""
    ruler: Metric = make("metrics", name)
    return ruler


def _score(prediction: np.ndarray, target: np.ndarray, rulers: Sequence[Metric]) -> dict[str, float]:
    # Copied: torch takes neither negative strides nor, without a warning, what cannot be written to.
    pair = [torch.from_numpy(image.copy()).permute(2, 0, 1)[None] for image in (prediction, target)]
    return {ruler.name: float(ruler.per_image(*(image.clone() for image in pair))[0]) for ruler in rulers}


def _check(image: Any, which: str) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise BadInput(f"The {which} is {found}; give a uint8 array of shape (H, W, 3), RGB.")
    if image.size == 0:
        raise BadInput(f"The {which} has no pixels ({_size(image)}); give a uint8 array of shape (H, W, 3), RGB.")


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}×{image.shape[0]}"


def _images(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder; give a folder of images.")
    images: dict[str, Path] = {}
    found = find_photos(folder)
    for file in found.photos:
        name = file.relative_to(folder).with_suffix("").as_posix()
        if name in images:
            raise BadInput(f"{file} and {images[name]} have one name; keep one of them.")
        images[name] = file
    if not images:
        raise BadInput(" ".join((f"{folder} holds no image ({suffix_list()}); check the path.", *found.remarks)))
    return images


def _check_counterparts(predicted: dict[str, Path], at: Path, true: dict[str, Path], beside: Path) -> None:
    for have, where, others, there in ((true, beside, predicted, at), (predicted, at, true, beside)):
        alone = sorted(have.keys() - others.keys())
        if alone:
            shown = ", ".join(alone[:3]) + (", …" if len(alone) > 3 else "")
            raise BadInput(
                f"{len(alone)} of {len(have)} images in {where} have no counterpart in {there} ({shown}); "
                "give both the same file names, or remove them."
            )
