// SPDX-License-Identifier: Apache-2.0
// Edits with adapters beside the weights: one a sample, exchanged without a
// new module, and gone without a trace.
#include "models/pipeline/edit.h"

#include <algorithm>
#include <cstring>
#include <deque>

#include "models/adapters/lora_writer.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/golden_file.h"
#include "tests/models/pipeline/tiny_model.h"

namespace burin::pipeline {
namespace {

using Pixels = std::vector<uint8_t>;
using Uses = std::vector<adapters::AdapterUse>;

constexpr size_t kEdits = 8;

class EditAdapters : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    ASSERT_TRUE(writeTinyModel(model()).ok());
    for (size_t k = 0; k < kEdits; ++k)
      writeVariant(k);
    editor_ = open({}).release();
  }
  static void TearDownTestSuite() {
    delete editor_;
    delete folder_;
  }

  static std::string model() { return *folder_ / "tiny.burin"; }
  static std::string file(size_t k) {
    return *folder_ / "lora" + std::to_string(k) + ".safetensors";
  }

  // The golden adapter with A's numbers moved on by k places.
  static void writeVariant(size_t k) {
    auto base = Checkpoint::open(model());
    ASSERT_TRUE(base.ok());
    auto golden = adapters::Adapter::open(
        std::string(kGoldenFolder) + "lora_kohya.safetensors", base->tensors());
    ASSERT_TRUE(golden.ok()) << golden.status().message();
    std::deque<std::vector<std::byte>> moved;
    std::vector<adapters::LowRank> terms(golden->terms().begin(),
                                         golden->terms().end());
    for (adapters::LowRank& term : terms) {
      auto& bytes =
          moved.emplace_back(term.down.data.begin(), term.down.data.end());
      std::ranges::rotate(bytes, bytes.begin() +
                                     static_cast<ptrdiff_t>(k * sizeof(float)));
      term.down.data = bytes;
    }
    Status written =
        adapters::writeAdapter(file(k), adapters::Layout::kKohya, terms);
    ASSERT_TRUE(written.ok()) << written.message();
  }

  static std::unique_ptr<Editor> open(const Uses& merged) {
    SessionOptions options;
    options.threads = 2;
    options.compile.cacheFolder = *folder_ / "cache";
    options.compile.onCompile = [] { ++compiled_; };
    options.adapters = merged;
    auto editor = Editor::open(model(), options);
    EXPECT_TRUE(editor.ok()) << editor.status().message();
    return *std::move(editor);
  }

  static EditRequest request(const Uses& uses, uint64_t seed = 0) {
    EditRequest request;
    request.instruction = "make it red";
    request.image = Image(48, 32);
    for (size_t i = 0; i < request.image.pixels.size(); ++i)
      request.image.pixels[i] = static_cast<uint8_t>(i * 7);
    request.steps = 3;
    request.sampler = schedule::SamplerKind::kDdim;
    request.seed = seed;
    request.adapters = uses;
    return request;
  }

  static std::vector<Pixels> run(Editor& editor,
                                 const std::vector<EditRequest>& requests) {
    std::vector<EditPlan> plans;
    for (const EditRequest& request : requests)
      plans.push_back(*editor.plan(request));
    auto results = editor.run(plans, requests);
    EXPECT_TRUE(results.ok()) << results.status().message();
    std::vector<Pixels> pixels;
    if (results.ok())
      for (EditResult& result : *results)
        pixels.push_back(std::move(result.image.pixels));
    return pixels;
  }
  static Pixels edited(const Uses& uses, uint64_t seed = 0) {
    auto all = run(*editor_, {request(uses, seed)});
    return all.empty() ? Pixels() : all.front();
  }

  static inline TemporaryFolder* folder_ = nullptr;
  static inline Editor* editor_ = nullptr;
  static inline int compiled_ = 0;
};

TEST_F(EditAdapters, each_of_eight_edits_has_its_own) {
  std::vector<EditRequest> requests;
  for (size_t k = 0; k < kEdits; ++k)
    requests.push_back(request({{file(k), 1}}, k));
  std::vector<Pixels> together = run(*editor_, requests);
  ASSERT_EQ(together.size(), kEdits);
  for (size_t k = 0; k < kEdits; ++k) {
    EXPECT_EQ(together[k], edited({{file(k), 1}}, k)) << k;
    EXPECT_NE(together[k], edited({{file((k + 1) % kEdits), 1}}, k)) << k;
  }
}

TEST_F(EditAdapters, in_one_batch_some_have_none_and_some_two) {
  Uses both = {{file(1), 0.5}, {file(2), -0.25}};
  auto together =
      run(*editor_, {request({}), request(both), request({{file(1), 1}})});
  ASSERT_EQ(together.size(), 3u);
  EXPECT_EQ(together[0], edited({}));
  EXPECT_EQ(together[1], edited(both));
  EXPECT_EQ(together[2], edited({{file(1), 1}}));
}

TEST_F(EditAdapters, are_exchanged_without_a_new_module_and_leave_no_trace) {
  Pixels plain = edited({});
  Pixels first = edited({{file(0), 1}});
  const int before = compiled_;
  Pixels second = edited({{file(1), 1}});
  EXPECT_NE(second, first);
  EXPECT_EQ(edited({{file(1), 0}}), plain);
  EXPECT_EQ(edited({{file(0), 1}}), first);
  EXPECT_EQ(edited({{file(0), 1}, {file(1), 0}}), first);
  EXPECT_EQ(compiled_, before);
  EXPECT_EQ(edited({}), plain);
  EXPECT_NE(first, plain);
}

TEST_F(EditAdapters, beside_the_weights_are_what_they_are_merged) {
  Pixels beside = edited({{file(3), 0.8}});
  auto merged = open({{file(3), 0.8}});
  std::vector<Pixels> expected = run(*merged, {request({})});
  ASSERT_EQ(expected.size(), 1u);
  int worst = 0;
  for (size_t i = 0; i < beside.size(); ++i)
    worst = std::max(worst, std::abs(beside[i] - expected[0][i]));
  EXPECT_LE(worst, 1); // where a sum in another order rounds otherwise
}

TEST_F(EditAdapters, that_do_not_fit_are_named) {
  EditRequest wrong = request({{*folder_ / "none.safetensors", 1}});
  auto result = editor_->run(*editor_->plan(wrong), wrong);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.status().message().find("none.safetensors"),
            std::string::npos)
      << result.status().message();
}

} // namespace
} // namespace burin::pipeline
