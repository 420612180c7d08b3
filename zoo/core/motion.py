"""Where the picture of one frame is found again in a neighbouring one: along that, colours can be carried.

Dense optical flow by DIS (Kroeger, Timofte, Dai, Van Gool 2016, arXiv:1603.03590) as OpenCV has it, both ways; a place
counts as found where the way there and back ends where it began (Sundaram, Brox, Keutzer 2010,
doi:10.1007/978-3-642-15549-9_32, eq. 5) and both frames look alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from zoo.core.film import needed

_DRIFT, _SLACK = 0.01, 0.5
"""Sundaram et al.'s eq. 5: what the way back may miss, of the squared way, and besides in squared pixels."""

UNLIKE, FAINT, STRONG = 0.4, 6.0, 20.0
"""Two places of one thing may differ by this share of the frame's contrast (the standard deviation of its grey levels),
but by no less than ``FAINT`` and no more than ``STRONG`` levels of 256, on average over 3×3 pixels: grain, light."""

SAME_SHOT = 0.25
"""Less of a picture than this found again is a cut. In real films a cut leaves below 0.1, fast motion above 0.5."""


class Found(NamedTuple):
    """Each pixel of a frame, looked up in another.

    Attributes:
        places: float32 (H, W, 2), x and y in the other frame, in pixels.
        trust: bool (H, W), whether it was found.
    """

    places: np.ndarray
    trust: np.ndarray

    @property
    def is_cut(self) -> bool:
        """Whether so little was found that the two frames are of different shots."""
        return bool(self.trust.mean() < SAME_SHOT)

    def taken_from(self, image: np.ndarray) -> np.ndarray:
        """What stands at the places in the other frame's float32 image (H, W) or (H, W, C), by cubic interpolation."""
        cv2 = needed("cv2")
        taken: np.ndarray = cv2.remap(image, self.places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return taken


class Motion(NamedTuple):
    """Two neighbouring frames: the later one's pixels in the earlier, and the earlier one's in the later."""

    later: Found
    earlier: Found


Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Two grey frames, uint8 (H, W) → float32 (H, W, 2): how far each pixel of the first lies in the second."""


def dis(of: np.ndarray, into: np.ndarray) -> np.ndarray:
    """A :data:`Flow`, as above."""
    cv2 = needed("cv2")
    # A new one each time: frames of less than 46 pixels change the scales of one that is kept, for all that come after.
    flow: np.ndarray = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(of, into, None)
    return flow


def farneback(of: np.ndarray, into: np.ndarray) -> np.ndarray:
    """A :data:`Flow` that has nothing in common with DIS: polynomial expansion (Farnebäck 2003,
    doi:10.1007/3-540-45103-X_50), with the constants of OpenCV's own example."""
    flow: np.ndarray = needed("cv2").calcOpticalFlowFarneback(of, into, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    return flow


_SMALLEST = 32
"""DIS works on patches of a pyramid; below so many pixels a side there is none, and nothing moves."""


def motion(earlier: np.ndarray, later: np.ndarray, flow: Flow = dis) -> Motion:
    """The motion between two grey frames, uint8 (H, W).

    Raises:
        BadInput: OpenCV is not installed.
    """
    if min(earlier.shape) < _SMALLEST:
        back = forth = np.zeros((*earlier.shape, 2), np.float32)
    else:
        back, forth = flow(later, earlier), flow(earlier, later)
    return Motion(_found(back, forth, later, earlier), _found(forth, back, earlier, later))


def _found(there: np.ndarray, back: np.ndarray, here: np.ndarray, other: np.ndarray) -> Found:
    cv2 = needed("cv2")

    def at(image: np.ndarray) -> np.ndarray:
        seen: np.ndarray = cv2.remap(image, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return seen

    height, width = here.shape
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32) + there
    returned = at(back)
    missed = ((there + returned) ** 2).sum(axis=-1)
    allowed = _DRIFT * ((there**2).sum(axis=-1) + (returned**2).sum(axis=-1)) + _SLACK
    apart = cv2.blur(np.abs(at(other).astype(np.float32) - here), (3, 3))
    unlike = min(max(UNLIKE * float(here.std()), FAINT), STRONG)
    inside = ((places >= -0.5) & (places <= (width - 0.5, height - 0.5))).all(axis=-1)
    return Found(places, (missed < allowed) & (apart < unlike) & inside)
