#include "app/admin_tokens.hpp"

namespace tidemark::app
{
namespace
{
admin::TokenRule rule_of(const config::TokenSettings& token)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    admin::TokenRule rule{token.name, "sha256:", {}, token.sites};
    for (const std::uint8_t byte : token.sha256) {
        rule.hash.push_back(kDigits[byte >> 4]);
        rule.hash.push_back(kDigits[byte & 15]);
    }
    for (const config::TokenScope scope : token.scopes)
        rule.scopes.push_back(static_cast<admin::TokenScope>(scope));
    return rule;
}
} // namespace

Result<admin::Tokens, std::string> tokens_of(const std::vector<config::TokenSettings>& settings)
{
    std::vector<admin::TokenRule> rules;
    rules.reserve(settings.size());
    for (const config::TokenSettings& token : settings)
        rules.push_back(rule_of(token));
    return admin::Tokens::make(std::move(rules));
}
} // namespace tidemark::app
