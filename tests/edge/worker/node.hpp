#pragma once
#include "config/edge_config.hpp"
#include "core/base/hash.hpp"
#include "core/observe/access_log.hpp"
#include "edge/worker/worker.hpp"
#include "tests/support/fake_origin.hpp"
#include "tests/support/raw_client.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <string_view>

// A real worker on a port of its own, whose standing with an origin is as the test says. Several
// make a shield and the edges behind it.
namespace tidemark::nodes
{
using namespace tidemark::support;
using worker::Metric;

inline constexpr purge::JournalId kJournal = 0x77;

inline purge::FenceKey shared_key()
{
    purge::FenceKey key;
    key.id = 4;
    key.key.fill(9);
    return key;
}

inline std::shared_ptr<const serve::Sites> sites_of(const std::string& name,
                                                    const std::string& upstream,
                                                    const std::string& top, const std::string& site)
{
    const std::string toml = "name = \"" + name + "\"\nlisten = [\"127.0.0.1:0\"]\n" + top +
                             "\n[[site]]\nupstreams = [\"" + upstream + "\"]\n" + site + "\n";
    auto settings = config::parse_edge(toml, "test.toml", {}, "x");
    BOOST_REQUIRE(settings.has_value());
    auto sites = std::make_shared<const serve::Sites>(std::move(*settings), nullptr);
    for (const auto& [url, member] : sites->upstreams())
        member->set_addresses({*net::Address::parse(config::text_of(url.address))});
    return sites;
}

class Node
{
  public:
    Node(const std::string& name, const std::string& upstream, const std::string& site = {},
         const std::string& top = {})
        : log_(*observe::AccessLog::open("", {})), shared({64ULL << 20})
    {
        auto socket = net::ListenSocket::open(*net::Address::parse("127.0.0.1:0"),
                                              net::ListenSocket::Sharing::alone);
        BOOST_REQUIRE(socket.has_value());
        at_.port = socket->address().port();
        std::vector<net::ListenSocket> sockets;
        sockets.push_back(std::move(*socket));
        shared.descriptors = worker::share_descriptors(1024, 1);
        worker_ = std::make_unique<worker::Worker>(shared, sites_of(name, upstream, top, site),
                                                   std::move(sockets), log_->producer(0), 1);
    }
    ~Node()
    {
        worker_->drain(Millis{2000});
        worker_->join();
    }

    // In sync for an hour, a node among others.
    void link(purge::Adrift policy = purge::Adrift::revalidate)
    {
        shared.standing.follow(policy, false);
        shared.standing.set_lease(net::Loop::boot_now() + std::chrono::hours{1},
                                  std::chrono::minutes{10});
        shared.standing.set_applied(kJournal, 0);
        shared.standing.add_key(shared_key());
        start();
    }
    void start() { worker_->start(); }
    void lose_lease()
    {
        shared.standing.set_lease(net::Loop::boot_now() - Millis{1}, std::chrono::minutes{10});
    }
    void tick()
    {
        const BootTime now = net::Loop::boot_now();
        shared.standing.on_tick(now, shared.purges.tick());
    }
    // The message has come: applied, and only then told.
    void apply(std::uint64_t version, purge::Invalidation order)
    {
        order.version = version;
        shared.purges.apply(order, MonoTime{Nanos{1}});
        shared.standing.set_applied(kJournal, version);
    }

    // As if it had been evicted.
    void forget(std::string_view target)
    {
        const std::string key = "http://" + at_.authority() + std::string(target);
        const auto participant = shared.epochs.join();
        participant->online();
        shared.store.erase_key(hash_bytes(key), key);
        participant->offline();
    }

    [[nodiscard]] const Endpoint& at() const noexcept { return at_; }
    [[nodiscard]] std::string url() const { return at_.upstream_url(); }
    [[nodiscard]] Message get(std::string_view target, const Fields& fields = {}) const
    {
        return support::get(at_, target, fields);
    }
    [[nodiscard]] std::uint64_t count(Metric metric) const
    {
        return worker_->counters()[metric].value();
    }

  private:
    std::unique_ptr<observe::AccessLog> log_;
    Endpoint at_;

  public:
    worker::Shared shared;

  private:
    std::unique_ptr<worker::Worker> worker_;
};

inline bool is_hit(const Message& answer)
{
    return answer.value("Cache-Status").find("; hit") != std::string::npos;
}
inline std::string detail_of(const Message& answer)
{
    const std::string status = answer.value("Cache-Status");
    const std::size_t at = status.rfind("; detail=");
    return at == std::string::npos ? "" : status.substr(at + 9);
}
} // namespace tidemark::nodes
