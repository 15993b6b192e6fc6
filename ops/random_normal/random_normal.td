// SPDX-License-Identifier: Apache-2.0
// Standard normal numbers that depend on seed and position alone.

def RandomNormalOp : Burin_LibraryOp<"random_normal"> {
  let summary = "Standard normal numbers from a counter-based generator.";
  let description = [{
    `seed` holds {seed, offset}; element i is a function of both and i.

    ```mlir
    %noise = burin.random_normal %seed shape [1, 64, 64, 4] : tensor<2xi64>
    ```
  }];
  let arguments = (ins StaticShapeTensorOf<[I64]>:$seed,
                       IntArrayProp<I64Prop>:$shape);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = "$seed `shape` $shape attr-dict `:` type($seed)";
}
