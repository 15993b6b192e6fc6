// SPDX-License-Identifier: Apache-2.0
// The vocabulary of edits: kinds, places, colours, degrees. Each is small and
// named, so that one instruction has one true result.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "models/data/canvas.h"

namespace burin::data {

enum class EditKind : uint8_t {
  kReplace,
  kRemove,
  kAdd,
  kMove,
  kResize,
  kRecolour,
  kCount,
  kBackground,
  kLook,
};
inline constexpr int kEditKinds = 9;
inline constexpr std::array<std::string_view, kEditKinds> kEditNames = {
    "replace",  "remove", "add",        "move", "resize",
    "recolour", "count",  "background", "look"};

std::optional<EditKind> editFromName(std::string_view name);

// Places are the cells of a 3x3 grid, row by row.
inline constexpr int kPlaces = 9;
constexpr float placeX(int place) {
  return 0.2f + 0.3f * (place % 3);
}
constexpr float placeY(int place) {
  return 0.2f + 0.3f * (place / 3);
}
// Whether subjects of usual size at both places stay clear of each other.
constexpr bool apart(int a, int b) {
  int dx = a % 3 - b % 3, dy = a / 3 - b / 3;
  return dx * dx >= 4 || dy * dy >= 4;
}

// The size of what an instruction adds.
inline constexpr float kAddedSize = 0.38f;

inline constexpr std::array<float, 4> kDegrees = {0.45f, 0.7f, 1.4f, 1.8f};

inline constexpr int kMostCounted = 6;
inline constexpr float kCountedSize = 0.32f;
struct Point {
  float x, y;
};
// Where `count` equal things stand.
constexpr Point countedPlace(int count, int index) {
  constexpr Point kLayouts[kMostCounted][kMostCounted] = {
      {{0.5f, 0.5f}},
      {{0.28f, 0.5f}, {0.72f, 0.5f}},
      {{0.5f, 0.27f}, {0.27f, 0.72f}, {0.73f, 0.72f}},
      {{0.28f, 0.28f}, {0.72f, 0.28f}, {0.28f, 0.72f}, {0.72f, 0.72f}},
      {{0.2f, 0.2f}, {0.8f, 0.2f}, {0.5f, 0.5f}, {0.2f, 0.8f}, {0.8f, 0.8f}},
      {{0.18f, 0.3f},
       {0.5f, 0.3f},
       {0.82f, 0.3f},
       {0.18f, 0.7f},
       {0.5f, 0.7f},
       {0.82f, 0.7f}}};
  return kLayouts[count - 1][index];
}

struct NamedColour {
  std::string_view name;
  Rgb value;
};
inline constexpr std::array<NamedColour, 11> kColours = {{
    {"red", {0.86f, 0.12f, 0.12f}},
    {"orange", {0.96f, 0.55f, 0.10f}},
    {"yellow", {0.98f, 0.85f, 0.15f}},
    {"green", {0.18f, 0.65f, 0.25f}},
    {"blue", {0.15f, 0.35f, 0.88f}},
    {"purple", {0.55f, 0.20f, 0.75f}},
    {"pink", {0.97f, 0.48f, 0.70f}},
    {"brown", {0.48f, 0.29f, 0.14f}},
    {"grey", {0.50f, 0.50f, 0.50f}},
    {"black", {0.09f, 0.09f, 0.09f}},
    {"white", {0.96f, 0.96f, 0.96f}},
}};

} // namespace burin::data
