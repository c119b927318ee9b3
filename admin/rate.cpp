#include "admin/rate.hpp"

#include <algorithm>
#include <cmath>

namespace tidemark::admin
{
std::optional<Seconds> Rate::take(std::uint64_t count, MonoTime now) noexcept
{
    if (per_second_ == 0) return std::nullopt;
    const std::chrono::duration<double> since = now - filled_at_.value_or(now);
    filled_at_ = now;
    left_ = std::min<double>(per_second_, left_ + since.count() * per_second_);
    const double needed = std::min<double>(per_second_, static_cast<double>(count));
    if (left_ < needed)
        return Seconds{std::max(
            std::int64_t{1}, static_cast<std::int64_t>(std::ceil((needed - left_) / per_second_)))};
    left_ -= static_cast<double>(count);
    return std::nullopt;
}
} // namespace tidemark::admin
