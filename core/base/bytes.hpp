#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

// Bytes as they travel and as they are kept. Integers are big-endian. A varint is base 128, low
// group first, the top bit says that more follow (LEB128); only its shortest form is accepted, so
// a value has one encoding.
namespace tidemark
{
using Bytes = std::string;
using ByteView = std::string_view;

inline constexpr std::size_t kVarintBytesMax = 10;

[[nodiscard]] constexpr std::size_t varint_bytes(std::uint64_t value) noexcept
{
    std::size_t bytes = 1;
    for (; value >= 0x80; value >>= 7)
        ++bytes;
    return bytes;
}

enum class ReadFault : std::uint8_t {
    none,
    truncated, // the bytes ended early: more of them may make it whole
    corrupt,   // more bytes will not help
};

// Reads from the front of borrowed bytes. The first fault stays: from then on every read gives zero
// or nothing, so that a decoder may read all its fields and ask once. Views it returns borrow from
// the bytes it was made of.
class ByteReader
{
  public:
    explicit ByteReader(ByteView bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(fixed(1)); }
    [[nodiscard]] std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(fixed(2)); }
    [[nodiscard]] std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(fixed(4)); }
    [[nodiscard]] std::uint64_t u64() noexcept { return fixed(8); }
    [[nodiscard]] std::uint64_t varint() noexcept
    {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint64_t byte = u8();
            if (!ok()) return 0;
            const std::uint64_t group = byte & 0x7F;
            const bool overflows = shift == 63 && group > 1;
            const bool padded = byte == 0 && shift > 0;
            if (overflows || padded) break;
            value |= group << shift;
            if (byte < 0x80) return value;
        }
        set_corrupt();
        return 0;
    }
    // A varint of at most `max`; more is corrupt.
    [[nodiscard]] std::uint64_t varint(std::uint64_t max) noexcept
    {
        const std::uint64_t value = varint();
        if (value <= max) return value;
        set_corrupt();
        return 0;
    }
    [[nodiscard]] ByteView take(std::size_t count) noexcept
    {
        if (!has(count)) return {};
        const ByteView taken = bytes_.substr(0, count);
        bytes_.remove_prefix(count);
        return taken;
    }
    // A varint length of at most `max`, then as many bytes.
    [[nodiscard]] ByteView text(std::size_t max) noexcept
    {
        return take(static_cast<std::size_t>(varint(max)));
    }
    [[nodiscard]] ByteView rest() noexcept { return take(bytes_.size()); }

    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size(); }
    [[nodiscard]] bool ok() const noexcept { return fault_ == ReadFault::none; }
    [[nodiscard]] ReadFault fault() const noexcept { return fault_; }
    // What the reader's owner found wrong.
    void set_corrupt() noexcept { set_fault(ReadFault::corrupt); }

  private:
    void set_fault(ReadFault fault) noexcept
    {
        if (fault_ == ReadFault::none) fault_ = fault;
    }
    [[nodiscard]] bool has(std::size_t count) noexcept
    {
        if (ok() && bytes_.size() < count) set_fault(ReadFault::truncated);
        return ok();
    }
    [[nodiscard]] std::uint64_t fixed(std::size_t count) noexcept
    {
        std::uint64_t value = 0;
        for (const char c : take(count))
            value = value << 8 | static_cast<std::uint8_t>(c);
        return value;
    }

    ByteView bytes_;
    ReadFault fault_ = ReadFault::none;
};

// Appends to bytes of its owner's, which outlive it, up to a size. What does not fit is left out
// whole and remembered: rewind() takes everything since a mark back and forgets it.
class ByteWriter
{
  public:
    explicit ByteWriter(Bytes& out,
                        std::size_t size_max = std::numeric_limits<std::size_t>::max()) noexcept
        : out_(out), size_max_(size_max)
    {
    }

    void u8(std::uint8_t value) { fixed(value, 1); }
    void u16(std::uint16_t value) { fixed(value, 2); }
    void u32(std::uint32_t value) { fixed(value, 4); }
    void u64(std::uint64_t value) { fixed(value, 8); }
    void varint(std::uint64_t value)
    {
        char groups[kVarintBytesMax];
        std::size_t count = 0;
        for (; value >= 0x80; value >>= 7)
            groups[count++] = static_cast<char>(value | 0x80);
        groups[count++] = static_cast<char>(value);
        bytes({groups, count});
    }
    void bytes(ByteView value)
    {
        if (overflowed_ || value.size() > room()) {
            overflowed_ = true;
            return;
        }
        out_.append(value);
    }
    void text(ByteView value)
    {
        varint(value.size());
        bytes(value);
    }

    [[nodiscard]] std::size_t size() const noexcept { return out_.size(); }
    [[nodiscard]] std::size_t room() const noexcept
    {
        return size_max_ > out_.size() ? size_max_ - out_.size() : 0;
    }
    [[nodiscard]] bool ok() const noexcept { return !overflowed_; }
    // Back to when size() was `mark`.
    void rewind(std::size_t mark)
    {
        out_.resize(mark);
        overflowed_ = false;
    }

  private:
    void fixed(std::uint64_t value, std::size_t count)
    {
        char octets[8];
        for (std::size_t i = 0; i < count; ++i)
            octets[i] = static_cast<char>(value >> (8 * (count - 1 - i)));
        bytes({octets, count});
    }

    Bytes& out_;
    std::size_t size_max_;
    bool overflowed_ = false;
};
} // namespace tidemark
