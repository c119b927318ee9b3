#include "config/nearest.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace tidemark::config
{
namespace
{
constexpr std::size_t kNameBytesMax = 64;
using Row = std::array<std::size_t, kNameBytesMax + 1>;

bool same(char a, char b) noexcept
{
    return to_lower(a) == to_lower(b);
}

// Optimal string alignment: three rows of the usual matrix, the oldest for swaps.
std::size_t edit_distance(std::string_view a, std::string_view b) noexcept
{
    Row before{}, above{}, row{};
    std::iota(above.begin(), above.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
            row[j] = std::min({replace, above[j] + 1, row[j - 1] + 1});
            const bool swapped =
                i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
    }
    return above[b.size()];
}
} // namespace

std::string nearest_name(std::string_view text, std::span<const std::string_view> names)
{
    if (text.size() > kNameBytesMax) return {};
    std::string_view best;
    std::size_t best_distance = kNameBytesMax + 1;
    for (const std::string_view name : names) {
        if (name.size() > kNameBytesMax) continue;
        const std::size_t distance = edit_distance(text, name);
        if (distance * 3 > std::max(text.size(), name.size()) || distance >= best_distance)
            continue;
        best = name;
        best_distance = distance;
    }
    return std::string{best};
}
} // namespace tidemark::config
