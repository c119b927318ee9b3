#include "certs/authority.hpp"
#include "edge/follow/origin_link.hpp"
#include "origin/broadcast/links.hpp"
#include "tests/core/net/running.hpp"
#include "tests/purge/messages.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>
#include <netinet/in.h>
#include <set>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemark::follow
{
namespace
{
// Counts what was applied to it.
class Recorder final : public Applier
{
  public:
    std::set<Version> applied;
    void apply(std::span<const purge::Message> messages, Now) override
    {
        for (const purge::Message& message : messages)
            applied.insert(message.version);
    }
    void load(const purge::CompactState&, Now) override {}
    void reset(purge::JournalId, Now) override { applied.clear(); }
    void cap(Version, Now) override {}
    void hear(Version) override {}
    void fence_key(const purge::FenceKey&) override {}
};

class NoStaging final : public LinkOwner
{
  public:
    void on_link_turn() override {}
    void stage_wanted(const StageWanted&) override {}
    void stage_piece(const StagePiece&) override {}
};

// The origin's side, with a journal that is a vector.
class Origin final : public origin::HubOwner
{
  public:
    explicit Origin(net::Loop& loop) : hub({}, start(), 7, now(loop)), links(loop, hub, *this) {}

    void issue(std::size_t count)
    {
        std::vector<journal::DurableRecord> fresh;
        for (std::size_t i = 0; i < count; ++i) {
            const Version version = records.size() + 1;
            auto message = std::make_shared<purge::Message>(purge::purge_of_url(version));
            records.push_back(std::make_shared<const Bytes>(purge::record_of(*message)));
            fresh.push_back({version, records.back(), message});
        }
        hub.on_durable(fresh, links.now());
        links.perform();
    }
    [[nodiscard]] bool all_clean(Version version) const
    {
        const auto report = hub.report(version, false, links.now());
        return report.clean() == report.edges.size() && report.clean() > 0;
    }

    void keep_edge(const origin::KeepEdge& order) override
    {
        hub.on_edge_kept(order.edge.name, links.now());
    }
    void drop_edge(const origin::DropEdge&) override {}
    void read_records(const origin::ReadRecords& order) override
    {
        std::vector<purge::SharedRecord> found;
        for (Version v = order.first; v <= order.last && v <= records.size(); ++v)
            found.push_back(records[v - 1]);
        hub.on_records(order.request, found, links.now());
    }
    void mint_journal(const origin::MintJournal&) override {}
    void read_content(const origin::ReadContent&) override {}
    void on_staged(const origin::Staged&) override {}
    void on_progress() override {}

    std::vector<purge::SharedRecord> records;
    origin::Hub hub;
    origin::Links links;

  private:
    static journal::JournalStart start()
    {
        journal::JournalStart start;
        start.id = purge::kJournal;
        return start;
    }
    static Now now(net::Loop& loop) { return {loop.mono(), net::Loop::boot_now(), loop.wall()}; }
};

// Both ends over real sockets, TLS and datagrams, on one loop.
class Stand
{
  public:
    Stand() : origin(running.loop)
    {
        const std::vector<std::string> names{"a", "b"};
        BOOST_TEST_REQUIRE(certs::init(dir.path("ca"), names, running.loop.wall()).has_value());
        const auto at = net::Address::parse("127.0.0.1:0");
        auto context = net::TlsContext::load(net::TlsRole::server, files("origin"), "edge");
        BOOST_TEST_REQUIRE(context.has_value());
        BOOST_TEST_REQUIRE(origin.links.open(*at, *context).has_value());
    }
    ~Stand()
    {
        origin.links.close();
        for (const auto& edge : edges)
            edge->link.close();
        running.idle();
    }
    [[nodiscard]] net::TlsFiles files(const std::string& name) const
    {
        const std::string ca = dir.path("ca");
        return {ca + "/ca.pem", ca + "/" + name + ".pem", ca + "/" + name + ".key",
                ca + "/crl.pem"};
    }

    struct Edge {
        Edge(Stand& stand, const std::string& name, const std::string& certificate)
            : follower(settings(name), Restored(), recorder),
              link(stand.running.loop, follower, nullptr, owner,
                   {"127.0.0.1", stand.origin.links.address().port(), stand.files(certificate),
                    Millis{20}, Millis{50}})
        {
            link.start();
        }
        static FollowerSettings settings(const std::string& name)
        {
            FollowerSettings settings;
            settings.name = name;
            settings.instance = 1;
            return settings;
        }
        [[nodiscard]] bool in_sync() const
        {
            return net::Loop::boot_now() < follower.lease_until();
        }
        Recorder recorder;
        NoStaging owner;
        Follower follower;
        OriginLink link;
    };
    Edge& edge(const std::string& name, const std::string& certificate)
    {
        edges.push_back(std::make_unique<Edge>(*this, name, certificate));
        return *edges.back();
    }

    support::TempDir dir;
    net::test::RunningLoop running;
    Origin origin;
    std::vector<std::unique_ptr<Edge>> edges;
};
} // namespace

BOOST_AUTO_TEST_SUITE(origin_link)

BOOST_AUTO_TEST_CASE(an_edge_links_gets_a_lease_and_applies_what_is_issued)
{
    Stand stand;
    Stand::Edge& a = stand.edge("a", "a");
    stand.running.until([&] { return a.in_sync(); });
    stand.origin.issue(100);
    stand.running.until([&] { return stand.origin.all_clean(100); });
    BOOST_TEST(a.recorder.applied.size() == 100U);
    BOOST_TEST(a.follower.counters().datagrams_received > 0U);
}

BOOST_AUTO_TEST_CASE(a_late_edge_catches_up_on_the_stream)
{
    Stand stand;
    stand.origin.issue(20'000);
    Stand::Edge& a = stand.edge("a", "a");
    stand.running.until([&] { return a.follower.contiguous() == 20'000 && a.in_sync(); });
    BOOST_TEST((a.follower.root() == stand.origin.hub.root()));
}

BOOST_AUTO_TEST_CASE(an_edge_under_anothers_certificate_is_refused_and_asks_again_in_vain)
{
    Stand stand;
    Stand::Edge& impostor = stand.edge("a", "b");
    stand.running.until([&] { return impostor.link.connects() > 2; });
    BOOST_TEST(!impostor.in_sync());
    BOOST_TEST(stand.origin.hub.counters().refused_hellos > 0U);
    BOOST_TEST(impostor.link.last_error().find("its certificate says otherwise") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_origins_certificate_does_not_make_an_edge)
{
    Stand stand;
    Stand::Edge& impostor = stand.edge("a", "origin");
    stand.running.until([&] { return stand.origin.links.refused() > 2; });
    BOOST_TEST(!impostor.in_sync());
}

BOOST_AUTO_TEST_CASE(strangers_who_never_finish_their_handshake_do_not_keep_edges_out)
{
    Stand stand;
    std::vector<int> strangers;
    const net::Address at = stand.origin.links.address();
    for (int i = 0; i < 700; ++i) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        BOOST_TEST_REQUIRE(::connect(fd, at.raw(), sizeof(sockaddr_in)) == 0);
        strangers.push_back(fd);
        if (i % 50 == 0) stand.running.idle();
    }
    Stand::Edge& a = stand.edge("a", "a");
    stand.running.until([&] { return a.in_sync(); });
    BOOST_TEST(stand.origin.links.refused() >= 700U - 512U - 1U);
    for (const int fd : strangers)
        ::close(fd);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::follow
