"""A film in colour: key frames are honoured and reach both ways, cuts end them, colours stay, nothing else changes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from zoo.core.color import join_lab, split_lab, to_uint8
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.core.film import opened
from zoo.core.photo import Photo
from zoo.core.trained import load
from zoo.studio import coming, film_file
from zoo.studio.film import FilmWish, FilmWork, first_frames
from zoo.studio.key_frames import ab_of, is_whole
from zoo.studio.manner import Manner


@pytest.fixture
def shots(films: ModuleType, photos: list[np.ndarray]) -> list[np.ndarray]:
    """Six frames of one photo's window in colour, then six of another's."""
    return [*films.pan(photos[1], 6), *films.pan(photos[5], 6)]


def key_frames(folder: Path, frames: list[np.ndarray], *numbers: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        Image.fromarray(frames[number]).save(folder / f"{number:06}.png")
    return folder


class Moody(nn.Module):
    """Gives every frame another tint."""

    stride = 1

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.calls = 0

    def forward(self, condition):
        self.calls += 1
        drawn = torch.Generator().manual_seed(self.calls)
        return (torch.rand(1, 2, 1, 1, generator=drawn) - 0.5).expand_as(condition[:, :2])


def made(path: Path, model: Colorizer | str = "pyramid", **wish: object) -> tuple[list[np.ndarray], FilmWork]:
    colorizer = load(model) if isinstance(model, str) else model
    result = path.with_name("made.mkv")
    work = FilmWork(path, result, FilmWish(name="test", **wish), colorizer)
    result.unlink(missing_ok=True)
    frames = list(work.frames())
    assert [each.number for each in frames] == list(range(1, len(frames) + 1))
    assert list(path.parent.glob(".*")) == [], "nothing temporary stays"
    with opened(result) as film:
        return [frame.rgb for frame in film.frames()], work


def colour_error(frame: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance in the plane of ab, of what lies 8 pixels inside."""
    apart = (ab_of(np.ascontiguousarray(frame)) - ab_of(truth)) * 110
    return float(np.hypot(*np.moveaxis(apart, 2, 0))[8:-8, 8:-8].mean())


def chroma(frame: np.ndarray) -> float:
    return float(np.hypot(*np.moveaxis(ab_of(np.ascontiguousarray(frame)) * 110, 2, 0)).mean())


@pytest.mark.slow
def test_a_key_frame_reaches_both_ways_and_ends_at_the_cut(films, tmp_path, shots):
    path = films.write_film(tmp_path / "a.mkv", [films.grey(frame) for frame in shots])
    frames, work = made(path, key_frames=key_frames(tmp_path / "keys", shots, 3))
    assert len(frames) == 12
    for number in range(6):
        assert colour_error(frames[number], shots[number]) < 0.4 * chroma(shots[number])
    for number in range(6, 12):
        assert chroma(frames[number]) < 2, "the other shot has no key frame"
    assert work.notes == []


@pytest.mark.slow
def test_between_two_key_frames_colours_go_over_in_a_straight_line(films, tmp_path, photos):
    (frame,) = films.pan(photos[2], 1)
    still = [films.grey(frame)] * 5
    keys = tmp_path / "keys"
    keys.mkdir()
    tints = {0: (30, -10), 4: (-10, 30)}
    lightness, _ = split_lab(torch.from_numpy(still[0]).permute(2, 0, 1)[None])
    for number, tint in tints.items():
        ab = torch.tensor(tint).view(1, 2, 1, 1) / 110 * torch.ones(1, 2, 64, 96)
        Image.fromarray(to_uint8(join_lab(lightness * 0.3, ab))[0].permute(1, 2, 0).numpy()).save(
            keys / f"{number}.png"
        )
    frames, _ = made(films.write_film(tmp_path / "a.mkv", still), key_frames=keys)
    lit = (still[0][..., 0] > 60) & (still[0][..., 0] < 200)  # where sRGB has these tints
    shades = [np.median(ab_of(np.ascontiguousarray(each))[lit] * 110, axis=0) for each in frames]
    for number, shade in enumerate(shades):
        np.testing.assert_allclose(shade, (30 - 10 * number, -10 + 10 * number), atol=3.5)


@pytest.mark.slow
def test_strokes_on_a_frame_are_spread_over_it(films, tmp_path, shots):
    path = films.write_film(tmp_path / "a.mkv", [films.grey(frame) for frame in shots[:3]])
    keys = tmp_path / "keys"
    keys.mkdir()
    strokes = np.zeros((64, 96, 4), np.uint8)
    strokes[20:40, 20:70] = (200, 60, 60, 255)
    Image.fromarray(strokes).save(keys / "1.png")
    on_the_frame = films.read_film(path)[1].copy()
    on_the_frame[20:40, 20:70] = (200, 60, 60)
    transparent, _ = made(path, key_frames=keys)
    Image.fromarray(on_the_frame).save(keys / "1.png")
    painted, _ = made(path, key_frames=keys)
    for frames in (transparent, painted):
        assert all(chroma(frame) > 15 for frame in frames)
    assert colour_error(transparent[0], painted[0]) < 8


@pytest.mark.slow
def test_strokes_of_a_frame_may_be_json(films, tmp_path, shots):
    path = films.write_film(tmp_path / "a.mkv", [films.grey(frame) for frame in shots[:3]])
    keys = tmp_path / "keys"
    keys.mkdir()
    marks = '[{"points": [[20, 30], [70, 30]], "color": "#c83c3c", "width": 20}]'
    (keys / "000001.hints.json").write_text(marks)
    Image.fromarray(films.grey(shots[1])).save(keys / "000001.png")  # as `--shots` has written it
    frames, work = made(path, key_frames=keys)
    assert all(chroma(frame) > 15 for frame in frames)
    assert list(work.keys.files) == [1]
    (keys / "000001.hints.json").rename(keys / "0.04s.json")
    again = FilmWork(path, tmp_path / "b.mkv", FilmWish(name="", key_frames=keys), load("pyramid"))
    assert list(again.keys.files) == [1]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("1", "[{", "1.json is no JSON"),
        ("1", '[{"x": 200, "y": 3, "color": "red"}]', "x=200, y=3 is outside of the photo of 96×64 pixels"),
        ("nine", '[{"x": 2, "y": 3, "color": "red"}]', "its name tells no frame"),
    ],
)
def test_json_that_cannot_be_meant_is_one_sentence(films, tmp_path, shots, name, text, said):
    path = films.write_film(tmp_path / "a.mkv", shots[:3])
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / f"{name}.json").write_text(text)
    with pytest.raises(BadInput, match=said):
        FilmWork(path, tmp_path / "b.mkv", FilmWish(name="", key_frames=tmp_path / "keys"), load("pyramid"))


def test_colours_that_jump_are_kept_steady(films, tmp_path, photos):
    path = films.write_film(tmp_path / "a.mkv", [films.grey(frame) for frame in films.pan(photos[1], 8)])
    jumps = {}
    for steady in (True, False):
        frames, _ = made(path, Colorizer(Moody(), name="moody"), steady=steady)
        shades = np.array([np.median(ab_of(np.ascontiguousarray(frame)), axis=(0, 1)) * 110 for frame in frames])
        jumps[steady] = np.abs(np.diff(shades, axis=0)).mean()
    assert jumps[True] < 0.5 * jumps[False]


@pytest.mark.slow
def test_a_key_frame_outlasts_the_opinion_of_a_model(films, tmp_path, shots):
    path = films.write_film(tmp_path / "a.mkv", [films.grey(frame) for frame in shots[:6]])
    keys = key_frames(tmp_path / "keys", shots, 2)
    frames, _ = made(path, Colorizer(Moody(), name="moody"), key_frames=keys)
    assert colour_error(frames[2], shots[2]) < 3
    for number in (0, 5):
        inside = colour_error(frames[number][:, 16:-16], np.ascontiguousarray(shots[number][:, 16:-16]))
        assert inside < 0.4 * chroma(shots[number])


def test_the_first_frames_of_shots_are_found(films, tmp_path, shots):
    path = films.write_film(tmp_path / "a.mkv", shots)
    assert [frame.number for frame, begins in first_frames(path, 512) if begins] == [0, 6]


def test_names_tell_frames(films, tmp_path, shots):
    times = [0, 100, 1000, 1040, 62500]
    path = films.write_film(tmp_path / "a.mkv", shots[:5], times=times)
    for name, number in (("film-0003", 3), ("1s", 2), ("0.09s", 1), ("1m2.5s", 4), ("a_000002.colorized", 2)):
        keys = tmp_path / name
        keys.mkdir()
        Image.fromarray(shots[0]).save(keys / f"{name}.png")
        work = FilmWork(path, tmp_path / "b.mkv", FilmWish(name="", key_frames=keys), load("pyramid"))
        assert list(work.keys.files) == [number], name


def test_a_picture_is_whole_or_strokes(photos):
    frame = photos[0]
    painted = frame.copy()
    painted[:20] = (200, 30, 30)
    clear = Image.fromarray(np.dstack((frame, np.zeros(frame.shape[:2], np.uint8))))
    assert is_whole(Photo(Image.fromarray(photos[1])), frame)
    assert is_whole(Photo(Image.fromarray(frame)), frame), "a film in colour, and one of its frames"
    assert not is_whole(Photo(Image.fromarray(painted)), frame)
    assert not is_whole(Photo(clear), frame)


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("frame", (64, 96), "its name tells no frame"),
        ("12", (64, 96), "is of frame 12, and the film's are 0 to 11"),
        ("3h5s", (64, 96), "is of 10805 s, and the film ends at 0.44 s"),
        ("3", (32, 48), "is 48×32 pixels and the film 96×64"),
    ],
)
def test_a_key_frame_that_cannot_be_meant_is_one_sentence(films, tmp_path, shots, name, size, said):
    path = films.write_film(tmp_path / "a.mkv", shots)
    (tmp_path / "keys").mkdir()
    Image.fromarray(shots[0][: size[0], : size[1]]).save(tmp_path / "keys" / f"{name}.png")
    with pytest.raises(BadInput, match=said):
        FilmWork(path, tmp_path / "b.mkv", FilmWish(name="", key_frames=tmp_path / "keys"), load("pyramid"))


def test_grey_pictures_among_key_frames_are_counted(films, tmp_path, shots):
    path = films.write_film(tmp_path / "a.mkv", shots)
    keys = key_frames(tmp_path / "keys", shots, 2)
    Image.fromarray(films.grey(shots[6])).save(keys / "000006.png")
    work = FilmWork(path, tmp_path / "b.mkv", FilmWish(name="", key_frames=keys), load("pyramid"))
    assert work.notes == [f"1 of 2 pictures in {keys} have no colour and were left out."]
    (keys / "000002.png").unlink()
    with pytest.raises(BadInput, match="holds no coloured frame, only 1 without colour"):
        FilmWork(path, tmp_path / "b.mkv", FilmWish(name="", key_frames=keys), load("pyramid"))


def test_a_model_that_only_spreads_hints_says_so_before_the_work(films, tmp_path, shots):
    path = films.write_film(tmp_path / "a.mkv", shots[:2])
    with pytest.raises(BadInput, match=r"pyramid only spreads .* \(--key-frames FOLDER\)"):
        FilmWork(path, tmp_path / "b.mkv", FilmWish(name=""), load("pyramid"))


def test_what_fails_on_the_way_leaves_nothing(films, tmp_path, shots):
    class Failing(Moody):
        def forward(self, condition):
            if self.calls == 4:
                raise MemoryError("no more")
            return super().forward(condition)

    path = films.write_film(tmp_path / "a.mkv", shots)
    with pytest.raises(MemoryError):
        made(path, Colorizer(Failing(), name="failing"))
    assert {file.name for file in tmp_path.iterdir()} == {"a.mkv"}


def test_a_film_is_never_in_memory(films, tmp_path, photos, monkeypatch):
    """However long it is, two frames at most are between reader and writer."""
    path = films.write_film(tmp_path / "a.mkv", [films.grey(frame) for frame in films.pan(photos[0], 30)])
    ahead, written = [], 0
    original = film_file.FilmWriter.write

    def write(self, rgb, frame):
        nonlocal written
        written += 1
        original(self, rgb, frame)

    monkeypatch.setattr(film_file.FilmWriter, "write", write)
    network = Moody()
    work = FilmWork(path, tmp_path / "b.mkv", FilmWish(name="", manner=Manner(size=32)), Colorizer(network))
    before = network.calls
    ahead = [network.calls - before - written for _ in work.frames()]
    assert len(ahead) == 30
    assert max(ahead) <= 2


@pytest.mark.slow
def test_a_shot_longer_than_the_reach_gets_colours_at_its_end(films, tmp_path, photos, monkeypatch):
    monkeypatch.setattr(coming, "REACH", 3)
    frames = films.pan(photos[1], 8)
    path = films.write_film(tmp_path / "a.mkv", [films.grey(frame) for frame in frames])
    coloured, _ = made(path, key_frames=key_frames(tmp_path / "keys", frames, 6))
    shades = [chroma(frame) for frame in coloured]
    assert max(shades[:3]) < 2
    assert shades[3] < shades[4] < shades[5]
    assert shades[6] > 0.8 * chroma(frames[6])
