// SPDX-License-Identifier: Apache-2.0
//
// The Asio types the proxy uses: coroutines and sockets bound to one io_context each, without a type-erased executor.
#pragma once

#include <asio.hpp>

namespace proxy {

using Executor = asio::io_context::executor_type;
using Endpoint = asio::ip::tcp::endpoint;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// A coroutine of the proxy.
template <class Result = void>
using Task = asio::awaitable<Result, Executor>;

inline constexpr asio::use_awaitable_t<Executor> use_task{};

/// For `co_await socket.async_…(…, or_error(ec))`: an error is a value, not an exception.
inline auto or_error(std::error_code& error) { return asio::redirect_error(use_task, error); }

}  // namespace proxy
