// SPDX-License-Identifier: Apache-2.0
// Draws the scene before an edit, then the scene after it.
#include "models/data/generator.h"

#include <algorithm>

namespace burin::data {
namespace {

// Shares of the kinds, in percent, in the order of EditKind.
constexpr int kMix[kEditKinds] = {22, 12, 16, 12, 8, 8, 6, 8, 8};

// One pair of subjects in four meets in the held-out split only.
constexpr uint64_t kPairShare = 4;
constexpr float kUnseenSubjects = 0.3f;

// The centre, moved so that the whole subject lies in the picture.
void keepInside(Item& item) {
  float half = item.size / 2;
  item.x = std::clamp(item.x, half, 1 - half);
  item.y = std::clamp(item.y, half, 1 - half);
}

} // namespace

// One example in the making. Subjects are drawn one after another, each able
// to meet those before it; places likewise keep apart.
class Generator::Draft {
public:
  Draft(const Generator& generator, Random& random, EditKind kind)
      : generator_(generator), catalogue_(generator.catalogue_),
        random_(random), split_(generator.split_) {
    example_.kind = kind;
  }

  Example finish() {
    example_.source.background = anyBackground();
    switch (example_.kind) {
    case EditKind::kReplace:
      replace();
      break;
    case EditKind::kRemove:
      remove();
      break;
    case EditKind::kAdd:
      add();
      break;
    case EditKind::kMove:
      move();
      break;
    case EditKind::kResize:
      resize();
      break;
    case EditKind::kRecolour:
      recolour();
      break;
    case EditKind::kCount:
      count();
      break;
    case EditKind::kBackground:
      background();
      break;
    case EditKind::kLook:
      look();
      break;
    }
    example_.instruction = phrase(example_.kind, slots_, split_, random_);
    return std::move(example_);
  }

private:
  Scene& source() { return example_.source; }
  Scene& target() { return example_.target; }

  Background anyBackground() {
    bool unseen = split_ == Split::kHeldOut && random_.chance(0.5f);
    int kind = unseen ? kTrainBackgrounds +
                            random_.below(kBackgroundKinds - kTrainBackgrounds)
                      : random_.below(kTrainBackgrounds);
    return drawBackground(static_cast<BackgroundKind>(kind), random_);
  }

  // A subject of `pool` that may meet all those chosen so far, or -1.
  int chooseFrom(std::span<const int> pool) {
    auto fits = [&](int subject) {
      return std::ranges::all_of(subjects_, [&](int other) {
        return generator_.mayMeet(subject, other);
      });
    };
    int size = static_cast<int>(pool.size());
    int start = random_.below(size);
    for (int i = 0; i < size; ++i)
      if (int subject = pool[(start + i) % size]; fits(subject)) {
        subjects_.push_back(subject);
        return subject;
      }
    return -1;
  }

  int chooseDrawn() { return chooseFrom(catalogue_.drawable()); }
  int chooseKept() {
    bool unseen = split_ == Split::kHeldOut && random_.chance(kUnseenSubjects);
    return chooseFrom(unseen ? catalogue_.unseen() : catalogue_.seen());
  }

  // A place apart from all those taken, or -1.
  int freePlace() {
    std::array<int, kPlaces> free;
    int count = 0;
    for (int place = 0; place < kPlaces; ++place)
      if (std::ranges::all_of(places_, [&](int p) { return apart(p, place); }))
        free[count++] = place;
    if (count == 0)
      return -1;
    places_.push_back(free[random_.below(count)]);
    return places_.back();
  }

  Item itemAt(int subject, int place, float low, float high) {
    Item item;
    item.subject = subject;
    item.size = random_.uniform(low, high);
    item.x = placeX(place) + random_.uniform(-0.06f, 0.06f);
    item.y = placeY(place) + random_.uniform(-0.06f, 0.06f);
    item.flip = random_.chance(0.3f);
    if (random_.chance(0.06f))
      item.tint = random_.pick(std::span(kColours)).value;
    keepInside(item);
    return item;
  }

  // Adds up to `most` subjects that the edit leaves alone.
  void bystanders(int most) {
    int wanted = random_.below(most + 1);
    for (int i = 0; i < wanted; ++i) {
      int place = freePlace();
      int subject = place < 0 ? -1 : chooseKept();
      if (subject < 0)
        return;
      source().items.push_back(itemAt(subject, place, 0.3f, 0.42f));
    }
  }

  // Places the edited subject as item 0, then the others.
  void sceneWith(int subject, float low, float high) {
    int place = freePlace();
    source().items.push_back(itemAt(subject, place, low, high));
    slots_.subject = catalogue_[subject].name;
    bystanders(2);
    target() = source();
  }

  void replace() {
    int kept = chooseKept();
    int drawn = chooseDrawn();
    sceneWith(kept, 0.34f, 0.5f);
    Item& item = target().items[0];
    item.subject = drawn;
    item.flip = false;
    item.tint.reset();
    slots_.object = catalogue_[drawn].indefinite();
  }

  void remove() {
    sceneWith(chooseKept(), 0.32f, 0.5f);
    target().items.erase(target().items.begin());
  }

  void add() {
    int place = freePlace();
    int drawn = chooseDrawn();
    bystanders(2);
    target() = source();
    Item item;
    item.subject = drawn;
    item.size = kAddedSize;
    item.x = placeX(place);
    item.y = placeY(place);
    keepInside(item);
    target().items.push_back(item);
    slots_.object = catalogue_[drawn].indefinite();
    slots_.place = place;
  }

  void move() {
    int goal = freePlace();
    int subject = chooseKept();
    // It may start beside its goal, but the others keep off both.
    int start = (goal + 1 + random_.below(kPlaces - 1)) % kPlaces;
    places_.push_back(start);
    source().items.push_back(itemAt(subject, start, 0.3f, 0.44f));
    slots_.subject = catalogue_[subject].name;
    slots_.place = goal;
    bystanders(1);
    target() = source();
    Item& item = target().items[0];
    item.x = placeX(goal);
    item.y = placeY(goal);
    keepInside(item);
  }

  void resize() {
    slots_.degree = random_.below(static_cast<int>(kDegrees.size()));
    bool grows = kDegrees[slots_.degree] > 1;
    sceneWith(chooseFrom(catalogue_.seen()), grows ? 0.26f : 0.4f,
              grows ? 0.36f : 0.52f);
    Item& item = target().items[0];
    item.size *= kDegrees[slots_.degree];
    keepInside(item);
  }

  void recolour() {
    sceneWith(chooseFrom(catalogue_.seen()), 0.32f, 0.5f);
    const NamedColour& colour = random_.pick(std::span(kColours));
    source().items[0].tint.reset();
    target().items[0].tint = colour.value;
    slots_.colour = colour.name;
  }

  void count() {
    int subject = chooseFrom(catalogue_.countable());
    int before = 1 + random_.below(kMostCounted);
    int after = 1 + random_.below(kMostCounted - 1);
    after += after >= before;
    bool flip = random_.chance(0.3f);
    auto row = [&](int count) {
      std::vector<Item> items(count);
      for (int i = 0; i < count; ++i) {
        Point place = countedPlace(count, i);
        items[i] = {subject, place.x, place.y, kCountedSize, flip, {}};
      }
      return items;
    };
    target().background = source().background;
    source().items = row(before);
    target().items = row(after);
    slots_.subject = catalogue_[subject].name;
    slots_.plural = catalogue_[subject].plural;
    slots_.count = after;
  }

  void background() {
    bystanders(2);
    if (source().items.empty())
      source().items.push_back(itemAt(chooseKept(), 4, 0.36f, 0.6f));
    target() = source();
    slots_.background =
        static_cast<BackgroundKind>(random_.below(kNamedBackgrounds));
    target().background = namedBackground(slots_.background);
    if (slots_.background != BackgroundKind::kPlain)
      return;
    const NamedColour& colour = random_.pick(std::span(kColours));
    target().background = plainBackground(colour.value);
    slots_.colour = colour.name;
  }

  void look() {
    bystanders(3);
    target() = source();
    slots_.look = static_cast<Look>(1 + random_.below(kLooks - 1));
    target().look = slots_.look;
  }

  const Generator& generator_;
  const Catalogue& catalogue_;
  Random& random_;
  Split split_;
  Example example_;
  Slots slots_;
  std::vector<int> subjects_; // chosen so far
  std::vector<int> places_;   // taken so far
};

bool Generator::mayMeet(int first, int second) const {
  if (first == second)
    return false;
  uint64_t a = catalogue_[first].id, b = catalogue_[second].id;
  bool heldOut = hash({std::min(a, b), std::max(a, b)}) % kPairShare == 0;
  return heldOut == (split_ == Split::kHeldOut);
}

Example Generator::make(uint64_t index) const {
  Random random(hash({seed_, static_cast<uint64_t>(split_), index, 1}));
  int ticket = random.below(100), kind = 0;
  while (ticket >= kMix[kind])
    ticket -= kMix[kind++];
  return make(index, static_cast<EditKind>(kind));
}

Example Generator::make(uint64_t index, EditKind kind) const {
  Random random(hash({seed_, static_cast<uint64_t>(split_), index, 2}));
  return Draft(*this, random, kind).finish();
}

std::optional<EditKind> editFromName(std::string_view name) {
  auto found = std::ranges::find(kEditNames, name);
  if (found == kEditNames.end())
    return std::nullopt;
  return static_cast<EditKind>(found - kEditNames.begin());
}

} // namespace burin::data
