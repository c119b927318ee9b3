#pragma once
#include "tests/support/daemon_process.hpp"
#include "tests/support/ports.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::support
{
// A running `tidemark origin` with certificates that `tidemark certs init` made for it and its
// edges, and directories of its own for everything. Its edges' data is in there too: edges end
// first.
//
//     OriginProcess origin({"a", "b"});
//     EdgeProcess a(origin.flags_for("a", {"--upstream", upstream.url()}));
//     origin.wait_for_edges(1);
//     BOOST_TEST(origin.purge(purge_body("uri", {a.url("/")}), 10).status() == 200);
class OriginProcess : public DaemonProcess
{
  public:
    explicit OriginProcess(const std::vector<std::string>& edges = {"a", "b", "c"},
                           const std::vector<std::string>& args = {});

    [[nodiscard]] const Endpoint& link() const noexcept { return link_.endpoint(); }
    // What EdgeProcess needs to be this origin's edge `name`, then `more`. `through`: the port of a
    // relay to link() instead of it. Data and certificates are the name's: a second process of one
    // name finds what the first one left.
    [[nodiscard]] std::vector<std::string> flags_for(const std::string& name,
                                                     const std::vector<std::string>& more = {},
                                                     std::uint16_t through = 0) const;
    [[nodiscard]] std::string certs() const { return dir_.path("certs"); }
    [[nodiscard]] std::string data() const { return dir_.path("data"); }
    [[nodiscard]] std::string data_of(const std::string& edge) const;

    // Copies data() aside, and back: a restored backup. Only while the daemon is not running.
    void back_up();
    void restore_backup();

    // POST /v1/purge. `wait_s`: Prefer: wait=…; 0: as soon as it is durable.
    [[nodiscard]] Message purge(std::string_view body, int wait_s = 0,
                                Deadline deadline = soon()) const;
    // Until so many edges are connected. Throws Timeout.
    void wait_for_edges(std::size_t count, Deadline deadline = soon()) const;

  private:
    ReservedPort link_ = ReservedPort::free_for_udp_too();
    ReservedPort admin_;
};

// The number of "version" in a purge's answer. Throws std::runtime_error if there is none.
[[nodiscard]] std::uint64_t version_in(const Message& answer);
} // namespace tidemark::support
