#include "edge/admin/lone_pushes.hpp"

#include "core/base/check.hpp"

#include <algorithm>
#include <openssl/evp.h>
#include <string>
#include <utility>

namespace tidemark::admin
{
namespace
{
constexpr std::size_t kChunkBytes = 64 * 1024;

store::Slice slice_of(std::string_view bytes)
{
    const auto size = static_cast<std::uint32_t>(bytes.size());
    store::Slice slice{store::ChunkRef::make(size), 0, size};
    std::copy(bytes.begin(), bytes.end(), slice.chunk->data());
    return slice;
}

purge::ContentDigest digest_of(const store::Content& content)
{
    struct Free {
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };
    const std::unique_ptr<EVP_MD_CTX, Free> sha(EVP_MD_CTX_new());
    TIDEMARK_CHECK(sha != nullptr && EVP_DigestInit_ex(sha.get(), EVP_sha256(), nullptr) == 1);
    const auto add = [&](std::string_view bytes) {
        TIDEMARK_CHECK(EVP_DigestUpdate(sha.get(), bytes.data(), bytes.size()) == 1);
    };
    add(content.head);
    for (const store::Slice& slice : content.body)
        add(slice.view());
    purge::ContentDigest digest{};
    TIDEMARK_CHECK(EVP_DigestFinal_ex(sha.get(), digest.data(), nullptr) == 1);
    return digest;
}
} // namespace

// Content and what it takes of the budget.
struct LonePushes::Kept {
    explicit Kept(store::MemoryStore& of) : store(of) {}
    ~Kept() { store.unreserve(reserved); }
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;

    store::MemoryStore& store;
    store::Content content;
    std::uint64_t reserved = 0;
    purge::ContentDigest digest{};
};

class LonePushes::Upload final : public Authority::Upload
{
  public:
    explicit Upload(LonePushes& pushes)
        : pushes_(pushes), kept_(std::make_shared<Kept>(pushes.parts_.store)),
          began_at_(pushes.parts_.mark())
    {
    }

    bool write(ByteView piece) override
    {
        if (fault_ != Fault::none) return false;
        store::Content& content = kept_->content;
        if (content.body_bytes + piece.size() > pushes_.parts_.body_bytes_max)
            return refuse(Fault::too_large);
        if (!pushes_.parts_.store.reserve(piece.size())) return refuse(Fault::no_space);
        kept_->reserved += piece.size();
        content.body_bytes += piece.size();
        while (!piece.empty()) {
            const std::size_t taken = std::min(kChunkBytes - tail_.size(), piece.size());
            tail_.append(piece.substr(0, taken));
            piece.remove_prefix(taken);
            if (tail_.size() == kChunkBytes) flush();
        }
        return true;
    }

    Fault why() const noexcept override { return fault_; }

    void commit(std::string uri, std::string head, std::optional<Version> as_of,
                journal::Draft draft, Authority::Submitted done) override
    {
        TIDEMARK_CHECK(fault_ == Fault::none);
        if (!tail_.empty()) flush();
        store::Content& content = kept_->content;
        content.head = "HTTP/1.1 200 OK\r\n" + std::move(head) + "\r\n";
        purge::Push push;
        push.uri = std::move(uri);
        push.content_bytes = content.head.size() + content.body_bytes;
        // More than what is durable cannot be reflected: such a fence would come before its time.
        push.as_of = std::min(as_of.value_or(began_at_), pushes_.parts_.mark());
        draft.body = std::move(push);
        pushes_.background_.run([kept = kept_] { kept->digest = digest_of(kept->content); },
                                [&pushes = pushes_, kept = kept_, draft = std::move(draft),
                                 done = std::move(done)] { pushes.digested(kept, draft, done); });
    }

  private:
    bool refuse(Fault fault)
    {
        fault_ = fault;
        ++pushes_.counters_.refused;
        return false;
    }
    void flush()
    {
        kept_->content.body.push_back(slice_of(tail_));
        tail_.clear();
    }

    LonePushes& pushes_;
    std::shared_ptr<Kept> kept_;
    std::string tail_; // less than a chunk
    const Version began_at_;
    Fault fault_ = Fault::none;
};

LonePushes::LonePushes(net::Loop& loop, Parts parts) : parts_(std::move(parts)), background_(loop)
{
}

LonePushes::~LonePushes() = default;

void LonePushes::close()
{
    alive_.reset();
    held_.clear();
}

std::unique_ptr<Authority::Upload> LonePushes::begin()
{
    if (!alive_) return nullptr;
    ++counters_.uploads;
    return std::make_unique<Upload>(*this);
}

// It is there to be taken when its record is applied, which is before the answer. What was not
// taken then (another order of the same key, a full disk) goes.
void LonePushes::digested(const std::shared_ptr<Kept>& kept, journal::Draft draft,
                          const Authority::Submitted& done)
{
    if (!alive_) return;
    std::get<purge::Push>(draft.body).digest = kept->digest;
    const std::uint64_t id = ++last_;
    held_.emplace(id, kept);
    parts_.submit({std::move(draft)},
                  [this, alive = std::weak_ptr(alive_), id, done](auto appended) {
                      if (alive.expired()) return;
                      held_.erase(id);
                      done(std::move(appended));
                  });
}

std::string_view LonePushes::head_of(const purge::ContentDigest& digest) const
{
    for (const auto& [id, kept] : held_)
        if (kept->digest == digest) return kept->content.head;
    return {};
}

std::unique_ptr<store::Content> LonePushes::take(const purge::ContentDigest& digest)
{
    for (auto at = held_.begin(); at != held_.end(); ++at) {
        if (at->second->digest != digest) continue;
        const std::shared_ptr<Kept> kept = std::move(at->second);
        held_.erase(at);
        kept->store.unreserve(std::exchange(kept->reserved, 0));
        return std::make_unique<store::Content>(std::move(kept->content));
    }
    return nullptr;
}
} // namespace tidemark::admin
