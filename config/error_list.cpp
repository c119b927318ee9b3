#include "config/error_list.hpp"

#include <algorithm>
#include <limits>

namespace tidemark::config
{
ConfigErrors ErrorList::sorted() &&
{
    const auto position = [](const ConfigError& e) {
        const std::uint32_t line = e.line == 0 ? std::numeric_limits<std::uint32_t>::max() : e.line;
        return std::pair{line, e.column};
    };
    std::ranges::stable_sort(errors_, {}, position);
    return std::move(errors_);
}

std::string text_of(const ConfigError& error)
{
    std::string out = error.source;
    if (error.line != 0)
        out += ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
    out += out.empty() ? "" : ": ";
    out += error.message;
    if (!error.expected.empty()) out += "; expected " + error.expected;
    if (!error.nearest.empty()) out += "; did you mean \"" + error.nearest + "\"?";
    return out;
}
} // namespace tidemark::config
