#include "core/net/tls.hpp"

#include "certs/authority.hpp"
#include "core/net/listener.hpp"
#include "core/net/stream.hpp"
#include "tests/core/net/running.hpp"
#include "tests/support/temp_dir.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace tidemark::net
{
namespace
{
using Reason = TlsEnd::Reason;
using support::TempDir;

WallTime today()
{
    return WallTime{
        std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch())};
}

// A CA with the edges a and b.
std::string make_certificates(const TempDir& dir, const std::string& name, WallTime now = today())
{
    const std::vector<std::string> edges = {"a", "b"};
    const auto made = certs::init(dir.path(name), edges, now);
    BOOST_TEST_REQUIRE(made.has_value(), (made ? "" : made.error()));
    return dir.path(name);
}

TlsFiles files_of(const std::string& folder, const std::string& name, bool with_crl = true)
{
    return {folder + "/ca.pem", folder + "/" + name + ".pem", folder + "/" + name + ".key",
            with_crl ? folder + "/crl.pem" : ""};
}

std::shared_ptr<const TlsContext> context_of(TlsRole role, const TlsFiles& files,
                                             const std::string& peer_role)
{
    auto context = TlsContext::load(role, files, peer_role);
    BOOST_TEST_REQUIRE(context.has_value(), (context ? "" : context.error()));
    return *context;
}

std::shared_ptr<const TlsContext> origin_of(const std::string& folder)
{
    return context_of(TlsRole::server, files_of(folder, "origin"), "edge");
}

std::shared_ptr<const TlsContext> edge_of(const std::string& folder, const std::string& name = "a")
{
    return context_of(TlsRole::client, files_of(folder, name), "origin");
}

// One end of a connection that notes all it is told.
class Peer final : public TlsListener
{
  public:
    Peer(Loop& loop, std::shared_ptr<const TlsContext> context, Millis timeout)
        : stream(loop, std::move(context), *this, timeout)
    {
    }
    void on_open(const PeerIdentity& who) noexcept override
    {
        BOOST_TEST(!in_call);
        peer = who;
    }
    void on_bytes(ByteView bytes) noexcept override
    {
        BOOST_TEST(!in_call);
        received += bytes;
        if (at_bytes) at_bytes();
    }
    void on_sent(std::size_t bytes) noexcept override
    {
        BOOST_TEST(!in_call);
        sent += bytes;
        if (at_sent) at_sent();
    }
    void on_end(const TlsEnd& how) noexcept override
    {
        BOOST_TEST(!in_call);
        BOOST_TEST(!end.has_value());
        end = how;
    }
    void on_closed() noexcept override
    {
        BOOST_TEST(!in_call);
        ++closed;
    }
    void write(ByteView bytes)
    {
        in_call = true;
        stream.write(bytes);
        in_call = false;
    }
    void close()
    {
        in_call = true;
        stream.close();
        in_call = false;
    }
    [[nodiscard]] bool ended(Reason reason, std::string_view words) const
    {
        BOOST_TEST_REQUIRE(end.has_value());
        BOOST_TEST(end->text.find(words) != std::string::npos, end->text);
        return end->reason == reason;
    }

    std::optional<PeerIdentity> peer;
    std::string received;
    std::size_t sent = 0;
    std::optional<TlsEnd> end;
    int closed = 0;
    bool in_call = false;
    std::function<void()> at_bytes;
    std::function<void()> at_sent;
    TlsStream stream;
};

// A listening origin, and whoever connects to it.
class Link
{
  public:
    explicit Link(std::shared_ptr<const TlsContext> server, Millis timeout = Millis{10'000})
        : timeout_(timeout)
    {
        auto socket =
            ListenSocket::open(Address::parse("127.0.0.1:0").value(), ListenSocket::Sharing::alone);
        address = socket->address();
        listener_.emplace(
            running.loop, std::move(*socket), [this, server](uv_stream_t* from, bool local) {
                servers.push_back(std::make_unique<Peer>(running.loop, server, timeout_));
                BOOST_TEST(servers.back()->stream.accept(from, local));
            });
    }
    ~Link() noexcept(false)
    {
        listener_.reset();
        for (auto* side : {&servers, &clients})
            for (const auto& peer : *side)
                peer->close();
        running.until([&] {
            for (auto* side : {&servers, &clients})
                for (const auto& peer : *side)
                    if (peer->closed == 0) return false;
            return true;
        });
    }
    Peer& dial(std::shared_ptr<const TlsContext> client)
    {
        clients.push_back(std::make_unique<Peer>(running.loop, std::move(client), timeout_));
        BOOST_TEST_REQUIRE(clients.back()->stream.connect(address));
        return *clients.back();
    }
    // Both ends, through with their handshake.
    std::pair<Peer*, Peer*> open(std::shared_ptr<const TlsContext> client)
    {
        Peer& one = dial(std::move(client));
        const std::size_t number = clients.size();
        running.until([&] { return one.peer && servers.size() == number && servers.back()->peer; });
        return {&one, servers.back().get()};
    }
    // Both ends of a connection that comes to nothing.
    std::pair<Peer*, Peer*> refused(std::shared_ptr<const TlsContext> client)
    {
        Peer& one = dial(std::move(client));
        running.until([&] { return one.end && !servers.empty() && servers.back()->end; });
        return {&one, servers.back().get()};
    }

    test::RunningLoop running;
    Address address;
    std::vector<std::unique_ptr<Peer>> servers;
    std::vector<std::unique_ptr<Peer>> clients;

  private:
    Millis timeout_;
    std::optional<Listener> listener_;
};

// Someone on a bare TCP connection.
class Stranger final : public StreamListener
{
  public:
    Stranger(test::RunningLoop& running, const Address& to)
        : running_(running), stream(running.loop, *this)
    {
        BOOST_TEST_REQUIRE(stream.connect(to));
        running_.until([&] { return connected; });
        stream.read_start();
    }
    ~Stranger() noexcept(false)
    {
        stream.close();
        running_.until([&] { return closed; });
    }
    void on_connected(int) noexcept override { connected = true; }
    void on_bytes(std::string_view bytes) noexcept override { received += bytes; }
    void on_end(StreamEnd) noexcept override {}
    void on_written(bool) noexcept override {}
    void on_closed() noexcept override { closed = true; }
    void send(std::string bytes)
    {
        uv_buf_t buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
        BOOST_TEST(stream.try_write({&buffer, 1}) == static_cast<std::int64_t>(bytes.size()));
    }

  private:
    test::RunningLoop& running_;

  public:
    Stream stream;
    std::string received;
    bool connected = false;
    bool closed = false;
};

std::string pattern(std::size_t bytes)
{
    std::string out(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i)
        out[i] = static_cast<char>((i * 131 + (i >> 8)) & 0xff);
    return out;
}
} // namespace

BOOST_AUTO_TEST_SUITE(tls)

BOOST_AUTO_TEST_CASE(each_end_knows_the_other_by_its_certificate)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    Link link(origin_of(folder));
    const auto [edge, origin] = link.open(edge_of(folder, "b"));
    BOOST_TEST(edge->peer->role == "origin");
    BOOST_TEST(edge->peer->name == "origin");
    BOOST_TEST(origin->peer->role == "edge");
    BOOST_TEST(origin->peer->name == "b");
    BOOST_TEST((*origin->peer == edge_of(folder, "b")->identity()));
    BOOST_TEST((*edge->peer == origin_of(folder)->identity()));
    BOOST_TEST(!edge->peer->serial.empty());
    BOOST_TEST(edge->stream.is_open());
    BOOST_TEST(origin->stream.peer_address().is_loopback());
}

BOOST_AUTO_TEST_CASE(bytes_go_both_ways_and_are_told_when_sent)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    Link link(origin_of(folder));
    Peer& edge = link.dial(edge_of(folder));
    edge.write("early"); // waits for the handshake
    BOOST_TEST(edge.stream.queued_bytes() == 5U);
    link.running.until([&] { return !link.servers.empty() && !link.servers[0]->received.empty(); });
    Peer& origin = *link.servers[0];
    BOOST_TEST(origin.received == "early");
    BOOST_TEST(edge.sent == 5U);
    BOOST_TEST(edge.stream.queued_bytes() == 0U);
    origin.write("an");
    origin.write("swer");
    link.running.until([&] { return edge.received.size() == 6; });
    BOOST_TEST(edge.received == "answer");
    BOOST_TEST(origin.sent == 6U);
}

BOOST_AUTO_TEST_CASE(much_arrives_whole_and_in_order_in_both_ways_at_once)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    Link link(origin_of(folder));
    const auto [edge, origin] = link.open(edge_of(folder));
    const std::string much = pattern(12 << 20);
    edge->write(much);
    for (std::size_t i = 0; i < much.size(); i += 700)
        origin->write(std::string_view(much).substr(i, 700));
    link.running.until([&, &edge = edge, &origin = origin] {
        return edge->received.size() == much.size() && origin->received.size() == much.size() &&
               edge->stream.queued_bytes() == 0 && origin->stream.queued_bytes() == 0;
    });
    BOOST_TEST((edge->received == much));
    BOOST_TEST((origin->received == much));
    BOOST_TEST(edge->sent == much.size());
    BOOST_TEST(origin->sent == much.size());
}

BOOST_AUTO_TEST_CASE(a_reader_that_stops_holds_the_writer_back)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    Link link(origin_of(folder));
    const auto [edge, origin] = link.open(edge_of(folder));
    const std::string much = pattern(24 << 20);
    int calls = 0;
    origin->at_bytes = [&, &origin = origin] {
        if (++calls == 1) origin->stream.read_stop();
    };
    edge->write(much);
    link.running.until([&] { return calls == 1; });
    link.running.idle();
    link.running.idle();
    BOOST_TEST(calls == 1); // none but the one under way
    BOOST_TEST(edge->stream.queued_bytes() > 0U);
    origin->stream.read_start();
    link.running.until([&, &origin = origin] { return origin->received.size() == much.size(); });
    BOOST_TEST((origin->received == much));
}

BOOST_AUTO_TEST_CASE(both_ends_export_the_same_key_and_no_one_else_does)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    Link link(origin_of(folder));
    const auto key_of = [](Peer& peer, std::string_view label, ByteView context) {
        std::array<std::uint8_t, 32> key{};
        BOOST_TEST(peer.stream.export_key(label, context, key));
        return std::string(key.begin(), key.end());
    };
    Peer& early = link.dial(edge_of(folder));
    std::array<std::uint8_t, 32> none{};
    BOOST_TEST(!early.stream.export_key("EXPORTER-x", "", none));
    link.running.until(
        [&] { return early.peer && link.servers.size() == 1 && link.servers[0]->peer; });

    const std::string key = key_of(early, "EXPORTER-x", "1");
    BOOST_TEST((key == key_of(*link.servers[0], "EXPORTER-x", "1")));
    BOOST_TEST((key != key_of(early, "EXPORTER-x", "2")));
    BOOST_TEST((key != key_of(early, "EXPORTER-y", "1")));
    const auto [other, other_end] = link.open(edge_of(folder));
    BOOST_TEST((key != key_of(*other, "EXPORTER-x", "1")));
    BOOST_TEST((key != key_of(*other_end, "EXPORTER-x", "1")));
}

BOOST_AUTO_TEST_CASE(a_peer_that_says_goodbye_is_told_from_one_that_breaks_off)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    Link link(origin_of(folder));
    {
        const auto [edge, origin] = link.open(edge_of(folder));
        edge->close();
        link.running.until([&, &origin = origin] { return origin->end.has_value(); });
        BOOST_TEST(origin->ended(Reason::eof, "ended"));
    }
    {
        const auto [edge, origin] = link.open(edge_of(folder));
        origin->write("last words");
        origin->stream.shutdown();
        origin->write("never"); // too late
        link.running.until([&, &edge = edge] { return edge->end.has_value(); });
        BOOST_TEST(edge->ended(Reason::eof, "ended"));
        BOOST_TEST(edge->received == "last words");
    }
    {
        const auto [edge, origin] = link.open(edge_of(folder));
        const std::string much = pattern(24 << 20);
        origin->stream.read_stop();
        edge->write(much);
        link.running.idle();
        edge->close(); // with most of it unsent
        origin->stream.read_start();
        link.running.until([&, &origin = origin] { return origin->end.has_value(); });
        BOOST_TEST(origin->ended(Reason::reset, "connection"));
        BOOST_TEST(origin->received.size() < much.size());
    }
}

BOOST_AUTO_TEST_CASE(an_owner_may_close_in_any_call)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    Link link(origin_of(folder));
    for (const bool in_bytes : {true, false}) {
        const auto [edge, origin] = link.open(edge_of(folder));
        edge->at_bytes = [&edge = edge] { edge->stream.close(); };
        edge->at_sent = [&edge = edge] { edge->stream.close(); };
        if (in_bytes)
            origin->write(pattern(100'000));
        else
            edge->write(pattern(100'000));
        link.running.until([&, &edge = edge] { return edge->closed == 1; });
        BOOST_TEST(!edge->end.has_value());
        BOOST_TEST(edge->received.size() <= 16384U);
        link.running.until([&, &origin = origin] { return origin->end.has_value(); });
    }
}

BOOST_AUTO_TEST_CASE(a_stream_that_never_connected_closes_in_a_later_turn)
{
    const TempDir dir;
    test::RunningLoop running;
    Peer peer(running.loop, edge_of(make_certificates(dir, "ca")), Millis{1000});
    peer.write("nowhere");
    peer.close();
    BOOST_TEST(peer.closed == 0);
    running.until([&] { return peer.closed == 1; });
}

BOOST_AUTO_TEST_CASE(a_connection_that_nobody_takes_is_unreachable)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    Link link(origin_of(folder));

    {
        auto gone =
            ListenSocket::open(Address::parse("127.0.0.1:0").value(), ListenSocket::Sharing::alone);
        link.address = gone->address();
    }
    Peer& edge = link.dial(edge_of(folder));
    link.running.until([&] { return edge.end.has_value(); });
    BOOST_TEST(edge.ended(Reason::unreachable, "connection refused"));
}

// Why a certificate is not taken, as both ends put it.
BOOST_AUTO_TEST_CASE(a_revoked_edge_is_refused_and_told_so)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    const auto before = origin_of(folder);
    BOOST_TEST_REQUIRE(certs::revoke(folder, "a", today()).has_value());
    {
        Link link(before); // does not know yet
        link.open(edge_of(folder));
    }
    Link link(origin_of(folder));
    const auto [edge, origin] = link.refused(edge_of(folder, "a"));
    BOOST_TEST(origin->ended(Reason::handshake, "certificate revoked: edge \"a\", serial "));
    BOOST_TEST(
        edge->ended(Reason::handshake, "the peer refused our certificate: certificate revoked"));
    BOOST_TEST(!origin->peer.has_value());
}

BOOST_AUTO_TEST_CASE(a_certificate_past_its_time_is_refused)
{
    const TempDir dir;
    const std::string old = make_certificates(dir, "ca", today() - Seconds{86'400 * 500});
    const std::vector<std::string> origin_only = {"origin"};
    BOOST_TEST_REQUIRE(certs::renew(old, origin_only, today()).has_value());
    Link link(origin_of(old));
    const auto [edge, origin] = link.refused(edge_of(old));
    BOOST_TEST(origin->ended(Reason::handshake, "certificate expired: edge \"a\""));
    BOOST_TEST(edge->ended(Reason::handshake, "the peer refused our certificate: expired"));
}

BOOST_AUTO_TEST_CASE(a_certificate_of_another_ca_is_refused_by_either_end)
{
    const TempDir dir;
    const std::string ours = make_certificates(dir, "ours");
    const std::string theirs = make_certificates(dir, "theirs");
    Link link(origin_of(ours));
    {
        // Trusts us, but shows what another CA signed.
        TlsFiles files = files_of(theirs, "a", false);
        files.ca = ours + "/ca.pem";
        const auto [edge, origin] = link.refused(context_of(TlsRole::client, files, "origin"));
        BOOST_TEST(origin->ended(Reason::handshake, "unknown CA"));
        BOOST_TEST(edge->ended(Reason::handshake, "the peer refused our certificate: unknown CA"));
    }
    Link other(origin_of(ours));
    const auto [edge, origin] = other.refused(edge_of(theirs));
    BOOST_TEST(edge->ended(Reason::handshake, "we refused the peer: unknown CA"));
    BOOST_TEST(origin->ended(Reason::handshake, "the peer refused our certificate: unknown CA"));
}

BOOST_AUTO_TEST_CASE(an_edge_cannot_pose_as_the_origin_nor_the_origin_as_an_edge)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    {
        Link link(context_of(TlsRole::server, files_of(folder, "b"), "edge"));
        const auto [edge, false_origin] = link.refused(edge_of(folder));
        BOOST_TEST(edge->ended(Reason::handshake,
                               "wrong role: the certificate of \"b\" is for the role \"edge\", "
                               "expected \"origin\""));
        BOOST_TEST(!edge->peer.has_value());
        BOOST_TEST(!false_origin->peer.has_value());
    }
    Link link(origin_of(folder));
    const auto [edge, origin] =
        link.refused(context_of(TlsRole::client, files_of(folder, "origin"), "origin"));
    BOOST_TEST(origin->ended(Reason::handshake, "wrong role"));
    BOOST_TEST(edge->ended(Reason::handshake, "the peer refused our certificate: wrong role"));
}

BOOST_AUTO_TEST_CASE(garbage_and_half_handshakes_end_with_a_reason)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    const std::string half_hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
    const struct {
        const char* name;
        std::string bytes;
        bool ends; // our stranger goes after this
        std::string words;
    } rows[] = {
        {"a request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, "what came is no TLS"},
        {"noise", pattern(5000), false, "what came is no TLS"},
        {"zeros", std::string(5000, '\0'), false, "TLS"},
        {"a record of more than any may have",
         std::string("\x16\x03\x01\xff\xff", 5) + pattern(60'000), false, "what came is no TLS"},
        {"a hello of nonsense", std::string("\x16\x03\x01\x00\x30", 5) + pattern(48), false, "TLS"},
        {"half a hello, then the end", half_hello, true, "ended the connection in the handshake"},
        {"nothing, then the end", "", true, "ended the connection in the handshake"},
        {"half a hello, then silence", half_hello, false, "no handshake within 200 ms"},
        {"silence", "", false, "no handshake within 200 ms"},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            Link link(origin_of(folder), Millis{200});
            Stranger stranger(link.running, link.address);
            if (!row.bytes.empty()) stranger.send(row.bytes);
            if (row.ends) stranger.stream.shutdown();
            link.running.until([&] { return !link.servers.empty() && link.servers[0]->end; });
            BOOST_TEST(link.servers[0]->ended(Reason::handshake, row.words));
            BOOST_TEST(!link.servers[0]->peer.has_value());
        }
}

// A relay that hands on what the ends send and then spoils the stream.
BOOST_AUTO_TEST_CASE(bytes_that_someone_spoils_on_the_way_are_never_delivered)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    Link link(origin_of(folder));
    struct Relay final : StreamListener {
        explicit Relay(Loop& loop) : stream(loop, *this) {}
        void on_connected(int) noexcept override { stream.read_start(); }
        void on_bytes(std::string_view bytes) noexcept override
        {
            std::string copy(bytes);
            if (spoil) copy.back() = static_cast<char>(copy.back() ^ 1);
            uv_buf_t buffer = uv_buf_init(copy.data(), static_cast<unsigned>(copy.size()));
            BOOST_TEST(other->stream.try_write({&buffer, 1}) ==
                       static_cast<std::int64_t>(copy.size()));
        }
        void on_end(StreamEnd) noexcept override {}
        void on_written(bool) noexcept override {}
        void on_closed() noexcept override { closed = true; }
        Stream stream;
        Relay* other = nullptr;
        bool spoil = false;
        bool closed = false;
    };
    Relay inner(link.running.loop);
    Relay outer(link.running.loop);
    inner.other = &outer;
    outer.other = &inner;
    auto socket =
        ListenSocket::open(Address::parse("127.0.0.1:0").value(), ListenSocket::Sharing::alone);
    const Address real = link.address;
    link.address = socket->address();
    std::optional<Listener> listener;
    listener.emplace(link.running.loop, std::move(*socket), [&](uv_stream_t* from, bool local) {
        BOOST_TEST(inner.stream.accept(from, local));
        inner.stream.read_start();
    });
    BOOST_TEST_REQUIRE(outer.stream.connect(real));
    link.running.until([&] { return outer.stream.reading(); });

    const auto [edge, origin] = link.open(edge_of(folder));
    edge->write("whole");
    link.running.until([&, &origin = origin] { return origin->received == "whole"; });
    inner.spoil = true;
    edge->write("spoilt");
    link.running.until([&, &origin = origin] { return origin->end.has_value(); });
    BOOST_TEST((origin->end->reason == Reason::protocol));
    BOOST_TEST(origin->received == "whole");
    listener.reset();
    inner.stream.close();
    outer.stream.close();
    link.running.until([&] { return inner.closed && outer.closed; });
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_used_are_named)
{
    const TempDir dir;
    const std::string folder = make_certificates(dir, "ca");
    const std::string empty = dir.write("empty.pem", "");
    const auto why = [&](void (*change)(TlsFiles&, const std::string&), const std::string& path) {
        TlsFiles files = files_of(folder, "a");
        change(files, path);
        const auto context = TlsContext::load(TlsRole::client, files, "origin");
        return context ? std::string("loaded") : context.error();
    };
    const auto ca = [](TlsFiles& files, const std::string& path) { files.ca = path; };
    const auto own = [](TlsFiles& files, const std::string& path) { files.certificate = path; };
    const auto key = [](TlsFiles& files, const std::string& path) { files.key = path; };
    const auto crl = [](TlsFiles& files, const std::string& path) { files.crl = path; };
    const std::string gone = dir.path("gone.pem");
    BOOST_TEST(why(ca, gone) == gone + ": cannot be read: No such file or directory");
    BOOST_TEST(why(ca, empty) == empty + ": holds no certificate of a CA in PEM");
    BOOST_TEST(why(own, empty) == empty + ": holds no certificate in PEM");
    BOOST_TEST(why(key, empty) == empty + ": holds no usable private key in PEM");
    BOOST_TEST(why(key, folder + "/b.key") == folder + "/b.key: is not the key of the certificate");
    BOOST_TEST(why(crl, empty) == empty + ": holds no revocation list in PEM");
    BOOST_TEST(why(crl, gone) == gone + ": cannot be read: No such file or directory");
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::net
