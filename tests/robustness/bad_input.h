// SPDX-License-Identifier: Apache-2.0
// What the tables of bad input share: a row, a folder to prepare it in, and
// the check that every row must pass.
#pragma once

#include "tests/formats/temporary_folder.h"
#include "tests/robustness/command.h"

#include <functional>

namespace burin {

inline const std::string kGolden = "tests/formats/golden/";

// A fresh folder for one row, with ways to fill it. `out` is where the command
// is told to write.
class Place {
public:
  Place() : out(folder_ / "out") {}

  std::string operator/(const std::string& name) const {
    return folder_ / name;
  }
  std::string file(const std::string& name, const std::string& bytes) const {
    writeText(folder_ / name, bytes);
    return folder_ / name;
  }
  // The tiny pipeline, to be damaged.
  std::string pipeline() const {
    std::filesystem::copy(kGolden + "tiny_diffusers", folder_ / "model",
                          std::filesystem::copy_options::recursive);
    return folder_ / "model";
  }
  // The pipeline with one file replaced.
  std::string pipelineWith(const std::string& name,
                           const std::string& bytes) const {
    std::string path = pipeline();
    std::filesystem::create_directories(
        std::filesystem::path(path + "/" + name).parent_path());
    writeText(path + "/" + name, bytes);
    return path;
  }
  std::string pipelineWithout(const std::string& name) const {
    std::string path = pipeline();
    std::filesystem::remove(path + "/" + name);
    return path;
  }
  // The pipeline with a piece of a text file replaced.
  std::string pipelineEdited(const std::string& name, const std::string& from,
                             const std::string& to) const {
    std::string text = readText(kGolden + "tiny_diffusers/" + name);
    size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return pipelineWith(name, text.replace(at, from.size(), to));
  }
  // A good checkpoint; with shards when `flags` ask for them.
  std::string checkpoint(std::vector<std::string> flags = {}) const {
    std::vector<std::string> arguments = {"convert", kGolden + "tiny_diffusers",
                                          "-o", folder_ / "m.burin"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    CommandResult result = runBurin(arguments);
    EXPECT_EQ(result.exitStatus, 0) << result.error;
    return folder_ / "m.burin";
  }
  std::string damagedCheckpoint(size_t offset, const std::string& bytes) const {
    std::string path = checkpoint(), text = readText(path);
    return file("m.burin", text.replace(offset, bytes.size(), bytes));
  }
  std::vector<std::string> names() const { return folder_.names(); }

private:
  TemporaryFolder folder_;

public:
  const std::string out;
};

inline std::string number(uint64_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

inline std::string safetensors(const std::string& json, size_t dataBytes) {
  return number(json.size()) + json + std::string(dataBytes, '\0');
}

using Arguments = std::vector<std::string>;

struct Row {
  const char* name;
  std::function<Arguments(const Place&)> arguments;
  std::vector<std::string> parts; // each must be in the message
  std::optional<uint64_t> fileLimit = {};
};

inline std::ostream& operator<<(std::ostream& stream, const Row& row) {
  return stream << row.name;
}

inline void expectRefusal(const Row& row) {
  Place place;
  Arguments arguments = row.arguments(place);
  const std::vector<std::string> before = place.names();
  CommandResult result = runBurin(arguments, row.fileLimit);
  EXPECT_EQ(result.exitStatus, 2) << result.error;
  EXPECT_TRUE(result.error.starts_with("burin: error: ")) << result.error;
  EXPECT_EQ(result.output, "");
  for (const std::string& part : row.parts)
    EXPECT_NE(result.error.find(part), std::string::npos)
        << "no '" << part << "' in: " << result.error;
  EXPECT_EQ(place.names(), before); // no output, nothing half-written
}

inline std::string nameOf(const testing::TestParamInfo<Row>& info) {
  return info.param.name;
}

} // namespace burin
