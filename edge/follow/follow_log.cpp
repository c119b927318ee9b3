#include "edge/follow/follow_log.hpp"

#include "core/base/crc32c.hpp"
#include "core/observe/log.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_set>

namespace tidemark::follow
{
namespace
{
constexpr ByteView kMagic = "TMFOLLOW";
constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kReadBytes = 4 << 20;
constexpr std::size_t kHeadBytesMax = purge::kSnapshotBytesMax + 1024;

// Closes when it goes.
class File
{
  public:
    File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    ~File()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int fd() const noexcept { return fd_; }

  private:
    int fd_;
};

bool write_all(int fd, ByteView bytes)
{
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool read_all(const std::string& path, std::size_t bytes_max, Bytes& into)
{
    const File file(path, O_RDONLY);
    struct stat status {
    };
    if (!file.is_open() || ::fstat(file.fd(), &status) != 0) return false;
    if (static_cast<std::uint64_t>(status.st_size) > bytes_max) return false;
    into.resize(static_cast<std::size_t>(status.st_size));
    std::size_t have = 0;
    while (have < into.size()) {
        const ssize_t n = ::read(file.fd(), into.data() + have, into.size() - have);
        if (n <= 0) return false;
        have += static_cast<std::size_t>(n);
    }
    return true;
}

bool replace_file(const std::string& path, ByteView bytes)
{
    const std::string fresh = path + ".new";
    {
        const File file(fresh, O_WRONLY | O_CREAT | O_TRUNC);
        if (!file.is_open() || !write_all(file.fd(), bytes)) return false;
    }
    return ::rename(fresh.c_str(), path.c_str()) == 0;
}

// Visits the whole records among the first `bytes_max` bytes of a log; stops at the first that is
// not. Returns how many bytes they take.
template <class Visit>
std::uint64_t each_record(const std::string& path, std::uint64_t bytes_max, Visit&& visit)
{
    const File file(path, O_RDONLY);
    if (!file.is_open()) return 0;
    Bytes buffer;
    std::uint64_t taken = 0;
    std::uint64_t read = 0;
    for (;;) {
        const std::size_t had = buffer.size();
        const std::size_t wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(kReadBytes, bytes_max - read));
        buffer.resize(had + wanted);
        const ssize_t n = wanted == 0 ? 0 : ::read(file.fd(), buffer.data() + had, wanted);
        buffer.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (n > 0) read += static_cast<std::uint64_t>(n);
        ByteView left = buffer;
        for (auto record = purge::next_record(left); record; record = purge::next_record(left)) {
            taken += record->bytes.size();
            visit(*record);
        }
        // What is left is torn off, or damaged: more bytes help only in the first case.
        if (n <= 0 || left.size() > purge::kRecordBytesMax) return taken;
        buffer.erase(0, buffer.size() - left.size());
    }
}

std::optional<purge::Message> message_of(ByteView record)
{
    auto message = purge::decode_message(record);
    if (!message) return std::nullopt;
    return *std::move(message);
}

std::string boot_id()
{
    Bytes text;
    const File file("/proc/sys/kernel/random/boot_id", O_RDONLY);
    char buffer[64];
    const ssize_t n = file.is_open() ? ::read(file.fd(), buffer, sizeof buffer) : 0;
    return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : "unknown\n";
}
} // namespace

// A snapshot of the log's older part, and where in the log the rest of it began.
struct FollowLog::Compacted {
    bool worth_it = false;
    Bytes snapshot;
    Version through = 0;
    purge::Digest root;
    std::uint64_t of_generation = 0;
    std::uint64_t read_bytes = 0; // of the old log
    Bytes rest;                   // its records that are not in the snapshot
};

Result<std::unique_ptr<FollowLog>, std::string>
FollowLog::open(net::Loop& loop, const std::string& directory, const Options& options)
{
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        return tidemark::fail(directory + ": cannot be made: " + std::strerror(errno));
    const std::string path = directory + "/lock";
    const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) return tidemark::fail(path + ": " + std::strerror(errno));
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ::close(lock);
        return tidemark::fail(directory + ": another process uses it");
    }
    return std::unique_ptr<FollowLog>(new FollowLog(loop, directory, options, lock));
}

FollowLog::FollowLog(net::Loop& loop, std::string directory, const Options& options, int lock)
    : loop_(loop), directory_(std::move(directory)), options_(options), lock_(lock),
      compact_at_(options.compact_bytes),
      compacted_(std::make_unique<net::Mailbox<std::shared_ptr<Compacted>>>(
          loop, 4, [this](std::shared_ptr<Compacted>&& done) { on_compacted(std::move(*done)); }))
{
    read_instance();
    was_clean_ = ::unlink((directory_ + "/clean").c_str()) == 0;
}

FollowLog::~FollowLog()
{
    if (compacting_.joinable()) compacting_.join();
    flush();
    if (log_ >= 0) ::close(log_);
    ::close(lock_);
}

void FollowLog::read_instance()
{
    const std::string path = directory_ + "/instance";
    const std::string boot = boot_id();
    Bytes text;
    if (read_all(path, 4096, text) && text.starts_with(boot)) {
        instance_ = std::strtoull(text.c_str() + boot.size(), nullptr, 16);
        if (instance_ != 0) return;
    }
    std::random_device device;
    instance_ = (std::uint64_t{device()} << 32 | device()) | 1;
    char number[32];
    std::snprintf(number, sizeof number, "%llx\n", static_cast<unsigned long long>(instance_));
    if (!replace_file(path, boot + number)) fail("instance");
}

std::string FollowLog::log_path(std::uint64_t generation) const
{
    return directory_ + "/follow." + std::to_string(generation) + ".log";
}

void FollowLog::fail(const char* what)
{
    if (!failed_)
        log::error("{}/{}: {}; what is purged from here on is not remembered over a restart",
                   directory_, what, std::strerror(errno));
    failed_ = true;
    unwritten_.clear();
}

bool FollowLog::write_head(const Head& head)
{
    Bytes bytes;
    ByteWriter to(bytes);
    to.bytes(kMagic);
    to.u8(kFormat);
    to.u64(head.journal);
    to.varint(head.generation);
    to.varint(head.through);
    to.u64(head.root.high);
    to.u64(head.root.low);
    to.text(head.snapshot);
    to.u32(crc32c(bytes));
    return replace_file(directory_ + "/follow.head", bytes);
}

Restored FollowLog::restore(Applier& applier, Now now)
{
    Restored restored;
    Bytes bytes;
    if (!read_all(directory_ + "/follow.head", kHeadBytesMax, bytes) || bytes.size() < 4)
        return restored;
    ByteReader sum(ByteView(bytes).substr(bytes.size() - 4));
    ByteReader from(ByteView(bytes).substr(0, bytes.size() - 4));
    Head head;
    const bool ours = from.take(kMagic.size()) == kMagic && from.u8() == kFormat;
    head.journal = from.u64();
    head.generation = from.varint();
    head.through = from.varint(purge::kVersionMax);
    head.root.high = from.u64();
    head.root.low = from.u64();
    head.snapshot = Bytes(from.text(purge::kSnapshotBytesMax));
    const bool whole = from.ok() && from.left() == 0 &&
                       sum.u32() == crc32c(ByteView(bytes).substr(0, bytes.size() - 4));
    std::optional<purge::CompactState> state;
    if (ours && whole && !head.snapshot.empty())
        if (auto decoded = purge::decode_snapshot(head.snapshot)) state = *std::move(decoded);
    if (!ours || !whole || (!head.snapshot.empty() && !state)) {
        log::warn("{}/follow.head is damaged or of another format: starting without it",
                  directory_);
        return restored;
    }
    if (state) applier.load(*state, now);
    restored.journal = head.journal;
    restored.tree = purge::DigestTree(head.through, head.root);
    restored.heard = head.through;

    // A record that came again after a repair stands for the one before it.
    std::map<Version, purge::Digest> digests;
    std::vector<purge::Message> messages;
    const auto apply = [&] {
        applier.apply(messages, now);
        messages.clear();
    };
    const std::string path = log_path(head.generation);
    log_bytes_ = each_record(path, UINT64_MAX, [&](const purge::RecordView& record) {
        if (record.journal != head.journal || record.version <= head.through) return;
        auto message = message_of(record.bytes);
        if (!message) return;
        digests.insert_or_assign(record.version, purge::digest_of(record.bytes));
        messages.push_back(*std::move(message));
        if (messages.size() >= 4096) apply();
    });
    apply();
    for (const auto& [version, digest] : digests) {
        restored.heard = version;
        // What lies beyond a gap was applied, but comes again: its digests are not kept.
        if (version == restored.tree.last() + 1) restored.tree.append(version, digest);
    }
    restored.applied = purge::VersionSet(restored.tree.last());
    head_ = std::move(head);
    // A torn end is cut, so that what is kept from here on can be read again.
    if (::truncate(path.c_str(), static_cast<off_t>(log_bytes_)) != 0 && errno != ENOENT)
        fail("follow.log");
    open_log(false);
    return restored;
}

void FollowLog::open_log(bool fresh)
{
    if (log_ >= 0) ::close(log_);
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (fresh ? O_TRUNC : 0);
    log_ = ::open(log_path(head_.generation).c_str(), flags, 0600);
    if (log_ < 0) fail("follow.log");
}

// The new log first, then the head that names it: a crash between the two leaves the old pair.
void FollowLog::start(Head head)
{
    const std::uint64_t old = head_.generation;
    head.generation = old + 1;
    head_ = std::move(head);
    failed_ = false;
    log_bytes_ = 0;
    compact_at_ = options_.compact_bytes;
    open_log(true);
    if (failed_) return;
    if (!write_head(head_)) return fail("follow.head");
    ::unlink(log_path(old).c_str());
}

void FollowLog::begin(purge::JournalId journal)
{
    unwritten_.clear();
    start({journal, 0, 0, {}, {}});
}

void FollowLog::begin(purge::JournalId journal, ByteView snapshot, Version through,
                      const purge::Digest& root)
{
    unwritten_.clear();
    start({journal, 0, through, root, Bytes(snapshot)});
}

void FollowLog::flush()
{
    if (unwritten_.empty()) return;
    if (log_ >= 0 && !failed_) {
        if (!write_all(log_, unwritten_)) fail("follow.log");
        log_bytes_ += unwritten_.size();
    }
    unwritten_.clear();
    maybe_compact();
}

void FollowLog::close_cleanly()
{
    flush();
    const File clean(directory_ + "/clean", O_WRONLY | O_CREAT);
}

// ---- folding the log into the snapshot, on a thread of its own

void FollowLog::maybe_compact()
{
    if (log_bytes_ < compact_at_ || failed_ || compacting_.joinable()) return;
    const WallTime fold_before = loop_.wall() - options_.undo_window;
    compacting_ = std::thread(
        [this, head = head_, path = log_path(head_.generation), bytes = log_bytes_, fold_before] {
            auto done = std::make_shared<Compacted>(compact(head, path, bytes, fold_before));
            static_cast<void>(compacted_->post(std::move(done)));
        });
}

// Into the snapshot goes the contiguous beginning that is older than the undo window.
FollowLog::Compacted FollowLog::compact(const Head& head, const std::string& path,
                                        std::uint64_t bytes, WallTime fold_before)
{
    Compacted done;
    done.of_generation = head.generation;
    std::unordered_set<Version> undone;
    purge::VersionSet held(head.through);
    std::optional<Version> young; // the first that must stay single
    done.read_bytes = each_record(path, bytes, [&](const purge::RecordView& record) {
        const auto message = message_of(record.bytes);
        if (!message) return;
        static_cast<void>(held.add(record.version));
        if (const auto* undo = std::get_if<purge::Undo>(&message->body))
            undone.insert(undo->undone);
        if (message->issued_at >= fold_before)
            young = std::min(young.value_or(record.version), record.version);
    });
    done.through = std::min(held.contiguous(), young.value_or(held.contiguous() + 1) - 1);
    if (done.through <= head.through) return done;

    purge::CompactState state;
    if (!head.snapshot.empty()) {
        auto before = purge::decode_snapshot(head.snapshot);
        if (!before) return done;
        state = *std::move(before);
    }
    std::map<Version, purge::Digest> digests; // the last of each version
    each_record(path, done.read_bytes, [&](const purge::RecordView& record) {
        if (record.version > done.through) {
            done.rest.append(record.bytes);
            return;
        }
        if (record.version <= head.through) return;
        digests.insert_or_assign(record.version, purge::digest_of(record.bytes));
        if (undone.contains(record.version)) return;
        if (const auto message = message_of(record.bytes)) state.apply(*message);
    });
    done.root = head.root;
    for (const auto& [version, digest] : digests)
        done.root += digest;
    purge::encode_snapshot(state, done.snapshot);
    done.worth_it = true;
    return done;
}

void FollowLog::on_compacted(Compacted&& compacted)
{
    compacting_.join();
    compact_at_ = log_bytes_ + options_.compact_bytes;
    if (!compacted.worth_it || failed_ || compacted.of_generation != head_.generation) return;
    flush();
    Bytes since; // what was kept while the snapshot was made
    each_record(log_path(head_.generation), UINT64_MAX,
                [&, at = std::uint64_t{0}](const purge::RecordView& record) mutable {
                    if (at >= compacted.read_bytes) since.append(record.bytes);
                    at += record.bytes.size();
                });
    unwritten_ = std::move(compacted.rest);
    unwritten_ += since;
    Bytes records = std::move(unwritten_);
    begin(head_.journal, compacted.snapshot, compacted.through, compacted.root);
    keep(records);
    flush();
}
} // namespace tidemark::follow
