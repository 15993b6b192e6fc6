// SPDX-License-Identifier: Apache-2.0
// The C interface of libburin-compiler.so, which the command opens on demand:
// no type of C++ or MLIR crosses it.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// Bytes owned by the compiler library until burinRelease.
struct BurinBytes {
  uint8_t* data;
  size_t size;
};

// Compiles `request`, `size` bytes of UTF-8 JSON:
//   {"architecture": "instruct_pix2pix",
//    "target": "x86-64-v4" | "x86-64-v3" |
//              "sm_90a" | "sm_89" | "sm_86" | "sm_80",
//    "precision": "f32" | "bf16" | "f16" (on cards only),
//    "components": {"unet": {"config": {...}, "dtype": "f32"}, ...},
//    "functions": [{"component": "unet", "name": "unet", "batch": 3,
//                   "height": 64, "width": 64, "tokens": 77,
//                   "layout": "nchw" | "nhwc"}, ...]}
// Configurations are the public ones of each component; `dtype` is that of its
// weights; height and width are those of the function's input tensor. What else
// a function may say is in models/graph/request.h. A target "sm_.." needs NVRTC
// on this machine, which is opened then, and no GPU.
// Returns 0 and sets `module`, the bytes of a module file; or returns another
// value and sets `error`, a message in UTF-8. The other one becomes empty. Safe
// to call from several threads.
__attribute__((visibility("default"))) int burinCompile(const char* request,
                                                        size_t size,
                                                        BurinBytes* module,
                                                        BurinBytes* error);

// Frees what burinCompile gave and empties it; empty bytes are fine.
__attribute__((visibility("default"))) void burinRelease(BurinBytes* bytes);

} // extern "C"
