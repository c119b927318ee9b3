#include "config/edge_config.hpp"

#include "config/quoted.hpp"
#include "config/table_reader.hpp"
#include "config/tokens.hpp"
#include "config/units.hpp"
#include "config/values.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace tidemark::config
{
namespace
{
constexpr DurationRange kTimeout{Millis{1}, Millis{86'400'000}}; // 1ms to 1d
constexpr DurationRange kCacheTime{Millis{0},
                                   Millis{std::int64_t{3650} * 86'400'000}}; // 0 to 10 years
constexpr DurationRange kLease{Millis{500}, Millis{3'600'000}};
constexpr NumberRange kWorkers{0, 256};
constexpr std::size_t kCertificateNameBytesMax = 63;
constexpr NumberRange kConnections{1, 10'000'000};
constexpr NumberRange kConnectionsOrAny{0, 10'000'000};
constexpr SizeRange kMemory{1 << 20, 64ULL << 40};
constexpr SizeRange kAnySize{0, kSizeMax};

// Where a site stands, and what it says, rightly or not.
struct SiteOrigin {
    Place place;
    bool says_hosts = false;
    bool says_upstreams = false;
};

// Settings on their way: what must be judged once file and flags are both in, with the places to
// point at.
struct Draft {
    EdgeSettings settings;
    std::vector<SiteOrigin> site_origins; // as settings.sites
    HostClaims hosts;
    std::optional<Place> admin_place;
    std::optional<Place> origin_place;
    std::optional<Place> name_place;
    bool says_certs = false;
    bool says_data = false;
    bool says_listen = false;
    bool says_sites = false;
    std::optional<Place> max_object_place;  // where the file says one
    std::optional<Place> range_fetch_place; // likewise
};

void read_limits(TableReader& table, Draft& draft)
{
    LimitSettings& limits = draft.settings.limits;
    if (table.has("max_object")) draft.max_object_place = table.place_of("max_object");
    if (table.has("range_fetch")) draft.range_fetch_place = table.place_of("range_fetch");

    table.size("request_line", {64, 1 << 20}, limits.request_line_bytes);
    table.size("head", {256, 16 << 20}, limits.head_bytes);
    table.number("fields", {1, 10'000}, limits.fields);
    std::uint64_t body_bytes = 0;
    table.size("body", kAnySize, body_bytes);
    if (body_bytes != 0) limits.body_bytes = body_bytes;
    table.size("max_object", kAnySize, limits.max_object_bytes);
    table.size("range_fetch", kAnySize, limits.range_fetch_bytes);
    table.size("buffered", {16 << 10, 1 << 30}, limits.buffered_bytes);
    table.number("connections", kConnections, limits.connections);
    table.number("connections_per_address", kConnectionsOrAny, limits.connections_per_address);
    table.number("requests_per_connection", {0, 1'000'000'000}, limits.requests_per_connection);
    table.number("upstream_connections", {1, 1'000'000}, limits.upstream_connections);
    table.size("staged", {0, 1ULL << 40}, limits.staged_bytes);
    table.number("staged_contents", {1, 100'000}, limits.staged_contents);
}

void read_timeouts(TableReader& table, TimeoutSettings& timeouts)
{
    table.duration("head", kTimeout, timeouts.head);
    table.duration("idle", kTimeout, timeouts.idle);
    table.duration("body_idle", kTimeout, timeouts.body_idle);
    table.size("body_min_rate", {0, 1 << 30}, timeouts.body_min_rate);
    table.duration("write_idle", kTimeout, timeouts.write_idle);
    table.duration("connect", kTimeout, timeouts.connect);
    table.duration("first_byte", kTimeout, timeouts.first_byte);
    table.duration("upstream_idle", kTimeout, timeouts.upstream_idle);
    table.duration("upstream_keepalive", kTimeout, timeouts.upstream_keepalive);
    table.duration("tunnel_idle", kTimeout, timeouts.tunnel_idle);
}

void read_cache(TableReader& table, CacheSettings& cache)
{
    table.flag("heuristic", cache.freshness.heuristic);
    table.duration("heuristic_max", kCacheTime, cache.freshness.heuristic_cap);
    table.duration("stale_on_error", kCacheTime, cache.freshness.implicit_stale_on_error);
    table.flag("stale_beside_s_maxage", cache.freshness.explicit_stale_beside_s_maxage);
    table.flag("store_set_cookie", cache.store.store_set_cookie);
    table.flag("honour_request_directives", cache.honour_request_directives);
    table.duration("uncacheable_memory", kCacheTime, cache.uncacheable_memory);
    table.flag("collapse", cache.collapse);
    table.flag("forward_targeted", cache.forward_targeted);
    table.flag("strip_tags", cache.strip_tags);
}

void read_health(TableReader& table, HealthSettings& health)
{
    table.number("fail_after", {1, 1000}, health.fail_after);
    table.duration("retry_after", kTimeout, health.retry_after);
    table.text("path", "a path such as \"/healthz\"", &ValueReader::health_path, health.path);
    table.duration("interval", {Millis{100}, Millis{86'400'000}}, health.interval);
}

void read_key(TableReader& table, cache::KeyRules& key)
{
    table.texts("drop_query", "query parameters such as \"utm_*\"", &ValueReader::query_pattern,
                key.drop_query);
    std::vector<std::string> kept;
    table.texts("keep_query", "query parameters such as \"page\"", &ValueReader::query_pattern,
                kept);
    if (table.has("keep_query")) key.keep_query = std::move(kept);
    if (table.has("keep_query") && table.has("drop_query"))
        table.errors().add(table.place_of("keep_query"),
                           "site.key has drop_query as well as keep_query", "one of them");
    table.flag("sort_query", key.sort_query);
    table.texts("cookies", "cookie names such as \"currency\"", &ValueReader::keyed_cookie,
                key.keyed_cookies);
    table.texts("fields", "field names such as \"X-Country\"", &ValueReader::field_name,
                key.keyed_fields);
}

void read_bypass(TableReader& table, cache::BypassRules& bypass)
{
    table.texts("cookies", "cookie names such as \"wordpress_logged_in_*\"",
                &ValueReader::cookie_pattern, bypass.cookies);
    table.texts("fields", "fields such as \"X-Preview\" or \"X-Preview: yes*\"",
                &ValueReader::field_condition, bypass.fields);
    table.texts("query", "query parameters such as \"add-to-cart\"", &ValueReader::query_condition,
                bypass.query);
    table.texts("paths", "path patterns such as \"/wp-admin/*\"", &ValueReader::path_patterns,
                bypass.paths);
}

void read_path(TableReader& table, std::vector<PathRule>& paths)
{
    PathRule rule;
    if (!table.has("match"))
        table.errors().add(table.place(), "this [[site.path]] has no match",
                           "match = \"/static/*\" or the like");
    table.text("match", "a path pattern such as \"/static/*\"", &ValueReader::path_pattern,
               rule.match);
    Seconds ttl{0};
    table.duration("ttl", kCacheTime, ttl);
    if (table.has("ttl")) rule.ttl = ttl;
    table.flag("bypass", rule.bypass);
    table.flag("ignore_query", rule.ignore_query);
    table.texts("strip_response_fields", "field names such as \"Set-Cookie\"",
                &ValueReader::stripped_field, rule.strip_response_fields);
    table.texts("strip_request_fields", "field names such as \"Cookie\"",
                &ValueReader::stripped_field, rule.strip_request_fields);
    if (rule.bypass && rule.ttl)
        table.errors().add(table.place_of("ttl"),
                           "site.path.ttl has no effect beside bypass = true", "one of them");
    paths.push_back(std::move(rule));
}

void read_site(TableReader& table, Draft& draft)
{
    SiteSettings site;
    site.cache = draft.settings.cache;
    site.body_bytes = draft.settings.limits.body_bytes;

    const auto claim_host = [&](const ValueReader& value, std::string_view host, auto& into) {
        value.site_host(host, draft.hosts, into);
    };
    table.texts("hosts", "hosts such as \"example.org\"", claim_host, site.hosts);
    table.texts("upstreams", "URLs such as \"http://127.0.0.1:3000\"", &ValueReader::upstream,
                site.upstreams);
    table.text("host_header", "\"preserve\" or a host", &ValueReader::host_header,
               site.host_header);
    std::uint64_t body_bytes = site.body_bytes.value_or(0);
    table.size("body", kAnySize, body_bytes);
    site.body_bytes = body_bytes == 0 ? std::nullopt : std::optional{body_bytes};
    table.flag("shield", site.shield);
    table.text("as_of_field", "a field name such as \"X-Data-Version\"", &ValueReader::as_of_field,
               site.as_of_field);
    table.texts("upgrade", "protocols such as \"websocket\"", &ValueReader::upgrade, site.upgrade);
    table.table("health", [&](TableReader& health) { read_health(health, site.health); });
    table.table("cache", [&](TableReader& cache) { read_cache(cache, site.cache); });
    table.table("key", [&](TableReader& key) { read_key(key, site.key); });
    table.table("bypass", [&](TableReader& bypass) { read_bypass(bypass, site.bypass); });
    table.tables("path", [&](TableReader& path) { read_path(path, site.paths); });

    draft.settings.sites.push_back(std::move(site));
    draft.site_origins.push_back(
        {table.place(), table.says_something("hosts"), table.says_something("upstreams")});
}

// The origin daemon, and how this edge stands to it.
void read_following(TableReader& table, Draft& draft)
{
    EdgeSettings& settings = draft.settings;
    if (table.has("origin")) draft.origin_place = table.place_of("origin");
    draft.says_certs = table.has("certs");
    draft.says_data = table.has("data");
    table.text("origin", "an address such as \"origin.example.org:7101\"", &ValueReader::origin,
               settings.origin);
    table.text("certs", "a folder", &ValueReader::folder, settings.certs);
    table.text("data", "a folder", &ValueReader::folder, settings.data);
    table.duration("lease", kLease, settings.lease);
    table.text("adrift", "\"revalidate\", \"serve\" or \"fail\"", &ValueReader::adrift,
               settings.adrift);
}

void read_top(TableReader& table, Draft& draft)
{
    EdgeSettings& settings = draft.settings;
    constexpr std::string_view kAddresses = "addresses such as \"127.0.0.1:8080\"";

    if (table.has("name")) draft.name_place = table.place_of("name");
    table.text("name", "a name", &ValueReader::edge_name, settings.name);
    table.texts("listen", kAddresses, &ValueReader::listen, settings.listen);
    draft.says_listen = table.says_something("listen");
    if (table.has("admin")) draft.admin_place = table.place_of("admin");
    table.text("admin", "an address such as \"127.0.0.1:8081\"", &ValueReader::admin,
               settings.admin);
    table.flag("admin_allow_remote", settings.admin_allow_remote);
    read_following(table, draft);
    table.tables("token", [&](TableReader& token) { read_token(token, settings.tokens); });
    table.number("refresh_rate", {0, 1'000'000}, settings.refresh_rate);
    table.flag("debug_fences", settings.debug_fences);
    table.number("workers", kWorkers, settings.workers);
    table.size("memory", kMemory, settings.memory_bytes);
    table.text("access_log", "a path, \"-\" or \"off\"", &ValueReader::access_log,
               settings.access_log);
    table.text("log_level", "a level such as \"info\"", &ValueReader::log_level,
               settings.log_level);
    table.duration("drain_timeout", {Millis{0}, Millis{3'600'000}}, settings.drain_timeout);
    table.table("limits", [&](TableReader& limits) { read_limits(limits, draft); });
    table.table("timeouts",
                [&](TableReader& timeouts) { read_timeouts(timeouts, settings.timeouts); });
    table.table("cache", [&](TableReader& cache) { read_cache(cache, settings.cache); });
    draft.says_sites = table.says_something("site");
    // Sites come last: they start from [cache] and [limits], wherever those stand in the file.
    table.tables("site", [&](TableReader& site) { read_site(site, draft); });
    table.finish();
}

// The site for every other host, made if there is none.
SiteSettings& default_site(Draft& draft)
{
    for (std::size_t i = 0; i < draft.site_origins.size(); ++i)
        if (!draft.site_origins[i].says_hosts) return draft.settings.sites[i];
    SiteSettings site;
    site.cache = draft.settings.cache;
    site.body_bytes = draft.settings.limits.body_bytes;
    draft.site_origins.push_back({Place{"--upstream"}, false, true});
    return draft.settings.sites.emplace_back(std::move(site));
}

void apply_upstreams(Draft& draft, const std::vector<std::string>& upstreams, ErrorList& errors)
{
    if (upstreams.empty()) return;
    SiteSettings& site = default_site(draft);
    site.upstreams.clear();
    const ValueReader reader{errors, Place{"--upstream"}, ""};
    for (const std::string& url : upstreams)
        reader.upstream(url, site.upstreams);
    for (SiteOrigin& origin : draft.site_origins)
        origin.says_upstreams = origin.says_upstreams || !origin.says_hosts;
}

void apply_listen(Draft& draft, const std::vector<std::string>& listen, ErrorList& errors)
{
    if (listen.empty()) return;
    draft.says_listen = true;
    draft.settings.listen.clear();
    const ValueReader reader{errors, Place{"--listen"}, ""};
    for (const std::string& address : listen)
        reader.listen(address, draft.settings.listen);
}

void apply_following(Draft& draft, const EdgeFlags& flags, ErrorList& errors)
{
    EdgeSettings& settings = draft.settings;
    const auto reader = [&](const char* flag) { return ValueReader{errors, Place{flag}, ""}; };
    if (flags.origin) {
        draft.origin_place = Place{"--origin"};
        reader("--origin").origin(*flags.origin, settings.origin);
    }
    if (flags.certs) reader("--certs").folder(*flags.certs, settings.certs);
    if (flags.data) reader("--data").folder(*flags.data, settings.data);
    if (const auto& text = flags.lease)
        reader("--lease").duration(parse_duration(*text), *text, kLease, settings.lease);
    if (flags.adrift) reader("--adrift").adrift(*flags.adrift, settings.adrift);
    draft.says_certs = draft.says_certs || flags.certs.has_value();
    draft.says_data = draft.says_data || flags.data.has_value();
}

void apply_flags(Draft& draft, const EdgeFlags& flags, ErrorList& errors)
{
    EdgeSettings& settings = draft.settings;
    const auto reader = [&](std::string flag) {
        return ValueReader{errors, Place{std::move(flag)}, ""};
    };
    apply_listen(draft, flags.listen, errors);
    apply_upstreams(draft, flags.upstream, errors);
    apply_following(draft, flags, errors);
    if (flags.admin) {
        draft.admin_place = Place{"--admin"};
        reader("--admin").admin(*flags.admin, settings.admin);
    }
    if (const auto& text = flags.workers)
        reader("--workers").number(parse_decimal(*text), *text, kWorkers, settings.workers);
    if (const auto& text = flags.memory)
        reader("--memory").size(parse_size(*text), *text, kMemory, settings.memory_bytes);
    if (flags.name) {
        draft.name_place = Place{"--name"};
        reader("--name").edge_name(*flags.name, settings.name);
    }
    if (flags.access_log) reader("--access-log").access_log(*flags.access_log, settings.access_log);
    if (flags.log_level) reader("--log-level").log_level(*flags.log_level, settings.log_level);
}

// A default gives way to what the memory allows; a wish beyond it is an error.
void settle_object_sizes(Draft& draft, ErrorList& errors)
{
    LimitSettings& limits = draft.settings.limits;
    const std::uint64_t most = draft.settings.memory_bytes / 4;
    if (!draft.max_object_place)
        limits.max_object_bytes = std::min(limits.max_object_bytes, most);
    else if (limits.max_object_bytes > most)
        errors.add(*draft.max_object_place,
                   "limits.max_object is more than a quarter of memory, which is " +
                       size_text(draft.settings.memory_bytes),
                   "at most " + size_text(most));

    if (!draft.range_fetch_place)
        limits.range_fetch_bytes = std::min(limits.range_fetch_bytes, limits.max_object_bytes);
    else if (limits.range_fetch_bytes > limits.max_object_bytes)
        errors.add(*draft.range_fetch_place,
                   "limits.range_fetch is more than limits.max_object: nothing so large is stored",
                   "at most " + size_text(limits.max_object_bytes));
}

void check_admin(const Draft& draft, ErrorList& errors)
{
    const EdgeSettings& settings = draft.settings;
    if (!settings.admin || settings.admin_allow_remote || is_loopback(*settings.admin)) return;
    errors.add(
        draft.admin_place.value_or(Place{}),
        quoted(text_of(*settings.admin)) + " lets other machines purge and read the status",
        "a loopback address such as \"127.0.0.1:8081\", or admin_allow_remote = true in the file");
}

// An edge proves to its origin who it is, and must know after a restart how far it had come.
void check_following(const Draft& draft, ErrorList& errors)
{
    if (!draft.origin_place) return;
    if (!draft.says_certs)
        errors.add(*draft.origin_place, "an edge that has an origin needs certificates",
                   "--certs DIR, or certs = \"/etc/tidemark/certs\" in a file");
    if (!draft.says_data)
        errors.add(*draft.origin_place, "an edge that has an origin needs a folder for its state",
                   "--data DIR, or data = \"/var/lib/tidemark\" in a file");
    // As `tidemark certs` takes them; NAME.pem is read.
    const std::string& name = draft.settings.name;
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789-_.";
    const bool taken = name == "origin" || name == "ca" || name == "crl";
    if (taken || name.size() > kCertificateNameBytesMax ||
        name.find_first_not_of(kPlain) != name.npos)
        errors.add(draft.name_place.value_or(*draft.origin_place),
                   quoted(name) + " cannot be the name of an edge's certificate",
                   "1 to 63 letters, digits, '-', '_' or '.', and neither origin, ca nor crl");
}

void check_sites(const Draft& draft, std::string_view file, ErrorList& errors)
{
    const SiteOrigin* other_hosts = nullptr;
    for (const SiteOrigin& origin : draft.site_origins) {
        if (!origin.says_upstreams)
            errors.add(origin.place, "this [[site]] has no upstreams",
                       "upstreams = [\"http://127.0.0.1:3000\"] or the like");
        if (origin.says_hosts) continue;
        if (other_hosts == nullptr)
            other_hosts = &origin;
        else
            errors.add(
                origin.place,
                "a second [[site]] without hosts: every other host already has the site in line " +
                    std::to_string(other_hosts->place.line),
                "hosts = [\"example.org\"] or the like");
    }
    if (draft.site_origins.empty() && !draft.says_sites)
        errors.add(Place{std::string{file}}, "there is no site to serve",
                   "--upstream http://HOST:PORT, or a [[site]] with upstreams in a file");
}

void check_whole(Draft& draft, std::string_view file, std::string_view default_name,
                 ErrorList& errors)
{
    if (!draft.says_listen)
        errors.add(Place{std::string{file}}, "there is no address to listen on",
                   "--listen ADDR:PORT, or listen = [\":8080\"] in a file");
    check_sites(draft, file, errors);
    check_admin(draft, errors);
    if (draft.settings.name.empty()) draft.settings.name = default_name;
    check_following(draft, errors);
    settle_object_sizes(draft, errors);
}
} // namespace

Result<EdgeSettings, ConfigErrors> parse_edge(std::string_view toml, std::string_view file,
                                              const EdgeFlags& flags, std::string_view default_name)
{
    const auto top = parse_toml(toml, file);
    if (!top) return fail(top.error());

    ErrorList errors;
    Draft draft;
    TableReader reader{*top, "", file, errors};
    read_top(reader, draft);
    apply_flags(draft, flags, errors);
    check_whole(draft, file, default_name, errors);
    if (!errors.empty()) return fail(std::move(errors).sorted());
    return std::move(draft.settings);
}
} // namespace tidemark::config
