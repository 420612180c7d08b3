"""A film written anew has the same times and the same sound, and every player can read it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from zoo.core.errors import BadInput
from zoo.core.film import opened
from zoo.studio.film_file import FORMS, film_written, suffix_for


def copied(path: Path, result: Path) -> list[str]:
    """The film through reader and writer, unchanged; what was left out."""
    with opened(path) as film:
        first = next(film.frames())
    with (
        opened(path) as film,
        film_written(result, FORMS[result.suffix], film, first.rgb.shape[:2], "made by a test") as made,
    ):
        for frame in film.frames(made.pass_on):
            made.write(frame.rgb, frame)
    return made.notes


def test_sound_and_timing_are_the_films_own(films, tmp_path, photos):
    times = [80, 120, 320, 330, 451, 600]
    path = films.write_film(tmp_path / "a.mp4", films.pan(photos[0], 6), times=times, sound=True)
    assert copied(path, tmp_path / "b.mp4") == []
    assert films.packets(tmp_path / "b.mp4", "audio") == films.packets(path, "audio")
    with av.open(str(tmp_path / "b.mp4")) as film:
        assert [round(1000 * frame.time) for frame in film.decode(video=0)] == times
    with av.open(str(path)) as one, av.open(str(tmp_path / "b.mp4")) as other:
        heard = [[frame.to_ndarray() for frame in film.decode(audio=0)] for film in (one, other)]
    assert len(heard[0]) > 1
    assert all(np.array_equal(*pair) for pair in zip(*heard, strict=True))


@pytest.mark.slow
def test_the_sound_of_a_real_film_is_copied_byte_for_byte(films, tmp_path):
    for name in ("b.mp4", "b.mkv", "b.mov"):
        copied(films.BUNNY, tmp_path / name)
        sound = films.packets(tmp_path / name, "audio")
        assert [content for _, content in sound] == [content for _, content in films.packets(films.BUNNY, "audio")]
        shown = [round(at, 3) for at, _ in sorted(films.packets(tmp_path / name, "video"))]
        assert shown == [round(number / 25, 3) for number in range(40)]


def test_a_turned_film_comes_out_upright_and_turned_by_nobody(films, tmp_path, photos):
    (frame,) = films.pan(photos[0], 1)
    copied(films.write_film(tmp_path / "a.mp4", [frame], turned=90), tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as film:
        (made,) = film.decode(video=0)
    assert (made.height, made.width, made.rotation) == (96, 64, 0)


def test_the_lightness_survives(films, tmp_path, photos):
    path = films.write_film(tmp_path / "a.mkv", films.pan(photos[0], 3))
    copied(path, tmp_path / "b.mkv")
    for before, after in zip(films.read_film(path), films.read_film(tmp_path / "b.mkv"), strict=True):
        assert np.abs(before.mean(axis=2) - after.mean(axis=2)).mean() < 2


def test_the_shape_of_pixels_and_metadata_are_kept(films, tmp_path, photos):
    for turned, pixel in ((0, Fraction(4, 3)), (90, Fraction(3, 4))):
        path = films.write_film(tmp_path / "a.mp4", films.pan(photos[0], 2), pixel=Fraction(4, 3), turned=turned)
        copied(path, tmp_path / "b.mp4")
        with av.open(str(tmp_path / "b.mp4")) as film:
            assert film.metadata["comment"] == "made by a test"
            assert film.streams.video[0].sample_aspect_ratio == pixel


def test_subtitles_and_chapters_are_kept(films, tmp_path, photos):
    path = tmp_path / "a.mkv"
    chapters = [
        {"id": 1, "start": 0, "end": 40, "time_base": films.MILLISECOND, "metadata": {"title": "one"}},
        {"id": 2, "start": 40, "end": 120, "time_base": films.MILLISECOND, "metadata": {"title": "two"}},
    ]
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv444p"
        text = film.add_mux_stream("subrip")
        film.set_chapters(chapters)
        for rgb in films.pan(photos[0], 3):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        said = av.Packet(b"Hello")
        said.stream, said.time_base, said.pts, said.dts, said.duration = text, films.MILLISECOND, 10, 10, 60
        film.mux(said)
        film.mux(stream.encode(None))
    assert copied(path, tmp_path / "b.mkv") == []
    assert films.packets(tmp_path / "b.mkv", "subtitle") == [(0.01, b"Hello")]
    with av.open(str(tmp_path / "b.mkv")) as film:
        assert [each["metadata"]["title"] for each in film.chapters()] == ["one", "two"]
        assert [float(each["start"] * each["time_base"]) for each in film.chapters()] == [0, 0.04]


def test_odd_sides_stay_odd(films, tmp_path, photos):
    path = films.write_film(tmp_path / "a.mkv", films.pan(photos[0], 2, size=(63, 95)))
    copied(path, tmp_path / "b.mp4")
    assert films.read_film(tmp_path / "b.mp4")[0].shape == (63, 95, 3)


def test_a_sound_that_a_container_does_not_hold_is_one_sentence(films, tmp_path, photos):
    path = films.write_film(tmp_path / "a.mkv", films.pan(photos[0], 2), sound=True)
    with pytest.raises(BadInput, match=r"give -o FILE\.mkv"):
        copied(path, tmp_path / "b.webm")


def test_webm_is_written_as_vp9(films, tmp_path, photos):
    path = films.write_film(tmp_path / "a.mkv", films.pan(photos[0], 2))
    copied(path, tmp_path / "b.webm")
    with av.open(str(tmp_path / "b.webm")) as film:
        assert film.streams.video[0].codec_context.name in ("vp9", "libvpx-vp9")
        assert len(list(film.decode(video=0))) == 2


def test_what_cannot_be_written_in_kind_becomes_matroska():
    assert suffix_for(Path("a.MP4")) == ".mp4"
    assert suffix_for(Path("a.avi")) == ".mkv"
