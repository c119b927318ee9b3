#include "app/token_command.hpp"

#include "core/base/check.hpp"

#include <cstdio>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <span>

namespace tidemark::app
{
namespace
{
std::string hex_of(std::span<const std::uint8_t> bytes)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const std::uint8_t byte : bytes) {
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}
} // namespace

std::string token_of(const TokenSecret& secret)
{
    return "tm_" + hex_of(secret);
}

std::string token_hash(std::string_view token)
{
    std::array<std::uint8_t, 32> digest{};
    TIDEMARK_CHECK(
        EVP_Digest(token.data(), token.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
    return "sha256:" + hex_of(digest);
}

int run_token_hash()
{
    TokenSecret secret{};
    if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1) {
        std::fputs("tidemark token: the system has no random bytes\n", stderr);
        return 1;
    }
    const std::string token = token_of(secret);
    std::printf("token = %s\nhash = \"%s\"\n", token.c_str(), token_hash(token).c_str());
    return 0;
}
} // namespace tidemark::app
