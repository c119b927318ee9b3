#include "admin/purge_request.hpp"

#include "core/base/text.hpp"
#include "core/http/parser.hpp"
#include "purge/state.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <nlohmann/json.hpp>

namespace tidemark::admin
{
namespace
{
using Json = nlohmann::json;
using purge::OrderMode;
using purge::Scope;

struct TypeName {
    std::string_view name;
    Scope scope;
};
constexpr std::array<TypeName, 7> kTypes = {{{"uri", Scope::url},
                                             {"uri-prefix", Scope::prefix},
                                             {"origin", Scope::origin},
                                             {"host", Scope::host},
                                             {"group", Scope::tag},
                                             {"pattern", Scope::pattern},
                                             {"all", Scope::all}}};
constexpr std::string_view kOrderMembers[] = {"type", "selectors", "groups", "mode", "max_stale"};
constexpr std::string_view kMessageMembers[] = {"site", "key", "note", "purge"};

// Where in the body something stands: "batch[3].selectors".
class Place
{
  public:
    Place() = default;
    explicit Place(std::string path) : path_(std::move(path)) {}
    [[nodiscard]] std::string operator/(std::string_view member) const
    {
        return path_.empty() ? std::string(member) : path_ + "." + std::string(member);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

auto invalid(std::string field, std::string detail)
{
    return fail(Problem{400, "Invalid purge request", std::move(detail), std::move(field)});
}
auto too_large(std::string field, std::string detail)
{
    return fail(Problem{413, "Too large", std::move(detail), std::move(field)});
}

using Checked = Result<void, Problem>;

Checked check_members(const Json& body, const Place& place,
                      std::initializer_list<std::span<const std::string_view>> known)
{
    for (const auto& item : body.items()) {
        const std::string& member = item.key();
        const bool found = std::any_of(known.begin(), known.end(), [&](const auto& names) {
            return std::find(names.begin(), names.end(), member) != names.end();
        });
        if (!found) return invalid(place / member, "unknown member \"" + member + "\"");
    }
    return {};
}

Result<bool, Problem> flag_of(const Json& body, const char* name, const Place& place)
{
    const auto found = body.find(name);
    if (found == body.end()) return false;
    if (!found->is_boolean()) return invalid(place / name, "expected true or false");
    return found->get<bool>();
}

Result<std::string, Problem> text_of(const Json& body, const char* name, std::size_t bytes_max,
                                     const Place& place)
{
    const auto found = body.find(name);
    if (found == body.end()) return std::string();
    if (!found->is_string()) return invalid(place / name, "must be a string");
    const std::string& text = found->get_ref<const std::string&>();
    if (text.size() > bytes_max)
        return too_large(place / name, "at most " + std::to_string(bytes_max) + " bytes");
    return text;
}

Result<Scope, Problem> read_scope(const Json& body, const Place& place)
{
    const auto type = body.find("type");
    if (type == body.end() || !type->is_string())
        return invalid(place / "type", "\"type\" is missing or no string");
    const std::string& name = type->get_ref<const std::string&>();
    if (const auto scope = scope_of_type(name)) return *scope;
    return invalid(place / "type", "unknown type \"" + name +
                                       "\"; expected uri, uri-prefix, origin, host, group, "
                                       "pattern or all");
}

Checked read_mode(const Json& body, const Place& place, purge::Order& order)
{
    const auto mode = body.find("mode");
    if (mode != body.end()) {
        if (*mode == "soft")
            order.mode = OrderMode::soft;
        else if (*mode == "refresh")
            order.mode = OrderMode::refresh;
        else if (*mode != "hard")
            return invalid(place / "mode", R"(expected "hard", "soft" or "refresh")");
    }
    const auto max_stale = body.find("max_stale");
    if (max_stale == body.end()) return {};
    const auto seconds_max = static_cast<std::uint64_t>(purge::kMaxStaleMax.count());
    if (!max_stale->is_number_unsigned() || max_stale->get<std::uint64_t>() > seconds_max)
        return invalid(place / "max_stale",
                       "expected whole seconds, 0 to " + std::to_string(seconds_max));
    if (order.mode == OrderMode::hard)
        return invalid(place / "max_stale", "goes with \"mode\" soft or refresh only");
    order.max_stale = Seconds{max_stale->get<std::int64_t>()};
    return {};
}

bool is_plain(std::string_view text)
{
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7F'; });
}

bool is_host(std::string_view text)
{
    return http::is_authority(text) && text.find('@') == std::string_view::npos &&
           !host_of(text).empty();
}

bool is_origin(std::string_view text)
{
    if (text.ends_with('/')) text.remove_suffix(1);
    const std::size_t authority = text.find("://");
    return is_absolute_uri(text) &&
           text.find_first_of("/?#", authority + 3) == std::string_view::npos;
}

// Why `selector` cannot stand for what it says; nothing: it can.
std::optional<std::string> fault_of_selector(Scope scope, const std::string& selector)
{
    switch (scope) {
    case Scope::url:
    case Scope::prefix:
        if (is_absolute_uri(selector)) return std::nullopt;
        return "is no absolute http or https URI";
    case Scope::origin:
        if (is_origin(selector)) return std::nullopt;
        return "is no origin: http://host or https://host, with a port or not";
    case Scope::host:
        if (is_host(selector)) return std::nullopt;
        return "is no host";
    case Scope::tag:
        if (is_plain(selector)) return std::nullopt;
        return "is no group: blanks cannot be part of one";
    case Scope::pattern:
        if (const auto fault = purge::InvalidationState::pattern_fault(selector))
            return "is no usable pattern: " + *fault;
        return std::nullopt;
    case Scope::all:
        break;
    }
    return std::nullopt;
}

Checked add_order(const Json& one, const std::string& field, purge::Order& order,
                  std::vector<purge::Order>& orders)
{
    if (!one.is_string()) return invalid(field, "must hold strings only");
    const std::string& text = one.get_ref<const std::string&>();
    if (text.empty()) return invalid(field, "an empty string selects nothing");
    if (text.size() > purge::kSelectorBytesMax)
        return too_large(field, "a selector has at most " +
                                    std::to_string(purge::kSelectorBytesMax) + " bytes");
    if (const auto fault = fault_of_selector(order.scope, text))
        return invalid(field, "\"" + text + "\" " + *fault);
    order.selector = text;
    orders.push_back(order);
    return {};
}

// The orders of one object: one for each selector.
Checked read_orders(const Json& body, const Place& place, std::vector<purge::Order>& orders)
{
    purge::Order order;
    const auto scope = read_scope(body, place);
    if (!scope) return fail(scope.error());
    order.scope = *scope;
    if (auto mode = read_mode(body, place, order); !mode) return mode;
    const char* member = *scope == Scope::tag && body.contains("groups") ? "groups" : "selectors";
    for (const char* other : {"selectors", "groups"})
        if ((*scope == Scope::all || other != std::string_view(member)) && body.contains(other))
            return invalid(place / other, *scope == Scope::all
                                              ? std::string("\"all\" takes no ") + other
                                              : "goes with another type");
    if (*scope == Scope::all) {
        orders.push_back(order);
        return {};
    }
    const auto selectors = body.find(member);
    if (selectors == body.end() || !selectors->is_array() || selectors->empty())
        return invalid(place / member,
                       std::string("\"") + member + "\" must be an array with at least one string");
    if (selectors->size() + orders.size() > purge::kOrdersMax)
        return too_large(place / member, "at most " + std::to_string(purge::kOrdersMax) +
                                             " selectors take effect at once; use a batch");
    const std::string field = place / member;
    for (const Json& one : *selectors)
        if (auto added = add_order(one, field, order, orders); !added) return added;
    return {};
}

Checked read_message_members(const Json& body, const Place& place, journal::Draft& draft,
                             purge::Invalidate& purge)
{
    auto site = text_of(body, "site", purge::kSiteBytesMax, place);
    auto key = text_of(body, "key", purge::kKeyBytesMax, place);
    auto note = text_of(body, "note", purge::kNoteBytesMax, place);
    const auto erase = flag_of(body, "purge", place);
    for (const auto* text : {&site, &key, &note})
        if (!*text) return fail(text->error());
    if (!erase) return fail(erase.error());
    if (body.contains("site") && (site->empty() || !is_plain(*site)))
        return invalid(place / "site", "must be a site's name, or *");
    if (!site->empty()) draft.site = std::move(*site);
    draft.key = std::move(*key);
    draft.note = std::move(*note);
    purge.erase = *erase;
    return {};
}

Checked read_barrier(const Json& barrier, const Place& place, std::vector<purge::Order>& orders)
{
    const std::string field = place / "barrier";
    if (!barrier.is_array() || barrier.empty())
        return invalid(field, "\"barrier\" must be an array with at least one object");
    for (std::size_t i = 0; i < barrier.size(); ++i) {
        const Place inner(field + "[" + std::to_string(i) + "]");
        if (!barrier[i].is_object()) return invalid(inner.path(), "must be an object");
        if (auto known = check_members(barrier[i], inner, {kOrderMembers}); !known) return known;
        if (auto read = read_orders(barrier[i], inner, orders); !read) return read;
    }
    return {};
}

constexpr std::string_view kBarrierMember[] = {"barrier"};
constexpr std::string_view kBatchMember[] = {"batch"};
constexpr std::string_view kDryRunMember[] = {"dry_run"};

// `further`: what may stand in this object besides.
Result<journal::Draft, Problem> read_message(const Json& body, const Place& place,
                                             std::span<const std::string_view> further)
{
    journal::Draft draft;
    purge::Invalidate purge;
    const auto barrier = body.find("barrier");
    const bool single = barrier == body.end();
    auto read =
        check_members(body, place,
                      {single ? std::span<const std::string_view>(kOrderMembers) : kBarrierMember,
                       kMessageMembers, further});
    if (read)
        read = single ? read_orders(body, place, purge.orders)
                      : read_barrier(*barrier, place, purge.orders);
    if (read) read = read_message_members(body, place, draft, purge);
    if (!read) return fail(read.error());
    std::size_t bytes = 0;
    for (const purge::Order& order : purge.orders)
        bytes += order.selector.size() + 16;
    // What else is in a record takes no more than 4 KiB.
    if (bytes > purge::kRecordBytesMax - 4096)
        return too_large(place / "selectors", "one message has at most 1 MiB; use a batch");
    draft.body = std::move(purge);
    return draft;
}

Checked read_batch(const Json& body, std::vector<journal::Draft>& drafts)
{
    if (auto known = check_members(body, {}, {kBatchMember, kDryRunMember}); !known) return known;
    const Json& batch = body["batch"];
    if (!batch.is_array() || batch.empty())
        return invalid("batch", "\"batch\" must be an array with at least one object");
    if (batch.size() > kBatchMax)
        return too_large("batch", "at most " + std::to_string(kBatchMax) + " messages at once");
    drafts.reserve(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const Place place("batch[" + std::to_string(i) + "]");
        if (!batch[i].is_object()) return invalid(place.path(), "must be an object");
        auto draft = read_message(batch[i], place, {});
        if (!draft) return fail(draft.error());
        drafts.push_back(std::move(*draft));
    }
    return {};
}
} // namespace

bool PurgeRequest::erases() const
{
    return std::any_of(drafts.begin(), drafts.end(), [](const journal::Draft& draft) {
        const auto* purge = std::get_if<purge::Invalidate>(&draft.body);
        return purge != nullptr && purge->erase;
    });
}

Result<PurgeRequest, Problem> parse_purge(std::string_view json)
{
    const Json body = Json::parse(json, nullptr, false);
    if (body.is_discarded() || !body.is_object())
        return fail(Problem{400, "Not a JSON object", "the body must be one JSON object", ""});
    PurgeRequest request;
    const auto dry_run = flag_of(body, "dry_run", {});
    if (!dry_run) return fail(dry_run.error());
    request.dry_run = *dry_run;
    if (body.contains("batch")) {
        if (auto read = read_batch(body, request.drafts); !read) return fail(read.error());
        return request;
    }
    auto draft = read_message(body, {}, kDryRunMember);
    if (!draft) return fail(draft.error());
    request.drafts.push_back(std::move(*draft));
    return request;
}

bool is_absolute_uri(std::string_view text)
{
    const std::size_t scheme = text.find("://");
    if (scheme == std::string_view::npos || !is_plain(text)) return false;
    if (!iequals(text.substr(0, scheme), "http") && !iequals(text.substr(0, scheme), "https"))
        return false;
    const std::string_view rest = text.substr(scheme + 3);
    return is_host(rest.substr(0, rest.find_first_of("/?#")));
}

std::string_view type_name(Scope scope)
{
    for (const TypeName& type : kTypes)
        if (type.scope == scope) return type.name;
    return "unknown";
}

std::optional<Scope> scope_of_type(std::string_view name)
{
    for (const TypeName& type : kTypes)
        if (type.name == name) return type.scope;
    return std::nullopt;
}

std::string host_of(std::string_view text)
{
    if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos)
        text.remove_prefix(scheme + 3);
    text = text.substr(0, text.find_first_of("/?#"));
    const std::size_t colon = text.rfind(':');
    if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos)
        text = text.substr(0, colon);
    std::string host;
    append_lower(host, text);
    return host;
}
} // namespace tidemark::admin
