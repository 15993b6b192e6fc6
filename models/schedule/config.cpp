// SPDX-License-Identifier: Apache-2.0
// Reads diffusers' scheduler_config.json.
#include "models/schedule/config.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <span>

#include <nlohmann/json.hpp>

namespace burin::schedule {
namespace {

using nlohmann::json;

template <typename T>
struct Named {
  std::string_view name;
  T value;
};

constexpr std::array<Named<SamplerKind>, 5> kNames = {
    {{"ddim", SamplerKind::kDdim},
     {"euler", SamplerKind::kEuler},
     {"euler-ancestral", SamplerKind::kEulerAncestral},
     {"dpm++2m", SamplerKind::kDpmSolver},
     {"pndm", SamplerKind::kPndm}}};
constexpr std::array<Named<SamplerKind>, 5> kClasses = {
    {{"DDIMScheduler", SamplerKind::kDdim},
     {"EulerDiscreteScheduler", SamplerKind::kEuler},
     {"EulerAncestralDiscreteScheduler", SamplerKind::kEulerAncestral},
     {"DPMSolverMultistepScheduler", SamplerKind::kDpmSolver},
     {"PNDMScheduler", SamplerKind::kPndm}}};
constexpr std::array<Named<Betas>, 3> kBetas = {
    {{"linear", Betas::kLinear},
     {"scaled_linear", Betas::kScaledLinear},
     {"squaredcos_cap_v2", Betas::kSquaredCosine}}};
constexpr std::array<Named<Spacing>, 3> kSpacings = {
    {{"leading", Spacing::kLeading},
     {"linspace", Spacing::kLinspace},
     {"trailing", Spacing::kTrailing}}};
constexpr std::array<Named<Prediction>, 2> kPredictions = {
    {{"epsilon", Prediction::kEpsilon},
     {"v_prediction", Prediction::kVelocity}}};
constexpr std::array<Named<bool>, 2> kFinalSigmas = {
    {{"zero", true}, {"sigma_min", false}}};

template <typename T>
std::string listed(std::span<const Named<T>> table) {
  std::string text;
  for (const Named<T>& entry : table)
    text += (text.empty() ? "" : ", ") + std::string(entry.name);
  return text;
}

// Settings that Burin lacks, and the one value of each that it runs.
struct Required {
  std::string_view key;
  std::string_view value;
};
constexpr std::array<Required, 14> kRequired = {
    {{"trained_betas", "null"},
     {"thresholding", "false"},
     {"use_exponential_sigmas", "false"},
     {"use_beta_sigmas", "false"},
     {"use_lu_lambdas", "false"},
     {"use_flow_sigmas", "false"},
     {"use_dynamic_shifting", "false"},
     {"rescale_betas_zero_snr", "false"},
     {"interpolation_type", "\"linear\""},
     {"timestep_type", "\"discrete\""},
     {"algorithm_type", "\"dpmsolver++\""},
     {"solver_type", "\"midpoint\""},
     {"solver_order", "2"},
     {"variance_type", "null"}}};

class Reader {
public:
  explicit Reader(const json& object) : object_(object) {}

  template <typename T, size_t N, typename Member>
  Status choose(const char* key, const std::array<Named<T>, N>& table,
                Member& member) const {
    const json* value = find(key);
    if (!value)
      return okStatus();
    if (value->is_string())
      for (const Named<T>& entry : table)
        if (entry.name == value->get_ref<const std::string&>()) {
          member = entry.value;
          return okStatus();
        }
    return wrong(key, *value,
                 "one of " + listed(std::span<const Named<T>>(table)));
  }

  Status read(const char* key, double lowest, double highest,
              double& member) const {
    const json* value = find(key);
    if (!value)
      return okStatus();
    if (!value->is_number() || !(*value >= lowest && *value <= highest))
      return wrong(key, *value,
                   "a number from " + shown(lowest) + " to " + shown(highest));
    member = value->get<double>();
    return okStatus();
  }

  Status read(const char* key, int lowest, int highest, int& member) const {
    double number = member;
    BURIN_TRY(read(key, double(lowest), double(highest), number));
    if (number != std::floor(number))
      return wrong(key, object_[key], "a whole number");
    member = static_cast<int>(number);
    return okStatus();
  }

  template <typename Member>
  Status readFlag(const char* key, Member& member) const {
    const json* value = find(key);
    if (!value)
      return okStatus();
    if (!value->is_boolean())
      return wrong(key, *value, "true or false");
    member = value->get<bool>();
    return okStatus();
  }

  // A null stands for a key that is not there.
  const json* find(std::string_view key) const {
    auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

private:
  static std::string shown(double number) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%g", number);
    return text.data();
  }

  static Status wrong(const char* key, const json& value,
                      const std::string& wanted) {
    return dataLoss("scheduler setting '" + std::string(key) + "' is " +
                    value.dump() + "; it must be " + wanted);
  }

  const json& object_;
};

Status checkRequired(const Reader& reader) {
  for (const Required& required : kRequired) {
    const json* value = reader.find(required.key);
    if (value && value->dump() != required.value)
      return unimplemented("scheduler setting '" + std::string(required.key) +
                           "' is " + value->dump() + "; Burin runs " +
                           std::string(required.value) + " only");
  }
  return okStatus();
}

// Python's JSON writer prints the infinite default of lambda_min_clipped as
// -Infinity, which JSON lacks.
std::string withoutInfinity(std::string_view text) {
  constexpr std::string_view kInfinity = "-Infinity";
  std::string out(text);
  for (size_t at = out.find(kInfinity); at != std::string::npos;
       at = out.find(kInfinity, at))
    out.replace(at, kInfinity.size(), "-1e300");
  return out;
}

} // namespace

std::string_view name(SamplerKind kind) {
  for (const auto& entry : kNames)
    if (entry.value == kind)
      return entry.name;
  return "unknown";
}

std::optional<SamplerKind> samplerFromName(std::string_view name) {
  for (const auto& entry : kNames)
    if (entry.name == name)
      return entry.value;
  return std::nullopt;
}

std::string samplerNames() {
  return listed(std::span<const Named<SamplerKind>>(kNames));
}

Result<Config> parseConfig(std::string_view text) {
  json object = json::parse(withoutInfinity(text), nullptr, false);
  if (!object.is_object())
    return dataLoss("the scheduler's configuration is not a JSON object; "
                    "convert the model again");
  constexpr double kMax = std::numeric_limits<double>::max();
  Reader reader(object);
  Config config;
  BURIN_TRY(reader.choose("_class_name", kClasses, config.kind));
  BURIN_TRY(
      reader.read("num_train_timesteps", 1, 1'000'000, config.trainSteps));
  BURIN_TRY(reader.choose("beta_schedule", kBetas, config.betas));
  BURIN_TRY(reader.read("beta_start", 0.0, 1.0, config.betaStart));
  BURIN_TRY(reader.read("beta_end", 0.0, 1.0, config.betaEnd));
  BURIN_TRY(reader.choose("prediction_type", kPredictions, config.prediction));
  BURIN_TRY(reader.choose("timestep_spacing", kSpacings, config.spacing));
  BURIN_TRY(reader.read("steps_offset", 0, config.trainSteps - 1,
                        config.stepsOffset));
  BURIN_TRY(reader.readFlag("set_alpha_to_one", config.alphaToOne));
  BURIN_TRY(reader.readFlag("clip_sample", config.clipSample));
  BURIN_TRY(reader.read("clip_sample_range", 0.0, kMax, config.clipRange));
  BURIN_TRY(reader.readFlag("use_karras_sigmas", config.karras));
  BURIN_TRY(
      reader.choose("final_sigmas_type", kFinalSigmas, config.finalSigmaZero));
  BURIN_TRY(reader.readFlag("lower_order_final", config.lowerOrderFinal));
  BURIN_TRY(reader.readFlag("euler_at_final", config.eulerAtFinal));
  BURIN_TRY(
      reader.read("lambda_min_clipped", -kMax, kMax, config.lambdaMinClipped));
  bool skipsRungeKutta = false;
  BURIN_TRY(reader.readFlag("skip_prk_steps", skipsRungeKutta));
  config.rungeKutta = config.kind == SamplerKind::kPndm && !skipsRungeKutta;
  BURIN_TRY(checkRequired(reader));
  return config;
}

} // namespace burin::schedule
