#include "admin/tokens.hpp"

#include "admin/purge_request.hpp"
#include "core/base/text.hpp"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace tidemark::admin
{
namespace
{
constexpr std::string_view kHashPrefix = "sha256:";
constexpr std::string_view kBearer = "bearer ";

using Hash = std::array<unsigned char, 32>;

Hash sha256(std::string_view text)
{
    Hash hash{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
    return hash;
}

int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<Hash> hash_from(std::string_view text)
{
    if (!text.starts_with(kHashPrefix)) return std::nullopt;
    text.remove_prefix(kHashPrefix.size());
    Hash hash{};
    if (text.size() != 2 * hash.size()) return std::nullopt;
    for (std::size_t i = 0; i < hash.size(); ++i) {
        const int high = digit_of(text[2 * i]);
        const int low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        hash[i] = static_cast<unsigned char>(high << 4 | low);
    }
    return hash;
}

Problem forbidden(std::string detail, std::string field = {})
{
    return {403, "Forbidden", std::move(detail), std::move(field)};
}
} // namespace

std::optional<TokenScope> scope_named(std::string_view name)
{
    if (name == "read") return TokenScope::read;
    if (name == "purge") return TokenScope::purge;
    if (name == "purge-all") return TokenScope::purge_all;
    if (name == "push") return TokenScope::push;
    return std::nullopt;
}

std::string hash_of_token(std::string_view token)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text(kHashPrefix);
    for (const unsigned char byte : sha256(token)) {
        text.push_back(kDigits[byte >> 4]);
        text.push_back(kDigits[byte & 15]);
    }
    return text;
}

Grant Grant::everything(std::string actor)
{
    Grant grant;
    grant.actor_ = std::move(actor);
    grant.scopes_ = ~0U;
    return grant;
}

Grant Grant::of(const TokenRule& rule)
{
    Grant grant;
    grant.actor_ = rule.name;
    for (const TokenScope scope : rule.scopes)
        grant.scopes_ |= 1U << static_cast<unsigned>(scope);
    if (std::find(rule.sites.begin(), rule.sites.end(), "*") == rule.sites.end())
        grant.sites_ = rule.sites;
    return grant;
}

bool Grant::has(TokenScope scope) const noexcept
{
    return (scopes_ >> static_cast<unsigned>(scope) & 1U) != 0;
}

bool Grant::covers_site(std::string_view name) const
{
    return !limited() || std::any_of(sites_.begin(), sites_.end(), [&](std::string_view site) {
        if (!site.starts_with("*.")) return iequals(site, name);
        site.remove_prefix(1); // every name below
        return name.size() > site.size() && iequals(name.substr(name.size() - site.size()), site);
    });
}

std::optional<Problem> Grant::refuses(const journal::Draft& draft, const purge::Order& order) const
{
    using purge::Scope;
    if (order.scope == Scope::all && !has(TokenScope::purge_all))
        return forbidden("everything may be purged by tokens with the scope purge-all only",
                         "type");
    if (!limited()) return std::nullopt;
    switch (order.scope) {
    case Scope::all:
    case Scope::pattern:
        return forbidden("this token is limited to sites: it reaches no patterns and not all",
                         "type");
    case Scope::tag:
        if (draft.site != "*") return std::nullopt; // refuses(draft) has seen the site
        return forbidden("this token is limited to sites: groups need \"site\"", "site");
    default:
        if (covers_site(host_of(order.selector))) return std::nullopt;
        return forbidden("this token does not reach \"" + order.selector + "\"", "selectors");
    }
}

std::optional<Problem> Grant::refuses(const journal::Draft& draft) const
{
    if (limited() && draft.site != "*" && !covers_site(draft.site))
        return forbidden("this token does not reach the site \"" + draft.site + "\"", "site");
    if (const auto* push = std::get_if<purge::Push>(&draft.body)) {
        if (!has(TokenScope::push)) return forbidden("this token lacks the scope push");
        if (!covers_site(host_of(push->uri)))
            return forbidden("this token does not reach \"" + push->uri + "\"", "url");
        return std::nullopt;
    }
    if (!has(TokenScope::purge) && !has(TokenScope::purge_all))
        return forbidden("this token lacks the scope purge");
    const auto* purge = std::get_if<purge::Invalidate>(&draft.body);
    if (purge == nullptr) return std::nullopt;
    for (const purge::Order& order : purge->orders)
        if (auto problem = refuses(draft, order)) return problem;
    return std::nullopt;
}

Result<Tokens, std::string> Tokens::make(std::vector<TokenRule> rules)
{
    Tokens tokens;
    for (const TokenRule& rule : rules) {
        const auto hash = hash_from(rule.hash);
        if (!hash)
            return fail("token \"" + rule.name +
                        "\": the hash must be sha256: and 64 hexadecimal digits");
        if (rule.name.empty() || rule.name.size() > purge::kActorBytesMax)
            return fail(std::string("a token needs a name of at most 255 bytes"));
        tokens.hashes_.push_back(*hash);
    }
    tokens.rules_ = std::move(rules);
    return tokens;
}

Result<Grant, Problem> Tokens::admit(std::string_view authorization, bool from_loopback) const
{
    if (rules_.empty()) {
        if (from_loopback) return Grant::everything("local");
        return fail(forbidden("no token is configured: only this machine may ask"));
    }
    const Problem unknown{401, "Unauthorized", "a valid bearer token is needed", "Authorization"};
    if (authorization.size() < kBearer.size() ||
        !iequals(authorization.substr(0, kBearer.size()), kBearer))
        return fail(unknown);
    const Hash hash = sha256(trim(authorization.substr(kBearer.size())));
    const TokenRule* found = nullptr;
    for (std::size_t i = 0; i < rules_.size(); ++i)
        if (CRYPTO_memcmp(hashes_[i].data(), hash.data(), hash.size()) == 0) found = &rules_[i];
    if (found == nullptr) return fail(unknown);
    return Grant::of(*found);
}
} // namespace tidemark::admin
