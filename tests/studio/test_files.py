"""Which photos are found, and where their results go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.core.errors import BadInput
from zoo.studio.files import find_jobs, write_png


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_a_tree_is_walked_and_kept_below_the_output(tmp_path):
    touch(tmp_path, "in/b.JPG", "in/sub/a.png", "in/notes.txt", "in/.hidden.png", "in/.cache/c.png")
    jobs = find_jobs([tmp_path / "in"], tmp_path / "out")
    shown = [(str(j.photo.relative_to(tmp_path)), str(j.result.relative_to(tmp_path))) for j in jobs]
    assert shown == [("in/b.JPG", "out/b.colorized.png"), ("in/sub/a.png", "out/sub/a.colorized.png")]


def test_results_lie_beside_their_photos_and_are_not_photos_themselves(tmp_path):
    touch(tmp_path, "a.jpg", "b.jpg", "a.colorized.png")
    assert [job.result.name for job in find_jobs([tmp_path])] == ["a.colorized.png", "b.colorized.png"]
    assert all(job.photo.parent == job.result.parent for job in find_jobs([tmp_path]))


def test_photos_that_share_a_stem_keep_their_suffix(tmp_path):
    touch(tmp_path, "a.jpg", "A.png", "b.jpg")
    names = {job.photo.name: job.result.name for job in find_jobs([tmp_path])}
    assert names == {"a.jpg": "a.jpg.colorized.png", "A.png": "A.png.colorized.png", "b.jpg": "b.colorized.png"}
    assert find_jobs([tmp_path / "a.jpg"])[0].result.name == "a.jpg.colorized.png"


def test_a_photo_named_twice_is_done_once_and_two_with_one_result_are_refused(tmp_path):
    touch(tmp_path, "x/a.jpg", "y/a.jpg")
    assert len(find_jobs([tmp_path / "x", tmp_path / "x" / "a.jpg"])) == 1
    with pytest.raises(BadInput, match="would both become"):
        find_jobs([tmp_path / "x", tmp_path / "y"], tmp_path / "out")


def test_one_photo_may_have_a_file_as_output_but_not_itself(tmp_path):
    touch(tmp_path, "a.png", "b.jpg")
    assert find_jobs([tmp_path / "a.png"], tmp_path / "out.png")[0].result == tmp_path / "out.png"
    with pytest.raises(BadInput, match="never overwritten"):
        find_jobs([tmp_path / "a.png"], tmp_path / "a.png")
    with pytest.raises(BadInput, match=r"end in \.png"):
        find_jobs([tmp_path / "a.png"], tmp_path / "out.jpg")
    with pytest.raises(BadInput, match="several photos"):
        find_jobs([tmp_path], tmp_path / "out.png")


def test_nothing_to_do_is_an_error(tmp_path):
    touch(tmp_path, "notes.txt")
    with pytest.raises(BadInput, match="no photo found"):
        find_jobs([tmp_path])
    with pytest.raises(BadInput, match="no such file"):
        find_jobs([tmp_path / "nowhere"])


def test_a_result_is_written_whole_or_not_at_all(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    write_png(tmp_path / "new" / "a.png", image)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "new" / "a.png")), image)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        write_png(tmp_path / "file" / "a.png", image)
    with pytest.raises(BadInput, match="cannot be written"):
        write_png(tmp_path / ("x" * 300 + ".png"), image)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "new"]
