"""Automatic colorization by two decoders: one for places, one for colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.color import AB_SCALE, join_lab
from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import he_normal, start_as_nearest, start_grey
from zoo.parts.weights.published import published_name, take_published

HEAD_WIDTH = 32
WIDTH_PER_HEAD = 12
"""The published sizes have eight heads of 32 where ConvNeXt-T has a first width of 96."""

SCALES = 3
TEMPERATURE = 10_000
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's sRGB in [0, 1]."""

_ARCH = "encoder.arch"


class DDColor(nn.Module):
    """DDColor (arXiv:2212.11613, section 3; details as in its authors' code): DDColor-T, 55.0 M.

    Condition (N, 4, H, W), sides multiples of 32, to ``ab`` (N, 2, H, W). It is automatic: of the condition it reads
    the lightness alone, as a grey sRGB photo.

    A ConvNeXt (timm's), each stage's output normalised; a pixel decoder of three U-Net blocks and a pixel shuffle by 4;
    a colour decoder, whose queries attend by turns to the pixel decoder's three scales; the product of both, a map a
    query; and the fusion, a 1×1 convolution of these maps and the grey photo. The original trains with spectrally
    normalised convolutions, which are folded into the weights where published ones are loaded, and absent here.

    Args:
        width: of ConvNeXt's first stage: 96 in DDColor-T, 192 in DDColor-L.
        stages: blocks of ConvNeXt's stages: (3, 3, 27, 3) in DDColor-L.
        colours: channels of the colour decoder, a multiple of 32 (a head each); the pixel decoder has twice as many at
            its two coarser scales. None: in proportion to the width, 256 for 96. Both published sizes have 256.
        queries: how many colours are looked for.
        layers: of the colour decoder.

    Raises:
        BadInput: colours that do not divide into heads, other than four stages, or a size below 1.
    """

    stride = 32
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        *,
        width: int = 96,
        stages: Sequence[int] = (3, 3, 9, 3),
        colours: int | None = None,
        queries: int = 100,
        layers: int = 9,
    ):
        import timm
        from timm.layers import LayerNorm2d

        super().__init__()
        colours = colours or HEAD_WIDTH * max(1, width // WIDTH_PER_HEAD)
        if colours % HEAD_WIDTH or len(stages) != 4 or min(*stages, width, queries, layers) < 1:
            raise BadInput(
                f"ddcolor: colours is {colours}, width {width}, stages {list(stages)}, queries {queries}, "
                f"layers {layers}; give a multiple of {HEAD_WIDTH} of colours, four stages, and 1 or more of each."
            )
        self.stages = tuple(stages)
        widths = [width * 2**stage for stage in range(4)]
        self.encoder = timm.create_model("convnext_tiny", features_only=True, depths=self.stages, dims=tuple(widths))
        self.norms = nn.ModuleList(LayerNorm2d(each, eps=1e-6) for each in widths)
        outs = (2 * colours, 2 * colours, colours)
        self.pixels = nn.ModuleList(
            UNetBlock(coarse, skip, out)
            for coarse, skip, out in zip((widths[3], *outs), reversed(widths[:3]), outs, strict=False)
        )
        self.enlarge = ShuffleUp(colours, colours, scale=4)
        self.colours = ColourDecoder(outs, colours, queries=queries, layers=layers)
        self.fuse = start_grey(nn.Conv2d(queries + 3, 2, 1))
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def forward(self, condition: Tensor) -> Prediction:
        lightness = condition[:, :1]
        grey = (join_lab(lightness, torch.zeros_like(condition[:, 1:3])) - self.mean) / self.std
        *skips, x = [norm(each) for norm, each in zip(self.norms, self.encoder(grey), strict=True)]
        scales = []
        for block, skip in zip(self.pixels, reversed(skips), strict=True):
            x = block(x, skip)
            scales.append(x)
        found = self.colours(scales, self.enlarge(x))
        return {"ab": self.fuse(torch.cat((found, grey), dim=1)).float()}

    def published_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of every tensor of the public network of this size."""
        own = self.state_dict()
        shapes: dict[str, tuple[int, ...]] = {"mean": (1, 3, 1, 1), "std": (1, 3, 1, 1)}
        shapes |= {
            f"{_ARCH}.norm.{part}": tuple(own["norms.3.weight"].shape) for part in ("weight", "bias")
        }  # not read
        for key, name in self._published_names().items():
            tensor = own[key]
            if _is_spectral(key, tensor):
                filters, values = len(tensor), tensor[0].numel()
                shapes |= {f"{name}_orig": tuple(tensor.shape), f"{name}_u": (filters,), f"{name}_v": (values,)}
            else:
                shapes[name] = tuple(tensor.shape)
        return shapes

    def from_published(self, state: Mapping[str, Tensor], *, hint_gain: float = 1.0) -> dict[str, Tensor]:
        """The state dict of the public network as one of this class.

        Args:
            state: its ``state_dict()``.
            hint_gain: changes nothing, as hints are not read.

        Raises:
            BadInput: keys missing or unknown, or tensors of another shape.
        """
        given = take_published(state, self.published_shapes(), "ddcolor")
        loaded = {
            key: _folded(given, name) if f"{name}_orig" in given else given[name].clone()
            for key, name in self._published_names().items()
        }
        # The original predicts a* and b* in units of Lab.
        return loaded | {key: loaded[key] / AB_SCALE for key in ("fuse.weight", "fuse.bias")}

    def _published_names(self) -> dict[str, str]:
        modules = {
            "encoder.stem_0": f"{_ARCH}.downsample_layers.0.0",
            "encoder.stem_1": f"{_ARCH}.downsample_layers.0.1",
        }
        for i, blocks in enumerate(self.stages):
            modules[f"norms.{i}"] = f"{_ARCH}.norm{i}"
            modules[f"encoder.stages_{i}.downsample"] = f"{_ARCH}.downsample_layers.{i}"
            for j in range(blocks):
                ours, theirs = f"encoder.stages_{i}.blocks.{j}", f"{_ARCH}.stages.{i}.{j}"
                inside = {"conv_dw": "dwconv", "mlp.fc1": "pwconv1", "mlp.fc2": "pwconv2"}
                modules |= {f"{ours}.{mine}": f"{theirs}.{its}" for mine, its in inside.items()} | {ours: theirs}
        for i in range(SCALES):
            inside = {
                "up.conv": "shuf.conv.0",
                "up.norm": "shuf.conv.1",
                "norm_skip": "bn",
                "conv": "conv.0",
                "norm": "conv.2",
            }
            modules |= {f"pixels.{i}.{mine}": f"decoder.layers.{i}.{its}" for mine, its in inside.items()}
        colours = "decoder.color_decoder"
        for i in range(len(self.colours.layers)):
            inside = {
                "cross": f"transformer_cross_attention_layers.{i}.multihead_attn",
                "norm_cross": f"transformer_cross_attention_layers.{i}.norm",
                "own": f"transformer_self_attention_layers.{i}.self_attn",
                "norm_own": f"transformer_self_attention_layers.{i}.norm",
                "widen": f"transformer_ffn_layers.{i}.linear1",
                "narrow": f"transformer_ffn_layers.{i}.linear2",
                "norm": f"transformer_ffn_layers.{i}.norm",
            }
            modules |= {f"colours.layers.{i}.{mine}": f"{colours}.{its}" for mine, its in inside.items()}
        inside = {"query": "query_feat", "place": "query_embed", "level": "level_embed", "project": "input_proj"}
        inside |= {"norm": "decoder_norm"} | {f"embed.{2 * i}": f"color_embed.layers.{i}" for i in range(3)}
        modules |= {f"colours.{mine}": f"{colours}.{its}" for mine, its in inside.items()}
        modules |= {"enlarge.conv": "decoder.last_shuf.conv.0", "fuse": "refine_net.0.0"}
        return {key: name for key in self.state_dict() if (name := published_name(key, modules))}


def _is_spectral(key: str, tensor: Tensor) -> bool:
    return tensor.ndim == 4 and key.startswith(("pixels.", "enlarge.", "fuse."))


def _folded(given: Mapping[str, Tensor], name: str) -> Tensor:
    """W / σ with σ = uᵀ W v, as ``torch.nn.utils.spectral_norm`` has it in evaluation (arXiv:1802.05957, eq. 8)."""
    weight, u, v = (given[f"{name}_{part}"] for part in ("orig", "u", "v"))
    return weight / (u @ weight.flatten(1) @ v)


class ShuffleUp(nn.Module):
    """(N, in, h, w) to (N, out, scale · h, scale · w): 1×1 convolution, ReLU, pixel shuffle, and a blur.

    The mean of each pixel with those above and to the left takes what checkerboard is left (arXiv:1806.02658). The
    convolution starts as a nearest-neighbour resize (ICNR, arXiv:1707.02937).

    Args:
        norm: a batch norm behind the convolution, which then has no bias.
    """

    def __init__(self, in_channels: int, out_channels: int, *, scale: int = 2, norm: bool = False):
        super().__init__()
        self.scale = scale
        self.conv = nn.Conv2d(in_channels, out_channels * scale**2, 1, bias=not norm)
        self.norm = nn.BatchNorm2d(out_channels * scale**2) if norm else nn.Identity()
        he_normal(self)
        start_as_nearest(self.conv, scale)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pixel_shuffle(self.norm(self.conv(x)).relu(), self.scale)
        return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


class UNetBlock(nn.Module):
    """A coarse map (N, coarse, h, w) and a skip (N, skip, 2h, 2w) to (N, out, 2h, 2w)."""

    def __init__(self, coarse: int, skip: int, out: int):
        super().__init__()
        self.up = ShuffleUp(coarse, out, norm=True)
        self.norm_skip = nn.BatchNorm2d(skip)
        self.conv = nn.Conv2d(out + skip, out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out)
        he_normal(self.conv)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        joined = torch.cat((self.up(x), self.norm_skip(skip)), dim=1).relu()
        return self.norm(self.conv(joined).relu())


class ColourDecoder(nn.Module):
    """Maps (N, C_i, h_i, w_i) and features (N, C, H, W) to how much each pixel is of each colour (N, queries, H, W).

    Section 3.3: learned queries attend to the maps by turns, one a layer; what becomes of them is multiplied with the
    features.

    Args:
        scales: C_i.
        channels: C.
    """

    def __init__(self, scales: Sequence[int], channels: int, *, queries: int, layers: int):
        super().__init__()
        self.query = nn.Embedding(queries, channels)
        self.place = nn.Embedding(queries, channels)
        self.level = nn.Embedding(len(scales), channels)
        self.project = nn.ModuleList(nn.Conv2d(each, channels, 1) for each in scales)
        self.layers = nn.ModuleList(ColourLayer(channels) for _ in range(layers))
        self.norm = nn.LayerNorm(channels)
        inner = (layer for _ in range(2) for layer in (nn.Linear(channels, channels), nn.ReLU()))
        self.embed = nn.Sequential(*inner, nn.Linear(channels, channels))
        for name, parameter in self.project.named_parameters():
            if name.endswith("weight"):
                nn.init.kaiming_uniform_(parameter, a=1)
            else:
                nn.init.zeros_(parameter)

    def forward(self, scales: Sequence[Tensor], features: Tensor) -> Tensor:
        sources = [
            (project(each) + level[:, None, None]).flatten(2).transpose(1, 2)
            for project, each, level in zip(self.project, scales, self.level.weight, strict=True)
        ]
        positions = [
            sine_positions(each.shape[-2], each.shape[-1], features.shape[1], features.device) for each in scales
        ]
        x = self.query.weight.expand(features.shape[0], -1, -1)
        for i, layer in enumerate(self.layers):
            x = layer(x, self.place.weight, sources[i % len(sources)], positions[i % len(sources)])
        return torch.einsum("nqc,nchw->nqhw", self.embed(self.norm(x)), features)


class ColourLayer(nn.Module):
    """Queries (N, Q, C) after attention to a map (N, h·w, C), to each other, and an MLP, each normalised (post-norm).

    Queries and places are told apart by positions (Q, C) and (h·w, C), which are added where attention compares.
    """

    def __init__(self, channels: int):
        super().__init__()
        heads = channels // HEAD_WIDTH
        self.cross = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.own = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.widen, self.narrow = nn.Linear(channels, 8 * channels), nn.Linear(8 * channels, channels)
        self.norm_cross, self.norm_own, self.norm = (nn.LayerNorm(channels) for _ in range(3))
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, x: Tensor, place: Tensor, source: Tensor, position: Tensor) -> Tensor:
        seen, _ = self.cross(x + place, source + position, source, need_weights=False)
        x = self.norm_cross(x + seen)
        seen, _ = self.own(x + place, x + place, x, need_weights=False)
        x = self.norm_own(x + seen)
        return self.norm(x + self.narrow(self.widen(x).relu()))


def sine_positions(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """(h·w, channels): sines and cosines of the row in the first half, of the column in the second.

    Both run from 2π / size to 2π, so that a photo's size does not matter (arXiv:2005.12872, appendix A.4).
    """
    half = channels // 2
    pair = torch.arange(0, half, 2, device=device, dtype=torch.float32)
    period = TEMPERATURE ** (pair / half)

    def waves(size: int) -> Tensor:
        along = torch.arange(1, size + 1, device=device, dtype=torch.float32) / (size + 1e-6) * 2 * math.pi
        angle = along[:, None] / period
        return torch.stack((angle.sin(), angle.cos()), dim=2).flatten(1)

    down, across = waves(height)[:, None].expand(-1, width, -1), waves(width).expand(height, -1, -1)
    return torch.cat((down, across), dim=2).flatten(0, 1)
