#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Trains with one process and with several, one a card, on the same batches:
# losses must agree, and two runs of several must be equal bit for bit.
#
#   bench/cuda/train_processes.sh      from the root of the source tree
#
# Where Burin has no compiler, $MODULES/one and $MODULES/several hold what
# `burin train $WORK/several.json --compile DIR --target sm_90a --processes N`
# and the same without --processes made; $CONFIGS_ONLY=1 writes the
# configurations and ends. Needs mpirun and, on cards, NCCL.
set -euo pipefail
cd "$(dirname "$0")/../.."

: "${BURIN:=build/bin/burin}"
: "${MODEL:=models/pretrained/default.burin}"
: "${WORK:=/tmp/burin_train_processes}"
: "${MODULES:=}"
: "${DEVICE:=cuda}"
: "${PRECISION:=f32}"
: "${PROCESSES:=2}"
: "${STEPS:=40}"
: "${BATCH:=32}"
: "${SIZE:=128}"
: "${LIMIT:=1e-4}" # of losses, relative
: "${PYTHON:=python3}"
mkdir -p "$WORK"

# NCCL as PyTorch's wheels bring it, where the system has none.
nccl=$("$PYTHON" -c 'import nvidia.nccl; print(nvidia.nccl.__path__[0])' \
  2>/dev/null || true)
if [ -n "$nccl" ]; then
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$nccl/lib"
fi
export NCCL_NVLS_ENABLE=0 # multicast, which not every machine allows
export NCCL_DEBUG=${NCCL_DEBUG:-WARN}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

config() {
  cat >"$WORK/$1.json" <<JSON
{"model": "$(realpath "$MODEL")", "data": "data", "output": "$1",
 "cache": "encoded", "steps": $STEPS, "batch": $BATCH, "size": $SIZE,
 "device": "$DEVICE", "precision": "$PRECISION", "seed": 1, "log_every": 1,
 "checkpoint": {"every": $STEPS}}
JSON
}
for run in one several again; do config "$run"; done
[ "${CONFIGS_ONLY:-0}" = 0 ] || exit 0

# train RUN MODULES LAUNCHER...
train() {
  local run=$1 modules=$2
  shift 2
  local options=()
  [ -z "$MODULES" ] || options=(--modules "$MODULES/$modules")
  rm -rf "${WORK:?}/$run"
  "$@" "$BURIN" train "$WORK/$run.json" -q "${options[@]}"
}
[ -d "$WORK/data" ] ||
  "$BURIN" data --out "$WORK/data" --count 256 --size "$SIZE"
several=(mpirun --oversubscribe --bind-to none -n "$PROCESSES")
train one one
train several several "${several[@]}"
train again several "${several[@]}"

"$PYTHON" - "$WORK" "$LIMIT" <<'PYTHON'
import filecmp, glob, json, statistics, sys

work, limit = sys.argv[1], float(sys.argv[2])


def rows(run):
    return [json.loads(line) for line in open(f"{work}/{run}/log.jsonl")]


def state(run):
    return sorted(glob.glob(f"{work}/{run}/state-*.burin"))[-1]


def speed(run):
    return statistics.median(row["examples_per_second"] for row in rows(run))


one, several = rows("one"), rows("several")
worst = max(abs(b["loss"] / a["loss"] - 1) for a, b in zip(one, several))
same = filecmp.cmp(state("several"), state("again"), shallow=False)
print(f"losses of {len(several)} steps: {worst:.1e} from one process's, "
      f"{100 * worst / limit:.1f} % of the limit")
print(f"states of two runs of several: {'equal' if same else 'DIFFERENT'}")
print(f"examples a second: one process {speed('one'):.1f}, "
      f"several {speed('several'):.1f}")
sys.exit(0 if worst <= limit and same and len(one) == len(several) else 1)
PYTHON
