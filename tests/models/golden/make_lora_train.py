# SPDX-License-Identifier: Apache-2.0
"""Makes lora_train.safetensors: an adapter of the UNet of
unet_small.safetensors, trained by PyTorch with PEFT's layers in float32 on the
batches of train.safetensors, from the factors that Burin begins with.

`losses` and `norms` of every step, the factors at the end under their names in
a module, and `prediction`, what the network with them says to the first batch,
channels-last. The metadata has rank, alpha, seed and targets.

    python tests/models/golden/make_lora_train.py
"""
import json
import math

import torch
from peft import LoraConfig
from safetensors import safe_open
from safetensors.torch import load_file

from make_train import FOLDER, loss_of, make_unet, read_model, save

STEPS = 12
ADAPTER = {"rank": 3, "alpha": 4.0, "seed": 5,
           "targets": ["to_q", "to_k", "to_v", "to_out.0", "conv_in",
                       "proj_in", "net.0.proj", "downsamplers.0.conv",
                       "conv_shortcut", "time_emb_proj"]}
MASK = 0xFFFFFFFF


def philox(counter, stream, seed):
    """Four words of Philox4x32-10."""
    c = [counter & MASK, counter >> 32, stream, 0]
    k = [seed & MASK, seed >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK,
             (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def uniform(shape, stream):
    """PEFT's distribution, from counters."""
    size = math.prod(shape)
    words = [w for block in range((size + 3) // 4)
             for w in philox(block, stream, ADAPTER["seed"])][:size]
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    values = (torch.tensor(words, dtype=torch.float64) + 0.5) / 2**32
    return (bound * (2 * values - 1)).float().reshape(shape)


def factors_of(unet):
    """By their names in a module."""
    return {"unet." + name.replace(".default", ""): parameter
            for name, parameter in unet.named_parameters()
            if ".lora_" in name}


def main():
    torch.set_num_threads(1)
    _, config, weights = read_model()
    golden = load_file(FOLDER / "train.safetensors")
    with safe_open(FOLDER / "train.safetensors", "pt") as file:
        hyper = json.loads(file.metadata()["hyper"])
    batches = [{name.split(".", 1)[1]: tensor for name, tensor
                in golden.items() if name.startswith(f"{i}.")}
               for i in range(4)]
    unet = make_unet(config, weights)
    unet.add_adapter(LoraConfig(r=ADAPTER["rank"],
                                lora_alpha=ADAPTER["alpha"],
                                target_modules=ADAPTER["targets"]))
    factors = factors_of(unet)
    with torch.no_grad():
        for stream, name in enumerate(sorted(factors)):
            if ".lora_A" in name:
                factors[name].copy_(uniform(factors[name].shape, stream))
    optimizer = torch.optim.AdamW(
        factors.values(), lr=hyper["learning_rate"],
        betas=(hyper["beta1"], hyper["beta2"]), eps=hyper["epsilon"],
        weight_decay=hyper["weight_decay"])
    losses, norms = [], []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(unet, batches[step % 4], "epsilon")
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(
            factors.values(), hyper["max_norm"]).item())
        optimizer.step()
        losses.append(loss.item())
    batch = batches[0]
    signal, level = (batch[n].reshape(-1, 1, 1, 1)
                     for n in ("signal", "noise_level"))
    noisy = signal * batch["target"] + level * batch["noise"]
    sample = torch.cat([noisy, batch["source"]], -1).permute(0, 3, 1, 2)
    with torch.no_grad():
        prediction = unet(sample, batch["timestep"],
                          batch["encoder_hidden_states"]).sample
    print(len(factors), "factors, losses", losses[0], losses[-1])
    save("lora_train", factors | {
        "losses": torch.tensor(losses), "norms": torch.tensor(norms),
        "prediction": prediction.permute(0, 2, 3, 1)},
         {"adapter": json.dumps(ADAPTER)})


if __name__ == "__main__":
    main()
