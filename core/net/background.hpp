#pragma once
#include "core/net/loop.hpp"

#include <functional>
#include <memory>

// Work that blocks (files), away from the loop: on libuv's threads.
namespace tidemark::net
{
class Background
{
  public:
    explicit Background(Loop& loop);
    ~Background(); // what is under way goes on; nothing is called back any more
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    // `work` runs on another thread and owns all that it touches; `done` on the loop, later.
    void run(std::function<void()> work, std::function<void()> done);
    [[nodiscard]] std::size_t under_way() const noexcept;

  private:
    struct Job;
    struct Owner;
    Loop& loop_;
    std::shared_ptr<Owner> owner_;
};
} // namespace tidemark::net
