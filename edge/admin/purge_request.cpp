#include "edge/admin/purge_request.hpp"

#include "core/base/text.hpp"
#include "edge/cache/cache_key.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace tidemark::admin
{
namespace
{
using Json = nlohmann::json;
using purge::Scope;
using Invalidations = std::vector<purge::Invalidation>;

struct TypeName {
    std::string_view name;
    Scope scope;
};
constexpr std::array<TypeName, 6> kTypes = {{{"uri", Scope::url},
                                             {"uri-prefix", Scope::prefix},
                                             {"origin", Scope::origin},
                                             {"host", Scope::host},
                                             {"group", Scope::tag},
                                             {"all", Scope::all}}};
constexpr std::array<std::string_view, 7> kMembers = {"type",      "selectors", "groups", "mode",
                                                      "max_stale", "key",       "note"};
constexpr std::int64_t kMaxStaleSeconds = 365 * 86'400;

auto problem(std::string field, std::string detail)
{
    return fail(Problem{400, "Invalid purge request", std::move(detail), std::move(field)});
}

std::string_view authority_of(std::string_view uri)
{
    const std::size_t start = uri.find("://");
    if (start == std::string_view::npos) return {};
    uri.remove_prefix(start + 3);
    return uri.substr(0, uri.find_first_of("/?#"));
}

std::optional<std::string> normalise(Scope scope, const std::string& selector,
                                     const serve::Sites& sites)
{
    switch (scope) {
    case Scope::url: {
        const serve::Site* site = sites.match(authority_of(selector));
        return cache::normalise_uri(selector,
                                    site == nullptr ? cache::KeyRules{} : site->settings.key);
    }
    case Scope::prefix:
        return cache::normalise_uri(selector, {});
    case Scope::origin: {
        auto uri = cache::normalise_uri(selector, {});
        if (!uri || uri->find('/', uri->find("://") + 3) + 1 != uri->size()) return std::nullopt;
        uri->pop_back();
        return uri;
    }
    case Scope::host: {
        // Through a URI, so that it is checked and lower-cased the same way; any port is dropped.
        const auto uri = cache::normalise_uri("http://" + selector + "/", {});
        if (!uri || selector.find_first_of("/?#@") != std::string::npos) return std::nullopt;
        const std::string_view authority = authority_of(*uri);
        const std::size_t colon = authority.rfind(':');
        const bool port =
            colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
        return std::string(port ? authority.substr(0, colon) : authority);
    }
    default:
        return selector;
    }
}

Result<Scope, Problem> scope_of(const Json& body)
{
    if (!body.contains("type") || !body["type"].is_string())
        return problem("type", "\"type\" is missing or no string");
    const std::string& name = body["type"].get_ref<const std::string&>();
    for (const TypeName& type : kTypes)
        if (type.name == name) return type.scope;
    return problem("type", "unknown type \"" + name +
                               "\"; expected uri, uri-prefix, origin, host, group or all");
}

Result<std::vector<std::string>, Problem> selectors_of(const Json& body, Scope scope)
{
    const std::string member =
        scope == Scope::tag && body.contains("groups") ? "groups" : "selectors";
    if (scope == Scope::all) {
        // Whoever names something does not mean everything.
        for (const char* other : {"selectors", "groups"})
            if (body.contains(other))
                return problem(other, std::string("\"all\" takes no ") + other);
        return std::vector<std::string>{""};
    }
    if (!body.contains(member) || !body[member].is_array() || body[member].empty())
        return problem(member, "\"" + member + "\" must be an array with at least one string");
    if (body[member].size() > kSelectorsMax)
        return fail(Problem{413, "Too many selectors", "at most 10000 in one request", member});
    std::vector<std::string> selectors;
    for (const Json& one : body[member]) {
        if (!one.is_string()) return problem(member, "\"" + member + "\" must hold strings only");
        const std::string& text = one.get_ref<const std::string&>();
        if (text.empty() || text.size() > kSelectorBytesMax)
            return problem(member, "a selector has 1 to 8192 bytes");
        selectors.push_back(text);
    }
    return selectors;
}

Result<void, Problem> read_mode(const Json& body, purge::Invalidation& invalidation)
{
    const Json& mode = body.contains("mode") ? body["mode"] : Json("hard");
    if (mode == "soft")
        invalidation.mode = purge::Mode::soft;
    else if (mode != "hard")
        return problem("mode", "expected \"hard\" or \"soft\"");
    if (!body.contains("max_stale")) return {};
    const Json& max_stale = body["max_stale"];
    if (!max_stale.is_number_unsigned() || max_stale.get<std::uint64_t>() > kMaxStaleSeconds)
        return problem("max_stale", "expected whole seconds, 0 to 31536000");
    if (invalidation.mode != purge::Mode::soft)
        return problem("max_stale", "goes with \"mode\":\"soft\" only");
    invalidation.max_stale = Seconds{max_stale.get<std::int64_t>()};
    return {};
}
} // namespace

Result<std::vector<purge::Invalidation>, Problem> parse_purge(std::string_view json,
                                                              const serve::Sites& sites)
{
    const Json body = Json::parse(json, nullptr, false);
    if (body.is_discarded() || !body.is_object())
        return fail(Problem{400, "Not a JSON object", "the body must be one JSON object", ""});
    for (const auto& [member, value] : body.items())
        if (std::find(kMembers.begin(), kMembers.end(), member) == kMembers.end())
            return problem(member, "unknown member \"" + member + "\"");
    for (const char* text : {"key", "note"})
        if (body.contains(text) && !body[text].is_string())
            return problem(text, "must be a string");
    const auto scope = scope_of(body);
    if (!scope) return fail(scope.error());
    const auto selectors = selectors_of(body, *scope);
    if (!selectors) return fail(selectors.error());
    purge::Invalidation invalidation;
    invalidation.scope = *scope;
    if (const auto mode = read_mode(body, invalidation); !mode) return fail(mode.error());
    Invalidations invalidations;
    for (const std::string& selector : *selectors) {
        auto normal = normalise(*scope, selector, sites);
        if (!normal)
            return problem("selectors", "cannot be read as this type: \"" + selector + "\"");
        invalidation.selector = std::move(*normal);
        invalidations.push_back(invalidation);
    }
    return invalidations;
}

std::string problem_json(const Problem& problem)
{
    Json json = {{"status", problem.status}, {"title", problem.title}, {"detail", problem.detail}};
    if (!problem.field.empty()) json["field"] = problem.field;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}
} // namespace tidemark::admin
