"""Hints as JSON: points and strokes, where they are painted, and what is said of bad ones."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.color import rgb2lab
from skimage.draw import line

import zoo
from zoo.core.errors import BadInput
from zoo.studio.hint_file import read_hints
from zoo.studio.hint_marks import Point, Stroke, painted, read_marks, write_marks

HEIGHT, WIDTH = 40, 60
PHOTO = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]


def read(tmp_path, marks, photo=PHOTO):
    (tmp_path / "hints.json").write_text(marks if isinstance(marks, str) else json.dumps(marks), encoding="utf-8")
    return read_hints(tmp_path / "hints.json", photo)


def lab_of(*rgb: int) -> np.ndarray:
    return rgb2lab(np.array(rgb, np.uint8).reshape(1, 1, 3))[0, 0, 1:]


def test_a_point_is_a_disc_of_its_colour(tmp_path):
    (ab, mask), remark = read(tmp_path, [{"x": 20, "y": 11.5, "color": "#3366cc", "radius": 4}])
    assert np.array_equal(mask, np.hypot(COLUMNS - 20, ROWS - 11.5) <= 4)
    np.testing.assert_allclose(ab[mask], np.tile(lab_of(0x33, 0x66, 0xCC), (mask.sum(), 1)), atol=1e-3)
    assert not ab[~mask].any()
    assert remark == ""


def test_a_point_of_no_radius_is_its_pixel_at_every_edge_too(tmp_path):
    corners = [(0, 0), (WIDTH - 0.5, 0), (-0.5, HEIGHT - 1), (WIDTH - 1, HEIGHT - 0.5)]
    (_, mask), _ = read(tmp_path, [{"x": x, "y": y, "color": "red", "radius": 0} for x, y in corners])
    assert mask.sum() == 4
    assert mask[[0, 0, -1, -1], [0, -1, 0, -1]].all()


def test_names_of_colours_are_those_of_css(tmp_path):
    (ab, mask), _ = read(tmp_path, [{"x": 5, "y": 5, "color": "RebeccaPurple"}])
    np.testing.assert_allclose(ab[mask][0], lab_of(0x66, 0x33, 0x99), atol=1e-3)


def test_a_stroke_is_the_discs_along_its_line(tmp_path):
    (_, mask), _ = read(tmp_path, [{"points": [[10, 20], [40, 12.5], [44, 30]], "color": "green", "width": 9}])
    along = np.concatenate([np.linspace((10, 20), (40, 12.5), 400), np.linspace((40, 12.5), (44, 30), 400)])
    nearest = np.hypot(COLUMNS[..., None] - along[:, 0], ROWS[..., None] - along[:, 1]).min(axis=2)
    assert mask[nearest < 4.49].all()
    assert not mask[nearest > 4.51].any()


@pytest.mark.slow
@given(st.tuples(*[st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1)] * 2))
def test_the_thinnest_stroke_has_no_gap(ends):
    x0, y0, x1, y1 = ends
    _, mask = painted([Stroke(points=((x0, y0), (x1, y1)), color="green", width=0)], (HEIGHT, WIDTH))
    rows, _ = line(y0, x0, y1, x1)
    assert mask.sum() >= len(rows)  # Bresenham's: no line from one to the other has fewer pixels
    assert mask[y0, x0]
    assert mask[y1, x1]


def test_the_later_of_two_marks_stands(tmp_path):
    (ab, _), _ = read(
        tmp_path, [{"x": 20, "y": 20, "color": "red"}, {"points": [[0, 20], [59, 20]], "color": "blue", "width": 1}]
    )
    np.testing.assert_allclose(ab[20, 20], lab_of(0, 0, 255), atol=1e-3)
    np.testing.assert_allclose(ab[22, 20], lab_of(255, 0, 0), atol=1e-3)


def test_a_radius_beyond_all_photos_covers_it(tmp_path):
    (_, mask), _ = read(tmp_path, '[{"x": 3, "y": 3, "color": "red", "radius": 1e300}]')
    assert mask.all()


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ("[{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("{}", "no list but dict"),
        ("[]", "an empty list"),
        ([{"x": 1, "y": 1, "color": "red"}, 7], "hint 2 of 2: a mapping is expected"),
        ([{"x": 1, "y": 1, "color": "red"}, {"x": 1, "y": 1, "colour": "red"}], "hint 2 of 2.*did you mean 'color'"),
        ([{"x": 1, "color": "red"}], "hint 1 of 1.*`y`"),
        ([{"x": "1", "y": 1, "color": "red"}], r"hint 1 of 1.*`\$.x`"),
        ([{"x": 1, "y": 1, "color": "redd"}], "hint 1 of 1: 'redd' is no colour; did you mean 'red'"),
        ([{"x": 1, "y": 1, "color": "#12"}], "hint 1 of 1: '#12' is no colour; write #rrggbb"),
        ([{"x": 1, "y": 1, "color": "#33669980"}], "hint 1 of 1.*is no colour"),
        ([{"x": 1, "y": 1, "color": "red", "radius": -1}], r"hint 1 of 1.*>= 0.*`\$.radius`"),
        ('[{"x": 1e999, "y": 1, "color": "red"}]', "hints.json"),
        ([{"x": 60, "y": 1, "color": "red"}], "hint 1 of 1: x=60, y=1 is outside of the photo of 60×40"),
        ([{"x": 1, "y": 1, "color": "red"}, {"points": [[1, 1], [1, -3]], "color": "red"}], "hint 2 of 2: x=1, y=-3"),
        ([{"points": [], "color": "red"}], r"hint 1 of 1.*`\$.points`"),
        ([{"points": [[1, 2, 3]], "color": "red"}], "hint 1 of 1.*points"),
    ],
)
def test_a_bad_mark_is_one_sentence_with_its_place(tmp_path, marks, said):
    with pytest.raises(BadInput, match=said) as raised:
        read(tmp_path, marks)
    assert "\n" not in str(raised.value)
    assert "hints.json" in str(raised.value)


def test_what_is_written_is_read_again():
    marks = (Point(x=1.25, y=2, color="#010203", radius=0), Stroke(points=((0, 1), (2.5, 3)), color="teal", width=1))
    assert read_marks(write_marks(marks), "hints.json") == marks
    assert read_marks(b"\xef\xbb\xbf" + write_marks(marks), "hints.json") == marks  # as some editors save it


def test_a_photo_is_coloured_by_points_as_by_the_same_hints_painted(tmp_path, photos):
    grey = np.asarray(Image.fromarray(photos[0][:96, :128]).convert("L").convert("RGB"))
    places = [((40, 50), (200, 40, 60)), ((100, 70), (40, 70, 190))]
    marks = [{"x": x, "y": y, "color": "#" + bytes(rgb).hex(), "radius": 5} for (x, y), rgb in places]
    (tmp_path / "hints.json").write_text(json.dumps(marks))
    rgba = np.zeros((*grey.shape[:2], 4), np.uint8)
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
    for (x, y), rgb in places:
        rgba[np.hypot(columns - x, rows - y) <= 5] = (*rgb, 255)
    Image.fromarray(rgba).save(tmp_path / "hints.png")
    over = grey.copy()  # painted on the grey photo, without transparency
    over[rgba[..., 3] > 0] = rgba[..., :3][rgba[..., 3] > 0]
    Image.fromarray(over).save(tmp_path / "over.png")
    made = [zoo.colorize("pyramid", grey, hints=tmp_path / name) for name in ("hints.json", "hints.png", "over.png")]
    assert np.ptp(made[0].astype(int), axis=2).max() > 50
    for other in made[1:]:
        assert np.abs(made[0].astype(int) - other).max() <= 1  # a colour is converted alone, or among others


def test_marks_scale_with_the_photo_they_are_painted_on():
    """A disc of radius r has about πr² pixels, whatever its place."""
    for x, y, radius in ((30, 20, 10), (30.3, 19.7, 10.5)):
        _, mask = painted([Point(x=x, y=y, color="red", radius=radius)], (HEIGHT, WIDTH))
        assert mask.sum() == pytest.approx(math.pi * radius**2, rel=0.05)
