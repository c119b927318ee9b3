#pragma once
#include "core/base/bytes.hpp"
#include "purge/message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

// Which versions one side holds, and how it tells the other in few bytes.
namespace tidemark::purge
{
struct VersionRange { // both ends belong to it
    Version first = 0;
    Version last = 0;
    friend bool operator==(const VersionRange&, const VersionRange&) = default;
};

// A set of versions: all up to a mark, and ranges beyond it. Bounded: what would need one range
// too many is not taken; it comes again, as if it had been lost.
class VersionSet
{
  public:
    static constexpr std::size_t kRangesMax = 65536;
    explicit VersionSet(Version contiguous = 0, std::size_t ranges_max = kRangesMax)
        : contiguous_(contiguous), ranges_max_(ranges_max)
    {
    }

    enum class Added : std::uint8_t { fresh, known, full };
    Added add(Version version); // from 1
    // Everything up to `version`: a snapshot came.
    void add_through(Version version);

    [[nodiscard]] bool contains(Version version) const;
    // Holds this one and all before it.
    [[nodiscard]] Version contiguous() const noexcept { return contiguous_; }
    [[nodiscard]] Version highest() const noexcept;
    // Beyond contiguous(): first → last; apart from it and from each other.
    [[nodiscard]] const std::map<Version, Version>& ranges() const noexcept { return ranges_; }
    // What is not there of contiguous() + 1 … `up_to`, in order.
    [[nodiscard]] std::vector<VersionRange> missing(Version up_to) const;

  private:
    void absorb_front();

    Version contiguous_;
    std::size_t ranges_max_;
    std::map<Version, Version> ranges_;
};

// What an acknowledgement tells: all up to `contiguous`, and of the `span` versions behind it all
// but `missing`. Nothing about what lies further.
struct Received {
    Version contiguous = 0;
    std::uint64_t span = 0;
    std::vector<VersionRange> missing; // in order, apart, within the span

    [[nodiscard]] bool covers(Version version) const;
    friend bool operator==(const Received&, const Received&) = default;
};

inline constexpr Version kVersionMax = std::uint64_t{1} << 62;
inline constexpr std::uint64_t kSpanMax = std::uint64_t{1} << 40;

// What `set` tells about the versions up to `up_to`.
[[nodiscard]] Received received_of(const VersionSet& set, Version up_to);

// The span and its gaps, in the shortest of three forms (v is a varint):
//   v     span × 4 + form: 0 the missing are named, 1 the received are named, 2 bitmap
//   form 0 and 1: pairs, until the span is used up:
//     v     skip × 2 + run: so many are not named; then one is, or with `run` several
//     v     with run: how many, 2…; 0: all that are left, at least 2
//     A skip over all that are left, without run, ends the list. Runs do not touch.
//   form 2: ⌈span / 8⌉ bytes, low bit first, 1: missing; spare bits are 0
// A gap without holes takes at most 13 bytes, random loss less than 2.5 times what its information
// theory asks for (tested).
// Appends at most `bytes_max`: the span is shortened until it fits, and at last empty (1 byte).
// Returns the span that was written.
std::uint64_t encode_gaps(const Received& received, ByteWriter& to, std::size_t bytes_max);
// Reads what encode_gaps() wrote, for versions behind `contiguous`. Faults stay in `from`.
// Bounded: at most four ranges for each byte read.
[[nodiscard]] Received decode_gaps(ByteReader& from, Version contiguous);
} // namespace tidemark::purge
