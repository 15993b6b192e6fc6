# SPDX-License-Identifier: Apache-2.0
"""Makes the golden files of blocks and whole models beside this script.

Each holds the weights under their checkpoint names, and for every function
`inputs.<function>.<name>` and `outputs.<function>.<name>`, computed by
diffusers or transformers in float32 from a fixed seed. The metadata says what
to build: `request` (a compile request) or `block` and `options`.

    python tests/models/golden/make_models.py
"""
import json
import pathlib

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets import unet_2d_blocks as blocks
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

FOLDER = pathlib.Path(__file__).parent
TARGET = "x86-64-v3"


def randomise(module, seed):
    """Norms and biases away from the ones and zeros they start with."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return module.eval()


def weights(module, prefix):
    return {f"{prefix}.{name}": tensor
            for name, tensor in module.state_dict().items()}


def clip_weights(module):
    """Under the names of public checkpoints, with or without transformers 5,
    whose module tree has lost the level `text_model`."""
    return {f"text_encoder.text_model.{name.removeprefix('text_model.')}":
            tensor for name, tensor in module.state_dict().items()
            if not name.endswith("position_ids")}


def save(name, tensors, metadata):
    tensors = {key: value.detach().contiguous().clone()
               for key, value in tensors.items()}
    path = FOLDER / f"{name}.safetensors"
    save_file(tensors, path, metadata=metadata)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


def last(x):
    """PyTorch's channels-first image as channels-last, and sequences as is."""
    return x.permute(0, 2, 3, 1) if x.ndim == 4 else x


def save_block(name, block, module, inputs, outputs, options):
    tensors = weights(module, "block")
    tensors |= {f"inputs.{name}.{key}": last(x) for key, x in inputs.items()}
    tensors |= {f"outputs.{name}.{key}": last(x) for key, x in outputs.items()}
    save(name, tensors, {"block": block, "options": json.dumps(options)})


@torch.no_grad()
def make_resnet(name, width, channels, time_width):
    torch.manual_seed(1)
    module = ResnetBlock2D(in_channels=width, out_channels=channels,
                           temb_channels=time_width, groups=4, eps=1e-5)
    randomise(module, 2)
    inputs = {"x": torch.randn(2, width, 6, 5)}
    if time_width:
        inputs["time"] = torch.randn(2, time_width)
    y = module(inputs["x"], inputs.get("time"))
    save_block(name, "resnet", module, inputs, {"y": y},
               {"channels": channels, "groups": 4, "eps": 1e-5})


@torch.no_grad()
def make_transformer(name, linear, depth):
    torch.manual_seed(3)
    module = Transformer2DModel(
        num_attention_heads=3, attention_head_dim=8, in_channels=24,
        num_layers=depth, cross_attention_dim=20, norm_num_groups=4,
        use_linear_projection=linear)
    randomise(module, 4)
    inputs = {"x": torch.randn(2, 24, 6, 5), "text": torch.randn(2, 7, 20)}
    y = module(inputs["x"], encoder_hidden_states=inputs["text"]).sample
    save_block(name, "transformer", module, inputs, {"y": y},
               {"heads": 3, "depth": depth, "groups": 4, "linear": linear})


COMMON = dict(temb_channels=20, num_layers=2, resnet_eps=1e-5,
              resnet_groups=4)
CROSS = dict(num_attention_heads=2, cross_attention_dim=12)


def unet_options(channels, layers, heads):
    return {"channels": channels, "layers": layers, "groups": 4, "eps": 1e-5,
            "heads": heads, "resample": True}


@torch.no_grad()
def make_down(name, crossing):
    torch.manual_seed(5)
    shape = dict(in_channels=8, out_channels=16, add_downsample=True,
                 downsample_padding=1)
    kind = blocks.CrossAttnDownBlock2D if crossing else blocks.DownBlock2D
    module = kind(**COMMON, **shape, **(CROSS if crossing else {}))
    randomise(module, 6)
    inputs = {"x": torch.randn(2, 8, 8, 6), "time": torch.randn(2, 20)}
    extra = {}
    if crossing:
        inputs["text"] = torch.randn(2, 5, 12)
        extra = {"encoder_hidden_states": inputs["text"]}
    y, skips = module(inputs["x"], inputs["time"], **extra)
    outputs = {"y": y} | {f"skip{i}": s for i, s in enumerate(skips)}
    save_block(name, "unet_down", module, inputs, outputs,
               unet_options(16, 2, 2 if crossing else 0))


@torch.no_grad()
def make_middle(name):
    torch.manual_seed(7)
    module = blocks.UNetMidBlock2DCrossAttn(
        in_channels=16, temb_channels=20, resnet_eps=1e-5, resnet_groups=4,
        **CROSS)
    randomise(module, 8)
    inputs = {"x": torch.randn(2, 16, 5, 6), "time": torch.randn(2, 20),
              "text": torch.randn(2, 5, 12)}
    y = module(inputs["x"], inputs["time"],
               encoder_hidden_states=inputs["text"])
    save_block(name, "unet_middle", module, inputs, {"y": y},
               unet_options(16, 1, 2))


@torch.no_grad()
def make_up(name, crossing):
    torch.manual_seed(9)
    shape = dict(in_channels=8, prev_output_channel=24, out_channels=16,
                 add_upsample=True)
    kind = blocks.CrossAttnUpBlock2D if crossing else blocks.UpBlock2D
    module = kind(**COMMON, **shape, **(CROSS if crossing else {}))
    randomise(module, 10)
    skips = (torch.randn(2, 8, 4, 5), torch.randn(2, 16, 4, 5))
    inputs = {"x": torch.randn(2, 24, 4, 5), "time": torch.randn(2, 20),
              "skip0": skips[0], "skip1": skips[1]}
    extra = {}
    if crossing:
        inputs["text"] = torch.randn(2, 5, 12)
        extra = {"encoder_hidden_states": inputs["text"]}
    y = module(inputs["x"], skips, inputs["time"], **extra)
    save_block(name, "unet_up", module, inputs, {"y": y},
               unet_options(16, 2, 2 if crossing else 0))


def save_model(name, component, config, tensors, functions):
    """`functions` are (request without defaults, inputs, outputs)."""
    requests = []
    for request, inputs, outputs in functions:
        function = request["name"]
        requests.append({"component": component, "layout": "nchw"} | request)
        tensors |= {f"inputs.{function}.{k}": x for k, x in inputs.items()}
        tensors |= {f"outputs.{function}.{k}": x for k, x in outputs.items()}
    request = {
        "architecture": "instruct_pix2pix", "target": TARGET,
        "precision": "f32", "functions": requests,
        "components": {component: {"config": config, "dtype": "f32"}}}
    save(name, tensors, {"request": json.dumps(request)})


@torch.no_grad()
def make_unet(name, batch, height, width, tokens, **config):
    torch.manual_seed(11)
    module = randomise(UNet2DConditionModel(**config), 12)
    config = json.loads(module.to_json_string())
    inputs = {
        "sample": torch.randn(batch, config["in_channels"], height, width),
        "timestep": torch.linspace(981, 3, batch),
        "encoder_hidden_states": torch.randn(
            batch, tokens, config["cross_attention_dim"])}
    y = module(**inputs).sample
    request = {"name": "unet", "batch": batch, "height": height,
               "width": width, "tokens": tokens}
    save_model(name, "unet", config, weights(module, "unet"),
               [(request, inputs, {"sample": y})])


@torch.no_grad()
def make_vae(name, **config):
    torch.manual_seed(13)
    module = randomise(AutoencoderKL(**config), 14)
    config = json.loads(module.to_json_string())
    image = torch.rand(1, 3, 24, 16) * 2 - 1
    moments = module.encode(image).latent_dist.parameters
    latent = torch.randn(2, config["latent_channels"], 6, 5)
    picture = module.decode(latent).sample
    save_model(name, "vae", config, weights(module, "vae"), [
        ({"name": "vae_encoder", "batch": 1, "height": 24, "width": 16},
         {"image": image}, {"moments": moments}),
        ({"name": "vae_decoder", "batch": 2, "height": 6, "width": 5},
         {"latent": latent}, {"image": picture})])


@torch.no_grad()
def make_clip(name, ids, **config):
    torch.manual_seed(15)
    module = randomise(CLIPTextModel(CLIPTextConfig(**config)), 16)
    for parameter in module.parameters():  # so that attention is not uniform
        if parameter.ndim == 2:
            parameter.normal_(std=1.5 / parameter.shape[1] ** 0.5)
    config = json.loads(module.config.to_json_string())
    out = module(input_ids=ids)
    request = {"name": "text_encoder", "batch": ids.shape[0],
               "tokens": ids.shape[1]}
    save_model(name, "text_encoder", config, clip_weights(module), [
        (request, {"input_ids": ids},
         {"last_hidden_state": out.last_hidden_state,
          "pooled_output": out.pooler_output})])


def main():
    make_resnet("resnet_time", 12, 20, 16)
    make_resnet("resnet_plain", 16, 16, None)
    make_transformer("transformer_conv", False, 1)
    make_transformer("transformer_linear", True, 2)
    make_down("unet_down_plain", False)
    make_down("unet_down_cross", True)
    make_middle("unet_middle")
    make_up("unet_up_plain", False)
    make_up("unet_up_cross", True)
    # Stable Diffusion 1.5 in miniature, with InstructPix2Pix's input.
    make_unet(
        "unet_small", 2, 8, 6, 7, in_channels=8, block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1, norm_num_groups=4, cross_attention_dim=12,
        attention_head_dim=2)
    # Every other value of the keys that Burin reads.
    make_unet(
        "unet_variant", 1, 8, 12, 5, in_channels=3, out_channels=5,
        block_out_channels=(4, 8, 12),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D",
                          "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
                        "UpBlock2D"),
        layers_per_block=(1, 2, 1), norm_num_groups=2, norm_eps=1e-6,
        cross_attention_dim=8, attention_head_dim=(1, 2, 3),
        transformer_layers_per_block=(1, 1, 2), use_linear_projection=True,
        downsample_padding=0, center_input_sample=True,
        flip_sin_to_cos=False, freq_shift=1, time_embedding_dim=24,
        conv_in_kernel=1, conv_out_kernel=5, act_fn="gelu")
    make_vae(
        "vae_small", block_out_channels=(8, 12), layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, norm_num_groups=4)
    make_vae(
        "vae_variant", block_out_channels=(4, 8, 8), layers_per_block=2,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3, norm_num_groups=2,
        latent_channels=3, use_quant_conv=False, use_post_quant_conv=False,
        mid_block_add_attention=False)
    shape = dict(vocab_size=99, hidden_size=24, intermediate_size=40,
                 num_hidden_layers=2, num_attention_heads=3,
                 max_position_embeddings=11)
    # The legacy end token: the row of the largest id, once in the middle.
    make_clip("clip_quick_gelu",
              torch.tensor([[97, 5, 98, 3, 3, 3, 3, 3, 3],
                            [97, 1, 2, 3, 4, 5, 6, 7, 98]]),
              eos_token_id=2, **shape)
    # The first end token, before an id that is larger; and none at all.
    make_clip("clip_gelu",
              torch.tensor([[1, 50, 98, 50, 50, 9, 7],
                            [1, 97, 8, 9, 10, 11, 50],
                            [1, 2, 3, 4, 5, 6, 7]]),
              eos_token_id=50, hidden_act="gelu", layer_norm_eps=1e-6,
              **shape)


if __name__ == "__main__":
    main()
