// SPDX-License-Identifier: Apache-2.0
// A network that takes adapters as inputs: PEFT's output, the network's own
// bits at strength 0, and one batch in which each sample has its own adapter.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/adapters/initialize.h"
#include "models/adapters/targets.h"
#include "models/pipeline/session.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/train/golden_batch.h"
#include "tests/models/train/small_unet.h"

namespace burin::pipeline {
namespace {

using Floats = std::vector<float>;
using Tensors = std::map<std::string, Floats, std::less<>>;

constexpr int64_t kRank = 3, kSamples = 8, kStacked = 32;

// The network of the golden file, for a batch of `samples`; with `layers`, it
// takes adapters of kStacked rows in all.
class Network {
public:
  Network(const std::string& model, int64_t samples,
          const std::vector<std::string>& layers)
      : samples_(samples) {
    FunctionRequest unet = {"unet", samples, 8, 6, 7};
    std::vector<FunctionRequest> functions;
    if (!layers.empty()) {
      unet.adapter = {kStacked, 1, layers};
      FunctionRequest join;
      join.name = "edit_adapters";
      join.adapter = unet.adapter;
      functions.push_back(join);
    }
    functions.push_back(unet);
    SessionOptions options;
    options.threads = 2;
    options.layout = Layout::kNhwc;
    options.compile.cacheFolder.clear();
    auto checkpoint = Checkpoint::open(model);
    EXPECT_TRUE(checkpoint.ok());
    auto session = Session::open(*std::move(checkpoint), functions, options);
    EXPECT_TRUE(session.ok()) << session.status().message();
    if (session.ok())
      session_ = *std::move(session);
  }

  bool ok() const { return session_ != nullptr; }

  // Stacks adapters of kRank rows, the first in rows 0 to 2.
  void set(std::span<const Tensors> adapters) {
    const FunctionInfo& join = **session_->program().find("edit_adapters");
    Tensors stacked;
    for (const TensorSpec& spec : join.inputs) {
      Floats& values = stacked[spec.name];
      values.resize(static_cast<size_t>(*elementCount(spec.shape)));
      const bool down = spec.name.ends_with(adapters::kDownFactor);
      for (size_t k = 0; k < adapters.size(); ++k) {
        const Floats& own = adapters[k].at(spec.name);
        for (size_t i = 0; i < own.size(); ++i) {
          // A's rows lie one after another, B's are columns.
          const size_t at = down ? k * own.size() + i
                                 : i / kRank * kStacked + k * kRank + i % kRank;
          values[at] = own[i];
        }
      }
    }
    inputs_["adapters"] = run(join, stacked);
  }

  // `gate` is [samples, kStacked].
  Floats predict(const Tensors& inputs, const Floats& gate = {}) {
    Tensors all = inputs;
    if (!gate.empty()) {
      all["adapters"] = inputs_.at("adapters");
      all["adapter_gate"] = gate;
    }
    return run(**session_->program().find("unet"), all);
  }

  int64_t samples() const { return samples_; }

private:
  Floats run(const FunctionInfo& function, const Tensors& inputs) {
    std::vector<TensorView> views;
    for (const TensorSpec& spec : function.inputs)
      views.push_back({spec.name, spec.dtype, spec.shape,
                       std::as_bytes(std::span(inputs.at(spec.name)))});
    const TensorSpec& out = function.outputs.front();
    Floats result(static_cast<size_t>(*elementCount(out.shape)));
    OutputView output = {out.name, out.dtype, out.shape,
                         std::as_writable_bytes(std::span(result))};
    Status status =
        session_->program().run(function, views, std::span(&output, 1));
    EXPECT_TRUE(status.ok()) << status.message();
    return result;
  }

  int64_t samples_;
  std::unique_ptr<Session> session_;
  Tensors inputs_;
};

double worst(std::span<const float> a, std::span<const float> b) {
  double difference = 0, largest = 1e-60;
  for (size_t i = 0; i < b.size(); ++i) {
    difference = std::max(difference, std::abs(double{a[i]} - b[i]));
    largest = std::max(largest, std::abs(double{b[i]}));
  }
  return difference / largest;
}

class AdapterInputs : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(golden_.ok());
    ASSERT_TRUE(writeSmallUNet(folder_ / "small.burin").ok());
    auto adapter = nlohmann::json::parse(golden_.metadata("adapter"));
    scale_ = adapter["alpha"].get<float>() / adapter["rank"].get<float>();
    auto checkpoint = Checkpoint::open(folder_ / "small.burin");
    ASSERT_TRUE(checkpoint.ok());
    auto patterns = adapter["targets"].get<std::vector<std::string>>();
    auto layers = adapters::matchLayers(checkpoint->tensors(), patterns);
    ASSERT_TRUE(layers.ok()) << layers.status().message();
    layers_ = *layers;
    for (const std::string& layer : layers_)
      for (auto factor : {adapters::kDownFactor, adapters::kUpFactor}) {
        std::string name = "unet." + layer + std::string(factor);
        trained_[name] = golden_.floats(name);
      }
  }

  // The golden's inputs, again and again where there are more samples, each
  // time farther from what they were.
  Tensors inputs(int64_t samples) const {
    GoldenFile train("train.safetensors");
    Batch batch(train, 0);
    Floats sample = noisyBesideSource(batch);
    Tensors all;
    for (int64_t i = 0; i < samples / 2; ++i) {
      auto append = [&](const char* name, const Floats& values) {
        for (float value : values)
          all[name].push_back(value * (1 + 0.25f * static_cast<float>(i)));
      };
      append("sample", sample);
      append("encoder_hidden_states", batch.states);
      all["timestep"].insert(all["timestep"].end(), batch.timestep.begin(),
                             batch.timestep.end());
    }
    return all;
  }

  // The trained factors, each a little different.
  std::vector<Tensors> eight() const {
    std::vector<Tensors> adapters;
    for (int k = 0; k < kSamples; ++k) {
      adapters.push_back(trained_);
      uint64_t stream = 0;
      for (auto& [name, values] : adapters.back()) {
        for (size_t i = 0; i < values.size(); ++i)
          values[i] +=
              0.05f * std::sin(static_cast<float>(7 * k + 3 * stream + 11 * i));
        ++stream;
      }
    }
    return adapters;
  }

  // Sample i takes `strength` of the adapter rows[i].
  static Floats gate(const std::vector<int>& rows, float strength) {
    Floats gate(rows.size() * kStacked);
    for (size_t i = 0; i < rows.size(); ++i)
      std::fill_n(gate.begin() + static_cast<ptrdiff_t>(i) * kStacked +
                      rows[i] * kRank,
                  kRank, strength);
    return gate;
  }

  GoldenFile golden_{"lora_train.safetensors"};
  TemporaryFolder folder_;
  std::vector<std::string> layers_;
  Tensors trained_;
  float scale_ = 0;
};

TEST_F(AdapterInputs, give_what_peft_gives) {
  Network network(folder_ / "small.burin", 2, layers_);
  ASSERT_TRUE(network.ok());
  network.set({&trained_, 1});
  Floats expected = golden_.floats("prediction");
  double error =
      worst(network.predict(inputs(2), gate({0, 0}, scale_)), expected);
  std::printf("against PEFT: %.1e\n", error);
  EXPECT_LE(error, 1e-5);
  EXPECT_GT(worst(network.predict(inputs(2), gate({0, 0}, 0)), expected), 1e-2);
}

TEST_F(AdapterInputs, of_strength_0_leave_the_networks_own_bits) {
  Network with(folder_ / "small.burin", 2, layers_);
  Network plain(folder_ / "small.burin", 2, {});
  ASSERT_TRUE(with.ok() && plain.ok());
  with.set({&trained_, 1});
  EXPECT_EQ(with.predict(inputs(2), gate({0, 0}, 0)), plain.predict(inputs(2)));
}

TEST_F(AdapterInputs, each_sample_of_eight_has_its_own) {
  Network network(folder_ / "small.burin", kSamples, layers_);
  ASSERT_TRUE(network.ok());
  std::vector<Tensors> adapters = eight();
  network.set(adapters);
  Floats together =
      network.predict(inputs(kSamples), gate({0, 1, 2, 3, 4, 5, 6, 7}, scale_));
  const size_t size = together.size() / kSamples;
  double error = 0, apart = 1;
  for (size_t k = 0; k < kSamples; ++k) {
    network.set({&adapters[k], 1});
    Floats alone = network.predict(inputs(kSamples),
                                   gate(std::vector<int>(kSamples), scale_));
    auto of = [&](const Floats& all, size_t sample) {
      return std::span(all).subspan(sample * size, size);
    };
    error = std::max(error, worst(of(together, k), of(alone, k)));
    const size_t other = (k + 1) % kSamples;
    apart = std::min(apart, worst(of(together, other), of(alone, other)));
  }
  std::printf("each with its own: %.1e; with another's: %.1e\n", error, apart);
  EXPECT_LE(error, 1e-6);
  EXPECT_GT(apart, 1e-2);
}

} // namespace
} // namespace burin::pipeline
