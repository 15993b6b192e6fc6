// SPDX-License-Identifier: Apache-2.0
// Loads, the scalar body in a loop over neighbours, stores.
#include "compiler/codegen/cuda/element_printer.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using llvm::formatv;

namespace burin {

std::optional<int64_t> offsetFrom(AffineExpr expr, unsigned last) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dim.getPosition() == last ? std::optional<int64_t>(0) : std::nullopt;
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return std::nullopt;
  auto dim = dyn_cast<AffineDimExpr>(sum.getLHS());
  auto constant = dyn_cast<AffineConstantExpr>(sum.getRHS());
  if (!dim || !constant || dim.getPosition() != last)
    return std::nullopt;
  return constant.getValue();
}

AffineMap leadingOf(AffineMap map) {
  return AffineMap::get(map.getNumDims(), 0, map.getResults().drop_back(),
                        map.getContext());
}

void printDims(ArrayRef<int64_t> extents, StringRef from, StringRef indent,
               std::string& text) {
  int64_t inner = 1;
  for (size_t i = extents.size(); i-- > 0; inner *= extents[i]) {
    std::string value = from.str();
    if (inner > 1)
      value = formatv("{0} / {1}", value, inner);
    if (i > 0)
      value = formatv("({0}) % {1}", value, extents[i]);
    text += formatv("{0}[[maybe_unused]] const int d{1} = {2};\n", indent, i,
                    value);
  }
}

ElementPrinter::ElementPrinter(func::FuncOp kernel, unsigned firstArgument,
                               ArrayRef<kernels::cuda::SliceInfo> slices,
                               std::string views)
    : slices_(slices), views_(std::move(views)),
      captures_(kernel.getNumArguments() - firstArgument) {
  auto add = [&](Type type) {
    Type element = cast<RankedTensorType>(type).getElementType();
    elements_.push_back(element);
    fast_ &= !element.isF32() && !element.isF64();
  };
  for (BlockArgument argument :
       kernel.getArguments().drop_front(firstArgument)) {
    places_[argument] = {Place::kSlice, unsigned(elements_.size()), {}, 0};
    add(argument.getType());
  }
  // Parameters may be float32; what is stored decides.
  fast_ = true;
  for (Type type : kernel.getResultTypes())
    add(type);
}

unsigned ElementPrinter::alignmentOf(unsigned slice, unsigned width,
                                     int64_t offset) const {
  const kernels::cuda::SliceInfo& info = slices_[slice];
  auto element = static_cast<int64_t>(byteSize(info.dtype));
  int64_t bytes = std::gcd(info.alignment, width * element);
  bytes = std::gcd(bytes, offset * element);
  if (info.rows > 1)
    bytes = std::gcd(bytes, info.pitch * element);
  return std::max<int64_t>(
      element, int64_t{1} << llvm::countr_zero(static_cast<uint64_t>(bytes)));
}

std::pair<std::string, std::string>
ElementPrinter::indexOf(RankedTensorType type, AffineMap map,
                        const Position& at) const {
  unsigned rank = type.getRank();
  if (rank == 0)
    return {"0", "0"};
  ArrayRef<AffineExpr> leading = map.getResults().drop_back();
  std::string column = printAffine(map.getResults().back(), at.dims);
  bool same = !at.row.empty() && leading.size() + 1 == at.extents.size();
  for (size_t i = 0; same && i < leading.size(); ++i) {
    auto dim = dyn_cast<AffineDimExpr>(leading[i]);
    bool one = at.extents[i] == 1 && type.getDimSize(i) == 1;
    same = one || (dim && dim.getPosition() == i &&
                   type.getDimSize(i) == at.extents[i]);
  }
  if (same)
    return {at.row, column};
  std::string row = "0";
  for (auto [i, expr] : llvm::enumerate(leading)) {
    std::string index = printAffine(expr, at.dims);
    row = row == "0"
              ? index
              : formatv("({0} * {1} + {2})", row, type.getDimSize(i), index)
                    .str();
  }
  return {row, column};
}

std::string
ElementPrinter::at(unsigned slice,
                   const std::pair<std::string, std::string>& index) const {
  return formatv("at<{0}>({1}[{2}], {3}, {4})", storageType(elements_[slice]),
                 views_, slice, index.first, index.second);
}

static bool dependsOn(AffineMap map, unsigned dim) {
  return map.getNumDims() > dim && map.isFunctionOfDim(dim);
}

// Declares what is read of a slice; the answer is neighbour i.
std::string ElementPrinter::readSlice(const Place& place, RankedTensorType type,
                                      AffineMap map, const Position& at,
                                      StringRef name, std::string& text) {
  StringRef reg = registerType(type.getElementType());
  unsigned last = at.dims.size() - 1;
  bool moves = !at.dims.empty() && dependsOn(map, last);
  if (!moves) {
    text += formatv("{0}{1} {2}[1];\n{0}{5}<{3}>({4}, {2});\n", at.indent, reg,
                    name, alignmentOf(place.slice, 1, 1),
                    this->at(place.slice, indexOf(type, map, at)),
                    slices_[place.slice].constant ? "loadConstant" : "load");
    return (name + "[0]").str();
  }
  auto offset = offsetFrom(map.getResults().back(), last);
  AffineMap leading = leadingOf(map);
  if (offset && !dependsOn(leading, last)) {
    text += formatv(
        "{0}{1} {2}[{3}];\n{0}{7}<{4}>({5}, {2}, {6});\n", at.indent, reg, name,
        at.width, alignmentOf(place.slice, at.width, *offset),
        this->at(place.slice, indexOf(type, map, at)),
        at.valid.empty() ? std::to_string(at.width) : at.valid,
        slices_[place.slice].constant ? "loadSomeConstant" : "loadSome");
    return (name + "[i]").str();
  }
  Position one = at;
  one.dims[last] = "(" + at.dims[last] + " + i)";
  return formatv("convert<{0}>(*{1})", reg,
                 this->at(place.slice, indexOf(type, map, one)));
}

FailureOr<SmallVector<std::string>>
ElementPrinter::readOperands(linalg::GenericOp op, const Position& at,
                             std::string& text) {
  SmallVector<std::string> names;
  for (OpOperand* input : op.getDpsInputOperands()) {
    auto found = places_.find(input->get());
    if (found == places_.end())
      return op.emitOpError("reads what its kernel does not hold");
    const Place& place = found->second;
    std::string name = "x" + std::to_string(count_++);
    auto type = cast<RankedTensorType>(input->get().getType());
    AffineMap map = op.getMatchingIndexingMap(input);
    switch (place.kind) {
    case Place::kSlice:
      names.push_back(readSlice(place, type, map, at, name, text));
      break;
    case Place::kVector: {
      auto offset =
          at.dims.empty() || map.getNumResults() == 0
              ? std::optional<int64_t>(0)
              : offsetFrom(map.getResults().back(), at.dims.size() - 1);
      if (offset != place.start)
        return op.emitOpError("reads a value in registers out of its place");
      names.push_back(place.name + "[i]");
      break;
    }
    case Place::kScalar:
      names.push_back(place.name);
      break;
    case Place::kArray: {
      Position one = at;
      if (!one.dims.empty())
        one.dims.back() = "(" + at.dims.back() + " + i)";
      std::string index = "0";
      for (unsigned i = place.start; i < map.getNumResults(); ++i)
        index = formatv("({0} * {1} + {2})", index, type.getDimSize(i),
                        printAffine(map.getResult(i), one.dims));
      names.push_back(place.name + "[" + index + "]");
      break;
    }
    }
  }
  return names;
}

static SmallVector<std::string> elementDims(const Position& at) {
  SmallVector<std::string> dims(at.dims);
  if (!dims.empty())
    dims.back() = "(" + dims.back() + " + i)";
  return dims;
}

LogicalResult ElementPrinter::printMap(linalg::GenericOp op, const Position& at,
                                       StringRef name, std::string& text) {
  FailureOr<SmallVector<std::string>> arguments = readOperands(op, at, text);
  if (failed(arguments))
    return failure();
  arguments->resize(op->getNumOperands(), "unused");
  for (auto [i, type] : llvm::enumerate(op->getResultTypes()))
    text += formatv("{0}{1} {2}{3}[{4}];\n", at.indent,
                    registerType(cast<RankedTensorType>(type).getElementType()),
                    name, i, at.width);
  text += formatv("#pragma unroll\n{0}for (int i = 0; i < {1}; ++i) {{\n",
                  at.indent, at.width);
  ScalarPrinter printer(fast_);
  auto results =
      printer.print(op, *arguments, elementDims(at), at.indent + "  ", text);
  if (failed(results))
    return failure();
  for (auto [i, result] : llvm::enumerate(*results))
    text += formatv("{0}  {1}{2}[i] = {3};\n", at.indent, name, i, result);
  text += at.indent + "}\n";
  return success();
}

LogicalResult ElementPrinter::printFold(linalg::GenericOp op,
                                        const Position& at,
                                        ArrayRef<std::string> accumulators,
                                        std::string& text) {
  FailureOr<SmallVector<std::string>> arguments = readOperands(op, at, text);
  if (failed(arguments))
    return failure();
  llvm::append_range(*arguments, accumulators);
  text += formatv("#pragma unroll\n{0}for (int i = 0; i < {1}; ++i) {{\n",
                  at.indent, at.width);
  ScalarPrinter printer(fast_);
  auto results =
      printer.print(op, *arguments, elementDims(at), at.indent + "  ", text);
  if (failed(results))
    return failure();
  for (auto [accumulator, result] : llvm::zip(accumulators, *results))
    text += formatv("{0}  {1} = {2};\n", at.indent, accumulator, result);
  text += at.indent + "}\n";
  return success();
}

void ElementPrinter::printStore(unsigned result, RankedTensorType type,
                                AffineMap map, StringRef name,
                                const Position& at, std::string& text) {
  unsigned slice = captures_ + result;
  text += formatv("{0}storeSome<{1}>({2}, {3}, {4});\n", at.indent,
                  alignmentOf(slice, at.width, at.width),
                  this->at(slice, indexOf(type, map, at)), name,
                  at.valid.empty() ? std::to_string(at.width) : at.valid);
}

} // namespace burin
