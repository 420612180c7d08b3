"""A batch of conditions photo by photo, as arrays of numpy, for what no tensor operation does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from zoo.core.errors import BadInput

Spread = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(lightness (H, W) in [0, 1], colours (H, W, 2), known bool (H, W)) → (H, W, C), all float64."""


@torch.no_grad()
def each_photo(condition: Tensor, spread: Spread) -> Tensor:
    """What ``spread`` makes of a batch (N, 4, H, W), photo by photo: (N, C, H, W) float32 on the batch's device.

    Raises:
        BadInput: it is being exported.
    """
    refuse_a_graph()
    photos = condition.detach().permute(0, 2, 3, 1).cpu().double().numpy()
    found = [spread((photo[..., 0] + 1) / 2, photo[..., 1:3], photo[..., 3] > 0.5) for photo in photos]
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).float().contiguous().to(condition.device)


def refuse_a_graph() -> None:
    """Raise BadInput where a model is being exported."""
    if torch.compiler.is_exporting():
        raise BadInput("it works photo by photo in numpy and scipy (a solver, a search), which no graph holds")
