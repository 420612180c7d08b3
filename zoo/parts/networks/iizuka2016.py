"""Let there be color: what a photo is about, fused into what each place of it is."""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.color import AB_SCALE
from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import he_normal, start_grey
from zoo.parts.layers.vector_norm import VectorNorm

AB_REACH = 100 / AB_SCALE
"""The output's sigmoid spans ±100 Lab units."""

Stream = Literal["local", "global"]


class Iizuka2016(nn.Module):
    """The network of Iizuka et al. 2016 (doi:10.1145/2897824.2925974, section 3).

    Condition (N, 4, H, W), H and W divisible by 8, to ``ab`` (N, 2, H/2, W/2). Two streams share the weights of the
    low-level features: one keeps the photo's size, the other, of the photo at 224×224, ends in one vector that is fused
    into every place of the first. Every layer but the outputs is followed by BatchNorm and ReLU.

    The original sees the lightness alone; the three hint channels cost its first convolution 3 · 9 · width weights.

    Args:
        width: channels of the first convolution; all others in proportion.
        classes: of the classifier that learns beside the colours, from the 512 features before the last global layer
            (205 in the paper). It gives ``label_logits`` (N, classes) for the loss ``classification``. 0
            leaves it out: on photos without labels it would learn nothing.
        global_size: the side at which the second stream sees the photo.

    Raises:
        BadInput: a negative number of classes, or a global size below 64.
    """

    stride = 8
    hint_gain = HINT_GAIN

    def __init__(self, *, width: int = 64, classes: int = 0, global_size: int = 224):
        super().__init__()
        if classes < 0 or global_size < 64:
            raise BadInput(
                f"iizuka2016: classes is {classes} and global_size {global_size}; give classes ≥ 0, global_size ≥ 64."
            )
        self.global_size = global_size
        w = width
        self.low = nn.ModuleList(
            [
                TwoStreamConv(CONDITION_CHANNELS, w, stride=2),
                TwoStreamConv(w, 2 * w),
                TwoStreamConv(2 * w, 2 * w, stride=2),
                TwoStreamConv(2 * w, 4 * w),
                TwoStreamConv(4 * w, 4 * w, stride=2),
                TwoStreamConv(4 * w, 8 * w),
            ]
        )
        self.mid = nn.Sequential(conv(8 * w, 8 * w), conv(8 * w, 4 * w))
        side = -(-global_size // 32)
        self.to_vector = nn.Sequential(
            conv(8 * w, 8 * w, stride=2),
            conv(8 * w, 8 * w),
            conv(8 * w, 8 * w, stride=2),
            conv(8 * w, 8 * w),
            nn.Flatten(),
            dense(8 * w * side**2, 16 * w),
            dense(16 * w, 8 * w),
        )
        self.last_global = dense(8 * w, 4 * w)
        self.fusion = conv(8 * w, 4 * w, kernel=1)
        self.colour = nn.Sequential(
            conv(4 * w, 2 * w),
            nn.Upsample(scale_factor=2, mode="nearest"),
            conv(2 * w, w),
            conv(w, w),
            nn.Upsample(scale_factor=2, mode="nearest"),
            conv(w, max(w // 2, 1)),
        )
        self.classifier = nn.Sequential(dense(8 * w, 4 * w), nn.Linear(4 * w, classes)) if classes else None
        he_normal(self)
        self.output = start_grey(nn.Conv2d(max(w // 2, 1), 2, 3, padding=1))

    def forward(self, condition: Tensor) -> Prediction:
        vector = self._vector(condition)
        prediction = {"ab": self._fused(condition, self.last_global(vector))}
        if self.classifier is not None:
            prediction["label_logits"] = self.classifier(vector)
        return prediction

    def _low(self, x: Tensor, stream: Stream) -> Tensor:
        for layer in self.low:
            x = layer(x, stream)
        return x

    def _vector(self, condition: Tensor) -> Tensor:
        """The global stream up to its last layer but one: (N, 8 · width)."""
        size = (self.global_size, self.global_size)
        resized = F.interpolate(condition, size, mode="bilinear", align_corners=False)
        return self.to_vector(self._low(resized, "global"))

    def _fused(self, condition: Tensor, global_features: Tensor) -> Tensor:
        """Local and global features to ab (N, 2, H/2, W/2), float32."""
        mid = self.mid(self._low(condition, "local"))
        everywhere = global_features[..., None, None].expand(-1, -1, *mid.shape[-2:])
        fused = self.fusion(torch.cat((mid, everywhere), dim=1))
        return (2 * torch.sigmoid(self.output(self.colour(fused)).float()) - 1) * AB_REACH


class TwoStreamConv(nn.Module):
    """3×3 convolution, BatchNorm, ReLU: weights that two streams share, statistics of each one's own.

    A photo enlarged to 224×224 is smoother than at its own size. With running statistics of both together neither
    stream meets in evaluation what it was trained on: 2 dB at 64 pixels.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1):
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        # Not by the streams' bare names: "global" is a word of Python's, which a graph written as code cannot have.
        self.norms = nn.ModuleDict(
            {f"{stream}_stream": nn.BatchNorm2d(out_channels, affine=False) for stream in get_args(Stream)}
        )
        self.weight = nn.Parameter(torch.ones(out_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(out_channels, 1, 1))
        self.register_load_state_dict_pre_hook(_called_as_before)

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        return F.relu(self.norms[f"{stream}_stream"](self.convolution(x)) * self.weight + self.bias)


def _called_as_before(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Weights of runs in which a stream's statistics had its bare name."""
    for stream in get_args(Stream):
        before, now = (f"{prefix}norms.{name}." for name in (stream, f"{stream}_stream"))
        for key in [key for key in state if key.startswith(before)]:
            state[now + key.removeprefix(before)] = state.pop(key)


def conv(in_channels: int, out_channels: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, BatchNorm, ReLU."""
    convolution = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def dense(in_features: int, out_features: int) -> nn.Sequential:
    """Fully connected layer, BatchNorm, ReLU."""
    return nn.Sequential(nn.Linear(in_features, out_features, bias=False), VectorNorm(out_features), nn.ReLU(True))
