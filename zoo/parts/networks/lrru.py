"""LRRU: a pre-filled photo updated four times, by weights that reach far at first and not far at last."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from zoo.core.contracts import HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.affinity import NEIGHBOURS
from zoo.parts.layers.conv_unit import ConvUnit
from zoo.parts.layers.spatial_propagation import moved, sampled, summed

STAGES = (2, 4, 8, 8, 8)
"""Channels of the five stages, at 1, 1/2, 1/4, 1/8 and 1/16, in those of the first convolutions."""

BLOCKS = 2
"""Residual blocks of a stage, in each of the two streams."""


class LRRU(nn.Module):
    """LRRU (arXiv:2310.08956), refining what a propagator has pre-filled.

    Condition (N, 4, H, W), H and W multiples of 16: the photo's stream reads the lightness, the other one the spread
    colours and their confidence, and at four stages also the first's. Coming back from coarse to
    fine, each of four maps is enlarged to the photo's size: ``context1`` to ``context4``. ``ab`` is 0. ``refine``
    updates the pre-filled h by each of them in turn, over a pixel and eight neighbours moved by learnt offsets::

        h ← h + Σ_n (w_n − w̄) h(n),      w = sigmoid(…) of h and the context

    Before each the hints are put back, and h is cut off from the gradient: ``ab_update1`` to ``ab_update3`` are for
    a loss on each. w starts at ½ everywhere, which changes nothing.

    Mini, Tiny, Small and Base of the paper are ``base`` 2, 4, 8 and 16.

    Args:
        base: half of the channels of the first convolutions.
        survival: the chance that the last residual block is not skipped in a training step, the first's being 1 (0.1
            for Mini and 0.5 for Base in the public code).

    Raises:
        BadInput: a base below 1, or a survival that is not above 0 and at most 1.
    """

    stride = 16
    hint_gain = HINT_GAIN

    def __init__(self, *, base: int = 2, survival: float = 1.0):
        super().__init__()
        if base < 1 or not 0 < survival <= 1:
            raise BadInput(f"lrru: base={base} and survival={survival}; give 1 or more, and above 0 up to 1.")
        width = 2 * base
        self.photo = nn.ModuleList([ConvUnit(1, width, kernel=5)])
        self.colour = nn.ModuleList([ConvUnit(3, width, kernel=5, norm="none")])
        self.guides = nn.ModuleList()
        drops = iter(torch.linspace(0, 1 - survival, BLOCKS * len(STAGES)).tolist())
        before = width
        for number, stage in enumerate(STAGES):
            lost = [next(drops) for _ in range(BLOCKS)]
            for stream in (self.photo, self.colour):
                stream.append(_stage(before, stage * width, lost, stride=2 if number else 1))
            before = stage * width
            if number < len(STAGES) - 1:
                self.guides.append(ConvUnit(2 * before, before))
        returns = (8, 8, 4, 2)
        self.rises = nn.ModuleList(_doubled(a * width, b * width) for a, b in zip((8, *returns), returns, strict=False))
        self.enlargements = nn.ModuleList(
            (
                nn.Sequential(*(_doubled(a * width, b * width) for a, b in ((8, 4), (4, 2), (2, 1)))),
                nn.Sequential(*(_doubled(a * width, b * width) for a, b in ((8, 4), (4, 1)))),
                _doubled(4 * width, width),
                ConvUnit(2 * width, width),
            )
        )
        self.updates = nn.ModuleList(Update(width) for _ in returns)

    def forward(self, condition: Tensor) -> Prediction:
        photo = self.photo[0](condition[:, :1])
        begun = colour = self.colour[0](condition[:, 1:])
        guided: list[Tensor] = []
        for photo_stage, colour_stage, guide in zip(self.photo[1:], self.colour[1:], self.guides, strict=False):
            photo, colour = photo_stage(photo), colour_stage(colour)
            colour = guide(torch.cat((colour, photo), dim=1))
            guided.append(colour)
        coarse = self.photo[-1](photo) + self.colour[-1](colour)
        prediction = {"ab": torch.zeros_like(condition[:, 1:3])}
        steps = zip(self.rises, self.enlargements, reversed(guided), strict=True)
        for number, (rise, enlarge, finer) in enumerate(steps, start=1):
            coarse = rise(coarse) + finer
            prediction[f"context{number}"] = enlarge(coarse)
        prediction["context4"] = prediction["context4"] + begun
        return prediction

    def refine(self, prediction: Prediction, condition: Tensor) -> Prediction:
        hint_ab, mask = condition[:, 1:3], condition[:, 3:]
        colour, updated = prediction["ab"], {}
        for number, update in enumerate(self.updates, start=1):
            colour = torch.where(mask > 0, hint_ab, colour).detach()
            colour = update(colour, prediction[f"context{number}"].float())
            updated["ab" if number == len(self.updates) else f"ab_update{number}"] = colour
        return {**prediction, **updated}


class Update(nn.Module):
    """The target-dependent update: h (N, 2, H, W) and a context (N, C, H, W) to the next h."""

    def __init__(self, width: int):
        super().__init__()
        self.colour = nn.Sequential(ConvUnit(2, width, norm="none"), ConvUnit(width, width, norm="none"))
        self.context = nn.Sequential(ConvUnit(width, width, norm="none"), ConvUnit(width, width, norm="none"))
        self.both = nn.Sequential(
            ConvUnit(2 * width, 2 * width, norm="none"), ResidualBlock(2 * width, 2 * width, 0.0, last=False)
        )
        self.weight = nn.Conv2d(2 * width, 1 + len(NEIGHBOURS), 1)
        self.offset = nn.Conv2d(2 * width, 2 * len(NEIGHBOURS), 1)
        for parameter in self.weight.parameters():
            nn.init.zeros_(parameter)

    def forward(self, colour: Tensor, context: Tensor) -> Tensor:
        features = self.both(torch.cat((self.colour(HINT_GAIN * colour), self.context(context)), dim=1))
        weight = self.weight(features).sigmoid().float()
        weight = weight - weight.mean(1, keepdim=True)
        near = sampled(colour, moved(self.offset(features).float().unflatten(1, (len(NEIGHBOURS), 2))))
        return summed((colour, *near.unbind(2)), weight, colour)


class ResidualBlock(nn.Module):
    """ReLU(shortcut + two convolutions), the latter skipped with a probability ``lost`` in training.

    ``last=False`` leaves the ReLU out.
    """

    def __init__(self, in_channels: int, out_channels: int, lost: float, *, stride: int = 1, last: bool = True):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            StochasticDepth(lost, "batch"),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or in_channels != out_channels:
            # Every second pixel by a pooling: a 1×1 convolution with stride 2, of few channels and in channels-last
            # order, writes beyond its memory in oneDNN's backward (torch 2.14).
            self.shortcut = nn.Sequential(
                nn.MaxPool2d(1, stride),
                nn.Conv2d(in_channels, out_channels, 1, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        self.last = nn.ReLU(inplace=True) if last else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.shortcut(x) + self.branch(x))


def _stage(in_channels: int, out_channels: int, lost: list[float], *, stride: int) -> nn.Sequential:
    first = ResidualBlock(in_channels, out_channels, lost[0], stride=stride)
    return nn.Sequential(first, *(ResidualBlock(out_channels, out_channels, each) for each in lost[1:]))


def _doubled(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )
