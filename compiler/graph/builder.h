// SPDX-License-Identifier: Apache-2.0
// Writes graphs of burin ops the way models are thought of: numpy-like calls
// on values, inside scopes that spell the checkpoint's tensor path.
//
// Preconditions are the ops' own (see ops/<op>/<op>.td): a model validates its
// configuration before it builds, so a call here does not fail.
#pragma once

#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace burin {

using mlir::Value;

// The name of an argument or result of a function, as an attribute.
inline constexpr llvm::StringLiteral kValueName = "burin.name";

struct NamedType {
  std::string name;
  mlir::RankedTensorType type;
};

struct NamedValue {
  std::string name;
  Value value;
};

struct Conv2dOptions {
  int64_t stride = 1;
  std::array<int64_t, 4> padding = {0, 0, 0, 0}; // top, left, bottom, right
};

struct TimestepOptions {
  int64_t width = 0;
  double maxPeriod = 10000;
  bool flipSinToCos = false;
  double shift = 0;
};

class GraphBuilder {
public:
  // Adds functions to `module`. Activations are of float type `activation`,
  // parameters of float type `parameterType` until setParameterType says
  // otherwise.
  GraphBuilder(mlir::ModuleOp module, mlir::Type activation,
               mlir::Type parameterType);

  mlir::Type activation() const { return activation_; }
  mlir::Type parameterType() const { return parameterType_; }
  void setParameterType(mlir::Type type) { parameterType_ = type; }
  mlir::Type f32() { return builder_.getF32Type(); }
  mlir::Type i64() { return builder_.getI64Type(); }

  // Opens a function; its arguments come back in the order of `inputs`.
  std::vector<Value> beginFunction(std::string_view name,
                                   std::span<const NamedType> inputs);
  void endFunction(std::span<const NamedValue> outputs);

  // While it lives, parameters and locations lie under `name` ("conv_in",
  // "resnets.0"). Scopes nest and must end in reverse order.
  class Scope {
  public:
    Scope(GraphBuilder& builder, std::string_view name);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

  private:
    GraphBuilder& builder_;
    size_t length_; // of the path outside
  };
  [[nodiscard]] Scope scope(std::string_view name) {
    return Scope(*this, name);
  }
  const std::string& path() const { return path_; }

  // The checkpoint tensor `<path>.<name>`.
  Value parameter(std::string_view name, std::span<const int64_t> shape);
  Value parameter(std::string_view name, std::initializer_list<int64_t> shape) {
    return parameter(name, std::span(shape.begin(), shape.size()));
  }
  // A tensor of one element, [1], for broadcasting.
  Value constant(double value, mlir::Type type) {
    return constant(value, {1}, type);
  }
  Value constant(double value, std::initializer_list<int64_t> shape,
                 mlir::Type type);

  Value unary(std::string_view kind, Value x);
  Value silu(Value x) { return unary("silu", x); }
  Value gelu(Value x) { return unary("gelu", x); }
  // Operands broadcast as in numpy; `b` is cast to the type of `a`.
  Value binary(std::string_view kind, Value a, Value b);
  Value add(Value a, Value b) { return binary("add", a, b); }
  Value sub(Value a, Value b) { return binary("sub", a, b); }
  Value mul(Value a, Value b) { return binary("mul", a, b); }
  // Elements of `onTrue` where `condition` is not 0, else of `onFalse`.
  Value select(Value condition, Value onTrue, Value onFalse);
  // "sum", "mean" or "max" over ascending axes, which stay with extent one.
  Value reduce(std::string_view kind, Value x,
               std::initializer_list<int64_t> axes);
  // `x` itself where it already has that type.
  Value cast(Value x, mlir::Type type);

  Value linear(Value x, Value weight);
  Value conv2d(Value x, Value weight, const Conv2dOptions& options);
  Value groupNorm(Value x, Value gamma, Value beta, int64_t groups, double eps);
  Value layerNorm(Value x, Value gamma, Value beta, double eps);
  Value attention(Value q, Value k, Value v, int64_t heads, bool causal,
                  double scale);
  Value embedding(Value table, Value ids);
  Value argmax(Value x);
  Value selectToken(Value x, Value index);
  Value timestepEmbedding(Value t, const TimestepOptions& options);

  Value concat(std::span<const Value> xs, int64_t axis);
  Value concat(std::initializer_list<Value> xs, int64_t axis) {
    return concat(std::span(xs.begin(), xs.size()), axis);
  }
  Value slice(Value x, int64_t axis, int64_t start, int64_t size);
  Value reshape(Value x, std::span<const int64_t> shape);
  Value reshape(Value x, std::initializer_list<int64_t> shape) {
    return reshape(x, std::span(shape.begin(), shape.size()));
  }
  Value transpose(Value x, std::span<const int64_t> permutation);
  Value transpose(Value x, std::initializer_list<int64_t> permutation) {
    return transpose(x, std::span(permutation.begin(), permutation.size()));
  }
  Value upsampleNearest(Value x, int64_t factor);

  // The derivatives of `loss`, one float, with respect to each of `wrt`, of
  // their types. They are values of this function: an optimizer's step, or a
  // gradient of them, may follow.
  std::vector<Value> gradient(Value loss, std::span<const Value> wrt);

private:
  mlir::Location location();

  mlir::OpBuilder builder_;
  mlir::ModuleOp module_;
  mlir::Type activation_;
  mlir::Type parameterType_;
  mlir::func::FuncOp function_;
  std::string path_;
};

// The extent of a value along `axis`; a negative axis counts from the end.
int64_t extent(Value x, int64_t axis);

} // namespace burin
