# Fails when a program needs a shared library beyond the C library, so that the
# one file runs on another machine.
# Run as cmake -DPROGRAM=<file> -P links.cmake.
cmake_minimum_required(VERSION 3.25)
set(allowed libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0
  ld-linux-x86-64.so.2)
execute_process(COMMAND readelf --dynamic ${PROGRAM}
  OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*\\[[^]]+\\]" entries "${dynamic}")
if(NOT entries)
  message(FATAL_ERROR "${PROGRAM} names no shared library at all; is it the "
    "program?")
endif()
foreach(entry IN LISTS entries)
  string(REGEX REPLACE ".*\\[([^]]+)\\]" "\\1" library "${entry}")
  if(NOT library IN_LIST allowed)
    message(SEND_ERROR "${PROGRAM} needs ${library}; link it statically or "
      "open it on demand")
  endif()
endforeach()
