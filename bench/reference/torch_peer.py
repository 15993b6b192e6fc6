# SPDX-License-Identifier: Apache-2.0
"""Times one network in PyTorch: the peer of `burin bench --against torch`.

Weights are random, as time does not depend on them. Prints one JSON line: for
each memory layout the seconds of the fastest and the median run, and the
processor's seconds of a run over all threads (threads that spin while they
wait included).

    python bench/reference/torch_peer.py '{"function": "unet", "batch": 1,
        "height": 64, "width": 64, "tokens": 77, "threads": 2, "repeats": 5,
        "dtype": "f32", "config": {...}}'
"""
import json
import resource
import statistics
import sys
import time
import warnings

warnings.filterwarnings("ignore")

import torch  # noqa: E402


def image(request, channels):
    return torch.randn(request["batch"], channels, request["height"],
                       request["width"])


def make_unet(request):
    from diffusers import UNet2DConditionModel
    config = request["config"]
    model = UNet2DConditionModel.from_config(config)
    inputs = (image(request, config["in_channels"]),
              torch.linspace(981, 21, request["batch"]),
              torch.randn(request["batch"], request["tokens"],
                          config["cross_attention_dim"]))
    return model, lambda m, x, t, c: m(x, t, c).sample, inputs


def make_vae(request, decode):
    from diffusers import AutoencoderKL
    config = request["config"]
    model = AutoencoderKL.from_config(config)
    if decode:
        x = image(request, config["latent_channels"])
        return model, lambda m, x: m.decode(x).sample, (x,)
    x = image(request, config["in_channels"])
    return model, lambda m, x: m.encode(x).latent_dist.parameters, (x,)


def make_text_encoder(request):
    from transformers import CLIPTextConfig, CLIPTextModel
    config = CLIPTextConfig(**request["config"])
    ids = torch.randint(0, config.vocab_size,
                        (request["batch"], request["tokens"]))
    return CLIPTextModel(config), lambda m, x: m(x).last_hidden_state, (ids,)


MAKERS = {"unet": make_unet, "text_encoder": make_text_encoder,
          "vae_encoder": lambda r: make_vae(r, False),
          "vae_decoder": lambda r: make_vae(r, True)}
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
LAYOUTS = {"contiguous": torch.contiguous_format,
           "channels_last": torch.channels_last}


@torch.inference_mode()
def measure(model, forward, inputs, layout, repeats):
    model = model.to(memory_format=layout)
    inputs = [x.to(memory_format=layout) if x.ndim == 4 else x
              for x in inputs]
    forward(model, *inputs)
    seconds, processor = [], time.process_time()
    for _ in range(repeats):
        begin = time.perf_counter()
        forward(model, *inputs)
        seconds.append(time.perf_counter() - begin)
    processor = (time.process_time() - processor) / repeats
    return {"best": min(seconds), "median": statistics.median(seconds),
            "processor": processor}


def main():
    request = json.loads(sys.argv[1])
    torch.set_num_threads(request["threads"])
    model, forward, inputs = MAKERS[request["function"]](request)
    dtype = DTYPES[request["dtype"]]
    model = model.eval().to(dtype)
    inputs = [x.to(dtype) if x.is_floating_point() else x for x in inputs]
    result = {name: measure(model, forward, inputs, layout,
                            request["repeats"])
              for name, layout in LAYOUTS.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"torch": torch.__version__, "layouts": result,
                      "peak_bytes": peak}))


if __name__ == "__main__":
    main()
