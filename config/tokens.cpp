#include "config/tokens.hpp"

#include <algorithm>

namespace tidemark::config
{
namespace
{
void require(TableReader& table, std::string_view key, const char* expected)
{
    if (!table.says_something(key))
        table.errors().add(table.place(), "this [[token]] has no " + std::string(key), expected);
}
} // namespace

void read_token(TableReader& table, std::vector<TokenSettings>& tokens)
{
    TokenSettings token;
    require(table, "name", "name = \"deploy\" or the like");
    require(table, "hash", "the hash that `tidemark token hash` prints");
    require(table, "scopes", "scopes = [\"purge\"] or the like");
    const auto name = [&](const ValueReader& value, std::string_view text, std::string& into) {
        value.token_name(text, tokens, into);
    };
    table.text("name", "a name such as \"deploy\"", name, token.name);
    table.text("hash", "\"sha256:\" and 64 hex digits", &ValueReader::token_hash, token.sha256);
    table.texts("scopes", "scopes such as \"purge\"", &ValueReader::token_scope, token.scopes);
    table.texts("sites", "hosts such as \"example.org\", or \"*\"", &ValueReader::token_site,
                token.sites);
    tokens.push_back(std::move(token));
}
} // namespace tidemark::config
