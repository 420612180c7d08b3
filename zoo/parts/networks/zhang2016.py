"""Colorful image colorization: a distribution over colours for every pixel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from zoo.core.color import AB_SCALE
from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.ab_bins import GAMUT_BINS, QuantizedAb
from zoo.parts.layers.zhang_stage import deconvolution, stage
from zoo.parts.weights.published import published_name, take_published


class Zhang2016(nn.Module):
    """The network of Zhang et al. 2016 (arXiv:1603.08511; ``colorization_deploy_v2.prototxt``, ``eccv16.py``).

    Condition (N, 4, H, W), H and W divisible by 8, to ``ab`` (N, 2, H/4, W/4), ``logits`` (N, Q, H/4, W/4), ``bins``
    (Q, 2) and ``class_weights`` (Q,). BatchNorm closes each stage but the last.

    The original sees the lightness alone, and so does ``hints=False``: 32.24 M parameters. With the three hint
    channels the first convolution has 3 · 9 · width weights more.

    Args:
        width: channels of the first stage; the others have 2, 4 and 8 times as many.
        hints: whether the hint channels are read.
        bins: Q.
        temperature: T of the annealed mean (section 2.3). The paper has 0.38; the public PyTorch port has none, which
            is 1.

    Raises:
        BadInput: a number of bins that the grid does not have, or a temperature that is not positive.
    """

    residual = False
    stride = 8
    hint_gain = HINT_GAIN
    published_keys: ClassVar[dict[str, str]] = {
        **{f"conv{i}": f"model{i}" for i in range(1, 9)},
        "quantized.project": "model8.6",
    }
    """Our module → its name in ``eccv16.py``. Its ``model_out.weight`` (2, 313, 1, 1) are the bins' ab / 110: its
    forward multiplies what comes out by 110 (``base_color.py``)."""

    def __init__(self, *, width: int = 64, hints: bool = True, bins: int = GAMUT_BINS, temperature: float = 0.38):
        super().__init__()
        if not temperature > 0:
            raise BadInput(f"zhang2016: temperature is {temperature}; give a number above 0.")
        self.in_channels = CONDITION_CHANNELS if hints else 1
        self.temperature = temperature
        w = width
        self.conv1 = stage(self.in_channels, w, w, stride=2)
        self.conv2 = stage(w, 2 * w, 2 * w, stride=2)
        self.conv3 = stage(2 * w, 4 * w, 4 * w, 4 * w, stride=2)
        self.conv4 = stage(4 * w, 8 * w, 8 * w, 8 * w)
        self.conv5 = stage(8 * w, 8 * w, 8 * w, 8 * w, dilation=2)
        self.conv6 = stage(8 * w, 8 * w, 8 * w, 8 * w, dilation=2)
        self.conv7 = stage(8 * w, 8 * w, 8 * w, 8 * w)
        self.conv8 = nn.Sequential(
            deconvolution(8 * w, 4 * w), nn.ReLU(inplace=True), *stage(4 * w, 4 * w, 4 * w, norm=False)
        )
        self.quantized = QuantizedAb(4 * w, bins=bins)

    def forward(self, condition: Tensor) -> Prediction:
        # The original's lightness is (L* - 50) / 100, half of ours.
        x = torch.cat((condition[:, :1] / 2, condition[:, 1 : self.in_channels]), dim=1)
        for layers in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5, self.conv6, self.conv7, self.conv8):
            x = layers(x)
        prediction = self.quantized(x)
        return {"ab": self.quantized.colour(prediction["logits"], self.temperature), **prediction}

    @staticmethod
    def published_shapes() -> dict[str, tuple[int, ...]]:
        """Name → shape of every tensor of the public ``eccv16`` network."""
        with torch.device("meta"):
            ours = Zhang2016(hints=False).state_dict()
        return {
            **{name: tuple(ours[key].shape) for key, name in _published_names(ours).items()},
            "model_out.weight": (2, GAMUT_BINS, 1, 1),
        }

    @staticmethod
    def from_published(state: Mapping[str, Tensor], *, hint_gain: float = 1.0, hints: bool = True) -> dict[str, Tensor]:
        """The state dict of the public ``eccv16`` network as one of this class at its full width.

        The hint channels, which the original lacks, get zero weights: they change nothing. The bins are the
        file's, times 110. The original averages at T = 1, a softmax without temperature: build with
        ``temperature=1`` for its exact output, as registry.yaml's row of the file does.

        Args:
            state: its ``state_dict()``.
            hint_gain: of no effect on weights that read no hints.
            hints: the option of the network that is loaded.

        Raises:
            BadInput: keys missing or unknown, or tensors of another shape.
        """
        given = take_published(state, Zhang2016.published_shapes(), "zhang2016")
        with torch.device("meta"):
            names = _published_names(Zhang2016(hints=False).state_dict())
        loaded = {key: given[name] for key, name in names.items()}
        if hints:
            stem = loaded["conv1.0.weight"]
            loaded["conv1.0.weight"] = torch.cat((stem, stem.new_zeros(len(stem), CONDITION_CHANNELS - 1, 3, 3)), dim=1)
        loaded["quantized.bins"] = AB_SCALE * given["model_out.weight"][:, :, 0, 0].T.contiguous()
        loaded["quantized.class_weights"] = torch.ones(GAMUT_BINS)
        return loaded


def _published_names(ours: Iterable[str]) -> dict[str, str]:
    return {key: name for key in ours if (name := published_name(key, Zhang2016.published_keys))}
