# SPDX-License-Identifier: BSD-2-Clause
# What gets installed: headers, libraries, tool, manual page, CMake package and pkg-config files.

include(CMakePackageConfigHelpers)

set(hp_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/hotpatch)
set(hp_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# hp_install_libraries(EXPORT TARGET...): the hosted library has an export set of its own, because it
# needs libelf and the freestanding ones must be found without it.
function(hp_install_libraries export)
  install(TARGETS ${ARGN} EXPORT ${export} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT ${export} NAMESPACE hotpatch:: DESTINATION ${hp_package_dir})
endfunction()

# hp_install_pkgconfig(NAME): the file finds its prefix from where it lies, so the tree can move.
function(hp_install_pkgconfig name)
  configure_file(cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${hp_pkgconfig_dir})
endfunction()

cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
  BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
  OUTPUT_VARIABLE hp_pkgconfig_to_prefix)

install(DIRECTORY include/hotpatch DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING
  PATTERN "*.h"
  PATTERN "host*.h" EXCLUDE)
set(hp_freestanding_libraries hotpatch hotpatch-defaults)
if(HP_WITH_CONTROL)
  list(APPEND hp_freestanding_libraries hotpatch-control)
endif()
hp_install_libraries(hotpatchTargets ${hp_freestanding_libraries})
hp_install_pkgconfig(hotpatch)

if(NOT HP_FREESTANDING_ONLY)
  install(FILES include/hotpatch/host.h include/hotpatch/host_sign.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/hotpatch)
  hp_install_libraries(hotpatchHostTargets hotpatch-host)
  hp_install_pkgconfig(hotpatch-host)
  if(HP_BUILD_TOOLS)
    install(TARGETS hotpatch-tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    if(HP_BUILD_DOCS)
      install(FILES docs/hotpatch.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    endif()
  endif()
endif()

configure_package_config_file(cmake/hotpatchConfig.cmake.in hotpatchConfig.cmake
  INSTALL_DESTINATION ${hp_package_dir})
write_basic_package_version_file(hotpatchConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/hotpatchConfig.cmake
  ${PROJECT_BINARY_DIR}/hotpatchConfigVersion.cmake
  DESTINATION ${hp_package_dir})
