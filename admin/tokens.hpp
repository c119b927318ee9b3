#pragma once
#include "admin/problem.hpp"
#include "core/base/result.hpp"
#include "journal/journal.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

// Who may do what (RFC 6750: `Authorization: Bearer TOKEN`). Pure.
namespace tidemark::admin
{
enum class TokenScope : std::uint8_t { read, purge, purge_all, push };
[[nodiscard]] std::optional<TokenScope> scope_named(std::string_view name); // "purge-all"

// One token as it is configured. It is kept as its hash only.
struct TokenRule {
    std::string name; // the actor in the journal
    std::string hash; // "sha256:" and 64 hex digits
    std::vector<TokenScope> scopes;
    std::vector<std::string> sites; // hosts, "*.example.org" and site names; "*" or none: every one
};
[[nodiscard]] std::string hash_of_token(std::string_view token); // "sha256:…"

// What whoever asks is allowed.
class Grant
{
  public:
    [[nodiscard]] static Grant everything(std::string actor);
    [[nodiscard]] static Grant of(const TokenRule& rule);
    [[nodiscard]] const std::string& actor() const noexcept { return actor_; }
    [[nodiscard]] bool has(TokenScope scope) const noexcept;
    // Nothing: it may. A grant of certain sites reaches URLs and hosts of these names, tags only
    // where the message names one of them as its site, and never patterns or everything.
    [[nodiscard]] std::optional<Problem> refuses(const journal::Draft& draft) const;

  private:
    [[nodiscard]] bool limited() const noexcept { return !sites_.empty(); }
    [[nodiscard]] bool covers_site(std::string_view name) const;
    [[nodiscard]] std::optional<Problem> refuses(const journal::Draft& draft,
                                                 const purge::Order& order) const;
    std::string actor_;
    unsigned scopes_ = 0; // bits
    std::vector<std::string> sites_;
};

class Tokens
{
  public:
    Tokens() = default; // none configured: loopback may do everything, nobody else anything
    // Errors: a sentence naming the token at fault.
    [[nodiscard]] static Result<Tokens, std::string> make(std::vector<TokenRule> rules);

    // `authorization`: the field's value, "" without one. Looks at every token whichever matches.
    [[nodiscard]] Result<Grant, Problem> admit(std::string_view authorization,
                                               bool from_loopback) const;

  private:
    using Hash = std::array<unsigned char, 32>;
    std::vector<TokenRule> rules_;
    std::vector<Hash> hashes_;
};
} // namespace tidemark::admin
