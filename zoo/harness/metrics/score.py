"""The rulers in public: two images, or two folders of images, that anybody's method made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from zoo.core.assemble import make
from zoo.core.errors import BadInput, Unavailable
from zoo.core.photo import Photo, open_photo, photo_size
from zoo.harness.data.bank import remarks as noted
from zoo.harness.data.monochrome import is_monochrome
from zoo.harness.metrics.pairs import Pair, pair_up

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


class FolderScores(NamedTuple):
    """``table`` has a row an image, sorted by name: ``image``, then a column a metric.

    ``remarks`` are what a person should know: monochrome targets, files that were not taken, assumptions. ``failures``
    say, a sentence each, what could not be scored; it costs the others nothing.
    """

    table: pd.DataFrame
    remarks: tuple[str, ...]
    failures: tuple[str, ...] = ()


def compare_folders(
    predictions: str | Path,
    targets: str | Path,
    metrics: Sequence[str] | None = None,
    *,
    watch: Callable[[Sequence[Pair]], Iterable[Pair]] = lambda pairs: pairs,
) -> FolderScores:
    """Every image of one folder against its counterpart in the other (:func:`zoo.harness.metrics.pairs.pair_up`).

    As in the bench, monochrome targets are left out and counted: a grey prediction would be perfect. Images without a
    counterpart, pairs of two sizes (found before anything is scored) and files that cannot be read are failures.

    Args:
        watch: hands on the pairs one by one, and shows how far it is.

    Raises:
        BadInput: two folders of which nothing can be scored.
    """
    import pandas as pd

    pairs, remarks, alone = pair_up(Path(predictions), Path(targets))
    failures = list(alone)
    fitting = []
    for pair in pairs:
        try:
            _check_sizes(pair, photo_size(pair.prediction), photo_size(pair.target))
            fitting.append(pair)
        except BadInput as error:
            failures.append(str(error))
    if not fitting:
        raise BadInput(failures[0])
    rulers = _rulers(metrics)
    rows: list[dict[str, Any]] = []
    monochrome: list[str] = []
    said: list[tuple[str, str]] = []
    for pair in watch(fitting):
        try:
            target = open_photo(pair.target)
            if is_monochrome(target.rgb):
                monochrome.append(pair.name)
                continue
            prediction = open_photo(pair.prediction)
        except BadInput as error:
            failures.append(str(error))
            continue
        said += (*_noted(pair.target, target), *_noted(pair.prediction, prediction))
        rows.append({"image": pair.name, **_score(prediction.rgb, target.rgb, rulers)})
    if not rows and failures:
        raise BadInput(failures[0])
    if not rows:
        raise BadInput(f"All {len(pairs)} images in {targets} are monochrome, so there is no colour to score.")
    remarks = (*remarks, *noted(said), *_monochrome_remark(monochrome, len(pairs)))
    return FolderScores(pd.DataFrame(rows), remarks, tuple(failures))


def compare_files(prediction: Path | bytes, target: Path | bytes, metrics: Sequence[str] | None = None) -> FolderScores:
    """One image against its truth, as a table of one row. A monochrome target is scored, and said to be one.

    Args:
        prediction, target: a file, or a file's bytes as they came from standard input.

    Raises:
        BadInput: a file that cannot be read, or two sizes.
    """
    import pandas as pd

    named = ["standard input" if isinstance(image, bytes) else str(image) for image in (prediction, target)]
    pair = Pair(Path(named[0]).name, Path(named[0]), Path(named[1]))
    _check_sizes(pair, photo_size(prediction, name=named[0]), photo_size(target, name=named[1]))
    made, true = open_photo(prediction, name=named[0]), open_photo(target, name=named[1])
    grey = (f"{pair.target} is monochrome: a grey prediction would be perfect.",) if is_monochrome(true.rgb) else ()
    table = pd.DataFrame([{"image": pair.name, **_score(made.rgb, true.rgb, _rulers(metrics))}])
    return FolderScores(table, (*noted((*_noted(pair.target, true), *_noted(pair.prediction, made))), *grey))


def _noted(file: Path, photo: Photo) -> tuple[tuple[str, str], ...]:
    return tuple((str(file), note) for note in photo.notes)


def _monochrome_remark(names: Sequence[str], total: int) -> tuple[str, ...]:
    if not names:
        return ()
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return (f"{len(names)} of {total} images are monochrome and left out: {shown}.",)


def _check_sizes(pair: Pair, prediction: tuple[int, int], target: tuple[int, int]) -> None:
    if prediction != target:
        sizes = [f"{width}×{height}" for width, height in (prediction, target)]
        raise BadInput(f"{pair.prediction} is {sizes[0]} and {pair.target} {sizes[1]} pixels; resize one to the other.")


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
