#pragma once
#include <tl/expected.hpp>

namespace tidemark
{
// An operating error is a value: Result<T, E> holds either what was asked for or why there is none.
// E is a small enum class of the module. (tl::expected, the standard's std::expected for C++20.)
template <class T, class E> using Result = tl::expected<T, E>;

template <class E> [[nodiscard]] constexpr auto fail(E error)
{
    return tl::unexpected<E>(error);
}
} // namespace tidemark
