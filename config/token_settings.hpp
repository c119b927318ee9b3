#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Who may ask what of the admin API. Only hashes of tokens are kept anywhere.
namespace tidemark::config
{
enum class TokenScope : std::uint8_t { read, purge, purge_all, push };
inline constexpr std::array<std::string_view, 4> kTokenScopeNames = {"read", "purge", "purge-all",
                                                                     "push"};

struct TokenSettings {
    std::string name;                      // the actor, in the journal and in logs
    std::array<std::uint8_t, 32> sha256{}; // of the whole token's text
    std::vector<TokenScope> scopes;        // at least one
    std::vector<std::string> sites = {
        "*"}; // lower case, "*" is all; "*.example.org" every name below
    friend bool operator==(const TokenSettings&, const TokenSettings&) = default;
};
} // namespace tidemark::config
