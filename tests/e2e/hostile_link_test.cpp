#include "tests/e2e/fleet.hpp"

#include <arpa/inet.h>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <deque>
#include <filesystem>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <random>
#include <sys/socket.h>

// Strangers at the link: wrong certificates, garbage, forged and repeated datagrams. Nothing of it
// changes anything, and all of it is counted (design.md §2: I6).
using namespace tidemark::e2e;
using namespace std::chrono_literals;
using tidemark::support::FileDescriptor;
using tidemark::support::run_tidemark;
using tidemark::support::Socket;

namespace
{
sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

class UdpSender
{
  public:
    void send(std::uint16_t to, const std::string& bytes) const
    {
        const sockaddr_in at = loopback(to);
        ::sendto(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&at),
                 sizeof at);
    }

  private:
    FileDescriptor fd_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

struct Packet {
    std::uint16_t from = 0;
    std::uint16_t to = 0;
    std::string bytes;
};

// Everything that loopback carries by UDP, and the power to send in anybody's name. Root only.
class Wiretap
{
  public:
    Wiretap()
        : ears_(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP)),
          mouth_(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP))
    {
    }
    [[nodiscard]] bool allowed() const { return ears_.get() >= 0 && mouth_.get() >= 0; }

    // What came since.
    [[nodiscard]] std::vector<Packet> heard() const
    {
        std::vector<Packet> all;
        char buffer[4096];
        for (ssize_t n = 0; (n = ::recv(ears_.get(), buffer, sizeof buffer, 0)) > 0;) {
            iphdr ip{};
            std::memcpy(&ip, buffer, sizeof ip);
            const std::size_t front = std::size_t{ip.ihl} * 4;
            udphdr udp{};
            if (static_cast<std::size_t>(n) < front + sizeof udp) continue;
            std::memcpy(&udp, buffer + front, sizeof udp);
            all.push_back({ntohs(udp.source), ntohs(udp.dest),
                           std::string(buffer + front + sizeof udp, buffer + n)});
        }
        return all;
    }
    // Until so many packets between these were heard in that direction. Throws Timeout.
    [[nodiscard]] std::vector<Packet> wait_for(std::size_t count, std::uint16_t from,
                                               std::uint16_t to) const
    {
        std::vector<Packet> all;
        const bool came = poll_until(soon(), [&] {
            for (Packet& packet : heard())
                if ((from == 0 || packet.from == from) && (to == 0 || packet.to == to))
                    all.push_back(std::move(packet));
            return all.size() >= count;
        });
        if (!came) throw tidemark::support::Timeout("datagrams");
        return all;
    }
    void send(const Packet& packet) const
    {
        udphdr udp{};
        udp.source = htons(packet.from);
        udp.dest = htons(packet.to);
        udp.len = htons(static_cast<std::uint16_t>(sizeof udp + packet.bytes.size()));
        std::string bytes(sizeof udp, '\0');
        std::memcpy(bytes.data(), &udp, sizeof udp);
        bytes += packet.bytes;
        const sockaddr_in at = loopback(0);
        ::sendto(mouth_.get(), bytes.data(), bytes.size(), 0,
                 reinterpret_cast<const sockaddr*>(&at), sizeof at);
    }

  private:
    FileDescriptor ears_;
    FileDescriptor mouth_;
};

struct Shared {
    static inline std::unique_ptr<Fleet> fleet;
    Shared()
    {
        FleetPlan plan{{{"a"}, {"b"}}};
        plan.more_certificates = {"late"};
        fleet = std::make_unique<Fleet>(plan);
    }
    ~Shared() { fleet.reset(); }
};
const Fleet& fleet()
{
    return *Shared::fleet;
}
const OriginProcess& origin()
{
    return fleet().origin;
}

double refused_handshakes()
{
    return metric(origin(), "tidemark_link_refused_handshakes_total");
}
double rejected(const DaemonProcess& daemon)
{
    return metric(daemon, "tidemark_link_rejected_datagrams_total");
}

// The flags of an edge whose certificates are elsewhere.
std::vector<std::string> flags_with(const std::string& name, const std::string& certs,
                                    const std::string& data)
{
    return {"--name", name, "--origin",   origin().link().authority(), "--certs", certs,
            "--data", data, "--upstream", Shared::fleet->app.url()};
}
std::string status_of(const EdgeProcess& edge, const std::string& pointer)
{
    return json_at(edge.ask_admin("GET", "/v1/status").body, pointer);
}

// All still works.
void check_unharmed()
{
    const Page page(Shared::fleet->app, "/unharmed", kFresh, "new");
    fleet().purge_everywhere(purge_of("/unharmed"));
    fleet().wait_until_all_in_sync();
    BOOST_TEST(fleet().bodies("/unharmed") == "new/new");
    for (const char* edge : {"a", "b"})
        BOOST_TEST(from_store(fleet().get(edge, "/unharmed")));
}
} // namespace

BOOST_AUTO_TEST_SUITE(hostile_link, *boost::unit_test::fixture<Shared>())

BOOST_AUTO_TEST_CASE(an_edge_with_a_certificate_of_another_ca_is_refused_in_clear_words)
{
    const TempDir dir;
    BOOST_TEST(run_tidemark({"certs", "init", dir.path("certs"), "--edges", "a"}).exit_code == 0);
    const double before = refused_handshakes();
    const EdgeProcess stranger(flags_with("a", dir.path("certs"), dir.path("data")));
    BOOST_TEST(
        poll_until(soon(), [&] { return stranger.log().find("unknown CA") != std::string::npos; }));
    BOOST_TEST(poll_until(soon(), [&] { return refused_handshakes() > before; }));
    BOOST_TEST(origin().log().find("refused") != std::string::npos);
    BOOST_TEST(status_of(stranger, "/origin/in_sync") == "false");
    BOOST_TEST(status_of(stranger, "/origin/linked") == "false");
    check_unharmed();
}

BOOST_AUTO_TEST_CASE(an_edge_whose_name_is_not_its_certificates_is_refused)
{
    const TempDir dir;
    std::filesystem::copy(origin().certs(), dir.path("certs"));
    for (const char* kind : {".pem", ".key"})
        std::filesystem::copy(dir.path("certs") + "/late" + kind, dir.path("certs") + "/a" + kind,
                              std::filesystem::copy_options::overwrite_existing);
    const EdgeProcess impostor(flags_with("a", dir.path("certs"), dir.path("data")));
    BOOST_TEST(poll_until(soon(), [&] {
        return impostor.log().find("refuse") != std::string::npos ||
               impostor.log().find("certificate") != std::string::npos;
    }));
    BOOST_TEST(status_of(impostor, "/origin/in_sync") == "false");
    check_unharmed();
}

// It has stolen an edge's key and stands where the origin stood.
BOOST_AUTO_TEST_CASE(an_edges_certificate_cannot_pose_as_the_origin)
{
    const TempDir dir;
    std::filesystem::copy(origin().certs(), dir.path("certs"));
    for (const char* kind : {".pem", ".key"})
        std::filesystem::copy(dir.path("certs") + "/b" + kind, dir.path("certs") + "/origin" + kind,
                              std::filesystem::copy_options::overwrite_existing);
    try {
        OriginProcess posing({"x"}); // for its ports; its own CA serves nobody here
        posing.stop();
        std::filesystem::remove_all(posing.certs());
        std::filesystem::copy(dir.path("certs"), posing.certs());
        posing.start();
        std::vector<std::string> flags = flags_with("late", origin().certs(), dir.path("data"));
        flags[3] = posing.link().authority();
        const EdgeProcess edge(flags);
        BOOST_TEST(poll_until(soon(), [&] {
            return edge.log().find("certificate") != std::string::npos ||
                   edge.log().find("refuse") != std::string::npos;
        }));
        BOOST_TEST(status_of(edge, "/origin/in_sync") == "false");
        BOOST_TEST(status_of(edge, "/origin/linked") == "false");
    } catch (const std::runtime_error& ended) { // it may refuse to start at all, and say why
        BOOST_TEST(std::string(ended.what()).find("role") != std::string::npos, ended.what());
    }
}

BOOST_AUTO_TEST_CASE(an_edge_whose_certificate_is_revoked_is_refused_at_its_next_connection)
{
    Fleet& all = *Shared::fleet;
    all.add({"late", {"--lease", "500ms"}});
    all.wait_until_in_sync("late");
    BOOST_TEST(run_tidemark({"certs", "revoke", origin().certs(), "late"}).exit_code == 0);
    const double before = refused_handshakes();
    all.edge("late").restart();
    BOOST_TEST(poll_until(soon(), [&] { return refused_handshakes() > before; }));
    BOOST_TEST(origin().log().find("revoked") != std::string::npos);
    all.wait_until_in_sync("late", false);
    all.remove("late");
    BOOST_TEST(all.origin.ask_admin("DELETE", "/v1/edges/late").status() == 200);
    check_unharmed();
}

BOOST_AUTO_TEST_CASE(garbage_on_the_stream_port_is_counted_and_ends_the_connection)
{
    const double before = refused_handshakes();
    std::mt19937 random(7);
    std::string noise(10'000, '\0');
    for (char& c : noise)
        c = static_cast<char>(random());
    const std::vector<std::string> kGarbage{noise, "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                            std::string(10'000, '\0'),
                                            std::string("\x16\x03\x01\x40\x01", 5) + noise, "\x16"};
    for (const std::string& bytes : kGarbage) {
        Socket socket = Socket::connect(origin().link());
        socket.write(bytes);
        socket.end_writing();
        try {
            while (!socket.read_some().empty())
                continue;
        } catch (const tidemark::support::ConnectionReset&) {
        }
    }
    BOOST_TEST(poll_until(soon(), [&] {
        return refused_handshakes() >= before + static_cast<double>(kGarbage.size());
    }));
    check_unharmed();
}

BOOST_AUTO_TEST_CASE(garbage_by_datagram_is_counted)
{
    const double before = rejected(origin());
    const UdpSender sender;
    std::mt19937 random(8);
    int sent = 0;
    for (const std::size_t bytes : {1U, 14U, 15U, 31U, 100U, 1200U, 1201U, 2'000U, 60'000U}) {
        for (int i = 0; i < 20; ++i) {
            std::string noise(bytes, '\0');
            for (char& c : noise)
                c = static_cast<char>(random());
            noise[0] = i % 2 == 0 ? '\x01' : noise[0]; // the version of our wire
            sender.send(origin().link().port, noise);
            ++sent;
        }
    }
    BOOST_TEST(poll_until(soon(), [&] { return rejected(origin()) >= before + sent; }));
    check_unharmed();
}

BOOST_AUTO_TEST_CASE(datagrams_that_are_repeated_cut_or_changed_are_counted_at_the_origin)
{
    const Wiretap tap;
    if (!tap.allowed()) {
        BOOST_TEST_MESSAGE("skipped: no raw sockets for whoever runs this");
        return;
    }
    const std::uint16_t link = origin().link().port;
    const std::vector<Packet> taken = tap.wait_for(8, 0, link); // acknowledgements
    const double before = rejected(origin());
    const std::string edges = origin().ask_admin("GET", "/v1/edges").body;
    const UdpSender sender;
    int sent = 0;
    const auto send = [&](const std::string& bytes) {
        sender.send(link, bytes);
        ++sent;
    };
    for (const Packet& packet : taken) {
        send(packet.bytes); // from elsewhere, and late: it came before
        send(packet.bytes.substr(0, packet.bytes.size() - 1));
        send(packet.bytes + "x");
        for (std::size_t at = 0; at < packet.bytes.size(); at += 7) {
            std::string flipped = packet.bytes;
            flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
            send(flipped);
        }
    }
    BOOST_TEST(poll_until(soon(), [&] { return rejected(origin()) >= before + sent; }));
    BOOST_TEST(json_at(edges, "/mark") ==
               json_at(origin().ask_admin("GET", "/v1/edges").body, "/mark"));
    check_unharmed();
}

BOOST_AUTO_TEST_CASE(datagrams_that_are_repeated_cut_or_changed_are_counted_at_the_edges)
{
    const Wiretap tap;
    if (!tap.allowed()) {
        BOOST_TEST_MESSAGE("skipped: no raw sockets for whoever runs this");
        return;
    }
    const std::uint16_t link = origin().link().port;
    Page page(Shared::fleet->app, "/edge-side");
    fleet().bodies("/edge-side");
    const std::uint64_t version = version_in(fleet().purge_everywhere(purge_of("/kept")));
    const std::vector<Packet> taken = tap.wait_for(8, link, 0); // heartbeats, records
    const auto count = [&] { return rejected(fleet().edge("a")) + rejected(fleet().edge("b")); };
    const double before = count();
    int sent = 0;
    const auto send = [&](Packet packet) {
        tap.send(packet);
        ++sent;
    };
    for (const Packet& packet : taken) {
        send(packet);
        send({packet.from, packet.to, packet.bytes.substr(0, packet.bytes.size() - 1)});
        for (std::size_t at = 0; at < packet.bytes.size(); at += 7) {
            Packet flipped = packet;
            flipped.bytes[at] = static_cast<char>(flipped.bytes[at] ^ 0x10);
            send(flipped);
        }
    }
    BOOST_TEST(poll_until(soon(), [&] { return count() >= before + sent; }));
    BOOST_TEST(from_store(fleet().get("a", "/edge-side"))); // nothing was purged by it
    for (const char* edge : {"a", "b"})
        fleet().wait_until_applied(edge, version);
    check_unharmed();
}

BOOST_AUTO_TEST_SUITE_END()
