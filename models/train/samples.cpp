// SPDX-License-Identifier: Apache-2.0
// Edits as `burin edit` makes them, all at once.
#include "models/train/samples.h"

#include <algorithm>

#include "formats/dataset/shard.h"
#include "formats/image/sheet.h"
#include "models/pipeline/edit.h"

namespace burin::train {
namespace {

Image imageOf(std::span<const uint8_t> pixels, int side) {
  Image image(side, side);
  std::ranges::copy(pixels, image.pixels.begin());
  return image;
}

bool isBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

} // namespace

Result<SampleSet> SampleSet::read(std::span<const std::string> shards,
                                  int count) {
  SampleSet set;
  auto wanted = static_cast<size_t>(count);
  Status broken;
  for (const std::string& path : shards) {
    if (set.examples_.size() == wanted)
      break;
    Result<Shard> shard = Shard::open(path);
    if (!shard.ok()) {
      broken = shard.status();
      continue;
    }
    for (int i = 0; i < shard->count() && set.examples_.size() < wanted; ++i)
      if (!isBlank(shard->text(i)))
        set.examples_.push_back({std::string(shard->text(i)),
                                 imageOf(shard->source(i), shard->side()),
                                 imageOf(shard->target(i), shard->side())});
  }
  if (set.examples_.empty())
    return broken.ok()
               ? dataLoss("there is no example with an instruction to draw "
                          "samples of; name other shards in 'samples.data'")
               : broken;
  return set;
}

Result<Image> SampleSet::draw(const std::string& model, int size,
                              const SessionOptions& options) const {
  BURIN_ASSIGN(std::unique_ptr<pipeline::Editor> editor,
               pipeline::Editor::open(model, options));
  std::vector<pipeline::EditRequest> requests;
  std::vector<pipeline::EditPlan> plans;
  for (const Example& example : examples_) {
    pipeline::EditRequest request;
    request.instruction = example.instruction;
    request.image = example.source;
    request.size = size;
    request.cutLongText = true;
    BURIN_ASSIGN(pipeline::EditPlan plan, editor->plan(request));
    requests.push_back(std::move(request));
    plans.push_back(std::move(plan));
  }
  BURIN_ASSIGN(std::vector<pipeline::EditResult> results,
               editor->run(plans, requests));
  std::vector<SheetCell> cells;
  for (size_t i = 0; i < examples_.size(); ++i) {
    cells.push_back({results[i].source, examples_[i].instruction});
    cells.push_back({results[i].image, "result"});
    cells.push_back({examples_[i].target, "truth"});
  }
  return contactSheet(cells, {3, 8, 1});
}

} // namespace burin::train
