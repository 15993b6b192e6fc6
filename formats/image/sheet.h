// SPDX-License-Identifier: Apache-2.0
// Puts pictures side by side under captions, to look at results.
#pragma once

#include "formats/image/image.h"

namespace burin {

struct SheetCell {
  Image image;
  std::string caption; // ASCII; other characters are shown as '?'
};

struct SheetOptions {
  int columns = 2;
  int gap = 12;      // between cells and around the sheet
  int textScale = 2; // of letters about 8 pixels high; 0 leaves captions out
};

// Rows of cells on white. A column is as wide as its widest picture; captions
// are broken into lines of that width. Pictures keep their size.
Image contactSheet(std::span<const SheetCell> cells,
                   const SheetOptions& options = {});

} // namespace burin
