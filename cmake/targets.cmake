# What every target of ours is built with, one function for a library and one for a test.

add_library(tidemark_options INTERFACE)
target_compile_features(tidemark_options INTERFACE cxx_std_20)
target_include_directories(tidemark_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(tidemark_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wdouble-promotion -Wformat=2 -Wimplicit-fallthrough
  -fno-omit-frame-pointer)
if(TIDEMARK_WERROR)
  target_compile_options(tidemark_options INTERFACE -Werror)
endif()
if(TIDEMARK_SANITIZE)
  add_compile_options(-fsanitize=${TIDEMARK_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TIDEMARK_SANITIZE})
  if(TIDEMARK_SANITIZE MATCHES undefined)
    # No object of ours is cast by its dynamic type, and the check takes a sixth of the time to compile.
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# tidemark_library(NAME SOURCES a.cpp … LINKS lib …): LINKS is who this folder may include.
function(tidemark_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC tidemark_options ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

# tidemark_test(NAME LINKS lib … [TIMEOUT s] [OPTIMISED] [THREADS]): every *_test.cpp of the calling folder becomes one
# Boost.Test program, with one ctest entry per suite. OPTIMISED: its own code works hard too (laws over many cases).
# THREADS: it has several, so it is worth a run under TSan (target thread_tests builds all such, ctest -L threads runs
# them).
add_custom_target(thread_tests)
function(tidemark_test name)
  cmake_parse_arguments(ARG "OPTIMISED;THREADS" "TIMEOUT" "LINKS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  add_executable(${name} ${CMAKE_SOURCE_DIR}/tests/support/test_main.cpp ${sources})
  target_link_libraries(${name} PRIVATE tidemark_options Boost::unit_test_framework ${ARG_LINKS})
  target_compile_definitions(${name} PRIVATE BOOST_TEST_DYN_LINK)
  # What a test calls is optimised, the test itself need not be: that saves minutes of compiling. ThreadSanitizer makes
  # such code too slow.
  if(TIDEMARK_SANITIZE MATCHES address AND NOT ARG_OPTIMISED)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Debug>:-O0>)
  endif()
  foreach(source ${sources})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    file(STRINGS ${source} lines REGEX "^BOOST_AUTO_TEST_SUITE\\(")
    if(NOT lines)
      message(FATAL_ERROR "${source} has no BOOST_AUTO_TEST_SUITE at the start of a line: it would never run")
    endif()
    foreach(line ${lines})
      string(REGEX REPLACE ".*BOOST_AUTO_TEST_SUITE\\(([A-Za-z0-9_]+).*" "\\1" suite "${line}")
      add_test(NAME ${name}.${suite}
               COMMAND ${name} --run_test=${suite} --catch_system_errors=no --log_level=test_suite
                       --report_level=short)
      set_tests_properties(${name}.${suite} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
      if(ARG_THREADS)
        set_tests_properties(${name}.${suite} PROPERTIES LABELS threads)
      endif()
    endforeach()
  endforeach()
  if(ARG_THREADS)
    add_dependencies(thread_tests ${name})
  endif()
endfunction()
