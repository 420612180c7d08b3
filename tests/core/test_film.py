"""A film is read upright, at its own times, and without a change of its lightness."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.core.errors import BadInput
from zoo.core.film import is_film, needed, opened


def test_frames_come_as_they_are_shown(films, tmp_path, photos):
    times = [0, 40, 200, 210, 333]
    frames = films.pan(photos[0], 5)
    with opened(films.write_film(tmp_path / "a.mkv", frames, times=times)) as film:
        read = list(film.frames())
    assert [round(frame.shown * film.time_base * 1000) for frame in read] == times
    assert [frame.number for frame in read] == [0, 1, 2, 3, 4]
    assert all(np.abs(one.rgb.astype(int) - other).mean() < 3 for one, other in zip(read, frames, strict=True))
    with opened(tmp_path / "a.mkv") as film:
        np.testing.assert_allclose(film.times() * 1000, times, atol=0.6)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_film_that_players_turn_is_turned(films, tmp_path, photos, degrees):
    (frame,) = films.pan(photos[0], 1)
    with opened(films.write_film(tmp_path / "a.mp4", [frame], turned=degrees)) as film:
        (read,) = film.frames()
    assert np.abs(read.rgb.astype(int) - np.rot90(frame, degrees // 90)).mean() < 6


def test_the_lightness_is_the_films_own(films):
    import av

    with av.open(str(films.BUNNY)) as film:
        luma = next(film.decode(video=0)).to_ndarray()[:180].astype(float)
    with opened(films.BUNNY) as film:
        rgb = next(film.frames()).rgb.astype(float)
    assert film.matrix == "ITU601", "a small film that does not name its matrix"
    again = 16 + rgb @ np.array([65.481, 128.553, 24.966]) / 255  # BT.601, equation of luma in studio swing
    assert np.abs(again - luma).mean() < 0.5


def test_sound_is_handed_on(films, tmp_path, photos):
    path = films.write_film(tmp_path / "a.mp4", films.pan(photos[0], 6), sound=True)
    heard: list[int] = []
    with opened(path) as film:
        assert len(list(film.frames(lambda packet: heard.append(packet.size)))) == film.length == 6
        assert [stream.type for stream in film.others] == ["audio"]
    assert len(heard) > 1


def test_what_is_no_film_is_one_sentence(tmp_path, photos):
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    with pytest.raises(BadInput, match=r"a\.mp4 cannot be read as a film .*; repair it"), opened(tmp_path / "a.mp4"):
        pass
    with pytest.raises(BadInput, match=r"b\.mp4 cannot be read"), opened(tmp_path / "b.mp4"):
        pass


def test_a_missing_package_is_one_sentence_that_names_the_extra():
    with pytest.raises(BadInput, match=r"pip install 'colorizer-zoo\[video\]'"):
        needed("a_package_that_is_not_there")


def test_a_damaged_film_gives_what_can_be_read(films, tmp_path, photos):
    path = films.write_film(tmp_path / "a.mkv", films.pan(photos[0], 8))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with opened(path) as film:
        assert 1 < len(list(film.frames())) < 8


def test_films_are_known_by_their_suffix():
    assert is_film("A.MP4")
    assert is_film("a.colorized.mkv")
    assert not is_film("a.png")
    assert not is_film("mp4")


def test_the_reference_reader_of_these_tests_agrees(films, tmp_path, photos):
    path = films.write_film(tmp_path / "a.mp4", [films.grey(frame) for frame in films.pan(photos[3], 2)])
    with opened(path) as film:
        for frame, reference in zip(film.frames(), films.read_film(path), strict=True):
            assert np.abs(frame.rgb.astype(int) - reference).mean() < 2.5
