#pragma once
#include "core/net/loop.hpp"
#include "edge/follow/follower.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

// What an edge remembers of its origin's journal over a restart, so that it catches up instead of
// starting blind. No promise hangs on it: it may lag, lose its end or be rolled back; the hello
// and the digests find that out. So it is written without fsync.
//
// DIR/follow.head: which journal, the snapshot that stands for its beginning, and the name of the
// log; replaced by rename. DIR/follow.N.log: the records applied since, as they were applied.
//   follow.head: text "TMFOLLOW", 1 format: 1, 8 journal, v generation N, v through, 16 root, text
//   snapshot (empty: none), 4 crc32c of all before
// DIR/instance: boot id and the instance drawn for it. DIR/clean: there if the last stop was
// orderly.
namespace tidemark::follow
{
struct FollowLogOptions {
    std::uint64_t compact_bytes = 64ULL << 20; // a log beyond it is folded into the snapshot
    Seconds undo_window{600};                  // what is younger stays single
};

class FollowLog
{
  public:
    using Options = FollowLogOptions;
    // Locks the directory, which is made if need be. Errors: a text for the operator.
    [[nodiscard]] static Result<std::unique_ptr<FollowLog>, std::string>
    open(net::Loop& loop, const std::string& directory, const Options& options = {});
    ~FollowLog();
    FollowLog(const FollowLog&) = delete;
    FollowLog& operator=(const FollowLog&) = delete;

    // Gives everything that is whole to `applier`. Once, before anything is kept. A head or log
    // that is damaged, or of another format, is left behind: the edge then begins blind.
    [[nodiscard]] Restored restore(Applier& applier, Now now);

    // The same over restarts of the process in one boot of the machine, another after it.
    [[nodiscard]] std::uint64_t instance() const noexcept { return instance_; }
    [[nodiscard]] bool was_clean() const noexcept { return was_clean_; }

    void begin(purge::JournalId journal);
    void begin(purge::JournalId journal, ByteView snapshot, Version through,
               const purge::Digest& root);
    void keep(ByteView records) { unwritten_.append(records); }
    // Hands what was kept to the kernel. After a failure nothing more is kept until the next
    // begin(): the next start is then further behind.
    void flush();
    // An orderly end: flushed, and the next start finds was_clean().
    void close_cleanly();

    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] std::uint64_t log_bytes() const noexcept { return log_bytes_; }

  private:
    struct Head {
        purge::JournalId journal = 0;
        std::uint64_t generation = 0;
        Version through = 0;
        purge::Digest root;
        Bytes snapshot;
    };
    struct Compacted;
    FollowLog(net::Loop& loop, std::string directory, const Options& options, int lock);
    [[nodiscard]] std::string log_path(std::uint64_t generation) const;
    [[nodiscard]] bool write_head(const Head& head);
    void open_log(bool fresh);
    void start(Head head);
    void fail(const char* what);
    void read_instance();
    void maybe_compact();
    static Compacted compact(const Head& head, const std::string& path, std::uint64_t bytes,
                             WallTime fold_before);
    void on_compacted(Compacted&& compacted);

    net::Loop& loop_;
    const std::string directory_;
    const Options options_;
    const int lock_;
    int log_ = -1;
    Head head_;
    Bytes unwritten_;
    std::uint64_t log_bytes_ = 0;
    std::uint64_t compact_at_ = 0;
    std::uint64_t instance_ = 0;
    bool was_clean_ = false;
    bool failed_ = false;
    std::thread compacting_;
    std::unique_ptr<net::Mailbox<std::shared_ptr<Compacted>>> compacted_;
};
} // namespace tidemark::follow
