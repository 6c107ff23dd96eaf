# Registers one test executable for one device. SPDX-License-Identifier: MIT
#
#   oclstm_device_test(NAME EXE DEVICE STRATEGY GEMM [LABEL...] [ARGS ARG...] [THROUGH COMMAND...] [FULL])
#
# NAME is the whole name of the test ("forward.chunks.pocl-stepwise-plain"). EXE takes the options of
# tests/support/options.c; ARGS are added to them. THROUGH is a command that
# runs the executable: EXE is its next argument, and EXE's own follow behind "--". DEVICE is one of
#   reference   the double-precision reference
#   pocl        the CPU through PoCL, and no other driver
#   rusticl     Mesa's software GPU, and no other driver; small shapes unless FULL
#   oclgrind    the simulator, which watches every access; any report of its fails the test; small shapes
#   NAME        another implementation, the one of the file that the cache entry OCLSTM_ICD_NAME names; docs/testing.md
# On the first two OpenCL devices the layer balance watches: an OpenCL object that is left at the end fails the test.
# A device that is absent is a failure, not a skip. DEVICE is added to the labels.
set(OCLSTM_ICD_DIR /etc/OpenCL/vendors CACHE PATH "Folder of pocl.icd and rusticl.icd, for the tests")
set(OCLSTM_TEST_TIMEOUT 900 CACHE STRING "Seconds that a device test may take")
set(OCLSTM_OCLGRIND_TEST ${CMAKE_CURRENT_LIST_DIR}/oclgrind_test.sh)

function(oclstm_device_test name exe device strategy gemm)
  cmake_parse_arguments(PARSE_ARGV 5 test "FULL" "" "ARGS;THROUGH")
  set(device_name opencl:0:0)
  set(wrapper)
  set(small)
  set(environment)
  if(device STREQUAL reference)
    set(device_name reference)
  elseif(device STREQUAL pocl)
    set(environment OCL_ICD_VENDORS=${OCLSTM_ICD_DIR}/pocl.icd OPENCL_LAYERS=$<TARGET_FILE:oclstm_layer_balance>)
  elseif(device STREQUAL rusticl)
    set(environment OCL_ICD_VENDORS=${OCLSTM_ICD_DIR}/rusticl.icd RUSTICL_ENABLE=llvmpipe
      OPENCL_LAYERS=$<TARGET_FILE:oclstm_layer_balance>)
    if(NOT test_FULL)
      set(small --small)
    endif()
  elseif(device STREQUAL oclgrind)
    set(wrapper ${OCLSTM_OCLGRIND_TEST})
    set(small --small)
  elseif(OCLSTM_ICD_${device})
    set(environment OCL_ICD_VENDORS=${OCLSTM_ICD_${device}} OPENCL_LAYERS=$<TARGET_FILE:oclstm_layer_balance>)
  else()
    message(FATAL_ERROR "${name}: unknown device ${device}, and no OCLSTM_ICD_${device}")
  endif()
  set(run ${wrapper} $<TARGET_FILE:${exe}>)
  if(test_THROUGH)
    set(run ${test_THROUGH} $<TARGET_FILE:${exe}> --)
  endif()
  add_test(NAME ${name}
    COMMAND ${run} --device ${device_name} --strategy ${strategy} --gemm ${gemm} ${small} ${test_ARGS})
  set_tests_properties(${name} PROPERTIES LABELS "${device};${test_UNPARSED_ARGUMENTS}" ENVIRONMENT "${environment}"
    TIMEOUT ${OCLSTM_TEST_TIMEOUT})
endfunction()

# Registers an executable for every device of OCLSTM_TEST_DEVICES, as NAME.DEVICE.
#
#   oclstm_device_tests(NAME EXE [LABEL...] [ARGS ARG...] [THROUGH COMMAND...]
#                       [FULL] [ON DEVICE...] [EXCEPT DEVICE...])
#
# An entry of the list is DEVICE or DEVICE-STRATEGY or DEVICE-STRATEGY+GEMM: "pocl-stepwise+plain". ON and EXCEPT name devices
# or whole entries. In ARGS, @ENTRY@ is the entry.
set(OCLSTM_TEST_DEVICES reference CACHE STRING
  "What the device tests run on: reference, pocl-stepwise+clblast, pocl-fused-step, oclgrind-fused-step, rusticl, ...")

function(oclstm_device_tests name exe)
  cmake_parse_arguments(PARSE_ARGV 2 tests "FULL" "" "ARGS;THROUGH;ON;EXCEPT")
  foreach(entry IN LISTS OCLSTM_TEST_DEVICES)
    if(NOT entry MATCHES "^([a-z]+)(-([a-z-]+))?(\\+([a-z]+))?$")
      message(FATAL_ERROR "OCLSTM_TEST_DEVICES: ${entry} is not DEVICE-STRATEGY+GEMM")
    endif()
    set(device ${CMAKE_MATCH_1})
    set(strategy auto)
    set(gemm auto)
    if(CMAKE_MATCH_3)
      set(strategy ${CMAKE_MATCH_3})
    endif()
    if(CMAKE_MATCH_5)
      set(gemm ${CMAKE_MATCH_5})
    endif()
    set(full)
    if(tests_FULL)
      set(full FULL)
    endif()
    if((NOT tests_ON OR device IN_LIST tests_ON OR entry IN_LIST tests_ON)
       AND NOT device IN_LIST tests_EXCEPT AND NOT entry IN_LIST tests_EXCEPT)
      string(REPLACE @ENTRY@ ${entry} args "${tests_ARGS}")
      oclstm_device_test(${name}.${entry} ${exe} ${device} ${strategy} ${gemm} ${tests_UNPARSED_ARGUMENTS}
        ARGS ${args} THROUGH ${tests_THROUGH} ${full})
    endif()
  endforeach()
endfunction()
