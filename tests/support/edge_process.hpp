#pragma once
#include "tests/support/daemon_process.hpp"
#include "tests/support/ports.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tidemark::support
{
// A running `tidemark edge`. It listens on a port of its own (unless `args` say where) and has its
// admin endpoint on another.
class EdgeProcess : public DaemonProcess
{
  public:
    // To follow an origin, pass what OriginProcess::flags_for() says.
    explicit EdgeProcess(std::vector<std::string> args);

    [[nodiscard]] const Endpoint& at() const noexcept { return listen_.endpoint(); }
    // "http://127.0.0.1:PORT" + target, as purges name it.
    [[nodiscard]] std::string url(std::string_view target) const;

    // POST /v1/purge with a body like {"type":"uri","selectors":["…"]}; returns the status.
    int purge(std::string_view type, const std::vector<std::string>& selectors) const;

  private:
    ReservedPort listen_;
    ReservedPort admin_;
};
} // namespace tidemark::support
