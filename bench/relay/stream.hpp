#pragma once
#include "bench/relay/shared.hpp"
#include "bench/relay/watched.hpp"

#include <deque>
#include <optional>
#include <string>

namespace tidemark::bench::relay
{
struct Chunk {
    MonoTime due;
    std::string bytes; // empty: the stream's end
};
// One direction of a stream.
struct Pipe {
    std::deque<Chunk> chunks;
    std::size_t queued_bytes = 0;
    std::size_t written = 0; // of the first chunk
    bool read_to_end = false;
    bool end_passed_on = false;
    bool blocked = false; // the receiver takes no more for now
};

// A client's connection to a door, and ours to the target in its name.
class Stream
{
  public:
    Stream(Shared& shared, Door& door, UniqueFd client);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Passes on what is due; asks epoll for what can go on.
    void pump();
    void reset() { over_ = true; }
    [[nodiscard]] bool over() const { return over_; }
    [[nodiscard]] std::optional<MonoTime> next_due() const;

  private:
    struct End final : public Source {
        End(Stream& of, Way reads, int epoll, UniqueFd fd)
            : stream(of), way(reads), socket(epoll, std::move(fd), *this)
        {
        }
        void on_ready() override { stream.on_ready(*this); }
        Stream& stream;
        Way way; // of what is read here
        Watched socket;
    };
    void on_ready(End& end);
    void read(End& from);
    void write(Pipe& pipe, End& to);
    [[nodiscard]] std::uint32_t wanted(const End& end) const;
    [[nodiscard]] const Pipe& pipe(Way way) const { return pipes_[static_cast<std::size_t>(way)]; }
    [[nodiscard]] Pipe& pipe(Way way) { return pipes_[static_cast<std::size_t>(way)]; }

    Shared& shared_;
    Door& door_;
    Pipe pipes_[2];
    End client_;
    End target_;
    bool over_ = false;
};
} // namespace tidemark::bench::relay
