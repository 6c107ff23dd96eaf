# oclstm_test_layers(TEST LAYER...): runs a test under OpenCL layers of tests/layers (balance, fault), the first on top.
# SPDX-License-Identifier: MIT
function(oclstm_test_layers test)
  list(TRANSFORM ARGN REPLACE "(.+)" "$<TARGET_FILE:oclstm_layer_\\1>" OUTPUT_VARIABLE files)
  list(JOIN files ":" path)
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT "OPENCL_LAYERS=${path}")
endfunction()
