"""One browser's sitting, without any browser: its photo, its hints, steps back and forth, what is saved."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

import zoo
from zoo.core.errors import BadInput
from zoo.core.origin import origin_of
from zoo.core.resolve import build
from zoo.studio.hint_marks import Point, Stroke, write_marks
from zoo.studio.page import sitting as module
from zoo.studio.page.given import BYTES
from zoo.studio.page.offered import Offered
from zoo.studio.page.sitting import Sitting

WIDTH, HEIGHT = 160, 120
RED, BLUE = "#b0403a", "#3a5fb0"


def png(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.fixture
def grey(photos) -> np.ndarray:
    return np.asarray(Image.fromarray(photos[0][:HEIGHT, :WIDTH]).convert("L").convert("RGB"))


@pytest.fixture
def sitting(grey) -> Sitting:
    here = Sitting()
    here.take_photo(png(grey), "parrot.png")
    return here


@pytest.fixture(scope="module")
def pyramid():
    return build("pyramid").eval()


def test_a_click_colours_its_place_and_hardly_what_lies_beyond_the_next_hint(sitting, pyramid, grey):
    sitting.place(120, 60, BLUE)
    sitting.colour(pyramid)
    before = rgb2lab(opened(sitting.seen()))
    sitting.place(20, 60, RED)
    sitting.colour(pyramid)
    after = rgb2lab(opened(sitting.seen()))
    changed = np.hypot(*np.moveaxis((after - before)[..., 1:], 2, 0))
    assert changed[55:65, 15:25].mean() > 30
    assert changed[55:65, 115:125].mean() < changed[55:65, 15:25].mean() / 5
    assert np.abs(after[..., 0] - rgb2lab(grey)[..., 0]).mean() < 2


def test_every_step_is_undone_and_done_again_and_a_new_one_ends_what_could_be(sitting):
    sitting.place(120, 60, BLUE)
    sitting.place(20, 60, RED)
    assert sitting.recolour("tan")
    assert [mark.color for mark in sitting.marks] == [BLUE, "tan"]
    sitting.undo()
    assert [mark.color for mark in sitting.marks] == [BLUE, RED]
    sitting.undo()
    sitting.undo()
    sitting.undo()
    assert (sitting.marks, sitting.can_undo, sitting.selected) == ((), False, None)
    for _ in range(5):
        sitting.redo()
    assert [mark.color for mark in sitting.marks] == [BLUE, "tan"]
    sitting.clear()
    assert sitting.marks == ()
    sitting.undo()
    sitting.place(60, 10, "green")
    assert not sitting.can_redo
    assert [mark.color for mark in sitting.marks] == [BLUE, "tan", "green"]


def test_a_click_on_a_point_selects_it(sitting):
    sitting.place(120, 60, BLUE)
    sitting.place(20, 60, RED)
    sitting.place(121, 61, "green")
    assert len(sitting.marks) == 2
    assert sitting.selected == 0
    sitting.remove()
    assert [mark.color for mark in sitting.marks] == [RED]
    assert sitting.selected is None
    sitting.remove()  # nothing is selected
    assert not sitting.recolour("green")
    assert len(sitting.marks) == 1


def test_what_is_saved_is_what_the_command_makes_of_the_photo_and_the_saved_hints(sitting, pyramid, grey, tmp_path):
    for x, color in ((120, BLUE), (20, RED)):
        sitting.place(x, 60, color)
    name, content = sitting.saved_photo(pyramid, origin_of("pyramid"))
    hints, marks = sitting.saved_hints()
    assert (name, hints) == ("parrot.colorized.png", "parrot.hints.json")
    (tmp_path / hints).write_bytes(marks)
    assert np.array_equal(opened(content), zoo.colorize("pyramid", grey, hints=tmp_path / hints))


def test_saved_hints_are_loaded_again_and_can_be_undone(sitting):
    marks = (Point(x=3, y=4, color="red"), Stroke(points=((1, 2), (50, 60)), color="blue", width=4))
    sitting.place(120, 60, BLUE)
    sitting.take_hints(write_marks(marks), "hints.json")
    assert sitting.marks == marks
    assert len(sitting.shown_marks()) == 2
    sitting.undo()
    assert len(sitting.marks) == 1


def test_a_painted_stroke_is_a_hint_like_any_other(sitting, pyramid):
    sitting.paint([[20, 60], [60, 60], [1000, 60.04]], RED)  # the last place lies beside the picture
    (stroke,) = sitting.marks
    assert stroke == Stroke(points=((19.5, 59.5), (59.5, 59.5), (WIDTH - 1, 59.5)), color=RED, width=2.0)
    sitting.colour(pyramid)
    assert rgb2lab(opened(sitting.seen()))[59:61, 25:150, 1].mean() > 25
    assert sitting.suggested(pyramid) is not None
    sitting.place(100, 10, BLUE)
    sitting.place(40, 61, BLUE)  # on the stroke
    assert (len(sitting.marks), sitting.selected) == (2, 0)
    sitting.recolour("tan")
    assert [mark.color for mark in sitting.marks] == ["tan", BLUE]
    for places in ([], None, [[1]], [["a", "b"]], [[1, 2]] * (module.PLACES + 1)):
        with pytest.raises(BadInput, match="A stroke goes along 1 to"):
            sitting.paint(places, RED)


def hint_picture(size: tuple[int, int] = (HEIGHT, WIDTH)) -> bytes:
    rgba = np.zeros((*size, 4), np.uint8)
    rgba[10:30, 10:50] = (176, 64, 58, 255)
    return png(rgba)


def test_a_hint_picture_is_taken_and_marks_are_put_upon_it(sitting, pyramid, grey, tmp_path):
    sitting.place(120, 60, BLUE)
    assert sitting.take_hints(hint_picture(), "hints.png") == ""
    assert (sitting.marks, sitting.can_undo) == ((), True)
    assert opened(sitting.painted()).shape == (HEIGHT, WIDTH, 4)
    sitting.colour(pyramid)
    assert rgb2lab(opened(sitting.seen()))[15:25, 15:45, 1].mean() > 25
    sitting.place(140, 100, BLUE)
    name, content = sitting.saved_photo(pyramid, origin_of("pyramid"))
    hints, picture = sitting.saved_hints()
    assert (name, hints) == ("parrot.colorized.png", "parrot.hints.png")
    (tmp_path / hints).write_bytes(picture)
    assert np.array_equal(opened(content), zoo.colorize("pyramid", grey, hints=tmp_path / hints))
    sitting.clear()
    assert not sitting.hinted
    sitting.undo()
    sitting.undo()
    sitting.undo()
    assert len(sitting.marks) == 1
    assert sitting.painting is None


def test_a_dropped_picture_is_hints_where_it_has_transparency_and_the_photos_size(sitting, grey):
    before = sitting.given
    sitting.take_dropped(hint_picture(), "hints.png")
    assert (sitting.given, sitting.painting is None) == (before, False)
    for content in (hint_picture((40, 40)), png(grey)):
        sitting.take_dropped(content, "other.png")
        assert sitting.given is not before
        assert not sitting.hinted
        before = sitting.given
    sitting.take_dropped(b'[{"x": 3, "y": 4, "color": "red"}]', "hints.json")
    assert len(sitting.marks) == 1


def test_a_large_photo_is_shown_smaller_and_hinted_in_its_own_pixels(grey, pyramid, monkeypatch):
    monkeypatch.setattr("zoo.studio.page.given.SHOWN", 80)
    here = Sitting()
    here.take_photo(png(grey), "parrot.png")
    here.place(80, 60, RED)  # the corner at the right and below, where rounding would lead outside
    assert (here.marks[0].x, here.marks[0].y) == (WIDTH - 1, HEIGHT - 1)
    here.place(10, 30, BLUE)
    assert (here.marks[1].x, here.marks[1].y) == (19.5, 59.5)
    here.colour(pyramid)
    assert opened(here.seen()).shape == (60, 80, 3)
    assert opened(here.saved_photo(pyramid, origin_of("pyramid"))[1]).shape == (HEIGHT, WIDTH, 3)


def test_colours_are_suggested_for_the_selected_place_as_if_it_had_none(sitting, pyramid):
    sitting.place(20, 60, RED)
    alone = sitting.suggested(pyramid)
    assert alone is not None
    assert [round(each.a) for each in alone.suggested] == [0]
    sitting.place(30, 60, BLUE)
    beside = sitting.suggested(pyramid)
    assert beside is not None
    assert beside.suggested[0].a > 10  # red is near
    sitting.clear()
    assert sitting.suggested(pyramid) is None


def test_what_cannot_be_used_is_one_sentence_and_leaves_the_photo_as_it_is(sitting, grey, monkeypatch):
    sitting.place(120, 60, BLUE)
    there = sitting.given, sitting.marks
    monkeypatch.setattr("zoo.studio.page.given.PIXELS", 100)
    with pytest.raises(BadInput, match="160×120 pixels and the page takes"):
        sitting.take_photo(png(grey), "other.png")
    for content, said in ((b"not a picture", "x.png"), (b"\0" * (BYTES + 1), "larger than 64 MiB")):
        with pytest.raises(BadInput, match=said):
            sitting.take_photo(content, "../../x.png")
    for content, said in (
        (b"[]", "empty"),
        (b'[{"x": 500, "y": 1, "color": "red"}]', "outside"),
        (write_marks([Point(x=1, y=1, color="red")] * (module.MARKS + 1)), "2001 hints"),
    ):
        with pytest.raises(BadInput, match=said):
            sitting.take_hints(content, "hints.json")
    assert (sitting.given, sitting.marks) == there


def test_without_a_photo_there_is_nothing_to_do():
    here = Sitting()
    for act in (here.seen, here.grey, here.saved_hints, lambda: here.place(1, 1, RED)):
        with pytest.raises(BadInput, match=r"no photo|no picture|no hints"):
            act()


def test_models_that_spread_hints_are_offered_and_no_others(tmp_path):
    offered = Offered(["gray"])
    assert offered.names[:3] == ("gray", "shipped", "pyramid")
    assert {"levin2004", "huang2005", "nearest"} < set(offered.names)
    assert not {"mean_ab", "hints_alone", "oracle_quarter", "welsh2002", "unet"} & set(offered.names)
    assert offered["pyramid"] is offered["pyramid"]
    with pytest.raises(BadInput, match="not offered"):
        offered[str(tmp_path)]
