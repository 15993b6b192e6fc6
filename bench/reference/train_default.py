# SPDX-License-Identifier: Apache-2.0
"""Trains the default model on one GPU, from shards of `burin data`.

Usage: train_default.py --shards DIR --tokenizer DIR --out DIR
           [--vae-minutes M] [--total-minutes M] [--triples N] [--smoke]

Shards may still be appearing while this runs. First the autoencoder learns
from the first shards' pictures; then every pair is encoded once and kept on
the GPU; then UNet and text encoder learn together to predict v. Each phase
ends by the clock, its learning rate falling along a cosine to zero.
"""
import argparse
import copy
import math
import subprocess
import sys
import threading
import time
from pathlib import Path

import torch
import torch.nn.functional as F

import default_model
import edit_shards

START = time.time()


def log(message):
    print(f"[{time.time() - START:7.1f}s] {message}", flush=True)


class Shards:
    """Shards in order, read by a thread that waits for those to come."""

    def __init__(self, folder, tokenizer, triples):
        self.folder, self.tokenizer = Path(folder), tokenizer
        self.triples = triples
        self.ready, self.failure = [], None
        self.lock = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            first, total = 0, 0
            while total < self.triples:
                path = self.folder / f"{first:012d}.safetensors"
                while not path.exists():
                    time.sleep(0.05)
                shard = edit_shards.read(path)
                ids = default_model.tokenize(self.tokenizer, shard.texts)
                first += len(shard.kind)
                total += len(shard.kind)
                with self.lock:
                    self.ready.append((shard, ids.to(torch.int16)))
                    self.lock.notify_all()
        except Exception as error:  # shown by whoever waits
            with self.lock:
                self.failure = error
                self.lock.notify_all()

    def wait(self, triples):
        """Shards that hold at least this many examples."""
        triples = min(triples, self.triples)
        with self.lock:
            while sum(len(s.kind) for s, _ in self.ready) < triples:
                if self.failure:
                    raise self.failure
                self.lock.wait(1)
            taken, count = [], 0
            for shard, ids in self.ready:
                if count >= triples:
                    break
                taken.append((shard, ids))
                count += len(shard.kind)
            return taken


class Clock:
    """A phase that lasts so many seconds from its first step."""

    def __init__(self, seconds, steps):
        self.seconds, self.steps = seconds, steps
        self.start = None

    def progress(self, step):
        if self.steps:
            return step / self.steps
        if self.start is None:
            return 0.0
        return (time.time() - self.start) / self.seconds

    def rate(self, step, peak, warmup=200):
        cosine = 0.5 * (1 + math.cos(math.pi * min(1, self.progress(step))))
        return peak * cosine * min(1, (step + 1) / warmup)


class Average:
    """An exponential moving average of parameters."""

    def __init__(self, parameters, decay):
        self.parameters, self.decay = list(parameters), decay
        self.values = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def update(self, step):
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, self.parameters, 1 - decay)

    @torch.no_grad()
    def exchange(self):
        """Puts the average into the modules, or takes it out again."""
        kept = [p.detach().clone() for p in self.parameters]
        torch._foreach_copy_(self.parameters, self.values)
        torch._foreach_copy_(self.values, kept)


def compiled(function, smoke):
    return function if smoke else torch.compile(function)


def psnr(a, b):
    """Of pictures in [-1, 1], the mean over the batch."""
    error = ((a.clamp(-1, 1) - b) / 2).square().mean((1, 2, 3))
    return (-10 * error.clamp_min(1e-10).log10()).mean().item()


def to_float(pictures):
    """uint8 [N, H, W, 3] -> [-1, 1] channels first, channels-last memory."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


def augment(pictures):
    """More kinds of picture for the autoencoder: mirrored, turned, with
    channels exchanged."""
    if torch.rand(()) < 0.5:
        pictures = pictures.flip(-1)
    if torch.rand(()) < 0.5:
        pictures = pictures.flip(-2)
    if torch.rand(()) < 0.5:
        pictures = pictures.transpose(-1, -2)
    if torch.rand(()) < 0.5:
        pictures = pictures[:, torch.randperm(3)]
    return pictures.contiguous(memory_format=torch.channels_last)


def gradients(x):
    return x[..., 1:, :] - x[..., :-1, :], x[..., :, 1:] - x[..., :, :-1]


def train_vae(vae, pictures, args, device):
    vae.to(device=device, memory_format=torch.channels_last).train()

    def losses(x):
        moments = vae.quant_conv(vae.encoder(x))
        mean, log_variance = moments.float().chunk(2, 1)
        log_variance = log_variance.clamp(-20, 10)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        y = vae.decoder(vae.post_quant_conv(z)).float()
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 -
                    log_variance).mean()
        square = (y - x).square().mean()
        edges = sum((a - b).abs().mean()
                    for a, b in zip(gradients(x), gradients(y)))
        loss = 6 * square + (y - x).abs().mean() + 0.5 * edges + 2e-5 * kl
        return loss, square, kl

    step_losses = compiled(losses, args.smoke)
    parameters = list(vae.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=0, betas=(0.9, 0.99),
                                  weight_decay=0.01,
                                  fused=device.type == "cuda")
    average = Average(parameters, 0.998)
    clock = Clock(60 * args.vae_minutes, args.smoke and 3)
    held_back = pictures[:256]
    step = 0
    while clock.progress(step) < 1:
        rows = torch.randint(256, len(pictures), (args.vae_batch,),
                             device=pictures.device)
        x = augment(to_float(pictures[rows].to(device)))
        for group in optimizer.param_groups:
            group["lr"] = clock.rate(step, 6e-4)
        with torch.autocast(device.type, torch.bfloat16):
            loss, square, kl = step_losses(x)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(step)
        if step == 0:
            clock.start = time.time()  # compiling is not learning
        if step % 250 == 0:
            log(f"vae step {step} loss {loss.item():.4f} square "
                f"{square.item():.5f} kl {kl.item():.2f}")
        step += 1
    average.exchange()
    vae.eval()
    normalize(vae, pictures, device)
    with torch.no_grad():
        x = to_float(held_back.to(device))
        log(f"vae done: {step} steps, PSNR of 256 pictures held back "
            f"{psnr(reconstruct(vae, x), x):.2f} dB")


@torch.no_grad()
def reconstruct(vae, x):
    return torch.cat([vae.decode(vae.encode(part).latent_dist.mode()).sample
                      for part in x.split(32)])


@torch.no_grad()
def normalize(vae, pictures, device):
    """Folds each latent channel's mean and deviation into the 1x1
    convolutions on both sides: latents then have mean 0 and deviation 1."""
    count = default_model.LATENT_CHANNELS
    z = torch.cat([vae.encode(to_float(part.to(device))).latent_dist.mode()
                   for part in pictures[:4096].split(64)]).transpose(0, 1)
    mean, deviation = z.flatten(1).mean(1), z.flatten(1).std(1)
    quant, post = vae.quant_conv, vae.post_quant_conv
    post.bias += (post.weight[:, :, 0, 0] @ mean)
    post.weight *= deviation[None, :, None, None]
    quant.weight[:count] /= deviation[:, None, None, None]
    quant.bias[:count] = (quant.bias[:count] - mean) / deviation
    quant.bias[count:] -= 2 * deviation.log()
    log("latent deviations folded: " +
        " ".join(f"{d:.2f}" for d in deviation.tolist()))


@torch.no_grad()
def encode_all(vae, shards, args, device):
    """Latents of all pairs, [N, 2, C, 32, 32] in bf16, and their tokens."""
    encoder = compiled(lambda x: vae.quant_conv(vae.encoder(x)), args.smoke)
    taken = shards.wait(args.triples)
    total = sum(len(s.kind) for s, _ in taken)
    side, channels = default_model.LATENT_SIDE, default_model.LATENT_CHANNELS
    latents = torch.empty((total, 2, channels, side, side),
                          dtype=torch.bfloat16, device=device)
    row = 0
    for shard, _ in taken:
        count = len(shard.kind)
        for part, pictures in enumerate([shard.source, shard.target]):
            x = to_float(torch.from_numpy(pictures).to(device)).contiguous(
                memory_format=torch.channels_last)
            with torch.autocast(device.type, torch.bfloat16):
                moments = encoder(x)
            latents[row:row + count, part] = moments[:, :channels].to(
                torch.bfloat16)
        row += count
    ids = torch.cat([ids for _, ids in taken]).to(device)
    log(f"encoded {total} pairs")
    return latents, ids


def make_unet_loss(unet, alphas, smoke):
    def loss_of(source, target, states, noise, times):
        alpha = alphas[times][:, None, None, None]
        noisy = alpha.sqrt() * target + (1 - alpha).sqrt() * noise
        v = alpha.sqrt() * noise - (1 - alpha).sqrt() * target
        x = torch.cat([noisy, source], 1).contiguous(
            memory_format=torch.channels_last)
        guess = unet(x, times, states, return_dict=False)[0].float()
        return (guess - v).square().mean()

    return compiled(loss_of, smoke)


def drop_conditions(source, ids, null_ids):
    """5 % without text, 5 % without picture, 5 % without either."""
    chance = torch.rand(len(ids), device=ids.device)
    no_text = chance < 0.10
    no_picture = (chance >= 0.05) & (chance < 0.15)
    ids = torch.where(no_text[:, None], null_ids, ids)
    source = torch.where(no_picture[:, None, None, None], 0.0, source)
    return source, ids


def train_unet(unet, text_encoder, latents, ids, null_ids, args, device,
               seconds, save):
    unet.to(device=device, memory_format=torch.channels_last).train()
    text_encoder.to(device).train()
    alphas = default_model.alphas_cumprod(device)
    loss_of = make_unet_loss(unet, alphas, args.smoke)
    parameters = [*unet.parameters(), *text_encoder.parameters()]
    decayed = [p for p in parameters if p.ndim > 1]
    plain = [p for p in parameters if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01},
         {"params": plain, "weight_decay": 0.0}], lr=0, betas=(0.9, 0.98),
        fused=device.type == "cuda")
    average = Average(parameters, 0.999)
    clock = Clock(seconds, args.smoke and 3)
    running, step = 0.0, 0
    snapshot_at = 60 * args.snapshot_minutes
    clock.start = time.time()
    while clock.progress(step) < 1:
        rows = torch.randint(0, len(ids), (args.batch,), device=device)
        source, target = latents[rows].float().unbind(1)
        source, tokens = drop_conditions(source, ids[rows].long(), null_ids)
        noise = torch.randn_like(target)
        times = torch.randint(0, 1000, (args.batch,), device=device)
        for group in optimizer.param_groups:
            group["lr"] = clock.rate(step, args.rate, warmup=500)
        with torch.autocast(device.type, torch.bfloat16):
            states = text_encoder(tokens)[0]
            loss = loss_of(source, target, states, noise, times)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(step)
        running = running + loss.detach()
        step += 1
        if snapshot_at and time.time() - START > snapshot_at:
            average.exchange()
            save(args.out + ".snapshot")
            average.exchange()
            snapshot_at = None
        if step % 200 == 0:
            log(f"unet step {step} loss {running.item() / 200:.5f} "
                f"progress {clock.progress(step):.3f}")
            running = 0.0
    average.exchange()
    unet.eval()
    text_encoder.eval()
    log(f"unet done: {step} steps of {args.batch}")
    save(args.out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shards", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--triples", type=int, default=400_000)
    parser.add_argument("--vae-triples", type=int, default=60_000)
    parser.add_argument("--vae-minutes", type=float, default=4.0)
    parser.add_argument("--vae-batch", type=int, default=96)
    parser.add_argument("--total-minutes", type=float, default=18.5,
                        help="the UNet learns until then")
    parser.add_argument("--snapshot-minutes", type=float, default=0,
                        help="also save what there is then")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--warm", action="store_true",
                        help="compile the UNet's step for the cache and end")
    parser.add_argument("--smoke", action="store_true",
                        help="three steps of each phase, for a CPU")
    args = parser.parse_args()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.manual_seed(1)
    tokenizer = default_model.load_tokenizer(args.tokenizer)
    vae, unet = default_model.make_vae(), default_model.make_unet()
    text_encoder = default_model.make_text_encoder(tokenizer)
    null_ids = default_model.tokenize(tokenizer, [""]).to(device)
    if args.warm:
        warm(unet, args, device)
        return
    if not args.smoke:  # compiles on other cores while the autoencoder learns
        subprocess.Popen([sys.executable, *sys.argv, "--warm"],
                         stdout=subprocess.DEVNULL)
    log(f"{default_model.parameters(vae, unet, text_encoder)} parameters")

    shards = Shards(args.shards, tokenizer, args.triples)
    first = shards.wait(args.vae_triples)
    pictures = torch.cat([torch.from_numpy(p) for s, _ in first
                          for p in (s.source, s.target)])
    pictures = pictures.to(device)
    log(f"{len(pictures)} pictures for the autoencoder")
    train_vae(vae, pictures, args, device)
    del pictures
    latents, ids = encode_all(vae, shards, args, device)

    def save(folder):
        parts = [copy.deepcopy(m).eval() for m in (vae, unet, text_encoder)]
        default_model.save(folder, *parts, tokenizer, guidance=(1.0, 1.0))
        log("saved " + folder)

    left = 60 * args.total_minutes - (time.time() - START)
    train_unet(unet, text_encoder, latents, ids, null_ids, args, device, left,
               save)


def warm(unet, args, device):
    unet.to(device=device, memory_format=torch.channels_last).train()
    alphas = default_model.alphas_cumprod(device)
    loss_of = make_unet_loss(unet, alphas, False)
    side, channels = default_model.LATENT_SIDE, default_model.LATENT_CHANNELS
    shape = (args.batch, channels, side, side)
    x = torch.randn(shape, device=device)
    states = torch.randn(args.batch, default_model.TOKENS,
                         default_model.TEXT["hidden_size"], device=device,
                         dtype=torch.bfloat16, requires_grad=True)
    times = torch.randint(0, 1000, (args.batch,), device=device)
    with torch.autocast(device.type, torch.bfloat16):
        loss = loss_of(x, x, states, x, times)
    loss.backward()


if __name__ == "__main__":
    main()
