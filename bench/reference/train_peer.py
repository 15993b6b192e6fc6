# SPDX-License-Identifier: Apache-2.0
"""Times training steps for torch_peer.py, whose head says what a request has,
and compares Burin's gradients with PyTorch's."""
import torch

import training
from checkpoint import Checkpoint
from timing import (DTYPES, LAYOUTS, captured, measure_cuda, measure_ways,
                    on_cpu, on_cuda, read_inputs, time_cpu, wanted)

RUNS = 4  # timed as one batch on CUDA
REFERENCE_ROWS = 2  # of a batch at once, where gradients are float32's
MODES = ("eager", "torch.compile", "eager in a CUDA graph",
         "torch.compile in a CUDA graph")


HYPER = {"learning_rate": 1e-5, "weight_decay": 0.01, "beta1": 0.9,
         "beta2": 0.999, "epsilon": 1e-8, "max_gradient_norm": 1,
         "average_decay": 0.9999}


def completed(request):
    """What a request leaves out is the checkpoint's or HYPER's."""
    known = {"prediction": "epsilon", "hyper": HYPER}
    if request.get("model"):
        model = Checkpoint(request["model"])
        config, text = model.config("unet"), model.config("text_encoder")
        known |= {"config": config, "height": config["sample_size"],
                  "width": config["sample_size"],
                  "tokens": text["max_position_embeddings"],
                  "prediction": model.config("scheduler").get(
                      "prediction_type", "epsilon")}
    return known | request


def make_batch(request):
    image = torch.randn(4, request["batch"], request["height"],
                        request["width"], request["config"]["out_channels"])
    share = torch.linspace(0.01, 0.99, request["batch"])
    return {"target": image[0], "source": image[1], "noise": image[2],
            "encoder_hidden_states": torch.randn(
                request["batch"], request["tokens"],
                request["config"]["cross_attention_dim"]),
            "timestep": (1000 * share).floor(), "signal": (1 - share).sqrt(),
            "noise_level": share.sqrt()}


def training_unet(request, device):
    weights = None
    if request.get("model"):
        weights = Checkpoint(request["model"]).tensors("unet.")
    unet = training.make_unet(request["config"], device, weights)
    if request.get("lora_rank"):
        training.add_low_rank(unet, request["lora_rank"],
                              DTYPES[request["dtype"]]).to(device)
    return unet


def compare_gradients(request, unet, batch):
    """Both sides' gradients with float32's, and the losses."""
    from safetensors.torch import load_file
    prediction, dtype = request["prediction"], DTYPES[request["dtype"]]
    loss, reference = training.gradients(unet, batch, prediction,
                                         torch.float32, REFERENCE_ROWS)
    own_loss, own = training.gradients(unet, batch, prediction, dtype,
                                       request["batch"])
    ours = {name.removeprefix("unet."): x
            for name, x in load_file(request["gradients"]).items()}
    burin = training.Comparison(ours, reference)
    tensor, worst = burin.worst()[0]
    return {"errors": {"burin": burin.whole, "worst": worst,
                       "worst_tensor": tensor,
                       "torch": training.Comparison(own, reference).whole},
            "losses": {"torch": own_loss, "float32": loss}}


class Ways:
    """The ways to run the steps of one training on CUDA."""

    def __init__(self, request, unet, batch):
        self.request, self.unet, self.batch = request, unet, batch
        self.compiled = None  # once for two ways

    def loss(self, name):
        if "torch.compile" not in name:
            return training.loss_of
        if self.compiled is None:
            torch._dynamo.reset()
            self.compiled = torch.compile(training.loss_of, dynamic=False)
        return self.compiled

    def prepare(self, name):
        graph = "CUDA graph" in name
        trainer = make_trainer(self.request, self.unet,
                               loss=self.loss(name), capturable=graph)

        def call():
            return trainer.step(self.batch)
        if graph:
            return captured(call)
        for _ in range(2):
            call()
        return call

    def measure(self, name):
        self.unet.zero_grad(set_to_none=True)
        return measure_cuda(lambda: self.prepare(name), self.batch,
                            self.request["repeats"], RUNS)


def make_trainer(request, unet, **options):
    return training.Trainer(unet, request["hyper"], DTYPES[request["dtype"]],
                            request["prediction"], **options)


def time_layout(request, unet, batch, layout):
    trainer = make_trainer(request, unet.to(memory_format=layout),
                           layout=layout)
    return time_cpu(lambda: trainer.step(batch), request["repeats"])


def answer(request, device):
    request = completed(request)
    unet = training_unet(request, device)
    batch = read_inputs(request, make_batch(request))
    result = {}
    if request.get("gradients"):
        result = compare_gradients(request, unet, batch)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        ways = Ways(request, unet, batch)
        return result | on_cuda(*measure_ways(request, MODES, ways.measure))
    return result | on_cpu({
        name: time_layout(request, unet, batch, LAYOUTS[name])
        for name in wanted(request, LAYOUTS)})
