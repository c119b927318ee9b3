#pragma once
#include "bench/process/child.hpp"
#include "tests/support/http_reader.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
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

// A running daemon of the program under test. It listens when start() returns. When this is
// destroyed it is ended by SIGTERM, and the test fails if it does not exit 0 in time: the
// sanitizers' findings are failures too. It may die and come back, with the same ports, directories
// and arguments.
class DaemonProcess
{
  public:
    DaemonProcess(const DaemonProcess&) = delete;
    DaemonProcess& operator=(const DaemonProcess&) = delete;

    void signal(int number);
    // Its exit code once it has ended (128 + N for signal N). Throws Timeout.
    [[nodiscard]] int wait_for_exit(Deadline deadline = soon());
    [[nodiscard]] bool running();
    [[nodiscard]] std::size_t resident_bytes() const;
    [[nodiscard]] std::size_t open_descriptors() const;
    [[nodiscard]] std::string log() const; // all it has written so far, in all its lives

    void kill();    // by SIGKILL, and waits for its end
    void stop();    // by SIGTERM; fails the test if it does not exit 0 in time
    void start();   // again, after its end
    void restart(); // stop() and start()
    void freeze();  // by SIGSTOP: it does nothing, and nobody is told
    void thaw();    // it goes on as if no time had passed

    [[nodiscard]] const Endpoint& admin() const noexcept { return listens_.back(); }
    [[nodiscard]] Message ask_admin(std::string_view method, std::string_view target,
                                    std::string_view body = {}, Fields fields = {}) const;

  protected:
    DaemonProcess() = default;
    ~DaemonProcess();
    // Once, and start()s it. `args` begin with the daemon's name; `listens`: where it answers once
    // it is there, the admin endpoint last.
    void begin(std::vector<std::string> args, std::vector<Endpoint> listens);

    TempDir dir_;

  private:
    void wait_until_it_answers();
    void end_and_judge() noexcept;

    std::vector<std::string> args_;
    std::vector<Endpoint> listens_;
    std::optional<bench::Child> child_;
    bool judged_ = true; // how it ended is known, or was wanted
};

// {"type":TYPE,"selectors":[…]}, the body of POST /v1/purge.
[[nodiscard]] std::string purge_body(std::string_view type,
                                     const std::vector<std::string>& selectors);
} // namespace tidemark::support
