#include "core/net/listener.hpp"
#include "core/net/stream.hpp"
#include "tests/core/net/running.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <optional>
#include <unistd.h>

namespace tidemark::net
{
namespace
{
using Sharing = ListenSocket::Sharing;

// One end of a connection that notes all it is told.
class Peer final : public StreamListener
{
  public:
    explicit Peer(Loop& loop) : stream(loop, *this) {}
    void on_connected(int status) noexcept override { connected = status; }
    void on_bytes(std::string_view bytes) noexcept override { received += bytes; }
    void on_end(StreamEnd how) noexcept override { end = how; }
    void on_written(bool ok) noexcept override { written = ok; }
    void on_closed() noexcept override { ++closed; }

    [[nodiscard]] std::int64_t try_write(std::string_view text)
    {
        const uv_buf_t buffer = buffer_of(text);
        return stream.try_write({&buffer, 1});
    }
    void write(std::string_view text)
    {
        const uv_buf_t buffer = buffer_of(text);
        stream.write({&buffer, 1});
    }

    Stream stream;
    std::optional<int> connected;
    std::string received;
    std::optional<StreamEnd> end;
    std::optional<bool> written;
    int closed = 0;

  private:
    static uv_buf_t buffer_of(std::string_view text)
    {
        uv_buf_t buffer;
        buffer.base = const_cast<char*>(text.data());
        buffer.len = text.size();
        return buffer;
    }
};

class TempFolder
{
  public:
    TempFolder()
    {
        std::string name =
            (std::filesystem::temp_directory_path() / "tidemark-net-XXXXXX").string();
        BOOST_TEST_REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TempFolder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string socket() const { return path_ + "/socket"; }

  private:
    std::string path_;
};

Address address_of(const std::string& text)
{
    return Address::parse(text).value();
}
const std::string kAnyPort = "127.0.0.1:0";

// A server and its clients on one loop.
class Wire
{
  public:
    explicit Wire(const std::string& at = kAnyPort)
        : Wire(ListenSocket::open(address_of(at), Sharing::alone).value())
    {
    }
    explicit Wire(ListenSocket socket) : address(socket.address())
    {
        listener_.emplace(running.loop, std::move(socket), [this](uv_stream_t* server, bool local) {
            peers_.push_back(std::make_unique<Peer>(running.loop));
            if (peers_.back()->stream.accept(server, local))
                accepted.push_back(peers_.back().get());
        });
    }
    ~Wire()
    {
        listener_.reset();
        for (const auto& peer : peers_)
            peer->stream.close();
        running.until([&] {
            return std::all_of(peers_.begin(), peers_.end(),
                               [](const auto& peer) { return peer->closed > 0; });
        });
    }
    Peer& dial(const Address& to)
    {
        peers_.push_back(std::make_unique<Peer>(running.loop));
        Peer& client = *peers_.back();
        BOOST_TEST_REQUIRE(client.stream.connect(to));
        return client;
    }
    // Both ends of a new connection.
    std::pair<Peer*, Peer*> connect()
    {
        const std::size_t before = accepted.size();
        Peer& client = dial(address);
        running.until([&] { return client.connected && accepted.size() > before; });
        BOOST_TEST_REQUIRE(*client.connected == 0);
        return {&client, accepted.back()};
    }
    // Ends `peer` and waits until libuv has let go of it.
    void close(Peer& peer)
    {
        peer.stream.close();
        BOOST_TEST(peer.closed == 0); // never from inside the call
        running.until([&] { return peer.closed == 1; });
    }

    test::RunningLoop running;
    Address address;
    std::vector<Peer*> accepted;

  private:
    std::optional<Listener> listener_;
    std::vector<std::unique_ptr<Peer>> peers_;
};

bool has_ipv6()
{
    return ListenSocket::open(address_of("[::1]:0"), Sharing::alone).has_value();
}

// Where to listen, for a behaviour that is the same everywhere.
template <class Check> void on_every_kind_of_socket(Check check)
{
    const TempFolder folder;
    std::vector<std::string> places = {kAnyPort, "unix:" + folder.socket()};
    if (has_ipv6()) places.push_back("[::1]:0");
    for (const std::string& place : places)
        BOOST_TEST_CONTEXT(place)
        {
            Wire wire(place);
            check(wire);
        }
}

// More than the kernel takes while nobody reads.
const std::string& flood()
{
    static const std::string bytes = [] {
        std::string out(32 << 20, '\0');
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = static_cast<char>((i * 131 + (i >> 8)) & 0xff);
        return out;
    }();
    return bytes;
}

// Fills the connection up; the number of bytes it took.
std::size_t fill(Peer& peer)
{
    std::size_t sent = 0;
    for (;;) {
        const std::int64_t n = peer.try_write(std::string_view(flood()).substr(sent));
        BOOST_TEST_REQUIRE(n >= 0);
        if (n == 0) return sent;
        sent += static_cast<std::size_t>(n);
    }
}
} // namespace

BOOST_AUTO_TEST_SUITE(stream)

BOOST_AUTO_TEST_CASE(bytes_go_both_ways)
{
    on_every_kind_of_socket([](Wire& wire) {
        const auto [client, server] = wire.connect();
        client->stream.no_delay();
        client->stream.read_start();
        server->stream.read_start();
        BOOST_TEST(client->try_write("ping") == 4);
        wire.running.until([&, &server = server] { return server->received == "ping"; });
        server->write("pong");
        BOOST_TEST(server->stream.writing());
        BOOST_TEST(server->try_write("early") == 0); // one at a time
        wire.running.until([&, &client = client, &server = server] {
            return client->received == "pong" && server->written;
        });
        BOOST_TEST(*server->written);
        BOOST_TEST(!server->stream.writing());
    });
}

BOOST_AUTO_TEST_CASE(several_pieces_leave_in_order)
{
    Wire wire;
    const auto [client, server] = wire.connect();
    server->stream.read_start();
    std::string texts[] = {"one ", "", "two ", "three"};
    std::vector<uv_buf_t> pieces;
    for (std::string& text : texts)
        pieces.push_back(uv_buf_init(text.data(), static_cast<unsigned>(text.size())));
    BOOST_TEST(client->stream.try_write(pieces) == 13);
    wire.running.until([&, &peer = server] { return peer->received.size() == 13; });
    BOOST_TEST(server->received == "one two three");
}

BOOST_AUTO_TEST_CASE(a_peer_is_known_by_its_address)
{
    on_every_kind_of_socket([](Wire& wire) {
        const auto [client, server] = wire.connect();
        BOOST_TEST(client->stream.peer().host_text() == wire.address.host_text());
        if (!wire.address.is_unix())
            BOOST_TEST(client->stream.peer().text() == wire.address.text());
        BOOST_TEST(server->stream.peer().host_text() == wire.address.host_text());
        BOOST_TEST(server->stream.peer().is_loopback());
    });
}

BOOST_AUTO_TEST_CASE(a_connection_that_nobody_takes_is_told)
{
    const TempFolder folder;
    Wire wire;
    Address nobody;
    {
        const auto taken = ListenSocket::open(address_of(kAnyPort), Sharing::alone);
        nobody = taken->address();
    }
    for (const Address& to : {nobody, address_of("unix:" + folder.socket())})
        BOOST_TEST_CONTEXT(to.text())
        {
            Peer& client = wire.dial(to);
            wire.running.until([&] { return client.connected.has_value(); });
            BOOST_TEST(*client.connected < 0);
        }
}

BOOST_AUTO_TEST_CASE(a_connect_that_is_given_up_is_told_only_of_its_end)
{
    Wire wire;
    Peer& client = wire.dial(wire.address);
    wire.close(client);
    BOOST_TEST(!client.connected.has_value());
}

BOOST_AUTO_TEST_CASE(an_orderly_end_comes_behind_all_bytes_and_leaves_the_other_way_open)
{
    on_every_kind_of_socket([](Wire& wire) {
        const auto [client, server] = wire.connect();
        client->write("last words");
        client->stream.shutdown();
        client->stream.read_start();
        server->stream.read_start();
        wire.running.until([&, &peer = server] { return peer->end.has_value(); });
        BOOST_TEST((server->end == StreamEnd::eof));
        BOOST_TEST(server->received == "last words");
        BOOST_TEST(!server->stream.reading());
        BOOST_TEST(server->try_write("answer") == 6);
        wire.close(*server);
        wire.running.until([&, &peer = client] { return peer->end.has_value(); });
        BOOST_TEST(client->received == "answer");
        BOOST_TEST((client->end == StreamEnd::eof));
    });
}

BOOST_AUTO_TEST_CASE(a_reset_does_not_look_like_an_orderly_end)
{
    Wire wire;
    const auto [client, server] = wire.connect();
    client->stream.read_start();
    server->stream.reset();
    BOOST_TEST(server->closed == 0);
    wire.running.until([&, &peer = client] { return peer->end.has_value(); });
    BOOST_TEST((client->end == StreamEnd::reset));
    wire.running.until([&, &peer = server] { return peer->closed == 1; });
    server->stream.reset(); // again, and close() after it, change nothing
    server->stream.close();
    wire.running.idle();
    BOOST_TEST(server->closed == 1);
}

BOOST_AUTO_TEST_CASE(a_reset_cuts_even_what_was_ended_already)
{
    Wire wire;
    const auto [client, server] = wire.connect();
    fill(*server);
    server->write("rest");
    server->stream.shutdown();
    server->stream.reset();
    wire.running.until([&, &peer = server] { return peer->closed == 1; });
    BOOST_TEST(!server->written.has_value());
    client->stream.read_start();
    wire.running.until([&, &peer = client] { return peer->end.has_value(); });
    BOOST_TEST(!client->received.ends_with("rest"));
}

BOOST_AUTO_TEST_CASE(a_reader_that_takes_nothing_holds_the_writer_back)
{
    on_every_kind_of_socket([](Wire& wire) {
        const auto [client, server] = wire.connect();
        const std::size_t sent = fill(*client);
        BOOST_TEST_REQUIRE(sent < flood().size());
        client->write(std::string_view(flood()).substr(sent));
        wire.running.idle();
        BOOST_TEST(client->stream.writing());
        BOOST_TEST(client->stream.queued_bytes() > 0U);
        BOOST_TEST(!client->written.has_value());
        BOOST_TEST(server->received.empty());
        server->stream.read_start();
        wire.running.until([&, &peer = server] { return peer->received.size() == flood().size(); });
        wire.running.until([&, &peer = client] { return peer->written.has_value(); });
        BOOST_TEST(*client->written);
        BOOST_TEST((server->received == flood()));
        BOOST_TEST(client->stream.queued_bytes() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(reading_can_be_stopped_and_taken_up_again)
{
    Wire wire;
    const auto [client, server] = wire.connect();
    server->stream.read_start();
    server->stream.read_start();
    BOOST_TEST(client->try_write("a") == 1);
    wire.running.until([&, &peer = server] { return peer->received == "a"; });
    server->stream.read_stop();
    server->stream.read_stop();
    BOOST_TEST(!server->stream.reading());
    BOOST_TEST(client->try_write("b") == 1);
    wire.running.idle();
    BOOST_TEST(server->received == "a");
    server->stream.read_start();
    wire.running.until([&, &peer = server] { return peer->received == "ab"; });
}

BOOST_AUTO_TEST_CASE(a_write_to_a_broken_connection_fails)
{
    Wire wire;
    const auto [client, server] = wire.connect();
    fill(*client);
    client->write(std::string_view(flood()).substr(0, 1'000'000));
    server->stream.reset();
    wire.running.until([&, &peer = client] { return peer->written.has_value(); });
    BOOST_TEST(!*client->written);
    BOOST_TEST(client->try_write("more") < 0);
}

BOOST_AUTO_TEST_CASE(a_close_with_a_write_under_way_tells_only_of_the_end)
{
    Wire wire;
    const auto [client, server] = wire.connect();
    fill(*client);
    client->write(flood());
    wire.close(*client);
    BOOST_TEST(!client->written.has_value());
    BOOST_TEST(client->stream.closing());
    client->stream.shutdown(); // too late, and harmless
    client->stream.read_start();
    BOOST_TEST(!client->stream.reading());
    BOOST_TEST(server->closed == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(listen_socket)

namespace
{
std::string refusal(const Address& at, Sharing sharing)
{
    const auto socket = ListenSocket::open(at, sharing);
    return socket ? "" : socket.error();
}

bool accepts_connections(ListenSocket socket)
{
    Wire wire(std::move(socket));
    return wire.connect().second != nullptr;
}
} // namespace

BOOST_AUTO_TEST_CASE(port_0_is_replaced_by_the_systems_choice)
{
    const auto socket = ListenSocket::open(address_of(kAnyPort), Sharing::alone);
    BOOST_TEST_REQUIRE(socket.has_value());
    BOOST_TEST(socket->address().port() != 0);
    BOOST_TEST(socket->address().host_text() == "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(a_taken_port_is_refused_unless_sockets_of_this_process_share_it)
{
    struct Row {
        Sharing there;
        Sharing next;
        bool refused;
    };
    const Row rows[] = {
        {Sharing::alone, Sharing::alone, true},    {Sharing::alone, Sharing::first, true},
        {Sharing::alone, Sharing::further, true},  {Sharing::first, Sharing::alone, true},
        {Sharing::first, Sharing::first, true}, // a second daemon, started by mistake
        {Sharing::first, Sharing::further, false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(static_cast<int>(row.there) << " then " << static_cast<int>(row.next))
        {
            const auto there = ListenSocket::open(address_of(kAnyPort), row.there);
            BOOST_TEST_REQUIRE(there.has_value());
            const std::string why = refusal(there->address(), row.next);
            BOOST_TEST(!why.empty() == row.refused);
            if (row.refused) {
                BOOST_TEST(why.find(there->address().text()) != std::string::npos, why);
                BOOST_TEST(why.find("already in use") != std::string::npos, why);
            }
        }
}

BOOST_AUTO_TEST_CASE(a_port_that_was_let_go_can_be_taken_again)
{
    for (const Sharing sharing : {Sharing::alone, Sharing::first}) {
        Address at;
        {
            Wire wire;
            static_cast<void>(wire.connect());
            at = wire.address;
        }
        BOOST_TEST(refusal(at, sharing) == "");
    }
}

BOOST_AUTO_TEST_CASE(an_address_of_no_interface_here_is_refused)
{
    for (const Sharing sharing : {Sharing::alone, Sharing::first, Sharing::further})
        BOOST_TEST(refusal(address_of("192.0.2.1:0"), sharing).find("192.0.2.1:0") !=
                   std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_the_same_socket)
{
    auto socket = ListenSocket::open(address_of(kAnyPort), Sharing::alone);
    std::optional<ListenSocket> duplicate = socket->duplicate();
    BOOST_TEST(duplicate->address().text() == socket->address().text());
    ListenSocket moved = std::move(*duplicate);
    duplicate.reset();
    socket = ListenSocket::open(address_of(kAnyPort), Sharing::alone); // the first is closed
    BOOST_TEST(accepts_connections(std::move(moved)));
}

BOOST_AUTO_TEST_CASE(no_descriptor_reaches_a_program_that_is_started)
{
    auto socket = ListenSocket::open(address_of(kAnyPort), Sharing::alone);
    ListenSocket copy = socket->duplicate();
    for (ListenSocket* one : {&*socket, &copy}) {
        const int fd = one->release();
        BOOST_TEST((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        ::close(fd);
    }
}

BOOST_AUTO_TEST_CASE(every_address_means_ipv6_and_ipv4)
{
    if (!has_ipv6()) return;
    auto socket = ListenSocket::open(address_of(":0"), Sharing::alone);
    BOOST_TEST_REQUIRE(socket.has_value());
    Address v4 = address_of("127.0.0.1:1");
    v4.set_port(socket->address().port());
    Wire wire(std::move(*socket));
    Peer& client = wire.dial(v4);
    wire.running.until([&] { return client.connected && !wire.accepted.empty(); });
    BOOST_TEST(*client.connected == 0);
    BOOST_TEST(wire.accepted[0]->stream.peer().host_text() == "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(a_socket_file_that_nobody_listens_on_is_replaced)
{
    const TempFolder folder;
    const Address at = address_of("unix:" + folder.socket());
    {
        const auto old = ListenSocket::open(at, Sharing::alone);
        BOOST_TEST_REQUIRE(old.has_value());
    }
    BOOST_TEST_REQUIRE(std::filesystem::exists(folder.socket()));
    auto socket = ListenSocket::open(at, Sharing::first);
    BOOST_TEST_REQUIRE(socket.has_value());
    BOOST_TEST(accepts_connections(std::move(*socket)));
}

BOOST_AUTO_TEST_CASE(a_socket_file_in_use_is_left_to_its_owner)
{
    const TempFolder folder;
    const Address at = address_of("unix:" + folder.socket());
    Wire wire("unix:" + folder.socket());
    for (const Sharing sharing : {Sharing::alone, Sharing::first, Sharing::further})
        BOOST_TEST(refusal(at, sharing).find(at.text()) != std::string::npos);
    BOOST_TEST(wire.connect().second != nullptr);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_socket_is_never_removed)
{
    const TempFolder folder;
    std::ofstream(folder.socket()) << "precious";
    BOOST_TEST(refusal(address_of("unix:" + folder.socket()), Sharing::alone) != "");
    BOOST_TEST(std::filesystem::file_size(folder.socket()) == 8U);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::net
