#include "purge/datagram.hpp"

#include "core/base/check.hpp"

#include <utility>

#include <openssl/evp.h>

namespace tidemark::purge
{
namespace
{
constexpr int kNonceBytes = 12;

// Looked up by name once: a look-up costs as much as sealing a small datagram. Never changes.
const EVP_CIPHER* cipher()
{
    struct Free {
        void operator()(EVP_CIPHER* fetched) const noexcept { EVP_CIPHER_free(fetched); }
    };
    static const std::unique_ptr<EVP_CIPHER, Free> fetched{
        EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)};
    TIDEMARK_CHECK(fetched != nullptr);
    return fetched.get();
}

const unsigned char* octets(ByteView bytes)
{
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* octets(Bytes& bytes, std::size_t from)
{
    return reinterpret_cast<unsigned char*>(bytes.data()) + from;
}
// Datagrams are short: every length fits.
int length(ByteView bytes)
{
    TIDEMARK_CHECK(bytes.size() <= kDatagramBytesMax);
    return static_cast<int>(bytes.size());
}

struct Front {
    std::uint8_t version;
    std::uint16_t epoch;
    std::uint32_t link;
    std::uint64_t number;
};
Front read_front(ByteView datagram)
{
    ByteReader from{datagram};
    const std::uint8_t version = from.u8();
    const std::uint16_t epoch = from.u16();
    const std::uint32_t link = from.u32();
    return {version, epoch, link, from.u64()};
}
bool fits(ByteView datagram)
{
    return datagram.size() > kDatagramFrontBytes + kTagBytes &&
           datagram.size() <= kDatagramBytesMax;
}
} // namespace

// ---- one key

void Aes256Gcm::Free::operator()(evp_cipher_ctx_st* context) const noexcept
{
    EVP_CIPHER_CTX_free(context);
}

Aes256Gcm::Aes256Gcm(const DatagramKey& key, Use use) : context_(EVP_CIPHER_CTX_new())
{
    TIDEMARK_CHECK(context_ != nullptr);
    const int encrypt = use == Use::seal ? 1 : 0;
    TIDEMARK_CHECK(
        EVP_CipherInit_ex2(context_.get(), cipher(), key.data(), nullptr, encrypt, nullptr) == 1);
}
Aes256Gcm::~Aes256Gcm() = default;
Aes256Gcm::Aes256Gcm(Aes256Gcm&&) noexcept = default;
Aes256Gcm& Aes256Gcm::operator=(Aes256Gcm&&) noexcept = default;

void Aes256Gcm::set_nonce(std::uint64_t number)
{
    Bytes nonce;
    ByteWriter to{nonce};
    to.u32(0);
    to.u64(number);
    static_assert(kNonceBytes == 12);
    TIDEMARK_CHECK(
        EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, octets(nonce), -1, nullptr) == 1);
}

void Aes256Gcm::seal(std::uint64_t number, ByteView associated, ByteView plain, Bytes& out)
{
    set_nonce(number);
    const std::size_t start = out.size();
    out.resize(start + plain.size() + kTagBytes);
    int written = 0;
    int rest = 0;
    auto* context = context_.get();
    TIDEMARK_CHECK(
        EVP_CipherUpdate(context, nullptr, &rest, octets(associated), length(associated)) == 1 &&
        EVP_CipherUpdate(context, octets(out, start), &written, octets(plain), length(plain)) ==
            1 &&
        EVP_CipherFinal_ex(context, octets(out, out.size() - kTagBytes), &rest) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                            octets(out, out.size() - kTagBytes)) == 1);
}

bool Aes256Gcm::open(std::uint64_t number, ByteView associated, ByteView sealed, Bytes& out)
{
    if (sealed.size() < kTagBytes) return false;
    set_nonce(number);
    const ByteView text = sealed.substr(0, sealed.size() - kTagBytes);
    Bytes tag{sealed.substr(text.size())};
    const std::size_t start = out.size();
    out.resize(start + text.size() + kTagBytes); // room behind it, though GCM writes none
    int written = 0;
    int rest = 0;
    auto* context = context_.get();
    const bool ok =
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, octets(tag, 0)) == 1 &&
        EVP_CipherUpdate(context, nullptr, &rest, octets(associated), length(associated)) == 1 &&
        EVP_CipherUpdate(context, octets(out, start), &written, octets(text), length(text)) == 1 &&
        EVP_CipherFinal_ex(context, octets(out, start + text.size()), &rest) == 1;
    out.resize(ok ? start + text.size() : start);
    return ok;
}

// ---- sending

bool Sealer::seal(ByteView frames, Bytes& out)
{
    TIDEMARK_CHECK(!frames.empty() && frames.size() <= kPayloadBytesMax);
    if (sent_ >= kKeyUsesMax) return false;
    ++sent_;
    out.clear();
    ByteWriter to{out};
    to.u8(kDatagramVersion);
    to.u16(identity_.epoch);
    to.u32(identity_.link);
    to.u64(sent_);
    const Bytes front = out;
    cipher_.seal(sent_, front, frames, out);
    return true;
}

// ---- the window

// Its ring has a bit for each number modulo its size.
ReplayWindow::Place ReplayWindow::place_of(std::uint64_t number) const noexcept
{
    if (number > highest_) return Place::fresh;
    if (highest_ - number >= kSize) return Place::too_old;
    return (seen_[number / 64 % seen_.size()] & bit_of(number)) != 0 ? Place::seen : Place::fresh;
}

void ReplayWindow::mark(std::uint64_t number) noexcept
{
    if (number > highest_ && number - highest_ >= kSize) seen_.fill(0);
    for (std::uint64_t n = highest_ + 1; n < number && number - highest_ < kSize; ++n)
        seen_[n / 64 % seen_.size()] &= ~bit_of(n);
    seen_[number / 64 % seen_.size()] |= bit_of(number);
    if (number > highest_) highest_ = number;
}

// ---- receiving

std::optional<std::uint32_t> link_of(ByteView datagram) noexcept
{
    if (!fits(datagram)) return std::nullopt;
    return read_front(datagram).link;
}

Opener::Opener(const DatagramKey& key, DatagramIdentity identity)
    : link_(identity.link), current_{identity.epoch, Aes256Gcm{key, Aes256Gcm::Use::open}, {}, 0}
{
}

void Opener::add_epoch(std::uint16_t epoch, const DatagramKey& key)
{
    previous_.emplace(std::exchange(current_, Epoch{epoch, {key, Aes256Gcm::Use::open}, {}, 0}));
}

Opener::Epoch* Opener::epoch_of(std::uint16_t number) noexcept
{
    if (number == current_.number) return &current_;
    if (previous_ && number == previous_->number) return &*previous_;
    return nullptr;
}

Result<void, DatagramError> Opener::open(ByteView datagram, Bytes& frames)
{
    frames.clear();
    auto result = try_open(datagram, frames);
    if (!result) ++rejected_[static_cast<std::size_t>(result.error())];
    return result;
}

Result<void, DatagramError> Opener::try_open(ByteView datagram, Bytes& frames)
{
    if (!fits(datagram)) return fail(DatagramError::size);
    const Front front = read_front(datagram);
    if (front.version != kDatagramVersion) return fail(DatagramError::version);
    if (front.link != link_) return fail(DatagramError::link);
    Epoch* epoch = epoch_of(front.epoch);
    if (epoch == nullptr) return fail(DatagramError::epoch);
    switch (epoch->window.place_of(front.number)) {
    case ReplayWindow::Place::seen:
        return fail(DatagramError::replayed);
    case ReplayWindow::Place::too_old:
        return fail(DatagramError::too_old);
    case ReplayWindow::Place::fresh:
        break;
    }
    if (front.number == 0 ||
        !epoch->cipher.open(front.number, datagram.substr(0, kDatagramFrontBytes),
                            datagram.substr(kDatagramFrontBytes), frames))
        return fail(DatagramError::forged);
    epoch->window.mark(front.number);
    ++epoch->opened;
    return {};
}
} // namespace tidemark::purge
