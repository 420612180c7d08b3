"""One training on several devices: data parallel, a process a device, each with its share of every batch.

All processes do the same: they draw the same batch from the same generators, take their share of it, average the
gradients before the optimizer's step, and so keep equal weights. What a batch decides as a whole stays so: batch
normalisation takes its statistics over all shares (:func:`batch_norm`). Two processes therefore train as one does with
the same batch, but for rounding, where the loss is a mean over photos. What differs: dropout draws for each share by
itself, and a loss that is weighted within its batch, as ``rebalanced_ce`` is, is weighted within its share.

Gradients are averaged after the backward pass, and not by torch's DistributedDataParallel: that is told once which
parameters there are, while an objective may freeze some, or train two players over one forward pass.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput, Stopped
from zoo.harness.training.device import derive, random_states, set_random_states
from zoo.harness.training.loop import LOG_EVERY, BatchStream, Training

_RANKS = "ranks"
"""Where a checkpoint has the random states of the processes but the first."""


class Together(Training):
    """One process's part of a training on several devices, in a process group that is there.

    Only the first process, which has something to write, keeps checkpoints.

    Raises:
        BadInput: a batch that cannot be shared out evenly.
    """

    def __init__(self, colorizer: Any, objective: Any, stream: BatchStream, *rest: Any, seed: int, **more: Any):
        super().__init__(colorizer, objective, _Shares(stream), *rest, **more)
        self._seed = seed
        self._others: list[Any] = []

    begun = False
    """Whether one has begun in this process."""

    def begin(self) -> None:
        """Go on in every process from where the first one stands.

        Raises:
            Stopped: there is nothing to train, as the first one says by :func:`nothing_to_train`.
        """
        Together.begun = True
        told: list[Any] = [{**self.state_dict(), _RANKS: self._others}]
        dist.broadcast_object_list(told, src=0)
        (state,) = told
        if state is None:
            raise Stopped("nothing to train")
        if rank := dist.get_rank():
            self.load_state_dict(state)
            if rank <= len(self._others):
                set_random_states(self._others[rank - 1], self.device)
            else:
                torch.manual_seed(derive(self._seed, "noise", str(rank), str(self.step)))

    def one_step(self) -> dict[str, Tensor]:
        before = self.photos
        with SharedBatchNorm():
            terms = super().one_step()
        self.photos = before + (self.photos - before) * dist.get_world_size()
        return terms

    def _share_gradients(self, player: str) -> None:
        gradients = [p.grad for p in self._parameters[player] if p.grad is not None]
        for dtype in dict.fromkeys(gradient.dtype for gradient in gradients):
            these = [gradient for gradient in gradients if gradient.dtype == dtype]
            flat = torch.cat([gradient.reshape(-1) for gradient in these])
            dist.all_reduce(flat)
            flat /= dist.get_world_size()
            for gradient, part in zip(these, flat.split([each.numel() for each in these]), strict=True):
                gradient.copy_(part.view_as(gradient))

    def _log(self, terms: Mapping[str, Tensor]) -> dict[str, float]:
        """Of the whole batch: the mean over the shares."""
        values = torch.stack([value.detach().double() for value in terms.values()])
        dist.all_reduce(values)
        return super()._log(dict(zip(terms, values / dist.get_world_size(), strict=True)))

    def agreed(self, value: bool) -> bool:
        """What the first process says, asked at the steps at which the loss is looked at; False at others."""
        if self.step % LOG_EVERY and self.progress < 1:
            return False
        told = torch.tensor([int(value)])
        dist.broadcast(told, src=0)
        return bool(told)

    def checkpoint(self) -> dict[str, Any]:
        found: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(found, random_states(self.device))
        return {} if dist.get_rank() else {**self.state_dict(), _RANKS: found[1:]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._others = list(state.get(_RANKS, []))


def nothing_to_train() -> None:
    """The first process's run has ended; where it has trained nothing, the others need not wait for it."""
    if not Together.begun:
        dist.broadcast_object_list([None], src=0)


class _Shares:
    """A stream of batches, of which every process takes its share."""

    def __init__(self, stream: BatchStream):
        self.stream = stream
        self.state_dict, self.load_state_dict = stream.state_dict, stream.load_state_dict

    def forever(self) -> Iterator[Batch]:
        for photos in getattr(self.stream, "photos", ()):
            even_share(photos, dist.get_world_size())  # a size that comes late is not to end a training
        for batch in self.stream.forever():
            yield share(batch, dist.get_rank(), dist.get_world_size())


def even_share(photos: int, world: int) -> int:
    """How many of a batch's photos each of ``world`` processes has.

    Raises:
        BadInput: the batch cannot be shared out evenly.
    """
    if photos % world:
        raise BadInput(
            f"A batch of {photos} photos cannot be shared out to {world} devices; --set suite.batch to a multiple, "
            "and suite.train_sizes, if there are any, to sides at which it is one too."
        )
    return photos // world


def share(batch: Batch, rank: int, world: int) -> Batch:
    """The photos of a batch that one of ``world`` processes has.

    Raises:
        BadInput: the batch cannot be shared out evenly.
    """
    part = even_share(len(batch.ab), world)
    mine = slice(rank * part, (rank + 1) * part)
    fields = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    extras = {name: value[mine] for name, value in fields.pop("extras").items()}
    return Batch(**{name: value[mine] for name, value in fields.items()}, extras=extras)


class SharedBatchNorm(TorchFunctionMode):
    """While it is entered, batch normalisation in training mode is done by :func:`batch_norm` of this module.

    A mode, so that it reaches what is within timm, segmentation-models-pytorch and plugins too, and works on the CPU,
    where torch's SyncBatchNorm does not.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function is F.batch_norm:
            given = inspect.signature(F.batch_norm).bind(*args, **(kwargs or {}))
            given.apply_defaults()
            told = given.arguments
            if told.pop("training"):
                return batch_norm(**told)
        return function(*args, **(kwargs or {}))


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """:func:`torch.nn.functional.batch_norm` in training, over the shares of all processes (arXiv:1502.03167, alg. 1).

    Args:
        input: (N, C, …); N may differ from process to process.
        running_mean, running_var: (C,), moved towards those of the whole batch.
    """
    with torch.autocast(input.device.type, enabled=False):
        x = input.to(torch.promote_types(input.dtype, torch.float32))
        over = [0, *range(2, x.ndim)]
        shape = (1, -1) + (1,) * (x.ndim - 2)
        count = _Sum.apply(torch.tensor(float(x.numel() // x.shape[1]), device=x.device))
        mean: Tensor = _Sum.apply(x.sum(over)) / count
        centred = x - mean.view(shape)
        variance: Tensor = _Sum.apply(centred.square().sum(over)) / count
        with torch.no_grad():
            if running_mean is not None:
                running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            if running_var is not None:
                running_var.lerp_((variance * count / (count - 1).clamp_min(1)).to(running_var.dtype), momentum)
        out: Tensor = centred * (variance + eps).rsqrt().view(shape)
        if weight is not None:
            out = out * weight.view(shape)
        out = out if bias is None else out + bias.view(shape)
        return out.to(input.dtype)


class _Sum(torch.autograd.Function):
    """The sum over all processes, in each; the gradient of the sum of their losses."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        value = value.clone()
        dist.all_reduce(value)
        return value

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        dist.all_reduce(gradient)
        return gradient
