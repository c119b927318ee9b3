#pragma once
#include "admin/authority.hpp"
#include "core/net/background.hpp"
#include "edge/store/content.hpp"
#include "edge/store/memory.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>

// Pushes to an edge that has no origin. There is nobody to send the content to and nothing that
// stores it but memory, so it is kept there, of the memory budget, from its first piece until its
// version is applied: no files, and none that could be left behind. On the control thread;
// digesting runs elsewhere.
namespace tidemark::admin
{
struct LonePushCounters {
    std::uint64_t uploads = 0;
    std::uint64_t refused = 0; // too large, or no room
};

class LonePushes
{
  public:
    struct Parts {
        store::MemoryStore& store; // its budget
        std::uint64_t body_bytes_max;
        std::function<Version()> mark;
        // Authority::submit.
        std::function<void(std::vector<journal::Draft>, Authority::Submitted)> submit;
    };
    LonePushes(net::Loop& loop, Parts parts);
    ~LonePushes();
    LonePushes(const LonePushes&) = delete;
    LonePushes& operator=(const LonePushes&) = delete;

    // Authority::begin_upload(). This outlives it.
    [[nodiscard]] std::unique_ptr<Authority::Upload> begin();
    void set_body_bytes_max(std::uint64_t bytes) noexcept { parts_.body_bytes_max = bytes; }
    // PushDriver's: of what was submitted and has not been answered yet.
    [[nodiscard]] std::string_view head_of(const purge::ContentDigest& digest) const;
    [[nodiscard]] std::unique_ptr<store::Content> take(const purge::ContentDigest& digest);
    // No `done` comes after this.
    void close();

    [[nodiscard]] const LonePushCounters& counters() const noexcept { return counters_; }
    [[nodiscard]] std::size_t held() const noexcept { return held_.size(); }

  private:
    struct Kept;
    class Upload;
    void digested(const std::shared_ptr<Kept>& kept, journal::Draft draft,
                  const Authority::Submitted& done);

    Parts parts_;
    net::Background background_;
    std::map<std::uint64_t, std::shared_ptr<Kept>> held_;
    std::uint64_t last_ = 0;
    LonePushCounters counters_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};
} // namespace tidemark::admin
