"""The online experiment as the authors run it, from a file to rows.

    python -m benchmarks.programs.online_authors DATA.npz ROUNDS EPOCHS OUT

Cold and warm, a thousand new samples a round, a fixed number of epochs, and an
evaluation on the held-out third after each round.
"""

import json
import sys

import numpy as np
import torch

from benchmarks import work
from benchmarks.programs import torch_authors as authors
from benchmarks.programs import torch_networks as networks
from ws_keras.data import rounds as round_indices


def main(path: str, rounds: str, epochs: str, out: str) -> None:
    """Runs both arms and writes a row after each round."""
    with np.load(path, allow_pickle=False) as file:
        x, y = file["x"], file["y"]
    fit, held_out = work.split(len(x))
    parts = round_indices.online(fit, 1000)[: int(rounds)]
    with open(out, "w") as rows:
        for arm in ("cold", "warm"):
            for row in _arm(arm, x, y, parts, held_out, int(epochs)):
                print(json.dumps({"arm": arm, **row}), file=rows, flush=True)


def _arm(arm, x, y, parts, held_out, epochs):
    torch.manual_seed(work.SEED)
    model = None
    for number, part in enumerate(parts, 1):
        if model is None or arm == "cold":
            model = networks.ResNet18()
        rule = networks.optimizer("adam", model)
        images = authors.Images(x[part], y[part])
        for epoch in range(1, epochs + 1):
            order = work.order(epoch, len(part), number).tolist()
            loss = authors.train_epoch(model, rule, images, order)
        eval_loss = authors.evaluate(model, x[held_out], y[held_out])
        yield {"round": number, "loss": loss, "eval_loss": eval_loss}


if __name__ == "__main__":
    main(*sys.argv[1:])
