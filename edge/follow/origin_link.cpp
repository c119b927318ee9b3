#include "edge/follow/origin_link.hpp"

#include "core/net/resolver.hpp"
#include "core/observe/log.hpp"

#include <algorithm>

namespace tidemark::follow
{
namespace
{
purge::DatagramKey exported(const net::TlsStream& stream, purge::Direction direction,
                            std::uint16_t epoch)
{
    const char context[] = {static_cast<char>(direction), static_cast<char>(epoch >> 8),
                            static_cast<char>(epoch & 0xFF)};
    purge::DatagramKey key{};
    static_cast<void>(stream.export_key(purge::kKeyLabel, ByteView(context, sizeof context), key));
    return key;
}
} // namespace

OriginLink::OriginLink(net::Loop& loop, Follower& follower, FollowLog* log, LinkOwner& owner,
                       OriginLinkOptions options)
    : loop_(loop), follower_(follower), log_(log), owner_(owner), options_(std::move(options)),
      timer_(loop,
             [this] {
                 follower_.on_time(now());
                 perform();
             }),
      retry_(loop, [this] { connect(); }), random_(std::random_device{}()),
      wait_(options_.retry_first)
{
}

OriginLink::~OriginLink()
{
    *alive_ = false;
}

purge::Now OriginLink::now() const noexcept
{
    return {loop_.mono(), net::Loop::boot_now(), loop_.wall()};
}

void OriginLink::start()
{
    set_timer();
    connect();
}

// ---- Connecting

void OriginLink::connect()
{
    if (closing_ || stream_) return;
    net::resolve(loop_, options_.host, options_.port,
                 [this, alive = alive_](const std::vector<net::Address>& addresses) {
                     if (!*alive || closing_ || stream_) return;
                     if (addresses.empty())
                         return retry_later("no address for \"" + options_.host + "\"");
                     // Of several, the next at each try: a name may stand for both families.
                     connect_to(addresses[tries_++ % addresses.size()]);
                 });
}

void OriginLink::connect_to(const net::Address& address)
{
    auto context = net::TlsContext::load(net::TlsRole::client, options_.files, "origin");
    if (!context) return retry_later(context.error());
    if (!origin_ || origin_->family() != address.family()) socket_.reset();
    origin_ = address;
    if (!socket_ && !open_socket()) log::warn("no socket for datagrams: the stream carries all");
    stream_ = std::make_unique<net::TlsStream>(loop_, *std::move(context), *this);
    if (stream_->connect(address)) return;
    last_error_ = "no socket could be had";
    stream_->close();
}

bool OriginLink::open_socket()
{
    const auto any = net::Address::parse(origin_->family() == AF_INET6 ? "[::]:0" : "0.0.0.0:0");
    if (!any) return false;
    auto socket = net::UdpSocket::open(loop_, *any, [this](const net::Address&, ByteView datagram) {
        follower_.on_datagram(datagram, now());
        perform();
    });
    if (socket) socket_ = std::move(*socket);
    return socket.has_value();
}

// Half of the wait is drawn: edges whose origin comes back do not all knock at once.
void OriginLink::retry_later(const std::string& why)
{
    if (closing_) return;
    if (why != last_error_) log::warn("origin {}:{}: {}", options_.host, options_.port, why);
    last_error_ = why;
    std::uniform_int_distribution<std::int64_t> drawn(wait_.count() / 2, wait_.count());
    retry_.start(Millis{drawn(random_)});
    wait_ = std::min(wait_ * 2, options_.retry_most);
}

void OriginLink::on_open(const net::PeerIdentity& peer) noexcept
{
    peer_ = peer.name;
    ++connects_;
    up_ = true;
    welcomed_ = false;
    follower_.on_connected(
        [this](purge::Direction direction, std::uint16_t epoch) {
            return exported(*stream_, direction, epoch);
        },
        now());
    perform();
}

void OriginLink::on_bytes(ByteView bytes) noexcept
{
    follower_.on_bytes(bytes, now());
    if (follower_.linked() && !std::exchange(welcomed_, true)) on_welcome();
    perform();
}

// A refusal comes after the handshake: only who is welcome starts again with a short wait.
void OriginLink::on_welcome()
{
    log::info("linked to origin \"{}\" at {}", peer_, origin_->text());
    last_error_.clear();
    wait_ = options_.retry_first;
}

void OriginLink::on_sent(std::size_t) noexcept {}

void OriginLink::on_end(const net::TlsEnd& end) noexcept
{
    if (end.text != last_error_) log::warn("link to the origin: {}", end.text);
    last_error_ = end.text;
    stream_->close();
}

void OriginLink::on_closed() noexcept
{
    stream_.reset();
    if (std::exchange(up_, false)) {
        follower_.on_closed(now());
        perform();
    }
    retry_later(last_error_);
}

// ---- Performing

// Actions may lead to calls that ask for this again: those are taken up by the outermost.
void OriginLink::perform()
{
    if (performing_) return;
    performing_ = true;
    for (std::vector<Action> actions = follower_.take_actions(); !actions.empty();
         actions = follower_.take_actions())
        for (Action& action : actions)
            perform_one(action);
    performing_ = false;
    if (socket_ && !datagrams_.empty()) {
        std::vector<net::Datagram> batch;
        for (const Bytes& bytes : datagrams_)
            batch.push_back({&*origin_, bytes});
        socket_->send(batch);
    }
    datagrams_.clear();
    if (log_ != nullptr) log_->flush();
    owner_.on_link_turn();
    set_timer();
}

void OriginLink::perform_one(Action& action)
{
    struct Perform {
        OriginLink& link;
        void operator()(SendStream& order) const
        {
            if (link.stream_) link.stream_->write(order.bytes);
        }
        void operator()(SendDatagram& order) const
        {
            link.datagrams_.push_back(std::move(order.sealed));
        }
        void operator()(CloseStream& order) const
        {
            if (order.why != link.last_error_) log::warn("link to the origin: {}", order.why);
            link.last_error_ = order.why;
            if (link.stream_) link.stream_->close();
        }
        void operator()(KeepRecords& order) const
        {
            if (link.log_ != nullptr) link.log_->keep(order.records);
        }
        void operator()(KeepSnapshot& order) const
        {
            if (link.log_ != nullptr)
                link.log_->begin(link.follower_.journal(), order.snapshot, order.through,
                                 order.root);
        }
        void operator()(KeepJournal& order) const
        {
            if (link.log_ != nullptr) link.log_->begin(order.journal);
        }
        void operator()(StagePiece& order) const { link.owner_.stage_piece(order); }
        void operator()(StageWanted& order) const { link.owner_.stage_wanted(order); }
        void operator()(Remark& remark) const
        {
            if (remark.alarm)
                log::error("{}", remark.text);
            else
                log::info("{}", remark.text);
        }
    };
    std::visit(Perform{*this}, action);
}

void OriginLink::set_timer()
{
    if (closing_) return;
    const auto due = follower_.next_due();
    if (!due) return timer_.stop();
    const Nanos left = std::max(Nanos{0}, *due - loop_.mono());
    timer_.start(std::chrono::ceil<Millis>(left));
}

void OriginLink::close()
{
    closing_ = true;
    timer_.stop();
    retry_.stop();
    socket_.reset();
    if (stream_) stream_->close();
}
} // namespace tidemark::follow
