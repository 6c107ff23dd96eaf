# What the library is linked with. Also installed: a package of the static library finds the same things again.
#
# The targets are global, because whoever links a static oclstm names them from another folder than this one.
# SPDX-License-Identifier: MIT
if(NOT TARGET Threads::Threads)
  find_package(Threads REQUIRED)
  set_target_properties(Threads::Threads PROPERTIES IMPORTED_GLOBAL TRUE)
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(OCLSTM_OPENCL REQUIRED IMPORTED_TARGET GLOBAL OpenCL)
pkg_check_modules(OCLSTM_JANSSON REQUIRED IMPORTED_TARGET GLOBAL jansson>=2.14)
pkg_check_modules(OCLSTM_XXHASH REQUIRED IMPORTED_TARGET GLOBAL libxxhash)
pkg_check_modules(OCLSTM_CLBLAST REQUIRED IMPORTED_TARGET GLOBAL clblast>=1.5.3)
set(OCLSTM_DEPENDENCIES Threads::Threads PkgConfig::OCLSTM_OPENCL PkgConfig::OCLSTM_JANSSON PkgConfig::OCLSTM_XXHASH
  PkgConfig::OCLSTM_CLBLAST m)
