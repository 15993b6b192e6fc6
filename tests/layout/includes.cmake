# Fails when a file includes across a wall of the architecture.
# Run as cmake -DROOT=<source tree> -P includes.cmake.
#
cmake_minimum_required(VERSION 3.25)

# A row is folder:mark:pattern, the pattern saying which of our paths the
# folder's files may include. System headers and third-party libraries are
# free, MLIR, LLVM and LLD apart, which only the folders marked "mlir" may see.
# The most specific folder decides.
set(base "runtime/base/")
set(engine "runtime/|formats/|kernels/(catalog|cpu/contracts)\\.h")
set(plans "kernels/cuda/(nvrtc|([a-z_]+/)?plan|attention/gradient)\\.h")
set(host_models
  "models/(adapters|data|text|schedule|pipeline|names|train)/")
set(rows
  "formats::formats/|${base}"
  "runtime/base::${base}"
  "runtime::${engine}"
  "kernels::kernels/|${base}"
  "kernels/cuda::kernels/|formats/file/|${base}"
  "models::${host_models}|${engine}|compiler/abi\\.h"
  "models/graph:mlir:models/graph/|models/schedule/(coefficients|optimizer)\\.h|compiler/|ops/|formats/|${base}"
  "ops:mlir:ops/|compiler/|kernels/(catalog|cpu/contracts)\\.h|${base}"
  "compiler:mlir:compiler/|ops/|models/graph/|formats/|kernels/(catalog|cpu/contracts)\\.h|${plans}|${base}"
  "tools/burin-opt:mlir:tools/burin-opt/|compiler/|ops/|models/graph/|${base}"
  "tools::tools/|bench/(cuda|support)/|${host_models}|${engine}")

# The row of the longest folder that a path lies in.
function(find_row path out)
  set(best "")
  set(best_length 0)
  foreach(row IN LISTS rows)
    string(REGEX MATCH "^[^:]+" folder "${row}")
    string(LENGTH "${folder}" length)
    string(FIND "${path}" "${folder}/" at)
    if(at EQUAL 0 AND length GREATER best_length)
      set(best "${row}")
      set(best_length ${length})
    endif()
  endforeach()
  set(${out} "${best}" PARENT_SCOPE)
endfunction()

set(faults "")
set(seen 0)
foreach(top formats runtime kernels models ops compiler tools)
  file(GLOB_RECURSE paths RELATIVE ${ROOT}
    ${ROOT}/${top}/*.h ${ROOT}/${top}/*.cpp ${ROOT}/${top}/*.cu)
  foreach(path IN LISTS paths)
    find_row("${path}" row)
    if(NOT row MATCHES "^[^:]+:([^:]*):(.*)$")
      message(FATAL_ERROR "no row for ${path}")
    endif()
    set(mark "${CMAKE_MATCH_1}")
    set(allowed "${CMAKE_MATCH_2}")
    file(STRINGS ${ROOT}/${path} includes REGEX "^[ ]*#[ ]*include")
    foreach(line IN LISTS includes)
      math(EXPR seen "${seen} + 1")
      if(NOT line MATCHES "[<\"]([^>\"]+)[>\"]")
        continue()
      endif()
      set(target "${CMAKE_MATCH_1}")
      if(target MATCHES "^(mlir|mlir-c|llvm|llvm-c|lld)/")
        if(NOT mark STREQUAL "mlir")
          string(APPEND faults "  ${path} includes ${target}: no MLIR here\n")
        endif()
      elseif(target MATCHES
          "^(formats|runtime|kernels|models|ops|compiler|tools|tests|bench)/"
          AND NOT target MATCHES "^(${allowed})")
        string(APPEND faults "  ${path} includes ${target}\n")
      endif()
    endforeach()
  endforeach()
endforeach()

# Device texts include each other alone: a header of the CUDA toolkit would be
# needed wherever graphs are compiled, and costs most of a kernel's compile time.
file(GLOB_RECURSE texts RELATIVE ${ROOT} ${ROOT}/kernels/cuda/*.cuh)
foreach(path IN LISTS texts)
  file(STRINGS ${ROOT}/${path} includes REGEX "^[ ]*#[ ]*include")
  foreach(line IN LISTS includes)
    string(REGEX MATCH "\"([a-z0-9_/]+\\.cuh)\"" quoted "${line}")
    if(NOT quoted OR NOT EXISTS ${ROOT}/kernels/cuda/${CMAKE_MATCH_1})
      string(APPEND faults "  ${path}: ${line} is not of kernels/cuda\n")
    endif()
  endforeach()
endforeach()
if(NOT texts OR seen LESS 100)
  message(FATAL_ERROR "only ${seen} includes found below ${ROOT}")
endif()
if(faults)
  message(FATAL_ERROR "includes across a wall:\n${faults}")
endif()
message(STATUS "${seen} includes respect the walls")
