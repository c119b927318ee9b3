#include "core/http/structured.hpp"

#include "core/http/grammar.hpp"

#include <algorithm>

namespace tidemark::http
{
namespace
{
constexpr std::size_t kMembersMax = 1024;
constexpr std::size_t kParametersMax = 64;

bool is_lower(char c) noexcept
{
    return c >= 'a' && c <= 'z';
}
bool is_key_byte(char c) noexcept
{
    return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}
bool is_token_byte(char c) noexcept
{
    return is_tchar(c) || c == ':' || c == '/';
}
// The six bits of a base64 digit, or -1.
int base64_value(char c) noexcept
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (is_digit(c)) return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

// The algorithms of RFC 8941 §4.2, one function each; nothing means that parsing fails.
class Parser
{
  public:
    explicit Parser(std::string_view text) : rest_(text) {}

    [[nodiscard]] std::optional<std::vector<SfMember>> dictionary(); // §4.2.2
    [[nodiscard]] std::optional<std::vector<SfMember>> list();       // §4.2.1

  private:
    [[nodiscard]] std::optional<SfMember> item_or_inner_list();
    [[nodiscard]] bool inner_list(SfMember& member);               // §4.2.1.2
    [[nodiscard]] std::optional<SfItem> item();                    // §4.2.3
    [[nodiscard]] std::optional<SfBare> bare_item();               // §4.2.3.1
    [[nodiscard]] bool parameters(std::vector<SfParameter>& into); // §4.2.3.2
    [[nodiscard]] std::optional<std::string> key();                // §4.2.3.3
    [[nodiscard]] std::optional<SfBare> number();                  // §4.2.4
    [[nodiscard]] std::optional<SfBare> string();                  // §4.2.5
    [[nodiscard]] SfBare token();                                  // §4.2.6
    [[nodiscard]] std::optional<SfBare> byte_sequence();           // §4.2.7
    [[nodiscard]] std::optional<SfBare> boolean();                 // §4.2.8

    [[nodiscard]] bool next_is(char c) const noexcept
    {
        return !rest_.empty() && rest_.front() == c;
    }
    [[nodiscard]] bool take(char c) noexcept
    {
        if (!next_is(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    template <class Class> [[nodiscard]] std::string_view take_while(Class&& is_member) noexcept
    {
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_member);
        const std::string_view taken =
            rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
        rest_.remove_prefix(taken.size());
        return taken;
    }
    void skip_spaces() noexcept
    {
        static_cast<void>(take_while([](char c) { return c == ' '; }));
    }
    void skip_ows() noexcept
    {
        static_cast<void>(take_while([](char c) { return c == ' ' || c == '\t'; }));
    }
    // Between members: true if another one follows, and then stands at its front.
    [[nodiscard]] bool at_next_member(bool& good) noexcept
    {
        skip_ows();
        if (rest_.empty()) return false;
        good = take(',');
        skip_ows();
        good = good && !rest_.empty();
        return good;
    }
    // Before the first member: false if there is none.
    [[nodiscard]] bool open() noexcept
    {
        skip_spaces();
        return !rest_.empty();
    }

    std::string_view rest_;
};

std::optional<std::vector<SfMember>> Parser::dictionary()
{
    std::vector<SfMember> members;
    bool good = true;
    for (bool more = open(); more; more = at_next_member(good)) {
        auto name = key();
        if (!name) return std::nullopt;
        std::optional<SfMember> member = SfMember{};
        if (take('=')) {
            member = item_or_inner_list();
            if (!member) return std::nullopt;
        } else {
            member->item.value = true;
            if (!parameters(member->item.parameters)) return std::nullopt;
        }
        member->key = std::move(*name);
        const auto same =
            std::find_if(members.begin(), members.end(),
                         [&](const SfMember& earlier) { return earlier.key == member->key; });
        if (same != members.end())
            *same = std::move(*member);
        else if (members.size() == kMembersMax)
            return std::nullopt;
        else
            members.push_back(std::move(*member));
    }
    if (!good) return std::nullopt;
    return members;
}

std::optional<std::vector<SfMember>> Parser::list()
{
    std::vector<SfMember> members;
    bool good = true;
    for (bool more = open(); more; more = at_next_member(good)) {
        auto member = item_or_inner_list();
        if (!member || members.size() == kMembersMax) return std::nullopt;
        members.push_back(std::move(*member));
    }
    if (!good) return std::nullopt;
    return members;
}

std::optional<SfMember> Parser::item_or_inner_list()
{
    SfMember member;
    if (next_is('(')) {
        if (!inner_list(member)) return std::nullopt;
        return member;
    }
    auto single = item();
    if (!single) return std::nullopt;
    member.item = std::move(*single);
    return member;
}

bool Parser::inner_list(SfMember& member)
{
    member.is_inner_list = true;
    if (!take('(')) return false;
    for (;;) {
        skip_spaces();
        if (take(')')) return parameters(member.item.parameters);
        auto inner = item();
        if (!inner || member.inner.size() == kMembersMax) return false;
        if (!next_is(' ') && !next_is(')')) return false;
        member.inner.push_back(std::move(*inner));
    }
}

std::optional<SfItem> Parser::item()
{
    auto value = bare_item();
    if (!value) return std::nullopt;
    SfItem parsed{std::move(*value), {}};
    if (!parameters(parsed.parameters)) return std::nullopt;
    return parsed;
}

std::optional<SfBare> Parser::bare_item()
{
    if (rest_.empty()) return std::nullopt;
    const char first = rest_.front();
    if (first == '-' || is_digit(first)) return number();
    if (first == '"') return string();
    if (first == ':') return byte_sequence();
    if (first == '?') return boolean();
    if (first == '*' || is_alpha(first)) return token();
    return std::nullopt;
}

bool Parser::parameters(std::vector<SfParameter>& into)
{
    while (take(';')) {
        skip_spaces();
        auto name = key();
        if (!name) return false;
        SfBare value = true;
        if (take('=')) {
            auto given = bare_item();
            if (!given) return false;
            value = std::move(*given);
        }
        const auto same = std::find_if(into.begin(), into.end(), [&](const SfParameter& earlier) {
            return earlier.key == *name;
        });
        if (same != into.end())
            same->value = std::move(value);
        else if (into.size() == kParametersMax)
            return false;
        else
            into.push_back({std::move(*name), std::move(value)});
    }
    return true;
}

std::optional<std::string> Parser::key()
{
    if (rest_.empty() || (!is_lower(rest_.front()) && rest_.front() != '*')) return std::nullopt;
    return std::string(take_while(is_key_byte));
}

// At most 15 digits, or 12 and a fraction of 1 to 3.
std::optional<SfBare> Parser::number()
{
    const bool negative = take('-');
    const std::string_view whole = take_while(is_digit);
    if (whole.empty() || whole.size() > 15) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : whole)
        value = value * 10 + (c - '0');
    if (!take('.')) return SfBare{negative ? -value : value};

    const std::string_view fraction = take_while(is_digit);
    if (whole.size() > 12 || fraction.empty() || fraction.size() > 3) return std::nullopt;
    std::int64_t thousandths = value * 1000;
    for (std::int64_t i = 0, place = 100; i < static_cast<std::int64_t>(fraction.size());
         ++i, place /= 10)
        thousandths += (fraction[static_cast<std::size_t>(i)] - '0') * place;
    const double decimal = static_cast<double>(thousandths) / 1000.0;
    return SfBare{negative ? -decimal : decimal};
}

std::optional<SfBare> Parser::string()
{
    std::string text;
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c == '"') return SfBare{std::move(text)};
        if (c == '\\') {
            if (!next_is('"') && !next_is('\\')) return std::nullopt;
            text += rest_.front();
            rest_.remove_prefix(1);
        } else if (c < 0x20 || c > 0x7e)
            return std::nullopt;
        else
            text += c;
    }
    return std::nullopt;
}

SfBare Parser::token()
{
    return SfToken{std::string(take_while(is_token_byte))};
}

// Padding may lack and its bits may be set, as §4.2.7 has it; it must not be wrong.
std::optional<SfBare> Parser::byte_sequence()
{
    rest_.remove_prefix(1);
    const std::string_view digits = take_while([](char c) { return base64_value(c) >= 0; });
    const std::string_view padding = take_while([](char c) { return c == '='; });
    if (!take(':') || digits.size() % 4 == 1 ||
        (!padding.empty() && (digits.size() + padding.size()) % 4 != 0) || padding.size() > 2)
        return std::nullopt;
    std::string bytes;
    std::uint32_t bits = 0;
    int held = 0;
    for (const char c : digits) {
        bits = (bits << 6 | static_cast<std::uint32_t>(base64_value(c))) & 0xffff;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        bytes += static_cast<char>(bits >> held & 0xff);
    }
    return SfBare{SfBytes{std::move(bytes)}};
}

std::optional<SfBare> Parser::boolean()
{
    rest_.remove_prefix(1);
    if (take('1')) return SfBare{true};
    if (take('0')) return SfBare{false};
    return std::nullopt;
}
} // namespace

std::optional<std::vector<SfMember>> parse_sf_dictionary(std::string_view text)
{
    return Parser(text).dictionary();
}

std::optional<std::vector<SfMember>> parse_sf_list(std::string_view text)
{
    return Parser(text).list();
}

bool append_sf_string(std::string& out, std::string_view text)
{
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; }))
        return false;
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
    return true;
}

bool is_sf_token(std::string_view text) noexcept
{
    return !text.empty() && (text.front() == '*' || is_alpha(text.front())) &&
           std::all_of(text.begin(), text.end(), is_token_byte);
}
} // namespace tidemark::http
