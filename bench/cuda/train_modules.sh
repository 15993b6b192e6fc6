#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles what the parts train, parity and curve of run_all.sh take, on a
# machine with the compiler. FULL is InstructPix2Pix in float32, which
# bench/reference/random_model.py and `burin convert` make.
#
#   bench/cuda/train_modules.sh FULL [NAME...]    full default parity curve
#
# Settings are those of run_all.sh; they must be the same there.
set -eu
cd "$(dirname "$0")/../.."
: "${BURIN:=build/bin/burin}"
: "${MODULES:=.mod}"
: "${TARGET:=sm_90a}"
: "${DEVICE:=cuda}"
: "${PRECISION:=bf16}"
: "${LATENT:=64}"
: "${TRAIN_BATCH:=32}"
: "${TRAIN_PARTS:=1}"
: "${DEFAULT_MODEL:=models/pretrained/default.burin}"
: "${DEFAULT_BATCH:=256}"
: "${PARITY_BATCH:=2}"
: "${CURVE_BATCH:=16}"

# compile FOLDER MODEL BATCH PRECISION PARTS [SIZE]
compile() {
  local config
  config=$(mktemp --suffix=.json)
  bench/cuda/train_config.sh "$(realpath "$2")" "$3" "$4" "$DEVICE" 100 "$5" \
    ${6:+"$6"} >"$config"
  "$BURIN" train "$config" --compile "$MODULES/$1" --target "$TARGET"
  rm "$config"
}

full=$1
shift
[ $# -gt 0 ] || set -- full default parity curve
for name in "$@"; do
  case $name in
  full)
    compile train_full "$full" "$TRAIN_BATCH" "$PRECISION" "$TRAIN_PARTS" \
      $((8 * LATENT))
    ;;
  default)
    compile train_default "$DEFAULT_MODEL" "$DEFAULT_BATCH" "$PRECISION" 1
    ;;
  parity)
    for precision in f32 bf16; do
      compile "train_parity/$precision" "$full" "$PARITY_BATCH" "$precision" \
        1 $((8 * LATENT))
    done
    ;;
  curve) compile train_curve "$DEFAULT_MODEL" "$CURVE_BATCH" f32 1 ;;
  *)
    echo "no modules are called '$name'; the head of $0 lists them" >&2
    exit 2
    ;;
  esac
done
