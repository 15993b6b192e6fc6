// SPDX-License-Identifier: Apache-2.0
// Batches are functions of (seed, step), and chance is as it should be.
#include "models/train/batch.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "models/pipeline/model_info.h"
#include "models/train/prefetch.h"
#include "tests/train/world.h"

namespace burin::train {
namespace {

TEST(Order, is_a_fresh_permutation_each_epoch) {
  constexpr size_t kCount = 100;
  Order order(5, kCount);
  std::vector<std::vector<size_t>> epochs(3);
  for (int64_t i = 0; i < 300; ++i)
    epochs[static_cast<size_t>(i / 100)].push_back(order.at(i));
  for (const std::vector<size_t>& epoch : epochs)
    EXPECT_EQ(std::set(epoch.begin(), epoch.end()).size(), kCount);
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  EXPECT_EQ(*std::ranges::max_element(epochs[0]), kCount - 1);
  // From anywhere, in any order.
  EXPECT_EQ(Order(5, kCount).at(250), epochs[2][50]);
  EXPECT_EQ(order.at(17), epochs[0][17]);
  EXPECT_NE(Order(6, kCount).at(17) + 1000 * Order(6, kCount).at(18),
            epochs[0][17] + 1000 * epochs[0][18]);
  EXPECT_EQ(Order(1, 1).at(12345), 0u);
}

TEST(Order, every_place_is_as_likely) {
  constexpr int kEpochs = 4000, kCount = 8;
  Order order(1, kCount);
  std::vector<int> seen(kCount * kCount);
  for (int epoch = 0; epoch < kEpochs; ++epoch)
    for (int i = 0; i < kCount; ++i)
      ++seen[order.at(epoch * kCount + i) * kCount + i];
  // 500 each, with a deviation of 21.
  EXPECT_GT(*std::ranges::min_element(seen), 400);
  EXPECT_LT(*std::ranges::max_element(seen), 600);
}

class BatcherTest : public testing::Test {
protected:
  void SetUp() override {
    Result<Checkpoint> model = Checkpoint::open(world.model());
    ASSERT_TRUE(model.ok());
    auto info = pipeline::readModelInfo(*model);
    auto tokenizer = pipeline::readTokenizer(*model);
    ASSERT_TRUE(info.ok() && tokenizer.ok());
    levels = std::make_unique<schedule::NoiseLevels>(info->scheduler);
    Result<Dataset> opened = Dataset::open(
        {world.config.data, world.config.cache, "model", kTinyShape, 8},
        *tokenizer, fakeEncoder(),
        {[](auto&) {}, [](int64_t, int64_t) { return okStatus(); }});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    data = std::make_unique<Dataset>(*std::move(opened));
  }
  Batch make(const BatchOptions& options, int64_t step) {
    Batch batch;
    Batcher(*data, *levels, options).fill(step, batch);
    return batch;
  }
  // Whether row `row` of `values` is `bits`, widened and scaled.
  static bool isRow(const std::vector<float>& values, size_t row,
                    std::span<const uint16_t> bits, float (*widen)(uint16_t),
                    double scale) {
    for (size_t i = 0; i < bits.size(); ++i)
      if (values[row * bits.size() + i] !=
          static_cast<float>(scale) * widen(bits[i]))
        return false;
    return true;
  }
  static bool isZero(const std::vector<float>& values, size_t row) {
    size_t size = kTinyShape.latents();
    return std::ranges::all_of(std::span(values).subspan(row * size, size),
                               [](float x) { return x == 0; });
  }

  World world;
  std::unique_ptr<schedule::NoiseLevels> levels;
  std::unique_ptr<Dataset> data;
};

TEST_F(BatcherTest, depends_on_seed_and_step_alone) {
  BatchOptions options = {7, 5, 0.5, {}};
  Batcher walked(*data, *levels, options);
  std::vector<Batch> batches(20);
  for (int step = 0; step < 20; ++step)
    walked.fill(step, batches[static_cast<size_t>(step)]);
  for (int64_t step : {19, 3, 0}) {
    Batch alone = make(options, step);
    const Batch& known = batches[static_cast<size_t>(step)];
    EXPECT_EQ(alone.target, known.target);
    EXPECT_EQ(alone.source, known.source);
    EXPECT_EQ(alone.states, known.states);
    EXPECT_EQ(alone.noise, known.noise);
    EXPECT_EQ(alone.timestep, known.timestep);
  }
  EXPECT_NE(batches[0].noise, batches[1].noise);
  EXPECT_NE(batches[0].timestep, batches[1].timestep);
  options.seed = 8;
  EXPECT_NE(make(options, 0).noise, batches[0].noise);
}

TEST_F(BatcherTest, shares_make_up_the_whole) {
  BatchOptions options = {7, 6, 0.5, {0.3, 0.3, 0.3}};
  Batch whole = make(options, 3), joined;
  options.shares = 3;
  for (options.share = 0; options.share < 3; ++options.share) {
    Batch share = make(options, 3);
    EXPECT_EQ(share.timestep.size(), 2u);
    for (auto values :
         {&Batch::target, &Batch::source, &Batch::states, &Batch::noise,
          &Batch::timestep, &Batch::signal, &Batch::noiseLevel})
      (joined.*values)
          .insert((joined.*values).end(), (share.*values).begin(),
                  (share.*values).end());
  }
  EXPECT_EQ(joined.target, whole.target);
  EXPECT_EQ(joined.source, whole.source);
  EXPECT_EQ(joined.states, whole.states);
  EXPECT_EQ(joined.noise, whole.noise);
  EXPECT_EQ(joined.timestep, whole.timestep);
  EXPECT_EQ(joined.signal, whole.signal);
  EXPECT_EQ(joined.noiseLevel, whole.noiseLevel);
}

TEST_F(BatcherTest, holds_examples_scaled_as_editing_has_them) {
  BatchOptions options = {7, 12, 0.25, {0, 0, 0}};
  Batch batch = make(options, 0);
  Order order(7, 12);
  for (size_t row = 0; row < 12; ++row) {
    Dataset::Example example = data->at(order.at(static_cast<int64_t>(row)));
    EXPECT_TRUE(isRow(batch.target, row, example.target, f16ToFloat, 0.25));
    EXPECT_TRUE(isRow(batch.source, row, example.source, f16ToFloat, 1));
    EXPECT_TRUE(isRow(batch.states, row, example.states, bf16ToFloat, 1));
    auto t = static_cast<int>(batch.timestep[row]);
    EXPECT_FLOAT_EQ(batch.signal[row],
                    static_cast<float>(std::sqrt(levels->alphaBar(t))));
    EXPECT_NEAR(batch.signal[row] * batch.signal[row] +
                    batch.noiseLevel[row] * batch.noiseLevel[row],
                1, 1e-6);
  }
}

TEST_F(BatcherTest, drops_conditions_as_often_as_asked) {
  BatchOptions options = {1, 2000, 1, {0.1, 0.2, 0.3}};
  Batch batch = make(options, 4);
  Order order(1, 12);
  int text = 0, picture = 0, both = 0;
  for (size_t row = 0; row < 2000; ++row) {
    bool noText = isRow(batch.states, row, data->emptyText(), bf16ToFloat, 1);
    bool noPicture = isZero(batch.source, row);
    text += noText && !noPicture;
    picture += noPicture && !noText;
    both += noText && noPicture;
  }
  // Four deviations of the binomial distributions.
  EXPECT_NEAR(text, 200, 4 * std::sqrt(2000 * 0.1 * 0.9));
  EXPECT_NEAR(picture, 400, 4 * std::sqrt(2000 * 0.2 * 0.8));
  EXPECT_NEAR(both, 600, 4 * std::sqrt(2000 * 0.3 * 0.7));
}

TEST_F(BatcherTest, noise_is_normal_and_timesteps_are_even) {
  Batch batch = make({3, 4000, 1, {}}, 0);
  double sum = 0, squares = 0;
  for (float x : batch.noise) {
    sum += x;
    squares += double{x} * x;
  }
  auto count = static_cast<double>(batch.noise.size());
  EXPECT_NEAR(sum / count, 0, 4 / std::sqrt(count));
  EXPECT_NEAR(squares / count, 1, 4 * std::sqrt(2 / count));
  auto [lowest, highest] = std::ranges::minmax_element(batch.timestep);
  EXPECT_LT(*lowest, 5);
  EXPECT_GE(*highest, static_cast<float>(levels->count() - 5));
  EXPECT_LT(*highest, static_cast<float>(levels->count()));
  EXPECT_NEAR(
      std::accumulate(batch.timestep.begin(), batch.timestep.end(), 0.0) / 4000,
      (levels->count() - 1) / 2.0,
      4 * levels->count() / std::sqrt(12.0 * 4000));
}

TEST_F(BatcherTest, prefetch_gives_the_same_in_order) {
  BatchOptions options = {7, 5, 1, {}};
  Batcher batcher(*data, *levels, options);
  {
    Prefetch prefetch(batcher, 3, 60);
    for (int64_t step = 3; step < 60; ++step) {
      const Batch& batch = prefetch.next();
      Batch alone = make(options, step);
      ASSERT_EQ(batch.noise, alone.noise) << step;
      ASSERT_EQ(batch.target, alone.target) << step;
    }
    EXPECT_GE(prefetch.waited(), 0);
  }
  { Prefetch unused(batcher, 0, 1000000); } // ends at once
  Prefetch empty(batcher, 5, 5);
}

} // namespace
} // namespace burin::train
