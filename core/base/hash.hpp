#pragma once
#include <cstdint>
#include <string_view>

namespace tidemark
{
// XXH3 with a seed drawn once per process, so that a stranger cannot aim for one bucket. Never
// leaves the process.
[[nodiscard]] std::uint64_t hash_bytes(std::string_view bytes) noexcept;
// The same with a second word mixed in (a scope, a site, a parent's hash).
[[nodiscard]] std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t salt) noexcept;
} // namespace tidemark
