#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The default model from nothing on one GPU: examples, training, evaluation.
# Usage: train_default.sh BURIN FONT NAMES TOKENIZER WORK [train options]
# TOKENIZER is the folder that train_tokenizer.py wrote; FONT and NAMES are
# the files that `burin data` takes.
set -euo pipefail
burin=$1 font=$2 names=$3 tokenizer=$4 work=$5
shift 5
here=$(cd "$(dirname "$0")" && pwd)
triples=${TRIPLES:-300000}

mkdir -p "$work/train" "$work/heldout"
make() { "$burin" data --font "$font" --names "$names" "$@" --json; }
make --out "$work/heldout" --count 1000 --split heldout --seed 7
make --out "$work/train" --count "$triples" --threads "${DATA_THREADS:-12}" &
generator=$!
python3 "$here/train_default.py" --shards "$work/train" \
  --tokenizer "$tokenizer" --out "$work/model" --triples "$triples" \
  --vae-triples 40000 --vae-minutes 3.5 --total-minutes 17 "$@"
wait "$generator"
python3 "$here/evaluate_default.py" "$work/model" "$work/heldout" \
  --scales 2,1 1,1 1.5,1.2 --json "$work/quality.json" --sheet "$work/edits.png"
