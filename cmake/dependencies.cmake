# Every package this project looks for, each with the one target it is private to. `core` and `spans` need none.

list(PREPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})

# A missing package stops the build with the name of what to install and of the option to do without.
macro(ft_require found package debian option)
  if(NOT ${found})
    message(FATAL_ERROR "fast_telemetry: ${package} was not found. Install it (on Debian: apt-get install ${debian}) "
                        "or configure with -D${option}=OFF.")
  endif()
endmacro()

# What a static library's consumer needs to find again: the package that defines the target, its name in pkg-config.
set(ft_package_of_Threads::Threads Threads)
set(ft_package_of_MicroHTTPD::MicroHTTPD MicroHTTPD)
set(ft_package_of_ZLIB::ZLIB ZLIB)
set(ft_package_of_CURL::libcurl CURL)
set(ft_pkgconfig_of_MicroHTTPD::MicroHTTPD libmicrohttpd)
set(ft_pkgconfig_of_ZLIB::ZLIB zlib)
set(ft_pkgconfig_of_CURL::libcurl libcurl)

# encoding: OTLP's wire format. Header-only, in sources only: who uses the library needs it neither to compile nor to
# link. SYSTEM, because its headers are not held to our warnings.
if(FAST_TELEMETRY_OTLP)
  find_path(FAST_TELEMETRY_PROTOZERO_INCLUDE_DIR protozero/basic_pbf_writer.hpp)
  mark_as_advanced(FAST_TELEMETRY_PROTOZERO_INCLUDE_DIR)
  ft_require(FAST_TELEMETRY_PROTOZERO_INCLUDE_DIR protozero libprotozero-dev FAST_TELEMETRY_OTLP)
endif()

# export: the /metrics server, its compression and its thread.
if(FAST_TELEMETRY_EXPORT)
  find_package(MicroHTTPD QUIET)
  ft_require(MicroHTTPD_FOUND libmicrohttpd libmicrohttpd-dev FAST_TELEMETRY_EXPORT)
  find_package(ZLIB QUIET)
  ft_require(ZLIB_FOUND zlib zlib1g-dev FAST_TELEMETRY_EXPORT)
endif()
find_package(Threads REQUIRED)

# export: the client that sends OTLP.
if(FAST_TELEMETRY_EXPORT AND FAST_TELEMETRY_OTLP)
  find_package(CURL 7.85 QUIET)
  ft_require(CURL_FOUND libcurl libcurl4-openssl-dev FAST_TELEMETRY_OTLP)
endif()

# tests
if(FAST_TELEMETRY_TESTS)
  if(CMAKE_CROSSCOMPILING)  # no package has it for another architecture: from the sources
    function(ft_add_googletest)
      set(INSTALL_GTEST OFF)
      set(CMAKE_CXX_FLAGS_RELEASE -O0)
      add_subdirectory(/usr/src/googletest ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
    endfunction()
    ft_add_googletest()
  else()
    find_package(GTest QUIET)
    ft_require(GTest_FOUND GoogleTest "libgtest-dev libgmock-dev" FAST_TELEMETRY_TESTS)
  endif()
  find_package(Python3 3.9 QUIET COMPONENTS Interpreter)
  ft_require(Python3_FOUND "Python 3" python3 FAST_TELEMETRY_TESTS)
endif()

# bench
if(FAST_TELEMETRY_BENCH)
  find_package(benchmark QUIET)
  ft_require(benchmark_FOUND "Google Benchmark" libbenchmark-dev FAST_TELEMETRY_BENCH)
endif()

# examples: the proxy. Header-only; SYSTEM, because its headers are not held to our warnings.
if(FAST_TELEMETRY_EXAMPLES)
  find_path(FAST_TELEMETRY_ASIO_INCLUDE_DIR asio.hpp)
  mark_as_advanced(FAST_TELEMETRY_ASIO_INCLUDE_DIR)
  ft_require(FAST_TELEMETRY_ASIO_INCLUDE_DIR Asio libasio-dev FAST_TELEMETRY_EXAMPLES)
  add_library(ft_asio INTERFACE)
  target_include_directories(ft_asio SYSTEM INTERFACE ${FAST_TELEMETRY_ASIO_INCLUDE_DIR})
  target_compile_definitions(ft_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)
  target_link_libraries(ft_asio INTERFACE Threads::Threads)
endif()

# examples: log lines with the ids of the current span.
if(FAST_TELEMETRY_EXAMPLES)
  find_package(spdlog QUIET)
  ft_require(spdlog_FOUND spdlog libspdlog-dev FAST_TELEMETRY_EXAMPLES)
endif()

# examples: the trace-context service; its server is export's libmicrohttpd.
if(FAST_TELEMETRY_EXAMPLES AND FAST_TELEMETRY_EXPORT)
  find_package(CURL 7.85 QUIET)
  ft_require(CURL_FOUND libcurl libcurl4-openssl-dev FAST_TELEMETRY_EXAMPLES)
  find_package(nlohmann_json QUIET)
  ft_require(nlohmann_json_FOUND "nlohmann's JSON" nlohmann-json3-dev FAST_TELEMETRY_EXAMPLES)
endif()
