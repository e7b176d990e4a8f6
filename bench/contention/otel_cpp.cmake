# opentelemetry-cpp as a subject: contention_otel_cpp is what its files link to, if there is one. Of Debian's package, or of
# a build of one's own, whose preview of bound instruments (ABI version 2) is then a subject too.
set(FAST_TELEMETRY_OTEL_ROOT "" CACHE PATH "Benchmarks: where a build of opentelemetry-cpp was installed")
# What was found before another folder was named would be found again.
if(NOT FAST_TELEMETRY_OTEL_ROOT STREQUAL "${ft_otel_looked_in}")
  unset(opentelemetry-cpp_DIR CACHE)
  unset(ft_otel_messages CACHE)
endif()
set(ft_otel_looked_in "${FAST_TELEMETRY_OTEL_ROOT}" CACHE INTERNAL "")
if(FAST_TELEMETRY_OTEL_ROOT)
  find_package(opentelemetry-cpp CONFIG REQUIRED PATHS ${FAST_TELEMETRY_OTEL_ROOT} NO_DEFAULT_PATH)
else()
  find_package(opentelemetry-cpp CONFIG QUIET)
endif()
if(NOT opentelemetry-cpp_FOUND)
  return()
endif()

add_library(contention_otel_cpp INTERFACE)
target_link_libraries(contention_otel_cpp INTERFACE opentelemetry-cpp::metrics opentelemetry-cpp::trace
  opentelemetry-cpp::otlp_recordable)

# The headers of its messages: see otel_protos.cc.
find_path(ft_otel_messages opentelemetry/proto/collector/trace/v1/trace_service.pb.h
  HINTS ${FAST_TELEMETRY_OTEL_ROOT}/include)
mark_as_advanced(ft_otel_messages)
if(NOT ft_otel_messages)
  add_executable(otel_protos otel_protos.cc)
  target_compile_features(otel_protos PRIVATE cxx_std_20)
  target_link_libraries(otel_protos PRIVATE -Wl,--no-as-needed opentelemetry-cpp::proto)

  set(protos common/v1/common resource/v1/resource trace/v1/trace metrics/v1/metrics collector/trace/v1/trace_service
    collector/metrics/v1/metrics_service)
  list(TRANSFORM protos PREPEND opentelemetry/proto/)
  list(TRANSFORM protos APPEND .proto OUTPUT_VARIABLE files)
  list(TRANSFORM protos APPEND .pb.h OUTPUT_VARIABLE headers)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/otel_messages)
  list(TRANSFORM headers PREPEND ${folder}/)
  add_custom_command(OUTPUT ${headers} VERBATIM COMMENT "Generating the headers of opentelemetry-cpp's messages"
    COMMAND otel_protos ${folder} ${files}
    COMMAND protobuf::protoc --proto_path=${folder} --cpp_out=${folder} ${files})
  add_custom_target(contention_otel_messages DEPENDS ${headers})
  add_dependencies(contention_otel_cpp contention_otel_messages)
  target_include_directories(contention_otel_cpp SYSTEM INTERFACE ${folder})
endif()
