// SPDX-License-Identifier: Apache-2.0
// Syntax and invariants of burin.region.
#include "compiler/dialect/dialect.h"

using namespace mlir;

namespace burin {

YieldOp RegionOp::yield() {
  return cast<YieldOp>(block().getTerminator());
}

Operation* RegionOp::root() {
  return isRows() ? nullptr : &block().front();
}

void RegionOp::print(OpAsmPrinter& printer) {
  printer << ' ';
  printer.printString(getKind());
  printer << " (";
  llvm::interleaveComma(llvm::zip(block().getArguments(), getInputs()), printer,
                        [&](auto pair) {
                          printer.printRegionArgument(std::get<0>(pair), {},
                                                      /*omitType=*/true);
                          printer << " = " << std::get<1>(pair);
                        });
  printer << ") : ";
  printer.printFunctionalType(getOperation());
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
  printer.printOptionalAttrDict(
      llvm::to_vector((*this)->getDiscardableAttrs()));
  if (auto kernel = getKernelAttr()) {
    printer << " kernel " << kernel << " captures ";
    printer << getCapturesAttr();
  }
}

ParseResult RegionOp::parse(OpAsmParser& parser, OperationState& result) {
  auto& properties = result.getOrAddProperties<Properties>();
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  FunctionType type;
  auto parseCapture = [&]() -> ParseResult {
    return failure(parser.parseArgument(arguments.emplace_back()) ||
                   parser.parseEqual() ||
                   parser.parseOperand(operands.emplace_back()));
  };
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseString(&properties.kind) ||
      parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren,
                                     parseCapture) ||
      parser.parseColonType(type) ||
      parser.resolveOperands(operands, type.getInputs(), where,
                             result.operands))
    return failure();
  for (auto [argument, input] : llvm::zip(arguments, type.getInputs()))
    argument.type = input;
  result.addTypes(type.getResults());
  if (parser.parseRegion(*result.addRegion(), arguments) ||
      parser.parseOptionalAttrDict(result.attributes))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("kernel")) &&
      (parser.parseAttribute(properties.kernel) ||
       parser.parseKeyword("captures") ||
       parser.parseAttribute(properties.captures)))
    return failure();
  return success();
}

LogicalResult RegionOp::verify() {
  StringRef kind = getKind();
  if (kind != kContraction && kind != kLibrary && kind != kRows)
    return emitOpError("kind '")
           << kind << "' is none of contraction, library and rows";
  if (block().getArgumentTypes() != getInputs().getTypes())
    return emitOpError("captures ")
           << getInputs().getTypes() << " as " << block().getArgumentTypes();
  if (yield().getValues().getTypes() != getResultTypes())
    return yield().emitOpError("yields ")
           << yield().getValues().getTypes() << ", the region's results are "
           << getResultTypes();
  if (!isRows() && !isa<LibraryBacked>(block().front()))
    return emitOpError("of kind '")
           << kind << "' must start with an op that a library kernel computes";
  return success();
}

} // namespace burin
