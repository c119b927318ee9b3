#include "origin/broadcast/links.hpp"

#include "core/observe/log.hpp"

#include <algorithm>

namespace tidemark::origin
{
namespace
{
constexpr Millis kLastWords{1'000};
constexpr std::size_t kStreamsMax = 12'000;
// Strangers get no further than this: of too many handshakes the oldest is given up.
constexpr std::size_t kHandshakesMax = 512;

purge::DatagramKey exported(const net::TlsStream& stream, purge::Direction direction,
                            std::uint16_t epoch)
{
    const char context[] = {static_cast<char>(direction), static_cast<char>(epoch >> 8),
                            static_cast<char>(epoch & 0xFF)};
    purge::DatagramKey key{};
    // Fails only before the handshake is through; a key of zeros then meets no peer that has it.
    static_cast<void>(stream.export_key(purge::kKeyLabel, ByteView(context, sizeof context), key));
    return key;
}
} // namespace

// One control stream. Known to the hub from its handshake on.
class Links::Peer final : public net::TlsListener
{
  public:
    explicit Peer(Links& links)
        : links_(links), stream_(links.loop_, links.context_, *this),
          closing_(links.loop_, [this] { close(); })
    {
    }

    [[nodiscard]] bool accept(uv_stream_t* server, bool is_unix)
    {
        return stream_.accept(server, is_unix);
    }
    void write(ByteView bytes) { stream_.write(bytes); }
    void close() noexcept { stream_.close(); }
    // The last word, a refusal perhaps, still reaches a peer that reads.
    void close_when_sent()
    {
        last_words_ = true;
        stream_.shutdown();
        if (stream_.queued_bytes() == 0) return close();
        closing_.start(kLastWords);
    }
    [[nodiscard]] std::optional<PeerId> id() const noexcept { return id_; }

    // Where its datagrams go: from where its last authentic one came.
    std::optional<net::Address> datagrams_to;

    void on_open(const net::PeerIdentity& peer) noexcept override
    {
        std::erase(links_.handshakes_, this);
        name_ = peer.name;
        const purge::KeyExporter keys = [this](purge::Direction direction, std::uint16_t epoch) {
            return exported(stream_, direction, epoch);
        };
        id_ = links_.hub_.on_stream(name_, stream_.peer_address().text(), keys, links_.now());
        links_.by_id_.emplace(*id_, this);
        links_.perform();
    }
    void on_bytes(ByteView bytes) noexcept override
    {
        links_.hub_.on_bytes(*id_, bytes, links_.now());
        links_.perform();
    }
    void on_sent(std::size_t bytes) noexcept override
    {
        if (last_words_ && stream_.queued_bytes() == 0) return close();
        if (!id_) return;
        links_.hub_.on_sent(*id_, bytes, links_.now());
        links_.perform();
    }
    void on_end(const net::TlsEnd& end) noexcept override
    {
        if (end.reason == net::TlsEnd::Reason::handshake) {
            ++links_.refused_;
            log::warn("edge link from {} refused: {}", stream_.peer_address().text(), end.text);
        } else
            log::info("link of edge \"{}\" ended: {}", name_, end.text);
        close();
    }
    void on_closed() noexcept override { links_.closed(*this); }

  private:
    Links& links_;
    net::TlsStream stream_;
    std::optional<PeerId> id_;
    std::string name_;
    net::Timer closing_;
    bool last_words_ = false;
};

Links::Links(net::Loop& loop, Hub& hub, HubOwner& owner)
    : loop_(loop), hub_(hub), owner_(owner), timer_(loop, [this] {
          hub_.on_time(now());
          perform();
      })
{
}

Links::~Links() = default;

purge::Now Links::now() const noexcept
{
    return {loop_.mono(), net::Loop::boot_now(), loop_.wall()};
}

Result<void, std::string> Links::open(const net::Address& at,
                                      std::shared_ptr<const net::TlsContext> context)
{
    context_ = std::move(context);
    auto listening = net::ListenSocket::open(at, net::ListenSocket::Sharing::alone);
    if (!listening) return fail(listening.error());
    address_ = listening->address();
    auto socket =
        net::UdpSocket::open(loop_, address_, [this](const net::Address& from, ByteView datagram) {
            on_datagram(from, datagram);
        });
    if (!socket) return fail(socket.error());
    socket_ = std::move(*socket);
    listener_ = std::make_unique<net::Listener>(
        loop_, std::move(*listening),
        [this](uv_stream_t* server, bool is_unix) { on_incoming(server, is_unix); });
    set_timer();
    return {};
}

void Links::set_context(std::shared_ptr<const net::TlsContext> context)
{
    context_ = std::move(context);
}

void Links::on_incoming(uv_stream_t* server, bool is_unix)
{
    auto owned = std::make_unique<Peer>(*this);
    Peer& peer = *owned;
    peers_.emplace(&peer, std::move(owned));
    if (!peer.accept(server, is_unix) || peers_.size() > kStreamsMax) return peer.close();
    handshakes_.push_back(&peer);
    if (handshakes_.size() <= kHandshakesMax) return;
    Peer* oldest = handshakes_.front();
    handshakes_.pop_front();
    ++refused_;
    oldest->close();
}

void Links::on_datagram(const net::Address& from, ByteView datagram)
{
    const auto id = hub_.on_datagram(datagram, now());
    if (id)
        if (Peer* peer = peer_of(*id)) peer->datagrams_to = from;
    perform();
}

Links::Peer* Links::peer_of(PeerId id)
{
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

void Links::closed(Peer& peer)
{
    if (const auto id = peer.id()) {
        by_id_.erase(*id);
        hub_.on_closed(*id, now());
    }
    std::erase(handshakes_, &peer);
    std::erase_if(datagrams_, [&](const auto& one) { return one.first == &peer; });
    peers_.erase(&peer);
    perform();
}

// Actions may lead to calls that ask for this again: those are taken up by the outermost.
void Links::perform()
{
    if (performing_) return;
    performing_ = true;
    for (std::vector<Action> actions = hub_.take_actions(); !actions.empty();
         actions = hub_.take_actions())
        for (Action& action : actions)
            perform_one(action);
    performing_ = false;
    send_datagrams();
    set_timer();
}

void Links::perform_one(Action& action)
{
    struct Perform {
        Links& links;
        void operator()(SendStream& order) const
        {
            if (Peer* peer = links.peer_of(order.peer)) peer->write(order.bytes);
        }
        void operator()(SendDatagram& order) const
        {
            Peer* peer = links.peer_of(order.peer);
            if (peer != nullptr && peer->datagrams_to)
                links.datagrams_.emplace_back(peer, std::move(order.sealed));
        }
        void operator()(CloseStream& order) const
        {
            Peer* peer = links.peer_of(order.peer);
            if (peer == nullptr) return;
            log::info("link closed: {}", order.why);
            peer->close_when_sent();
        }
        void operator()(Remark& remark) const
        {
            if (remark.alarm)
                log::error("{}", remark.text);
            else
                log::info("{}", remark.text);
        }
        void operator()(KeepEdge& order) const { links.owner_.keep_edge(order); }
        void operator()(DropEdge& order) const { links.owner_.drop_edge(order); }
        void operator()(ReadRecords& order) const { links.owner_.read_records(order); }
        void operator()(MintJournal& order) const { links.owner_.mint_journal(order); }
        void operator()(ReadContent& order) const { links.owner_.read_content(order); }
        void operator()(Staged& staged) const { links.owner_.on_staged(staged); }
        void operator()(Progress&) const { links.owner_.on_progress(); }
    };
    std::visit(Perform{*this}, action);
}

void Links::send_datagrams()
{
    if (datagrams_.empty()) return;
    std::vector<net::Datagram> batch;
    batch.reserve(datagrams_.size());
    for (const auto& [peer, bytes] : datagrams_)
        batch.push_back({&*peer->datagrams_to, bytes});
    if (socket_) socket_->send(batch);
    datagrams_.clear();
}

void Links::set_timer()
{
    if (closing_) return;
    const auto due = hub_.next_due();
    if (!due) return timer_.stop();
    const Nanos left = std::max(Nanos{0}, *due - loop_.mono());
    timer_.start(std::chrono::ceil<Millis>(left));
}

void Links::close()
{
    closing_ = true;
    timer_.stop();
    listener_.reset();
    socket_.reset();
    link_anew();
}

void Links::link_anew()
{
    std::vector<Peer*> all;
    for (const auto& [peer, owned] : peers_)
        all.push_back(peer);
    for (Peer* peer : all)
        peer->close();
}
} // namespace tidemark::origin
