#pragma once
#include "tests/support/http_reader.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace tidemark::support
{
struct ProgramResult {
    int exit_code = -1; // 128 + N for signal N
    std::string out;
    std::string err;
};
// Runs the program under test to its end, at most until the deadline (then it is killed, and
// Timeout thrown).
[[nodiscard]] ProgramResult run_tidemark(const std::vector<std::string>& args,
                                         Deadline deadline = soon());

// A running `tidemark edge`. It listens on a port of its own (unless `args` say where), has its
// admin endpoint on another, and is there for clients when the constructor returns. The destructor
// ends it by SIGTERM and fails the test if it does not exit 0 in time: the sanitizers' findings are
// failures too.
class EdgeProcess
{
  public:
    explicit EdgeProcess(std::vector<std::string> args);
    ~EdgeProcess();
    EdgeProcess(const EdgeProcess&) = delete;
    EdgeProcess& operator=(const EdgeProcess&) = delete;

    [[nodiscard]] const Endpoint& at() const noexcept { return listen_.endpoint(); }
    [[nodiscard]] const Endpoint& admin() const noexcept { return admin_.endpoint(); }
    // "http://127.0.0.1:PORT" + target, as purges name it.
    [[nodiscard]] std::string url(std::string_view target) const;

    void signal(int number) const;
    // Its exit code once it has ended (128 + N for signal N). Throws Timeout.
    [[nodiscard]] int wait_for_exit(Deadline deadline = soon());
    [[nodiscard]] bool running();
    [[nodiscard]] std::size_t resident_bytes() const;
    [[nodiscard]] std::size_t open_descriptors() const;
    [[nodiscard]] std::string log() const; // all it has written so far

    // POST /v1/purge with a body like {"type":"uri","selectors":["…"]}; returns the status.
    int purge(std::string_view type, const std::vector<std::string>& selectors) const;
    [[nodiscard]] Message ask_admin(std::string_view method, std::string_view target,
                                    std::string_view body = {}) const;

  private:
    void start(const std::vector<std::string>& args);
    void wait_until_it_answers();
    void end_and_judge() noexcept;

    TempDir dir_;
    ReservedPort listen_;
    ReservedPort admin_;
    pid_t pid_ = -1;
    std::optional<int> exit_code_;
};
} // namespace tidemark::support
