// SPDX-License-Identifier: Apache-2.0
// The size rule of InstructPix2Pix, and values at the edge of the networks.
#include "models/pipeline/picture.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace burin::pipeline {
namespace {

struct SizeCase {
  Extent picture;
  int size, stride;
  Extent expected;
};

// Expected values by the formulas of the original program.
TEST(Picture, sizes_follow_the_original_rule) {
  for (const SizeCase& c : {
           SizeCase{{512, 512}, 512, 64, {512, 512}},
           SizeCase{{4000, 3000}, 512, 64, {512, 384}},
           SizeCase{{3000, 4000}, 512, 64, {384, 512}},
           SizeCase{{1920, 1080}, 512, 64, {512, 320}}, // from 569 x 320
           SizeCase{{100, 75}, 512, 64, {512, 384}},    // enlarged
           SizeCase{{1, 1}, 256, 64, {256, 256}},
           SizeCase{{48, 32}, 48, 4, {48, 32}},
           SizeCase{{640, 10}, 512, 64, {4096, 64}},
       }) {
    Result<Extent> extent = editExtent(c.picture, c.size, c.stride);
    ASSERT_TRUE(extent.ok()) << extent.status().message();
    EXPECT_EQ(extent->width, c.expected.width) << c.picture.width;
    EXPECT_EQ(extent->height, c.expected.height) << c.picture.height;
  }
}

TEST(Picture, impossible_sizes_are_explained) {
  for (int size : {-5, 0, 63, 4097, 1'000'000}) {
    Result<Extent> extent = editExtent({100, 100}, size, 64);
    ASSERT_FALSE(extent.ok());
    EXPECT_NE(extent.status().message().find("from 64 to 4096"),
              std::string::npos)
        << extent.status().message();
  }
  Result<Extent> thin = editExtent({30000, 1}, 512, 64);
  ASSERT_FALSE(thin.ok());
  EXPECT_NE(thin.status().message().find("crop it"), std::string::npos);
}

TEST(Picture, bytes_survive_the_network_range) {
  Image image(16, 16);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = static_cast<uint8_t>(i);
  std::vector<float> values(image.pixels.size());
  toNetwork(image, values);
  EXPECT_EQ(values[0], -1);
  EXPECT_EQ(values[255], 1);
  EXPECT_EQ(fromNetwork(values, {16, 16}).pixels, image.pixels);
}

TEST(Picture, values_outside_the_range_are_clipped) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> values = {-5, 5, -kInfinity, kInfinity, NAN, 0};
  EXPECT_EQ(fromNetwork(values, {2, 1}).pixels,
            (std::vector<uint8_t>{0, 255, 0, 255, 0, 128}));
}

} // namespace
} // namespace burin::pipeline
