"""Train a classifier of handwritten digits, data-parallel over the ranks of a torchrun-style launch.

Every rank takes its share of each batch; gradients are averaged over the ranks before every step. With PyTorch
installed it is DistributedDataParallel over gloo, else plain numpy with sums over sockets. Rank 0 judges the network on
the held-out quarter and writes ``network.npz``, ``held-out.json`` (samples, labels and predictions for whoever serves
the network) and ``training.json`` into the working directory. Ends with 1 when the accuracy stays below TARGET.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from network import BRIGHTEST, Array, Network
from numpy.typing import NDArray
from ranks import Ranks
from sklearn.datasets import load_digits  # type: ignore[import-not-found]
from sklearn.model_selection import train_test_split  # type: ignore[import-not-found]

TARGET = 0.96
SEED = 3
EPOCHS = 60
BATCH = 32
RATE = 0.1
MOMENTUM = 0.9
DECAY = 1e-4
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Digits:
    """Samples (rows of 64 pixels, 0 to 16) with their labels, to learn from and to be judged by."""

    samples: Array
    labels: NDArray[np.intp]
    held_out_samples: Array
    held_out_labels: NDArray[np.intp]


def load() -> Digits:
    """The 1797 digits scikit-learn ships, a quarter of each label held out: the same quarter on every rank.

    They are the test set of E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998, doi:10.24432/C50P49.
    """
    samples, labels = load_digits(return_X_y=True)
    learn, judge, learn_labels, judge_labels = train_test_split(
        samples, labels, test_size=0.25, stratify=labels, random_state=SEED
    )
    return Digits(learn, learn_labels, judge, judge_labels)


def batches(count: int, epoch: int) -> list[NDArray[np.intp]]:
    """This rank's share of every batch of an epoch: all shares are equal, so that the mean of their means is the mean.

    Raises ValueError where a batch cannot be shared equally.
    """
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if BATCH % size:
        raise ValueError(f"a batch of {BATCH} has no equal shares for {size} ranks")
    order = np.random.default_rng((SEED, epoch)).permutation(count)
    return [order[start + rank : start + BATCH : size] for start in range(0, count - BATCH + 1, BATCH)]


def rate(epoch: int) -> float:
    """Learning rate falling to zero along a cosine (Loshchilov and Hutter, 2017, arXiv:1608.03983)."""
    return RATE * 0.5 * (1 + float(np.cos(np.pi * epoch / EPOCHS)))


def gradients(network: Network, samples: Array, labels: NDArray[np.intp]) -> tuple[float, list[Array]]:
    """Mean cross-entropy of a batch and its gradients, in the order weights 0, weights 1, biases 0, biases 1."""
    hidden, scores = network.layers(samples)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_share = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    error = np.exp(log_share)
    error[rows, labels] -= 1.0
    error /= len(labels)
    back = (error @ network.weights[1].T) * (hidden > 0)
    found = [samples.T / BRIGHTEST @ back, hidden.T @ error, back.sum(axis=0), error.sum(axis=0)]
    return float(-log_share[rows, labels].mean()), found


def train_with_numpy(digits: Digits) -> Network:
    """Stochastic gradient descent with momentum, every rank keeping the same network."""
    network = Network.random(SEED)
    parameters = [*network.weights, *network.biases]
    speeds = [np.zeros_like(parameter) for parameter in parameters]
    bounds = np.cumsum([1, *(parameter.size for parameter in parameters)])
    with Ranks() as ranks:
        for epoch in range(EPOCHS):
            losses = []
            for chosen in batches(len(digits.labels), epoch):
                loss, found = gradients(network, digits.samples[chosen], digits.labels[chosen])
                packed = np.concatenate([[loss], *(gradient.ravel() for gradient in found)])
                mean = ranks.sum(packed) / ranks.size
                losses.append(float(mean[0]))
                averages = [
                    mean[start : start + parameter.size].reshape(parameter.shape)
                    for parameter, start in zip(parameters, bounds, strict=False)
                ]
                step(parameters, speeds, averages, rate(epoch))
            report(epoch, losses)
    return network


def step(parameters: list[Array], speeds: list[Array], averages: list[Array], size: float) -> None:
    """Move the parameters, in place, down the averaged gradients."""
    for at, average in enumerate(averages):
        speeds[at] = MOMENTUM * speeds[at] + average + DECAY * parameters[at]
        parameters[at] -= size * speeds[at]


def train_with_torch(digits: Digits) -> Network:
    """The same training by PyTorch: DistributedDataParallel averages the gradients over gloo."""
    import torch  # type: ignore[import-not-found]  # noqa: PLC0415 - optional
    from torch import distributed, nn  # noqa: PLC0415 - as above

    start = Network.random(SEED)
    layers = [nn.Linear(*weights.shape) for weights in start.weights]
    with torch.no_grad():
        for layer, weights, biases in zip(layers, start.weights, start.biases, strict=True):
            layer.weight.copy_(torch.from_numpy(weights.T))
            layer.bias.copy_(torch.from_numpy(biases))
    samples, labels = torch.from_numpy(digits.samples / BRIGHTEST), torch.from_numpy(digits.labels)
    distributed.init_process_group("gloo")
    try:
        model = nn.parallel.DistributedDataParallel(nn.Sequential(layers[0], nn.ReLU(), layers[1]).double())
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
        for epoch in range(EPOCHS):
            optimizer.param_groups[0]["lr"] = rate(epoch)
            losses = []
            for chosen in batches(len(labels), epoch):
                loss = nn.functional.cross_entropy(model(samples[chosen]), labels[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            report(epoch, losses)
    finally:
        distributed.destroy_process_group()
    first, second = layers
    return Network(
        (first.weight.detach().numpy().T, second.weight.detach().numpy().T),
        (first.bias.detach().numpy(), second.bias.detach().numpy()),
    )


def report(epoch: int, losses: list[float]) -> None:
    """Rank 0 says every tenth epoch how far it is."""
    if (epoch + 1) % 10 == 0 and os.environ["RANK"] == "0":
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {np.mean(losses):.4f}", flush=True)


def write(name: str, value: dict[str, object]) -> None:
    """Write a JSON file, whole or not at all."""
    staged = Path(f"{name}.part")
    staged.write_text(json.dumps(value) + "\n")
    staged.replace(name)


def main() -> int:
    """Train; on rank 0 judge and write; 0 when the network is good enough."""
    began = time.monotonic()
    digits = load()
    with_torch = importlib.util.find_spec("torch") is not None
    network = (train_with_torch if with_torch else train_with_numpy)(digits)
    if os.environ["RANK"] != "0":
        return 0
    predicted = network.labels(digits.held_out_samples)
    accuracy = float((predicted == digits.held_out_labels).mean())
    network.save(Path("network.npz"))
    write(
        "held-out.json",
        {
            "samples": digits.held_out_samples[:SHOWN].tolist(),
            "labels": digits.held_out_labels[:SHOWN].tolist(),
            "predicted": predicted[:SHOWN].tolist(),
        },
    )
    write(
        "training.json",
        {
            "with": "torch" if with_torch else "numpy",
            "ranks": int(os.environ["WORLD_SIZE"]),
            "learned_from": len(digits.labels),
            "held_out": len(digits.held_out_labels),
            "accuracy": accuracy,
            "target": TARGET,
            "passed": accuracy >= TARGET,
            "seconds": round(time.monotonic() - began, 3),
        },
    )
    print(f"held-out accuracy {accuracy:.4f} of {len(predicted)} digits, target {TARGET}")
    return 0 if accuracy >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
