// SPDX-License-Identifier: Apache-2.0
// Compiles stb's implementation once; its warnings are not ours to fix.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include "formats/image/stb.h"
