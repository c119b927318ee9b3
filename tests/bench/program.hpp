#pragma once
#include <string>
#include <sys/types.h>
#include <vector>

namespace tidemark::bench
{
// A program of ours as a child, its stdout in a pipe. It is ended, by its id, when this is
// destroyed.
class Program
{
  public:
    explicit Program(const std::vector<std::string>& command);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    // The next line without its end; "" when there is no more.
    [[nodiscard]] std::string read_line();
    // The rest of stdout.
    [[nodiscard]] std::string read_all();
    // Waits for its end.
    [[nodiscard]] int exit_code();
    void terminate() noexcept;

  private:
    pid_t pid_ = -1;
    int out_ = -1;
};

// A server of ours on a free port of loopback. It prints where it listens.
class ServerProgram
{
  public:
    explicit ServerProgram(std::vector<std::string> command);
    [[nodiscard]] const std::string& address() const noexcept { return address_; } // 127.0.0.1:PORT
    void terminate() noexcept { program_.terminate(); }

  private:
    Program program_;
    std::string address_;
};
} // namespace tidemark::bench
