#pragma once
#include "core/net/tls.hpp"
#include "core/net/udp_socket.hpp"
#include "edge/follow/follow_log.hpp"
#include "edge/follow/follower.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

// Moves the follower's bytes: one TLS stream to the origin, connected again with jitter whenever it
// ends, one UDP socket, one timer. On the control thread.
namespace tidemark::follow
{
struct OriginLinkOptions {
    std::string host; // a name or an address
    std::uint16_t port = 0;
    net::TlsFiles files; // read anew for each connection: renewed certificates are taken up
    Millis retry_first{200};
    Millis retry_most{10'000}; // doubling from the first; each wait is drawn from half of it up
};

// What the link tells the edge.
class LinkOwner
{
  public:
    // After every turn of the link: lease, versions or the link itself may have changed.
    virtual void on_link_turn() = 0;
    virtual void stage_wanted(const StageWanted& order) = 0;
    virtual void stage_piece(const StagePiece& order) = 0;

  protected:
    ~LinkOwner() = default;
};

class OriginLink final : public net::TlsListener
{
  public:
    OriginLink(net::Loop& loop, Follower& follower, FollowLog* log, LinkOwner& owner,
               OriginLinkOptions options);
    ~OriginLink();
    OriginLink(const OriginLink&) = delete;
    OriginLink& operator=(const OriginLink&) = delete;

    void start();
    // After every call on the follower that did not come from here: performs its actions.
    void perform();
    [[nodiscard]] purge::Now now() const noexcept;
    void close(); // final; destroyed once closed()
    [[nodiscard]] bool closed() const noexcept { return closing_ && !stream_; }

    // For status and metrics.
    [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }
    [[nodiscard]] std::uint64_t connects() const noexcept { return connects_; }
    // Not taken by the kernel.
    [[nodiscard]] std::uint64_t dropped_datagrams() const noexcept
    {
        return socket_ ? socket_->counters().dropped : 0;
    }

    void on_open(const net::PeerIdentity& peer) noexcept override;
    void on_bytes(ByteView bytes) noexcept override;
    void on_sent(std::size_t bytes) noexcept override;
    void on_end(const net::TlsEnd& end) noexcept override;
    void on_closed() noexcept override;

  private:
    void connect();
    void connect_to(const net::Address& address);
    void on_welcome();
    void retry_later(const std::string& why);
    void perform_one(Action& action);
    void set_timer();
    [[nodiscard]] bool open_socket();

    net::Loop& loop_;
    Follower& follower_;
    FollowLog* log_;
    LinkOwner& owner_;
    const OriginLinkOptions options_;
    std::unique_ptr<net::TlsStream> stream_;
    std::unique_ptr<net::UdpSocket> socket_;
    std::optional<net::Address> origin_;
    std::vector<Bytes> datagrams_; // to be sent together
    net::Timer timer_;             // the follower's
    net::Timer retry_;
    std::minstd_rand random_;
    Millis wait_;
    std::string last_error_;
    std::uint64_t connects_ = 0;
    std::size_t tries_ = 0;
    std::string peer_; // its name
    bool up_ = false;
    bool welcomed_ = false;
    bool performing_ = false;
    bool closing_ = false;
    // Look-ups that are under way when the link closes find it gone.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};
} // namespace tidemark::follow
