#include "purge/mac.hpp"

#include "core/base/check.hpp"

#include <algorithm>
#include <charconv>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace tidemark::purge
{
namespace
{
constexpr std::string_view kDigits = "0123456789abcdef";

void append_byte(std::string& out, unsigned byte)
{
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
}

std::optional<std::uint8_t> take_byte(std::string_view& text)
{
    if (text.size() < 2) return std::nullopt;
    const std::size_t high = kDigits.find(text[0]);
    const std::size_t low = kDigits.find(text[1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    text.remove_prefix(2);
    return static_cast<std::uint8_t>(high << 4 | low);
}
} // namespace

Mac mac_of(const FenceKey& key, std::string_view text)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> whole{};
    unsigned bytes = 0;
    const unsigned char* made = HMAC(EVP_sha256(), key.key.data(), static_cast<int>(key.key.size()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size(), whole.data(), &bytes);
    TIDEMARK_CHECK(made != nullptr && bytes >= kMacBytes);
    Mac mac{};
    std::copy_n(whole.begin(), kMacBytes, mac.begin());
    return mac;
}

bool same_mac(const Mac& a, const Mac& b) noexcept
{
    return CRYPTO_memcmp(a.data(), b.data(), kMacBytes) == 0;
}

void append_hex(std::string& out, std::uint64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        append_byte(out, static_cast<unsigned>(number >> shift) & 0xff);
}

void append_hex(std::string& out, const Mac& mac)
{
    for (const std::uint8_t byte : mac)
        append_byte(out, byte);
}

std::optional<std::uint64_t> take_hex(std::string_view& text)
{
    std::uint64_t number = 0;
    for (int i = 0; i < 8; ++i) {
        const auto byte = take_byte(text);
        if (!byte) return std::nullopt;
        number = number << 8 | *byte;
    }
    return number;
}

std::optional<Mac> take_mac(std::string_view& text)
{
    Mac mac{};
    for (std::uint8_t& into : mac) {
        const auto byte = take_byte(text);
        if (!byte) return std::nullopt;
        into = *byte;
    }
    return mac;
}

std::optional<std::uint64_t> take_number(std::string_view& text)
{
    if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

bool take(std::string_view& text, std::string_view expected)
{
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}
} // namespace tidemark::purge
