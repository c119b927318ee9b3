#pragma once
#include "tests/support/wait.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

// Stream sockets on loopback, blocking with deadlines.
namespace tidemark::support
{
enum class Family : std::uint8_t { ipv4, ipv6, unix_path };

struct Endpoint {
    Family family = Family::ipv4;
    std::uint16_t port = 0;
    std::string path; // Family::unix_path

    [[nodiscard]] std::string authority() const;    // "127.0.0.1:81", "[::1]:81", "localhost"
    [[nodiscard]] std::string listen_flag() const;  // as --listen has it
    [[nodiscard]] std::string upstream_url() const; // as --upstream has it
};

class FileDescriptor
{
  public:
    FileDescriptor() = default;
    explicit FileDescriptor(int fd) : fd_(fd) {}
    ~FileDescriptor() { reset(); }
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept;
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept;
    void reset() noexcept;

  private:
    int fd_ = -1;
};

// The peer answered with a reset, or what it sent is not there to be read any more.
struct ConnectionReset : std::runtime_error {
    ConnectionReset() : std::runtime_error("connection reset by the peer") {}
};

class Socket
{
  public:
    Socket() = default;
    explicit Socket(FileDescriptor fd) : fd_(std::move(fd)) {}
    // Throws std::runtime_error if nobody listens there.
    [[nodiscard]] static Socket connect(const Endpoint& where, Deadline deadline = soon());

    // What has arrived, at least one byte; "" at the end of the stream. Throws Timeout and
    // ConnectionReset.
    [[nodiscard]] std::string read_some(std::size_t most = 64 * 1024, Deadline deadline = soon());
    // False if the peer takes no more: it closed, or reset. Throws Timeout.
    bool write(std::string_view bytes, Deadline deadline = soon());
    // As many as fit without waiting; 0 if none do. Throws ConnectionReset.
    [[nodiscard]] std::size_t write_now(std::string_view bytes);

    void end_writing() noexcept; // the peer reads to an end of the stream; it may still answer
    void close() noexcept { fd_.reset(); }
    void abort() noexcept;      // the peer gets a reset
    void reset_peer() noexcept; // the same, but the descriptor stays ours (TCP only)
    void wake() noexcept;       // another thread's read or write ends as if the peer had closed
    void set_receive_buffer(int bytes) noexcept; // small: a slow reader is felt at once
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] FileDescriptor release() noexcept { return std::move(fd_); }

  private:
    FileDescriptor fd_;
};

// A bound and listening socket; fills in the port the kernel chose.
[[nodiscard]] FileDescriptor listen_on(Endpoint& where, int backlog);
[[nodiscard]] FileDescriptor bound_socket(Endpoint& where, bool reuse_port);
// Throws Timeout.
void wait_until_ready(int fd, short events, Deadline deadline, const char* what);
} // namespace tidemark::support
