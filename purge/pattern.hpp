#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace re2
{
class RE2;
}

// Regular expressions on URIs: RE2, on bytes, searched for anywhere. Its time is linear in the
// URI's length whatever the expression; its size is bounded here.
namespace tidemark::purge
{
inline constexpr std::size_t kPatternBytesMax = 4096;
inline constexpr std::int64_t kPatternMemoryMax = std::int64_t{1} << 20; // compiled, with its cache

using Pattern = std::shared_ptr<const re2::RE2>; // any thread may match it

// Null if it cannot be used; `fault` then says why.
[[nodiscard]] Pattern compile_pattern(std::string_view text, std::string& fault);
[[nodiscard]] bool matches(const re2::RE2& pattern, std::string_view uri);
[[nodiscard]] std::string_view text_of(const re2::RE2& pattern);
} // namespace tidemark::purge
