# SPDX-License-Identifier: Apache-2.0
# How lit runs the *.mlir tests; the build passes its folder and LLVM's.
import os

import lit.formats

config.name = "burin"
config.test_format = lit.formats.ShTest()
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(lit_config.params["build"], "tests", "lit")
config.environment["PATH"] = os.pathsep.join([
    os.path.join(lit_config.params["build"], "tools", "burin-opt"),
    lit_config.params["llvm_tools"],
    config.environment["PATH"],
])
