// SPDX-License-Identifier: Apache-2.0
// Layout of contact sheets, with stb's font of rectangles for captions.
#include "formats/image/sheet.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <stb/stb_easy_font.h>

namespace burin {
namespace {

constexpr int kLineHeight = 12; // the font's own line distance

std::string printable(std::string_view text) {
  std::string result;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) // the rest of a UTF-8 character
      continue;
    result += byte >= 0x20 && byte < 0x7f ? c : byte == '\n' ? ' ' : '?';
  }
  return result;
}

int widthOf(std::string text, int scale) {
  return stb_easy_font_width(text.data()) * scale;
}

// Breaks at spaces so that lines fit, and inside a word that alone does not.
std::vector<std::string> breakLines(const std::string& caption, int width,
                                    int scale) {
  std::vector<std::string> lines;
  std::istringstream words(printable(caption));
  std::string word, line;
  while (words >> word) {
    std::string longer = line.empty() ? word : line + " " + word;
    if (!line.empty() && widthOf(longer, scale) > width) {
      lines.push_back(line);
      longer = word;
    }
    while (longer.size() > 1 && widthOf(longer, scale) > width) {
      size_t count = longer.size() - 1;
      while (count > 1 && widthOf(longer.substr(0, count), scale) > width)
        --count;
      lines.push_back(longer.substr(0, count));
      longer = longer.substr(count);
    }
    line = longer;
  }
  if (!line.empty())
    lines.push_back(line);
  return lines;
}

void drawText(Image& sheet, std::string text, int left, int top, int scale) {
  struct Vertex {
    float x, y, z;
    unsigned char color[4];
  };
  std::vector<Vertex> vertices(text.size() * 4 * 32); // at most 32 quads each
  int quads =
      stb_easy_font_print(0, 0, text.data(), nullptr, vertices.data(),
                          static_cast<int>(vertices.size() * sizeof(Vertex)));
  for (int q = 0; q < quads; ++q) {
    const Vertex& from = vertices[4 * q];
    const Vertex& to = vertices[4 * q + 2];
    auto place = [&](float value, int offset, int limit) {
      return std::clamp(offset + static_cast<int>(std::lround(value * scale)),
                        0, limit);
    };
    int right = place(to.x, left, sheet.width);
    int bottom = place(to.y, top, sheet.height);
    for (int y = place(from.y, top, sheet.height); y < bottom; ++y)
      for (int x = place(from.x, left, sheet.width); x < right; ++x)
        std::fill_n(sheet.at(x, y), 3, uint8_t{32});
  }
}

void paste(Image& sheet, const Image& image, int left, int top) {
  for (int y = 0; y < image.height; ++y)
    std::copy_n(image.at(0, y), size_t{3} * image.width,
                sheet.at(left, top + y));
}

} // namespace

Image contactSheet(std::span<const SheetCell> cells,
                   const SheetOptions& options) {
  const size_t columns = static_cast<size_t>(std::max(options.columns, 1));
  const size_t rows = (cells.size() + columns - 1) / columns;
  const int scale = options.textScale;
  std::vector<int> widths(std::min(columns, cells.size()));
  for (size_t i = 0; i < cells.size(); ++i)
    widths[i % columns] = std::max(widths[i % columns], cells[i].image.width);

  std::vector<std::vector<std::string>> lines(cells.size());
  std::vector<int> heights(rows), textHeights(rows);
  for (size_t i = 0; i < cells.size(); ++i) {
    if (scale > 0)
      lines[i] = breakLines(cells[i].caption, widths[i % columns], scale);
    int& text = textHeights[i / columns];
    text =
        std::max(text, static_cast<int>(lines[i].size()) * kLineHeight * scale);
    int& height = heights[i / columns];
    height = std::max(height, cells[i].image.height);
  }

  int width = options.gap, height = options.gap;
  for (int column : widths)
    width += column + options.gap;
  for (size_t row = 0; row < rows; ++row)
    height += textHeights[row] + heights[row] + options.gap;
  Image sheet(width, height, 255);
  int top = options.gap;
  for (size_t row = 0; row < rows; ++row) {
    int left = options.gap;
    for (size_t i = row * columns;
         i < std::min(cells.size(), (row + 1) * columns); ++i) {
      for (size_t k = 0; k < lines[i].size(); ++k)
        drawText(sheet, lines[i][k], left,
                 top + static_cast<int>(k) * kLineHeight * scale, scale);
      paste(sheet, cells[i].image, left, top + textHeights[row]);
      left += widths[i % columns] + options.gap;
    }
    top += textHeights[row] + heights[row] + options.gap;
  }
  return sheet;
}

} // namespace burin
