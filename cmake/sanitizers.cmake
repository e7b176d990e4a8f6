# The flags behind the sanitizer presets. They apply to every target of this project and, through the libraries, to
# whatever links them: half a sanitized program reports nonsense.

if(FAST_TELEMETRY_SANITIZE)
  set(ft_sanitize_flags -fsanitize=${FAST_TELEMETRY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(FAST_TELEMETRY_SANITIZE MATCHES "undefined")
    # This check asks a pipe whether memory is readable, and calls every object wrong when descriptors have run out.
    list(APPEND ft_sanitize_flags -fno-sanitize=vptr)
  endif()

  # A sanitizer cannot see a write made by a restartable sequence; the fallback is what it can check.
  if(FAST_TELEMETRY_RSEQ)
    message(STATUS "fast_telemetry: FAST_TELEMETRY_SANITIZE is set, so FAST_TELEMETRY_RSEQ is taken as OFF")
    set(FAST_TELEMETRY_RSEQ OFF)
  endif()
endif()

function(ft_sanitize target)
  if(FAST_TELEMETRY_SANITIZE)
    target_compile_options(${target} PUBLIC ${ft_sanitize_flags})
    target_link_options(${target} PUBLIC ${ft_sanitize_flags})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # GCC says itself that the sanitizers' instrumentation makes this warning report what is not there.
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
  endif()
endfunction()
