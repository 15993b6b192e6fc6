// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/contract/plan.h"

#include <algorithm>

#include "kernels/cuda/contract/geometry.h"
#include "kernels/cuda/contract/narrow.h"
#include "kernels/cuda/contract/select.h"

namespace burin::kernels::cuda {
namespace {

int64_t divideUp(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

constexpr int64_t kMaxBlocksY = 65535;

// The wrapper of the one instruction m64nNk16 that a tile needs: N / 2 sums,
// two operands in shared memory and whether to add to the sums.
std::string wgmmaText(int n, DType dtype) {
  const int count = n / 2;
  const std::string type(name(dtype));
  std::string places, sums;
  for (int i = 0; i < count; ++i) {
    const std::string comma = i + 1 < count ? "," : "", at = std::to_string(i);
    places.append("%").append(at).append(comma);
    sums.append("\"+f\"(d[").append(at).append("])").append(comma);
  }
  const auto place = [&](int i) { return "%" + std::to_string(count + i); };
  return "template <>\nstruct Wgmma<" + std::to_string(n) +
         "> {\n  static __device__ __forceinline__ void mma(float (&d)[" +
         std::to_string(count) +
         "], u64 a, u64 b, int accumulate) {\n"
         "    asm volatile(\"{.reg .pred p; setp.ne.b32 p, " +
         place(2) + ", 0; wgmma.mma_async.sync.aligned.m64n" +
         std::to_string(n) + "k16.f32." + type + "." + type + " {" + places +
         "}, " + place(0) + ", " + place(1) +
         ", p, 1, 1, 0, 0;}\"\n      : " + sums +
         "\n      : \"l\"(a), \"l\"(b), \"r\"(accumulate));\n  }\n};\n";
}

std::string tileType(const ContractTile& t) {
  std::string text = "using T = Tile<";
  for (int value : {t.bm, t.bn, t.stages(), t.consumers, t.cm, t.cn, t.ck})
    text += std::to_string(value) + ", ";
  return text + (t.pingPong ? "true, " : "false, ") +
         std::to_string(t.resident) +
         (t.apartBytes() > 0 ? ", true>;\n" : ", false>;\n");
}

// `own` slices of the kernel, then the epilogue's.
std::string viewsType(int own, const EpilogueText& epilogue) {
  return "Views<" + std::to_string(own + epilogue.slices) + ">";
}

std::string sm90Source(const ContractTile& t, const EpilogueText& epilogue,
                       DType dtype, bool shortcut, const std::string& symbol) {
  const int own = shortcut ? 3 : 2;
  std::string text = "#include \"contract/contract_sm90.cuh\"\n";
  text += wgmmaText(t.bn, dtype) + epilogue.text + "\n" + tileType(t);
  text += "extern \"C\" __global__ void ";
  if (t.cluster() > 1)
    text += "__cluster_dims__(" + std::to_string(t.cluster()) + ", 1, 1) ";
  text += "__launch_bounds__(T::kThreads, T::kResident)\n" + symbol +
          "(const __grid_constant__ " + viewsType(own, epilogue) +
          " views,\n    const __grid_constant__ TensorMap a, const "
          "__grid_constant__ TensorMap b,\n    const __grid_constant__ " +
          (shortcut ? "TensorMap s, const __grid_constant__ " : "") +
          "ContractShape shape) {\n  contract<T, Epilogue, " +
          (shortcut ? "true" : "false") + ">(views.view + " +
          std::to_string(own) + ", a, b, " + (shortcut ? "s" : "a") +
          ", shape);\n}\n";
  return text;
}

// An activation as (channel, w, h, n). With steps the box counts what it spans.
struct Image {
  uint32_t slice;
  int64_t channels, width, height, stride;
};
MapPlan imageMap(const Image& image, int64_t batch, const PixelBox& box,
                 const SliceInfo& input) {
  const uint64_t row = input.pitch * byteSize(input.dtype);
  const uint32_t stride = static_cast<uint32_t>(image.stride);
  const auto extent = [](int64_t value) {
    return static_cast<uint32_t>(value);
  };
  MapPlan map;
  map.slice = image.slice;
  map.extents = {
      static_cast<uint64_t>(image.channels), static_cast<uint64_t>(image.width),
      static_cast<uint64_t>(image.height), static_cast<uint64_t>(batch)};
  map.strides = {row, row * image.width, row * image.width * image.height};
  map.box = {kChunk, extent(box.w) * stride, extent(box.h) * stride,
             extent(box.n)};
  if (stride > 1)
    map.steps = {1, stride, stride, 1};
  return map;
}

// The packed weights, which are bytes.
MapPlan weightMap(const ContractGeometry& g, int64_t rows) {
  const uint64_t bytes = g.packedColumns() * 2;
  MapPlan map;
  map.slice = 1;
  map.extents = {bytes, static_cast<uint64_t>(g.packedRows())};
  map.strides = {bytes};
  map.box = {kChunk * 2, static_cast<uint32_t>(rows)};
  return map;
}

Result<TileChoice> chooseTile(const ContractGeometry& g,
                              const ContractOptions& options) {
  BURIN_ASSIGN(const std::vector<TunedTile> tuned,
               parseTunedTiles(headerText("contract/tuned_h100.txt")));
  TileChoice choice = selectTile(g, tuned);
  if (!options.tile.empty()) {
    choice.tile = findContractTile(options.tile);
    if (!choice.tile)
      return invalidArgument("contraction: unknown tile '" + options.tile +
                             "'; contractTiles() lists them");
    BURIN_TRY(tileFits(*choice.tile, g));
  }
  if (options.pixelsFirst >= 0)
    choice.pixelsFirst = options.pixelsFirst != 0;
  return choice;
}

// `shortcut` is null where there is none.
Result<LaunchPlan> planSm90(const ContractGeometry& g, const SliceInfo& input,
                            const SliceInfo* shortcut,
                            const EpilogueText& epilogue,
                            const ContractOptions& options) {
  BURIN_ASSIGN(const TileChoice choice, chooseTile(g, options));
  const ContractTile& tile = *choice.tile;
  const PixelBox box = pixelBox(g, tile.bm);
  const int64_t outputs = tile.bn / g.gates;
  const int64_t works = tileWorks(tile, g);
  // A split keeps one tile per cluster; else clusters are as many as run.
  const int64_t clusters =
      tile.ck > 1 ? works : std::min<int64_t>(works, tile.active());
  if (works * tile.cluster() > INT32_MAX)
    return unimplemented("contraction: more than 2^31 tiles");
  LaunchPlan plan;
  plan.symbol = "contract_" + tile.name() + (shortcut ? "_shortcut_" : "_") +
                std::string(name(input.dtype)) + "_" + epilogue.name;
  plan.source =
      sm90Source(tile, epilogue, input.dtype, shortcut != nullptr, plan.symbol);
  plan.blocks[0] = static_cast<uint32_t>(clusters * tile.cluster());
  plan.threads = tile.threads();
  plan.cluster = tile.cluster();
  plan.sharedBytes = tile.sharedBytes();
  plan.maps = {imageMap({0, g.channels, g.inWidth, g.inHeight, g.stride},
                        g.batch, box, input),
               weightMap(g, outputs)};
  if (shortcut)
    plan.maps.push_back(imageMap({2, g.shortcutChannels, g.width, g.height, 1},
                                 g.batch, box, *shortcut));
  plan.constants = bytesOf(contractShape(g, box, outputs, choice.pixelsFirst));
  return plan;
}

Result<LaunchPlan> planSimt(const ContractGeometry& g, const SliceInfo& input,
                            const EpilogueText& epilogue) {
  BURIN_ASSIGN(const std::string element, elementText(input.dtype, "input"));
  LaunchPlan plan;
  plan.symbol =
      "contract_simt_" + std::string(name(input.dtype)) + "_" + epilogue.name;
  plan.source = "#include \"contract/contract_simt.cuh\"\n" + epilogue.text +
                "\nextern \"C\" __global__ void "
                "__launch_bounds__(kSimtThreads)\n" +
                plan.symbol + "(const __grid_constant__ " +
                viewsType(2, epilogue) +
                " views,\n    const __grid_constant__ SimtShape shape) {\n"
                "  contractSimt<" +
                element + ", Epilogue>(views.view, shape);\n}\n";
  const int64_t pixels = g.batch * g.height * g.width;
  const int64_t columns = divideUp(g.outputs, kSimtColumns);
  if (columns > kMaxBlocksY)
    return unimplemented("contraction: " + std::to_string(g.outputs) +
                         " output channels; split the layer");
  plan.blocks = {static_cast<uint32_t>(divideUp(pixels, kSimtRows)),
                 static_cast<uint32_t>(columns),
                 static_cast<uint32_t>(g.phases)};
  plan.threads = kSimtThreads;
  plan.constants = bytesOf(simtShape(g, PixelBox{1, 1, 1}, kSimtColumns));
  return plan;
}

// The copy engine wants rows at multiples of 16 bytes, strides below 2^40
// and steps of at most 8.
bool isCopied(const SliceInfo& input, int64_t pixels) {
  const int64_t row = input.pitch * 2;
  return row % 16 == 0 && input.alignment % 16 == 0 &&
         row < (int64_t{1} << 40) / pixels;
}

bool servedBySm90(const ContractGeometry& g, const SliceInfo& input,
                  const Target& target) {
  const bool half = input.dtype == DType::kBF16 || input.dtype == DType::kF16;
  return target.capability == 90 && half && g.upsample == 1 && g.stride <= 8 &&
         isCopied(input, g.inHeight * g.inWidth);
}

// The plan of a kernel for few channels or outputs, if there is one.
std::optional<LaunchPlan> planNarrow(const ContractGeometry& g,
                                     const SliceInfo& input,
                                     const EpilogueText& epilogue) {
  if (std::optional<LaunchPlan> plan = planFewChannels(g, input, epilogue))
    return plan;
  return planFewOutputs(g, input, epilogue);
}

Status checkPitch(const SliceInfo& input, int64_t channels) {
  if (input.pitch >= channels)
    return okStatus();
  return invalidArgument("contraction: the input's rows are " +
                         std::to_string(input.pitch) + " elements apart and " +
                         std::to_string(channels) + " channels long");
}

} // namespace

std::vector<std::string> contractTiles() {
  std::vector<std::string> names;
  for (const ContractTile& tile : contractTileTable())
    names.push_back(tile.name());
  return names;
}

Result<LaunchPlan> planContract(std::span<const int64_t> params,
                                const SliceInfo& input,
                                const EpilogueText& epilogue,
                                const Target& target,
                                const ContractOptions& options) {
  BURIN_ASSIGN(const ContractGeometry g,
               contractGeometry(params, epilogue.gated));
  BURIN_TRY(checkPitch(input, g.channels));
  if (g.shortcutChannels > 0)
    return invalidArgument("contraction: its shortcut has an input of its own; "
                           "planContractShortcut takes it");
  if (options.tile.empty())
    if (std::optional<LaunchPlan> plan = planNarrow(g, input, epilogue))
      return *std::move(plan);
  if (servedBySm90(g, input, target))
    return planSm90(g, input, nullptr, epilogue, options);
  if (!options.tile.empty())
    return invalidArgument("contraction: tile '" + options.tile +
                           "' needs sm_90a and bf16 or f16 rows at multiples "
                           "of 16 bytes");
  return planSimt(g, input, epilogue);
}

Result<LaunchPlan>
planContractShortcut(std::span<const int64_t> params, const SliceInfo& input,
                     const SliceInfo& shortcut, const EpilogueText& epilogue,
                     const Target& target, const ContractOptions& options) {
  BURIN_ASSIGN(const ContractGeometry g,
               contractGeometry(params, epilogue.gated));
  BURIN_TRY(checkPitch(input, g.channels));
  BURIN_TRY(checkPitch(shortcut, g.shortcutChannels));
  if (g.shortcutChannels == 0 || shortcut.dtype != input.dtype)
    return invalidArgument("contraction: a shortcut has channels, and elements "
                           "of the input's type");
  if (!servedBySm90(g, input, target) ||
      !isCopied(shortcut, g.height * g.width) || planNarrow(g, input, epilogue))
    return unimplemented("contraction: a shortcut needs sm_90a, bf16 or f16 "
                         "rows at multiples of 16 bytes, and more than 8 "
                         "channels and outputs; compute its product apart");
  return planSm90(g, input, &shortcut, epilogue, options);
}

int64_t packedContractBytes(std::span<const int64_t> params, DType dtype,
                            bool gated, const Target& target) {
  const Result<ContractGeometry> g = contractGeometry(params, gated);
  return g.ok() ? g->packedRows() * g->packedColumns() *
                      static_cast<int64_t>(byteSize(dtype))
                : 0;
}

} // namespace burin::kernels::cuda
