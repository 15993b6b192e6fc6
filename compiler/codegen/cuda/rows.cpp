// SPDX-License-Identifier: Apache-2.0
// Two forms of kernel. Where every op runs over the same elements, a thread
// takes a few neighbours through all of them ("flat"). Where an op folds, the
// lanes of a team share each row, values of the row stay in their registers,
// and folds end in a reduction over the team.
#include "compiler/codegen/cuda/rows.h"

#include "compiler/codegen/cpu/row_form.h"
#include "compiler/codegen/cuda/element_printer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using llvm::formatv;

namespace burin {
namespace {

constexpr int64_t kBlock = 256;     // threads
constexpr int64_t kMaxWidth = 8;    // neighbours of a thread
constexpr int64_t kLaneValues = 48; // of one row tensor in a warp's lane
constexpr int64_t kSharedBytes = 40 << 10;

using kernels::cuda::LaunchPlan;
using kernels::cuda::SliceInfo;

class RowsPrinter {
public:
  RowsPrinter(func::FuncOp kernel, ArrayRef<SliceInfo> slices)
      : kernel_(kernel), slices_(slices), rows_(rowExtents(kernel)),
        elements_(kernel, 0, slices, "views.view") {}

  FailureOr<LaunchPlan> run();

private:
  class InChunk;

  Block& block() { return kernel_.getBody().front(); }
  auto generics() { return block().getOps<linalg::GenericOp>(); }
  bool isFlat();
  LogicalResult printFlat();
  LogicalResult printTeam();
  LogicalResult printRowMap(linalg::GenericOp op);
  LogicalResult printScalarMap(linalg::GenericOp op, const Position& at,
                               StringRef name);
  LogicalResult printRowFold(linalg::GenericOp op);
  LogicalResult foldAt(linalg::GenericOp op, Position at,
                       ArrayRef<int64_t> inner, StringRef name);
  Position inRow(linalg::GenericOp op, unsigned width);
  void openChunks(Position& at, ArrayRef<int64_t> inner, unsigned firstDim,
                  StringRef counter);
  void closeChunks(Position& at);
  Place::Kind placeFor(Value value);
  void declare(linalg::GenericOp op, const Position& at, StringRef name);
  void declareArray(Value value, StringRef name);
  std::string arrayIndex(linalg::GenericOp op, unsigned i, const Position& at);
  void syncArrays(linalg::GenericOp op);
  void storeResults(linalg::GenericOp op, unsigned i, StringRef name,
                    const Position& at);
  void finish(const std::string& body, int64_t blocks, int64_t threads);
  int64_t chunksOf(int64_t count, unsigned width) const {
    return llvm::divideCeil(count, lanes_ * width);
  }

  func::FuncOp kernel_;
  ArrayRef<SliceInfo> slices_;
  SmallVector<int64_t> rows_;
  ElementPrinter elements_;
  LaunchPlan plan_;
  std::string text_, shared_;
  int64_t lanes_ = 32;
  int64_t sharedBytes_ = 0;
  unsigned count_ = 0;
};

static int64_t product(ArrayRef<int64_t> extents) {
  return ShapedType::getNumElements(extents);
}

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static unsigned widthFor(int64_t extent) {
  unsigned width = kMaxWidth;
  while (extent % width != 0)
    width /= 2;
  return width;
}

// A fill only says what a fold begins with.
static bool isStart(linalg::GenericOp op) {
  return llvm::all_of(op->getUsers(), [&](Operation* user) {
    auto fold = dyn_cast<linalg::GenericOp>(user);
    return fold && fold.getNumReductionLoops() > 0 &&
           llvm::is_contained(fold.getDpsInits(), op.getResult(0));
  });
}

bool RowsPrinter::isFlat() {
  std::optional<SmallVector<int64_t>> extents;
  for (linalg::GenericOp op : generics()) {
    SmallVector<int64_t> ranges = op.getStaticLoopRanges();
    if (op.getNumReductionLoops() > 0 || (extents && *extents != ranges))
      return false;
    extents = ranges;
    for (OpOperand& init : op.getDpsInitsMutable())
      if (!op.getMatchingIndexingMap(&init).isIdentity())
        return false;
    for (OpOperand* input : op.getDpsInputOperands())
      if (!isa<BlockArgument>(input->get()) &&
          !op.getMatchingIndexingMap(input).isIdentity())
        return false;
  }
  return true;
}

void RowsPrinter::finish(const std::string& body, int64_t blocks,
                         int64_t threads) {
  std::string source = formatv(R"(#include "common/access.cuh"
#include "common/rows.cuh"

extern "C" __global__ void __launch_bounds__({0})
SYMBOL(const __grid_constant__ Views<{1}> views) {{
{2}}
)",
                               threads, slices_.size(), body);
  plan_.symbol =
      "rows_" + llvm::utohexstr(llvm::xxh3_64bits(source), /*LowerCase=*/true);
  size_t at = source.find("SYMBOL");
  plan_.source = source.replace(at, 6, plan_.symbol);
  plan_.blocks = {static_cast<uint32_t>(blocks), 1, 1};
  plan_.threads = static_cast<uint32_t>(threads);
}

LogicalResult RowsPrinter::printFlat() {
  linalg::GenericOp first = *generics().begin();
  SmallVector<int64_t> extents = first.getStaticLoopRanges();
  Position at;
  at.extents = extents;
  at.indent = "  ";
  int64_t last = extents.empty() ? 1 : extents.back();
  at.width = widthFor(last);
  int64_t items = product(extents) / at.width;
  text_ +=
      formatv("  const u32 item = blockIdx.x * {0}u + threadIdx.x;\n", kBlock);
  text_ += formatv("  letNextStart();\n  waitForPrevious();\n"
                   "  if (item >= {0}u)\n    return;\n",
                   items);
  if (!extents.empty()) {
    text_ += formatv("  const int row = item / {0}u;\n"
                     "  [[maybe_unused]] const int column = "
                     "(item % {0}u) * {1}u;\n",
                     last / at.width, at.width);
    at.row = "row";
    printDims(ArrayRef(extents).drop_back(), "row", "  ", text_);
    for (size_t i = 0; i + 1 < extents.size(); ++i)
      at.dims.push_back("d" + std::to_string(i));
    at.dims.push_back("column");
  }
  for (linalg::GenericOp op : generics()) {
    std::string name = "y" + std::to_string(count_++) + "_";
    if (failed(elements_.printMap(op, at, name, text_)))
      return failure();
    for (auto [i, result] : llvm::enumerate(op.getResults())) {
      std::string value = name + std::to_string(i);
      elements_.places()[result] = {Place::kVector, 0, value, 0};
      storeResults(op, i, value, at);
    }
  }
  finish(text_, llvm::divideCeil(items, kBlock), kBlock);
  return success();
}

// Stores `name` where result `i` of `op` is one of the kernel.
void RowsPrinter::storeResults(linalg::GenericOp op, unsigned i, StringRef name,
                               const Position& at) {
  for (auto [number, result] :
       llvm::enumerate(block().getTerminator()->getOperands()))
    if (result == op.getResult(i))
      elements_.printStore(number, tensorType(result),
                           op.getIndexingMapMatchingResult(op->getOpResult(i)),
                           name, at, text_);
}

// How the users of a row's value read it decides where it is kept.
Place::Kind RowsPrinter::placeFor(Value value) {
  RankedTensorType type = tensorType(value);
  if (product(type.getShape().drop_front(rows_.size())) == 1)
    return Place::kScalar;
  auto writer = value.getDefiningOp<linalg::GenericOp>();
  bool sameLanes = writer.getNumReductionLoops() == 0;
  for (OpOperand& use : value.getUses()) {
    auto user = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (user && !(user.getMatchingIndexingMap(&use).isIdentity() &&
                  user.getStaticLoopRanges() == writer.getStaticLoopRanges()))
      sameLanes = false;
  }
  return sameLanes ? Place::kVector : Place::kArray;
}

// A position within the row: dims of the rows are set, the others open.
Position RowsPrinter::inRow(linalg::GenericOp op, unsigned width) {
  Position at;
  at.extents = op.getStaticLoopRanges();
  at.width = width;
  at.indent = "  ";
  for (size_t i = 0; i < at.extents.size(); ++i)
    at.dims.push_back("d" + std::to_string(i));
  return at;
}

// A loop over this lane's share of `inner`, whose dims get names.
void RowsPrinter::openChunks(Position& at, ArrayRef<int64_t> inner,
                             unsigned firstDim, StringRef counter) {
  int64_t count = product(inner);
  text_ +=
      formatv("#pragma unroll\n{0}for (int {1} = 0; {1} < {2}; ++{1}) {{\n"
              "{0}  const int e = ({1} * {3} + team.lane()) * {4};\n",
              at.indent, counter, chunksOf(count, at.width), lanes_, at.width);
  if (count % (lanes_ * at.width) != 0)
    text_ +=
        formatv("{0}  if (e >= {1})\n{0}    continue;\n", at.indent, count);
  at.indent += "  ";
  int64_t below = 1;
  for (size_t i = inner.size(); i-- > 0; below *= inner[i]) {
    std::string value = "e";
    if (below > 1)
      value = formatv("{0} / {1}", value, below);
    if (i > 0)
      value = formatv("({0}) % {1}", value, inner[i]);
    text_ += formatv("{0}[[maybe_unused]] const int d{1} = {2};\n", at.indent,
                     firstDim + i, value);
  }
  // Rows of a slice are those of the leading dims, whatever their number.
  std::string row = "row";
  for (size_t i = 0; i + 1 < inner.size(); ++i)
    row = formatv("({0} * {1} + d{2})", row, inner[i], firstDim + i);
  at.row = rows_.size() + inner.size() == at.extents.size() ? row : "";
}

void RowsPrinter::closeChunks(Position& at) {
  at.indent.resize(at.indent.size() - 2);
  text_ += at.indent + "}\n";
}

// Registers that hold a row tensor are those of the chunk `counter`.
class RowsPrinter::InChunk {
public:
  InChunk(ElementPrinter& elements, linalg::GenericOp op, StringRef counter)
      : elements_(elements) {
    for (OpOperand* input : op.getDpsInputOperands()) {
      auto found = elements.places().find(input->get());
      if (found == elements.places().end() ||
          found->second.kind != Place::kVector ||
          !plain_.try_emplace(input->get(), found->second.name).second)
        continue;
      found->second.name += ("[" + counter + "]").str();
    }
  }
  ~InChunk() {
    for (auto& [value, name] : plain_)
      elements_.places()[value].name = name;
  }

private:
  ElementPrinter& elements_;
  DenseMap<Value, std::string> plain_;
};

void RowsPrinter::declareArray(Value value, StringRef name) {
  RankedTensorType type = tensorType(value);
  int64_t count = product(type.getShape().drop_front(rows_.size()));
  int64_t all = count * std::max<int64_t>(1, kBlock / lanes_);
  StringRef reg = registerType(type.getElementType());
  sharedBytes_ += (reg == "double" || reg == "i64" ? 8 : 4) * all;
  shared_ += formatv("  __shared__ {0} {1}_all[{2}];\n"
                     "  {0}* {1} = {1}_all + team.row() * {3};\n",
                     reg, name, all, count);
  elements_.places()[value] = {Place::kArray, 0, name.str(),
                               static_cast<int64_t>(rows_.size())};
}

// The element that result `i` of `op` has at `at`, past the rows.
std::string RowsPrinter::arrayIndex(linalg::GenericOp op, unsigned i,
                                    const Position& at) {
  RankedTensorType type = tensorType(op.getResult(i));
  AffineMap map = op.getIndexingMapMatchingResult(op->getOpResult(i));
  std::string index = "0";
  for (unsigned axis = rows_.size(); axis < unsigned(type.getRank()); ++axis)
    index = formatv("({0} * {1} + {2})", index, type.getDimSize(axis),
                    printAffine(map.getResult(axis), at.dims));
  return index;
}

void RowsPrinter::declare(linalg::GenericOp op, const Position& at,
                          StringRef name) {
  ArrayRef<int64_t> inner = ArrayRef(at.extents).drop_front(rows_.size());
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    std::string kept = (name + "row" + Twine(i)).str();
    StringRef reg = registerType(tensorType(result).getElementType());
    Place::Kind kind = placeFor(result);
    if (kind == Place::kArray) {
      declareArray(result, kept);
      continue;
    }
    text_ += formatv("  {0} {1}", reg, kept);
    if (kind == Place::kVector)
      text_ +=
          formatv("[{0}][{1}]", chunksOf(product(inner), at.width), at.width);
    text_ += ";\n";
    elements_.places()[result] = {kind, 0, kept, 0};
  }
}

void RowsPrinter::syncArrays(linalg::GenericOp op) {
  if (llvm::any_of(op.getResults(), [&](Value result) {
        return elements_.places()[result].kind == Place::kArray;
      }))
    text_ += lanes_ > 32 ? "  __syncthreads();\n" : "  __syncwarp();\n";
}

// One value a row, the same in every lane.
LogicalResult RowsPrinter::printScalarMap(linalg::GenericOp op,
                                          const Position& at, StringRef name) {
  text_ += "  {\n";
  for (size_t i = rows_.size(); i < at.extents.size(); ++i)
    text_ += formatv("  [[maybe_unused]] const int d{0} = 0;\n", i);
  if (failed(elements_.printMap(op, at, name, text_)))
    return failure();
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    std::string value = (name + Twine(i)).str();
    text_ +=
        formatv("  {0} = {1}[0];\n", elements_.places()[result].name, value);
    text_ += "  if (live && team.lane() == 0) {\n";
    storeResults(op, i, value, at);
    text_ += "  }\n";
  }
  text_ += "  }\n";
  return success();
}

LogicalResult RowsPrinter::printRowMap(linalg::GenericOp op) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  ArrayRef<int64_t> inner = ArrayRef(extents).drop_front(rows_.size());
  std::string name = "y" + std::to_string(count_++) + "_";
  bool scalar = product(inner) == 1;
  Position at = inRow(op, scalar ? 1 : widthFor(inner.back()));
  declare(op, at, name);
  if (scalar)
    return printScalarMap(op, at, name);
  std::string counter = "c" + std::to_string(count_++);
  openChunks(at, inner, rows_.size(), counter);
  {
    InChunk registers(elements_, op, counter);
    if (failed(elements_.printMap(op, at, name, text_)))
      return failure();
  }
  Position each = at;
  each.dims.back() = "(" + at.dims.back() + " + i)";
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    const Place place = elements_.places()[result];
    std::string to = place.kind == Place::kArray
                         ? place.name + "[" + arrayIndex(op, i, each) + "]"
                         : place.name + "[" + counter + "][i]";
    text_ += formatv("#pragma unroll\n{0}for (int i = 0; i < {1}; ++i)\n"
                     "{0}  {2} = {3}{4}[i];\n{0}if (live) {{\n",
                     at.indent, at.width, to, name, i);
    storeResults(op, i, name + std::to_string(i), at);
    text_ += at.indent + "}\n";
  }
  closeChunks(at);
  syncArrays(op);
  return success();
}

namespace {
// How partial results of a fold combine, by the op that ends its body.
struct Combiner {
  StringRef function; // of rows.cuh
  std::string neutral;
};
} // namespace

static FailureOr<Combiner> combinerOf(linalg::GenericOp op, unsigned result) {
  Value value = op.getBlock()->getTerminator()->getOperand(result);
  Operation* last = value.getDefiningOp();
  StringRef reg = registerType(value.getType());
  Value accumulator = op.getBlock()->getArgument(op.getNumDpsInputs() + result);
  if (!last || !llvm::is_contained(last->getOperands(), accumulator))
    return op.emitOpError("folds in a way that has no parallel form");
  auto infinity = [&](StringRef sign) {
    return (sign + (value.getType().isF64()
                        ? "__longlong_as_double(0x7ff0000000000000ll)"
                        : "__uint_as_float(0x7f800000u)"))
        .str();
  };
  bool is32 = value.getType().isInteger(32);
  if (isa<arith::AddFOp, arith::AddIOp>(last))
    return Combiner{"AddOp", formatv("({0})0", reg)};
  if (isa<arith::MulFOp, arith::MulIOp>(last))
    return Combiner{"MultiplyOp", formatv("({0})1", reg)};
  if (isa<arith::MaximumFOp>(last))
    return Combiner{"MaximumOp", infinity("-")};
  if (isa<arith::MinimumFOp>(last))
    return Combiner{"MinimumOp", infinity("")};
  if (isa<arith::MaxSIOp>(last))
    return Combiner{"MaximumOp",
                    is32 ? "(int)0x80000000" : "(i64)(1ull << 63)"};
  if (isa<arith::MinSIOp>(last))
    return Combiner{"MinimumOp", is32 ? "0x7fffffff" : "(i64)(~0ull >> 1)"};
  return op.emitOpError("folds with an op that has no parallel form");
}

// Folds over the `inner` loops, the last ones, into scalars `name<i>`.
LogicalResult RowsPrinter::foldAt(linalg::GenericOp op, Position at,
                                  ArrayRef<int64_t> inner, StringRef name) {
  SmallVector<std::string> accumulators;
  SmallVector<Combiner> combiners;
  for (unsigned i = 0; i < op.getNumResults(); ++i) {
    FailureOr<Combiner> combiner = combinerOf(op, i);
    if (failed(combiner))
      return failure();
    combiners.push_back(*combiner);
    accumulators.push_back((name + Twine(i)).str());
    text_ += formatv("{0}{1} {2} = {3};\n", at.indent,
                     registerType(tensorType(op.getResult(i)).getElementType()),
                     accumulators.back(), combiner->neutral);
  }
  std::string counter = "c" + std::to_string(count_++);
  openChunks(at, inner, at.extents.size() - inner.size(), counter);
  {
    InChunk registers(elements_, op, counter);
    if (failed(elements_.printFold(op, at, accumulators, text_)))
      return failure();
  }
  closeChunks(at);
  for (auto [i, init] : llvm::enumerate(op.getDpsInits())) {
    auto start = init.getDefiningOp<linalg::GenericOp>();
    if (!start || start.getNumDpsInputs() > 0)
      return op.emitOpError("begins a fold with what is no constant");
    std::string begin = (name + "start" + Twine(i)).str();
    Position one;
    one.width = 1;
    one.indent = at.indent;
    one.dims.assign(start.getNumLoops(), "0");
    if (failed(elements_.printMap(start, one, begin, text_)))
      return failure();
    text_ += formatv("{0}{1} = {2}()({3}0[0], team.reduce({1}, {2}()));\n",
                     at.indent, accumulators[i], combiners[i].function, begin);
  }
  return success();
}

LogicalResult RowsPrinter::printRowFold(linalg::GenericOp op) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  unsigned firstFold = rows_.size();
  auto loops = op.getIteratorTypesArray();
  while (firstFold < loops.size() &&
         loops[firstFold] == utils::IteratorType::parallel)
    ++firstFold;
  ArrayRef<int64_t> kept =
      ArrayRef(extents).slice(rows_.size(), firstFold - rows_.size());
  ArrayRef<int64_t> inner = ArrayRef(extents).drop_front(firstFold);
  std::string name = "y" + std::to_string(count_++) + "_";
  Position at = inRow(op, widthFor(inner.back()));
  bool scalar = product(kept) == 1;
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    std::string whole = name + "row" + std::to_string(i);
    if (!scalar) {
      declareArray(result, whole);
      continue;
    }
    text_ += formatv("  {0} {1};\n",
                     registerType(tensorType(result).getElementType()), whole);
    elements_.places()[result] = {Place::kScalar, 0, whole, 0};
  }
  text_ += "  {\n";
  for (unsigned i = rows_.size(); i < firstFold; ++i)
    text_ +=
        formatv("  for (int d{0} = 0; d{0} < {1}; ++d{0})\n", i, extents[i]);
  text_ += "  {\n";
  if (failed(foldAt(op, at, inner, name)))
    return failure();
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    const Place place = elements_.places()[result];
    std::string value = name + std::to_string(i);
    if (place.kind == Place::kScalar)
      text_ += formatv("  {0} = {1};\n", place.name, value);
    text_ += "  if (team.lane() == 0) {\n";
    if (place.kind == Place::kArray)
      text_ += formatv("  {0}[{1}] = {2};\n", place.name, arrayIndex(op, i, at),
                       value);
    text_ += formatv("  {0} {1}stored[1] = {{{2}};\n  if (live) {{\n",
                     registerType(tensorType(result).getElementType()), value,
                     value);
    Position one = at;
    one.width = 1;
    storeResults(op, i, value + "stored", one);
    text_ += "  }\n  }\n";
  }
  text_ += "  }\n  }\n";
  syncArrays(op);
  return success();
}

LogicalResult RowsPrinter::printTeam() {
  int64_t most = 1;
  for (linalg::GenericOp op : generics())
    if (!isStart(op))
      most = std::max(
          most,
          product(ArrayRef(op.getStaticLoopRanges()).drop_front(rows_.size())));
  while (lanes_ < 1024 && most > lanes_ * kLaneValues)
    lanes_ = lanes_ == 32 ? 128 : 2 * lanes_;
  int64_t threads = std::max(kBlock, lanes_);
  if (lanes_ > 32)
    threads = lanes_;
  int64_t perBlock = threads / lanes_, rows = product(rows_);
  for (linalg::GenericOp op : generics()) {
    if (isStart(op))
      continue;
    LogicalResult printed =
        op.getNumReductionLoops() > 0 ? printRowFold(op) : printRowMap(op);
    if (failed(printed))
      return failure();
  }
  if (sharedBytes_ > kSharedBytes)
    return kernel_.emitError("a row keeps ")
           << sharedBytes_ << " bytes in shared memory, the limit is "
           << kSharedBytes;
  std::string head =
      formatv("  RowTeam<{0}> team;\n"
              "  const int item = blockIdx.x * {1} + team.row();\n"
              "  const bool live = item < {2};\n"
              "  [[maybe_unused]] const int row = live ? item : 0;\n",
              lanes_, perBlock, rows);
  printDims(rows_, "row", "  ", head);
  head += shared_ + "  letNextStart();\n  waitForPrevious();\n";
  finish(head + text_, llvm::divideCeil(rows, perBlock), threads);
  return success();
}

FailureOr<LaunchPlan> RowsPrinter::run() {
  for (Operation& op : block().without_terminator())
    if (!isa<linalg::GenericOp, tensor::EmptyOp, arith::ConstantOp>(op))
      return op.emitOpError("is not a form that CUDA code is generated from");
  if (failed(isFlat() ? printFlat() : printTeam()))
    return failure();
  return std::move(plan_);
}

} // namespace

FailureOr<LaunchPlan> planRows(func::FuncOp kernel,
                               ArrayRef<SliceInfo> slices) {
  return RowsPrinter(kernel, slices).run();
}

} // namespace burin
