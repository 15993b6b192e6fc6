# LLVM and MLIR 22.1, as the distribution's shared libraries and nothing else:
# mixing them with the static archives registers every option twice.
find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

add_library(burin_mlir_options INTERFACE)
target_include_directories(burin_mlir_options SYSTEM INTERFACE
  ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_compile_options(burin_mlir_options INTERFACE -fno-exceptions)
# mlir_tablegen reads the include directories of the folder.
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
