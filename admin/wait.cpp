#include "admin/wait.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace tidemark::admin
{
namespace
{
// The seconds of "wait=N" among comma-separated preferences.
std::optional<std::uint64_t> preferred_seconds(std::string_view prefer)
{
    while (!prefer.empty()) {
        const std::size_t comma = prefer.find(',');
        const std::string_view one = trim(prefer.substr(0, comma));
        prefer.remove_prefix(comma == std::string_view::npos ? prefer.size() : comma + 1);
        const std::size_t equals = one.find('=');
        if (equals == std::string_view::npos || !iequals(trim(one.substr(0, equals)), "wait"))
            continue;
        std::string_view value = trim(one.substr(equals + 1, one.find(';', equals) - equals - 1));
        if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
        return parse_decimal(value);
    }
    return std::nullopt;
}

Millis bounded(std::uint64_t seconds)
{
    const auto most = static_cast<std::uint64_t>(kWaitMax.count());
    return Millis{static_cast<std::int64_t>(std::min(seconds, most)) * 1000};
}

bool read_condition(std::string_view text, Wait& wait)
{
    if (text == "all") return true;
    const bool percent = text.ends_with('%');
    if (percent) text.remove_suffix(1);
    const auto number = parse_decimal(text);
    if (!number || (percent && *number > 100)) return false;
    wait.what = percent ? Wait::For::share : Wait::For::count;
    wait.number = *number;
    return true;
}
} // namespace

bool Wait::met(const purge::VersionReport& report) const
{
    const std::uint64_t clean = report.clean();
    if (what == For::count) return clean >= number;
    return clean * 100 >= number * report.edges.size();
}

Result<std::optional<Wait>, Problem> wait_of(std::string_view prefer, const Parameters& parameters)
{
    const auto preferred = preferred_seconds(prefer);
    const std::string* condition = parameters.find("wait");
    const std::string* timeout = parameters.find("timeout");
    if (!preferred && condition == nullptr && timeout == nullptr) return std::nullopt;
    Wait wait;
    if (preferred) wait.timeout = bounded(*preferred);
    if (condition != nullptr && !read_condition(*condition, wait))
        return fail(
            Problem{400, "Invalid parameter", "expected all, N% or a number of edges", "wait"});
    if (timeout != nullptr) {
        const auto seconds = parse_decimal(*timeout);
        if (!seconds)
            return fail(Problem{400, "Invalid parameter", "expected whole seconds", "timeout"});
        wait.timeout = bounded(*seconds);
    }
    return wait;
}
} // namespace tidemark::admin
