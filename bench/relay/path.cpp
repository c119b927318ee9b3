#include "bench/relay/path.hpp"

#include <algorithm>
#include <cmath>

namespace tidemark::bench
{
namespace
{
// The same numbers with every standard library, in [0, 1).
double drawn(std::mt19937_64& random)
{
    return static_cast<double>(random() >> 11) * 0x1p-53;
}

Nanos share_of(Nanos whole, double share)
{
    return Nanos{static_cast<std::int64_t>(static_cast<double>(whole.count()) * share)};
}
} // namespace

void Path::set(const PathConditions& conditions)
{
    conditions_ = conditions;
    conditions_.loss = std::clamp(conditions.loss, 0.0, 1.0);
    conditions_.duplicate = std::clamp(conditions.duplicate, 0.0, 1.0);
    began_ = false;
}

Fate Path::next(MonoTime now)
{
    // As many draws for one datagram as for any other, so that the n-th has its fate whatever
    // became of those before it.
    const bool unlucky = drawn(fates_) < conditions_.loss;
    const bool twice = drawn(fates_) < conditions_.duplicate;
    Fate fate;
    fate.delay = drawn_delay();
    const Nanos copy_delay = drawn_delay();
    if (twice) fate.copy_delay = copy_delay;
    fate.lost = conditions_.burst > Nanos{0} ? bad_at(now) : unlucky;
    return fate;
}

Nanos Path::drawn_delay()
{
    return conditions_.delay + share_of(conditions_.jitter, drawn(fates_));
}

bool Path::bad_at(MonoTime now)
{
    if (conditions_.loss <= 0 || conditions_.loss >= 1) return conditions_.loss >= 1;
    // After a long silence nothing of the spells before it is left to see.
    constexpr int kForgottenAfter = 1000;
    if (!began_ || now - spell_ends_ > conditions_.burst * kForgottenAfter) begin_spells(now);
    while (spell_ends_ <= now) {
        bad_ = !bad_;
        spell_ends_ += drawn_spell();
    }
    return bad_;
}

void Path::begin_spells(MonoTime now)
{
    began_ = true;
    bad_ = drawn(spells_) < conditions_.loss;
    spell_ends_ = now + drawn_spell();
}

Nanos Path::drawn_spell()
{
    const double good_per_bad = (1 - conditions_.loss) / conditions_.loss;
    const double mean_in_bursts = bad_ ? 1 : good_per_bad;
    const Nanos spell = share_of(conditions_.burst, -mean_in_bursts * std::log1p(-drawn(spells_)));
    return std::max(spell, Nanos{1});
}
} // namespace tidemark::bench
