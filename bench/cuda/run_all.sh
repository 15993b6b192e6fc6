#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks and measures Burin on a card, part by part, on a machine that has no
# compiler: modules and cases were compiled elsewhere.
#
#   bench/cuda/run_all.sh PART...      from the root of the source tree
#
#   setup      wheels in $WHEELS, where Python lacks diffusers
#   probe      the card and its ceilings
#   replay     the cases in $CASES, each against its reference
#   model      InstructPix2Pix with random weights in $MODEL
#   warm       compiles every peer of the next three, all at once; needs model
#   unet vae text    `burin bench` beside PyTorch; needs model
#   edit       a whole edit beside diffusers; needs model
#   kernels    `burin bench --kernels` beside PyTorch's, on bench/shapes/cuda
#   tune       contraction tiles; the table goes to $LOGS/tuned_h100.txt
#   sanitizer  compute-sanitizer over the cases that match $SANITIZE
#   profile    `burin bench --profile` of the UNet
#   train_model  as model, in float32, in $TRAIN_MODEL
#   train_warm compiles the peers of the next two; needs train_model
#   train      whole training steps beside PyTorch, and where their time goes:
#              InstructPix2Pix and the default model; needs train_model
#   lora       PyTorch training adapters of rank 16; needs train_model
#   parity     every gradient of InstructPix2Pix; needs train_model
#   curve      the default model's losses over $CURVE_STEPS steps
#
# Settings and their defaults are below. Modules are $MODULES/<name>.burinm:
# unet1 unet3 unet12 vae_decoder vae_decoder128 vae_encoder text_encoder edit;
# those of training are folders, which train_modules.sh makes. A missing one is
# compiled where Burin can. A part that fails stops no other.
# Logs and JSON go to $LOGS, and packed to $OUT/run_all.tar.gz where $OUT is
# set.
set -u
cd "$(dirname "$0")/../.." || exit 1

: "${LOGS:=/tmp/burin_logs}"
: "${BURIN:=build/bin/burin}"
: "${REPLAY:=build/bin/burin-replay}"
: "${PYTHON:=python3}"
: "${DEVICE:=cuda}"
: "${PRECISION:=bf16}"
: "${MODULES:=.mod}"
: "${CASES:=$MODULES/cases}"
: "${WHEELS:=.whl}"
: "${SITE:=/tmp/burin_site}"
: "${MODEL:=/tmp/full}"
: "${MODEL_FLAGS:=--dtype bf16}"
: "${LATENT:=64}"
: "${STEPS:=20}"
: "${REPEAT:=10}"
: "${PEER:=--against torch}"
: "${EDIT_PEER:=--mode compile}"
: "${SANITIZE:=linear. attention. group_norm. conv2d. softmax.}"
: "${SANITIZERS:=memcheck racecheck initcheck synccheck}"
: "${BATCHES:=1 3 12}"
: "${TRAIN_MODEL:=/tmp/full32}"
: "${TRAIN_FLAGS:=}" # of random_model.py
: "${TRAIN_REPEAT:=3}"
: "${TRAIN_BATCH:=32}"
: "${TRAIN_PARTS:=1}"
: "${DEFAULT_MODEL:=models/pretrained/default.burin}"
: "${DEFAULT_BATCH:=256}"
: "${PARITY_BATCH:=2}"
: "${CURVE_STEPS:=300}"
: "${CURVE_BATCH:=16}"
: "${SHAPES:=unet_64 vae_decoder_64 vae_encoder_512 text_encoder_77}"
mkdir -p "$LOGS"
export PYTHONPATH="$SITE${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1
export TORCHINDUCTOR_CACHE_DIR="${TORCHINDUCTOR_CACHE_DIR:-/tmp/burin_inductor}"

# attempt SECONDS LOG COMMAND...: keeps all output in LOG, shows a failure.
attempt() {
  local limit=$1 log=$LOGS/$2 status
  shift 2
  timeout "$limit" "$@" >>"$log" 2>&1
  status=$?
  if [ "$status" -ne 0 ]; then
    echo "status $status: $*"
    tail -n 5 "$log"
  fi
  return "$status"
}

diffusers_works() {
  "$PYTHON" -c 'from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers import StableDiffusionInstructPix2PixPipeline' \
    >"$LOGS/diffusers.log" 2>&1
}

install_wheels() {
  rm -rf "$SITE"
  attempt 120 setup.log "$PYTHON" -m pip install -q --no-index --no-deps \
    --no-compile --target "$SITE" "$@"
}

part_setup() {
  diffusers_works && return
  install_wheels "$WHEELS"/*.whl && diffusers_works && return
  # An older diffusers suits older libraries around it.
  install_wheels "$WHEELS"/[!d]*.whl "$WHEELS"/fallback/*.whl
  diffusers_works || tail -n 3 "$LOGS/diffusers.log"
}

part_probe() {
  nvidia-smi --query-gpu=name,driver_version,memory.total \
    --format=csv,noheader
  ldd --version | head -n 1
  timeout 120 "$PYTHON" bench/cuda/ceilings.py --device "$DEVICE" 2>&1 |
    tail -n 3
}

part_replay() {
  timeout 400 "$REPLAY" "$CASES" --device "$DEVICE" >"$LOGS/replay.log" 2>&1
  echo "status $?"
  grep -v '^ok ' "$LOGS/replay.log" | tail -n 40
}

part_model() {
  # A word list, so unquoted.
  attempt 200 model.log "$PYTHON" bench/reference/random_model.py \
    --folder "$MODEL" --device "$DEVICE" $MODEL_FLAGS &&
    attempt 200 model.log "$BURIN" convert "$MODEL" -o "$MODEL/model.burin"
  du -sh "$MODEL" | cut -f1
}

# bench_one NAME FUNCTION FLAGS...: one run beside the peer.
bench_one() {
  local name=$1 function=$2 module=$MODULES/$1.burinm
  shift 2
  local words=("$BURIN" bench "$MODEL/model.burin" "$function" --device
    "$DEVICE" --precision "$PRECISION" --repeat "$REPEAT" --python "$PYTHON"
    --json "$@")
  [ -f "$module" ] && words+=(--module "$module")
  [ -n "$PEER" ] && words+=($PEER --weights "$MODEL")
  timeout 300 "${words[@]}" >"$LOGS/bench_$name.json" 2>"$LOGS/error.log" &&
    return
  echo "status $?: ${words[*]}"
  tail -n 5 "$LOGS/error.log"
}

part_unet() {
  local batch
  for batch in $BATCHES; do
    bench_one "unet$batch" unet --batch "$batch" --height "$LATENT" \
      --width "$LATENT" --tokens 77
  done
}

decode() { # NAME SIDE, in latents
  bench_one "$1" vae_decoder --height "$2" --width "$2"
}
decode_small() { decode vae_decoder "$LATENT"; }
decode_large() { decode vae_decoder128 $((2 * LATENT)); }
encode() {
  bench_one vae_encoder vae_encoder --height $((8 * LATENT)) \
    --width $((8 * LATENT))
}
part_vae() {
  decode_small
  decode_large
  encode
}

part_text() {
  bench_one text_encoder text_encoder --batch 3 --tokens 77
}

edit_peer() {
  # A word list, so unquoted.
  timeout 350 "$PYTHON" bench/reference/edit_peer.py --folder "$MODEL" \
    --device "$DEVICE" --side $((8 * LATENT)) --steps "$STEPS" $EDIT_PEER
}

# What PyTorch takes minutes for, one after another.
part_warm() {
  mkdir -p "$LOGS/warm"
  (
    LOGS=$LOGS/warm REPEAT=2
    for BATCHES in $BATCHES; do part_unet & done
    decode_small &
    decode_large &
    encode &
    edit_peer >"$LOGS/edit_peer.jsonl" 2>&1 &
    wait
  )
}

part_edit() {
  local i picture=$LOGS/picture.png side=$((8 * LATENT)) words
  "$PYTHON" -c "import numpy, sys; from PIL import Image
n = numpy.random.default_rng(1).integers(0, 256, ($side, $side, 3))
Image.fromarray(n.astype('uint8')).save(sys.argv[1])" "$picture"
  words=("$BURIN" edit "$picture" "12 345 678" -o "$LOGS/edited.png" --model
    "$MODEL/model.burin" --size "$side" --steps "$STEPS" --text-scale 7.5
    --image-scale 1.5 --device "$DEVICE" --precision "$PRECISION" --json -q)
  [ -f "$MODULES/edit.burinm" ] && words+=(--module "$MODULES/edit.burinm")
  {
    for i in 1 2; do # a process each
      time timeout 120 "${words[@]}" | tr -d '\n ' && echo
    done
    timeout 120 "${words[@]}" --repeat 8 | tr -d '\n ' && echo
    edit_peer 2>"$LOGS/error.log"
    timeout 120 "${words[@]}" --repeat 8 | tr -d '\n ' && echo
  } 2>&1 | tee "$LOGS/edit.log"
}

# Kernels are compiled on the card's machine: PyTorch brings NVRTC.
find_nvrtc() {
  [ -n "${BURIN_NVRTC:-}" ] && return
  local found
  found=$("$PYTHON" -c 'import glob, sys
print(*[f for p in sys.path for f in sorted(
    glob.glob(p + "/nvidia/*/lib/libnvrtc.so.1[23]"))][:1])')
  [ -n "$found" ] && export BURIN_NVRTC="$found"
}

part_kernels() {
  local file batch flags
  find_nvrtc
  for file in $SHAPES; do
    batch=1 flags=()
    [ "$file" = unet_64 ] && batch=3 && flags=(--layer-norms)
    timeout 300 "$PYTHON" bench/reference/torch_kernels_cuda.py --batch $batch \
      "${flags[@]}" --device "$DEVICE" --shapes "bench/shapes/cuda/$file.txt" \
      2>>"$LOGS/error.log" >"$LOGS/torch_$file.jsonl" || echo "status $?"
    timeout 300 "$BURIN" bench --kernels --json --device "$DEVICE" \
      --shapes "bench/shapes/cuda/$file.txt@$batch" \
      2>>"$LOGS/error.log" >"$LOGS/burin_$file.jsonl" || echo "status $?"
    echo "$file, batch $batch"
    "$PYTHON" bench/reference/compare_kernels.py "$LOGS/burin_$file.jsonl" \
      "$LOGS/torch_$file.jsonl"
  done
}

part_tune() {
  find_nvrtc
  timeout 550 "$BURIN" bench --tune --device "$DEVICE" \
    -o "$LOGS/tuned_h100.txt" 2>>"$LOGS/error.log" >"$LOGS/tune.log" ||
    echo "status $?: $(tail -n 3 "$LOGS/error.log")"
  wc -l "$LOGS/tuned_h100.txt" "$LOGS/tune.log"
}

part_sanitizer() {
  local tool filter
  for tool in $SANITIZERS; do
    for filter in $SANITIZE; do
      echo "== $tool, $filter" >>"$LOGS/sanitizer.log"
      timeout 150 compute-sanitizer --tool "$tool" --error-exitcode 9 \
        "$REPLAY" "$CASES" --device "$DEVICE" --filter "$filter" \
        --one-process >"$LOGS/sanitizer_now.log" 2>&1
      echo "$tool $filter status $?: $(grep -E 'passed,|SUMMARY' \
        "$LOGS/sanitizer_now.log" | tr '\n' ' ')"
      cat "$LOGS/sanitizer_now.log" >>"$LOGS/sanitizer.log"
    done
  done
  rm -f "$LOGS/sanitizer_now.log"
}

part_profile() {
  local module=$MODULES/unet3.burinm flags=()
  [ -f "$module" ] && flags=(--module "$module")
  timeout 200 "$BURIN" bench "$MODEL/model.burin" unet --batch 3 \
    --height "$LATENT" --width "$LATENT" --tokens 77 --device "$DEVICE" \
    --precision "$PRECISION" --profile "${flags[@]}" >"$LOGS/profile.txt" 2>&1
  head -n 60 "$LOGS/profile.txt"
}

part_train_model() {
  # A word list, so unquoted.
  attempt 250 model.log "$PYTHON" bench/reference/random_model.py \
    --folder "$TRAIN_MODEL" --device "$DEVICE" $TRAIN_FLAGS &&
    attempt 200 model.log "$BURIN" convert "$TRAIN_MODEL" \
      -o "$TRAIN_MODEL/model.burin"
  du -sh "$TRAIN_MODEL" | cut -f1
}

# train_step NAME MODEL BATCH PARTS FLAGS...: `burin bench` of whole steps.
train_step() {
  local name=$1 words
  words=("$BURIN" bench "$2" train_step --batch "$3" --parts "$4" --device
    "$DEVICE" --precision "$PRECISION" --repeat "$TRAIN_REPEAT")
  [ -d "$MODULES/train_$name" ] && words+=(--module "$MODULES/train_$name")
  shift 4
  timeout 550 "${words[@]}" "$@" 2>"$LOGS/error.log" && return
  echo "status $?: ${words[*]} $*"
  tail -n 5 "$LOGS/error.log"
}

# train_peer NAME MODEL BATCH REPEATS MORE: PyTorch alone; MORE ends the
# request.
train_peer() {
  local request
  request=$(printf '{"function": "train_step", "model": "%s", "batch": %d,
    "repeats": %d, "dtype": "%s", "device": "%s", "threads": 8%s}' \
    "$2" "$3" "$4" "$PRECISION" "$DEVICE" "$5")
  timeout 500 "$PYTHON" bench/reference/torch_peer.py "$request" \
    >"$LOGS/train_$1.json" 2>"$LOGS/train_$1.log" && return
  echo "status $?: torch_peer.py $request"
  tail -n 5 "$LOGS/train_$1.log"
  return 1
}

part_train_warm() {
  local compiled=', "modes": ["torch.compile"]' model=$TRAIN_MODEL/model.burin
  train_peer full_warm "$model" "$TRAIN_BATCH" 1 "$compiled" &
  train_peer default_warm "$DEFAULT_MODEL" "$DEFAULT_BATCH" 1 "$compiled" &
  train_peer lora_warm "$model" "$TRAIN_BATCH" 1 \
    "$compiled, \"lora_rank\": 16" &
  wait
}

# Burin has nothing beside it yet.
part_lora() {
  train_peer lora "$TRAIN_MODEL/model.burin" "$TRAIN_BATCH" "$TRAIN_REPEAT" \
    ', "lora_rank": 16' || return
  "$PYTHON" -c "import json, sys
for name, way in json.load(open(sys.argv[1]))['layouts'].items():
    print(f\"rank 16, {name}: {$TRAIN_BATCH / way['median']:.1f} samples/s, \"
          f\"{way.get('peak_bytes', 0) / 1e9:.1f} GB, ready after \"
          f\"{way.get('ready_seconds', 0):.0f} s\")" "$LOGS/train_lora.json"
}

part_train() {
  local full=(full "$TRAIN_MODEL/model.burin" "$TRAIN_BATCH" "$TRAIN_PARTS")
  local small=(default "$DEFAULT_MODEL" "$DEFAULT_BATCH" 1)
  local flags=(--json --python "$PYTHON" $PEER) # a word list
  train_step "${full[@]}" --height "$LATENT" --width "$LATENT" \
    "${flags[@]}" >"$LOGS/bench_train_full.json"
  train_step "${small[@]}" "${flags[@]}" >"$LOGS/bench_train_default.json"
  train_step "${full[@]}" --height "$LATENT" --width "$LATENT" --profile \
    >"$LOGS/profile_train_full.txt"
  train_step "${small[@]}" --profile >"$LOGS/profile_train_default.txt"
  head -n 24 "$LOGS"/profile_train_*.txt
}

part_parity() {
  local words=("$PYTHON" bench/reference/train_parity.py --burin "$BURIN"
    --folder "$TRAIN_MODEL" --device "$DEVICE" --batch "$PARITY_BATCH")
  [ -d "$MODULES/train_parity" ] && words+=(--modules "$MODULES/train_parity")
  timeout 400 "${words[@]}" 2>&1 | tee "$LOGS/parity.log" | tail -n 12
}

part_curve() {
  local folder=$LOGS/curve words
  mkdir -p "$folder"
  attempt 100 curve.log "$BURIN" data --out "$folder/shards" --count 400 \
    --size 128
  bench/cuda/train_config.sh "$(realpath "$DEFAULT_MODEL")" "$CURVE_BATCH" \
    f32 "$DEVICE" "$CURVE_STEPS" >"$folder/train.json"
  words=("$BURIN" train "$folder/train.json" -q)
  [ -d "$MODULES/train_curve" ] && words+=(--modules "$MODULES/train_curve")
  attempt 300 curve.log "${words[@]}" || return
  timeout 300 "$PYTHON" bench/reference/loss_curve.py "$folder/train.json" \
    --steps "$CURVE_STEPS" --device "$DEVICE" --output "$LOGS/curve.json" \
    2>&1 | tee -a "$LOGS/curve.log" | tail -n 12
  mv "$folder/run/log.jsonl" "$LOGS/curve_burin.jsonl"
  rm -rf "$folder"
}

for part in "$@"; do
  if ! declare -F "part_$part" >/dev/null; then
    echo "no part is called '$part'; the head of $0 lists them" >&2
    exit 2
  fi
done
for part in "$@"; do
  SECONDS=0
  echo "== $part"
  "part_$part"
  echo "   ($SECONDS s)"
  [ -n "${OUT:-}" ] && tar czf "$OUT/run_all.tar.gz" -C "$LOGS" .
done
if compgen -G "$LOGS/bench_*.json" >/dev/null; then
  echo "== table"
  "$PYTHON" bench/cuda/table.py "$LOGS"/bench_*.json
fi
