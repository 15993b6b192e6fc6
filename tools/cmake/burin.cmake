# Compiler settings shared by every target, and the one function that
# declares a library. Third-party headers are SYSTEM; warnings in our own
# code are errors.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(BURIN_CCACHE ccache)
if(BURIN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${BURIN_CCACHE})
endif()
find_package(Threads REQUIRED)

add_library(burin_options INTERFACE)
target_include_directories(burin_options INTERFACE
  ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
target_compile_options(burin_options INTERFACE
  -Wall -Wextra -Werror -Wno-unused-parameter
  # GCC 12 reports overlaps inside std::string that cannot happen.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(BURIN_SANITIZE)
  add_compile_options(-fsanitize=address,undefined
    -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang) # what guides the fuzzers
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
endif()

# burin_library(name SOURCES a.cpp ... [PUBLIC deps ...] [PRIVATE deps ...])
# A static library burin_<name> with the alias burin::<name>.
function(burin_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  if(ARG_SOURCES)
    add_library(burin_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(burin_${name}
      PUBLIC ${ARG_PUBLIC} PRIVATE burin_options ${ARG_PRIVATE})
    target_include_directories(burin_${name}
      PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  else()
    add_library(burin_${name} INTERFACE)
    target_link_libraries(burin_${name} INTERFACE ${ARG_PUBLIC})
    target_include_directories(burin_${name}
      INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  endif()
  add_library(burin::${name} ALIAS burin_${name})
endfunction()

# burin_flatbuffer(target schema.fbs): generates <schema>_generated.h beside
# the binary tree's copy of the schema's folder, with the object interface.
function(burin_flatbuffer target schema)
  find_program(BURIN_FLATC flatc REQUIRED)
  get_filename_component(stem ${schema} NAME_WE)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${stem}_generated.h)
  add_custom_command(OUTPUT ${out}
    COMMAND ${BURIN_FLATC} --cpp --gen-object-api --scoped-enums
      --cpp-std c++17 -o ${CMAKE_CURRENT_BINARY_DIR}
      ${CMAKE_CURRENT_SOURCE_DIR}/${schema}
    DEPENDS ${schema} VERBATIM)
  add_custom_target(${target} DEPENDS ${out})
endfunction()

# burin_test(name SOURCES ... DEPS ... LABELS quick|slow|gpu|multi)
# A GoogleTest program registered as one ctest entry; LAUNCHER starts it.
function(burin_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS;ARGS;LAUNCHER"
    ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE burin_options ${ARG_DEPS}
    GTest::gtest GTest::gtest_main)
  add_test(NAME ${name}
    COMMAND ${ARG_LAUNCHER} $<TARGET_FILE:${name}> ${ARG_ARGS}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# burin_mpi_test(name SOURCES ... DEPS ... [PROCESSES n])
# A test that needs MPI, run as n processes or as one; where MPI is not
# installed it is reported as skipped.
function(burin_mpi_test name)
  cmake_parse_arguments(ARG "" "PROCESSES" "SOURCES;DEPS" ${ARGN})
  find_program(BURIN_MPIRUN mpirun)
  if(NOT TARGET burin_mpi_library OR NOT BURIN_MPIRUN)
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E echo
      "skipped: MPI is not installed (Debian: libopenmpi-dev, openmpi-bin)")
    set_tests_properties(${name} PROPERTIES
      LABELS "quick;multi" SKIP_REGULAR_EXPRESSION "skipped:")
    return()
  endif()
  set(launcher "")
  if(ARG_PROCESSES)
    set(launcher ${BURIN_MPIRUN} --oversubscribe -n ${ARG_PROCESSES})
  endif()
  burin_test(${name} SOURCES ${ARG_SOURCES} DEPS ${ARG_DEPS}
    LABELS quick multi LAUNCHER ${launcher} TIMEOUT 120)
  add_dependencies(${name} burin_mpi_library)
  # Open MPI in containers: as root, without ptrace, on few processors; and no
  # grace for processes that another one ends.
  set_tests_properties(${name} PROPERTIES PROCESSORS 2 ENVIRONMENT
    "BURIN_MPI=$<TARGET_FILE:burin_mpi_library>;OMPI_ALLOW_RUN_AS_ROOT=1;\
OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_btl_vader_single_copy_mechanism=none;\
OMPI_MCA_hwloc_base_binding_policy=none;\
OMPI_MCA_odls_base_sigkill_timeout=0")
endfunction()
