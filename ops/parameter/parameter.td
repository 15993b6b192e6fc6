// SPDX-License-Identifier: Apache-2.0
// A tensor of the checkpoint, by name: it is bound when a module is loaded.

def ParameterOp : Burin_LeafOp<"parameter"> {
  let summary = "A tensor of the checkpoint.";
  let description = [{
    `name` is the tensor's path in the checkpoint; type and layout are those
    stored there.

    ```mlir
    %w = burin.parameter "unet.conv_in.weight" : tensor<320x8x3x3xf32>
    ```
  }];
  let arguments = (ins StringProp:$name);
  let results = (outs Burin_Tensor:$output);
  let assemblyFormat = "$name attr-dict `:` type($output)";
  let hasVerifier = 1;
  let extraClassDeclaration = "::burin::Cost cost();";
}
