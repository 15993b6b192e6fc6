// SPDX-License-Identifier: Apache-2.0
// Compiles stb's implementation once; its warnings are not ours to fix.
#include <cstdlib>

// The JPEG decoder may use a Huffman table that the file never defined; from
// zeroed memory that table decodes to nothing, from other memory it is wild.
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC(memory, size) std::realloc(memory, size)
#define STBI_FREE(memory) std::free(memory)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include "formats/image/stb.h"
