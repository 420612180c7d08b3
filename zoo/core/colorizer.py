"""The colorizer: encoder → bridge → decoder → head, for photos of any size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Bridge, Decoder, Encoder, Head, Prediction
from zoo.core.errors import ContractError


@runtime_checkable
class Sampler(Protocol):
    """A network with more than one answer, or a head with more than one to its features (N, C, h, w)."""

    def sample(self, condition: Tensor, k: int, generator: torch.Generator, /) -> Tensor:
        """``k`` draws of each photo: ab (N, k, 2, h, w). A network that names ``extras`` takes them as the fourth."""
        ...


class Upon(nn.Module, ABC):
    """A network that stands upon a propagator, or the place for one: :class:`zoo.core.propagated.Propagated`.

    No protocol: from Python 3.12 on those look up what an object has without asking it, and miss a module's modules.
    """

    network: nn.Module | None

    @abstractmethod
    def seen(self, condition: Tensor, /) -> Tensor:
        """What the network is given of a prepared condition."""


class Refiner(Protocol):
    """A network, or a head, that reads the condition when it has predicted: it spreads hints further, say."""

    def refine(self, prediction: Prediction, condition: Tensor, /) -> Prediction:
        """The last word on ``ab``.

        Args:
            prediction: its own, whose ``ab`` is at the photo's size and has in it what a propagator spread.
            condition: (N, 4, H, W), its hints as they were given: no gain.

        Returns:
            A prediction with ``ab``, of that size or smaller by a whole number.
        """
        ...


DEFAULT_STRIDE = 32
"""What photos are padded to for a network that does not say: five halvings, as most have."""


class Composed(nn.Module):
    """The four parts in the order data flows through them.

    ``forward``: condition (N, 4, H, W), H and W divisible by ``stride``, to a prediction whose maps
    have the decoder's size, H / ``decoder.reduction``.
    """

    hint_gain = HINT_GAIN

    def __init__(self, encoder: Encoder, decoder: Decoder, head: Head, *, bridge: Bridge | None = None):
        super().__init__()
        self.encoder = encoder
        self.bridge = bridge
        self.decoder = decoder
        self.head = head
        levels = (*encoder.levels, *(bridge.levels if bridge is not None else ()))
        self.stride = max(level.reduction for level in levels)

    def forward(self, condition: Tensor) -> Prediction:
        return self.head(self._features(condition))

    @property
    def can_sample(self) -> bool:
        """Whether the head has more than one answer."""
        return isinstance(self.head, Sampler)

    def sample(self, condition: Tensor, k: int, generator: torch.Generator) -> Tensor:
        """``k`` draws of the head: ab (N, k, 2, H, W) at the decoder's size.

        Raises:
            ContractError: the head has one answer only.
        """
        if not isinstance(self.head, Sampler):
            raise ContractError(f"{type(self.head).__name__} has one answer only; it has no sample().")
        return self.head.sample(self._features(condition), k, generator)

    def _features(self, condition: Tensor) -> Tensor:
        pyramid = self.encoder(condition)
        if self.bridge is not None:
            pyramid = self.bridge(pyramid)
        return self.decoder(pyramid)


def refiner_of(network: nn.Module | None) -> Refiner | None:
    """Who refines: a whole network or a head, of a composed one its own; a layer that it calls ``refine`` is none."""
    last: Any = network.head if isinstance(network, Composed) else network
    refine = getattr(last, "refine", None)
    return last if callable(refine) and not isinstance(refine, nn.Module) else None


class Colorizer(nn.Module):
    """Any network made a colorizer of photos of any size.

    The one place where photos are padded: the condition is reflected to a multiple of the network's
    ``stride`` on the right and below, and the prediction is cropped back.

    Args:
        network: condition (N, 4, H, W) → ``ab`` (N, 2, H, W), or a :data:`Prediction`. It may have a
            ``stride`` (int, default 32: what H and W must be multiples of), and ``extras``, names of
            what it wants beyond the condition; it is then called as ``network(condition, extras)``.
        name: what error messages call it.
        extras: those names; the caller passes a mapping with them.
        hint_gain: what ``hint_ab`` is multiplied by before the network sees it, see
            :data:`~zoo.core.contracts.HINT_GAIN`.

    ``notes`` say what whoever loaded its weights should know of them; ``works_at`` is the side of the photos that they
    were trained on, in pixels, where it is known.
    """

    notes: tuple[str, ...] = ()
    works_at: int | None = None

    def __init__(
        self, network: nn.Module, *, name: str = "colorizer", extras: Sequence[str] = (), hint_gain: float = 1.0
    ):
        super().__init__()
        self.network = network
        self.name = name
        self.extras = tuple(extras)
        self.hint_gain = hint_gain
        stride = getattr(network, "stride", DEFAULT_STRIDE)
        # A bare torch layer has a stride too, a tuple, and it means something else.
        self.stride = stride if isinstance(stride, int) else DEFAULT_STRIDE

    def forward(self, condition: Tensor, extras: Mapping[str, Tensor] | None = None) -> Prediction:
        """Colorize.

        Args:
            condition: (N, 4, H, W), any H, W ≥ 1.
            extras: what :attr:`extras` names.

        Returns:
            A mapping with at least ``"ab"`` (N, 2, H, W).

        Raises:
            ContractError: a condition or a prediction of the wrong shape, or a missing extra. A prediction smaller
                than the condition by a whole number, the same on both sides, is enlarged.
        """
        padded = self.prepared(condition)
        output = self.network(padded, self.given(extras)) if self.extras else self.network(padded)
        prediction: Prediction = dict(output) if isinstance(output, Mapping) else {"ab": output}
        ab = self._checked(prediction.get("ab"), padded)
        if refiner := refiner_of(self.network):
            prediction["ab"] = enlarged(ab, padded)
            prediction = dict(refiner.refine(prediction, reflect_pad(condition, self.stride)))
            ab = self._checked(prediction.get("ab"), padded)
        prediction["ab"] = self._fitted(ab, padded, condition)
        return prediction

    @property
    def learner(self) -> nn.Module:
        """What a recipe speaks to by name: the network upon a propagator where there is one, else the network."""
        upon = self.network.network if isinstance(self.network, Upon) else None
        return self.network if upon is None else upon

    def seen(self, condition: Tensor) -> Tensor:
        """What :attr:`learner` is given: the prepared condition, its hints spread where there is a propagator."""
        prepared = self.prepared(condition)
        return self.network.seen(prepared) if isinstance(self.network, Upon) else prepared

    @property
    def can_sample(self) -> bool:
        """Whether it has more than one answer, of which :meth:`sample` draws some."""
        return bool(getattr(self.network, "can_sample", isinstance(self.network, Sampler)))

    @property
    def on_host(self) -> bool:
        """Whether a part of it computes on the CPU, wherever the rest does: each says so by ``on_host = True``.

        Such are direct solvers and graph searches, photo by photo in float64, which GPUs are no faster at. Every other
        colorizer must not wait for the device.
        """
        return any(getattr(module, "on_host", False) for module in self.network.modules())

    def sample(
        self, condition: Tensor, k: int, generator: torch.Generator, extras: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Several answers to each photo, padded, enlarged and cropped as the one of ``forward``.

        Args:
            condition, extras: as for ``forward``.
            k: how many draws a photo.
            generator: on the CPU.

        Returns:
            ab (N, k, 2, H, W).

        Raises:
            ContractError: the network has one answer only, or draws of the wrong shape; or as ``forward``.
        """
        if not self.can_sample:
            raise ContractError(f"{self.name} has one answer only; its network has no sample().")
        padded = self.prepared(condition)
        given = (self.given(extras),) if self.extras else ()
        drawn: Any = self.network.sample(padded, k, generator, *given)  # type: ignore[operator]
        shape = tuple(drawn.shape) if isinstance(drawn, Tensor) else type(drawn).__name__
        if not isinstance(drawn, Tensor) or drawn.ndim != 5 or shape[:2] != (len(condition), k):
            raise ContractError(f"{self.name}: draws are ab ({len(condition)}, {k}, 2, h, w), not {shape}.")
        each = [self._fitted(self._checked(ab, padded), padded, condition) for ab in drawn.unbind(1)]
        return torch.stack(each, dim=1)

    def _fitted(self, ab: Tensor, padded: Tensor, condition: Tensor) -> Tensor:
        """Predicted ab, enlarged to the padded photo's size and cropped to the photo's own."""
        height, width = condition.shape[-2:]
        return enlarged(ab, padded)[..., :height, :width]

    def prepared(self, condition: Tensor) -> Tensor:
        """What the network is given: the condition, padded to the stride, its hints multiplied by the gain.

        Always a copy, so that a network which writes into its input changes nobody else's.

        Raises:
            ContractError: the condition is not (N, 4, H, W).
        """
        if condition.ndim != 4 or condition.shape[1] != CONDITION_CHANNELS:
            raise ContractError(f"{self.name}: the condition is (N, 4, H, W), not {tuple(condition.shape)}.")
        padded = reflect_pad(condition, self.stride)
        if self.hint_gain == 1:
            return padded.clone() if padded is condition else padded
        lightness, hint_ab, hint_mask = padded.split((1, 2, 1), dim=1)
        return torch.cat((lightness, hint_ab * self.hint_gain, hint_mask), dim=1)

    def given(self, extras: Mapping[str, Tensor] | None) -> Mapping[str, Tensor]:
        """What the network is given of ``extras``: those that it names and no others, as copies.

        The harness scores against the tensors that it hands out here.

        Raises:
            ContractError: one is missing.
        """
        for name in self.extras:
            if extras is None or name not in extras:
                raise ContractError(f"{self.name} needs the extra {name!r}; pass it in the mapping 'extras'.")
        return {name: extras[name].clone() for name in self.extras} if extras is not None else {}

    def _checked(self, ab: Tensor | None, condition: Tensor) -> Tensor:
        if not isinstance(ab, Tensor):
            raise ContractError(f"{self.name} must return the tensor ab or a mapping with 'ab'.")
        if ab.ndim != 4 or ab.shape[0] != condition.shape[0] or ab.shape[1] != 2:
            expected = (condition.shape[0], 2, *condition.shape[-2:])
            raise ContractError(f"{self.name} returned ab of shape {tuple(ab.shape)}; {expected} is expected.")
        if not _is_reduced(ab.shape[-2:], condition.shape[-2:]):
            (h, w), (height, width) = ab.shape[-2:], condition.shape[-2:]
            raise ContractError(
                f"{self.name} returned ab of {h}×{w} for a condition of {height}×{width}; return that size, or both "
                f"sides divided by the same whole number (stride, now {self.stride}, is what photos are padded to)."
            )
        return ab


def _is_reduced(size: Sequence[int], full: Sequence[int]) -> bool:
    """Whether ``size`` is ``full`` divided by one whole number: only then are colours enlarged to where they belong."""
    (height, width), (tall, wide) = size, full
    return height > 0 and width > 0 and tall % height == 0 and wide % width == 0 and tall // height == wide // width


def enlarged(image: Tensor, to: Tensor) -> Tensor:
    """(N, C, h, w) bilinearly at the size of ``to``; as it is where it has that size."""
    if image.shape[-2:] == to.shape[-2:]:
        return image
    return F.interpolate(image, to.shape[-2:], mode="bilinear", align_corners=False)


def reflect_pad(image: Tensor, stride: int) -> Tensor:
    """(N, C, H, W) reflected on the right and below to multiples of ``stride``; any H, W ≥ 1.

    ``F.pad(mode="reflect")`` refuses to pad by more than the side; the index arithmetic here reflects
    as often as it takes (a side of 1 repeats).
    """
    if stride == 1:
        return image
    height, width = image.shape[-2:]
    tall, wide = ((side + stride - 1) // stride * stride for side in (height, width))
    # A graph for photos of any size has no branch for those that fit: there the indices are arithmetic in it.
    exporting = torch.compiler.is_exporting()
    reflection: Callable[[int, int, torch.device], Tensor] = _reflection if exporting else _kept_reflection
    if exporting or tall != height:
        image = image.index_select(-2, reflection(height, tall, image.device))
    if exporting or wide != width:
        image = image.index_select(-1, reflection(width, wide, image.device))
    return image


def _reflection(size: int, target: int, device: torch.device) -> Tensor:
    period = torch.full((), torch.sym_max(2 * (size - 1), 1), device=device)  # ONNX divides by tensors only
    phase = torch.arange(target, device=device) % period
    return torch.where(phase < size, phase, period - phase).clamp_max(size - 1)


# Cached: a tensor made under inference mode could not be used in training.
_kept_reflection = lru_cache(maxsize=64)(torch.inference_mode(False)(_reflection))
