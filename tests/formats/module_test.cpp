// SPDX-License-Identifier: Apache-2.0
// The module reader accepts what the writer makes and refuses every kind of
// damage with a message that names it.
#include "formats/module/module.h"

#include <cstring>
#include <functional>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "tests/formats/sample_module.h"

namespace burin::module {
namespace {

TEST(Module, RoundTrip) {
  auto bytes = write(sampleModule());
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  auto module = read(*bytes);
  ASSERT_TRUE(module.ok()) << module.status().message();
  EXPECT_EQ((*module)->producer()->str(), "module_test");
  const Function* forward = findFunction(**module, "forward");
  ASSERT_NE(forward, nullptr);
  EXPECT_EQ(forward->steps()->size(), 6u);
  EXPECT_EQ(findFunction(**module, "backward"), nullptr);
  Extent view = rowsOf(*forward->slices()->Get(kArena));
  EXPECT_EQ(view.rows, 6);
  EXPECT_EQ(view.extent, 8);
  EXPECT_EQ(view.pitch, 16);
}

TEST(Module, EmptyAndScalarSlices) {
  ModuleT module = sampleModule();
  FunctionT& forward = *module.functions[0];
  forward.slices.push_back(slice(Storage::Arena, 0, 1024, {1 << 30, 0}, 0));
  forward.slices.push_back(slice(Storage::Arena, 0, 1020, {}, 1));
  auto bytes = write(module);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  const Function* function = findFunction(**read(*bytes), "forward");
  EXPECT_EQ(rowsOf(*function->slices()->Get(kArena + 1)).rows, 0);
  EXPECT_EQ(rowsOf(*function->slices()->Get(kArena + 2)).rows, 1);
  EXPECT_EQ(rowsOf(*function->slices()->Get(kArena + 2)).extent, 1);
}

// One way to lie, and what the message must name.
struct Lie {
  const char* name;
  std::function<void(ModuleT&)> tell;
  std::vector<std::string> message;
};

void PrintTo(const Lie& lie, std::ostream* stream) {
  *stream << lie.name;
}

FunctionT& forward(ModuleT& module) {
  return *module.functions[0];
}
SliceT& sliceAt(ModuleT& module, SliceIndex index) {
  return *forward(module).slices[index];
}
VerbUnion& verbAt(ModuleT& module, StepIndex index) {
  return forward(module).steps[index]->verb;
}

GridT& grid(ModuleT& module) {
  return *verbAt(module, kGridLaunch).AsLaunch()->grid;
}
TensorMapT& map(ModuleT& module) {
  return *grid(module).maps[0];
}

const std::vector<std::string> kBeyond = {"forward", "beyond its storage"};
constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

const std::vector<Lie> kLies = {
    {"Abi", [](ModuleT& m) { m.abi = 999; }, {"ABI 999", "compile it again"}},
    {"ImageKind",
     [](ModuleT& m) { m.images[0]->kind = static_cast<ImageKind>(77); },
     {"image 0", "77"}},
    {"ImageEmpty",
     [](ModuleT& m) { m.images[0]->data.clear(); },
     {"image 0 is empty"}},
    {"ImageNotElf",
     [](ModuleT& m) { m.images[0]->data[0] = 'M'; },
     {"image 0", "ELF"}},
    {"KernelImage",
     [](ModuleT& m) { m.kernels[0]->image = 2; },
     {"kernel 0: image", "index 2", "there are 2"}},
    {"KernelSymbolEmpty",
     [](ModuleT& m) { m.kernels[0]->symbol = ""; },
     {"kernel 0", "empty symbol"}},
    {"ConstantNameEmpty",
     [](ModuleT& m) { m.constants[0]->name = ""; },
     {"constant 0", "empty name"}},
    {"ConstantTwice",
     [](ModuleT& m) {
       m.constants.push_back(std::make_unique<ConstantT>(*m.constants[0]));
     },
     {"constant 'weight' appears twice"}},
    {"ConstantDType",
     [](ModuleT& m) { m.constants[0]->dtype = static_cast<DType>(42); },
     {"constant 'weight'", "dtype", "42"}},
    {"ConstantNegative",
     [](ModuleT& m) {
       m.constants[0]->shape = {-4, 8};
     },
     {"constant 'weight'", "[-4,8]"}},
    {"ConstantOverflow",
     [](ModuleT& m) {
       m.constants[0]->shape = {kHuge, 8};
     },
     {"constant 'weight'", "2^63"}},
    {"StateTwice",
     [](ModuleT& m) {
       m.states.push_back(std::make_unique<StateT>(*m.states[0]));
     },
     {"state 'packed' appears twice"}},
    {"StateBytes",
     [](ModuleT& m) {
       m.states[0]->bytes = std::numeric_limits<uint64_t>::max();
     },
     {"state 'packed'", "2^63"}},
    {"FunctionTwice",
     [](ModuleT& m) { m.functions[1]->name = "forward"; },
     {"function 'forward' appears twice"}},
    {"FunctionNameEmpty",
     [](ModuleT& m) { m.functions[1]->name = ""; },
     {"function 1", "empty name"}},
    {"PrepareInput",
     [](ModuleT& m) {
       m.functions[1]->inputs.push_back(value("x", DType::F32, {1}));
     },
     {"'prepare'", "1 and 0"}},
    {"ArenaBytes",
     [](ModuleT& m) {
       forward(m).arena_bytes = std::numeric_limits<uint64_t>::max();
     },
     {"arena", "2^63"}},
    {"InputTwice",
     [](ModuleT& m) {
       forward(m).inputs.push_back(value("x", DType::F32, {1}));
     },
     {"input 'x' appears twice"}},
    {"InputNegative",
     [](ModuleT& m) { forward(m).inputs[0]->shape[0] = -1; },
     {"input 'x'", "[-1,3,8]"}},
    {"OutputDType",
     [](ModuleT& m) { forward(m).outputs[0]->dtype = static_cast<DType>(8); },
     {"output 'y'", "dtype"}},
    {"SliceStorage",
     [](ModuleT& m) { sliceAt(m, kArena).storage = static_cast<Storage>(9); },
     {"slice 4", "storage", "9"}},
    {"SliceInputIndex",
     [](ModuleT& m) { sliceAt(m, kInput).index = 1; },
     {"slice 0", "input", "index 1"}},
    {"SliceOutputIndex",
     [](ModuleT& m) { sliceAt(m, kOutput).index = 7; },
     {"slice 1", "output", "index 7"}},
    {"SliceConstantIndex",
     [](ModuleT& m) { sliceAt(m, kConstant).index = 1; },
     {"slice 2", "constant", "index 1"}},
    {"SliceStateIndex",
     [](ModuleT& m) { sliceAt(m, kState).index = 1; },
     {"slice 3", "state", "index 1"}},
    {"SliceDType",
     [](ModuleT& m) { sliceAt(m, kArena).dtype = static_cast<DType>(200); },
     {"slice 4", "dtype", "200"}},
    {"SliceNegative",
     [](ModuleT& m) { sliceAt(m, kArena).shape[1] = -3; },
     {"slice 4", "[2,-3,8]"}},
    {"SliceShapeOverflow",
     [](ModuleT& m) {
       sliceAt(m, kArena).shape = {kHuge, kHuge};
     },
     {"slice 4", "2^63"}},
    {"SlicePitch",
     [](ModuleT& m) { sliceAt(m, kArena).pitch = 7; },
     {"slice 4", "pitch 7"}},
    {"SlicePitchNegative",
     [](ModuleT& m) { sliceAt(m, kArena).pitch = -8; },
     {"slice 4", "pitch -8"}},
    {"SlicePitchOverflow", [](ModuleT& m) { sliceAt(m, kArena).pitch = kHuge; },
     kBeyond},
    {"SliceMisaligned",
     [](ModuleT& m) { sliceAt(m, kArena).byte_offset = 34; },
     {"slice 4", "34", "4 bytes"}},
    {"SliceOffset",
     [](ModuleT& m) { sliceAt(m, kArena).byte_offset = uint64_t{1} << 63; },
     kBeyond},
    // The window of 6 rows, 16 apart, ends at 4 * (5 * 16 + 8) = 352 bytes.
    {"SliceArenaBounds",
     [](ModuleT& m) { sliceAt(m, kArena).byte_offset = 1024 - 352 + 4; },
     kBeyond},
    {"SliceArenaShrinks", [](ModuleT& m) { forward(m).arena_bytes = 32 + 351; },
     kBeyond},
    {"SliceInputBounds", [](ModuleT& m) { sliceAt(m, kInput).shape[0] = 3; },
     kBeyond},
    {"SliceOutputBounds", [](ModuleT& m) { sliceAt(m, kOutput).pitch = 9; },
     kBeyond},
    {"SliceConstantBounds",
     [](ModuleT& m) { sliceAt(m, kConstant).byte_offset = 4; }, kBeyond},
    {"SliceStateBounds", [](ModuleT& m) { m.states[0]->bytes = 255; }, kBeyond},
    {"VerbMissing", [](ModuleT& m) { verbAt(m, kFill).Reset(); }, {"damaged"}},
    {"LaunchKernel",
     [](ModuleT& m) { verbAt(m, kLaunch).AsLaunch()->kernel = 2; },
     {"step 0 (layer0)", "kernel", "index 2"}},
    {"LaunchSlice",
     [](ModuleT& m) { verbAt(m, kLaunch).AsLaunch()->slices[1] = 5; },
     {"step 0 (layer0)", "slice operand 1", "index 5"}},
    {"LaunchWorkItems",
     [](ModuleT& m) { verbAt(m, kLaunch).AsLaunch()->work_items = -1; },
     {"step 0 (layer0)", "-1 work items"}},
    {"CallOperands",
     [](ModuleT& m) { verbAt(m, kCall).AsCall()->slices.resize(1025); },
     {"step 1 (layer1)", "1025 slice operands", "1024"}},
    {"CallParams",
     [](ModuleT& m) { verbAt(m, kCall).AsCall()->params.resize(1025); },
     {"step 1 (layer1)", "1025 parameters", "1024"}},
    {"CallKernelEmpty",
     [](ModuleT& m) { verbAt(m, kCall).AsCall()->kernel = ""; },
     {"step 1 (layer1)", "names no library kernel"}},
    {"CallSlice",
     [](ModuleT& m) { verbAt(m, kCall).AsCall()->slices[0] = 99; },
     {"step 1 (layer1)", "slice operand 0", "index 99"}},
    {"CallCallback",
     [](ModuleT& m) { verbAt(m, kCall).AsCall()->callbacks[0] = 2; },
     {"step 1 (layer1)", "callback 0", "index 2"}},
    {"CallCallbackSlice",
     [](ModuleT& m) { verbAt(m, kCall).AsCall()->callback_slice = 4; },
     {"step 1 (layer1)", "callback_slice is 4", "3 slices"}},
    {"CallNoCallback",
     [](ModuleT& m) { verbAt(m, kCall).AsCall()->callbacks.clear(); },
     {"step 1 (layer1)", "no callback"}},
    {"CopySource",
     [](ModuleT& m) { verbAt(m, kCopy).AsCopy()->source = 6; },
     {"step 2 (layer2)", "source", "index 6"}},
    {"CopyTarget",
     [](ModuleT& m) { verbAt(m, kCopy).AsCopy()->target = 6; },
     {"step 2 (layer2)", "target", "index 6"}},
    {"CopyToInput",
     [](ModuleT& m) { verbAt(m, kCopy).AsCopy()->target = kInput; },
     {"step 2 (layer2)", "Input", "read-only"}},
    {"CopyShapes",
     [](ModuleT& m) { verbAt(m, kCopy).AsCopy()->source = kState; },
     {"step 2 (layer2)", "F32[64]", "F32[2,3,8]"}},
    {"FillConstant",
     [](ModuleT& m) { verbAt(m, kFill).AsFill()->target = kConstant; },
     {"step 3 (layer3)", "Constant", "read-only"}},
    {"FillPattern",
     [](ModuleT& m) { verbAt(m, kFill).AsFill()->pattern = uint64_t{1} << 32; },
     {"step 3 (layer3)", "4294967296"}},
    {"CollectiveTarget",
     [](ModuleT& m) { verbAt(m, kCollective).AsCollective()->target = 5; },
     {"step 4 (layer4)", "target", "index 5"}},
    {"CollectiveReduction",
     [](ModuleT& m) {
       verbAt(m, kCollective).AsCollective()->reduction =
           static_cast<Reduction>(3);
     },
     {"step 4 (layer4)", "reduction", "3"}},
    {"GridMissing",
     [](ModuleT& m) { verbAt(m, kGridLaunch).AsLaunch()->grid.reset(); },
     {"step 5 (layer5)", "'kernel_1' of a GPU", "without a grid"}},
    {"GridOnCpu",
     [](ModuleT& m) { verbAt(m, kGridLaunch).AsLaunch()->kernel = 0; },
     {"step 5 (layer5)", "'kernel_0' of a CPU", "over a grid"}},
    {"GridExtents",
     [](ModuleT& m) { grid(m).blocks.pop_back(); },
     {"step 5 (layer5)", "2 extents, not 3"}},
    {"GridEmpty",
     [](ModuleT& m) { grid(m).blocks[2] = 0; },
     {"grid extent 2 is 0", "1 to 65535"}},
    {"GridTooHigh",
     [](ModuleT& m) { grid(m).blocks[1] = 65536; },
     {"grid extent 1 is 65536"}},
    {"GridTooWide",
     [](ModuleT& m) { grid(m).blocks[0] = uint32_t{1} << 31; },
     {"grid extent 0 is 2147483648"}},
    {"GridNoThreads",
     [](ModuleT& m) { grid(m).threads = 0; },
     {"threads a block is 0"}},
    {"GridThreads",
     [](ModuleT& m) { grid(m).threads = 1025; },
     {"threads a block is 1025", "1024"}},
    {"GridNoCluster",
     [](ModuleT& m) { grid(m).cluster = 0; },
     {"cluster is 0"}},
    {"GridCluster",
     [](ModuleT& m) { grid(m).cluster = 17; },
     {"cluster is 17", "16"}},
    {"GridClusterDivides",
     [](ModuleT& m) { grid(m).cluster = 3; },
     {"extent 0 of 4", "cluster of 3"}},
    {"GridShared",
     [](ModuleT& m) { grid(m).shared_bytes = 232449; },
     {"shared memory a block is 232449", "232448"}},
    {"GridConstants",
     [](ModuleT& m) { grid(m).constants.resize(4097); },
     {"bytes of constants is 4097"}},
    {"GridMaps",
     [](ModuleT& m) {
       while (grid(m).maps.size() < 1025)
         grid(m).maps.push_back(std::make_unique<TensorMapT>(map(m)));
     },
     {"1025 tensor maps", "1024"}},
    {"MapSlice",
     [](ModuleT& m) { map(m).slice = 2; },
     {"tensor map 0", "slice has index 2", "there are 2"}},
    {"MapRankZero",
     [](ModuleT& m) { map(m).extents.clear(); },
     {"tensor map 0", "number of extents is 0"}},
    {"MapRank",
     [](ModuleT& m) { map(m).extents.resize(6, 1); },
     {"number of extents is 6"}},
    {"MapStrides",
     [](ModuleT& m) { map(m).strides.push_back(64); },
     {"2 dimensions it has 2 strides"}},
    {"MapBoxLength",
     [](ModuleT& m) { map(m).box.pop_back(); },
     {"1 box extents"}},
    {"MapStepsLength", [](ModuleT& m) { map(m).steps.clear(); }, {"0 steps"}},
    {"MapExtentZero",
     [](ModuleT& m) { map(m).extents[1] = 0; },
     {"extent 1 is 0"}},
    {"MapExtentHuge",
     [](ModuleT& m) { map(m).extents[0] = uint64_t{1} << 33; },
     {"extent 0 is 8589934592"}},
    {"MapBoxZero",
     [](ModuleT& m) { map(m).box[0] = 0; },
     {"box extent 0 is 0"}},
    {"MapBox",
     [](ModuleT& m) { map(m).box[1] = 257; },
     {"box extent 1 is 257"}},
    {"MapStepZero", [](ModuleT& m) { map(m).steps[0] = 0; }, {"step 0 is 0"}},
    {"MapStep", [](ModuleT& m) { map(m).steps[1] = 9; }, {"step 1 is 9"}},
    {"MapStrideAlignment",
     [](ModuleT& m) { map(m).strides[0] = 56; },
     {"stride is 56", "multiple of 16"}},
    {"MapStrideHuge",
     [](ModuleT& m) { map(m).strides[0] = uint64_t{1} << 40; },
     {"a stride is 1099511627776"}},
    {"MapSwizzle", [](ModuleT& m) { map(m).swizzle = 48; }, {"swizzle 48"}},
    {"MapOffsetAlignment",
     [](ModuleT& m) { map(m).byte_offset = 8; },
     {"begins at byte 40", "16"}},
    {"MapOffsetElement",
     [](ModuleT& m) { map(m).byte_offset = 2; },
     {"byte offset 2", "4 bytes"}},
    // 352 bytes from byte 32 of 1024.
    {"MapOffset",
     [](ModuleT& m) { map(m).byte_offset = 1024 - 32 - 352 + 16; },
     {"tensor map 0", "beyond the slice's storage of 1024"}},
    {"MapOffsetHuge",
     [](ModuleT& m) { map(m).byte_offset = ~uint64_t{15}; },
     {"beyond the slice's storage"}},
    {"MapReach",
     [](ModuleT& m) { map(m).extents[1] = 17; },
     {"beyond the slice's storage"}},
    {"MapReachOverflow",
     [](ModuleT& m) {
       map(m).extents = {uint64_t{1} << 32, uint64_t{1} << 32,
                         uint64_t{1} << 32};
       map(m).strides = {uint64_t{1} << 39, uint64_t{1} << 39};
       map(m).box = {8, 2, 1};
       map(m).steps = {1, 1, 1};
     },
     {"beyond the slice's storage"}},
};

class ModuleLies : public testing::TestWithParam<Lie> {};

TEST_P(ModuleLies, AreNamed) {
  ModuleT module = sampleModule();
  GetParam().tell(module);
  auto result = read(writeUnchecked(module));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), Code::kDataLoss);
  for (const std::string& part : GetParam().message)
    EXPECT_NE(result.status().message().find(part), std::string::npos)
        << "'" << part << "' is not in: " << result.status().message();
  EXPECT_FALSE(write(module).ok());
}

INSTANTIATE_TEST_SUITE_P(All, ModuleLies, testing::ValuesIn(kLies),
                         [](const testing::TestParamInfo<Lie>& info) {
                           return info.param.name;
                         });

TEST(Module, EveryTruncationIsRefused) {
  std::vector<std::byte> bytes = writeUnchecked(sampleModule());
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::vector<std::byte> part(bytes.begin(), bytes.begin() + size);
    EXPECT_FALSE(read(part).ok()) << size << " of " << bytes.size();
  }
}

// Whatever one byte becomes, reading ends in a verdict; what is accepted can
// be walked to the end.
TEST(Module, EveryDamagedByteIsSurvived) {
  const std::vector<std::byte> bytes = writeUnchecked(sampleModule());
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int flip : {0x01, 0x80, 0xff}) {
      std::vector<std::byte> damaged = bytes;
      damaged[i] ^= static_cast<std::byte>(flip);
      auto module = read(damaged);
      if (!module.ok())
        continue;
      std::unique_ptr<ModuleT> unpacked((*module)->UnPack());
      EXPECT_FALSE(unpacked->producer.size() > damaged.size());
    }
}

TEST(Module, ForeignFileIsNamed) {
  std::vector<std::byte> zeros(64);
  auto result = read(zeros);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.status().message().find("not a Burin module"),
            std::string::npos);
}

// The one lie that the object interface cannot tell. Every offset in the file
// is moved by a word in turn; some of them then lead to a shape that begins 4
// bytes off and is otherwise in order.
TEST(Module, MisalignedShapeIsRefused) {
  std::vector<std::byte> bytes = writeUnchecked(sampleModule());
  size_t refused = 0;
  for (size_t at = 0; at + 4 <= bytes.size(); at += 4)
    for (int shift : {-4, 4}) {
      std::vector<std::byte> damaged = bytes;
      uint32_t offset;
      std::memcpy(&offset, &damaged[at], sizeof(offset));
      offset += static_cast<uint32_t>(shift);
      std::memcpy(&damaged[at], &offset, sizeof(offset));
      auto result = read(damaged);
      refused += !result.ok() && result.status().message().find(
                                     "8-byte boundary") != std::string::npos;
    }
  EXPECT_GT(refused, 0u);
}

TEST(Module, MisalignedBytesAreRefused) {
  std::vector<std::byte> bytes = writeUnchecked(sampleModule());
  std::vector<std::byte> shifted(bytes.size() + 8);
  std::copy(bytes.begin(), bytes.end(), shifted.begin() + 4);
  auto result =
      read(std::span<const std::byte>(shifted).subspan(4, bytes.size()));
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.status().message().find("8-byte"), std::string::npos);
}

} // namespace
} // namespace burin::module
