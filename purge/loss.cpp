#include "purge/loss.hpp"

#include <algorithm>
#include <cmath>

namespace tidemark::purge
{
void LossEstimate::on_report(std::uint64_t highest, std::uint64_t received) noexcept
{
    if (highest <= highest_ || received < received_ || received > highest) return;
    const auto sent = static_cast<double>(highest - highest_);
    // What overtook and is counted only now can make more come than were sent since.
    const double came = std::min(sent, static_cast<double>(received - received_));
    highest_ = highest;
    received_ = received;
    samples_ += sent;
    lost_ += sent - came;
    if (samples_ > kSamplesMax) {
        lost_ *= kSamplesMax / samples_;
        samples_ = kSamplesMax;
    }
}

double LossEstimate::loss() const noexcept
{
    if (samples_ < kSamplesMin) return kAssumed;
    const double share = lost_ / samples_;
    const double error = std::sqrt(share * (1 - share) / samples_);
    return std::min(share + error, kLossMax);
}

namespace
{
// The fewest tries, `least` … `most`, that all fail with a chance of at most `chance`.
unsigned tries_for(double failure, double chance, unsigned least, unsigned most) noexcept
{
    unsigned tries = least;
    // Powers of 0.1 are not exact.
    const double limit = chance * (1 + 1e-9);
    for (double all = std::pow(failure, least); all > limit && tries < most; all *= failure)
        ++tries;
    return tries;
}
} // namespace

unsigned copies_for(double loss) noexcept
{
    return tries_for(loss, 1e-4, 2, 16);
}

unsigned rounds_until_silent(double loss) noexcept
{
    const double unanswered = 1 - (1 - loss) * (1 - loss);
    return tries_for(unanswered, 1e-4, 8, 32);
}
} // namespace tidemark::purge
