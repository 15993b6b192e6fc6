// SPDX-License-Identifier: Apache-2.0
// `burin edit` and `burin tokenize` as a user runs them; what they refuse is in
// tests/robustness.
#include <nlohmann/json.hpp>

#include "formats/image/image.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/pipeline/tiny_model.h"
#include "tests/robustness/command.h"

namespace burin {
namespace {

using Arguments = std::vector<std::string>;

class EditCommand : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(pipeline::writeTinyModel(model_).ok());
    Image picture(96, 64);
    for (size_t i = 0; i < picture.pixels.size(); ++i)
      picture.pixels[i] = static_cast<uint8_t>(i * 7);
    ASSERT_TRUE(writePng(picture_, picture).ok());
    // Modules are kept in this test's own folder.
    ::setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
  }

  // `burin edit picture instruction -o out`, and more.
  Arguments edit(const Arguments& more,
                 const std::string& instruction = "make it red") const {
    Arguments all = {"edit",    picture_, instruction, "-o", output_,
                     "--model", model_,   "--steps",   "2"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  TemporaryFolder folder_;
  std::string model_ = folder_ / "tiny.burin";
  std::string picture_ = folder_ / "in.png";
  std::string output_ = folder_ / "out.png";
};

TEST_F(EditCommand, writes_the_picture_a_sheet_and_a_report) {
  std::string sheet = folder_ / "sheet.png";
  CommandResult result = runBurin(edit({"--compare", sheet, "--json"}));
  ASSERT_EQ(result.exitStatus, 0) << result.error;
  Result<Image> image = readImage(output_);
  ASSERT_TRUE(image.ok()) << image.status().message();
  EXPECT_EQ(image->width, 48);
  EXPECT_EQ(image->height, 32);
  Result<Image> both = readImage(sheet);
  ASSERT_TRUE(both.ok()) << both.status().message();
  EXPECT_GT(both->width, 96);

  auto report = nlohmann::json::parse(result.output, nullptr, false);
  ASSERT_TRUE(report.is_object()) << result.output;
  EXPECT_EQ(report["output"], output_);
  EXPECT_EQ(report["sampler"], "pndm");
  EXPECT_EQ(report["evaluations"], 3);
  EXPECT_NE(result.error.find("editing ["), std::string::npos);
}

TEST_F(EditCommand, repeats_itself_and_finds_the_model_by_variable) {
  ASSERT_EQ(runBurin(edit({"--seed", "3", "-q"})).exitStatus, 0);
  std::string first = readText(output_);
  ::setenv("BURIN_MODEL", model_.c_str(), 1);
  CommandResult again =
      runBurin({"edit", picture_, "make it red", "-o", output_, "--steps", "2",
                "--seed", "3", "-q"});
  ::unsetenv("BURIN_MODEL");
  ASSERT_EQ(again.exitStatus, 0) << again.error;
  EXPECT_EQ(again.output + again.error, "");
  EXPECT_EQ(readText(output_), first);
}

TEST_F(EditCommand, tokenize_prints_ids) {
  CommandResult plain = runBurin({"tokenize", model_, "red"});
  ASSERT_EQ(plain.exitStatus, 0) << plain.error;
  EXPECT_NE(plain.output.find("\tre"), std::string::npos) << plain.output;
  CommandResult json = runBurin({"tokenize", model_, "red", "--json"});
  auto ids = nlohmann::json::parse(json.output, nullptr, false)["ids"];
  ASSERT_EQ(ids.size(), 77u);
  EXPECT_EQ(ids[0], 612);
  EXPECT_EQ(ids[76], 613);
  EXPECT_EQ(runBurin({"tokenize", picture_, "red"}).exitStatus, 2);
}

} // namespace
} // namespace burin
