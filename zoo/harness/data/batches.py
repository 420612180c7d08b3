"""Photos as batches on the device. In training: bank → random crop → flip → one of several sizes, if the suite asks for
them → augmentations → Lab → hints. In a test: every photo once, in order, with hints that are the same for all models.

The colours and hints of a test are computed on the CPU and then moved: a hint must not depend on the
device, the batch size or the other photos, or two models would be asked different questions.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from zoo.core.color import split_lab
from zoo.core.contracts import Augmentation, Batch, HintSampler
from zoo.core.errors import BadInput
from zoo.harness.data.bank import PhotoBank, centre, check_size, crop, reduced
from zoo.harness.data.extras import Extra, View, compute

if TYPE_CHECKING:
    from zoo.harness.data.old_print import OldPrint


class Batches:
    """Shuffled, augmented, hinted batches without end; all of them full.

    The order and the crops are drawn on the CPU, so they are the same on every device; the hints
    on the device of the colours, as :class:`~zoo.core.contracts.HintSampler` asks. Nothing waits
    for the device.

    Args:
        pixels: uint8 (n, 3, S, S). On ``device`` it is fastest; a bank that does not fit there may
            stay on the CPU, and only the crops travel.
        size: side of the crops, at most S.
        sizes: sides that batches are shown at, if not all at ``size``: of each batch one is drawn, one that stands here
            twice twice as often; then how large its crops are, from that side to S, and they are reduced to it. There
            are so many photos in it that it has about as many pixels as ``batch_size`` photos of ``size``.
        order, augment: CPU generators, for the permutations, and for sizes, crops, flips and augmentations.
        hinting: generator on ``device``.
        flip: mirror every second crop, by chance.
        augmentations: what changes the crops further, one after the other.
        extras: what the model asks for beyond the condition, by name (see ``extras.py``).

    Raises:
        BadInput: a ``size`` or ``batch_size`` that does not fit.
    """

    def __init__(
        self,
        pixels: Tensor,
        *,
        size: int,
        sizes: Sequence[int] | None = None,
        batch_size: int,
        device: torch.device | str,
        order: torch.Generator,
        augment: torch.Generator,
        hinting: torch.Generator,
        hint_sampler: HintSampler,
        flip: bool = True,
        augmentations: Sequence[Augmentation] = (),
        extras: Mapping[str, Extra] | None = None,
    ):
        for side in (size, *(sizes or ())):
            check_size(side, pixels.shape[-1])
        if batch_size < 1:
            raise BadInput(f"The batch size {batch_size} is too small; use 1 or more.")
        self.pixels, self.size, self.batch_size = pixels, size, batch_size
        self.sizes = tuple(sizes or ())
        self.device = torch.device(device)
        self.hint_sampler, self.flip, self.extras = hint_sampler, flip, dict(extras or {})
        self.augmentations = tuple(augmentations)
        self._order, self._augment, self._hinting = order, augment, hinting
        self._permutation = torch.empty(0, dtype=torch.int64)
        self._position = 0

    @property
    def photos(self) -> list[int]:
        """How many photos a batch may have, for each of the sizes."""
        return [max(1, round(self.batch_size * self.size**2 / side**2)) for side in self.sizes or (self.size,)]

    def forever(self) -> Iterator[Batch]:
        """Batches that go on where the last one taken stopped; an epoch's rest opens the next batch."""
        while True:
            yield self._next()

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that decides the batches to come, as tensors."""
        return {
            "order": self._order.get_state(),
            "augment": self._augment.get_state(),
            "hints": self._hinting.get_state(),
            "permutation": self._permutation.clone(),
            "position": torch.tensor(self._position),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``.

        Raises:
            BadInput: the state is of a bank with another number of photos.
        """
        count = len(state["permutation"])
        if count not in (0, len(self.pixels)):
            raise BadInput(
                f"The checkpoint was made with {count} training photos, and there are {len(self.pixels)} now; "
                "start the run anew."
            )
        for name, generator in (("order", self._order), ("augment", self._augment), ("hints", self._hinting)):
            generator.set_state(state[name].cpu())
        self._permutation = state["permutation"].cpu().clone()
        self._position = int(state["position"])

    def _next(self) -> Batch:
        side, window, count = self._scale()
        index, top, left, flip = self._choices(window, count).to(self.pixels.device, non_blocking=True)
        rgb = crop(self.pixels, index, top, left, flip, window).to(self.device, non_blocking=True)
        rgb = reduced(rgb, side)
        for augmentation in self.augmentations:
            rgb = augmentation(rgb, self._augment)
        return hinted(rgb, index.to(self.device, non_blocking=True), self.hint_sampler, self._hinting, self.extras)

    def _scale(self) -> tuple[int, int, int]:
        """The side that the next batch is shown at, that of its crops, and how many there are."""
        if not self.sizes:
            return self.size, self.size, self.batch_size
        chosen = int(torch.randint(len(self.sizes), (), generator=self._augment))
        side = self.sizes[chosen]
        window = int(torch.randint(side, self.pixels.shape[-1] + 1, (), generator=self._augment))
        return side, window, self.photos[chosen]

    def _choices(self, window: int, count: int) -> Tensor:
        """int64 (4, N): index, top, left, flip. One tensor, so that one copy takes them to the device."""
        slack = self.pixels.shape[-1] - window + 1
        corner = torch.randint(slack, (2, count), generator=self._augment)
        flip = torch.randint(2 if self.flip else 1, (1, count), generator=self._augment)
        return torch.cat((self._indices(count)[None], corner, flip))

    def _indices(self, wanted: int) -> Tensor:
        taken: list[Tensor] = []
        while wanted:
            if self._position == len(self._permutation):
                self._permutation = torch.randperm(len(self.pixels), generator=self._order)
                self._position = 0
            part = self._permutation[self._position : self._position + wanted]
            self._position += len(part)
            wanted -= len(part)
            taken.append(part)
        return torch.cat(taken)


class TrainingPass:
    """:class:`~zoo.core.contracts.TrainingData`: the training photos once, in order, from their middle.

    Every pass gives the same batches: the hints are drawn from ``seed`` anew. The last may be short.
    """

    def __init__(
        self,
        pixels: Tensor,
        *,
        size: int,
        batch_size: int,
        device: torch.device | str,
        seed: int,
        hint_sampler: HintSampler,
        extras: Mapping[str, Extra] | None = None,
    ):
        check_size(size, pixels.shape[-1])
        self.pixels, self.size, self.batch_size = pixels, size, batch_size
        self.device, self.seed = torch.device(device), seed
        self.hint_sampler, self.extras = hint_sampler, dict(extras or {})

    def __len__(self) -> int:
        """The number of batches."""
        return -(-len(self.pixels) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        generator = torch.Generator(self.device).manual_seed(self.seed)
        for index in torch.arange(len(self.pixels), device=self.pixels.device).split(self.batch_size):
            rgb = centre(self.pixels, index, self.size).to(self.device)
            yield hinted(rgb, index.to(self.device), self.hint_sampler, generator, self.extras)


def hinted(
    rgb: Tensor,
    index: Tensor,
    sampler: HintSampler,
    generator: torch.Generator,
    extras: Mapping[str, Extra],
) -> Batch:
    """uint8 (N, 3, H, W) photos, and where they stand in the bank, as a batch on their device."""
    lightness, ab = split_lab(rgb)
    hint_ab, hint_mask = sampler(ab, generator)
    view = View(indices=index, rgb=rgb, ab=ab)
    return Batch(lightness, ab, hint_ab, hint_mask, compute(extras, view))


class Evaluation(NamedTuple):
    """A batch of test photos.

    ``lightness`` is the photos' own (N, 1, H, W), where the batch's is that of old prints of them; else None.
    ``rgb`` is the truth to score against: uint8 (N, 3, H, W), on the device of the batch.
    ``indices`` and ``names`` say which photos of the bank they are.
    """

    batch: Batch
    rgb: Tensor
    indices: range
    names: tuple[str, ...]
    lightness: Tensor | None = None

    @property
    def scored(self) -> Batch:
        """The batch with the photos' own lightness, on which predicted colours are scored against the photos.

        On that of a print, its greys would be most of every error, and the same for every model.
        """
        return self.batch if self.lightness is None else dataclasses.replace(self.batch, lightness=self.lightness)


def evaluation_batches(
    bank: PhotoBank,
    *,
    size: int,
    batch_size: int,
    device: torch.device | str,
    hint_seed: int,
    hint_sampler: HintSampler,
    extras: Mapping[str, Extra] | None = None,
    old_print: OldPrint | None = None,
) -> Iterator[Evaluation]:
    """The bank's photos in its order, cut from the middle, not augmented. The last batch may be short.

    Args:
        hint_seed: with a photo's name it decides that photo's hints, and nothing else does.
        extras: providers opened for the CPU.
        old_print: how the greys are made that a colorizer is given; hints keep the photo's colours.

    Raises:
        BadInput: ``size`` is larger than the bank's photos.
    """
    check_size(size, bank.side)
    pixels = bank.tensor()
    for start in range(0, len(bank), batch_size):
        indices = range(start, min(start + batch_size, len(bank)))
        names = bank.names[indices.start : indices.stop]
        position = torch.arange(indices.start, indices.stop)
        rgb = centre(pixels, position, size)
        lightness, ab = split_lab(rgb)
        hint_ab, hint_mask = hints_by_name(ab, names, hint_seed, hint_sampler)
        seen = lightness if old_print is None else old_print.lightness(rgb, names, hint_seed)
        extra = compute(extras or {}, View(indices=position, rgb=rgb, ab=ab))
        batch = Batch(
            seen.to(device),
            ab.to(device),
            hint_ab.to(device),
            hint_mask.to(device),
            {name: value.to(device) for name, value in extra.items()},
        )
        own = None if old_print is None else lightness.to(device)
        yield Evaluation(batch, rgb.to(device), indices, names, own)


def hints_by_name(ab: Tensor, names: tuple[str, ...], seed: int, sampler: HintSampler) -> tuple[Tensor, Tensor]:
    """Hints drawn photo by photo, each from a generator seeded by ``seed`` and the photo's name.

    Args:
        ab: (N, 2, H, W), on the CPU.

    Returns:
        ``hint_ab`` (N, 2, H, W) and ``hint_mask`` (N, 1, H, W).
    """
    drawn = []
    for colours, name in zip(ab, names, strict=True):
        drawn.append(sampler(colours[None].clone(), photo_generator(name, seed)))
    return torch.cat([ab for ab, _ in drawn]), torch.cat([mask for _, mask in drawn])


def photo_generator(name: str, seed: int) -> torch.Generator:
    """The generator of one photo's hints, on the CPU."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
