#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace tidemark::bench
{
struct ChildCommand {
    std::vector<std::string> words; // the first is the program's path
    std::string out;                // files its output is appended to, private to us
    std::string err;
    std::vector<std::string> environment; // "NAME=value", instead of what we have of that name
    // The kernel kills it when the thread that began it ends, however that ends.
    bool dies_with_thread = false;
};

// A program of ours, running in the background. The destructor kills it. One thread's at a time.
class Child
{
  public:
    // Throws std::system_error if it cannot be begun; a program that is not there ends with 127.
    explicit Child(const ChildCommand& command);
    ~Child();
    Child(Child&& other) noexcept;
    Child& operator=(Child&&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] bool running();
    // Once it has ended: 128 + N for signal N.
    [[nodiscard]] std::optional<int> exit_code();
    void signal(int number) noexcept; // does nothing once exit_code() was there
    // True if it ended in time.
    bool wait(std::chrono::milliseconds patience);
    int kill() noexcept; // by SIGKILL, and waits; its exit code

  private:
    pid_t pid_ = -1;
    std::optional<int> exit_code_;
};
} // namespace tidemark::bench
