# ft_library(), ft_executable(), ft_test(), ft_script_test(): what a target of this project is, said once.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
if(FAST_TELEMETRY_TESTS)
  include(GoogleTest)
endif()

set(ft_cmake_dir ${CMAKE_CURRENT_LIST_DIR})
if(FAST_TELEMETRY_RSEQ)
  set(ft_rseq 1)
else()
  set(ft_rseq 0)
endif()
set(ft_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fast_telemetry)
set(ft_soversion ${PROJECT_VERSION_MAJOR})
if(PROJECT_VERSION_MAJOR EQUAL 0)  # before 1.0 a minor version may break
  set(ft_soversion 0.${PROJECT_VERSION_MINOR})
endif()

# A folder of the layout joins the build when it exists.
function(ft_add_subdirectory folder)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
    add_subdirectory(${folder})
  endif()
endfunction()

# Eight files are compiled at a time: in a third of the time, since what they include and instantiate is much the same.
function(ft_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  # Where a class of a source file has a field of a class in its anonymous namespace, GCC says that only one file should
  # see them. Only one does; in a unity build it is not the one that is compiled.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

function(ft_defaults target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden
                                             VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                                           $<$<BOOL:${FAST_TELEMETRY_WERROR}>:-Werror>)
  if(CMAKE_UNITY_BUILD)
    ft_unity(${target})
  endif()
  ft_sanitize(${target})
endfunction()

# One line per library. Third-party packages are PRIVATE: no header under include/ may reach them.
#
#   ft_library(encoding SOURCES prometheus_text.cc DEPENDS fast_telemetry::core PRIVATE_DEPENDS ZLIB::ZLIB)
function(ft_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(ft_${name} ${arg_SOURCES})
  add_library(fast_telemetry::${name} ALIAS ft_${name})
  ft_defaults(ft_${name})
  target_include_directories(ft_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(ft_${name} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
  if(name STREQUAL "core")
    target_compile_definitions(ft_core PUBLIC FAST_TELEMETRY_RSEQ=${ft_rseq})
  endif()

  if(FAST_TELEMETRY_SANITIZE)
    target_compile_options(ft_${name} PRIVATE -O1)  # the tests that call it are not optimised
  endif()

  # Position-independent also when static: plugins and language bindings link it into shared objects of their own.
  set_target_properties(ft_${name} PROPERTIES
    EXPORT_NAME ${name} OUTPUT_NAME fast_telemetry_${name}
    VERSION ${PROJECT_VERSION} SOVERSION ${ft_soversion}
    POSITION_INDEPENDENT_CODE ON INSTALL_RPATH $ORIGIN)
  get_target_property(type ft_${name} TYPE)
  if(type STREQUAL "SHARED_LIBRARY" AND UNIX AND NOT APPLE)
    # Hidden visibility alone lets instantiations of the standard library's templates out.
    target_link_options(ft_${name} PRIVATE -Wl,--version-script=${ft_cmake_dir}/exports.map)
    set_property(TARGET ft_${name} APPEND PROPERTY LINK_DEPENDS ${ft_cmake_dir}/exports.map)
  endif()

  ft_install_library(${name} "${type}" "${arg_DEPENDS}" "${arg_PRIVATE_DEPENDS}")
endfunction()

# A component is installed with its headers, its own targets file and its own pkg-config file, so that one can be used
# where another's dependencies are missing.
function(ft_install_library name type depends private_depends)
  install(TARGETS ft_${name} EXPORT fast_telemetry-${name}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(EXPORT fast_telemetry-${name} FILE fast_telemetry-${name}-targets.cmake NAMESPACE fast_telemetry::
          DESTINATION ${ft_package_dir})

  set(headers ${PROJECT_SOURCE_DIR}/include/fast_telemetry)
  if(name STREQUAL "core")
    install(DIRECTORY ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h"
            REGEX "fast_telemetry/(spans|encoding|export|runtime|testing)$" EXCLUDE)
  elseif(EXISTS ${headers}/${name})
    install(DIRECTORY ${headers}/${name} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fast_telemetry
            FILES_MATCHING PATTERN "*.h")
  endif()

  string(REPLACE "fast_telemetry::" "" components "${depends}")
  list(TRANSFORM components PREPEND "fast_telemetry_" OUTPUT_VARIABLE requires)
  set(packages "")
  set(pc_libs "")
  if(type STREQUAL "STATIC_LIBRARY")  # a shared library brings its private libraries itself
    foreach(dependency IN LISTS private_depends)
      if(dependency STREQUAL "Threads::Threads")
        string(APPEND pc_libs " -pthread")
      else()
        list(APPEND requires ${ft_pkgconfig_of_${dependency}})
      endif()
      list(APPEND packages ${ft_package_of_${dependency}})
    endforeach()
  endif()
  set_property(GLOBAL APPEND PROPERTY ft_components ${name})
  set_property(GLOBAL APPEND_STRING PROPERTY ft_component_table
    "set(_ft_components_of_${name} ${components})\nset(_ft_packages_of_${name} ${packages})\n")

  set(pc_name ${name})
  list(JOIN requires " " pc_requires)
  set(pc_cflags "")
  if(name STREQUAL "core")
    set(pc_cflags " -DFAST_TELEMETRY_RSEQ=${ft_rseq}")
  endif()
  foreach(dir LIBDIR INCLUDEDIR)  # relative to the folder of the .pc file, so that the tree can be moved
    file(RELATIVE_PATH pc_${dir} ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_FULL_${dir}})
  endforeach()
  configure_file(${ft_cmake_dir}/fast_telemetry.pc.in ${PROJECT_BINARY_DIR}/fast_telemetry_${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/fast_telemetry_${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# find_package(fast_telemetry COMPONENTS ...): called once, after the last ft_library().
function(ft_install_package)
  get_property(ft_components GLOBAL PROPERTY ft_components)
  get_property(ft_component_table GLOBAL PROPERTY ft_component_table)
  configure_package_config_file(${ft_cmake_dir}/fast_telemetry-config.cmake.in
    ${PROJECT_BINARY_DIR}/fast_telemetry-config.cmake INSTALL_DESTINATION ${ft_package_dir})
  # Before 1.0 a minor version may break.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/fast_telemetry-config-version.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/fast_telemetry-config.cmake
                ${PROJECT_BINARY_DIR}/fast_telemetry-config-version.cmake ${ft_cmake_dir}/FindMicroHTTPD.cmake
          DESTINATION ${ft_package_dir})
endfunction()

# A program of ours that is not installed: examples, benchmarks.
function(ft_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  ft_defaults(${name})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS})
endfunction()

# What every test has: a time after which it counts as hung (TIMEOUT, in seconds), and a label to pick it by (LABELS):
# its folder under tests/ unless another is given. SERIAL is for tests that need the machine's cores for themselves.
# Those that may take long start first (COST), so that the others fill the cores beside them.
function(ft_test_properties out serial timeout label)
  if(NOT timeout)
    set(timeout 60)
  endif()
  if(FAST_TELEMETRY_SANITIZE OR CMAKE_CROSSCOMPILING)
    math(EXPR timeout "${timeout} * 4")
  endif()
  if(NOT label)
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    string(REGEX MATCH "[^/]+" label "${folder}")
    if(folder MATCHES "^tests/([^/]+)")
      set(label ${CMAKE_MATCH_1})
    endif()
  endif()
  set(${out} TIMEOUT ${timeout} COST ${timeout} RUN_SERIAL ${serial} LABELS ${label} PARENT_SCOPE)
endfunction()

# A GoogleTest program, and one ctest: most cases take less time than starting a process does. Of a SERIAL program each
# case is a ctest with a process of its own. SHARDS splits a program whose cases mostly wait among so many. Private headers
# are included by their path: "src/encoding/text_number.h".
#
# In a release build, test code takes half the time to compile at -O0 and is not what is shipped. OPTIMISED ones record,
# or trace, which is inlined into them: -O1. SERIAL ones are about races in that: as a user's program, -O2.
function(ft_test name)
  cmake_parse_arguments(arg "SERIAL;OPTIMISED" "SHARDS;TIMEOUT;LABELS" "SOURCES;DEPENDS" ${ARGN})
  ft_executable(${name} SOURCES ${arg_SOURCES} DEPENDS ${arg_DEPENDS} fast_telemetry::testing GTest::gmock
                GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  set(headers ft_test_headers)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    if(arg_SERIAL)
      set(headers ft_test_headers_O2)
    elseif(arg_OPTIMISED)
      set(headers ft_test_headers_O1)
      target_compile_options(${name} PRIVATE -O1)
    else()
      target_compile_options(${name} PRIVATE -O0)
    endif()
  endif()
  target_precompile_headers(${name} REUSE_FROM ${headers})
  # Each file has a namespace of its own. -DCMAKE_UNITY_BUILD=OFF: one by one.
  if(NOT DEFINED CMAKE_UNITY_BUILD)
    ft_unity(${name})
  endif()
  # Out of a precompiled <string>, GCC 12 warns of concatenations that are right (its bug 105651).
  target_compile_options(${name} PRIVATE
    "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-array-bounds;-Wno-stringop-overflow>")
  ft_test_properties(properties ${arg_SERIAL} "${arg_TIMEOUT}" "${arg_LABELS}")
  if(arg_SERIAL)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
  elseif(NOT arg_SHARDS)
    add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES ${properties})
  else()
    foreach(shard RANGE 1 ${arg_SHARDS})
      math(EXPR index "${shard} - 1")
      add_test(NAME ${name}.${shard} COMMAND ${name} --gtest_brief=1)
      set_tests_properties(${name}.${shard} PROPERTIES ${properties}
        ENVIRONMENT "GTEST_TOTAL_SHARDS=${arg_SHARDS};GTEST_SHARD_INDEX=${index}")
    endforeach()
  endif()
endfunction()

# A command that is a test: it passes when it exits with 0, and counts as skipped when it exits with 77.
function(ft_script_test name)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT;LABELS" "COMMAND;ENVIRONMENT" ${ARGN})
  add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  ft_test_properties(properties ${arg_SERIAL} "${arg_TIMEOUT}" "${arg_LABELS}")
  set_tests_properties(${name} PROPERTIES ${properties} SKIP_RETURN_CODE 77 ENVIRONMENT "${arg_ENVIRONMENT}")
endfunction()
