# SPDX-License-Identifier: Apache-2.0
"""Times one network in PyTorch: the peer of `burin bench --against torch`.

Prints one JSON line: under "layouts", for each way to run the network, the
seconds of the fastest and the median run, and the processor's seconds of a
run over all threads (threads that spin while they wait included). The ways
are memory layouts on the CPU; on CUDA, always channels-last: "eager", "eager
in a CUDA graph" and "torch.compile". A way that fails is under "failed".

    python bench/reference/torch_peer.py '{"function": "unet", "batch": 1,
        "height": 64, "width": 64, "tokens": 77, "threads": 2, "repeats": 5,
        "dtype": "f32", "config": {...}}'

More that a request may have:
    "device"             "cpu" (the default), "cuda" or "cuda:N"
    "weights"            a diffusers folder; random weights without it, as
                         time does not depend on them
    "inputs"             a safetensors file; random without it
    "outputs"            where to write what the network gives in "dtype"
    "reference_outputs"  where to write what it gives in float32, TF32 off
    "modes"              only the ways whose names begin with one of these

The function "train_step" is a whole update (train_peer.py), in one more way on
CUDA: what "torch.compile" made, in a CUDA graph together with the optimizer.
It takes besides:
    "model"              a checkpoint of Burin's to start from, instead of
                         "weights"; extents, "config" and "prediction" are its
                         own where they are left out
    "hyper"              numbers as models/schedule/optimizer.h has them; an
                         "average_decay" of 1 is none
    "gradients"          a file with Burin's gradients for "inputs" and that
                         model; how far they and PyTorch's in "dtype" are from
                         float32's comes under "errors"
    "lora_rank"          trains adapters of that rank instead, beside frozen
                         weights in "dtype"
"""
import json
import os
import pathlib
import sys
import warnings

warnings.filterwarnings("ignore")

import torch  # noqa: E402

import train_peer  # noqa: E402
from timing import (DTYPES, LAYOUTS, captured, device_of,  # noqa: E402
                    measure_cuda, measure_ways, on_cpu, on_cuda, read_inputs,
                    time_cpu, wanted)


def image(request, channels):
    return torch.randn(request["batch"], channels, request["height"],
                       request["width"])


def load(kind, request, component, config=None):
    """A model from the weights' folder, or a random one."""
    if request.get("weights"):
        return kind.from_pretrained(
            pathlib.Path(request["weights"]) / component,
            torch_dtype=torch.float32)
    with torch.device(device_of(request)):
        return kind.from_config(request["config"]) if config is None else kind(
            config)


def make_unet(request):
    from diffusers import UNet2DConditionModel
    config = request["config"]
    inputs = {"sample": image(request, config["in_channels"]),
              "timestep": torch.linspace(981, 21, request["batch"]),
              "encoder_hidden_states": torch.randn(
                  request["batch"], request["tokens"],
                  config["cross_attention_dim"])}

    def forward(model, sample, timestep, encoder_hidden_states):
        return {"sample": model(sample, timestep, encoder_hidden_states,
                                return_dict=False)[0]}
    return load(UNet2DConditionModel, request, "unet"), forward, inputs


def make_vae(request, decode):
    from diffusers import AutoencoderKL
    config = request["config"]
    model = load(AutoencoderKL, request, "vae")
    if decode:
        return model, lambda m, latent: {
            "image": m.decode(latent, return_dict=False)[0]
        }, {"latent": image(request, config["latent_channels"])}
    return model, lambda m, image: {
        "moments": m.encode(image, return_dict=False)[0].parameters
    }, {"image": image(request, config["in_channels"])}


def make_text_encoder(request):
    from transformers import CLIPTextConfig, CLIPTextModel
    config = CLIPTextConfig(**request["config"])
    ids = torch.randint(0, config.vocab_size,
                        (request["batch"], request["tokens"]))

    def forward(model, input_ids):
        result = model(input_ids)
        return {"last_hidden_state": result.last_hidden_state,
                "pooled_output": result.pooler_output}
    model = load(CLIPTextModel, request, "text_encoder", config)
    return model, forward, {"input_ids": ids}


MAKERS = {"unet": make_unet, "text_encoder": make_text_encoder,
          "vae_encoder": lambda r: make_vae(r, False),
          "vae_decoder": lambda r: make_vae(r, True)}
def in_layout(inputs, layout):
    return {k: x.contiguous(memory_format=layout) if x.ndim == 4 else x
            for k, x in inputs.items()}


def cast(inputs, dtype):
    """Time stays float32: bf16 would round step 981 to 980."""
    return {k: x.to(dtype) if x.is_floating_point() and k != "timestep" else x
            for k, x in inputs.items()}


def eager(model, forward, inputs):
    return lambda: forward(model, **inputs)


def in_graph(model, forward, inputs):
    return captured(lambda: forward(model, **inputs))


def compiled(model, forward, inputs):
    torch._dynamo.reset()
    step = torch.compile(forward, mode="reduce-overhead", dynamic=False)

    def call():
        torch.compiler.cudagraph_mark_step_begin()
        return step(model, **inputs)
    for _ in range(3):  # compile, warm up, record
        call()
    return call


MODES = {"eager": eager, "eager in a CUDA graph": in_graph,
         "torch.compile": compiled}


def measure_cpu(model, forward, inputs, layout, repeats):
    model = model.to(memory_format=layout)
    inputs = in_layout(inputs, layout)
    return time_cpu(lambda: forward(model, **inputs), repeats)


def measure_modes(request, model, forward, inputs):
    torch.backends.cudnn.benchmark = True
    model = model.to(memory_format=torch.channels_last)
    inputs = in_layout(inputs, torch.channels_last)
    return measure_ways(request, MODES, lambda name: measure_cuda(
        lambda: MODES[name](model, forward, inputs), inputs,
        request["repeats"]))


def write(path, outputs):
    from safetensors.torch import save_file
    save_file({k: x.contiguous().cpu() for k, x in outputs.items()}, path)


@torch.no_grad()
def answer_forward(request, device):
    model, forward, inputs = MAKERS[request["function"]](request)
    model = model.eval().to(device)
    inputs = read_inputs(request, inputs)
    if request.get("reference_outputs"):
        write(request["reference_outputs"], forward(model, **inputs))
    dtype = DTYPES[request["dtype"]]
    model, inputs = model.to(dtype), cast(inputs, dtype)
    if request.get("outputs"):
        write(request["outputs"], forward(model, **inputs))
    if device.type == "cuda":
        return on_cuda(*measure_modes(request, model, forward, inputs))
    return on_cpu({name: measure_cpu(model, forward, inputs, LAYOUTS[name],
                                     request["repeats"])
                   for name in wanted(request, LAYOUTS)})


def answer(request):
    torch.set_num_threads(request["threads"])
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    device = device_of(request)
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)
    kind = train_peer.answer if request["function"] == "train_step" \
        else answer_forward
    return {"torch": torch.__version__} | kind(request, device)


def main():
    request = json.loads(sys.argv[1])
    # Libraries write to standard output too; it is the answer's alone.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps(answer(request)), file=out, flush=True)


if __name__ == "__main__":
    main()
