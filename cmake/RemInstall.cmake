# SPDX-License-Identifier: Apache-2.0
#
# What `make install` puts where: the program under both of its names, the library, its header, a pkg-config file,
# a CMake package (find_package(rem), target rem::rem), the manual page and shell completions.
# The target `ship` builds all of it and nothing else.
add_custom_target(ship)

if(TARGET rem_shared)
  add_dependencies(ship rem_shared rem_static)
  set_target_properties(rem_shared PROPERTIES EXPORT_NAME rem)
  target_include_directories(rem_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_property(TARGET rem_shared PROPERTY INTERFACE_INCLUDE_DIRECTORIES
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  install(TARGETS rem_shared EXPORT remTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES $<TARGET_FILE:rem_static> DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/include/rem.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

  set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/rem)
  install(EXPORT remTargets NAMESPACE rem:: DESTINATION ${_package})
  include(CMakePackageConfigHelpers)
  file(WRITE ${CMAKE_BINARY_DIR}/remConfig.cmake "include(\${CMAKE_CURRENT_LIST_DIR}/remTargets.cmake)\n")
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/remConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_BINARY_DIR}/remConfig.cmake ${CMAKE_BINARY_DIR}/remConfigVersion.cmake DESTINATION ${_package})

  # The prefix is found from where the file is, so that `cmake --install --prefix` works.
  file(WRITE ${CMAKE_BINARY_DIR}/rem.pc
"prefix=\${pcfiledir}/../..
libdir=\${prefix}/${CMAKE_INSTALL_LIBDIR}
includedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}

Name: rem
Description: embedded database for AI memory
Version: ${PROJECT_VERSION}
Libs: -L\${libdir} -lrem
Libs.private: -lrocksdb -ljansson -lyaml -lutf8proc -lmd4c -lpcre2-8 -lpthread -lm -ldl
Cflags: -I\${includedir}
")
  # ${libdir}/pkgconfig may be two or three levels below the prefix (lib, lib/x86_64-linux-gnu).
  string(REGEX REPLACE "[^/]+" ".." _up ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  file(READ ${CMAKE_BINARY_DIR}/rem.pc _pc)
  string(REPLACE "/../.." "/${_up}" _pc "${_pc}")
  file(WRITE ${CMAKE_BINARY_DIR}/rem.pc "${_pc}")
  install(FILES ${CMAKE_BINARY_DIR}/rem.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

if(TARGET db)
  add_dependencies(ship db)
  install(TARGETS db RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(CODE "
    set(_root \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\")
    file(CREATE_LINK db \"\${_root}/${CMAKE_INSTALL_BINDIR}/rem\" SYMBOLIC)
    foreach(_c bash:share/bash-completion/completions/db zsh:share/zsh/vendor-completions/_db
               fish:share/fish/vendor_completions.d/db.fish)
      string(REGEX REPLACE \"(.*):(.*)\" \"\\\\1;\\\\2\" _pair \${_c})
      list(GET _pair 0 _shell)
      list(GET _pair 1 _file)
      get_filename_component(_folder \"\${_root}/\${_file}\" DIRECTORY)
      file(MAKE_DIRECTORY \"\${_folder}\")
      execute_process(COMMAND \"$<TARGET_FILE:db>\" completion \${_shell} OUTPUT_FILE \"\${_root}/\${_file}\"
                      COMMAND_ERROR_IS_FATAL ANY)
    endforeach()")
  install(FILES ${PROJECT_SOURCE_DIR}/docs/db.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${PROJECT_SOURCE_DIR}/docs/db.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 RENAME rem.1)
endif()
