// SPDX-License-Identifier: Apache-2.0
#include "bench/cuda/tune.h"

#include <algorithm>

#include "bench/cuda/replay.h"

namespace burin::bench {

namespace cuda = kernels::cuda;

namespace {

constexpr int64_t kMostSets = 32;
constexpr size_t kFinalists = 5;
constexpr int kRounds = 5;
// The cost model is right within this factor.
constexpr double kModelSlack = 1.7;
// A new winner must be faster than the old by this.
constexpr double kNoise = 0.01;

struct Candidate {
  cuda::TileChoice choice;
  KernelCase work;
  double seconds = 0;

  std::string name() const {
    return choice.tile->name() + (choice.pixelsFirst ? " 1" : " 0");
  }
};

// A contraction and the tiles to try; the first is the one chosen so far.
struct Contest {
  ShapeRow row;
  cuda::ContractGeometry geometry;
  std::vector<Candidate> candidates;
};

// Split sums are for products of few tiles, all of which run at once.
bool worthTrying(const cuda::ContractTile& tile,
                 const cuda::ContractGeometry& g, double bestEstimate) {
  return cuda::tileFits(tile, g).ok() &&
         (tile.ck == 1 || cuda::tileWorks(tile, g) <= tile.active()) &&
         cuda::tileMicroseconds(tile, g) <= kModelSlack * bestEstimate;
}

Status addCandidate(Contest& contest, const cuda::TileChoice& choice,
                    const cuda::Target& target) {
  BURIN_ASSIGN(KernelCase work,
               kernelCase(contest.row, Following::kNetwork, target,
                          {choice.tile->name(), choice.pixelsFirst}));
  contest.candidates.push_back({choice, std::move(work)});
  return okStatus();
}

Result<Contest> contestOf(const ShapeRow& row, const cuda::Target& target,
                          std::span<const cuda::TunedTile> known) {
  Contest contest = {row, {}, {}};
  BURIN_ASSIGN(contest.geometry, geometryOf(row));
  const cuda::ContractGeometry& g = contest.geometry;
  const cuda::TileChoice chosen = cuda::selectTile(g, known);
  const cuda::TileChoice modelled = cuda::selectTile(g, {});
  const double best = cuda::tileMicroseconds(*modelled.tile, g);
  BURIN_TRY(addCandidate(contest, chosen, target));
  for (const cuda::ContractTile& tile : cuda::contractTileTable())
    for (const bool pixelsFirst : {false, true}) {
      const bool first =
          &tile == chosen.tile && pixelsFirst == chosen.pixelsFirst;
      if (!first && worthTrying(tile, g, best))
        BURIN_TRY(addCandidate(contest, {&tile, pixelsFirst}, target));
    }
  return contest;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

class Tuner {
public:
  Tuner(Device& device, const cuda::Target& target, const Notice& notice)
      : device_(device), target_(target), notice_(notice) {}

  Status prepare(std::vector<Contest>& contests) {
    for (const Contest& contest : contests)
      for (const Candidate& candidate : contest.candidates) {
        images_.add(candidate.work);
        pool_.need(candidate.work, operandSets(candidate.work, kMostSets));
      }
    notice_("compiling kernels", 0, 0);
    BURIN_TRY(images_.compile(device_, target_.name));
    return pool_.allocate(device_, true);
  }

  Status decide(Contest& contest, TuneReport& report) {
    BURIN_TRY(rank(contest).within(shapeKey(contest.row)));
    const std::vector<Candidate>& tried = contest.candidates;
    const Candidate& reference = tried.front();
    const auto fastest = std::ranges::min_element(
        tried, {}, [](const Candidate& c) { return c.seconds; });
    const Candidate& winner =
        fastest->seconds < (1 - kNoise) * reference.seconds ? *fastest
                                                            : reference;
    BURIN_ASSIGN(const std::string fault, compare(contest, winner));
    if (!fault.empty())
      report.faults.push_back(shapeKey(contest.row) + ": " + fault);
    else
      report.times.push_back({{contest.geometry, winner.choice},
                              winner.seconds,
                              reference.seconds});
    return okStatus();
  }

private:
  Result<Replay> record(const Candidate& candidate) {
    return Replay::record(device_, images_, candidate.work,
                          operandSets(candidate.work, kMostSets));
  }

  // Leaves the first and the finalists, with their seconds.
  Status rank(Contest& contest) {
    std::vector<Candidate>& tried = contest.candidates;
    for (Candidate& candidate : tried) {
      BURIN_ASSIGN(Replay replay, record(candidate));
      BURIN_TRY(replay.time(pool_, 1).status()); // warms up
      BURIN_ASSIGN(const double once, replay.time(pool_, 1));
      BURIN_ASSIGN(const double again, replay.time(pool_, 1));
      candidate.seconds = std::min(once, again);
    }
    std::sort(tried.begin() + 1, tried.end(),
              [](const Candidate& a, const Candidate& b) {
                return a.seconds < b.seconds;
              });
    tried.resize(std::min(tried.size(), kFinalists + 1));
    return timeAgain(tried);
  }

  // In turns, so that a change of the clock strikes all alike.
  Status timeAgain(std::vector<Candidate>& finalists) {
    constexpr double kPatience = 20e-3; // seconds of a round
    std::vector<Replay> replays;
    for (const Candidate& candidate : finalists) {
      BURIN_ASSIGN(Replay replay, record(candidate));
      BURIN_TRY(replay.time(pool_, 1).status());
      replays.push_back(std::move(replay));
    }
    std::vector<std::vector<double>> times(finalists.size());
    for (int round = 0; round < kRounds; ++round)
      for (size_t i = 0; i < finalists.size(); ++i) {
        const double each =
            finalists[i].seconds * static_cast<double>(replays[i].launches());
        const int count =
            static_cast<int>(std::clamp(kPatience / each, 3.0, 20.0));
        BURIN_ASSIGN(const double seconds, replays[i].time(pool_, count));
        times[i].push_back(seconds);
      }
    for (size_t i = 0; i < finalists.size(); ++i)
      finalists[i].seconds = median(times[i]);
    return okStatus();
  }

  // Which finalists differ from the winner, or nothing.
  Result<std::string> compare(const Contest& contest, const Candidate& winner) {
    BURIN_ASSIGN(const auto expected,
                 resultOf(device_, images_, winner.work, pool_));
    std::string fault;
    for (const Candidate& candidate : contest.candidates) {
      if (&candidate == &winner)
        continue;
      BURIN_ASSIGN(const auto result,
                   resultOf(device_, images_, candidate.work, pool_));
      if (result != expected)
        fault += " " + candidate.name() + ",";
    }
    if (!fault.empty())
      fault =
          "the results of" + fault + " differ from those of " + winner.name();
    return fault;
  }

  Device& device_;
  const cuda::Target& target_;
  const Notice& notice_;
  KernelImages images_;
  OperandPool pool_;
};

} // namespace

std::vector<ShapeRow> tunableRows(std::span<const ShapeRow> rows,
                                  const cuda::Target& target) {
  std::vector<ShapeRow> found;
  std::vector<cuda::ContractGeometry> seen;
  for (const ShapeRow& row : rows) {
    if (!isContraction(row))
      continue;
    const auto geometry = geometryOf(row);
    const auto work = kernelCase(row, Following::kNetwork, target);
    // Kernels without matrix units have no maps.
    if (!geometry.ok() || !work.ok() || work->plan.maps.empty())
      continue;
    const auto same = [&](const cuda::ContractGeometry& g) {
      return cuda::tunedAlike(g, *geometry);
    };
    if (std::ranges::any_of(seen, same))
      continue;
    seen.push_back(*geometry);
    found.push_back(row);
  }
  return found;
}

Result<TuneReport> tuneContractions(Device& device, const cuda::Target& target,
                                    std::span<const ShapeRow> rows,
                                    std::span<const cuda::TunedTile> known,
                                    const Notice& notice) {
  std::vector<Contest> contests;
  for (const ShapeRow& row : rows) {
    BURIN_ASSIGN(Contest contest, contestOf(row, target, known));
    contests.push_back(std::move(contest));
  }
  Tuner tuner(device, target, notice);
  BURIN_TRY(tuner.prepare(contests));
  TuneReport report;
  for (size_t i = 0; i < contests.size(); ++i) {
    notice("contraction", i, contests.size());
    BURIN_TRY(tuner.decide(contests[i], report));
  }
  notice("contraction", contests.size(), contests.size());
  return report;
}

} // namespace burin::bench
