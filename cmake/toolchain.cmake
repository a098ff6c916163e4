# Language level, warnings, sanitizers, linker and compiler cache: the same for every room.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Dev CACHE STRING "Dev or Release" FORCE)
endif()
set(MEDIC_OPTIMIZE "1" CACHE STRING "The -O level of Dev builds")
# Dev keeps assert(); -g1 gives line numbers in back traces at a third of the link time of -g.
set(CMAKE_CXX_FLAGS_DEV "-O${MEDIC_OPTIMIZE} -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

# Members that designated initializers leave out have defaults, on purpose.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's own std::stable_sort uses what C++17 deprecated, and clang blames the caller.
  add_compile_options(-Wno-deprecated-declarations)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of g++ 12 in optimised std::string, std::optional and std::variant code.
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds
                      -Wno-dangling-pointer -Wno-stringop-overread)
endif()

option(MEDIC_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(MEDIC_SANITIZE "" CACHE STRING "Comma-separated list for -fsanitize=")
if(MEDIC_SANITIZE)
  add_compile_options(-fsanitize=${MEDIC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MEDIC_SANITIZE})
endif()
if(MEDIC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(MEDIC_MOLD mold)
if(MEDIC_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(MEDIC_CCACHE ccache)
if(MEDIC_CCACHE)
  # Clones share one cache: paths below the source are taken relative, and the folder itself does not count. The time
  # stamps of a precompiled header's parts do not, either: its contents do.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${MEDIC_CCACHE})
endif()
