#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints a configuration for `burin train` whose data is beside it.
#
#   bench/cuda/train_config.sh MODEL BATCH PRECISION DEVICE STEPS [PARTS [SIZE]]
set -eu
size=${7:-}
cat <<END
{
  "model": "$1", "data": "shards", "output": "run", "cache": "encoded",
  "batch": $2, "accumulate": ${6:-1}, ${size:+"\"size\": $size,"}
  "precision": "$3", "device": "$4", "steps": $5, "seed": 1,
  "learning_rate": {"peak": 3e-4, "warmup": 20, "schedule": "cosine"},
  "log_every": 1
}
END
