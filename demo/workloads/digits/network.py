"""A small classifier of handwritten digits: 64 pixels, one hidden layer, ten labels.

Arrays only, so that a trained network answers without whatever trained it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PIXELS = 64
HIDDEN = 64
LABELS = 10
BRIGHTEST = 16.0

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Network:
    """Weights and biases in the order of the layers; ``weights[i]`` maps the columns of layer i to those of i + 1."""

    weights: tuple[Array, Array]
    biases: tuple[Array, Array]

    @classmethod
    def random(cls, seed: int) -> Network:
        """An untrained network, the same on every rank that names the same seed (He et al., 2015, arXiv:1502.01852)."""
        draw = np.random.default_rng(seed)
        weights = (
            draw.normal(0.0, np.sqrt(2 / PIXELS), (PIXELS, HIDDEN)),
            draw.normal(0.0, np.sqrt(2 / HIDDEN), (HIDDEN, LABELS)),
        )
        return cls(weights, (np.zeros(HIDDEN), np.zeros(LABELS)))

    @classmethod
    def load(cls, path: Path) -> Network:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls((stored["weights0"], stored["weights1"]), (stored["biases0"], stored["biases1"]))

    def save(self, path: Path) -> None:
        """Write the arrays as one NPZ file, whole or not at all."""
        staged = path.with_name(f"{path.name}.part")
        with staged.open("wb") as target:
            np.savez(
                target,
                weights0=self.weights[0],
                weights1=self.weights[1],
                biases0=self.biases[0],
                biases1=self.biases[1],
            )
        staged.replace(path)

    def layers(self, samples: Array) -> tuple[Array, Array]:
        """Hidden activations and scores of ``samples``: one row a sample, pixels from 0 to BRIGHTEST."""
        hidden = np.maximum(samples / BRIGHTEST @ self.weights[0] + self.biases[0], 0.0)
        return hidden, hidden @ self.weights[1] + self.biases[1]

    def labels(self, samples: Array) -> NDArray[np.intp]:
        """The likeliest label of each sample."""
        return np.asarray(self.layers(samples)[1].argmax(axis=1))
