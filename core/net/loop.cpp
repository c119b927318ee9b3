#include "core/net/loop.hpp"

#include "core/base/check.hpp"

#include <csignal>
#include <ctime>

namespace tidemark::net
{
namespace
{
std::int64_t nanos_of(clockid_t clock) noexcept
{
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}
} // namespace

Loop::Loop() : read_buffer_(new char[kReadBytes])
{
    TIDEMARK_CHECK(uv_loop_init(&loop_) == 0);
    loop_.data = this;
    uv_prepare_init(&loop_, &prepare_);
    prepare_.data = this;
    uv_prepare_start(&prepare_,
                     [](uv_prepare_t* handle) { static_cast<Loop*>(handle->data)->end_turn(); });
    uv_unref(reinterpret_cast<uv_handle_t*>(&prepare_));
    begin_turn();
}

Loop::~Loop()
{
    uv_close(reinterpret_cast<uv_handle_t*>(&prepare_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    TIDEMARK_CHECK(uv_loop_close(&loop_) == 0);
}

void Loop::run()
{
    uv_run(&loop_, UV_RUN_DEFAULT);
}

void Loop::run_pending()
{
    uv_run(&loop_, UV_RUN_NOWAIT);
}

void Loop::stop() noexcept
{
    uv_stop(&loop_);
}

void Loop::set_hooks(std::function<void()> turn_begins, std::function<void()> before_wait)
{
    turn_begins_ = std::move(turn_begins);
    before_wait_ = std::move(before_wait);
}

BootTime Loop::boot_now() noexcept
{
    return BootTime{Nanos{nanos_of(CLOCK_BOOTTIME)}};
}

void Loop::begin_turn() noexcept
{
    in_turn_ = true;
    wall_ = WallTime{Millis{nanos_of(CLOCK_REALTIME) / 1'000'000}};
    mono_ = MonoTime{Nanos{nanos_of(CLOCK_MONOTONIC)}};
    if (turn_begins_) turn_begins_();
}

void Loop::end_turn() noexcept
{
    if (!in_turn_) return;
    if (before_wait_) before_wait_();
    in_turn_ = false;
}

struct Timer::Handle {
    uv_timer_t timer;
    Loop* loop;
    std::function<void()> fire;
};

Timer::Timer(Loop& loop, std::function<void()> fire)
    : handle_(new Handle{{}, &loop, std::move(fire)})
{
    uv_timer_init(loop.raw(), &handle_->timer);
    handle_->timer.data = handle_;
}

Timer::~Timer()
{
    uv_timer_stop(&handle_->timer);
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->timer),
             [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

void Timer::start(Millis first, Millis repeat)
{
    uv_timer_start(
        &handle_->timer,
        [](uv_timer_t* timer) {
            auto* handle = static_cast<Handle*>(timer->data);
            handle->loop->enter();
            handle->fire();
        },
        static_cast<std::uint64_t>(first.count()), static_cast<std::uint64_t>(repeat.count()));
}

void Timer::stop() noexcept
{
    uv_timer_stop(&handle_->timer);
}

struct Wakeup::Handle {
    uv_async_t async;
    Loop* loop;
    std::function<void()> woken;
    bool closed = false;
};

Wakeup::Wakeup(Loop& loop, std::function<void()> woken)
    : handle_(new Handle{{}, &loop, std::move(woken)})
{
    handle_->async.data = handle_;
    uv_async_init(loop.raw(), &handle_->async, [](uv_async_t* async) {
        auto* handle = static_cast<Handle*>(async->data);
        handle->loop->enter();
        if (!handle->closed) handle->woken();
    });
}

Wakeup::~Wakeup()
{
    handle_->closed = true;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->async),
             [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

void Wakeup::signal() noexcept
{
    uv_async_send(&handle_->async);
}

struct SignalWatcher::Handle {
    uv_signal_t signal;
    Loop* loop;
    std::function<void(int)> arrived;
};

SignalWatcher::SignalWatcher(Loop& loop, const std::vector<int>& numbers,
                             const std::function<void(int)>& arrived)
{
    for (const int number : numbers) {
        auto* handle = new Handle{{}, &loop, arrived};
        handle->signal.data = handle;
        uv_signal_init(loop.raw(), &handle->signal);
        uv_signal_start(
            &handle->signal,
            [](uv_signal_t* signal, int arrived_number) {
                auto* self = static_cast<Handle*>(signal->data);
                self->loop->enter();
                self->arrived(arrived_number);
            },
            number);
        handles_.push_back(handle);
    }
}

SignalWatcher::~SignalWatcher()
{
    for (Handle* handle : handles_)
        uv_close(reinterpret_cast<uv_handle_t*>(&handle->signal),
                 [](uv_handle_t* closing) { delete static_cast<Handle*>(closing->data); });
}

void ignore_broken_pipes() noexcept
{
    std::signal(SIGPIPE, SIG_IGN);
}
} // namespace tidemark::net
