#include "purge/ack_ranges.hpp"

#include "core/base/check.hpp"

#include <algorithm>
#include <iterator>

namespace tidemark::purge
{
// ---- the set

void VersionSet::absorb_front()
{
    while (!ranges_.empty() && ranges_.begin()->first <= contiguous_ + 1) {
        contiguous_ = std::max(contiguous_, ranges_.begin()->second);
        ranges_.erase(ranges_.begin());
    }
}

VersionSet::Added VersionSet::add(Version version)
{
    if (contains(version)) return Added::known;
    if (version == contiguous_ + 1) {
        contiguous_ = version;
        absorb_front();
        return Added::fresh;
    }
    const auto after = ranges_.upper_bound(version);
    const bool joins_after = after != ranges_.end() && after->first == version + 1;
    const bool joins_before = after != ranges_.begin() && std::prev(after)->second + 1 == version;
    if (!joins_after && !joins_before && ranges_.size() >= ranges_max_) return Added::full;

    const Version last = joins_after ? after->second : version;
    if (joins_before)
        std::prev(after)->second = last;
    else
        ranges_.emplace_hint(after, version, last);
    if (joins_after) ranges_.erase(after);
    return Added::fresh;
}

void VersionSet::add_through(Version version)
{
    contiguous_ = std::max(contiguous_, version);
    absorb_front();
}

bool VersionSet::contains(Version version) const
{
    if (version <= contiguous_) return true;
    const auto after = ranges_.upper_bound(version);
    return after != ranges_.begin() && std::prev(after)->second >= version;
}

Version VersionSet::highest() const noexcept
{
    return ranges_.empty() ? contiguous_ : ranges_.rbegin()->second;
}

std::vector<VersionRange> VersionSet::missing(Version up_to) const
{
    std::vector<VersionRange> gaps;
    Version next = contiguous_ + 1;
    for (const auto& [first, last] : ranges_) {
        if (first > up_to) break;
        gaps.push_back({next, first - 1});
        next = last + 1;
    }
    if (next <= up_to) gaps.push_back({next, up_to});
    return gaps;
}

// ---- what is told

bool Received::covers(Version version) const
{
    if (version <= contiguous) return true;
    if (version - contiguous > span) return false;
    const auto after =
        std::upper_bound(missing.begin(), missing.end(), version,
                         [](Version v, const VersionRange& range) { return v < range.first; });
    return after == missing.begin() || std::prev(after)->last < version;
}

Received received_of(const VersionSet& set, Version up_to)
{
    const Version contiguous = set.contiguous();
    const std::uint64_t span =
        up_to > contiguous ? std::min<std::uint64_t>(up_to - contiguous, kSpanMax) : 0;
    return {contiguous, span, set.missing(contiguous + span)};
}

namespace
{
enum class Form : std::uint8_t { missing = 0, received = 1, bitmap = 2 };

// Positions count from 1, the first version behind the mark, to the span.
struct Run {
    std::uint64_t first;
    std::uint64_t last;
};
using Runs = std::vector<Run>;

Runs missing_runs(const Received& received, std::uint64_t span)
{
    Runs runs;
    for (const VersionRange& gap : received.missing) {
        const std::uint64_t first = gap.first - received.contiguous;
        if (first > span) break;
        runs.push_back({first, std::min(gap.last - received.contiguous, span)});
    }
    return runs;
}

Runs complement(const Runs& runs, std::uint64_t span)
{
    Runs others;
    std::uint64_t next = 1;
    for (const Run& run : runs) {
        if (next < run.first) others.push_back({next, run.first - 1});
        next = run.last + 1;
    }
    if (next <= span) others.push_back({next, span});
    return others;
}

// The pairs as numbers, so that counting and writing cannot disagree.
template <class Emit> void each_number(const Runs& runs, std::uint64_t span, Emit&& emit)
{
    std::uint64_t done = 0;
    for (const Run& run : runs) {
        const std::uint64_t skip = run.first - 1 - done;
        const std::uint64_t count = run.last - run.first + 1;
        emit(skip << 1 | (count > 1 ? 1U : 0U));
        if (count > 1) emit(run.last == span ? 0 : count);
        done = run.last;
    }
    if (done < span) emit((span - done) << 1);
}

std::size_t list_bytes(const Runs& runs, std::uint64_t span)
{
    std::size_t bytes = 0;
    each_number(runs, span, [&](std::uint64_t number) { bytes += varint_bytes(number); });
    return bytes;
}

std::size_t bitmap_bytes(std::uint64_t span)
{
    return static_cast<std::size_t>((span + 7) / 8);
}

struct Plan {
    std::uint64_t span = 0;
    Form form = Form::missing;
    Runs named; // of form bitmap: the missing
    std::size_t bytes = 1;
};

std::uint64_t front_of(const Plan& plan)
{
    return plan.span << 2 | static_cast<std::uint64_t>(plan.form);
}

Plan plan_for(const Received& received, std::uint64_t span)
{
    Plan plan;
    plan.span = span;
    plan.named = missing_runs(received, span);
    Runs others = complement(plan.named, span);
    const std::size_t missing = list_bytes(plan.named, span);
    const std::size_t had = list_bytes(others, span);
    const std::size_t shorter = std::min(missing, had);
    if (bitmap_bytes(span) < shorter) {
        plan.form = Form::bitmap;
    } else if (had < missing) {
        plan.form = Form::received;
        plan.named = std::move(others);
    }
    plan.bytes = std::min(shorter, bitmap_bytes(span)) + varint_bytes(front_of(plan));
    return plan;
}

// As much of the span as fits, within a few tries: the bytes grow with the span.
Plan plan_within(const Received& received, std::size_t bytes_max)
{
    Plan plan = plan_for(received, received.span);
    while (plan.bytes > bytes_max && plan.span > 0) {
        const double share = static_cast<double>(bytes_max) / static_cast<double>(plan.bytes);
        const auto span = static_cast<std::uint64_t>(static_cast<double>(plan.span) * share * 0.95);
        plan = plan_for(received, span);
    }
    return plan;
}

void write_bitmap(const Runs& missing, std::uint64_t span, ByteWriter& to)
{
    Bytes bits(bitmap_bytes(span), '\0');
    for (const Run& run : missing)
        for (std::uint64_t i = run.first - 1; i < run.last; ++i)
            bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << i % 8);
    to.bytes(bits);
}

// ---- reading

Runs read_list(ByteReader& from, std::uint64_t span)
{
    Runs runs;
    std::uint64_t done = 0;
    while (done < span && from.ok()) {
        const std::uint64_t number = from.varint();
        const std::uint64_t left = span - done;
        const std::uint64_t skip = number >> 1;
        const bool run = (number & 1) != 0;
        if (!from.ok() || (skip == left && !run)) break;
        const std::uint64_t given = run ? from.varint() : 1;
        const std::uint64_t count = given == 0 ? left - std::min(skip, left) : given;
        const bool touches = skip == 0 && !runs.empty();
        const bool too_short = run && count < 2;
        // A run up to the end is written as 0.
        if (skip >= left || touches || too_short || count > left - skip ||
            (run && given != 0 && count == left - skip)) {
            from.set_corrupt();
            break;
        }
        runs.push_back({done + skip + 1, done + skip + count});
        done += skip + count;
    }
    return runs;
}

Runs read_bitmap(ByteReader& from, std::uint64_t span)
{
    const ByteView bits = from.take(bitmap_bytes(span));
    const auto bit = [&](std::uint64_t i) {
        return (static_cast<std::uint8_t>(bits[i / 8]) >> i % 8 & 1) != 0;
    };
    Runs runs;
    for (std::uint64_t i = 0; i < bits.size() * 8; ++i) {
        if (!bit(i)) continue;
        if (i >= span) {
            from.set_corrupt();
            break;
        }
        if (!runs.empty() && runs.back().last == i)
            runs.back().last = i + 1;
        else
            runs.push_back({i + 1, i + 1});
    }
    return runs;
}

Runs read_missing(ByteReader& from, Form form, std::uint64_t span)
{
    switch (form) {
    case Form::missing:
        return read_list(from, span);
    case Form::received:
        return complement(read_list(from, span), span);
    case Form::bitmap:
        return read_bitmap(from, span);
    }
    from.set_corrupt();
    return {};
}
} // namespace

std::uint64_t encode_gaps(const Received& received, ByteWriter& to, std::size_t bytes_max)
{
    TIDEMARK_CHECK(received.span <= kSpanMax);
    const Plan plan = plan_within(received, bytes_max);
    to.varint(front_of(plan));
    if (plan.form == Form::bitmap)
        write_bitmap(plan.named, plan.span, to);
    else
        each_number(plan.named, plan.span, [&](std::uint64_t number) { to.varint(number); });
    return plan.span;
}

Received decode_gaps(ByteReader& from, Version contiguous)
{
    const std::uint64_t front = from.varint(kSpanMax << 2 | 3);
    Received received{contiguous, front >> 2, {}};
    if (contiguous > kVersionMax || received.span > kSpanMax) from.set_corrupt();
    if (!from.ok()) return {};
    for (const Run& run : read_missing(from, static_cast<Form>(front & 3), received.span))
        received.missing.push_back({contiguous + run.first, contiguous + run.last});
    return from.ok() ? received : Received{};
}
} // namespace tidemark::purge
