// SPDX-License-Identifier: Apache-2.0
// Every row of every case table: the op, compiled as products compile it and
// run on the CPU device, against its reference. With --emit FOLDER and
// --target TARGET it is compiled for another machine instead, for a card in
// float16 too, and written there for burin-replay.
#include "tests/numerics/case_graph.h"
#include "tests/numerics/compare.h"
#include "tests/numerics/operands.h"
#include "tests/replay/replay_case.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

namespace burin::numerics {
namespace {

// The largest share of tolerance of each op and element type.
std::map<std::string, double>& shares() {
  static std::map<std::string, double> table;
  return table;
}

class Sweep : public ::testing::Test {
public:
  explicit Sweep(Case row) : row_(std::move(row)) {}

  void TestBody() override {
    CaseGraph graph(row_);
    graph.build();
    if (HasFatalFailure())
      return;
    std::vector<std::byte> module = testing::compileText(graph.text);
    if (HasFailure())
      return;
    testing::Tensors outputs =
        testing::run(module, "main", graph.inputs, graph.parameters);
    for (const CaseResult& result : graph.results) {
      const testing::Tensor& tensor = outputs[result.name];
      check(result.dtype, decode(tensor.data, tensor.shape, result.dtype),
            result.expected);
    }
  }

private:
  void check(DType dtype, const ReferenceTensor& result,
             const ReferenceTensor& reference) {
    auto outcome = compare(row_.tolerance, dtype, result, reference);
    ASSERT_TRUE(outcome.ok()) << outcome.status().message();
    std::string key = row_.op + " " + std::string(name(dtype));
    shares()[key] = std::max(shares()[key], outcome->share);
    RecordProperty("tolerance_used", std::to_string(outcome->share));
    std::printf("  %.1f %% of '%s' used, NMSE %.1e\n", 100 * outcome->share,
                row_.tolerance.c_str(), outcome->nmse);
    EXPECT_LE(outcome->share, 1) << outcome->worst;
  }

  Case row_;
};

class Emit : public ::testing::Test {
public:
  Emit(Case row, std::string folder, std::string target)
      : row_(std::move(row)), folder_(std::move(folder)),
        target_(std::move(target)) {}

  void TestBody() override {
    CaseGraph graph(row_);
    graph.build();
    if (HasFatalFailure())
      return;
    replay::CaseWriter writer;
    writer.module = testing::compileText(graph.text, target_);
    if (HasFailure())
      return;
    for (const auto& [name, tensor] : graph.inputs)
      writer.addInput(name, tensor.dtype, tensor.shape, tensor.data);
    for (const auto& [name, tensor] : graph.parameters)
      writer.addConstant(name, tensor.dtype, tensor.shape, tensor.data);
    for (const CaseResult& result : graph.results)
      writer.expect(result.name, result.expected, row_.tolerance);
    Status written = writer.write(folder_, row_.op + "." + row_.name, "main");
    EXPECT_TRUE(written.ok()) << written.message();
  }

private:
  Case row_;
  std::string folder_;
  std::string target_;
};

class Summary : public ::testing::Environment {
public:
  void TearDown() override {
    std::puts("Largest share of tolerance used:");
    for (const auto& [key, share] : shares())
      std::printf("  %-28s %6.1f %%\n", key.c_str(), 100 * share);
  }
};

} // namespace
} // namespace burin::numerics

int main(int argc, char** argv) {
  using namespace burin::numerics;
  ::testing::InitGoogleTest(&argc, argv);
  auto emit = burin::replay::EmitOptions::parse(argc, argv);
  if (!emit.ok()) {
    std::fprintf(stderr, "%s\n", emit.status().message().c_str());
    return 1;
  }
  std::vector<std::string_view> types{"f32", "bf16"};
  if (emit->isCard())
    types.push_back("f16");
  auto cases = readCases("tests/numerics/cases", types);
  if (!cases.ok()) {
    std::fprintf(stderr, "%s\n", cases.status().message().c_str());
    return 1;
  }
  for (const Case& row : *cases)
    ::testing::RegisterTest(row.op.c_str(), row.name.c_str(), nullptr, nullptr,
                            __FILE__, __LINE__,
                            [row, emit = *emit]() -> ::testing::Test* {
                              if (emit.folder.empty())
                                return new Sweep(row);
                              return new Emit(row, emit.folder, emit.target);
                            });
  if (emit->folder.empty())
    ::testing::AddGlobalTestEnvironment(new Summary);
  return RUN_ALL_TESTS();
}
