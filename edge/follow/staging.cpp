#include "edge/follow/staging.hpp"

#include "core/base/check.hpp"
#include "core/observe/log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace tidemark::follow
{
namespace
{
using Digest = purge::ContentDigest;
constexpr std::size_t kBlockBytes = 128 * 1024;
constexpr Millis kLookForOld{10'000};
constexpr std::string_view kWhole = ".zst";
constexpr std::string_view kPart = ".zst.part";

std::string hex_of(const Digest& digest)
{
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : digest) {
        text.push_back(kDigits[byte >> 4]);
        text.push_back(kDigits[byte & 15]);
    }
    return text;
}

std::optional<Digest> digest_of(std::string_view hex)
{
    const auto nibble = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return -1;
    };
    Digest digest{};
    if (hex.size() != digest.size() * 2) return std::nullopt;
    for (std::size_t i = 0; i < digest.size(); ++i) {
        const int high = nibble(hex[2 * i]);
        const int low = nibble(hex[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        digest[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return digest;
}

// Packed bytes of one content: in a file, or in memory. Owned by the control thread while it grows,
// by the job while one is under way.
class Packed
{
  public:
    virtual ~Packed() = default;
    [[nodiscard]] virtual bool append(ByteView bytes) = 0;
    [[nodiscard]] virtual bool clear() = 0;
    [[nodiscard]] virtual bool make_durable() = 0; // and name it whole
    // From the start on; `take(bytes)` false: enough. False: it cannot be read.
    [[nodiscard]] virtual bool read(const std::function<bool(ByteView)>& take) = 0;
    virtual void remove() = 0;
};

class PackedMemory final : public Packed
{
  public:
    bool append(ByteView bytes) override
    {
        bytes_.append(bytes);
        return true;
    }
    bool clear() override
    {
        Bytes().swap(bytes_);
        return true;
    }
    bool make_durable() override { return true; }
    bool read(const std::function<bool(ByteView)>& take) override
    {
        for (std::size_t at = 0; at < bytes_.size(); at += kBlockBytes)
            if (!take(ByteView(bytes_).substr(at, kBlockBytes))) break;
        return true;
    }
    void remove() override { Bytes().swap(bytes_); }

  private:
    Bytes bytes_;
};

class PackedFile final : public Packed
{
  public:
    PackedFile(std::string directory, const Digest& digest, bool whole)
        : directory_(std::move(directory)), base_(directory_ + "/" + hex_of(digest)), whole_(whole)
    {
    }
    ~PackedFile() override
    {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    [[nodiscard]] bool open()
    {
        descriptor_ = ::open(path().c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        return descriptor_ >= 0;
    }
    bool append(ByteView bytes) override
    {
        while (!bytes.empty()) {
            const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        return true;
    }
    bool clear() override
    {
        if (::ftruncate(descriptor_, 0) != 0) return false;
        if (!whole_) return true;
        const std::string from = path();
        whole_ = false;
        return ::rename(from.c_str(), path().c_str()) == 0;
    }
    bool make_durable() override
    {
        if (whole_) return true;
        if (::fsync(descriptor_) != 0) return false;
        const std::string from = path();
        whole_ = true;
        if (::rename(from.c_str(), path().c_str()) != 0) return false;
        const int directory = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0) return false;
        const bool synced = ::fsync(directory) == 0;
        ::close(directory);
        return synced;
    }
    bool read(const std::function<bool(ByteView)>& take) override
    {
        std::string block(kBlockBytes, '\0');
        for (off_t at = 0;;) {
            const ssize_t got = ::pread(descriptor_, block.data(), block.size(), at);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return false;
            if (got == 0 || !take({block.data(), static_cast<std::size_t>(got)})) return true;
            at += got;
        }
    }
    void remove() override { ::unlink(path().c_str()); }

  private:
    [[nodiscard]] std::string path() const { return base_ + std::string(whole_ ? kWhole : kPart); }

    std::string directory_;
    std::string base_;
    bool whole_;
    int descriptor_ = -1;
};

// Whole content is checked, and unpacked if it is wanted. On any thread.
struct CheckJob {
    std::shared_ptr<Packed> packed;
    Digest digest{};
    std::uint64_t content_bytes = 0;
    bool keep = false;

    enum class End : std::uint8_t { right, wrong, io };
    End end = End::io;
    store::ContentFault fault{};
    std::unique_ptr<store::Content> content; // right; without its body unless keep

    void run()
    {
        using Keep = store::ContentDecoder::Keep;
        store::ContentDecoder decoder(content_bytes, keep ? Keep::content : Keep::nothing);
        Result<void, store::ContentFault> fed;
        const bool read = packed->read([&](ByteView bytes) {
            fed = decoder.feed(bytes);
            return fed.has_value();
        });
        if (!read) return;
        auto finished = fed.and_then([&] { return decoder.finish(digest); });
        if (!finished) {
            end = End::wrong;
            fault = finished.error();
            return;
        }
        if (!packed->make_durable()) return;
        end = End::right;
        content = std::make_unique<store::Content>(std::move(*finished));
    }
};
} // namespace

//   growing ──all bytes──→ checking ──right──→ staged ──take──→ gone
//      ↑                      │ wrong             │ take, not unpacked: checking again
//      └──────────────────────┘ (attempts)        ↓ old → gone
struct Staging::Impl {
    struct One {
        std::shared_ptr<Packed> packed;
        std::uint64_t have = 0; // packed bytes
        std::uint64_t packed_bytes = 0;
        std::uint64_t content_bytes = 0;
        std::uint64_t reserved = 0;
        std::uint32_t failed = 0; // attempts
        bool announced = false;   // packed_bytes and content_bytes are known
        bool checking = false;
        bool staged = false;
        std::string head; // once staged
        std::unique_ptr<store::Content> ready;
        Taken taken; // waits for the check under way
        MonoTime touched{};
    };
    using At = std::map<Digest, One>::iterator;

    Impl(net::Loop& on, StagingOptions given, Budget memory, OnStaged told)
        : loop(on), options(std::move(given)), budget(std::move(memory)),
          on_staged(std::move(told)), background(on), timer(on, [this] { expire(); })
    {
        if (!options.directory.empty()) find_files();
        timer.start(kLookForOld, kLookForOld);
    }
    ~Impl()
    {
        for (auto& [digest, one] : contents)
            if (one.reserved > 0) budget.unreserve(one.reserved);
    }

    void find_files();
    void find_file(const std::filesystem::directory_entry& entry);
    [[nodiscard]] At find_or_make(const Digest& digest);
    [[nodiscard]] bool announce(One& one, std::uint64_t packed_bytes, std::uint64_t content_bytes);
    void resume(At at);
    void check(At at);
    void check_ahead(At at);
    void check_for_taker(At at);
    [[nodiscard]] bool reserve(One& one);
    void checked(const Digest& digest, CheckJob& job);
    void go_on(At at, CheckJob& job);
    void start_again(At at);
    void give(At at, std::unique_ptr<store::Content> content);
    void remove(At at);
    void unreserve(One& one);
    void expire();

    net::Loop& loop;
    const StagingOptions options;
    const Budget budget;
    const OnStaged on_staged;
    std::map<Digest, One> contents;
    std::uint64_t packed_sum = 0; // announced or found: what there is room for
    std::uint64_t ready_sum = 0;
    StagingCounters counters;
    net::Background background;
    net::Timer timer;
};

// ---- What a former process left

void Staging::Impl::find_files()
{
    std::error_code error;
    std::filesystem::create_directories(options.directory, error);
    std::filesystem::directory_iterator at(options.directory, error);
    for (const std::filesystem::directory_iterator end; !error && at != end; at.increment(error))
        find_file(*at);
    if (error) {
        ++counters.io_errors;
        log::error("staged content in {}: {}", options.directory, error.message());
    }
}

void Staging::Impl::find_file(const std::filesystem::directory_entry& entry)
{
    const std::string name = entry.path().filename().string();
    const std::size_t dot = std::min(name.find('.'), name.size());
    const std::string_view ending = std::string_view(name).substr(dot);
    const auto digest = digest_of(std::string_view(name).substr(0, dot));
    if (!digest || (ending != kWhole && ending != kPart)) return;
    std::error_code error;
    const std::uint64_t bytes = entry.file_size(error);
    const bool known = contents.contains(*digest);
    const bool room =
        contents.size() < options.contents_max &&
        bytes <= options.packed_bytes_max - std::min(packed_sum, options.packed_bytes_max);
    auto file = std::make_shared<PackedFile>(options.directory, *digest, ending == kWhole);
    if (error || known || !room || !file->open()) {
        ::unlink(entry.path().c_str());
        return;
    }
    One& one = contents[*digest];
    one.packed = std::move(file);
    one.have = bytes;
    one.packed_bytes = bytes;
    one.touched = loop.mono();
    packed_sum += bytes;
}

// ---- From the origin

// end(): no room.
Staging::Impl::At Staging::Impl::find_or_make(const Digest& digest)
{
    const auto found = contents.find(digest);
    if (found != contents.end()) return found;
    if (contents.size() >= options.contents_max) return contents.end();
    std::shared_ptr<Packed> packed;
    if (options.directory.empty()) {
        packed = std::make_shared<PackedMemory>();
    } else {
        auto file = std::make_shared<PackedFile>(options.directory, digest, false);
        if (!file->open()) {
            ++counters.io_errors;
            log::error("staged content in {}: {}", options.directory, std::strerror(errno));
            return contents.end();
        }
        packed = std::move(file);
    }
    const auto made = contents.try_emplace(digest).first;
    made->second.packed = std::move(packed);
    return made;
}

// Its sizes, which the origin tells. False: too large, or no room.
bool Staging::Impl::announce(One& one, std::uint64_t packed_bytes, std::uint64_t content_bytes)
{
    if (one.announced && one.packed_bytes == packed_bytes && one.content_bytes == content_bytes)
        return true;
    const std::uint64_t others = packed_sum - one.packed_bytes;
    if (packed_bytes == 0 || content_bytes > options.content_bytes_max ||
        others > options.packed_bytes_max || packed_bytes > options.packed_bytes_max - others)
        return false;
    packed_sum = others + packed_bytes;
    one.packed_bytes = packed_bytes;
    one.content_bytes = content_bytes;
    one.announced = true;
    return true;
}

void Staging::wanted(const StageWanted& order)
{
    Impl& impl = *impl_;
    const auto at = impl.find_or_make(order.offer.digest);
    if (at == impl.contents.end()) {
        ++impl.counters.refused;
        return;
    }
    Impl::One& one = at->second;
    one.touched = impl.loop.mono();
    if (one.checking) return; // its end answers
    if (!impl.announce(one, order.offer.packed_bytes, order.offer.content_bytes)) {
        ++impl.counters.refused;
        log::warn("push of {}: no room to stage {} bytes", order.offer.uri,
                  order.offer.packed_bytes);
        return impl.remove(at);
    }
    impl.resume(at);
}

void Staging::Impl::resume(At at)
{
    One& one = at->second;
    if (one.staged) return on_staged(at->first, one.packed_bytes);
    if (one.have > one.packed_bytes) return start_again(at);
    if (one.have == one.packed_bytes) return check_ahead(at);
    on_staged(at->first, one.have);
}

void Staging::piece(const StagePiece& order)
{
    Impl& impl = *impl_;
    const auto at = impl.contents.find(order.digest);
    if (at == impl.contents.end() || at->second.checking || at->second.staged ||
        !at->second.announced || order.offset != at->second.have ||
        order.bytes.size() > at->second.packed_bytes - at->second.have) {
        ++impl.counters.out_of_order;
        return;
    }
    Impl::One& one = at->second;
    one.touched = impl.loop.mono();
    if (!one.packed->append(order.bytes)) {
        ++impl.counters.io_errors;
        log::error("push of {}: its content cannot be written: {}", order.uri,
                   std::strerror(errno));
        return impl.remove(at);
    }
    one.have += order.bytes.size();
    if (one.have == one.packed_bytes) impl.check_ahead(at);
}

// ---- Checking

// Unpacked as well, if its bytes are reserved.
void Staging::Impl::check(At at)
{
    One& one = at->second;
    auto job = std::make_shared<CheckJob>();
    job->packed = one.packed;
    job->digest = at->first;
    job->content_bytes = one.content_bytes;
    job->keep = one.reserved > 0;
    one.checking = true;
    background.run([job] { job->run(); }, [this, job] { checked(job->digest, *job); });
}

void Staging::Impl::check_ahead(At at)
{
    const std::uint64_t bytes = at->second.content_bytes;
    if (bytes <= options.ready_bytes_max && ready_sum <= options.ready_bytes_max - bytes)
        static_cast<void>(reserve(at->second));
    check(at);
}

bool Staging::Impl::reserve(One& one)
{
    if (one.reserved > 0) return true;
    if (one.content_bytes == 0 || !budget.reserve(one.content_bytes)) return false;
    one.reserved = one.content_bytes;
    ready_sum += one.reserved;
    return true;
}

void Staging::Impl::checked(const Digest& digest, CheckJob& job)
{
    const auto at = contents.find(digest);
    TIDEMARK_CHECK(at != contents.end() && at->second.checking);
    One& one = at->second;
    one.checking = false;
    one.touched = loop.mono();
    switch (job.end) {
    case CheckJob::End::right:
        return go_on(at, job);
    case CheckJob::End::io:
        ++counters.io_errors;
        log::error("staged content {}: the disk fails", hex_of(digest));
        if (one.taken) return give(at, nullptr);
        return remove(at);
    case CheckJob::End::wrong:
        break;
    }
    ++counters.wrong;
    log::warn("staged content {}: {}: dropped", hex_of(digest), store::text_of(job.fault));
    if (one.taken) return give(at, nullptr);
    start_again(at);
}

void Staging::Impl::go_on(At at, CheckJob& job)
{
    One& one = at->second;
    one.head = job.content->head;
    if (job.keep) one.ready = std::move(job.content);
    if (!one.staged) {
        one.staged = true;
        ++counters.staged;
    }
    if (one.taken) {
        if (one.ready != nullptr) return give(at, std::move(one.ready));
        return check_for_taker(at);
    }
    on_staged(at->first, one.packed_bytes);
}

// It was taken while it was checked, and not unpacked ahead.
void Staging::Impl::check_for_taker(At at)
{
    if (!reserve(at->second)) return give(at, nullptr);
    check(at);
}

void Staging::Impl::start_again(At at)
{
    One& one = at->second;
    unreserve(one);
    one.staged = false;
    one.have = 0;
    if (++one.failed >= options.attempts || !one.packed->clear()) return remove(at);
    on_staged(at->first, 0);
}

// ---- Taking

std::string_view Staging::head_of(const Digest& digest) const
{
    const auto found = impl_->contents.find(digest);
    return found == impl_->contents.end() ? std::string_view() : found->second.head;
}

void Staging::take(const Digest& digest, std::uint64_t content_bytes, Taken done)
{
    Impl& impl = *impl_;
    const auto at = impl.contents.find(digest);
    if (at == impl.contents.end()) return done(nullptr);
    Impl::One& one = at->second;
    if (!one.announced) one.content_bytes = content_bytes; // found at start, perhaps whole
    if (one.content_bytes != content_bytes || one.taken) return done(nullptr);
    if (one.ready != nullptr) {
        one.taken = std::move(done);
        return impl.give(at, std::move(one.ready));
    }
    if (!one.checking && !one.staged && one.announced) return done(nullptr); // still growing
    one.taken = std::move(done);
    if (!one.checking) impl.check_for_taker(at);
}

void Staging::Impl::give(At at, std::unique_ptr<store::Content> content)
{
    if (content != nullptr) ++counters.taken;
    const Taken taken = std::exchange(at->second.taken, nullptr);
    remove(at); // what takes it accounts for it from here
    taken(std::move(content));
}

void Staging::Impl::unreserve(One& one)
{
    if (one.reserved == 0) return;
    budget.unreserve(one.reserved);
    ready_sum -= one.reserved;
    one.reserved = 0;
    one.ready.reset();
}

void Staging::Impl::remove(At at)
{
    unreserve(at->second);
    packed_sum -= at->second.packed_bytes;
    at->second.packed->remove();
    contents.erase(at);
}

void Staging::Impl::expire()
{
    for (auto at = contents.begin(); at != contents.end();) {
        const auto next = std::next(at);
        if (!at->second.checking && loop.mono() - at->second.touched >= options.keep) {
            ++counters.expired;
            remove(at);
        }
        at = next;
    }
}

Staging::Staging(net::Loop& loop, StagingOptions options, Budget budget, OnStaged on_staged)
    : impl_(
          std::make_unique<Impl>(loop, std::move(options), std::move(budget), std::move(on_staged)))
{
}

Staging::~Staging() = default;

const StagingCounters& Staging::counters() const noexcept
{
    return impl_->counters;
}

std::uint64_t Staging::packed_bytes() const noexcept
{
    return impl_->packed_sum;
}

std::size_t Staging::contents() const noexcept
{
    return impl_->contents.size();
}
} // namespace tidemark::follow
