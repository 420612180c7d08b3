"""A trained colorizer teaches another one, usually smaller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import CONDITION_CHANNELS, Batch, Loss, Prediction, TrainingData
from zoo.core.errors import BadInput, did_you_mean
from zoo.core.trained import content_of, load

_LOOK = 64
"""The side of the blank photo with which the channels of named layers are looked up."""


class Distillation(nn.Module):
    """(1 − α) · Σ weight · loss(prediction, batch) + α · soft + hint_weight · hints.

    * Soft targets (arXiv:1503.02531, section 2). Where both colorizers predict ``logits`` over the same bins:
      T² · KL(softmax(teacher / T) ‖ softmax(student / T)), the mean over pixels; T² keeps the gradient's size whatever
      T is. Otherwise the distance to the teacher's ``ab``.
    * Hints (FitNets, arXiv:1412.6550, eq. 3), for each pair of layers: ½ (u − r(v))², the mean over elements, of the
      teacher's features u and the student's v, through a learned 1×1 convolution r. With ``normalise`` every
      feature vector is first brought to unit length, so that directions are mimicked and not sizes.

    The teacher is frozen and in evaluation mode.

    Args:
        colorizer: the student.
        losses: name → (weight, loss), against the truth.
        teacher: the folder of a finished run, or a model that needs no training.
        alpha: α, the share of the teacher.
        temperature: T.
        soft: ``l1`` or ``l2``, the distance to the teacher's ``ab``.
        hints: FitNets' word, of no colours: pairs of a layer of the teacher and a layer of the student, named as in
            ``network.named_modules()``.
        hint_weight: of all hints together.
        hint_stage: the first part of the training that has nothing but hints (the first stage of FitNets).
        normalise: see above.

    Raises:
        BadInput: no teacher, an option outside what is said here, or layers that are not there.
    """

    players = ("colorizer",)

    def __init__(
        self,
        colorizer: Colorizer,
        losses: Mapping[str, tuple[float, Loss]],
        *,
        teacher: str = "",
        alpha: float = 0.5,
        temperature: float = 4.0,
        soft: Literal["l1", "l2"] = "l1",
        hints: Sequence[tuple[str, str]] = (),
        hint_weight: float = 1.0,
        hint_stage: float = 0.0,
        normalise: bool = False,
    ):
        super().__init__()
        if not teacher:
            raise BadInput(
                "The objective 'distillation' has no teacher; name the folder of a finished run in the recipe: "
                "objective: {name: distillation, teacher: results/…}."
            )
        if not 0 <= alpha <= 1 or not temperature > 0 or not 0 <= hint_stage < 1:
            raise BadInput(
                f"objective 'distillation': alpha is {alpha}, temperature {temperature}, hint_stage {hint_stage}; "
                "give 0 to 1, above 0, and 0 to below 1."
            )
        if hint_stage and not hints:
            raise BadInput("objective 'distillation': hint_stage without hints has nothing to train; name some layers.")
        self._student = (colorizer,)  # in a tuple: not part of this module's own state
        self.losses = dict(losses)
        self.teacher = load(teacher).requires_grad_(False)
        self.extras = self.teacher.extras
        self.alpha = alpha
        self.temperature = temperature
        self.soft = soft
        self.pairs = tuple((of_teacher, of_student) for of_teacher, of_student in hints)
        self.hint_weight = hint_weight
        self.hint_stage = hint_stage
        self.normalise = normalise
        self.regressors = nn.ModuleList(
            nn.Conv2d(narrow, wide, 1)
            for wide, narrow in zip(
                _channels(self.teacher, [of_teacher for of_teacher, _ in self.pairs]),
                _channels(colorizer, [of_student for _, of_student in self.pairs]),
                strict=True,
            )
        )
        self.only_pairs = False

    @staticmethod
    def ingredients(*, teacher: str, **_: object) -> dict[str, str]:
        """The teacher's weights, wherever they lie."""
        return {"teacher": content_of(teacher)} if teacher else {}

    def prepare(self, data: TrainingData) -> None:
        """The teacher has learned already."""

    def begin_step(self, progress: float) -> None:
        self.only_pairs = progress < self.hint_stage

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.teacher.eval()
        return self

    def parameters_of(self, player: str) -> Iterable[nn.Parameter]:
        return [*self._student[0].parameters(), *self.regressors.parameters()]

    def loss(self, player: str, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The weighted sum, and each term by name, unweighted and detached."""
        student = self._student[0]
        with torch.no_grad(), captured(self.teacher.learner, [name for name, _ in self.pairs]) as shown:
            target = self.teacher(batch.condition, batch.extras)
        with captured(student.learner, [name for _, name in self.pairs]) as learned:
            prediction = student(batch.condition, batch.extras)
        weights: dict[str, float] = {}
        values: dict[str, Tensor] = {}
        if self.pairs:
            weights["hints"], values["hints"] = self.hint_weight, self._hint_loss(shown, learned)
        if not self.only_pairs:
            weights |= {name: (1 - self.alpha) * weight for name, (weight, _) in self.losses.items()}
            values |= {name: loss(prediction, batch) for name, (_, loss) in self.losses.items()}
            weights["soft"], values["soft"] = self.alpha, self._soft_loss(prediction, target)
        total = torch.stack([weights[name] * value for name, value in values.items()]).sum()
        return total, {name: value.detach() for name, value in values.items()}

    def _soft_loss(self, prediction: Prediction, target: Prediction) -> Tensor:
        ours, theirs = prediction.get("logits"), target.get("logits")
        if ours is not None and theirs is not None:
            if ours.shape != theirs.shape:
                raise BadInput(
                    f"The teacher's logits are {tuple(theirs.shape)}, the student's {tuple(ours.shape)}; "
                    "distil between heads with the same bins and size."
                )
            return soft_target_loss(ours.float(), theirs.float(), self.temperature)
        distance = F.l1_loss if self.soft == "l1" else F.mse_loss
        return distance(prediction["ab"].float(), target["ab"].float())

    def _hint_loss(self, shown: Mapping[str, Tensor], learned: Mapping[str, Tensor]) -> Tensor:
        terms = []
        for regressor, (of_teacher, of_student) in zip(self.regressors, self.pairs, strict=True):
            u, v = shown[of_teacher].float(), regressor(learned[of_student]).float()
            if v.shape[-2:] != u.shape[-2:]:
                v = F.interpolate(v, u.shape[-2:], mode="bilinear")
            if self.normalise:
                u, v = F.normalize(u, dim=1), F.normalize(v, dim=1)
            terms.append(0.5 * F.mse_loss(v, u))
        return torch.stack(terms).sum()


def soft_target_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T² · KL(softmax(teacher / T) ‖ softmax(student / T)) over channels, the mean over photos and pixels."""
    log_student = F.log_softmax(student / temperature, dim=1)
    log_teacher = F.log_softmax(teacher / temperature, dim=1)
    divergence = F.kl_div(log_student, log_teacher, log_target=True, reduction="none").sum(1)
    return temperature**2 * divergence.mean()


def _channels(colorizer: Colorizer, names: Sequence[str]) -> list[int]:
    """The channels of the named layers' outputs, from a look at a blank photo."""
    if not names:
        return []
    if colorizer.extras:
        raise BadInput(f"{colorizer.name} needs {', '.join(colorizer.extras)}; hints work without extras only.")
    parameter = next(colorizer.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    training = colorizer.training
    with torch.no_grad(), captured(colorizer.learner, names) as found:
        colorizer.eval()(torch.zeros(1, CONDITION_CHANNELS, _LOOK, _LOOK, device=device))
    colorizer.train(training)
    return [found[name].shape[1] for name in names]


@contextmanager
def captured(module: nn.Module, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """While it lasts, the outputs (N, C, H, W) of the named submodules, after each forward of ``module``.

    Raises:
        BadInput: no such submodule, or one whose output is not a feature map.
    """
    found: dict[str, Tensor] = {}
    known = dict(module.named_modules())
    with ExitStack() as hooks:
        for name in names:
            if not name or name not in known:
                raise BadInput(f"There is no layer {name!r} in this network; {did_you_mean(name, known)}")

            def keep(_: nn.Module, __: Any, output: Any, name: str = name) -> None:
                if not isinstance(output, Tensor) or output.ndim != 4:
                    raise BadInput(f"The layer {name!r} gives no feature map (N, C, H, W); name another one.")
                found[name] = output

            hooks.callback(known[name].register_forward_hook(keep).remove)
        yield found
