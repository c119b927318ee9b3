#pragma once
#include "core/net/listener.hpp"
#include "core/net/tls.hpp"
#include "core/net/udp_socket.hpp"
#include "origin/broadcast/hub.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

// Moves the hub's bytes: the TLS listener, one stream per edge, one UDP socket, one timer. On the
// control thread.
namespace tidemark::origin
{
// What the hub asks for that is no network.
class HubOwner
{
  public:
    virtual void keep_edge(const KeepEdge& order) = 0;
    virtual void drop_edge(const DropEdge& order) = 0;
    virtual void read_records(const ReadRecords& order) = 0;
    virtual void mint_journal(const MintJournal& order) = 0;
    virtual void read_content(const ReadContent& order) = 0;
    virtual void on_staged(const Staged& staged) = 0;
    virtual void on_progress() = 0;

  protected:
    ~HubOwner() = default;
};

class Links
{
  public:
    Links(net::Loop& loop, Hub& hub, HubOwner& owner);
    ~Links();
    Links(const Links&) = delete;
    Links& operator=(const Links&) = delete;

    // Listens for streams and datagrams at `at`. Errors: a text for the operator.
    [[nodiscard]] Result<void, std::string> open(const net::Address& at,
                                                 std::shared_ptr<const net::TlsContext> context);
    // Certificates or revocations have changed: for streams from now on.
    void set_context(std::shared_ptr<const net::TlsContext> context);
    // Ends every stream: edges connect again at once, those that are still welcome.
    void link_anew();
    [[nodiscard]] const net::Address& address() const noexcept { return address_; }

    // After every call on the hub that did not come from here: performs its actions.
    void perform();
    [[nodiscard]] purge::Now now() const noexcept;
    // Streams that ended before they were through with their handshake.
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
    // Datagrams that the kernel did not take.
    [[nodiscard]] std::uint64_t dropped_datagrams() const noexcept
    {
        return socket_ ? socket_->counters().dropped : 0;
    }

    void close(); // final; handles close in the loop's next turns

  private:
    class Peer;
    void on_incoming(uv_stream_t* server, bool is_unix);
    void on_datagram(const net::Address& from, ByteView datagram);
    void perform_one(Action& action);
    void send_datagrams();
    void set_timer();
    [[nodiscard]] Peer* peer_of(PeerId id);
    void closed(Peer& peer);

    net::Loop& loop_;
    Hub& hub_;
    HubOwner& owner_;
    net::Address address_;
    std::shared_ptr<const net::TlsContext> context_;
    std::unique_ptr<net::Listener> listener_;
    std::unique_ptr<net::UdpSocket> socket_;
    net::Timer timer_;
    std::unordered_map<Peer*, std::unique_ptr<Peer>> peers_;
    std::unordered_map<PeerId, Peer*> by_id_;
    std::deque<Peer*> handshakes_;                   // under way, oldest first
    std::vector<std::pair<Peer*, Bytes>> datagrams_; // to be sent together
    std::uint64_t refused_ = 0;
    bool performing_ = false;
    bool closing_ = false;
};
} // namespace tidemark::origin
