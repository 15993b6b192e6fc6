// SPDX-License-Identifier: Apache-2.0
// Burin's declarations of NCCL against NCCL's own header.
#include <nccl.h>

#include <type_traits>

#include <gtest/gtest.h>

#include "runtime/collective/nccl.h"

namespace burin::nccl {
namespace {

// What a call passes: enumerations as int, pointers to what NCCL or CUDA keeps
// to itself as void*.
template <typename T>
struct Passed {
  using type = T;
};
template <typename T>
requires std::is_enum_v<T>
struct Passed<T> {
  using type = int;
};
template <>
struct Passed<ncclComm_t> {
  using type = void*;
};
template <>
struct Passed<cudaStream_t> {
  using type = void*;
};
template <>
struct Passed<ncclUniqueId> {
  using type = UniqueId;
};
template <typename T>
struct Passed<T*> {
  using type = std::conditional_t<std::is_void_v<T> || std::is_const_v<T>, T*,
                                  typename Passed<T>::type*>;
};

template <typename T>
struct Signature;
template <typename R, typename... A>
struct Signature<R (*)(A...)> {
  using type = typename Passed<R>::type (*)(typename Passed<A>::type...);
};

#define EXPECT_SAME(member, symbol, result, parameters)                        \
  static_assert(std::is_same_v<Signature<decltype(&symbol)>::type,             \
                               Signature<decltype(Library::member)>::type>);
BURIN_NCCL_FUNCTIONS(EXPECT_SAME)
#undef EXPECT_SAME

TEST(Nccl, has_the_headers_numbers) {
  EXPECT_EQ(sizeof(UniqueId), sizeof(ncclUniqueId));
  EXPECT_EQ(int{kSuccess}, int{ncclSuccess});
  EXPECT_EQ(int{kFloat32}, int{ncclFloat32});
  EXPECT_EQ(int{kSum}, int{ncclSum});
}

} // namespace
} // namespace burin::nccl
