"""Which image of one folder belongs to which of another."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.core.errors import BadInput
from zoo.core.photo_files import RESULT_MARK, find_photos, is_result, suffix_list


class Pair(NamedTuple):
    """``name`` is the target's path below its folder, without its suffix where that is unique."""

    name: str
    prediction: Path
    target: Path


class Pairs(NamedTuple):
    """The pairs, sorted by name, and a sentence each for what was not taken."""

    pairs: list[Pair]
    remarks: tuple[str, ...]


class _Image(NamedTuple):
    file: Path
    whole: str
    bare: str


def pair_up(predictions: Path, targets: Path) -> Pairs:
    """Match the images of two folders by their paths below them.

    ``a/cat.png`` belongs to ``a/cat.jpg``. Where ``cat.jpg``, ``cat.png`` and ``cat.gif`` lie side by side, each
    belongs to the file of its whole name. ``cat.colorized.png`` and ``cat.jpg.colorized.png``, as ``zoo colorize``
    names its results, belong to ``cat.jpg``; results that lie among the targets are no targets. Accents are the
    same letters however a system composes them.

    Raises:
        BadInput: a folder that is missing or holds no image, an image without its counterpart, or two
            predictions for one target.
    """
    predicted, said = _images(predictions)
    true, also_said = _images(targets)
    originals = [image for image in true if not is_result(image.file.name)]
    true = originals or true
    by_whole = {image.whole: [image] for image in predicted}
    by_bare: dict[str, list[_Image]] = defaultdict(list)
    for image in predicted:
        by_bare[image.bare].append(image)
    stems = Counter(image.bare for image in true)

    pairs: list[Pair] = []
    for image in true:
        shared = stems[image.bare] > 1
        found = by_whole.get(image.whole) or by_bare.get(image.whole) or ([] if shared else by_bare.get(image.bare, []))
        _check_one(found)
        pairs += [Pair(image.whole if shared else image.bare, each.file, image.file) for each in found]
    _check_none_alone(true, targets, {pair.target for pair in pairs}, predictions)
    used = {pair.prediction for pair in pairs}
    for images in by_bare.values():
        if any(image.file in used for image in images) and not all(image.file in used for image in images):
            _check_one(images)
    _check_none_alone(predicted, predictions, used, targets)
    return Pairs(sorted(pairs), (*said, *also_said))


def _check_one(images: Sequence[_Image]) -> None:
    if len(images) > 1:
        raise BadInput(f"{images[1].file} and {images[0].file} have one name; keep one of them.")


def _images(folder: Path) -> tuple[list[_Image], tuple[str, ...]]:
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder; give a folder of images.")
    found = find_photos(folder)
    if not found.photos:
        raise BadInput(" ".join((f"{folder} holds no image ({suffix_list()}); check the path.", *found.remarks)))
    images = []
    for file in found.photos:
        below = file.relative_to(folder)
        bare = below.with_suffix("").as_posix().removesuffix(RESULT_MARK)
        images.append(_Image(file, _composed(below.as_posix()), _composed(bare)))
    return images, tuple(f"{folder}: {remark}" for remark in found.remarks)


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _check_none_alone(images: Sequence[_Image], where: Path, paired: set[Path], there: Path) -> None:
    stems = Counter(image.bare for image in images)
    named = ((image.bare if stems[image.bare] == 1 else image.whole, image.file) for image in images)
    alone = sorted(name for name, file in named if file not in paired)
    if alone:
        shown = ", ".join(alone[:3]) + (", …" if len(alone) > 3 else "")
        raise BadInput(
            f"{len(alone)} of {len(images)} images in {where} have no counterpart in {there} ({shown}); "
            "give both the same file names, or remove them."
        )
