"""What a colorized photo is called."""

from __future__ import annotations

import itertools
import os

from zoo.core.photo_files import NAME_BYTES, is_result, result_stem, shared_stems


def test_a_result_has_its_photos_stem_or_where_that_is_shared_its_name():
    assert result_stem("a.jpg") == "a.colorized"
    assert result_stem("a.jpg", whole=True) == "a.jpg.colorized"
    assert shared_stems(["a.jpg", "a.png", "A.gif", "b.jpg", "c"]) == {"a.jpg", "a.png", "A.gif"}


def test_a_stem_that_is_another_photos_name_is_kept_apart():
    assert shared_stems(["a.jpg", "a.jpg.png"]) == {"a.jpg.png"}


def test_each_of_several_answers_is_a_result():
    assert is_result("a.colorized-12.png")
    assert not is_result("a-12.png")
    assert not is_result("a.colorized-old.png")


def test_long_names_are_cut_to_what_file_systems_take_and_stay_apart():
    for name in ("x" * 251 + ".jpg", "ü" * 125 + ".jpg", "x" * 245 + ".png"):
        stem = result_stem(name)
        assert len(os.fsencode(stem + ".jpeg")) <= NAME_BYTES
        assert stem.startswith(name[:100])
        assert is_result(stem + ".png")
    assert result_stem("x" * 250 + "a.jpg") != result_stem("x" * 250 + "b.jpg")
    assert result_stem("x" * 250 + ".jpg", whole=True) != result_stem("x" * 250 + ".png", whole=True)


def test_the_photos_of_a_folder_never_share_a_result():
    stems, suffixes = ("a", "b", "a.jpg", "a.png.jpg", "x" * 250), (".jpg", ".png", ".gif")
    names = [stem + suffix for stem, suffix in itertools.product(stems, suffixes)]
    for photos in itertools.chain(itertools.combinations(names, 3), [names]):
        shared = shared_stems(photos)
        results = [result_stem(name, whole=name in shared) for name in photos]
        assert len(set(results)) == len(photos)
