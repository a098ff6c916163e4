# Headers of the standard library, fmt and GoogleTest are half of a file's compile time: they are read once. Every file
# still includes what it uses: clang-tidy reads it without these.
set(precompiled_headers <algorithm> <array> <chrono> <expected> <functional> <map> <memory> <optional> <ranges> <set> <span>
                        <string> <string_view> <utility> <variant> <vector> <fmt/format.h>)

# medic_precompiled_for(<target> [TESTS])
function(medic_precompiled_for target)
  cmake_parse_arguments(PCH "TESTS" "" "" ${ARGN})
  set(shared medic_precompiled)
  if(PCH_TESTS)
    set(shared medic_precompiled_tests)
    # As position-independent as the libraries are, or the precompiled header is not valid for it.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_link_libraries(${target} PRIVATE fmt::fmt)  # For its definitions: they must be the same everywhere.
  target_precompile_headers(${target} REUSE_FROM ${shared})
endfunction()

add_compile_options(-pthread)  # Some libraries ask for it, and it must be the same everywhere, too.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")  # Or the compiler cache would never know it again.
endif()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/precompiled.cc CONTENT "// Only for its precompiled headers.\n")
foreach(shared medic_precompiled medic_precompiled_tests)
  add_library(${shared} OBJECT ${CMAKE_BINARY_DIR}/generated/precompiled.cc)
endforeach()
target_link_libraries(medic_precompiled PRIVATE fmt::fmt)
target_link_libraries(medic_precompiled_tests PRIVATE fmt::fmt medic_gtest)
target_precompile_headers(medic_precompiled PRIVATE ${precompiled_headers})
target_precompile_headers(medic_precompiled_tests PRIVATE ${precompiled_headers} <gmock/gmock.h> <gtest/gtest.h>)
