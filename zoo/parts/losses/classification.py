"""Cross-entropy of a photo's class, learned beside its colours."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput

UNLABELLED = -1


class Classification:
    """Mean cross-entropy over the photos that have a label; 0 where none has.

    Reads ``prediction["label_logits"]`` (N, K) and ``batch.extras["label"]`` (N,) int64, −1 where a
    photo has no label. Data without labels trains the colours alone, as in Iizuka et al. 2016
    (who weigh it 1/300 against the squared error of chroma).

    Raises:
        BadInput: the colorizer predicts no ``label_logits``.
    """

    extras = ("label",)

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        if "label_logits" not in prediction:
            raise BadInput(
                "loss 'classification' needs a colorizer that predicts 'label_logits', such as "
                "'iizuka2016' with --set classes=205; set its classes, or take the loss out of the recipe."
            )
        logits = prediction["label_logits"].float()
        if "label" not in batch.extras:
            return 0.0 * logits.sum()
        label = batch.extras["label"]
        total = F.cross_entropy(logits, label, ignore_index=UNLABELLED, reduction="sum")
        return total / (label != UNLABELLED).sum().clamp_min(1)
