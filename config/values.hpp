#pragma once
#include "config/error_list.hpp"
#include "config/token_settings.hpp"
#include "core/base/time.hpp"
#include "purge/frames.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Checks that the file's values and the flags' share. Each reports what is wrong with `name` at
// `at` and then leaves `into` alone.
namespace tidemark::config
{
template <class T> struct Range {
    T least;
    T most;
};
using NumberRange = Range<std::uint32_t>;
using SizeRange = Range<std::uint64_t>;
using DurationRange = Range<Millis>;
inline constexpr std::uint64_t kSizeMax = std::numeric_limits<std::int64_t>::max();

[[nodiscard]] std::string expected_text(NumberRange range);
[[nodiscard]] std::string expected_text(SizeRange range);
[[nodiscard]] std::string expected_text(DurationRange range);

using HostClaims = std::map<std::string, Place, std::less<>>;

class ValueReader
{
  public:
    ValueReader(ErrorList& errors, Place at, std::string name)
        : errors_(errors), at_(std::move(at)), name_(std::move(name))
    {
    }

    // `value` is nothing where `text`, as written, is no quantity at all.
    void number(std::optional<std::uint64_t> value, std::string_view text, NumberRange range,
                std::uint32_t& into) const;
    void size(std::optional<std::uint64_t> value, std::string_view text, SizeRange range,
              std::uint64_t& into) const;
    void duration(std::optional<Millis> value, std::string_view text, DurationRange range,
                  Millis& into) const;

    void edge_name(std::string_view text, std::string& into) const;
    void access_log(std::string_view text, std::string& into) const;
    void log_level(std::string_view text, log::Level& into) const;
    void listen(std::string_view text, std::vector<Address>& into) const;
    void admin(std::string_view text, std::optional<Address>& into) const;
    void upstream(std::string_view text, std::vector<UpstreamUrl>& into) const;

    // Where an origin listens for edges: TCP and UDP, so no unix socket, and a port.
    void link(std::string_view text, std::optional<Address>& into) const;
    // Where an edge connects to it.
    void origin(std::string_view text, std::optional<Address>& into) const;
    void folder(std::string_view text, std::string& into) const;
    void adrift(std::string_view text, purge::Adrift& into) const;
    void as_of_field(std::string_view text, std::optional<std::string>& into) const;

    // `others`: the tokens so far.
    void token_name(std::string_view text, const std::vector<TokenSettings>& others,
                    std::string& into) const;
    void token_hash(std::string_view text, std::array<std::uint8_t, 32>& into) const;
    void token_scope(std::string_view text, std::vector<TokenScope>& into) const;
    void token_site(std::string_view text, std::vector<std::string>& into) const;

    // `claims`: the hosts of all sites so far, with the place of each.
    void site_host(std::string_view text, HostClaims& claims, std::vector<std::string>& into) const;
    void field_name(std::string_view text, std::vector<std::string>& into) const;
    void stripped_field(std::string_view text, std::vector<std::string>& into) const;
    void upgrade(std::string_view text, std::vector<std::string>& into) const;
    void path_pattern(std::string_view text, std::string& into) const;
    void path_patterns(std::string_view text, std::vector<std::string>& into) const;
    // With one '*', at the end only.
    void query_pattern(std::string_view text, std::vector<std::string>& into) const;
    void keyed_cookie(std::string_view text, std::vector<std::string>& into) const;
    // '*' anywhere.
    void cookie_pattern(std::string_view text, std::vector<std::string>& into) const;
    void query_condition(std::string_view text, std::vector<std::string>& into) const;
    // "Name", or "Name: pattern".
    void field_condition(std::string_view text, std::vector<cache::FieldCondition>& into) const;
    void host_header(std::string_view text, std::optional<std::string>& into) const;
    void health_path(std::string_view text, std::string& into) const;

  private:
    void refuse(std::string_view text, std::string_view why, std::string expected,
                std::string nearest = {}) const;
    void refuse_range(std::string_view text, std::string expected) const;
    template <class T, class Value>
    [[nodiscard]] bool fits(const std::optional<Value>& value, std::string_view text,
                            std::string_view kind, const Range<T>& range) const;
    void add_once(std::string value, std::vector<std::string>& into) const;

    ErrorList& errors_;
    Place at_;
    std::string name_; // of the setting; "" for a flag, which the place names
};
} // namespace tidemark::config
