// SPDX-License-Identifier: Apache-2.0
// Which branches a pair of scales needs, and that the others change nothing.
#include "models/pipeline/guidance.h"

#include <gtest/gtest.h>

namespace burin::pipeline {
namespace {

std::string shape(double textScale, double imageScale) {
  std::string names;
  for (const Branch& branch : guidanceBranches(textScale, imageScale))
    names += branch.text ? 'c' : branch.picture ? 'i' : 'u';
  return names;
}

TEST(Guidance, leaves_out_what_has_no_weight) {
  EXPECT_EQ(shape(7.5, 1.5), "ciu");
  EXPECT_EQ(shape(7.5, 1), "ci"); // the unconditioned branch cancels
  EXPECT_EQ(shape(2, 2), "cu");   // the picture branch cancels
  EXPECT_EQ(shape(1, 1), "c");    // no guidance at all
  EXPECT_EQ(shape(0, 1), "i");    // the text is ignored
  EXPECT_EQ(shape(0, 0), "u");    // both are
  EXPECT_EQ(shape(0, 1.5), "iu");
}

TEST(Guidance, equals_the_formula_of_the_paper) {
  constexpr double kScales[] = {0, 0.5, 1, 1.5, 2, 7.5};
  const float c[] = {0.3f, -2, 5}, i[] = {1.5f, 0.25f, -1},
              u[] = {-0.7f, 4, 0.125f};
  for (double s : kScales)
    for (double p : kScales) {
      std::vector<float> combined(3);
      for (const Branch& branch : guidanceBranches(s, p)) {
        const float* output = branch.text ? c : branch.picture ? i : u;
        for (size_t j = 0; j < 3; ++j)
          combined[j] += branch.weight * output[j];
      }
      for (size_t j = 0; j < 3; ++j)
        EXPECT_NEAR(combined[j], u[j] + s * (c[j] - i[j]) + p * (i[j] - u[j]),
                    1e-5)
            << s << " " << p;
    }
}

TEST(Guidance, of_scale_1_is_the_conditional_branch_bit_for_bit) {
  std::vector<Branch> branches = guidanceBranches(1, 1);
  ASSERT_EQ(branches.size(), 1u);
  EXPECT_EQ(branches[0].weight, 1.0f);
}

TEST(Guidance, gives_branches_that_an_edit_lacks_no_weight) {
  std::vector<Branch> branches = guidanceBranches(7.5, 1);
  std::vector<float> weights;
  for (const Branch& kind : guidanceBranches(7.5, 1.5))
    weights.push_back(weightOf(branches, kind));
  EXPECT_EQ(weights, (std::vector<float>{7.5f, -6.5f, 0}));
}

} // namespace
} // namespace burin::pipeline
