#pragma once
#include "core/base/time.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <uv.h>

// One event loop, one thread. The only place that reads the clocks: once per turn.
//
// A *turn* starts with the first callback after the loop woke and ends just before it waits again.
// Borrowed pointers of the epoch domain live for a turn.
namespace tidemark::net
{
class Loop
{
  public:
    Loop();
    ~Loop(); // every handle on it has been closed
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Until stop() or no handle is left. On the thread that owns the loop.
    void run();
    void stop() noexcept;
    // What is due now, and no waiting. For an orderly end.
    void run_pending();

    [[nodiscard]] WallTime wall() const noexcept { return wall_; }
    [[nodiscard]] MonoTime mono() const noexcept { return mono_; }
    // Not of the turn but of the call: leases are judged after the request's bytes were read.
    [[nodiscard]] static BootTime boot_now() noexcept;

    // Called at the start of a turn and right before the loop waits. `before_wait` may start work
    // of its own; nothing else runs between it and the wait.
    void set_hooks(std::function<void()> turn_begins, std::function<void()> before_wait);

    // Every callback from libuv enters through this. Cheap within a turn.
    void enter() noexcept
    {
        if (!in_turn_) begin_turn();
    }

    // Scratch for reads, shared by all streams of the loop: bytes are consumed or copied within
    // their callback.
    static constexpr std::size_t kReadBytes = 64 * 1024;
    [[nodiscard]] char* read_buffer() noexcept { return read_buffer_.get(); }
    [[nodiscard]] uv_loop_t* raw() noexcept { return &loop_; }

  private:
    void begin_turn() noexcept;
    void end_turn() noexcept;

    uv_loop_t loop_;
    uv_prepare_t prepare_;
    bool in_turn_ = false;
    WallTime wall_{};
    MonoTime mono_{};
    std::function<void()> turn_begins_;
    std::function<void()> before_wait_;
    std::unique_ptr<char[]> read_buffer_;
};

// Calls `fire` on the loop, repeatedly. Stops when destroyed; the handle outlives it until libuv
// has let go.
class Timer
{
  public:
    Timer(Loop& loop, std::function<void()> fire);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    void start(Millis first, Millis repeat = Millis{0});
    void stop() noexcept;

  private:
    struct Handle;
    Handle* handle_;
};

// The only way into a loop from another thread: a bounded queue of values and a wake-up that cannot
// be lost.
template <class T> class Mailbox
{
  public:
    Mailbox(Loop& loop, std::size_t capacity, std::function<void(T&&)> deliver);
    ~Mailbox(); // on the loop's thread, after every poster has stopped
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // Any thread. False: full, the value was not taken.
    [[nodiscard]] bool post(T value);

  private:
    struct Shared {
        uv_async_t async{};
        Loop* loop = nullptr;
        std::mutex mutex;
        std::vector<T> queue;
        std::size_t capacity = 0;
        std::function<void(T&&)> deliver;
        bool closed = false;
    };
    static void on_async(uv_async_t* async) noexcept;
    Shared* shared_;
};

// A bare wake-up: many signal() become one call.
class Wakeup
{
  public:
    Wakeup(Loop& loop, std::function<void()> woken);
    ~Wakeup();
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;
    void signal() noexcept; // any thread

  private:
    struct Handle;
    Handle* handle_;
};

// Calls `arrived(number)` on the loop for each of the signals.
class SignalWatcher
{
  public:
    SignalWatcher(Loop& loop, const std::vector<int>& numbers,
                  const std::function<void(int)>& arrived);
    ~SignalWatcher();
    SignalWatcher(const SignalWatcher&) = delete;
    SignalWatcher& operator=(const SignalWatcher&) = delete;

  private:
    struct Handle;
    std::vector<Handle*> handles_;
};

// First line of main: a peer that dies in mid-write must not end the process.
void ignore_broken_pipes() noexcept;

template <class T>
Mailbox<T>::Mailbox(Loop& loop, std::size_t capacity, std::function<void(T&&)> deliver)
    : shared_(new Shared)
{
    shared_->loop = &loop;
    shared_->capacity = capacity;
    shared_->deliver = std::move(deliver);
    shared_->async.data = shared_;
    uv_async_init(loop.raw(), &shared_->async, &Mailbox::on_async);
}

template <class T> Mailbox<T>::~Mailbox()
{
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->closed = true;
    }
    uv_close(reinterpret_cast<uv_handle_t*>(&shared_->async),
             [](uv_handle_t* handle) { delete static_cast<Shared*>(handle->data); });
}

template <class T> bool Mailbox<T>::post(T value)
{
    {
        const std::lock_guard lock(shared_->mutex);
        if (shared_->closed || shared_->queue.size() >= shared_->capacity) return false;
        shared_->queue.push_back(std::move(value));
    }
    uv_async_send(&shared_->async);
    return true;
}

template <class T> void Mailbox<T>::on_async(uv_async_t* async) noexcept
{
    auto* shared = static_cast<Shared*>(async->data);
    shared->loop->enter();
    std::vector<T> taken;
    {
        const std::lock_guard lock(shared->mutex);
        taken.swap(shared->queue);
    }
    for (T& value : taken) {
        if (shared->closed) return;
        shared->deliver(std::move(value));
    }
}
} // namespace tidemark::net
