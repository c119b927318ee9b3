#include "config/origin_config.hpp"

#include "config/quoted.hpp"
#include "config/table_reader.hpp"
#include "config/tokens.hpp"
#include "config/units.hpp"
#include "config/values.hpp"

namespace tidemark::config
{
namespace
{
constexpr Millis kHour{3'600'000};

// Settings on their way, with what is to be pointed at once file and flags are both in.
struct OriginDraft {
    OriginSettings settings;
    std::optional<Address> admin;
    std::optional<Address> link;
    std::optional<Place> admin_place; // where one is said, rightly or not
    std::optional<Place> link_place;
    bool says_data = false;
    bool says_certs = false;
    Place lease_place;
};

void read_retention(TableReader& table, RetentionSettings& retention)
{
    table.number("versions", {1'000, 4'000'000'000}, retention.versions);
    table.duration("age", {Millis{60'000}, kHour * 24 * 3650}, retention.age);
}

void read_limits(TableReader& table, OriginLimitSettings& limits)
{
    table.size("body", {1 << 10, 1ULL << 30}, limits.body_bytes);
    table.size("push", {0, 1ULL << 40}, limits.push_bytes);
    table.number("selectors", {1, 1'000'000}, limits.selectors);
    table.number("versions_per_second", {0, 100'000'000}, limits.versions_per_second);
}

void read_top(TableReader& table, OriginDraft& draft)
{
    OriginSettings& settings = draft.settings;
    if (table.has("admin")) draft.admin_place = table.place_of("admin");
    if (table.has("link")) draft.link_place = table.place_of("link");
    draft.says_data = table.has("data");
    draft.says_certs = table.has("certs");
    draft.lease_place = table.place_of("lease_max");

    table.text("admin", "an address such as \"127.0.0.1:7100\"", &ValueReader::admin, draft.admin);
    table.flag("admin_allow_remote", settings.admin_allow_remote);
    table.text("link", "an address such as \":7101\"", &ValueReader::link, draft.link);
    table.text("data", "a folder", &ValueReader::folder, settings.data);
    table.text("certs", "a folder", &ValueReader::folder, settings.certs);
    table.text("log_level", "a level such as \"info\"", &ValueReader::log_level,
               settings.log_level);
    table.duration("heartbeat", {Millis{10}, Millis{10'000}}, settings.heartbeat);
    table.duration("lease_max", {Millis{500}, kHour}, settings.lease_max);
    table.table("retention",
                [&](TableReader& retention) { read_retention(retention, settings.retention); });
    table.table("limits", [&](TableReader& limits) { read_limits(limits, settings.limits); });
    table.tables("token", [&](TableReader& token) { read_token(token, settings.tokens); });
    table.finish();
}

void apply_flags(OriginDraft& draft, const OriginFlags& flags, ErrorList& errors)
{
    OriginSettings& settings = draft.settings;
    const auto reader = [&](const char* flag) { return ValueReader{errors, Place{flag}, ""}; };
    if (flags.admin) {
        draft.admin_place = Place{"--admin"};
        reader("--admin").admin(*flags.admin, draft.admin);
    }
    if (flags.link) {
        draft.link_place = Place{"--link"};
        reader("--link").link(*flags.link, draft.link);
    }
    if (flags.data) reader("--data").folder(*flags.data, settings.data);
    if (flags.certs) reader("--certs").folder(*flags.certs, settings.certs);
    if (flags.log_level) reader("--log-level").log_level(*flags.log_level, settings.log_level);
    draft.says_data = draft.says_data || flags.data.has_value();
    draft.says_certs = draft.says_certs || flags.certs.has_value();
}

void check_admin(const OriginDraft& draft, ErrorList& errors)
{
    if (!draft.admin || draft.settings.admin_allow_remote || is_loopback(*draft.admin)) return;
    errors.add(*draft.admin_place, quoted(text_of(*draft.admin)) + " lets other machines purge",
               "a loopback address such as \"127.0.0.1:7100\", or admin_allow_remote = true in the "
               "file");
}

void check_whole(OriginDraft& draft, std::string_view file, ErrorList& errors)
{
    const auto missing = [&](bool there, const char* what, const char* expected) {
        if (!there) errors.add(Place{std::string{file}}, what, expected);
    };
    missing(draft.admin_place.has_value(), "there is no address for purges",
            "--admin ADDR:PORT, or admin = \"127.0.0.1:7100\" in a file");
    missing(draft.link_place.has_value(), "there is no address for the edges",
            "--link ADDR:PORT, or link = \":7101\" in a file");
    missing(draft.says_data, "there is no folder for the journal",
            "--data DIR, or data = \"/var/lib/tidemark\" in a file");
    missing(draft.says_certs, "there are no certificates",
            "--certs DIR, or certs = \"/etc/tidemark/certs\" in a file (tidemark certs init makes "
            "them)");
    check_admin(draft, errors);
    const OriginSettings& settings = draft.settings;
    if (settings.lease_max < settings.heartbeat * 2)
        errors.add(draft.lease_place,
                   "lease_max is " + duration_text(settings.lease_max) +
                       ": a lease would run out between two heartbeats",
                   "at least " + duration_text(settings.heartbeat * 2));
    draft.settings.admin = draft.admin.value_or(Address{});
    draft.settings.link = draft.link.value_or(Address{});
}
} // namespace

Result<OriginSettings, ConfigErrors> parse_origin(std::string_view toml, std::string_view file,
                                                  const OriginFlags& flags)
{
    const auto top = parse_toml(toml, file);
    if (!top) return fail(top.error());

    ErrorList errors;
    OriginDraft draft;
    TableReader reader{*top, "", file, errors};
    read_top(reader, draft);
    apply_flags(draft, flags, errors);
    check_whole(draft, file, errors);
    if (!errors.empty()) return fail(std::move(errors).sorted());
    return std::move(draft.settings);
}
} // namespace tidemark::config
