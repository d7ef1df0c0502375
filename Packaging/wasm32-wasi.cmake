# A CMake toolchain file: C and C++ for WASI with clang, linked by Solder.
#
#   cmake -DCMAKE_TOOLCHAIN_FILE=PREFIX/share/solder/wasm32-wasi.cmake …
#
# The program is the one of this installation; SOLDER names another. WASI_SYSROOT names a folder with wasi-libc where
# clang does not find it by itself.
# CMake has no settings of its own for WASI.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
get_filename_component(_solder_prefix "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
set(SOLDER "${_solder_prefix}/bin/solder" CACHE FILEPATH "The linker")
set(WASI_SYSROOT "" CACHE PATH "The folder with wasi-libc")
# Checks of the compiler use the same settings.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SOLDER WASI_SYSROOT)

if(NOT CMAKE_C_COMPILER)
  set(CMAKE_C_COMPILER clang)
endif()
if(NOT CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_COMPILER clang++)
endif()
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
if(WASI_SYSROOT)
  set(CMAKE_SYSROOT "${WASI_SYSROOT}")
endif()
set(CMAKE_EXECUTABLE_SUFFIX_C ".wasm")
set(CMAKE_EXECUTABLE_SUFFIX_CXX ".wasm")
# clang ignores --ld-path for this target.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=${SOLDER}")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-fuse-ld=${SOLDER}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
unset(_solder_prefix)
