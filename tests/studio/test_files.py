"""Which photos are found, and where their results go."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.core.errors import BadInput
from zoo.studio.files import STANDARD, Job, find_jobs, in_samples, unwritable_folders


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_a_tree_is_walked_and_kept_below_the_output(tmp_path):
    touch(tmp_path, "in/b.JPG", "in/sub/a.png", "in/notes.txt", "in/.hidden.png", "in/.cache/c.png")
    jobs, form, _ = find_jobs([tmp_path / "in"], tmp_path / "out")
    assert form == "png"
    shown = [(str(j.photo.relative_to(tmp_path)), str(j.result.relative_to(tmp_path))) for j in jobs]
    assert shown == [("in/b.JPG", "out/b.colorized.png"), ("in/sub/a.png", "out/sub/a.colorized.png")]


def test_results_lie_beside_their_photos_and_are_not_photos_themselves(tmp_path):
    touch(tmp_path, "a.jpg", "b.jpg", "a.colorized.png")
    assert [job.result.name for job in find_jobs([tmp_path]).jobs] == ["a.colorized.png", "b.colorized.png"]
    assert all(job.photo.parent == job.result.parent for job in find_jobs([tmp_path]).jobs)


def test_several_answers_are_numbered_and_are_not_photos_themselves(tmp_path):
    touch(tmp_path, "a.jpg")
    drawn = in_samples(find_jobs([tmp_path]).jobs, 2)
    assert [(job.result.name, job.draw) for job in drawn] == [("a.colorized-1.png", 1), ("a.colorized-2.png", 2)]
    drawn = in_samples(find_jobs([tmp_path / "a.jpg"], tmp_path / "photo.png").jobs, 2)
    assert [job.result.name for job in drawn] == ["photo-1.png", "photo-2.png"]
    touch(tmp_path, "a.colorized-1.png", "a.colorized-2.png")
    assert [job.photo.name for job in find_jobs([tmp_path]).jobs] == ["a.jpg"]
    with pytest.raises(BadInput, match="one picture"):
        in_samples(find_jobs([STANDARD]).jobs, 2)


def test_photos_that_share_a_stem_keep_their_suffix(tmp_path):
    touch(tmp_path, "a.jpg", "A.png", "b.jpg")
    names = {job.photo.name: job.result.name for job in find_jobs([tmp_path]).jobs}
    assert names == {"a.jpg": "a.jpg.colorized.png", "A.png": "A.png.colorized.png", "b.jpg": "b.colorized.png"}
    assert find_jobs([tmp_path / "a.jpg"]).jobs[0].result.name == "a.jpg.colorized.png"


def test_a_photo_named_twice_is_done_once_and_two_with_one_result_are_refused(tmp_path):
    touch(tmp_path, "x/a.jpg", "y/a.jpg")
    assert len(find_jobs([tmp_path / "x", tmp_path / "x" / "a.jpg"]).jobs) == 1
    with pytest.raises(BadInput, match="would both become"):
        find_jobs([tmp_path / "x", tmp_path / "y"], tmp_path / "out")


def test_one_photo_may_have_a_file_as_output_but_not_itself(tmp_path):
    touch(tmp_path, "a.png", "b.jpg")
    assert find_jobs([tmp_path / "a.png"], tmp_path / "out.png").jobs[0].result == tmp_path / "out.png"
    with pytest.raises(BadInput, match="never overwritten"):
        find_jobs([tmp_path / "a.png"], tmp_path / "a.png")
    with pytest.raises(BadInput, match=r"written as \.png, \.jpg"):
        find_jobs([tmp_path / "a.png"], tmp_path / "out.gif")
    with pytest.raises(BadInput, match="several photos"):
        find_jobs([tmp_path], tmp_path / "out.png")


def test_the_format_is_what_the_option_or_the_output_says(tmp_path):
    touch(tmp_path, "a.png", "b.jpg", "a.colorized.tiff")
    found = find_jobs([tmp_path], tmp_path / "out", "webp")
    assert found.form == "webp"
    assert [job.result.name for job in found.jobs] == ["a.colorized.webp", "b.colorized.webp"]
    assert find_jobs([tmp_path / "a.png"], tmp_path / "out.JPEG").form == "jpg"
    with pytest.raises(BadInput, match="means the format jpg and --format says tiff"):
        find_jobs([tmp_path / "a.png"], tmp_path / "out.jpeg", "tiff")


def test_standard_input_goes_to_standard_output_or_where_it_is_told(tmp_path):
    touch(tmp_path, "a.png")
    assert find_jobs([STANDARD]).jobs == [Job(STANDARD, STANDARD)]
    assert find_jobs([STANDARD], STANDARD, "jpg").form == "jpg"
    assert find_jobs([tmp_path / "a.png"], STANDARD).jobs == [Job(tmp_path / "a.png", STANDARD)]
    assert find_jobs([STANDARD], tmp_path / "x.webp").jobs == [Job(STANDARD, tmp_path / "x.webp")]
    both = find_jobs([STANDARD, tmp_path / "a.png"], tmp_path / "out").jobs
    assert [job.result.name for job in both] == ["stdin.colorized.png", "a.colorized.png"]
    with pytest.raises(BadInput, match="standard output is one file for several photos"):
        find_jobs([STANDARD, tmp_path / "a.png"])


def test_photos_of_several_folders_that_come_to_lie_in_one_keep_their_suffix(tmp_path):
    touch(tmp_path, "x/a.jpg", "y/a.png", "y/b.png")
    jobs = find_jobs([tmp_path / "x", tmp_path / "y"], tmp_path / "out").jobs
    assert [job.result.name for job in jobs] == ["a.jpg.colorized.png", "a.png.colorized.png", "b.colorized.png"]


def test_what_looks_like_a_picture_and_is_not_taken_is_counted(tmp_path):
    touch(tmp_path, "a.jpg", "b.svg", "c.svg", "a.colorized.png")
    (remark,) = find_jobs([tmp_path]).remarks
    assert "2 files were not taken: .svg 2" in remark


def test_nothing_to_do_is_an_error(tmp_path):
    touch(tmp_path, "notes.txt")
    with pytest.raises(BadInput, match="no photo found"):
        find_jobs([tmp_path])
    with pytest.raises(BadInput, match="no such file"):
        find_jobs([tmp_path / "nowhere"])


def test_folders_that_cannot_be_written_are_found_and_the_others_made(tmp_path):
    (tmp_path / "file").write_text("")
    jobs = [
        Job(tmp_path / "a.jpg", tmp_path / "file" / "a.png"),
        Job(tmp_path / "b.jpg", tmp_path / "new" / "deep" / "b.png"),
        Job(tmp_path / "c.jpg", tmp_path / ("x" * 300) / "c.png"),
        Job(tmp_path / "d.jpg", STANDARD),
    ]
    refused = unwritable_folders(jobs)
    assert list(refused) == [tmp_path / "file", tmp_path / ("x" * 300)]
    assert all("cannot be written" in reason for reason in refused.values())
    assert list((tmp_path / "new" / "deep").iterdir()) == []
