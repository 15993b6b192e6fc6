# SPDX-License-Identifier: Apache-2.0
"""Makes the golden file of the optimizer's step: PyTorch's AdamW after
clip_grad_norm_, and a moving average of the parameters.

Tensors are `<when>.<tensor>` for step 0 (the beginning) to 5, and
`<step>.gradient.<tensor>`; the last gradient of step 4 holds a NaN, so nothing
happens in that step. `norms` are the gradients' before clipping. Biases and
scalars do not decay.

    python tests/models/golden/make_optimizer.py
"""
import json
import pathlib

import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parent
SHAPES = {"conv.weight": (7, 5, 3, 3), "conv.bias": (7,),
          "linear.weight": (19, 33), "linear.bias": (19,), "norm.weight": ()}
HYPER = {"learning_rate": 3e-3, "weight_decay": 0.05, "beta1": 0.9,
         "beta2": 0.999, "epsilon": 1e-8, "max_norm": 2.0,
         "average_decay": 0.995}
# Of the gradients: below the largest norm, above it, far above it, and tiny.
SCALES = [0.01, 1.0, 300.0, 1.0, 1e-6]
NAN_STEP = 4


def main():
    torch.manual_seed(17)
    parameters = {name: torch.nn.Parameter(torch.randn(shape))
                  for name, shape in SHAPES.items()}
    average = {name: p.detach().clone() for name, p in parameters.items()}
    groups = [
        {"params": [p for p in parameters.values() if p.ndim > 1],
         "weight_decay": HYPER["weight_decay"]},
        {"params": [p for p in parameters.values() if p.ndim <= 1],
         "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(
        groups, lr=HYPER["learning_rate"],
        betas=(HYPER["beta1"], HYPER["beta2"]), eps=HYPER["epsilon"],
        foreach=False)
    tensors, norms = {}, []

    def keep(step):
        for name, p in parameters.items():
            tensors[f"{step}.parameters.{name}"] = p.detach().clone()
            tensors[f"{step}.average.{name}"] = average[name].clone()
            state = optimizer.state.get(p, {})
            for key in ("exp_avg", "exp_avg_sq"):
                zero = torch.zeros_like(p)
                tensors[f"{step}.{key}.{name}"] = state.get(key, zero).clone()

    keep(0)
    for step, scale in enumerate(SCALES, start=1):
        for name, p in parameters.items():
            p.grad = torch.randn(p.shape) * scale
            if step == NAN_STEP and name == "linear.bias":
                p.grad[11] = float("nan")
            tensors[f"{step}.gradient.{name}"] = p.grad.clone()
        norm = torch.nn.utils.clip_grad_norm_(
            parameters.values(), HYPER["max_norm"])
        norms.append(norm.item())
        if norm.isfinite():
            optimizer.step()
            for name, p in parameters.items():
                average[name].lerp_(p.detach(), 1 - HYPER["average_decay"])
        keep(step)
    tensors["norms"] = torch.tensor(norms)
    path = FOLDER / "optimizer.safetensors"
    save_file({k: v.contiguous() for k, v in tensors.items()}, path,
              metadata={"hyper": json.dumps(HYPER)})
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB, norms {norms}")


if __name__ == "__main__":
    main()
