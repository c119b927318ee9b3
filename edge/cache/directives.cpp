#include "edge/cache/directives.hpp"

#include "core/base/text.hpp"
#include "core/http/parser.hpp"
#include "core/http/structured.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tidemark::cache
{
namespace
{
using http::FieldId;

constexpr std::int64_t kDeltaSecondsMax = std::int64_t{1} << 31;

// One directive as written. `malformed`: it has an argument that is neither a token nor a quoted
// string.
struct Directive {
    std::string_view name;
    std::optional<std::string_view> argument; // without quotes
    bool malformed = false;
    bool in_doubt = false; // found behind a quote that never closes
};

// The text between the quotes of a quoted-string that is all of `text`.
std::optional<std::string_view> quoted_text(std::string_view text) noexcept
{
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '\\')
            ++i;
        else if (text[i] == '"')
            return i + 1 == text.size() ? std::optional{text.substr(1, i - 1)} : std::nullopt;
    }
    return std::nullopt;
}

Directive split_directive(std::string_view member) noexcept
{
    Directive directive;
    const std::size_t equals = member.find('=');
    directive.name = trim(member.substr(0, equals));
    if (equals == std::string_view::npos) return directive;

    const std::string_view argument = member.substr(equals + 1);
    const bool quoted = !argument.empty() && argument.front() == '"';
    directive.argument = quoted ? quoted_text(argument) : std::optional{argument};
    // White space around "=" is out of grammar (RFC 9111 §5.2): such an argument is not trusted.
    directive.malformed =
        !directive.argument || directive.name.size() != equals || argument != trim(argument);
    return directive;
}

bool ends_inside_quotes(std::string_view text) noexcept
{
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '\\')
            ++i;
        else if (text[i] == '"')
            quoted = !quoted;
    }
    return quoted;
}

// The directives of a member whose quote never closes, beyond its first comma: whoever wrote
// "no-store" there meant it.
template <class Visit> void each_in_doubt(std::string_view member, Visit&& visit)
{
    std::size_t comma = member.find(',');
    while (comma != std::string_view::npos) {
        member.remove_prefix(comma + 1);
        comma = member.find(',');
        Directive directive = split_directive(trim(member.substr(0, comma)));
        directive.in_doubt = true;
        visit(directive);
    }
}

template <class Visit> void each_directive(const http::FieldList& fields, FieldId id, Visit&& visit)
{
    fields.each(id, [&](std::string_view line) {
        http::each_list_member(line, [&](std::string_view member) {
            visit(split_directive(member));
            if (ends_inside_quotes(member)) each_in_doubt(member, visit);
        });
    });
}

// What a directive of a response sets. Exactly one of the member pointers of a row decides its
// kind, but a qualified directive has two: without an argument it sets the flag.
struct Rule {
    std::string_view name;
    bool ResponseDirectives::*flag = nullptr;
    std::optional<Seconds> ResponseDirectives::*seconds = nullptr;
    std::vector<std::string> ResponseDirectives::*names = nullptr;
    bool malformed_is_zero = false;
};

using D = ResponseDirectives;
constexpr Rule kRules[] = {
    {"no-store", &D::no_store},
    {"no-cache", &D::no_cache, nullptr, &D::no_cache_fields},
    {"private", &D::is_private, nullptr, &D::private_fields},
    {"public", &D::is_public},
    {"must-revalidate", &D::must_revalidate},
    {"proxy-revalidate", &D::proxy_revalidate},
    {"must-understand", &D::must_understand},
    {"no-transform", &D::no_transform},
    {"immutable", &D::immutable},
    {"max-age", nullptr, &D::max_age, nullptr, true},
    {"s-maxage", nullptr, &D::s_maxage, nullptr, true},
    {"stale-while-revalidate", nullptr, &D::stale_while_revalidate},
    {"stale-if-error", nullptr, &D::stale_if_error},
};

bool restricts(const Rule& rule) noexcept
{
    return rule.names != nullptr || rule.flag == &D::no_store;
}

const Rule* rule_of(std::string_view name) noexcept
{
    for (const Rule& rule : kRules)
        if (iequals(rule.name, name)) return &rule;
    return nullptr;
}

// Field names of no-cache="…" and private="…". False if that is no list of field names: then the
// directive means all.
bool append_field_names(std::string_view list, std::vector<std::string>& names)
{
    const std::size_t before = names.size();
    bool valid = true;
    http::each_list_member(list, [&](std::string_view name) {
        valid = valid && http::is_token(name);
        std::string lower;
        append_lower(lower, name);
        if (std::find(names.begin(), names.end(), lower) == names.end())
            names.push_back(std::move(lower));
        return valid;
    });
    if (!valid) names.resize(before);
    // "" or "," names nothing; a name that was there already is fine.
    return valid && !names.empty() && list.find_first_not_of(", \t") != std::string_view::npos;
}

void set_qualified(ResponseDirectives& out, const Rule& rule,
                   const std::optional<std::string_view>& argument)
{
    if (!argument || !append_field_names(*argument, out.*rule.names)) out.*rule.flag = true;
}

// Applies directives in order: of a repeated one with a number, the first counts (RFC 9111 §4.2.1).
class ResponseReader
{
  public:
    explicit ResponseReader(ResponseDirectives& out) : out_(out) {}

    void take(const Directive& directive)
    {
        const Rule* rule = rule_of(directive.name);
        if (rule == nullptr || (directive.in_doubt && !restricts(*rule))) return;
        if (rule->seconds != nullptr)
            take_seconds(*rule, directive);
        else if (rule->names != nullptr)
            set_qualified(out_, *rule, directive.malformed ? std::nullopt : directive.argument);
        else
            out_.*rule->flag = true;
    }

  private:
    void take_seconds(const Rule& rule, const Directive& directive)
    {
        bool& seen = seen_[&rule - kRules];
        if (seen) return;
        seen = true;
        const auto value = directive.malformed || !directive.argument
                               ? std::nullopt
                               : parse_delta_seconds(*directive.argument);
        out_.*rule.seconds = value || !rule.malformed_is_zero ? value : Seconds{0};
    }

    ResponseDirectives& out_;
    bool seen_[std::size(kRules)] = {};
};

std::string joined_lines(const http::FieldList& fields, FieldId id)
{
    std::string joined;
    fields.each(id, [&](std::string_view line) {
        if (!joined.empty()) joined += ", ";
        joined += line;
    });
    return joined;
}

// One member of a targeted field (RFC 9213 §2.1). False if its type is not the directive's.
bool take_targeted(ResponseDirectives& out, const http::SfMember& member)
{
    const auto rule = std::find_if(std::begin(kRules), std::end(kRules),
                                   [&](const Rule& r) { return r.name == member.key; });
    if (rule == std::end(kRules)) return true;
    if (member.is_inner_list) return false;

    const http::SfBare& value = member.item.value;
    if (rule->seconds != nullptr) {
        const auto* number = std::get_if<std::int64_t>(&value);
        if (number == nullptr) return false;
        if (*number >= 0 || rule->malformed_is_zero)
            out.*rule->seconds = Seconds{std::clamp<std::int64_t>(*number, 0, kDeltaSecondsMax)};
        return true;
    }
    if (const auto* on = std::get_if<bool>(&value)) {
        out.*rule->flag = *on;
        return true;
    }
    const auto* names = std::get_if<std::string>(&value);
    if (rule->names == nullptr || names == nullptr) return false;
    set_qualified(out, *rule, *names);
    return true;
}

std::optional<ResponseDirectives> read_cdn_cache_control(const http::FieldList& fields)
{
    if (!fields.has(FieldId::cdn_cache_control)) return std::nullopt;
    const auto dictionary =
        http::parse_sf_dictionary(joined_lines(fields, FieldId::cdn_cache_control));
    if (!dictionary || dictionary->empty()) return std::nullopt;

    ResponseDirectives out;
    for (const http::SfMember& member : *dictionary)
        if (!take_targeted(out, member)) return std::nullopt;
    out.source = FieldId::cdn_cache_control;
    return out;
}

// "max-age=10+60": the part behind the plus.
std::optional<Seconds> take_extension(Directive& directive)
{
    if (!iequals(directive.name, "max-age") || !directive.argument) return std::nullopt;
    const std::size_t plus = directive.argument->find('+');
    if (plus == std::string_view::npos) return std::nullopt;
    const auto extension = parse_delta_seconds(directive.argument->substr(plus + 1));
    directive.argument = directive.argument->substr(0, plus);
    return extension;
}

// Where a directive's own text ends and its target begins, outside quotes.
bool has_target(std::string_view member) noexcept
{
    bool quoted = false;
    for (std::size_t i = 0; i < member.size(); ++i) {
        if (quoted && member[i] == '\\')
            ++i;
        else if (member[i] == '"')
            quoted = !quoted;
        else if (member[i] == ';' && !quoted)
            return true;
    }
    return false;
}

// Surrogate-Control as the W3C note "Edge Architecture Specification" has it.
std::optional<ResponseDirectives> read_surrogate_control(const http::FieldList& fields)
{
    if (!fields.has(FieldId::surrogate_control)) return std::nullopt;
    ResponseDirectives out;
    ResponseReader reader(out);
    std::optional<Seconds> extension;
    fields.each(FieldId::surrogate_control, [&](std::string_view line) {
        http::each_list_member(line, [&](std::string_view member) {
            if (has_target(member)) return;
            Directive directive = split_directive(member);
            if (const auto more = take_extension(directive); more && !out.max_age) extension = more;
            // An edge of a CDN is what the note calls a remote surrogate.
            if (iequals(directive.name, "no-store-remote")) out.no_store = true;
            reader.take(directive);
        });
    });
    if (!out.stale_while_revalidate) out.stale_while_revalidate = extension;
    if (!out.max_age && !out.no_store && !out.no_cache && !out.is_private) return std::nullopt;
    out.source = FieldId::surrogate_control;
    return out;
}

ResponseDirectives read_cache_control(const http::FieldList& fields)
{
    ResponseDirectives out;
    if (!fields.has(FieldId::cache_control)) return out;
    out.source = FieldId::cache_control;
    ResponseReader reader(out);
    each_directive(fields, FieldId::cache_control,
                   [&](const Directive& directive) { reader.take(directive); });
    return out;
}

std::optional<Seconds> seconds_of(const Directive& directive) noexcept
{
    if (directive.malformed || !directive.argument) return std::nullopt;
    return parse_delta_seconds(*directive.argument);
}

// Which numbers of a request were seen: of a repeated one the first counts.
struct RequestSeen {
    bool max_age = false;
    bool min_fresh = false;
    bool max_stale = false;
};

void take_request_seconds(RequestDirectives& out, RequestSeen& seen, const Directive& directive)
{
    const auto first = [](bool& flag) { return !std::exchange(flag, true); };
    if (iequals(directive.name, "max-age") && first(seen.max_age))
        out.max_age = seconds_of(directive).value_or(Seconds{0});
    else if (iequals(directive.name, "min-fresh") && first(seen.min_fresh))
        out.min_fresh = seconds_of(directive);
    else if (iequals(directive.name, "max-stale") && first(seen.max_stale)) {
        out.max_stale = seconds_of(directive);
        out.max_stale_any = !directive.argument && !directive.malformed;
    }
}
} // namespace

std::optional<Seconds> parse_delta_seconds(std::string_view text) noexcept
{
    if (text.empty()) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = std::min(value * 10 + (c - '0'), kDeltaSecondsMax);
    }
    return Seconds{value};
}

ResponseDirectives parse_response_directives(const http::FieldList& fields)
{
    if (auto targeted = read_cdn_cache_control(fields)) return *std::move(targeted);
    if (auto targeted = read_surrogate_control(fields)) return *std::move(targeted);
    return read_cache_control(fields);
}

RequestDirectives parse_request_directives(const http::FieldList& fields)
{
    RequestDirectives out;
    RequestSeen seen;
    each_directive(fields, FieldId::cache_control, [&](const Directive& directive) {
        if (iequals(directive.name, "no-store"))
            out.no_store = true;
        else if (iequals(directive.name, "no-cache"))
            out.no_cache = true;
        else if (directive.in_doubt)
            return;
        else if (iequals(directive.name, "no-transform"))
            out.no_transform = true;
        else if (iequals(directive.name, "only-if-cached"))
            out.only_if_cached = true;
        else
            take_request_seconds(out, seen, directive);
    });
    return out;
}
} // namespace tidemark::cache
