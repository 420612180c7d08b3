from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from zoo.core.errors import BadInput
from zoo.core.photo_files import result_stem
from zoo.harness.metrics.pairs import pair_up


@pytest.fixture
def folders(tmp_path: Path):
    def make(predictions: list[str], targets: list[str]) -> tuple[Path, Path]:
        for folder, names in (("made", predictions), ("true", targets)):
            for name in names:
                (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / folder / name).touch()
        return tmp_path / "made", tmp_path / "true"

    return make


def paired(made: Path, true: Path) -> list[tuple[str, str, str]]:
    return [
        (pair.name, pair.prediction.relative_to(made).as_posix(), pair.target.relative_to(true).as_posix())
        for pair in pair_up(made, true).pairs
    ]


def test_names_match_whatever_the_suffix(folders):
    assert paired(*folders(["b.tif", "d/a.png"], ["b.jpg", "d/a.gif"])) == [
        ("b", "b.tif", "b.jpg"),
        ("d/a", "d/a.png", "d/a.gif"),
    ]


def test_files_that_share_a_stem_keep_their_suffix_and_are_told_apart(folders):
    made, true = folders(["a.jpg", "a.png", "a.gif"], ["a.gif", "a.jpg", "a.png"])
    assert paired(made, true) == [(f"a.{s}", f"a.{s}", f"a.{s}") for s in ("gif", "jpg", "png")]


def test_results_of_colorize_find_their_photos(folders):
    made, true = folders(
        ["x.colorized.png", "a.jpg.colorized.png", "a.png.colorized.webp"],
        ["x.jpg", "a.jpg", "a.png", "x.colorized.png"],
    )
    assert paired(made, true) == [
        ("a.jpg", "a.jpg.colorized.png", "a.jpg"),
        ("a.png", "a.png.colorized.webp", "a.png"),
        ("x", "x.colorized.png", "x.jpg"),
    ]


def test_two_folders_of_results_can_be_compared(folders):
    assert paired(*folders(["x.colorized.png"], ["x.colorized.png"])) == [("x", "x.colorized.png", "x.colorized.png")]


def test_accents_match_however_they_are_composed(folders):
    name = "Zoë.png"
    made, true = folders([unicodedata.normalize("NFD", name)], [unicodedata.normalize("NFC", name)])
    assert len(pair_up(made, true).pairs) == 1


def test_stems_with_dots_are_not_cut_twice(folders):
    assert paired(*folders(["1.5.png", "1.6.png"], ["1.5.jpg", "1.6.jpg"])) == [
        ("1.5", "1.5.png", "1.5.jpg"),
        ("1.6", "1.6.png", "1.6.jpg"),
    ]


@pytest.mark.parametrize(
    ("predictions", "targets", "said"),
    [
        (["a.png", "a.tif"], ["a.jpg"], "have one name"),
        (["a.png", "a.jpg"], ["a.png"], "have one name"),
        (["a.colorized.png", "a.colorized.jpg"], ["a.png"], "have one name"),
        (["b.png"], ["a.png"], r"1 of 1 images in .*true have no counterpart in .*made \(a\)"),
        (["a.tif"], ["a.png", "a.jpg"], r"2 of 2 images in .*true .*\(a\.jpg, a\.png\)"),
    ],
)
def test_where_nothing_fits_it_is_one_sentence(folders, predictions, targets, said):
    with pytest.raises(BadInput, match=said):
        pair_up(*folders(predictions, targets))


@pytest.mark.parametrize(
    ("predictions", "targets", "said"),
    [
        (["a.png"], ["a.png", "b.png"], [r"1 of 2 images in .*true have no counterpart in .*made \(b\)"]),
        (["a.png", "b.png"], ["a.png"], [r"1 of 2 images in .*made have no counterpart in .*true \(b\)"]),
        (["a.png", "b.png", "b.tif"], ["a.png", "b.jpg"], ["b.tif and .*b.png have one name"]),
        (["a.png", "c.png"], ["a.png", "b.png"], [r"\(b\)", r"\(c\)"]),
    ],
)
def test_what_does_not_fit_costs_the_others_nothing(folders, predictions, targets, said):
    made, true = folders(predictions, targets)
    assert paired(made, true) == [("a", "a.png", "a.png")]
    told = pair_up(made, true).alone
    assert len(told) == len(said)
    for sentence, expected in zip(told, said, strict=True):
        assert re.search(expected, sentence)


def test_names_that_colorize_cut_find_their_photos(folders):
    names = ["x" * 250 + ".jpg", "x" * 250 + ".png", "d/" + "ü" * 125 + ".jpg", "short.jpg"]
    results = [result_stem(name, whole=True) + ".webp" for name in names[:2]]
    results += ["d/" + result_stem(names[2][2:]) + ".png", "short.colorized.png"]
    made, true = folders(results, names)
    assert sorted(target for _, _, target in paired(made, true)) == sorted(names)


def test_results_beside_their_photos_are_scored_against_them(folders):
    made, _ = folders(["a.jpg", "a.colorized.png", "b.jpg", "b.colorized.png"], [])
    assert paired(made, made) == [("a", "a.colorized.png", "a.jpg"), ("b", "b.colorized.png", "b.jpg")]
