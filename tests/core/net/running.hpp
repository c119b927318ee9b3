#pragma once
#include "core/net/loop.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>

namespace tidemark::net::test
{
// Runs a loop until something has happened; if it never does, the test fails instead of hanging.
class RunningLoop
{
  public:
    RunningLoop()
    {
        ignore_broken_pipes();
        loop.set_hooks({}, [this] {
            if (done_ && done_()) loop.stop();
        });
    }
    ~RunningLoop() { loop.set_hooks({}, {}); }

    void until(std::function<bool()> done)
    {
        bool late = false;
        if (done()) return;
        done_ = std::move(done);
        Timer deadline(loop, [&] {
            late = true;
            loop.stop();
        });
        deadline.start(Millis{20'000});
        loop.run();
        done_ = nullptr;
        BOOST_TEST_REQUIRE(!late, "it never happened");
    }
    // What is due now, several times: for what must not happen.
    void idle()
    {
        for (int i = 0; i < 5; ++i)
            loop.run_pending();
    }

    Loop loop;

  private:
    std::function<bool()> done_;
};
} // namespace tidemark::net::test
