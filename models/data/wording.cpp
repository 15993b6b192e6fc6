// SPDX-License-Identifier: Apache-2.0
// The sentences themselves, and filling their slots.
#include "models/data/wording.h"

#include <algorithm>
#include <span>

namespace burin::data {
namespace {

using Text = std::string_view;
using Texts = std::span<const Text>;

struct Templates {
  Texts train, heldOut;
};

constexpr Text kReplace[] = {"replace the {a} with {b}",
                             "replace the {a} by {b}",
                             "turn the {a} into {b}",
                             "change the {a} into {b}",
                             "change the {a} to {b}",
                             "swap the {a} for {b}",
                             "swap the {a} with {b}",
                             "exchange the {a} for {b}",
                             "substitute {b} for the {a}",
                             "put {b} where the {a} is",
                             "the {a} should be {b}",
                             "transform the {a} into {b}",
                             "have {b} instead of the {a}",
                             "i would like {b} in place of the {a}",
                             "there should be {b} instead of the {a}",
                             "make the {a} become {b}"};
constexpr Text kReplaceHeldOut[] = {
    "use {b} instead of the {a}", "put {b} in place of the {a}",
    "let the {a} become {b}", "change the {a} for {b}",
    "instead of the {a} there should be {b}"};
constexpr Text kRemove[] = {
    "remove the {a}",         "delete the {a}",         "take the {a} away",
    "erase the {a}",          "get rid of the {a}",     "take out the {a}",
    "make the {a} disappear", "there should be no {a}", "clear away the {a}",
    "drop the {a}",           "i do not want the {a}",  "the {a} should go",
    "leave out the {a}"};
constexpr Text kRemoveHeldOut[] = {
    "have the {a} removed", "make the {a} go away", "take away the {a}",
    "i would like the {a} to disappear", "leave the {a} out"};
constexpr Text kAdd[] = {"add {b} {place}",     "put {b} {place}",
                         "place {b} {place}",   "insert {b} {place}",
                         "draw {b} {place}",    "there should be {b} {place}",
                         "{place}, add {b}",    "i would like {b} {place}",
                         "include {b} {place}", "{b} {place}",
                         "show {b} {place}",    "have {b} {place}"};
constexpr Text kAddHeldOut[] = {"{place} there should be {b}",
                                "give me {b} {place}", "{place}, put {b}",
                                "i want {b} {place}"};
constexpr Text kMove[] = {"move the {a} {to}",         "shift the {a} {to}",
                          "put the {a} {place}",       "drag the {a} {to}",
                          "slide the {a} {to}",        "bring the {a} {to}",
                          "the {a} should be {place}", "relocate the {a} {to}",
                          "i want the {a} {place}",    "the {a} goes {to}"};
constexpr Text kMoveHeldOut[] = {
    "have the {a} moved {to}", "place the {a} {place}",
    "i would like the {a} {place}", "let the {a} go {to}"};
constexpr Text kRecolour[] = {"make the {a} {colour}",
                              "paint the {a} {colour}",
                              "colour the {a} {colour}",
                              "color the {a} {colour}",
                              "turn the {a} {colour}",
                              "change the colour of the {a} to {colour}",
                              "change the color of the {a} to {colour}",
                              "recolor the {a} in {colour}",
                              "give the {a} a {colour} colour",
                              "the {a} should be {colour}",
                              "i want the {a} in {colour}"};
constexpr Text kRecolourHeldOut[] = {
    "recolour the {a} to {colour}", "i would like the {a} to be {colour}",
    "let the {a} be {colour}", "paint the {a} in {colour}"};
constexpr Text kCount[] = {"make it {n} {as}",
                           "there should be {n} {as}",
                           "change the number of {as} to {n}",
                           "show {n} {as}",
                           "i want {n} {as}",
                           "draw {n} {as}",
                           "have {n} {as}",
                           "i would like {n} {as}",
                           "turn this into {n} {as}"};
constexpr Text kCountHeldOut[] = {"give me {n} {as}", "let there be {n} {as}",
                                  "i would like to have {n} {as}",
                                  "change this to {n} {as}"};
constexpr Text kBackground[] = {"change the background to {background}",
                                "replace the background with {background}",
                                "set the background to {background}",
                                "make the background {background}",
                                "use {background} as the background",
                                "put everything in front of {background}",
                                "the background should be {background}",
                                "turn the background into {background}",
                                "draw {background} in the background",
                                "i want {background} behind everything"};
constexpr Text kBackgroundHeldOut[] = {
    "swap the background for {background}",
    "i would like {background} in the background",
    "let {background} be the background",
    "place everything in front of {background}"};

constexpr Templates kTemplates[kEditKinds] = {
    {kReplace, kReplaceHeldOut},
    {kRemove, kRemoveHeldOut},
    {kAdd, kAddHeldOut},
    {kMove, kMoveHeldOut},
    {}, // resize: by degree
    {kRecolour, kRecolourHeldOut},
    {kCount, kCountHeldOut},
    {kBackground, kBackgroundHeldOut},
    {}, // look: by look
};

constexpr Text kTiny[] = {"make the {a} tiny", "make the {a} much smaller",
                          "make the {a} very small", "shrink the {a} a lot"};
constexpr Text kTinyHeldOut[] = {"the {a} should be tiny",
                                 "turn the {a} very small"};
constexpr Text kSmaller[] = {"make the {a} smaller",       "shrink the {a}",
                             "reduce the size of the {a}", "scale down the {a}",
                             "the {a} should be smaller",  "scale the {a} down",
                             "make the {a} a bit smaller"};
constexpr Text kSmallerHeldOut[] = {"i want the {a} smaller",
                                    "turn the {a} smaller", "reduce the {a}"};
constexpr Text kBigger[] = {
    "make the {a} bigger", "enlarge the {a}",
    "make the {a} larger", "increase the size of the {a}",
    "scale up the {a}",    "the {a} should be bigger",
    "scale the {a} up",    "make the {a} a bit bigger"};
constexpr Text kBiggerHeldOut[] = {
    "i want the {a} bigger", "the {a} should be larger", "increase the {a}"};
constexpr Text kHuge[] = {"make the {a} much bigger", "make the {a} huge",
                          "make the {a} a lot larger", "enlarge the {a} a lot",
                          "make the {a} very big"};
constexpr Text kHugeHeldOut[] = {"the {a} should be huge",
                                 "make the {a} very large"};

constexpr Templates kResize[kDegrees.size()] = {{kTiny, kTinyHeldOut},
                                                {kSmaller, kSmallerHeldOut},
                                                {kBigger, kBiggerHeldOut},
                                                {kHuge, kHugeHeldOut}};

constexpr Text kNight[] = {"make it night", "turn day into night",
                           "make it look like night",
                           "it should be night time"};
constexpr Text kNightHeldOut[] = {"show it at night", "let it be night"};
constexpr Text kWarm[] = {"make the light warm", "make it warmer",
                          "give it a warm tone", "use warm colours"};
constexpr Text kWarmHeldOut[] = {"the light should be warm",
                                 "make the colours warmer"};
constexpr Text kCold[] = {"make the light cold", "make it colder",
                          "give it a cold tone", "use cold colours"};
constexpr Text kColdHeldOut[] = {"the light should be cold",
                                 "make the colours colder"};
constexpr Text kGrey[] = {"make it black and white", "remove all colour",
                          "turn it into a black and white photo",
                          "make the picture grey"};
constexpr Text kGreyHeldOut[] = {"i want it in black and white",
                                 "take away all colour"};
constexpr Text kSepia[] = {"make it sepia", "turn it into an old photo",
                           "give it a sepia tone", "make it look old"};
constexpr Text kSepiaHeldOut[] = {"i want it in sepia", "make it an old photo"};
constexpr Text kBlur[] = {"blur the picture", "make it blurry",
                          "make it out of focus", "blur everything"};
constexpr Text kBlurHeldOut[] = {"the picture should be blurry", "blur it"};
constexpr Text kBright[] = {"make it brighter", "brighten the picture",
                            "add more light", "lighten it"};
constexpr Text kBrightHeldOut[] = {"the picture should be brighter",
                                   "brighten it"};
constexpr Text kDark[] = {"make it darker", "darken the picture",
                          "use less light", "dim the light"};
constexpr Text kDarkHeldOut[] = {"the picture should be darker", "darken it"};
constexpr Text kContrast[] = {"increase the contrast", "add more contrast",
                              "make the contrast stronger"};
constexpr Text kContrastHeldOut[] = {"give it more contrast"};
constexpr Text kFog[] = {"make it foggy", "add fog", "make it misty",
                         "put it in the fog"};
constexpr Text kFogHeldOut[] = {"i want fog", "it should be foggy"};
constexpr Text kInvert[] = {"invert the colours", "make it a negative",
                            "turn it into a negative", "invert the picture"};
constexpr Text kInvertHeldOut[] = {"invert it", "show it as a negative"};
constexpr Text kPixels[] = {"make it pixel art", "pixelate the picture",
                            "turn it into pixels", "make it blocky"};
constexpr Text kPixelsHeldOut[] = {"pixelate it", "turn it into pixel art"};
constexpr Text kPoster[] = {"make it a poster", "posterize the picture",
                            "turn it into a poster", "use fewer colours"};
constexpr Text kPosterHeldOut[] = {"posterize it", "make it like a poster"};
constexpr Text kVivid[] = {"make the colours vivid", "increase the saturation",
                           "make it more colourful",
                           "make the colours stronger"};
constexpr Text kVividHeldOut[] = {"the colours should be vivid",
                                  "make it more vivid"};
constexpr Text kSnowfall[] = {"make it snow", "add snow", "let it snow",
                              "add falling snow"};
constexpr Text kSnowfallHeldOut[] = {"it should snow",
                                     "i would like falling snow"};
constexpr Text kVignette[] = {"add a vignette", "darken the corners",
                              "make the edges dark"};
constexpr Text kVignetteHeldOut[] = {"darken the edges", "make a vignette"};

constexpr Templates kLookTemplates[kLooks] = {
    {},
    {kNight, kNightHeldOut},
    {kWarm, kWarmHeldOut},
    {kCold, kColdHeldOut},
    {kGrey, kGreyHeldOut},
    {kSepia, kSepiaHeldOut},
    {kBlur, kBlurHeldOut},
    {kBright, kBrightHeldOut},
    {kDark, kDarkHeldOut},
    {kContrast, kContrastHeldOut},
    {kFog, kFogHeldOut},
    {kInvert, kInvertHeldOut},
    {kPixels, kPixelsHeldOut},
    {kPoster, kPosterHeldOut},
    {kVivid, kVividHeldOut},
    {kSnowfall, kSnowfallHeldOut},
    {kVignette, kVignetteHeldOut},
};

// Names of places: where something is, and where it goes.
struct PlaceNames {
  Text at[3];
  Text heldOutAt;
  Text to[2];
  Text heldOutTo;
};
constexpr PlaceNames kPlaceNames[kPlaces] = {
    {{"in the top left corner", "at the top left", "in the upper left"},
     "in the upper left corner",
     {"to the top left corner", "to the top left"},
     "to the upper left corner"},
    {{"at the top", "at the top in the middle", "in the upper middle"},
     "at the top center",
     {"to the top", "to the top in the middle"},
     "to the upper middle"},
    {{"in the top right corner", "at the top right", "in the upper right"},
     "in the upper right corner",
     {"to the top right corner", "to the top right"},
     "to the upper right corner"},
    {{"on the left", "on the left side", "at the left edge"},
     "at the left side",
     {"to the left", "to the left side"},
     "to the left edge"},
    {{"in the middle", "in the center", "in the centre"},
     "in the middle of the picture",
     {"to the middle", "to the center"},
     "to the centre"},
    {{"on the right", "on the right side", "at the right edge"},
     "at the right side",
     {"to the right", "to the right side"},
     "to the right edge"},
    {{"in the bottom left corner", "at the bottom left", "in the lower left"},
     "in the lower left corner",
     {"to the bottom left corner", "to the bottom left"},
     "to the lower left corner"},
    {{"at the bottom", "at the bottom in the middle", "in the lower middle"},
     "at the bottom center",
     {"to the bottom", "to the bottom in the middle"},
     "to the lower middle"},
    {{"in the bottom right corner", "at the bottom right",
      "in the lower right"},
     "in the lower right corner",
     {"to the bottom right corner", "to the bottom right"},
     "to the lower right corner"},
};

constexpr Text kBackgroundNames[kNamedBackgrounds][2] = {
    {"plain {colour}", "{colour}"},
    {"a blue sky", "the sky"},
    {"a green meadow", "a field of grass"},
    {"a beach", "a sandy beach"},
    {"the sea", "the ocean"},
    {"a starry sky", "the night sky"},
    {"a desert", "sand dunes"},
    {"a snowy field", "a winter landscape"},
    {"a sunset", "an evening sky"},
    {"a wooden wall", "wooden boards"},
    {"a brick wall", "red bricks"},
    {"a checkerboard", "a chess board"},
    {"stripes", "red and white stripes"},
    {"polka dots", "pink dots"},
    {"a city", "a city skyline"},
    {"a forest", "fir trees"},
    {"marble", "white marble"},
};

constexpr Text kNumbers[kMostCounted] = {"one",  "two",  "three",
                                         "four", "five", "six"};
constexpr Text kPrefixes[] = {"please ", "now ", "can you ", "please, "};
constexpr Text kHeldOutPrefixes[] = {"could you ", "now please "};
constexpr Text kSuffixes[] = {", please", ".", " please", " now"};

const Templates& templatesFor(EditKind kind, const Slots& slots) {
  if (kind == EditKind::kResize)
    return kResize[slots.degree];
  if (kind == EditKind::kLook)
    return kLookTemplates[static_cast<int>(slots.look)];
  return kTemplates[static_cast<int>(kind)];
}

std::string slotText(Text slot, const Slots& slots, Split split,
                     Random& random) {
  const PlaceNames& place = kPlaceNames[slots.place];
  bool heldOutPlace = split == Split::kHeldOut && random.chance(0.5f);
  if (slot == "a")
    return slots.subject;
  if (slot == "as")
    return slots.count == 1 ? slots.subject : slots.plural;
  if (slot == "b")
    return slots.object;
  if (slot == "place")
    return std::string(heldOutPlace ? place.heldOutAt
                                    : random.pick(Texts(place.at)));
  if (slot == "to")
    return std::string(heldOutPlace ? place.heldOutTo
                                    : random.pick(Texts(place.to)));
  if (slot == "colour")
    return std::string(slots.colour);
  if (slot == "n")
    return random.chance(0.75f) ? std::string(kNumbers[slots.count - 1])
                                : std::to_string(slots.count);
  return std::string(
      random.pick(Texts(kBackgroundNames[static_cast<int>(slots.background)])));
}

// Fills slots until none is left: a background's name holds one of its own.
std::string fill(std::string text, const Slots& slots, Split split,
                 Random& random) {
  for (size_t open; (open = text.find('{')) != text.npos;) {
    size_t close = text.find('}', open);
    std::string slot = text.substr(open + 1, close - open - 1);
    text.replace(open, close - open + 1, slotText(slot, slots, split, random));
  }
  return text;
}

// "please" and its like go before a command, not before a statement.
bool isCommand(Text text) {
  static constexpr Text kStatements[] = {"i ",  "the ",     "there ",
                                         "it ", "instead ", "{"};
  return std::ranges::none_of(kStatements,
                              [&](Text s) { return text.starts_with(s); });
}

} // namespace

std::string phrase(EditKind kind, const Slots& slots, Split split,
                   Random& random) {
  const Templates& templates = templatesFor(kind, slots);
  bool heldOut = split == Split::kHeldOut;
  Text templateText =
      random.pick(heldOut ? templates.heldOut : templates.train);
  std::string text = fill(std::string(templateText), slots, split, random);
  if (random.chance(0.15f) && isCommand(templateText))
    text = std::string(random.pick(heldOut ? Texts(kHeldOutPrefixes)
                                           : Texts(kPrefixes))) +
           text;
  else if (random.chance(0.15f))
    text += random.pick(Texts(kSuffixes));
  return text;
}

} // namespace burin::data
