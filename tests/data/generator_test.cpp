// SPDX-License-Identifier: Apache-2.0
// The generator: what an example depends on, what its edit changes, and what
// the held-out split holds back.
#include "models/data/generator.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "models/data/produce.h"

namespace burin::data {
namespace {

const Catalogue& catalogue() {
  static const Catalogue* instance = [] {
    auto opened = Catalogue::open();
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return new Catalogue(*std::move(opened));
  }();
  return *instance;
}

bool same(const Item& a, const Item& b) {
  return a.subject == b.subject && a.x == b.x && a.y == b.y &&
         a.size == b.size && a.flip == b.flip &&
         a.tint.has_value() == b.tint.has_value();
}

std::vector<uint8_t> pixels(const Scene& scene, int side = 32) {
  Canvas canvas(side);
  paint(scene, catalogue(), canvas);
  std::vector<uint8_t> bytes(3 * side * side);
  quantize(canvas, bytes.data());
  return bytes;
}

std::set<int> subjectsOf(const Example& example) {
  std::set<int> subjects;
  for (const Scene* scene : {&example.source, &example.target})
    for (const Item& item : scene->items)
      subjects.insert(item.subject);
  return subjects;
}

TEST(Random, CountsInsteadOfRemembering) {
  Random first(7), second(7);
  for (int i = 0; i < 5; ++i)
    first.bits();
  for (int i = 0; i < 5; ++i)
    second.uniform();
  EXPECT_EQ(first.bits(), second.bits());
  EXPECT_NE(Random(7).bits(), Random(8).bits());
}

TEST(Random, BelowIsEvenOverItsRange) {
  Random random(3);
  int counts[10] = {};
  for (int i = 0; i < 100000; ++i)
    ++counts[random.below(10)];
  // Five standard deviations of a binomial count around 10,000.
  for (int count : counts)
    EXPECT_NEAR(count, 10000, 475);
}

TEST(Subjects, ParserKeepsNamedThings) {
  auto subjects = parseSubjects(
      "# group: Animals & Nature\n"
      "# subgroup: animal-mammal\n"
      "1F436          ; fully-qualified     # X E0.6 dog face\n"
      "1F43F FE0F     ; fully-qualified     # X E0.7 chipmunk\n"
      "1F43F          ; unqualified         # X E0.7 chipmunk\n"
      "1F43B 200D 2744 FE0F ; fully-qualified # X E13.0 polar bear\n"
      "1F1E6          ; component           # X E1 a\n"
      "1FA85          ; fully-qualified     # X E13.0 pi\xc3\xb1"
      "ata\n"
      "# group: Flags\n"
      "# subgroup: flag\n"
      "1F3C1          ; fully-qualified     # X E0.6 chequered flag\n");
  ASSERT_TRUE(subjects.ok());
  ASSERT_EQ(subjects->size(), 2u);
  EXPECT_EQ((*subjects)[0].name, "dog face");
  EXPECT_EQ((*subjects)[0].codePoint, U'\U0001F436');
  EXPECT_EQ((*subjects)[0].plural, "dog faces");
  EXPECT_EQ((*subjects)[1].indefinite(), "a chipmunk");
  EXPECT_FALSE(parseSubjects("not a list").ok());
}

TEST(Subjects, CatalogueHasEnoughToDraw) {
  EXPECT_GE(catalogue().drawable().size(), 300u);
  EXPECT_GE(catalogue().unseen().size(), 50u);
  for (int i : catalogue().drawable())
    EXPECT_FALSE(catalogue()[i].heldOut) << catalogue()[i].name;
  for (const char* name : {"cat", "dog", "house", "guitar"})
    EXPECT_GE(catalogue().find(name), 0) << name;
}

TEST(Subjects, MissingFilesAreNamed) {
  auto noFont = Catalogue::open("/nowhere/font.ttf");
  ASSERT_FALSE(noFont.ok());
  EXPECT_NE(noFont.status().message().find("/nowhere/font.ttf"),
            std::string::npos);
  auto noNames = Catalogue::open(kDefaultFont, "/nowhere/names.txt");
  ASSERT_FALSE(noNames.ok());
  EXPECT_NE(noNames.status().message().find("/nowhere/names.txt"),
            std::string::npos);
}

TEST(Generator, ExampleDependsOnSeedSplitAndIndexAlone) {
  Generator a(catalogue(), 5, Split::kTrain), b(catalogue(), 5, Split::kTrain);
  Generator otherSeed(catalogue(), 6, Split::kTrain);
  a.make(1);
  Example first = a.make(40), second = b.make(40);
  EXPECT_EQ(first.instruction, second.instruction);
  EXPECT_EQ(pixels(first.source), pixels(second.source));
  EXPECT_EQ(pixels(first.target), pixels(second.target));
  EXPECT_NE(pixels(first.source), pixels(otherSeed.make(40).source));
  EXPECT_NE(pixels(first.source), pixels(a.make(41).source));
}

TEST(Generator, KeepsWhatTheSplitHoldsOut) {
  Generator train(catalogue(), 1, Split::kTrain);
  Generator heldOut(catalogue(), 1, Split::kHeldOut);
  int unseenKept = 0, unseenBackgrounds = 0;
  for (int i = 0; i < 2000; ++i) {
    for (const Generator* generator : {&train, &heldOut}) {
      Example example = generator->make(i);
      std::set<int> subjects = subjectsOf(example);
      for (int a : subjects)
        for (int b : subjects)
          EXPECT_TRUE(a == b || generator->mayMeet(a, b))
              << example.instruction;
    }
    Example seen = train.make(i), test = heldOut.make(i);
    for (int subject : subjectsOf(seen))
      EXPECT_FALSE(catalogue()[subject].heldOut) << seen.instruction;
    EXPECT_LT(static_cast<int>(seen.source.background.kind), kTrainBackgrounds);
    unseenBackgrounds +=
        static_cast<int>(test.source.background.kind) >= kTrainBackgrounds;
    for (const Item& item : test.source.items)
      unseenKept += catalogue()[item.subject].heldOut;
    // What is drawn anew must have been seen.
    if (test.kind == EditKind::kReplace || test.kind == EditKind::kAdd)
      for (const Item& item : test.target.items) {
        bool kept =
            std::ranges::any_of(test.source.items, [&](const Item& old) {
              return old.subject == item.subject;
            });
        EXPECT_TRUE(kept || !catalogue()[item.subject].heldOut)
            << test.instruction;
      }
  }
  EXPECT_NEAR(unseenBackgrounds, 1000, 112); // five standard deviations
  EXPECT_GT(unseenKept, 200);
}

TEST(Generator, TrainingNeverReadsAHeldOutSentence) {
  Generator train(catalogue(), 1, Split::kTrain);
  Generator heldOut(catalogue(), 1, Split::kHeldOut);
  std::set<std::string> read;
  for (int i = 0; i < 20000; ++i)
    read.insert(train.make(i).instruction);
  for (int i = 0; i < 2000; ++i) {
    std::string sentence = heldOut.make(i).instruction;
    EXPECT_FALSE(read.contains(sentence)) << sentence;
    EXPECT_EQ(sentence.find('{'), sentence.npos) << sentence;
  }
}

class EachKind : public testing::TestWithParam<int> {};

// Every edit changes the picture, keeps the rest of the scene, and stays
// inside the picture.
TEST_P(EachKind, ChangesWhatItSays) {
  auto kind = static_cast<EditKind>(GetParam());
  for (Split split : {Split::kTrain, Split::kHeldOut}) {
    Generator generator(catalogue(), 11, split);
    for (int i = 0; i < 60; ++i) {
      Example e = generator.make(i, kind);
      EXPECT_EQ(e.kind, kind);
      EXPECT_NE(pixels(e.source), pixels(e.target)) << e.instruction;
      size_t kept = std::ranges::count_if(e.source.items, [&](const Item& a) {
        return std::ranges::any_of(e.target.items,
                                   [&](const Item& b) { return same(a, b); });
      });
      size_t before = e.source.items.size(), after = e.target.items.size();
      switch (kind) {
      case EditKind::kAdd:
        EXPECT_EQ(after, before + 1);
        EXPECT_EQ(kept, before);
        break;
      case EditKind::kRemove:
        EXPECT_EQ(after + 1, before);
        EXPECT_EQ(kept, after);
        break;
      case EditKind::kCount:
        EXPECT_NE(after, before);
        break;
      case EditKind::kBackground:
      case EditKind::kLook:
        EXPECT_EQ(after, before);
        EXPECT_EQ(kept, before);
        break;
      default: // one item differs
        EXPECT_EQ(after, before);
        EXPECT_EQ(kept + 1, before) << e.instruction;
      }
      for (const Item& item : e.target.items) {
        EXPECT_GE(item.x - item.size / 2, -0.001f) << e.instruction;
        EXPECT_LE(item.y + item.size / 2, 1.001f) << e.instruction;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EachKind, testing::Range(0, kEditKinds),
                         [](const auto& info) {
                           return std::string(kEditNames[info.param]);
                         });

TEST(Produce, FilesDoNotDependOnThreads) {
  namespace fs = std::filesystem;
  ProduceOptions options;
  options.count = 20;
  options.side = 16;
  options.shardExamples = 8;
  std::vector<std::string> texts[2];
  std::vector<std::vector<uint8_t>> pictures[2];
  for (int run = 0; run < 2; ++run) {
    options.threads = run == 0 ? 1 : 3;
    fs::path folder =
        fs::path(testing::TempDir()) / ("produce" + std::to_string(run));
    fs::create_directories(folder);
    int64_t last = 0;
    ASSERT_TRUE(
        produce(catalogue(), options, folder.string(), [&](int64_t done) {
          last = done;
          return true;
        }).ok());
    EXPECT_EQ(last, 20);
    for (const char* name : {"000000000000", "000000000008", "000000000016"}) {
      auto shard = Shard::open((folder / name).string() + ".safetensors");
      ASSERT_TRUE(shard.ok()) << shard.status().message();
      for (int i = 0; i < shard->count(); ++i) {
        texts[run].emplace_back(shard->text(i));
        auto picture = shard->target(i);
        pictures[run].emplace_back(picture.begin(), picture.end());
      }
    }
  }
  EXPECT_EQ(texts[0].size(), 20u);
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(pictures[0], pictures[1]);
}

TEST(Produce, StopsWhenToldTo) {
  ProduceOptions options;
  options.count = 1000;
  options.side = 16;
  Status status = produce(catalogue(), options, testing::TempDir(),
                          [](int64_t) { return false; });
  EXPECT_EQ(status.code(), Code::kCancelled);
}

} // namespace
} // namespace burin::data
