# find_package(Solder) gives the targets Solder::solder (shared) and Solder::solder_static, and the program as
# Solder_EXECUTABLE.
get_filename_component(_solder_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(Solder_EXECUTABLE "${_solder_prefix}/bin/solder")
find_package(Threads REQUIRED)

if(NOT TARGET Solder::solder)
  add_library(Solder::solder SHARED IMPORTED)
  set_target_properties(Solder::solder PROPERTIES
    IMPORTED_LOCATION "${_solder_prefix}/lib/libsolder${CMAKE_SHARED_LIBRARY_SUFFIX}"
    INTERFACE_INCLUDE_DIRECTORIES "${_solder_prefix}/include")
endif()

if(NOT TARGET Solder::solder_static)
  add_library(Solder::solder_static STATIC IMPORTED)
  set_target_properties(Solder::solder_static PROPERTIES
    IMPORTED_LOCATION "${_solder_prefix}/lib/libsolder.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_solder_prefix}/include")
  if(NOT APPLE)
    set_target_properties(Solder::solder_static PROPERTIES
      INTERFACE_LINK_LIBRARIES "stdc++;Threads::Threads;${CMAKE_DL_LIBS};m")
  endif()
endif()
unset(_solder_prefix)
