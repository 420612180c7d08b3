"""Real-time user-guided colorization: hints propagated by a network, and a distribution to suggest colours from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from zoo.core.color import AB_SCALE
from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.ab_bins import GAMUT_BINS, QuantizedAb, gamut_bins, grid_bins, soft_neighbours
from zoo.parts.layers.conv_unit import he_normal, start_grey
from zoo.parts.layers.vector_norm import VectorNorm
from zoo.parts.layers.zhang_stage import deconvolution, stage
from zoo.parts.weights.published import published_name, take_published

CLASSES = 529
"""The whole 23×23 grid of ab at a spacing of 10."""

EXTRAS = ("histogram", "saturation")
"""What the global hints are read from."""


class Zhang2017(nn.Module):
    """The network of Zhang et al. 2017 (arXiv:1705.02999; ``colorization-pytorch: models/networks.py``): 34.05 M.

    Condition (N, 4, H, W), H and W divisible by 8, to ``ab`` (N, 2, H, W) by regression, and ``logits``
    (N, 529, H/4, W/4) by classification, with their ``bins`` (529, 2) and ``class_weights``. Between stages it keeps
    every second pixel, not the largest; skips are summed.

    ``trained_by`` says which head's loss reaches the trunk, up to and with ``conv8``: the other head reads detached
    features. Its values are the same either way.

    Args:
        width: channels of the first stage.
        mask_cent: taken off the hint mask. The public PyTorch training has 0.5; the weights that were converted from
            Caffe (``siggraph17-df00044c.pth``) need 0.
        global_hints: also read the extras ``histogram`` and ``saturation``, see
            :class:`~zoo.parts.networks.zhang2017.GlobalHints`; their features are added to ``conv4``.
        keep: how often each global hint is kept in training.
    """

    stride = 8
    hint_gain = HINT_GAIN
    published_keys: ClassVar[dict[str, str]] = {
        **{f"conv{i}": f"model{i}" for i in range(1, 11)},
        "up8": "model8up.0",
        "up9": "model9up.0",
        "up10": "model10up.0",
        "skip3to8": "model3short8.0",
        "skip2to9": "model2short9.0",
        "skip1to10": "model1short10.0",
        "quantized.project": "model_class.0",
        "regress": "model_out.0",
    }
    """Our module → its name in the public PyTorch networks."""

    def __init__(self, *, width: int = 64, mask_cent: float = 0.5, global_hints: bool = False, keep: float = 0.5):
        super().__init__()
        if not 0 < keep <= 1:
            raise BadInput(f"zhang2017: keep is {keep}; give a probability above 0, at most 1.")
        self.mask_cent = mask_cent
        self.trained_by: Literal["classification", "regression"] = "regression"
        w = width
        self.conv1 = stage(CONDITION_CHANNELS, w, w)
        self.conv2 = stage(w, 2 * w, 2 * w)
        self.conv3 = stage(2 * w, 4 * w, 4 * w, 4 * w)
        self.conv4 = stage(4 * w, 8 * w, 8 * w, 8 * w)
        self.conv5 = stage(8 * w, 8 * w, 8 * w, 8 * w, dilation=2)
        self.conv6 = stage(8 * w, 8 * w, 8 * w, 8 * w, dilation=2)
        self.conv7 = stage(8 * w, 8 * w, 8 * w, 8 * w)
        self.up8, self.skip3to8 = deconvolution(8 * w, 4 * w), nn.Conv2d(4 * w, 4 * w, 3, padding=1)
        self.conv8 = nn.Sequential(nn.ReLU(inplace=True), *stage(4 * w, 4 * w, 4 * w))
        self.up9, self.skip2to9 = deconvolution(4 * w, 2 * w), nn.Conv2d(2 * w, 2 * w, 3, padding=1)
        self.conv9 = nn.Sequential(nn.ReLU(inplace=True), *stage(2 * w, 2 * w))
        self.up10, self.skip1to10 = deconvolution(2 * w, 2 * w), nn.Conv2d(w, 2 * w, 3, padding=1)
        self.conv10 = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(2 * w, 2 * w, 3, padding=1), nn.LeakyReLU(0.2))
        self.regress = start_grey(nn.Conv2d(2 * w, 2, 1))
        self.quantized = QuantizedAb(4 * w, bins=CLASSES)
        self.global_hints = GlobalHints(8 * w, keep=keep) if global_hints else None
        self.extras = EXTRAS if global_hints else ()

    def forward(self, condition: Tensor, extras: Mapping[str, Tensor] | None = None) -> Prediction:
        # The original's lightness is (L* - 50) / 100, half of ours.
        x = torch.cat((condition[:, :1] / 2, condition[:, 1:3], condition[:, 3:] - self.mask_cent), dim=1)
        conv1 = self.conv1(x)
        conv2 = self.conv2(conv1[..., ::2, ::2])
        conv3 = self.conv3(conv2[..., ::2, ::2])
        x = self.conv4(conv3[..., ::2, ::2])
        if self.global_hints is not None and extras is not None:
            x = x + self.global_hints(extras)
        x = self.conv7(self.conv6(self.conv5(x)))
        conv8 = self.conv8(self.up8(x) + self.skip3to8(conv3))

        to_classify = conv8
        if self.trained_by == "classification":
            conv1, conv2, conv8 = conv1.detach(), conv2.detach(), conv8.detach()
        else:
            to_classify = conv8.detach()
        x = self.conv9(self.up9(conv8) + self.skip2to9(conv2))
        x = self.conv10(self.up10(x) + self.skip1to10(conv1))
        return {"ab": torch.tanh(self.regress(x).float()), **self.quantized(to_classify)}

    @staticmethod
    def published_shapes() -> dict[str, tuple[int, ...]]:
        """Name → shape of every tensor of the public ``siggraph17`` network."""
        with torch.device("meta"):
            ours = Zhang2017().state_dict()
        return {name: tuple(ours[key].shape) for key, name in _published_names(ours).items()}

    @staticmethod
    def from_published(state: Mapping[str, Tensor], *, hint_gain: float = 1.0) -> dict[str, Tensor]:
        """The state dict of the public ``siggraph17`` network as one of this class without global hints.

        Args:
            state: its ``state_dict()``.
            hint_gain: what the hints are multiplied by before they come here; the first weights are divided by it.

        Raises:
            BadInput: keys missing or unknown, or tensors of another shape.
        """
        given = take_published(state, Zhang2017.published_shapes(), "zhang2017")
        with torch.device("meta"):
            names = _published_names(Zhang2017().state_dict())
        loaded = {key: given[name].clone() for key, name in names.items()}
        loaded["conv1.0.weight"][:, 1:3] /= hint_gain
        return {
            **loaded,
            "quantized.bins": grid_bins().float(),
            "quantized.class_weights": torch.ones(CLASSES),
        }


def _published_names(ours: Iterable[str]) -> dict[str, str]:
    return {key: name for key in ours if (name := published_name(key, Zhang2017.published_keys))}


class GlobalHints(nn.Module):
    """The global hints network of Zhang et al. 2017 (arXiv:1705.02999, section 3.2; ``models/global_model``).

    A 313-bin colour histogram and the mean saturation, each with a flag that says whether it is given, go through
    a layer of their own; their sum passes ReLU and BatchNorm, and then three layers of 1×1 convolution, ReLU and
    BatchNorm (on vectors here, which is the same). In training each is dropped per photo, so that the network works
    without; the probability is ours, the public files do not state it. An entry that is NaN counts as not given.

    ``forward``: a mapping with ``histogram`` (N, 2, h, w), ab averaged over small cells, and ``saturation``
    (N, 1) in [0, 1], to (N, channels, 1, 1).

    Args:
        channels: of what comes out, and of the layers between.
        keep: how often a hint is kept in training.
    """

    bins: Tensor

    def __init__(self, channels: int, *, keep: float = 0.5):
        super().__init__()
        self.keep = keep
        with torch.device("cpu"):
            self.register_buffer("bins", gamut_bins().float(), persistent=False)
        self.from_histogram = nn.Linear(GAMUT_BINS + 1, channels)
        self.from_saturation = nn.Linear(1 + 1, channels)
        layers: list[nn.Module] = [nn.ReLU(inplace=True), VectorNorm(channels)]
        for _ in range(3):
            layers += [nn.Linear(channels, channels), nn.ReLU(inplace=True), VectorNorm(channels)]
        self.layers = nn.Sequential(*layers)
        he_normal(self)

    def forward(self, extras: Mapping[str, Tensor]) -> Tensor:
        histogram = self.flagged(self.histogram(extras["histogram"]))
        saturation = self.flagged(extras["saturation"])
        return self.layers(self.from_histogram(histogram) + self.from_saturation(saturation))[..., None, None]

    def histogram(self, ab: Tensor) -> Tensor:
        """(N, 2, h, w) to (N, 313), softly encoded (10 neighbours, σ = 5) and summing to 1."""
        weights, index = soft_neighbours(ab.float() * AB_SCALE, self.bins)
        total = weights.new_zeros(len(ab), len(self.bins))
        return total.scatter_add(1, index.flatten(1), weights.flatten(1)) / (ab.shape[-2] * ab.shape[-1])

    def flagged(self, values: Tensor) -> Tensor:
        """(N, C) to (N, C + 1): the values and 1, or zeros for photos whose values are not given or dropped."""
        given = values.isfinite().all(dim=1, keepdim=True)
        if self.training:
            # As dropout does, from torch's own generator; evaluation draws nothing.
            given = given & (torch.rand(len(values), 1, device=values.device) < self.keep)
        return torch.cat((torch.where(given, values, 0), given.to(values.dtype)), dim=1)
