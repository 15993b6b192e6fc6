# SPDX-License-Identifier: Apache-2.0
"""One table of the JSON that `burin bench --json` wrote, a file a run.

    python bench/cuda/table.py bench_*.json
"""
import json
import sys


def milliseconds(part):
    return f"{part['median_seconds'] * 1e3:10.3f}" if part else f"{'-':>10s}"


def error(part):
    value = (part or {}).get("relative_error")
    return f"{value:9.2e}" if value is not None else f"{'-':>9s}"


def mebibytes(part):
    return f"{part['peak_bytes'] / 2**20:8.0f}" if part else f"{'-':>8s}"


def training_lines(result):
    """What is particular to a training step."""
    burin, torch = result["burin"], result.get("torch", {})
    line = f"  samples/s: burin {burin['samples_per_second']:.1f}"
    if torch:
        line += f", torch {torch['samples_per_second']:.1f}"
    yield line + (f"; first step after {burin['first_step_seconds']:.1f} s, "
                  f"torch {torch.get('ready_seconds', 0):.1f} s")
    if "worst_error" in burin:
        yield (f"  loss: burin {burin['loss']:.6f}, torch {torch['loss']:.6f},"
               f" float32 {result['float32_loss']:.6f}; worst gradient "
               f"{burin['worst_error']:.2e}, {burin['worst_tensor']}")


def main():
    print(f"{'median ms, relative error, peak MiB':52s} {'burin':>10s} "
          f"{'torch':>10s} {'ratio':>6s} {'burin':>9s} {'torch':>9s} "
          f"{'burin':>8s} {'torch':>8s}")
    for path in sys.argv[1:]:
        try:
            with open(path) as file:
                result = json.load(file)
        except (OSError, ValueError) as reason:
            print(f"{path:52s} no result: {reason}")
            continue
        burin, torch = result["burin"], result.get("torch")
        ratio = (f"{burin['median_seconds'] / torch['median_seconds']:6.2f}"
                 if torch else f"{'-':>6s}")
        print(f"{result['what']:52s} {milliseconds(burin)} "
              f"{milliseconds(torch)} {ratio} {error(burin)} {error(torch)} "
              f"{mebibytes(burin)} {mebibytes(torch)}"
              f"  {torch['name'] if torch else ''}")
        if "samples_per_second" in burin:
            print(*training_lines(result), sep="\n")


if __name__ == "__main__":
    main()
