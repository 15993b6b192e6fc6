// SPDX-License-Identifier: Apache-2.0
// Columns of times, and a ratio where both computed the same thing.
#include "tools/burin/bench_report.h"

#include <cstdio>

#include <nlohmann/json.hpp>

#include "tools/burin/cli.h"

namespace burin::cli {
namespace {

using nlohmann::json;

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  char text[200];
  std::snprintf(text, sizeof(text), format, values...);
  return text;
}

std::string row(const std::string& name, const Timing& timing, double flops,
                double peak) {
  return formatted("%-28s %10s %10s %10s %9.4g %10s\n", name.c_str(),
                   formatSeconds(timing.best).c_str(),
                   formatSeconds(timing.median).c_str(),
                   formatSeconds(timing.processor).c_str(),
                   flops / timing.best * 1e-12, formatBytes(peak).c_str());
}

std::string describe(const BenchOptions& options, const Measured& burin) {
  const FunctionRequest& f = burin.function;
  std::string text = f.name + ", batch " + std::to_string(f.batch);
  if (f.height)
    text += ", " + std::to_string(f.height) + "x" + std::to_string(f.width);
  if (f.tokens)
    text += ", " + std::to_string(f.tokens) + " tokens";
  if (options.adapters.count > 0)
    text += ", " + std::to_string(options.adapters.count) +
            " adapters of rank " + std::to_string(options.adapters.rank);
  return text + ", " + options.precision + ", " + options.device;
}

// No ratio of times where one of both does not compute the function.
std::string comparison(const Measured& burin, const Peer& peer) {
  std::string text;
  bool comparable = !peer.errors || peer.errors->agree();
  if (comparable)
    text = formatted("%-28s %10.3f %10.3f\n", "burin / torch",
                     burin.timing.best / peer.timing.best,
                     burin.timing.median / peer.timing.median);
  if (!peer.errors)
    return text + "outputs not compared: --weights names the same weights as a "
                  "diffusers folder\n";
  text += formatted("relative error to float32: burin %.3g, torch %.3g, "
                    "ratio %.3g\n",
                    peer.errors->burin, peer.errors->peer,
                    peer.errors->burin / peer.errors->peer);
  if (peer.errors->worst)
    text += formatted("of one tensor at most %.3g, of ",
                      peer.errors->worst->error) +
            peer.errors->worst->tensor + "\n";
  if (!comparable)
    text += "no ratio of times: the outputs disagree\n";
  return text;
}

double perSecond(const Measured& burin, const Timing& timing) {
  return static_cast<double>(burin.function.batch) / timing.median;
}

// What is particular to a training step.
std::string trainingText(const Measured& burin,
                         const std::optional<Peer>& peer) {
  std::string text =
      formatted("\nsamples/s: burin %.4g", perSecond(burin, burin.timing));
  if (peer)
    text += formatted(", torch %.4g", perSecond(burin, peer->timing));
  text += "; burin's first step ended " +
          formatSeconds(burin.training->firstSeconds) + " after opening\n" +
          formatted("loss: burin %.7g", burin.training->loss);
  if (peer && peer->losses)
    text += formatted(", torch %.7g, float32 %.7g", peer->losses->peer,
                      peer->losses->reference);
  return text + "\n";
}

void addTraining(json& result, const Measured& burin,
                 const std::optional<Peer>& peer) {
  result["burin"]["samples_per_second"] = perSecond(burin, burin.timing);
  result["burin"]["first_step_seconds"] = burin.training->firstSeconds;
  result["burin"]["loss"] = burin.training->loss;
  if (!peer)
    return;
  result["torch"]["samples_per_second"] = perSecond(burin, peer->timing);
  if (peer->losses) {
    result["torch"]["loss"] = peer->losses->peer;
    result["float32_loss"] = peer->losses->reference;
  }
  if (peer->errors && peer->errors->worst) {
    result["burin"]["worst_tensor"] = peer->errors->worst->tensor;
    result["burin"]["worst_error"] = peer->errors->worst->error;
  }
}

json toJson(const Timing& timing, double peak) {
  return {{"best_seconds", timing.best},
          {"median_seconds", timing.median},
          {"processor_seconds", timing.processor},
          {"peak_bytes", peak}};
}

} // namespace

Status reportText(const BenchOptions& options, const Measured& burin,
                  const std::optional<Peer>& peer) {
  const SessionTimes& opening = burin.opening;
  std::string text =
      describe(options, burin) + ", best of " + std::to_string(options.repeat) +
      (burin.ownMemory && !burin.training ? " batches of runs" : "") + "\n";
  text += "module " + formatSeconds(opening.module) + ", load " +
          formatSeconds(opening.load) + ", prepare " +
          formatSeconds(opening.prepare) + "; " +
          std::to_string(burin.launches) + " launches a run\n\n";
  text += formatted("%-28s %10s %10s %10s %9s %10s\n", "", "best", "median",
                    "processor", "TFLOP/s", "memory");
  text += row("burin", burin.timing, burin.flops, burin.peakBytes);
  if (peer) {
    text += row(peer->name, peer->timing, burin.flops, peer->peakBytes);
    text += comparison(burin, *peer);
  }
  if (burin.training)
    text += trainingText(burin, peer);
  if (!burin.profile.empty())
    text += "\n" + burin.profile;
  return print(text);
}

Status reportJson(const BenchOptions& options, const Measured& burin,
                  const std::optional<Peer>& peer) {
  json result = {{"what", describe(options, burin)},
                 {"device", options.device},
                 {"flops", burin.flops},
                 {"launches", burin.launches}};
  result["burin"] = toJson(burin.timing, burin.peakBytes);
  result["burin"]["module_seconds"] = burin.opening.module;
  result["burin"]["load_seconds"] = burin.opening.load;
  result["burin"]["prepare_seconds"] = burin.opening.prepare;
  if (peer) {
    result["torch"] = toJson(peer->timing, peer->peakBytes);
    result["torch"]["name"] = peer->name;
    if (peer->readySeconds > 0)
      result["torch"]["ready_seconds"] = peer->readySeconds;
    if (peer->errors) {
      result["burin"]["relative_error"] = peer->errors->burin;
      result["torch"]["relative_error"] = peer->errors->peer;
    }
    if (!peer->errors || peer->errors->agree())
      result["ratio"] = burin.timing.best / peer->timing.best;
  }
  if (burin.training)
    addTraining(result, burin, peer);
  return printJson(result);
}

} // namespace burin::cli
