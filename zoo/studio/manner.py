"""How a photo is colorized: the options that the command line and Python share, and what may not go together."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from zoo.core.errors import BadInput

WORKING_SIZE = 512
"""The longer side that a network sees at most where nobody says, in pixels; smaller photos are not enlarged."""

UPSAMPLINGS = ("slopes", "bilinear", "bilateral", "guided", "propagated")
"""How ab comes up to the photo's size: see :mod:`zoo.studio.upsampling`. The first is the default: it is the nearest to
full-size truth (``benchmarks/upsampling/against_truth.py``; docs/colorize.md has the figures)."""

REFERENCE_USES = ("auto", "global", "histogram", "hints")
"""What becomes of a reference: see :mod:`zoo.studio.reference`."""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """Each field is an option of ``zoo colorize`` and an argument of :func:`zoo.colorize`.

    Attributes:
        size: the longer side the network sees, in pixels; with ``tiles`` the side of a tile. None: see :meth:`side`.
        upsampling: how ab comes up to the photo's size, one of :data:`UPSAMPLINGS`.
        tiles: the network sees the photo at its own size, tile by tile.
        saturation: what ab is multiplied by at the end.
        from_sepia: the photo is a toned print; see :mod:`zoo.studio.sepia`.
        reference: a photo whose colours are taken: a path, or what :func:`zoo.colorize` takes as an image.
        reference_use: one of :data:`REFERENCE_USES`.
        samples: how many answers of a model that has several, instead of its one.

    Raises:
        BadInput: a value out of its range, or two that do not go together.
    """

    size: int | None = None
    upsampling: str = UPSAMPLINGS[0]
    tiles: bool = False
    saturation: float = 1.0
    from_sepia: bool = False
    reference: Any = None
    reference_use: str = REFERENCE_USES[0]
    samples: int | None = None

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise BadInput(f"The working size is {self.size}; give the longer side in pixels, such as {WORKING_SIZE}.")
        if not 0 <= self.saturation < math.inf:
            raise BadInput(f"The saturation is {self.saturation}; give a factor of 0 or more, such as 1.2.")
        if self.samples is not None and self.samples < 1:
            raise BadInput(f"{self.samples} answers of a model are asked for; give 1 or more, such as 5.")
        if self.samples is not None and self.tiles:
            raise BadInput("An answer is drawn for the whole photo, and tiles never see it; leave one of them out.")
        for what, value, known in (
            ("upsampling", self.upsampling, UPSAMPLINGS),
            ("use of a reference", self.reference_use, REFERENCE_USES),
        ):
            if value not in known:
                raise BadInput(f"{value!r} is no {what}; choose one of {', '.join(known)}.")
        if self.reference is None and self.reference_use != REFERENCE_USES[0]:
            raise BadInput(f"The use {self.reference_use!r} is of a reference, and none is given; give --reference.")
        if self.tiles and self.reference is not None:
            raise BadInput(
                "A reference is matched with the whole photo, and tiles never see it; leave one of them out."
            )

    def side(self, works_at: int | None) -> int:
        """The longer side that the network sees: of a run what it was trained at (``works_at``), where nobody says.

        Trained on photos of 64 pixels a network knows what a scene looks like at 64 (docs/colorize.md has the figures).
        """
        if self.size is not None:
            return self.size
        return WORKING_SIZE if works_at is None or self.tiles else min(works_at, WORKING_SIZE)

    def decides(self, works_at: int | None) -> dict[str, Any]:
        """What of it decides the result, as far as it is not the default: a new option makes no old result another.

        The reference is not in it, only its use: its bytes are for the caller to tell, and so is which of the samples
        a result is.
        """
        told = {name: getattr(self, name) for name in self.__struct_fields__ if name not in ("reference", "samples")}
        plain = dict(zip(self.__struct_fields__, self.__struct_defaults__, strict=True))
        return {name: value for name, value in told.items() if value != plain[name]} | {"size": self.side(works_at)}
