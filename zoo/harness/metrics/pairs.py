"""Which image of one folder belongs to which of another."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.core.errors import BadInput
from zoo.core.photo_files import RESULT_MARK, find_photos, is_result, result_stem, suffix_list


class Pair(NamedTuple):
    """``name`` is the target's path below its folder, without its suffix where that is unique."""

    name: str
    prediction: Path
    target: Path


class Pairs(NamedTuple):
    """Attributes:

    pairs: sorted by name.
    remarks: a sentence each for what was not taken.
    alone: a sentence each for images that cannot be paired; they cost the others nothing.
    """

    pairs: list[Pair]
    remarks: tuple[str, ...]
    alone: tuple[str, ...] = ()


class _Image(NamedTuple):
    file: Path
    whole: str
    bare: str


def pair_up(predictions: Path, targets: Path) -> Pairs:
    """Match the images of two folders by their paths below them.

    ``a/cat.png`` belongs to ``a/cat.jpg``. Where ``cat.jpg``, ``cat.png`` and ``cat.gif`` lie side by side, each
    belongs to the file of its whole name. ``cat.colorized.png`` and ``cat.jpg.colorized.png``, as ``zoo colorize``
    names its results, belong to ``cat.jpg``, also where it has cut a long name; results that lie among the targets
    are no targets, and beside their photos they are the predictions. Accents are the same letters however a system
    composes them.

    Raises:
        BadInput: a folder that is missing or holds no image, or not one pair.
    """
    predicted, said = _images(predictions)
    true, also_said = _images(targets)
    true = [image for image in true if not is_result(image.file.name)] or true
    if predictions.samefile(targets):
        predicted = [image for image in predicted if is_result(image.file.name)] or predicted
    pairs, alone, spoken_of = _paired(predicted, true)
    spoken_of.update(file for pair in pairs for file in (pair.prediction, pair.target))
    alone += filter(
        None, (_alone(true, targets, spoken_of, predictions), _alone(predicted, predictions, spoken_of, targets))
    )
    if not pairs:
        raise BadInput(alone[0])
    return Pairs(sorted(pairs), (*said, *also_said), tuple(alone))


def pair_names(predictions: Path, names: Sequence[str]) -> dict[str, Path]:
    """The image of a folder that belongs to each of ``names``, as :func:`pair_up` would find it.

    Raises:
        BadInput: a folder that is missing or holds no image, or a name without one image of its own.
    """
    predicted, _ = _images(predictions)
    true = [_image(Path(name), name) for name in names]
    pairs, alone, _ = _paired(predicted, true)
    found = {pair.target.as_posix(): pair.prediction for pair in pairs}
    if alone:
        raise BadInput(alone[0])
    if missing := [name for name in names if name not in found]:
        raise BadInput(
            f"{predictions} holds no image for {len(missing)} of the {len(names)} photos, such as {missing[0]}; "
            "name each image after its photo."
        )
    return found


def _paired(predicted: Sequence[_Image], true: Sequence[_Image]) -> tuple[list[Pair], list[str], set[Path]]:
    """The pairs; a sentence for each prediction that leaves open what it belongs to; the files that were spoken of."""
    by_whole = {image.whole: [image] for image in predicted}
    by_bare: dict[str, list[_Image]] = defaultdict(list)
    for image in predicted:
        by_bare[image.bare].append(image)
    stems = Counter(image.bare for image in true)

    pairs: list[Pair] = []
    alone: list[str] = []
    spoken_of: set[Path] = set()
    for image in true:
        shared = stems[image.bare] > 1
        found = by_whole.get(image.whole) or _first(by_bare, _keys(image, shared=shared))
        if found and not shared:
            found = by_bare[found[0].bare]  # another of that stem leaves open which one is meant
        if len(found) == 1:
            pairs.append(Pair(image.whole if shared else image.bare, found[0].file, image.file))
        elif found:
            alone.append(f"{found[1].file} and {found[0].file} have one name; keep one of them.")
            spoken_of.update([image.file, *(each.file for each in found)])
    return pairs, alone, spoken_of


def _keys(image: _Image, *, shared: bool) -> Iterator[str]:
    """What a prediction may be called without its suffix and mark, the most exact first."""
    folder = image.whole.rpartition("/")[0]
    for whole in (True,) if shared else (True, False):
        yield image.whole if whole else image.bare
        cut = _composed(result_stem(image.file.name, whole=whole).removesuffix(RESULT_MARK))
        yield f"{folder}/{cut}" if folder else cut


def _first(by_bare: Mapping[str, list[_Image]], keys: Iterable[str]) -> list[_Image]:
    return next((by_bare[key] for key in keys if key in by_bare), [])


def _images(folder: Path) -> tuple[list[_Image], tuple[str, ...]]:
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder; give a folder of images.")
    found = find_photos(folder)
    if not found.photos:
        raise BadInput(" ".join((f"{folder} holds no image ({suffix_list()}); check the path.", *found.remarks)))
    images = [_image(file, file.relative_to(folder).as_posix()) for file in found.photos]
    return images, tuple(f"{folder}: {remark}" for remark in found.remarks)


def _image(file: Path, below: str) -> _Image:
    bare = Path(below).with_suffix("").as_posix().removesuffix(RESULT_MARK)
    return _Image(file, _composed(below), _composed(bare))


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _alone(images: Sequence[_Image], where: Path, paired: set[Path], there: Path) -> str:
    """The sentence for images without a counterpart, if there are any."""
    stems = Counter(image.bare for image in images)
    named = ((image.bare if stems[image.bare] == 1 else image.whole, image.file) for image in images)
    alone = sorted(name for name, file in named if file not in paired)
    if not alone:
        return ""
    shown = ", ".join(alone[:3]) + (", …" if len(alone) > 3 else "")
    return (
        f"{len(alone)} of {len(images)} images in {where} have no counterpart in {there} ({shown}); "
        "give both the same file names, or remove them."
    )
