# Fails unless every op is whole: its folder's three files, its lit file and
# its case table (of a symbolic op, what it can have), and no folder that the
# lists do not name.
# Run as cmake -DOPS=<list> -DSYMBOLIC=<list> -DROOT=<source tree> -P ops_complete.cmake.
cmake_minimum_required(VERSION 3.25)
set(missing "")
foreach(op IN LISTS OPS)
  foreach(file ops/${op}/${op}.td ops/${op}/${op}.cpp
      ops/${op}/${op}_reference.cpp tests/ops/${op}.mlir
      tests/numerics/cases/${op}.txt)
    if(NOT EXISTS ${ROOT}/${file})
      string(APPEND missing "  ${file} is missing\n")
    endif()
  endforeach()
endforeach()
foreach(op IN LISTS SYMBOLIC)
  foreach(file ops/${op}/${op}.td ops/${op}/${op}.cpp tests/ops/${op}.mlir)
    if(NOT EXISTS ${ROOT}/${file})
      string(APPEND missing "  ${file} is missing\n")
    endif()
  endforeach()
endforeach()
foreach(pattern "ops/*/*.td" "tests/ops/*.mlir" "tests/numerics/cases/*.txt")
  file(GLOB paths RELATIVE ${ROOT} ${ROOT}/${pattern})
  foreach(path IN LISTS paths)
    get_filename_component(op ${path} NAME_WE)
    if(NOT op IN_LIST OPS AND NOT op IN_LIST SYMBOLIC)
      string(APPEND missing "  ${path} is of no op in ops/CMakeLists.txt\n")
    endif()
  endforeach()
endforeach()
if(missing)
  message(FATAL_ERROR "ops are not complete:\n${missing}")
endif()
