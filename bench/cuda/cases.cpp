// SPDX-License-Identifier: Apache-2.0
#include "bench/cuda/cases.h"

#include <array>
#include <cmath>

#include "bench/cuda/epilogues.h"
#include "kernels/cpu/contracts.h"
#include "kernels/cuda/attention/plan.h"
#include "kernels/cuda/group_norm/plan.h"

namespace burin::bench {

namespace cuda = kernels::cuda;
using namespace kernels; // parameters of the families

namespace {

constexpr int64_t kAlignment = 64; // of every operand
constexpr int64_t kWidening = 8;   // of values and gates

cuda::SliceInfo slice(int64_t rows, int64_t extent, int64_t pitch = 0,
                      DType dtype = DType::kBF16) {
  return {dtype, rows, extent, pitch ? pitch : extent, kAlignment};
}

void addSlices(KernelCase& work, std::span<const cuda::SliceInfo> read) {
  for (const cuda::SliceInfo& info : read)
    work.slices.push_back({info});
}
void addWritten(KernelCase& work, const cuda::SliceInfo& info) {
  work.slices.push_back({info, true});
}

// conv: batch, height, width, channels, outputs, kernel, stride, padding,
// upsample. Without padding a larger kernel pads below and right.
int64_t outExtent(const ShapeRow& row, int axis) {
  const int64_t stride = row.sizes[6], upsample = row.sizes[8];
  return (row.sizes[axis] * upsample + stride - 1) / stride;
}

Epilogue epilogueOf(const ShapeRow& row, Following following) {
  if (following == Following::kPlain)
    return Epilogue::kBias;
  if (isGated(row))
    return Epilogue::kGate;
  const bool widens = row.kind == "linear" && row.sizes[2] > row.sizes[1];
  return widens ? Epilogue::kBias : Epilogue::kResidual;
}

Result<KernelCase> contractCase(const ShapeRow& row, Following following,
                                const cuda::Target& target,
                                const cuda::ContractOptions& options) {
  const std::vector<int64_t> p = contractParams(row);
  const Epilogue epilogue = epilogueOf(row, following);
  const bool gated = epilogue == Epilogue::kGate;
  const int64_t channels = p[kContractOutChannels];
  const int64_t outputs = gated ? channels / 2 : channels;
  const int64_t rows =
      p[kContractBatch] * p[kContractOutHeight] * p[kContractOutWidth];
  const cuda::SliceInfo input =
      slice(p[kContractBatch] * p[kContractInHeight] * p[kContractInWidth],
            p[kContractChannels]);
  BURIN_ASSIGN(const cuda::ContractGeometry g,
               cuda::contractGeometry(p, gated));
  KernelCase work;
  BURIN_ASSIGN(work.plan,
               cuda::planContract(p, input, epilogueText(epilogue, outputs),
                                  target, options));
  const int64_t packed =
      cuda::packedContractBytes(p, input.dtype, gated, target);
  addSlices(work, std::array{input, slice(1, packed, packed, DType::kU8)});
  addWritten(work, slice(rows, outputs));
  addSlices(work, std::array{slice(1, channels)});
  if (epilogue == Epilogue::kResidual)
    addSlices(work, std::array{slice(rows, outputs)});
  work.flops = 2.0 * static_cast<double>(rows) *
               static_cast<double>(g.taps() * g.channels * channels);
  return work;
}

// Queries, keys and values of one length are columns of one array, keys and
// values of a text of another.
Result<KernelCase> attentionCase(const ShapeRow& row,
                                 const cuda::Target& target) {
  const auto& s = row.sizes;
  const int64_t width = s[3] * s[4];
  std::array<int64_t, kAttentionParamCount> params;
  params[kAttentionBatch] = s[0];
  params[kAttentionQueries] = s[1];
  params[kAttentionKeys] = s[2];
  params[kAttentionHeads] = s[3];
  params[kAttentionWidth] = s[4];
  params[kAttentionCausal] = s[5];
  params[kAttentionScale] =
      doubleBits(1 / std::sqrt(static_cast<double>(s[4])));
  const bool self = s[1] == s[2];
  const cuda::SliceInfo q = slice(s[0] * s[1], width, self ? 3 * width : 0);
  const cuda::SliceInfo k = slice(s[0] * s[2], width, (self ? 3 : 2) * width);
  const std::array slices = {q, k, k, slice(s[0] * s[1], width)};
  KernelCase work;
  BURIN_ASSIGN(work.plan, cuda::planAttention(params, slices, target));
  addSlices(work, std::span(slices).first(3));
  addWritten(work, slices[3]);
  work.flops = row.flops();
  return work;
}

Result<KernelCase> groupCase(const ShapeRow& row, Following following,
                             const cuda::Target& target) {
  const auto& s = row.sizes;
  const int64_t channels = s[2];
  std::array<int64_t, kGroupParamCount> params;
  params[kGroupBatch] = s[0];
  params[kGroupPixels] = s[1];
  params[kGroupChannels] = channels;
  params[kGroupGroups] = s[3];
  params[kGroupEpsilon] = doubleBits(1e-5);
  params[kGroupAffineDType] = static_cast<int64_t>(DType::kBF16);
  const cuda::SliceInfo x = slice(s[0] * s[1], channels);
  const cuda::SliceInfo factor = slice(1, channels);
  const Epilogue epilogue =
      following == Following::kNetwork ? Epilogue::kSilu : Epilogue::kStore;
  KernelCase work;
  addSlices(work, std::array{x, factor, factor});
  BURIN_ASSIGN(cuda::GroupNormPlans plans,
               cuda::planGroupNorm(params, std::array{x, factor, factor, x},
                                   epilogueText(epilogue, channels), target));
  if (plans.moments) {
    const int64_t bytes = plans.momentsBytes;
    work.first = {*std::move(plans.moments), {0, work.slices.size()}};
    addWritten(work, slice(1, bytes, bytes, DType::kU8));
  }
  work.plan = std::move(plans.apply);
  addWritten(work, x);
  return work;
}

} // namespace

int64_t CaseSlice::bytes() const {
  return ((info.rows - 1) * info.pitch + info.extent) *
         static_cast<int64_t>(byteSize(info.dtype));
}

double KernelCase::bytes() const {
  double sum = 0;
  for (const CaseSlice& slice : slices)
    sum += static_cast<double>(slice.info.rows * slice.info.extent) *
           static_cast<double>(byteSize(slice.info.dtype));
  return sum;
}

ShapeRow withBatch(ShapeRow row, int64_t batch) {
  row.sizes[0] *= batch;
  return row;
}

std::string shapeKey(const ShapeRow& row) {
  std::string text = row.kind;
  for (const int64_t size : row.sizes)
    text += " " + std::to_string(size);
  return text;
}

bool isContraction(const ShapeRow& row) {
  return row.kind == "conv" || row.kind == "linear";
}

bool isGated(const ShapeRow& row) {
  return row.kind == "linear" && row.sizes[2] == kWidening * row.sizes[1];
}

std::vector<int64_t> contractParams(const ShapeRow& row) {
  const auto& s = row.sizes;
  if (row.kind == "linear")
    return {1, 1, s[0], 1, s[0], s[1], 1, 1, 1, 0, 0, 1, s[2]};
  return {s[0],
          outExtent(row, 1),
          outExtent(row, 2),
          s[1],
          s[2],
          s[3],
          s[5],
          s[5],
          s[6],
          s[7],
          s[7],
          s[8],
          s[4]};
}

Result<cuda::ContractGeometry> geometryOf(const ShapeRow& row) {
  return cuda::contractGeometry(contractParams(row), isGated(row));
}

Result<KernelCase> kernelCase(const ShapeRow& row, Following following,
                              const cuda::Target& target,
                              const cuda::ContractOptions& options) {
  if (isContraction(row))
    return contractCase(row, following, target, options);
  if (row.kind == "attention")
    return attentionCase(row, target);
  return groupCase(row, following, target);
}

} // namespace burin::bench
