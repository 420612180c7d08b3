"""Any backbone of timm as a pyramid.

timm is imported where a backbone is built: with torchvision behind it that takes seconds, and to look at a table
needs neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput, Unavailable, UnknownName, did_you_mean
from zoo.core.ingredients import of_distribution, of_file
from zoo.parts.weights.imagenet import VARIANTS, shipped_ingredients, shipped_state_dict

if TYPE_CHECKING:
    from timm.models import FeatureInfo, PretrainedCfg

_LOADS = ("checkpoint_path", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")
"""What makes ``timm.create_model`` open files. Before 1.0.26 it unpickled them, which runs whatever code they hold."""

_SHIPPED = {f"tf_efficientnet_lite{variant}": variant for variant in VARIANTS}


class TimmEncoder(nn.Module):
    """A timm backbone's feature maps, fine to coarse, as NCHW: (N, in, H, W) to a pyramid.

    The reductions are the backbone's own; most start at 2 or 4, plain vision transformers have one for all.

    Pretrained trunks know photos as RGB. Their first convolution is made to see the same photo in our
    lightness channel, and nothing yet in the others (:func:`see_grey`); these learn from zero. Weights of
    EfficientNet-Lite 0-2 come from the packages of the ``pretrained`` extra, all others from timm's hub.

    Args:
        backbone: a name of ``timm.list_models()``.
        pretrained: start from ImageNet weights.
        depth: take only this many maps, from the finest; None takes timm's choice.
        timm_options: passed on to ``timm.create_model``, such as ``{dynamic_img_size: true}`` (needed by
            vision transformers) or ``{out_indices: [2, 5, 8, 11]}``; none that load weights, for which
            ``pretrained`` is there.

    Raises:
        UnknownName: timm has no such backbone.
        BadInput: the backbone has no feature maps, or no such depth or options.
        Unavailable: the pretrained weights cannot be had here.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        backbone: str = "tf_efficientnet_lite0",
        pretrained: bool = False,
        depth: int | None = None,
        timm_options: Mapping[str, Any] | None = None,
    ):
        import timm

        super().__init__()
        if not timm.is_model(backbone):
            raise UnknownName(f"timm has no backbone {backbone!r}; {did_you_mean(backbone, timm.list_models())}")
        if depth is not None and depth < 1:
            raise BadInput(f"A backbone of depth {depth} has no maps; give 1 or more.")
        loading = [key for key in timm_options or {} if key in _LOADS]
        if loading:
            raise BadInput(
                f"timm_options of {backbone!r}: {', '.join(loading)} would load weights from elsewhere; leave it out, "
                "and use pretrained: true."
            )
        options = {} if depth is None else {"out_indices": tuple(range(depth))}
        options.update(timm_options or {})
        if pretrained:
            self.backbone = _pretrained(backbone, options)
            see_grey(self.backbone, in_channels, backbone)
        else:
            self.backbone = _created(backbone, in_chans=in_channels, **options)
        _drop_stages_below(self.backbone)
        info = cast("FeatureInfo", self.backbone.feature_info)
        self.levels = tuple(
            Level(channels, reduction) for channels, reduction in zip(info.channels(), info.reduction(), strict=True)
        )
        self.channels_last = str(getattr(self.backbone, "output_fmt", "NCHW")).endswith("NHWC")

    @staticmethod
    def ingredients(
        *, backbone: str, pretrained: bool, timm_options: Mapping[str, Any] | None, **_: object
    ) -> dict[str, str]:
        """Whose weights it starts from: a package's version, timm's own choice by its version, or a file's digest."""
        given = (timm_options or {}).get("checkpoint_path")
        file = {"checkpoint_path": of_file(given)} if given else {}
        if not pretrained:
            return file
        if backbone in _SHIPPED:
            return {**file, **shipped_ingredients(_SHIPPED[backbone])}
        return {**file, "timm": of_distribution("timm")}

    def forward(self, x: Tensor) -> Pyramid:
        maps = self.backbone(x)
        if self.channels_last:
            maps = [features.permute(0, 3, 1, 2).contiguous() for features in maps]
        return Pyramid(list(maps))


def _drop_stages_below(backbone: nn.Module) -> None:
    """timm's EfficientNet family runs on below the coarsest map asked for; nothing there would ever be trained."""
    from timm.models.efficientnet import EfficientNetFeatures
    from timm.models.mobilenetv3 import MobileNetV3Features

    if isinstance(backbone, (EfficientNetFeatures, MobileNetV3Features)):
        coarsest = backbone.feature_info.module_name()[-1]  # "blocks.4", or something of the stem's
        kept = int(coarsest.split(".")[1]) + 1 if coarsest.startswith("blocks.") else 0
        backbone.blocks = backbone.blocks[:kept]


@torch.no_grad()
def see_grey(backbone: nn.Module, in_channels: int, name: str) -> None:
    """Change, in place, the RGB input of ``backbone`` to our condition, without changing what it computes.

    A grey pixel of value v ∈ [0, 1] entered the trunk as ((v − mean_c) / std_c) over c = R, G, B; now it
    enters as the lightness 2v − 1. So the lightness filter is Σ_c w_c · 0.5 / std_c, the simple sum where
    mean = std = 0.5, as in EfficientNet-Lite. Other means leave a constant: it goes into the bias where
    there is one, and where there is none a batch norm that follows removes it. The filters of the
    other channels are zero: the trunk starts as it was trained, and they get their gradient at once.

    Args:
        name: what an error calls the backbone; also where timm keeps its mean and std.

    Raises:
        BadInput: the backbone does not begin with a convolution over RGB.
    """
    import timm

    stem = next((m for m in backbone.modules() if isinstance(m, nn.Conv2d)), None)
    if stem is None or stem.in_channels != 3 or stem.groups != 1:
        raise BadInput(f"The stem of {name!r} is no convolution over RGB; use pretrained: false with it.")
    trained_on = cast("PretrainedCfg", timm.get_pretrained_cfg(name))
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (trained_on.mean, trained_on.std))
    per_unit = stem.weight / std
    weight = torch.zeros(stem.out_channels, in_channels, *stem.kernel_size)
    weight[:, :1] = (0.5 * per_unit).sum(1, keepdim=True)
    if stem.bias is not None:
        stem.bias += ((0.5 - mean) * per_unit).sum((1, 2, 3))
    stem.weight = nn.Parameter(weight)
    stem.in_channels = in_channels


def _pretrained(name: str, options: Mapping[str, Any]) -> nn.Module:
    import timm

    if name in _SHIPPED:
        weights = shipped_state_dict(_SHIPPED[name])
        backbone = _created(name, **options)
        # Feature extraction leaves out the classifier, and stages below the asked depth.
        backbone.load_state_dict({key: weights[key] for key in backbone.state_dict()})
        return backbone
    if not timm.is_model_pretrained(name):
        raise Unavailable(f"timm has no pretrained weights for {name!r}; use pretrained: false.")
    _created(name, **options)  # a wrong option shows here, and is not taken for an unreachable hub below
    try:
        return timm.create_model(name, features_only=True, pretrained=True, **options)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise Unavailable(
            f"The pretrained weights of {name!r} cannot be fetched ({reason}); "
            "go online once, or use pretrained: false."
        ) from error


def _created(name: str, **options: Any) -> nn.Module:
    import timm

    try:
        return timm.create_model(name, features_only=True, pretrained=False, **options)
    except (RuntimeError, AttributeError, TypeError, AssertionError, IndexError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise BadInput(
            f"timm cannot make a pyramid of {name!r} with {options}: {reason or type(error).__name__}."
        ) from error
