#include "core/base/text.hpp"
#include "core/http/parser.hpp"
#include "edge/cache/cache_key.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::cache
{
namespace
{
using http::FieldId;

// A response that varies on more than this is as good as one that varies on anything.
constexpr std::size_t kVaryNamesMax = 64;

// Visits the parts of `text` between `separator`s outside quoted strings, trimmed, empty ones too.
template <class Visit> void each_part(std::string_view text, char separator, Visit&& visit)
{
    bool quoted = false;
    std::size_t start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '\\')
            ++i;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (text[i] == separator && !quoted) {
            visit(trim(text.substr(start, i - start)));
            start = i + 1;
        }
    }
    visit(trim(text.substr(start)));
}

// Visits every line of the field called `name` (lower case).
template <class Visit>
void each_line(const http::FieldList& fields, std::string_view name, Visit&& visit)
{
    const FieldId id = http::field_id(name);
    if (id != FieldId::other) return fields.each(id, visit);
    for (const http::Field& field : fields)
        if (field.id == FieldId::other && iequals(field.name, name)) visit(field.value);
}

// Several lines are one list; white space around commas means nothing (RFC 9110 §5.3, RFC 9111
// §4.1).
void append_joined(std::string& out, const http::FieldList& fields, std::string_view name)
{
    bool first = true;
    each_line(fields, name, [&](std::string_view line) {
        each_part(line, ',', [&](std::string_view member) {
            if (!std::exchange(first, false)) out += ',';
            out += member;
        });
    });
}

constexpr int kWeightMax = 1000;

// qvalue in thousandths (RFC 9110 §12.4.2).
std::optional<int> parse_weight(std::string_view text) noexcept
{
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
    int weight = text[0] == '1' ? kWeightMax : 0;
    if (text.size() == 1) return weight;
    if (text[1] != '.') return std::nullopt;
    int unit = 100;
    for (const char c : text.substr(2)) {
        if (c < '0' || c > '9') return std::nullopt;
        weight += (c - '0') * unit;
        unit /= 10;
    }
    return weight <= kWeightMax ? std::optional{weight} : std::nullopt;
}

struct Preference {
    std::string text; // without its weight
    int weight = kWeightMax;
    friend bool operator<(const Preference& a, const Preference& b)
    {
        return a.weight != b.weight ? a.weight > b.weight : a.text < b.text;
    }
    friend bool operator==(const Preference& a, const Preference& b)
    {
        return a.weight == b.weight && a.text == b.text;
    }
};

// Names are case-insensitive, a parameter's value may not be (RFC 9110 §5.6.6).
void append_parameter(Preference& preference, std::string_view parameter)
{
    const std::size_t equals = parameter.find('=');
    const std::string_view name = parameter.substr(0, equals);
    if (equals != std::string_view::npos && iequals(name, "q")) {
        if (const auto weight = parse_weight(parameter.substr(equals + 1))) {
            preference.weight = *weight;
            return;
        }
    }
    preference.text += ';';
    append_lower(preference.text, name);
    if (equals != std::string_view::npos) preference.text += parameter.substr(equals);
}

Preference preference_of(std::string_view member)
{
    Preference preference;
    bool head = true;
    each_part(member, ';', [&](std::string_view part) {
        if (std::exchange(head, false))
            append_lower(preference.text, part);
        else
            append_parameter(preference, part);
    });
    return preference;
}

// Accept, Accept-Encoding, Accept-Language: members of equal weight have no order, saying one twice
// says it once.
void append_preferences(std::string& out, const http::FieldList& fields, std::string_view name)
{
    std::vector<Preference> preferences;
    preferences.reserve(8); // as many as browsers send
    each_line(fields, name, [&](std::string_view line) {
        each_part(line, ',', [&](std::string_view member) {
            if (!member.empty()) preferences.push_back(preference_of(member));
        });
    });
    std::sort(preferences.begin(), preferences.end());
    preferences.erase(std::unique(preferences.begin(), preferences.end()), preferences.end());
    for (const Preference& preference : preferences) {
        out += preference.text;
        out += ";q=";
        append_decimal(out, preference.weight);
        out += ',';
    }
}

bool is_preference(std::string_view name) noexcept
{
    return name == "accept" || name == "accept-encoding" || name == "accept-language";
}

bool is_present(const http::FieldList& fields, std::string_view name)
{
    bool present = false;
    each_line(fields, name, [&](std::string_view) { present = true; });
    return present;
}

// Room for the length of a value yet to be appended, and the length filled in once it is.
constexpr std::size_t kLengthBytes = 4;

void fill_length(std::string& key, std::size_t at)
{
    std::size_t length = key.size() - at - kLengthBytes;
    for (std::size_t i = kLengthBytes; i-- > 0; length >>= 8)
        key[at + i] = static_cast<char>(static_cast<unsigned char>(length & 0xff));
}

// name "-" if absent, else name "=" 4 bytes of length, value.
void append_nominated(std::string& key, std::string_view name, const http::FieldList& fields)
{
    key += name;
    if (!is_present(fields, name)) {
        key += '-';
        return;
    }
    key += '=';
    const std::size_t at = key.size();
    key.append(kLengthBytes, '\0');
    if (is_preference(name))
        append_preferences(key, fields, name);
    else
        append_joined(key, fields, name);
    fill_length(key, at);
}
} // namespace

VarySpec parse_vary(const http::FieldList& response_fields)
{
    VarySpec spec;
    response_fields.each(FieldId::vary, [&](std::string_view line) {
        each_part(line, ',', [&](std::string_view name) {
            if (name.empty()) return;
            // "*", and what is no field name: nobody can tell which requests it stands for.
            if (name == "*" || !http::is_token(name)) spec.any = true;
            if (spec.any || spec.names.size() > 2 * kVaryNamesMax) return;
            append_lower(spec.names.emplace_back(), name);
        });
    });
    std::sort(spec.names.begin(), spec.names.end());
    spec.names.erase(std::unique(spec.names.begin(), spec.names.end()), spec.names.end());
    if (spec.names.size() > kVaryNamesMax) spec.any = true;
    if (spec.any) spec.names.clear();
    return spec;
}

std::string vary_text(const VarySpec& spec)
{
    if (spec.any) return "*";
    std::string text;
    for (const std::string& name : spec.names) {
        if (!text.empty()) text += ',';
        text += name;
    }
    return text;
}

void append_variant_key(std::string& key, std::string_view vary_text,
                        const http::FieldList& request_fields)
{
    while (!vary_text.empty()) {
        const std::size_t comma = vary_text.find(',');
        append_nominated(key, vary_text.substr(0, comma), request_fields);
        vary_text.remove_prefix(comma == std::string_view::npos ? vary_text.size() : comma + 1);
    }
}
} // namespace tidemark::cache
