// SPDX-License-Identifier: Apache-2.0
// Conversion of a tiny pipeline in every layout it may come in, and the
// differences that must stop it.
#include "models/names/convert.h"

#include "formats/checkpoint/checkpoint.h"
#include "formats/file/sha256.h"
#include "models/names/embedded.h"
#include "models/names/expect.h"
#include "models/names/rules.h"
#include "tests/formats/temporary_folder.h"

#include <bit>
#include <cstring>
#include <numeric>

namespace burin::names {
namespace {

namespace fs = std::filesystem;

const std::string kFolder = "tests/formats/golden/tiny_diffusers";
const std::string kSingle = "tests/formats/golden/tiny_single.safetensors";
const std::string kWeights = "/diffusion_pytorch_model.safetensors";

Result<ConvertReport> convert(const std::string& source,
                              const std::string& output,
                              std::optional<DType> dtype = {}) {
  ConvertOptions options;
  options.source.path = source;
  options.output = output;
  options.dtype = dtype;
  if (!fs::is_directory(source))
    options.source.tokenizer = kFolder + "/tokenizer";
  return convertModel(options);
}

std::string messageOf(const Result<ConvertReport>& result) {
  return result.ok() ? "converted" : result.status().message();
}

Checkpoint open(const std::string& path) {
  Result<Checkpoint> checkpoint = Checkpoint::open(path);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  return *std::move(checkpoint);
}

// A tensor with storage, to write changed files with.
struct Owned {
  std::string name;
  DType dtype;
  Shape shape;
  std::vector<std::byte> data;
};

std::vector<Owned> tensorsOf(const std::string& path) {
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  EXPECT_TRUE(file.ok()) << file.status().message();
  std::vector<Owned> tensors;
  for (const TensorView& view : file->tensors())
    tensors.push_back({std::string(view.name),
                       view.dtype,
                       Shape(view.shape.begin(), view.shape.end()),
                       {view.data.begin(), view.data.end()}});
  return tensors;
}

void writeTensors(const std::string& path, std::span<const Owned> tensors) {
  std::vector<TensorView> views;
  for (const Owned& tensor : tensors)
    views.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.data});
  Status written = writeSafetensors(path, views);
  ASSERT_TRUE(written.ok()) << written.message();
}

// A copy of the folder whose files a test may change.
class CopiedFolder {
public:
  CopiedFolder() {
    fs::copy(kFolder, folder_ / "model", fs::copy_options::recursive);
  }
  std::string path() const { return folder_ / "model"; }
  std::string output() const { return folder_ / "out.burin"; }
  const TemporaryFolder& folder() const { return folder_; }

  // Rewrites a component's weights after `change`.
  template <typename Change>
  void edit(const std::string& component, Change change) {
    std::string file = path() + "/" + component + kWeights;
    std::vector<Owned> tensors = tensorsOf(file);
    change(tensors);
    writeTensors(file, tensors);
  }

private:
  TemporaryFolder folder_;
};

void expectSameTensors(const Checkpoint& a, const Checkpoint& b) {
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (size_t i = 0; i < a.tensors().size(); ++i) {
    const TensorView &x = a.tensors()[i], &y = b.tensors()[i];
    EXPECT_EQ(x.name, y.name);
    EXPECT_EQ(x.dtype, y.dtype) << x.name;
    EXPECT_TRUE(std::ranges::equal(x.shape, y.shape)) << x.name;
    EXPECT_TRUE(std::ranges::equal(x.data, y.data)) << x.name;
  }
}

TEST(Convert, diffusers_folder_keeps_every_tensor) {
  TemporaryFolder folder;
  Result<ConvertReport> report = convert(kFolder, folder / "m.burin");
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->architecture, "instruct_pix2pix");
  EXPECT_EQ(report->components.size(), 3u);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"m.burin"});

  Checkpoint checkpoint = open(folder / "m.burin");
  size_t count = 0;
  for (auto [component, file, prefix] :
       {std::tuple("unet", "diffusion_pytorch_model", ""),
        {"vae", "diffusion_pytorch_model", ""},
        {"text_encoder", "model", "text_model."}}) {
    std::string path = kFolder + "/" + component + "/" + file + ".safetensors";
    for (const Owned& wanted : tensorsOf(path)) {
      std::string name = std::string(component) + "." + prefix + wanted.name;
      const TensorView* found = checkpoint.find(name);
      ASSERT_NE(found, nullptr) << name;
      EXPECT_EQ(found->dtype, wanted.dtype);
      EXPECT_TRUE(std::ranges::equal(found->shape, wanted.shape)) << name;
      EXPECT_TRUE(std::ranges::equal(found->data, wanted.data)) << name;
      ++count;
    }
    std::string key =
        std::string("source.") + component + "/" + file + ".safetensors.sha256";
    std::string bytes = readText(path);
    EXPECT_EQ(checkpoint.metadata(key),
              sha256Hex(std::as_bytes(std::span(bytes))));
    EXPECT_EQ(checkpoint.metadata(std::string(component) + ".config"),
              readText(kFolder + "/" + component + "/config.json"));
  }
  EXPECT_EQ(checkpoint.tensors().size(), count);
  EXPECT_EQ(checkpoint.metadata("architecture"), "instruct_pix2pix");
  EXPECT_EQ(checkpoint.metadata("licence"), "unknown");
  EXPECT_EQ(checkpoint.metadata("tokenizer.merges"),
            "#version: 0.2\nc a\nca t</w>\n");
  EXPECT_TRUE(checkpoint.metadata("tokenizer.vocab")->find("cat</w>") !=
              std::string_view::npos);
  EXPECT_TRUE(checkpoint.metadata("scheduler.config").has_value());
  // The source states 1e30, which is none; the text encoder has 77 positions.
  nlohmann::json tokenizer = nlohmann::json::parse(
      std::string(*checkpoint.metadata("tokenizer.config")));
  EXPECT_EQ(tokenizer["model_max_length"], 77);
}

TEST(Convert, single_file_gives_the_same_tensors) {
  TemporaryFolder folder;
  ASSERT_TRUE(convert(kFolder, folder / "a").ok());
  Result<ConvertReport> report = convert(kSingle, folder / "b");
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->architecture, "instruct_pix2pix");
  EXPECT_EQ(report->ignored.size(), 4u);
  Checkpoint a = open(folder / "a"), b = open(folder / "b");
  expectSameTensors(a, b);
  EXPECT_EQ(a.metadata("tokenizer.vocab"), b.metadata("tokenizer.vocab"));
}

TEST(Convert, sharded_half_precision_and_old_names_give_the_same) {
  CopiedFolder copy;
  TemporaryFolder folder;
  ASSERT_TRUE(convert(kFolder, folder / "a").ok());
  // The autoencoder as early versions wrote it.
  copy.edit("vae", [](std::vector<Owned>& tensors) {
    for (Owned& tensor : tensors)
      for (auto [now, old] : {std::pair(".to_q.", ".query."),
                              {".to_k.", ".key."},
                              {".to_v.", ".value."},
                              {".to_out.0.", ".proj_attn."}})
        if (size_t at = tensor.name.find(now); at != std::string::npos) {
          tensor.name.replace(at, std::strlen(now), old);
          if (tensor.shape.size() == 2)
            tensor.shape.insert(tensor.shape.end(), {1, 1});
        }
  });
  // The text encoder with its outer module and the constant it used to hold.
  std::string text = copy.path() + "/text_encoder/model.safetensors";
  std::vector<Owned> tensors = tensorsOf(text);
  for (Owned& tensor : tensors)
    tensor.name = "text_model." + tensor.name;
  tensors.push_back({"text_model.embeddings.position_ids",
                     DType::kI64,
                     {1},
                     std::vector<std::byte>(8)});
  writeTensors(text, tensors);
  // The UNet in two shards of a variant.
  std::string unet = copy.path() + "/unet";
  tensors = tensorsOf(unet + kWeights);
  std::span<const Owned> all(tensors);
  writeTensors(unet + "/first.safetensors", all.first(300));
  writeTensors(unet + "/second.safetensors", all.subspan(300));
  writeText(unet + "/diffusion_pytorch_model.safetensors.index.fp16.json",
            R"({"weight_map":{"a":"first.safetensors",)"
            R"("b":"second.safetensors","c":"first.safetensors"}})");
  fs::remove(unet + kWeights);

  Result<ConvertReport> report = convert(copy.path(), folder / "b");
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->ignored.size(), 1u);
  expectSameTensors(open(folder / "a"), open(folder / "b"));
}

TEST(Convert, changes_the_element_type) {
  TemporaryFolder folder;
  ASSERT_TRUE(convert(kFolder, folder / "f16").ok());
  ASSERT_TRUE(convert(kFolder, folder / "bf16", DType::kBF16).ok());
  ASSERT_TRUE(convert(kFolder, folder / "f32", DType::kF32).ok());
  Checkpoint f16 = open(folder / "f16"), bf16 = open(folder / "bf16"),
             f32 = open(folder / "f32");
  size_t inexact = 0;
  for (size_t i = 0; i < f16.tensors().size(); ++i) {
    auto half = reinterpret_cast<const uint16_t*>(f16.tensors()[i].data.data());
    auto brain =
        reinterpret_cast<const uint16_t*>(bf16.tensors()[i].data.data());
    auto single = reinterpret_cast<const float*>(f32.tensors()[i].data.data());
    ASSERT_EQ(f16.tensors()[i].dtype, DType::kF16);
    ASSERT_EQ(bf16.tensors()[i].dtype, DType::kBF16);
    ASSERT_EQ(f32.tensors()[i].dtype, DType::kF32);
    for (size_t k = 0; k < f16.tensors()[i].data.size() / 2; ++k) {
      ASSERT_EQ(single[k], f16ToFloat(half[k]));
      ASSERT_EQ(brain[k], floatToBf16(single[k]));
      inexact += bf16ToFloat(brain[k]) != single[k];
    }
  }
  EXPECT_GT(inexact, 1000u); // rounding did happen
}

TEST(Convert, refuses_values_that_do_not_fit) {
  CopiedFolder copy;
  copy.edit("vae", [](std::vector<Owned>& tensors) {
    Owned& tensor = tensors.front();
    tensor.dtype = DType::kF32;
    size_t count = tensor.data.size() / 2;
    std::vector<float> values(count, 70000.0f);
    auto bytes = std::as_bytes(std::span(values));
    tensor.data.assign(bytes.begin(), bytes.end());
  });
  std::string message =
      messageOf(convert(copy.path(), copy.output(), DType::kF16));
  EXPECT_NE(message.find("do not fit in f16"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(copy.output()));
  EXPECT_TRUE(convert(copy.path(), copy.output(), DType::kBF16).ok());
}

TEST(Convert, lists_every_difference) {
  CopiedFolder copy;
  copy.edit("unet", [](std::vector<Owned>& tensors) {
    auto at = [&](const std::string& name) {
      return std::ranges::find(tensors, name, &Owned::name);
    };
    at("conv_in.bias")->name = "conv_in.offset";
    at("conv_out.bias")->shape = {2, 2};
    at("conv_norm_out.bias")->dtype = DType::kI32;
    at("conv_norm_out.bias")->data.resize(16);
  });
  std::string message = messageOf(convert(copy.path(), copy.output()));
  for (const char* part :
       {"missing (1):", "unet.conv_in.bias [4]",
        "unknown (1):", "unet.conv_in.offset",
        "of another shape (1):", "unet.conv_out.bias has [2,2], needs [4]",
        "not floating point (1):", "unet.conv_norm_out.bias is i32"})
    EXPECT_NE(message.find(part), std::string::npos) << part << " in\n"
                                                     << message;
  EXPECT_EQ(copy.folder().names(), std::vector<std::string>{"model"});
}

TEST(Convert, refuses_components_that_do_not_fit_each_other) {
  CopiedFolder copy;
  std::string index = readText(copy.path() + "/model_index.json");
  const std::string edits = "StableDiffusionInstructPix2PixPipeline";
  index.replace(index.find(edits), edits.size(), "StableDiffusionPipeline");
  writeText(copy.path() + "/model_index.json", index);
  std::string message = messageOf(convert(copy.path(), copy.output()));
  EXPECT_NE(message.find("takes 8 channels"), std::string::npos) << message;
}

// The published parameter counts of the full-size models.
TEST(Expect, counts_of_the_real_models) {
  nlohmann::json family = nlohmann::json::parse(kStableDiffusion1Config);
  auto parameters = [&](const std::string& component) {
    Result<std::vector<TensorSpec>> specs =
        expectTensors(component, family[component]);
    EXPECT_TRUE(specs.ok()) << specs.status().message();
    int64_t sum = 0;
    for (const TensorSpec& spec : *specs)
      sum += *elementCount(spec.shape);
    return sum;
  };
  EXPECT_EQ(parameters("unet"), 859'520'964);
  family["unet"]["in_channels"] = 8;
  EXPECT_EQ(parameters("unet"), 859'532'484);
  EXPECT_EQ(parameters("vae"), 83'653'863);
  EXPECT_EQ(parameters("text_encoder"), 123'060'480);
}

TEST(Expect, refuses_what_it_does_not_know) {
  const nlohmann::json family = nlohmann::json::parse(kStableDiffusion1Config);
  auto message = [&](const std::string& component, const char* key,
                     nlohmann::json value) {
    nlohmann::json config = family[component];
    config[key] = std::move(value);
    return expectTensors(component, config).status().message();
  };
  EXPECT_NE(message("unet", "addition_embed_type", "text_time")
                .find("'addition_embed_type' = \"text_time\""),
            std::string::npos);
  EXPECT_NE(message("unet", "block_out_channels", {320}).find("down_block"),
            std::string::npos);
  EXPECT_NE(message("unet", "block_out_channels", {0, 1, 1, 1}).find("whole"),
            std::string::npos);
  EXPECT_NE(message("unet", "block_out_channels", "x").find("whole"),
            std::string::npos);
  EXPECT_NE(message("unet", "layers_per_block", -1).find("whole"),
            std::string::npos);
  EXPECT_NE(message("unet", "layers_per_block", 65).find("64 layers"),
            std::string::npos);
  EXPECT_NE(message("unet", "use_linear_projection", 1).find("true or false"),
            std::string::npos);
  EXPECT_NE(message("unet", "mid_block_type", "Other").find("only"),
            std::string::npos);
  EXPECT_NE(message("vae", "up_block_types", {"X"}).find("UpDecoderBlock2D"),
            std::string::npos);
  EXPECT_NE(message("text_encoder", "vocab_size", nullptr).find("lacks"),
            std::string::npos);
  EXPECT_NE(message("text_encoder", "num_hidden_layers", 5000).find("1024"),
            std::string::npos);
}

TEST(Rules, match_and_fill) {
  using Found = std::vector<std::string>;
  EXPECT_EQ(matchName("a.*.c", "a.b.c"), Found{"b"});
  EXPECT_EQ(matchName("a.*.c", "a.b.b.c"), Found{"b.b"});
  EXPECT_EQ(matchName("a.#.c", "a.12.c"), Found{"12"});
  EXPECT_EQ(matchName("a.#.c", "a.b.c"), std::nullopt);
  EXPECT_EQ(matchName("a.*", "a."), std::nullopt);
  EXPECT_EQ(matchName("a", "ab"), std::nullopt);
  Result<Rules> rules = Rules::parse("# a comment\n"
                                     "[ignore]\n"
                                     "x.* : not needed\n"
                                     "[first]\n"
                                     "a.#.* -> b.#.*\n"
                                     "a.* -> never.*\n"
                                     "[second]\n"
                                     "b.*.w -> c.*.w | matrix\n",
                                     "test");
  ASSERT_TRUE(rules.ok()) << rules.status().message();
  EXPECT_EQ(rules->apply("x.y").ignored, "not needed");
  EXPECT_EQ(rules->apply("a.1.z").name, "b.1.z");
  EXPECT_FALSE(rules->apply("a.1.z").matrix);
  EXPECT_EQ(rules->apply("a.1.w").name, "c.1.w");
  EXPECT_TRUE(rules->apply("a.1.w").matrix);
  EXPECT_EQ(rules->apply("q").name, "q");
}

TEST(Rules, name_the_line_that_is_wrong) {
  for (const char* text : {"a -> b\n", "[s]\na\n", "[s]\na -> b | c\n",
                           "[s]\na.* -> b.*.*\n", "[ignore]\na\n"}) {
    Status status = Rules::parse(text, "rules.txt").status();
    EXPECT_NE(status.message().find("rules.txt:"), std::string::npos) << text;
  }
}

} // namespace
} // namespace burin::names
