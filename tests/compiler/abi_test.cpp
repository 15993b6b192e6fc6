// SPDX-License-Identifier: Apache-2.0
// The C interface of the shared library: a module or a message, never both.
#include "compiler/abi.h"
#include "formats/module/module.h"

#include <gtest/gtest.h>

#include <string>

namespace burin {
namespace {

// A text encoder small enough to compile at once.
std::string request(const std::string& target, const std::string& precision) {
  return R"({"architecture": "instruct_pix2pix", "target": ")" + target +
         R"(", "precision": ")" + precision + R"(",
    "components": {"text_encoder": {"dtype": "f32", "config": {
      "architectures": ["CLIPTextModel"], "hidden_act": "quick_gelu",
      "hidden_size": 64, "intermediate_size": 128, "layer_norm_eps": 1e-05,
      "max_position_embeddings": 16, "num_attention_heads": 2,
      "num_hidden_layers": 1, "vocab_size": 100, "eos_token_id": 2}}},
    "functions": [{"component": "text_encoder", "name": "text_encoder",
                   "batch": 2, "tokens": 16, "layout": "nchw"}]})";
}

struct Answer {
  int code;
  std::vector<std::byte> module;
  std::string error;
};

Answer compile(const std::string& text) {
  BurinBytes module, error;
  Answer answer;
  answer.code = burinCompile(text.data(), text.size(), &module, &error);
  const auto* data = reinterpret_cast<const std::byte*>(module.data);
  answer.module.assign(data, data + module.size);
  answer.error.assign(reinterpret_cast<const char*>(error.data), error.size);
  burinRelease(&module);
  burinRelease(&error);
  EXPECT_EQ(module.data, nullptr);
  EXPECT_EQ(error.size, 0u);
  return answer;
}

TEST(Abi, GivesAModuleTheReaderAccepts) {
  for (const char* precision : {"f32", "bf16"}) {
    Answer answer = compile(request("x86-64-v3", precision));
    ASSERT_EQ(answer.code, 0) << answer.error;
    EXPECT_EQ(answer.error, "");
    auto module = module::read(answer.module);
    ASSERT_TRUE(module.ok()) << module.status().message();
    EXPECT_NE(module::findFunction(**module, "text_encoder"), nullptr);
    EXPECT_NE(module::findFunction(**module, "prepare"), nullptr);
  }
}

TEST(Abi, CompilesToTheSameBytes) {
  EXPECT_EQ(compile(request("x86-64-v3", "f32")).module,
            compile(request("x86-64-v3", "f32")).module);
}

TEST(Abi, SaysWhatIsWrong) {
  Answer answer = compile(request("pentium", "f32"));
  EXPECT_NE(answer.code, 0);
  EXPECT_TRUE(answer.module.empty());
  EXPECT_NE(answer.error.find("'pentium'"), std::string::npos) << answer.error;
  EXPECT_NE(answer.error.find("x86-64-v3"), std::string::npos) << answer.error;

  for (const char* text : {"", "{", "[]", R"({"architecture": "none"})"}) {
    answer = compile(text);
    EXPECT_NE(answer.code, 0) << text;
    EXPECT_NE(answer.error, "") << text;
  }
}

} // namespace
} // namespace burin
