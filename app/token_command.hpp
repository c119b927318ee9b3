#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::app
{
using TokenSecret = std::array<std::uint8_t, 32>;

// The bearer token of a secret: "tm_" and 64 hex digits.
[[nodiscard]] std::string token_of(const TokenSecret& secret);
// As [[token]] hash has it: "sha256:" and 64 hex digits.
[[nodiscard]] std::string token_hash(std::string_view token);

// `tidemark token hash`: prints a fresh token and its hash; the exit code.
[[nodiscard]] int run_token_hash();
} // namespace tidemark::app
