// SPDX-License-Identifier: Apache-2.0
// What a compiler would generate for the conformance suite, built into a
// shared object with no dependencies.
#include <stdint.h>

typedef struct {
  void* data;
  int64_t pitch;
} View;

// out[i] = in[i] + 1 over rows of 8 floats, one work item a row.
void addOne(const View* slices, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* in = (const float*)slices[0].data + row * slices[0].pitch;
    float* out = (float*)slices[1].data + row * slices[1].pitch;
    for (int i = 0; i < 8; ++i)
      out[i] = in[i] + 1.0f;
  }
}

// count[i] += 1 for each work item i.
void countItems(const View* slices, int64_t begin, int64_t end) {
  int32_t* count = (int32_t*)slices[0].data;
  for (int64_t item = begin; item < end; ++item)
    count[item] += 1;
}

// An epilogue: adds a bias and stores to rows of its own pitch.
void addBias(const View* slices, const float* tile, int64_t ld, int64_t row,
             int64_t rows, int64_t column, int64_t columns) {
  const float* bias = (const float*)slices[0].data;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      ((float*)slices[1].data)[(row + i) * slices[1].pitch + column + j] =
          tile[i * ld + j] + bias[column + j];
}
