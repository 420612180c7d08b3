"""A film through a colorizer: the same times, the same sound, the same lightness, and colours that stay.

Frame after frame is read, coloured at the working size (:mod:`zoo.studio.carried`), joined with its lightness at its
own size and written; while the model looks at one, a thread joins and encodes the one before. However long the film
is, a few frames are in memory.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from zoo import __version__
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.core.files import writing
from zoo.core.film import Frame, opened
from zoo.core.motion import motion
from zoo.studio.ahead import ahead
from zoo.studio.carried import Colours, grey_of, planes_of
from zoo.studio.colorize import answered, join
from zoo.studio.coming import ComingKeys, Kept, Looked
from zoo.studio.condition import reduced, working_size
from zoo.studio.film_file import FORMS, film_written
from zoo.studio.hint_file import read_hints
from zoo.studio.key_frames import KeyFrames, ab_of, read_key_frames
from zoo.studio.manner import Manner
from zoo.studio.no_colour import lack_of_colour, reads_hints


class FilmWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a film is made with.

    Attributes:
        name: the model's, for the film's metadata.
        manner: the options of colorizing, without tiles; its reference read as uint8 (H, W, 3).
        key_frames: a folder of coloured frames.
        steady: carry colours from frame to frame; else each is coloured on its own.
    """

    name: str
    manner: Manner = Manner()
    key_frames: Path | None = None
    steady: bool = True


class Made(NamedTuple):
    """One frame more is written.

    Attributes:
        number: how many are.
        shots: how many shots have begun.
        lacks: what is wrong with the frame's colour, as :func:`zoo.studio.no_colour.lack_of_colour` says.
    """

    number: int
    shots: int
    lacks: str


class FilmWork:
    """A film on its way to being coloured.

    Args:
        path: the film.
        result: what is written, under this name when it is whole; its suffix says the container.

    Attributes:
        length: how many frames it has, roughly; 0 where nothing tells.
        notes: a sentence each on what a person should know.

    Raises:
        BadInput: a film or a key frame that cannot be read, or nothing to take colours from.
    """

    def __init__(self, path: Path, result: Path, wish: FilmWish, model: Colorizer):
        self.path, self.result, self.wish, self.model = path, result, wish, model
        self.notes: list[str] = []
        with opened(path) as film:
            self.length = film.length
            first = next(film.frames(), None)
        if first is None:
            raise BadInput(f"{path} has no frame that can be read; repair it, or give another film.")
        height, width = first.rgb.shape[:2]
        self.size = height, width
        self._small = working_size(height, width, wish.manner.side(model.works_at))
        self._reads_hints = not model.extras and reads_hints(model)
        self.keys = KeyFrames({})
        if wish.key_frames is not None:
            self.keys = read_key_frames(wish.key_frames, path, self.size)
            self.notes += self.keys.remarks
        elif self._reads_hints and not model.state_dict() and wish.manner.reference is None:
            raise BadInput(
                f"{model.name} only spreads the colours of hints, and there are none; give coloured frames "
                "(--key-frames FOLDER), or choose another model."
            )

    def frames(self) -> Iterator[Made]:
        """Make the film; it is there when the last frame has come.

        Raises:
            BadInput: it cannot be written, or a frame not coloured.
            Diverged: as :func:`zoo.studio.colorize.colorize`.
        """
        said = f"Colorized by colorizer-zoo {__version__} with {self.wish.name}"
        form = FORMS[self.result.suffix.lower()]
        with contextlib.ExitStack() as stack:
            part = stack.enter_context(writing(self.result, "choose another place (-o FILE)"))
            film = stack.enter_context(opened(self.path))
            writer = stack.enter_context(film_written(part, form, film, self.size, said))
            colours = Colours(
                self.model,
                self.wish.manner,
                reads_hints=self._reads_hints,
                steady=self.wish.steady,
                coming=self._coming(stack),
            )

            def written(looked: tuple[Frame, np.ndarray]) -> None:
                frame, ab = looked
                manner = self.wish.manner
                full = join(frame.rgb, planes_of(ab), upsampling=manner.upsampling, saturation=manner.saturation)
                writer.write(full, frame)

            shots: list[tuple[int, str]] = []

            def coloured() -> Iterator[tuple[Frame, np.ndarray]]:
                for frame in film.frames(writer.pass_on):
                    looked = self._looked(frame)
                    ab = colours.of(frame.number, looked.small, looked.ab)
                    shots.append((colours.shots, lack_of_colour(planes_of(ab))))
                    yield frame, ab

            for number, _ in enumerate(ahead(written, coloured(), depth=1), 1):
                yield Made(number, *shots.pop(0))
            if film.damaged:
                self.notes.append(f"{self.path} is damaged in {film.damaged} places, whose frames are missing.")
            self.notes += (f"{self.path}: {note}." for note in writer.notes)

    def _looked(self, frame: Frame) -> Looked:
        small = reduced(frame.rgb, self._small)
        if frame.number not in self.keys.files:
            return Looked(small, None)
        if (picture := self.keys.whole(frame.number, frame.rgb)) is not None:
            return Looked(small, ab_of(reduced(picture.rgb, self._small)))
        if not self._reads_hints:
            raise BadInput(
                f"{self.keys.files[frame.number]} holds strokes, and {self.model.name} reads no hints; colour the "
                "frame whole, or choose another model."
            )
        hints = read_hints(self.keys.files[frame.number], frame.rgb).hints
        ab = answered(self.model, frame.rgb, hints, self.wish.manner).ab
        return Looked(small, ab[0].permute(1, 2, 0).cpu().numpy())

    def _coming(self, stack: contextlib.ExitStack) -> ComingKeys | None:
        if not self.keys.files or not self.wish.steady:
            return None
        scout = stack.enter_context(opened(self.path))
        return ComingKeys(scout, self.keys, self._looked, stack.enter_context(_kept(self.result.parent)))


@contextlib.contextmanager
def _kept(folder: Path) -> Iterator[Kept]:
    """Two files without a name, gone however the work ends; where the result comes to lie there is room."""
    with tempfile.TemporaryFile(dir=folder) as greys, tempfile.TemporaryFile(dir=folder) as colours:
        yield greys, colours


def first_frames(path: Path, size: int) -> Iterator[tuple[Frame, bool]]:
    """Every frame of a film, and whether a shot begins with it."""
    before: np.ndarray | None = None
    with opened(path) as film:
        for frame in film.frames():
            grey = grey_of(reduced(frame.rgb, working_size(frame.rgb.shape[0], frame.rgb.shape[1], size)))
            yield frame, before is None or motion(before, grey).later.is_cut
            before = grey
