#pragma once

namespace tidemark
{
// For bugs only, never for what a peer, a file or a clock decides. On in release builds: prints
// where and ends the process.
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;
} // namespace tidemark

#define TIDEMARK_CHECK(expression)                                                                 \
    (static_cast<bool>(expression) ? static_cast<void>(0)                                          \
                                   : ::tidemark::check_failed(#expression, __FILE__, __LINE__))
