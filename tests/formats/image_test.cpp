// SPDX-License-Identifier: Apache-2.0
// Decoding and resizing against Pillow, and pictures that must be refused.
#include "formats/image/container.h"
#include "formats/image/image.h"
#include "formats/image/resize.h"
#include "formats/image/sheet.h"
#include "tests/formats/temporary_folder.h"

#include <cmath>

namespace burin {
namespace {

const std::string kGolden = "tests/formats/golden/images/";

std::span<const std::byte> bytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

Image load(const std::string& name) {
  Result<Image> image = readImage(kGolden + name);
  EXPECT_TRUE(image.ok()) << image.status().message();
  return image.ok() ? *image : Image(1, 1);
}

// The largest difference of a sample; the sizes must agree.
int worstDifference(const Image& a, const Image& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  if (a.pixels.size() != b.pixels.size())
    return 256;
  int worst = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i)
    worst = std::max(worst, std::abs(a.pixels[i] - b.pixels[i]));
  return worst;
}

TEST(ReadImage, png_of_every_kind_equals_pillow) {
  for (const char* name :
       {"rgb", "grey", "grey16", "palette", "bilevel", "orientation_png"})
    EXPECT_EQ(worstDifference(load(std::string(name) + ".png"),
                              load(std::string(name) + ".want.png")),
              0)
        << name;
  // Pillow rounds transparency twice.
  for (const char* name : {"rgba", "grey_alpha"})
    EXPECT_LE(worstDifference(load(std::string(name) + ".png"),
                              load(std::string(name) + ".want.png")),
              1)
        << name;
}

TEST(ReadImage, jpeg_equals_pillow_up_to_rounding) {
  std::vector<std::string> names = {"jpeg444", "jpeg_grey", "jpeg_progressive"};
  for (int i = 1; i <= 8; ++i)
    names.push_back("orientation" + std::to_string(i));
  for (const std::string& name : names)
    EXPECT_LE(worstDifference(load(name + ".jpg"), load(name + ".want.png")), 3)
        << name;
}

TEST(ReadImage, refuses_what_is_no_whole_picture) {
  auto message = [](const std::string& bytes) {
    Result<Image> image = decodeImage(bytesOf(bytes));
    return image.ok() ? "decoded" : image.status().message();
  };
  EXPECT_NE(message("").find("empty"), std::string::npos);
  EXPECT_NE(message("GIF89a").find("neither PNG nor JPEG"), std::string::npos);
  std::string damaged = readText(kGolden + "rgb.png");
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_NE(message(damaged).find("checksum"), std::string::npos);
  for (const char* name : {"rgb.png", "jpeg444.jpg", "jpeg_progressive.jpg"}) {
    std::string file = readText(kGolden + name);
    ASSERT_EQ(message(file), "decoded") << name;
    for (size_t size = 3; size < file.size(); size += 7)
      EXPECT_NE(message(file.substr(0, size)), "decoded")
          << name << " cut to " << size;
  }
}

TEST(ReadImage, refuses_huffman_tables_that_overflow_the_decoder) {
  std::string file = readText(kGolden + "jpeg444.jpg");
  size_t table = file.find("\xff\xc4");
  ASSERT_NE(table, std::string::npos);
  file[table + 5] = '\xff'; // 255 codes of one bit
  Status status = decodeImage(bytesOf(file)).status();
  EXPECT_NE(status.message().find("Huffman"), std::string::npos)
      << status.message();
}

TEST(ReadImage, refuses_scans_without_huffman_tables) {
  std::string file = readText(kGolden + "jpeg444.jpg");
  for (size_t at; (at = file.find("\xff\xc4")) != std::string::npos;)
    file[at + 1] = '\xfe'; // a comment instead
  Status status = decodeImage(bytesOf(file)).status();
  EXPECT_NE(status.message().find("Huffman"), std::string::npos)
      << status.message();
}

TEST(ReadImage, a_header_that_claims_too_much_costs_no_memory) {
  std::string file = readText(kGolden + "rgb.png");
  ImageLimits small;
  small.pixels = 61 * 47 - 1;
  Status status = decodeImage(bytesOf(file), small).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("61x47"), std::string::npos);
  small = {};
  small.side = 60;
  EXPECT_FALSE(decodeImage(bytesOf(file), small).ok());
  small = {};
  small.fileBytes = 10;
  EXPECT_FALSE(decodeImage(bytesOf(file), small).ok());
}

TEST(WritePng, reads_back_the_same) {
  TemporaryFolder folder;
  Image image = load("rgb.png");
  ASSERT_TRUE(writePng(folder / "out.png", image).ok());
  Result<Image> back = readImage(folder / "out.png");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(worstDifference(*back, image), 0);
  EXPECT_FALSE(writePng(folder / "none.png", Image()).ok());
}

TEST(Resize, equals_pillow) {
  Image image = load("rgb.png");
  for (auto [width, height] :
       {std::pair(23, 17), {122, 94}, {61, 20}, {7, 47}, {1, 1}, {200, 9}}) {
    std::string size = std::to_string(width) + "x" + std::to_string(height);
    EXPECT_LE(worstDifference(resize(image, width, height),
                              load("resize_" + size + ".want.png")),
              1)
        << size;
  }
}

TEST(Resize, fit_equals_pillow) {
  Image image = load("rgb.png");
  for (auto [width, height] : {std::pair(32, 32), {64, 16}, {16, 40}}) {
    std::string size = std::to_string(width) + "x" + std::to_string(height);
    EXPECT_LE(worstDifference(fit(image, width, height),
                              load("fit_" + size + ".want.png")),
              1)
        << size;
  }
}

TEST(Resize, the_same_size_is_the_same_picture) {
  Image image = load("rgb.png");
  EXPECT_EQ(worstDifference(resize(image, image.width, image.height), image),
            0);
}

TEST(ContactSheet, keeps_pictures_and_draws_captions) {
  std::vector<SheetCell> cells = {
      {Image(40, 30, 10), "before"},
      {Image(20, 50, 20), "after, with a long text"},
      {Image(10, 10, 30), "\xc3\xa9"}};
  Image bare = contactSheet(cells, {.columns = 2, .gap = 4, .textScale = 0});
  EXPECT_EQ(bare.width, 4 + 40 + 4 + 20 + 4);
  EXPECT_EQ(bare.height, 4 + 50 + 4 + 10 + 4);
  EXPECT_EQ(bare.at(4, 4)[0], 10);
  EXPECT_EQ(bare.at(48, 4 + 49)[0], 20);
  EXPECT_EQ(bare.at(4, 58)[2], 30);
  EXPECT_EQ(bare.at(0, 0)[0], 255);

  Image sheet = contactSheet(cells, {.columns = 2, .gap = 4, .textScale = 1});
  EXPECT_EQ(sheet.width, bare.width);
  EXPECT_GT(sheet.height, bare.height);
  auto dark = std::ranges::count(sheet.pixels, 32);
  EXPECT_GT(dark, 3 * 100); // letters
  auto count = [](const Image& image, int value) {
    return std::ranges::count(image.pixels, value);
  };
  for (int value : {10, 20, 30})
    EXPECT_EQ(count(sheet, value), count(bare, value)); // nothing drawn over
}

TEST(ContactSheet, survives_odd_input) {
  EXPECT_EQ(contactSheet({}).pixels.size(), size_t{3} * 12 * 12);
  std::vector<SheetCell> cells = {{Image(1, 1, 0), std::string(500, 'w')}};
  EXPECT_GT(contactSheet(cells, {.columns = 0}).height, 500);
}

} // namespace
} // namespace burin
