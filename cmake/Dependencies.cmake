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
# nanopb reads ONNX files. Its library is static and goes into ours; programs need it where oclstm itself is static.
find_path(OCLSTM_NANOPB_INCLUDE pb_decode.h PATH_SUFFIXES nanopb)
find_library(OCLSTM_NANOPB_LIBRARY protobuf-nanopb)
mark_as_advanced(OCLSTM_NANOPB_INCLUDE OCLSTM_NANOPB_LIBRARY)
if(NOT OCLSTM_NANOPB_INCLUDE OR NOT OCLSTM_NANOPB_LIBRARY)
  message(FATAL_ERROR "nanopb's library is missing (Debian and Ubuntu: libnanopb-dev)")
endif()
if(NOT TARGET oclstm_nanopb)
  add_library(oclstm_nanopb UNKNOWN IMPORTED GLOBAL)
  set_target_properties(oclstm_nanopb PROPERTIES IMPORTED_LOCATION ${OCLSTM_NANOPB_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${OCLSTM_NANOPB_INCLUDE})
endif()
set(OCLSTM_DEPENDENCIES Threads::Threads PkgConfig::OCLSTM_OPENCL PkgConfig::OCLSTM_JANSSON PkgConfig::OCLSTM_XXHASH
  PkgConfig::OCLSTM_CLBLAST oclstm_nanopb m)
