// SPDX-License-Identifier: Apache-2.0
// A compiled function with its tensors and what must come out, as two files,
// so that a machine without the compiler checks it:
//
//   <case>.burinm       the module
//   <case>.safetensors  input.<name>, constant.<name>, expected.<name>;
//                       metadata: "function" is its name,
//                       "tolerance.<output>" a class of numerics/compare.h
//
// Expected values are f64, before any rounding to the output's type.
#pragma once

#include "formats/safetensors/safetensors.h"
#include "ops/reference.h"

#include <string>
#include <vector>

namespace burin::replay {

// Collects a case and writes both files. The data of tensors that are added
// must live until then.
class CaseWriter {
public:
  std::vector<std::byte> module;

  void addInput(const std::string& name, DType dtype, const Shape& shape,
                std::span<const std::byte> data);
  void addConstant(const std::string& name, DType dtype, const Shape& shape,
                   std::span<const std::byte> data);
  void expect(const std::string& name, const ReferenceTensor& values,
              const std::string& tolerance);
  Status write(const std::string& folder, const std::string& name,
               const std::string& function) const;

private:
  void add(std::string name, DType dtype, const Shape& shape,
           std::span<const std::byte> data);

  struct Entry {
    std::string name;
    DType dtype;
    Shape shape;
    std::span<const std::byte> data;
  };
  std::vector<Entry> entries_;
  StringMap metadata_;
};

// Flags of the tests that write cases instead of running them.
struct EmitOptions {
  std::string folder; // empty: run
  std::string target;

  bool isCard() const { return target.starts_with("sm_"); }
  // Knows --emit FOLDER and --target TARGET, which belong together; the
  // folder is made.
  static Result<EmitOptions> parse(int argc, char** argv);
};

} // namespace burin::replay
