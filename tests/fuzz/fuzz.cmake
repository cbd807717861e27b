# SPDX-License-Identifier: Apache-2.0
#
# A fuzz target is one file fuzz_<name>.c with LLVMFuzzerTestOneInput. It is linked with the modules it names in a
# comment `modules: base config` among its first lines, else with all; one whose modules do not exist is left out.

# rem_fuzz_sources(ret_sources): every fuzz target.
function(rem_fuzz_sources ret_sources)
  file(GLOB _sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
  set(${ret_sources} ${_sources} PARENT_SCOPE)
endfunction()

# rem_fuzz_modules(source ret_modules): the module targets to link, or MISSING.
function(rem_fuzz_modules source ret_modules)
  file(STRINGS ${source} _line REGEX "modules: [a-z ]+" LIMIT_COUNT 1)
  set(_modules ${REM_MODULES})
  if(_line MATCHES "modules: ([a-z ]*[a-z])")
    string(REPLACE " " ";" _names "${CMAKE_MATCH_1}")
    set(_modules "")
    foreach(_n ${_names})
      if(NOT TARGET rem_${_n})
        set(${ret_modules} MISSING PARENT_SCOPE)
        return()
      endif()
      list(APPEND _modules rem_${_n})
    endforeach()
  endif()
  set(${ret_modules} ${_modules} PARENT_SCOPE)
endfunction()

# rem_fuzz_program(target source extra_source): the program, unless a module of its is missing.
function(rem_fuzz_program target source extra_source)
  rem_fuzz_modules(${source} _modules)
  if(_modules STREQUAL "MISSING")
    return()
  endif()
  add_executable(${target} ${source} ${extra_source})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE ${_modules})
endfunction()
