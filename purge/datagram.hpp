#pragma once
#include "core/base/bytes.hpp"
#include "core/base/result.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

struct evp_cipher_ctx_st;

// Sealed datagrams. Only who holds the key of a direction and epoch can make one that opens, and it
// opens once.
//   offset size  field, all of it authenticated
//        0    1  wire version: 1
//        1    2  epoch of the key
//        3    4  link: names the edge; chosen by the origin
//        7    8  packet number, from 1, each once under a key
//       15    n  frames, encrypted
//     15+n   16  tag
// AES-256-GCM (RFC 5116 §5.2); the nonce is 4 zero bytes and the packet number, the associated data
// the first 15 bytes. A key belongs to one direction and one epoch, so a nonce never comes twice.
namespace tidemark::purge
{
inline constexpr std::uint8_t kDatagramVersion = 1;
inline constexpr std::size_t kDatagramBytesMax = 1200;
inline constexpr std::size_t kDatagramFrontBytes = 15;
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kPayloadBytesMax = kDatagramBytesMax - kDatagramFrontBytes - kTagBytes;

using DatagramKey = std::array<std::uint8_t, 32>;
// Whose datagrams these are and under which keys.
struct DatagramIdentity {
    std::uint32_t link = 0;
    std::uint16_t epoch = 0;
};

// One key, set up once and used for many datagrams.
class Aes256Gcm
{
  public:
    enum class Use : std::uint8_t { seal, open };
    Aes256Gcm(const DatagramKey& key, Use use);
    ~Aes256Gcm();
    Aes256Gcm(Aes256Gcm&&) noexcept;
    Aes256Gcm& operator=(Aes256Gcm&&) noexcept;

    // Appends the sealed `plain` and its tag to `out`.
    void seal(std::uint64_t number, ByteView associated, ByteView plain, Bytes& out);
    // Appends the plain text to `out`; false: not what was sealed, and `out` is as it was.
    [[nodiscard]] bool open(std::uint64_t number, ByteView associated, ByteView sealed, Bytes& out);

  private:
    struct Free {
        void operator()(evp_cipher_ctx_st* context) const noexcept;
    };
    void set_nonce(std::uint64_t number);
    std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

// The sending side of one link, direction and epoch.
class Sealer
{
  public:
    Sealer(const DatagramKey& key, DatagramIdentity identity)
        : cipher_(key, Aes256Gcm::Use::seal), identity_(identity)
    {
    }

    // Replaces `out` by a datagram with these frames, 1 … kPayloadBytesMax bytes (checked). False,
    // and nothing happens: the key is used up, a new epoch is overdue.
    [[nodiscard]] bool seal(ByteView frames, Bytes& out);
    // The greatest packet number used.
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
    // Time to agree on a new epoch: long before the key is used up.
    [[nodiscard]] bool wants_new_epoch() const noexcept { return sent_ >= kKeyUsesMax / 2; }

    static constexpr std::uint64_t kKeyUsesMax = std::uint64_t{1} << 28;

  private:
    Aes256Gcm cipher_;
    DatagramIdentity identity_;
    std::uint64_t sent_ = 0;
};

// Which packet numbers came: the last 1024 by number, everything older counts as come.
class ReplayWindow
{
  public:
    static constexpr std::uint64_t kSize = 1024;
    enum class Place : std::uint8_t { fresh, seen, too_old };
    [[nodiscard]] Place place_of(std::uint64_t number) const noexcept;
    void mark(std::uint64_t number) noexcept; // was fresh
    [[nodiscard]] std::uint64_t highest() const noexcept { return highest_; }

  private:
    [[nodiscard]] static std::uint64_t bit_of(std::uint64_t number) noexcept
    {
        return std::uint64_t{1} << number % 64;
    }
    std::array<std::uint64_t, kSize / 64> seen_{};
    std::uint64_t highest_ = 0;
};

enum class DatagramError : std::uint8_t {
    size,    // too short or too long for any datagram
    version, // of another wire version
    link,    // another edge's
    epoch,   // under a key that is not held
    replayed,
    too_old, // behind the replay window: it may have come before
    forged,  // the tag does not fit: forged, damaged, or sealed for someone else
};
inline constexpr std::size_t kDatagramErrors = 7;

// The link of a datagram, before anything is checked: the origin finds the Opener by it.
[[nodiscard]] std::optional<std::uint32_t> link_of(ByteView datagram) noexcept;

// The receiving side of one link and direction. Holds the keys of two epochs, so that datagrams
// under way at a change still open.
class Opener
{
  public:
    Opener(const DatagramKey& key, DatagramIdentity identity);
    // A later epoch; the last but one is forgotten.
    void add_epoch(std::uint16_t epoch, const DatagramKey& key);

    // Replaces `frames` by what was sealed. After an error nothing has changed but the count, and
    // `frames` is empty.
    [[nodiscard]] Result<void, DatagramError> open(ByteView datagram, Bytes& frames);

    // What the peer reports as loss is measured by: of the newest epoch.
    [[nodiscard]] std::uint64_t highest() const noexcept { return current_.window.highest(); }
    [[nodiscard]] std::uint64_t opened() const noexcept { return current_.opened; }
    [[nodiscard]] std::uint64_t rejected(DatagramError why) const noexcept
    {
        return rejected_[static_cast<std::size_t>(why)];
    }

  private:
    struct Epoch {
        std::uint16_t number;
        Aes256Gcm cipher;
        ReplayWindow window;
        std::uint64_t opened = 0;
    };
    [[nodiscard]] Epoch* epoch_of(std::uint16_t number) noexcept;
    [[nodiscard]] Result<void, DatagramError> try_open(ByteView datagram, Bytes& frames);

    std::uint32_t link_;
    Epoch current_;
    std::optional<Epoch> previous_;
    std::array<std::uint64_t, kDatagramErrors> rejected_{};
};
} // namespace tidemark::purge
