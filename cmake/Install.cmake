# Install rules: library, headers, program, CMake package, pkg-config file, documents.
# SPDX-License-Identifier: MIT
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/oclstm)

install(TARGETS oclstm EXPORT oclstmTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/oclstm ${PROJECT_BINARY_DIR}/include/oclstm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")

if(TARGET oclstm_cli)
  # The installed program finds the library beside itself, wherever the tree was moved to.
  file(RELATIVE_PATH lib_from_bin /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
  set_target_properties(oclstm_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin}")
  install(TARGETS oclstm_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

install(EXPORT oclstmTargets NAMESPACE oclstm:: DESTINATION ${package_dir})
configure_package_config_file(cmake/oclstmConfig.cmake.in oclstmConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(oclstmConfigVersion.cmake VERSION ${PROJECT_VERSION} COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/oclstmConfig.cmake ${PROJECT_BINARY_DIR}/oclstmConfigVersion.cmake
  DESTINATION ${package_dir})
get_target_property(library_type oclstm TYPE)
if(library_type STREQUAL STATIC_LIBRARY)
  install(FILES cmake/Dependencies.cmake DESTINATION ${package_dir})
endif()

# Folders in the .pc file are relative to it, so that the installed tree can be moved.
file(RELATIVE_PATH OCLSTM_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/oclstm.pc.in oclstm.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/oclstm.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES LICENSE CHANGELOG.md README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
