#include "purge/sender.hpp"

#include "purge/frames.hpp"
#include "tests/purge/messages.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <map>
#include <random>

BOOST_AUTO_TEST_SUITE(sender)

using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

namespace
{
constexpr MonoTime kStart{1000s};

SharedRecord shared(Version version, std::size_t url_bytes = 20)
{
    const std::string url = "http://h/" + std::string(url_bytes, 'a');
    return std::make_shared<const Bytes>(record_of(purge_of_url(version, url)));
}
std::vector<Version> versions_in(const Bytes& payload)
{
    ByteView left = payload;
    const auto frame = decode_frame(left);
    BOOST_REQUIRE(frame.has_value() && left.empty());
    ByteView records = std::get<Records>(*frame).records;
    std::vector<Version> versions;
    while (!records.empty())
        versions.push_back(next_record(records).value().version);
    return versions;
}
// When datagrams went out, in milliseconds from the start, until `end`.
std::vector<int> times_until(Sender& sender, Nanos end)
{
    std::vector<int> times;
    for (auto due = sender.next_due(); due && *due <= kStart + end; due = sender.next_due()) {
        for (const Bytes& payload : sender.poll(*due).payloads) {
            BOOST_REQUIRE(payload.size() <= kPayloadBytesMax);
            times.push_back(static_cast<int>((*due - kStart) / 1ms));
        }
    }
    return times;
}

// ---- one edge behind a path that loses, in simulated time

// Loses in bursts of a mean length, or (0) each datagram for itself.
class LossyPath
{
  public:
    LossyPath(double loss, Nanos burst, std::uint64_t seed)
        : loss_(loss), burst_(static_cast<double>(burst.count())), random_(seed)
    {
    }
    bool loses(MonoTime now)
    {
        if (loss_ == 0) return false;
        if (burst_ == 0) return std::bernoulli_distribution{loss_}(random_);
        while (until_ <= now) {
            broken_ = !broken_;
            const double mean = broken_ ? burst_ : burst_ * (1 - loss_) / loss_;
            until_ += Nanos{static_cast<std::int64_t>(
                std::exponential_distribution<double>{1 / mean}(random_))};
        }
        return broken_;
    }

  private:
    double loss_;
    double burst_;
    std::mt19937_64 random_;
    bool broken_ = true;
    MonoTime until_ = kStart - 1s;
};

struct Conditions {
    double loss = 0;
    Nanos burst{0};
    Nanos delay{20ms};
    Version purges = 200;
    Nanos interval{20ms};
};

class SimulatedEdge
{
  public:
    SimulatedEdge(const Conditions& conditions, std::uint64_t seed)
        : conditions_(conditions), there_(conditions.loss, conditions.burst, seed),
          back_(conditions.loss, conditions.burst, seed + 1'000'000)
    {
    }

    // Ends when all is acknowledged, or at a time by which it must be.
    void run()
    {
        while (now_ < kStart + 600s &&
               (issued_ < conditions_.purges || sender.unacknowledged() > 0))
            step();
    }

    Sender sender;
    std::map<Version, Nanos> applied; // beyond the delay
    std::map<Version, Nanos> acknowledged;
    std::size_t datagrams = 0;

  private:
    struct Packet {
        std::uint64_t number = 0;
        std::vector<Version> versions;
    };
    struct Answer {
        Received received;
        std::uint64_t highest = 0;
        std::uint64_t opened = 0;
    };

    MonoTime issue_time(Version version) const
    {
        return kStart + conditions_.interval * static_cast<std::int64_t>(version);
    }
    void step()
    {
        MonoTime next = MonoTime::max();
        if (issued_ < conditions_.purges) next = issue_time(issued_ + 1);
        if (const auto due = sender.next_due()) next = std::min(next, std::max(*due, now_));
        if (!packets_.empty()) next = std::min(next, packets_.begin()->first);
        if (!answers_.empty()) next = std::min(next, answers_.begin()->first);
        now_ = next;
        issue();
        transmit();
        receive();
        hear();
    }
    void issue()
    {
        if (issued_ == conditions_.purges || issue_time(issued_ + 1) > now_) return;
        ++issued_;
        sender.on_record(issued_, shared(issued_), now_);
    }
    void transmit()
    {
        for (const Bytes& payload : sender.poll(now_).payloads) {
            ++datagrams;
            if (!there_.loses(now_))
                packets_.emplace(now_ + conditions_.delay, Packet{datagrams, versions_in(payload)});
        }
    }
    void receive()
    {
        while (!packets_.empty() && packets_.begin()->first <= now_) {
            const Packet packet = packets_.begin()->second;
            packets_.erase(packets_.begin());
            highest_ = std::max(highest_, packet.number);
            ++opened_;
            for (const Version version : packet.versions)
                if (set_.add(version) == VersionSet::Added::fresh)
                    applied[version] = now_ - issue_time(version) - conditions_.delay;
            if (!back_.loses(now_))
                answers_.emplace(now_ + conditions_.delay,
                                 Answer{received_of(set_, set_.highest()), highest_, opened_});
        }
    }
    void hear()
    {
        while (!answers_.empty() && answers_.begin()->first <= now_) {
            const Answer answer = answers_.begin()->second;
            answers_.erase(answers_.begin());
            sender.loss().on_report(answer.highest, answer.opened);
            sender.on_ack(answer.received, Path::datagram, now_);
            for (const auto& [version, when] : applied)
                if (answer.received.covers(version))
                    acknowledged.try_emplace(version,
                                             now_ - issue_time(version) - 2 * conditions_.delay);
        }
    }

    Conditions conditions_;
    LossyPath there_;
    LossyPath back_;
    MonoTime now_ = kStart;
    Version issued_ = 0;
    std::multimap<MonoTime, Packet> packets_;
    std::multimap<MonoTime, Answer> answers_;
    VersionSet set_;
    std::uint64_t highest_ = 0;
    std::uint64_t opened_ = 0;
};

struct Figures {
    double applied_p50 = 0; // ms until the last edge had it, beyond the delay
    double applied_p99 = 0;
    double acknowledged_p99 = 0;
    double datagrams = 0; // for a purge and edge
};
double at(std::vector<Nanos>& sorted, double share)
{
    std::sort(sorted.begin(), sorted.end());
    const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
    return static_cast<double>(sorted[index].count()) / 1e6;
}
// The last of `edges`, purge by purge, once the loss is learned.
Figures figures_of(const Conditions& conditions, unsigned edges)
{
    constexpr Version kLearning = 40;
    std::vector<Nanos> applied(conditions.purges - kLearning);
    std::vector<Nanos> acknowledged = applied;
    Figures figures;
    for (unsigned i = 0; i < edges; ++i) {
        SimulatedEdge edge{conditions, i};
        edge.run();
        BOOST_REQUIRE(edge.applied.size() == conditions.purges);
        BOOST_REQUIRE(edge.acknowledged.size() == conditions.purges);
        for (Version v = kLearning + 1; v <= conditions.purges; ++v) {
            auto& last = applied[v - kLearning - 1];
            last = std::max(last, edge.applied.at(v));
            auto& last_ack = acknowledged[v - kLearning - 1];
            last_ack = std::max(last_ack, edge.acknowledged.at(v));
        }
        figures.datagrams +=
            static_cast<double>(edge.datagrams) / static_cast<double>(conditions.purges * edges);
    }
    figures.applied_p50 = at(applied, 0.5);
    figures.applied_p99 = at(applied, 0.99);
    figures.acknowledged_p99 = at(acknowledged, 0.99);
    return figures;
}
} // namespace

BOOST_AUTO_TEST_CASE(copies_go_first_then_resends_then_the_heartbeats_pace)
{
    Sender sender; // 10 % assumed: four copies
    sender.on_record(1, shared(1), kStart);
    const std::vector<int> expected = {0, 3, 6, 9, 24, 39, 54, 69, 84, 99, 114, 129, 329, 529};
    BOOST_TEST(times_until(sender, 600ms) == expected, boost::test_tools::per_element());
    BOOST_TEST(sender.silent());
}

BOOST_AUTO_TEST_CASE(two_copies_are_followed_beyond_a_burst_of_30_ms)
{
    Sender sender;
    sender.loss().on_report(1000, 1000);
    sender.on_record(1, shared(1), kStart);
    const std::vector<int> expected = {0, 3, 18, 33};
    BOOST_TEST(times_until(sender, 40ms) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_acknowledged_is_not_sent_again)
{
    Sender sender;
    for (const Version v : {1U, 2U, 3U})
        sender.on_record(v, shared(v), kStart);
    static_cast<void>(sender.poll(kStart));
    sender.on_ack({0, 3, {{2, 2}}}, Path::datagram, kStart + 1ms);
    BOOST_TEST(sender.unacknowledged() == 1U);
    const auto again = sender.poll(kStart + 3ms);
    BOOST_TEST_REQUIRE(again.payloads.size() == 1U);
    BOOST_TEST((versions_in(again.payloads[0]) == std::vector<Version>{2}));
    sender.on_ack({3, 0, {}}, Path::datagram, kStart + 4ms);
    BOOST_TEST(!sender.next_due().has_value());
    BOOST_TEST(sender.backlog_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(datagrams_are_filled_with_what_is_due_oldest_due_first)
{
    Sender sender;
    for (Version v = 1; v <= 30; ++v)
        sender.on_record(v, shared(v), kStart + std::chrono::microseconds(30 - v));
    const auto sent = sender.poll(kStart + 25us);
    std::vector<Version> versions;
    for (const Bytes& payload : sent.payloads) {
        BOOST_TEST(payload.size() <= kPayloadBytesMax);
        for (const Version v : versions_in(payload))
            versions.push_back(v);
    }
    BOOST_TEST(sent.payloads.size() <= 3U);
    BOOST_TEST(versions.size() == 26U);
    BOOST_TEST(std::is_sorted(versions.rbegin(), versions.rend()));
}

BOOST_AUTO_TEST_CASE(what_is_too_large_for_a_datagram_or_the_backlog_goes_to_the_stream_once)
{
    SenderLimits limits;
    limits.burst_bytes = 1 << 20;
    Sender sender{limits};
    sender.on_record(1, shared(1, 2000), kStart);
    BOOST_TEST(sender.poll(kStart).stream.size() == 1U);
    BOOST_TEST(!sender.next_due().has_value());
    std::size_t bytes = 0;
    Version v = 2;
    for (; bytes + shared(v, 1000)->size() <= 64 * 1024; ++v) {
        bytes += shared(v, 1000)->size();
        sender.on_record(v, shared(v, 1000), kStart);
    }
    BOOST_TEST(sender.poll(kStart).stream.empty());
    sender.on_record(v, shared(v, 1000), kStart);
    BOOST_TEST(sender.backlog_bytes() == bytes);
    BOOST_TEST(sender.poll(kStart).stream.size() == 1U);
    BOOST_TEST(sender.poll(kStart).stream.empty());
    sender.on_ack({v, 0, {}}, Path::datagram, kStart);
    sender.on_record(v + 1, shared(v + 1), kStart);
    BOOST_TEST(sender.poll(kStart).payloads.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_silent_edge_gets_what_waits_on_the_stream_until_a_datagram_answers)
{
    Sender sender;
    sender.on_record(1, shared(1), kStart);
    std::size_t streamed = 0;
    MonoTime now = kStart;
    for (; !sender.silent(); now += 1ms)
        streamed += sender.poll(now).stream.size();
    BOOST_TEST(streamed == 1U);
    sender.on_record(2, shared(2), now);
    const auto sent = sender.poll(now);
    BOOST_TEST(sent.stream.size() == 1U);
    BOOST_TEST(sent.payloads.size() == 1U);
    sender.on_ack({1, 0, {}}, Path::stream, now);
    BOOST_TEST(sender.silent());
    BOOST_TEST(sender.unacknowledged() == 1U);
    BOOST_TEST((*sender.next_due() == now + 200ms));
    sender.on_ack({1, 0, {}}, Path::datagram, now + 1ms);
    BOOST_TEST(!sender.silent());
    BOOST_TEST((*sender.next_due() == now + 1ms));
}

BOOST_AUTO_TEST_CASE(what_the_edge_asks_for_is_due_at_once)
{
    Sender sender;
    for (const Version v : {1U, 2U, 3U})
        sender.on_record(v, shared(v), kStart);
    static_cast<void>(sender.poll(kStart));
    sender.on_nack({0, 2, {{2, 2}}}, kStart + 1ms);
    const auto sent = sender.poll(kStart + 1ms);
    BOOST_TEST_REQUIRE(sent.payloads.size() == 1U);
    BOOST_TEST((versions_in(sent.payloads[0]) == std::vector<Version>{2}));
}

BOOST_AUTO_TEST_CASE(the_rate_is_capped_and_all_goes_out_in_the_end)
{
    SenderLimits limits;
    limits.bytes_per_second = 100'000;
    limits.burst_bytes = 5'000;
    Sender sender{limits};
    for (Version v = 1; v <= 50; ++v)
        sender.on_record(v, shared(v, 900), kStart);
    std::size_t bytes = 0;
    std::set<Version> seen;
    while (sender.next_due() && *sender.next_due() <= kStart + 1s) {
        const MonoTime now = std::max(*sender.next_due(), kStart);
        for (const Bytes& payload : sender.poll(now).payloads) {
            bytes += payload.size();
            for (const Version v : versions_in(payload))
                seen.insert(v);
        }
    }
    BOOST_TEST(bytes <= 105'000U);
    BOOST_TEST(bytes >= 90'000U);
    BOOST_TEST(seen.size() == 50U);
}

// The limits that the whole system must keep, here of the last of 100 edges, each beyond its delay.
BOOST_AUTO_TEST_CASE(the_last_edge_has_it_soon_under_random_loss)
{
    struct Row {
        double loss;
        double applied_ms;
        double acknowledged_ms;
        double datagrams;
    };
    const Row rows[] = {{0, 5, 10, 6},
                        {0.01, 10, 20, 7},
                        {0.1, 25, 60, 8},
                        {0.3, 60, 150, 12},
                        {0.5, 120, 400, 20}};
    for (const Row& row : rows) {
        const Figures figures = figures_of({.loss = row.loss}, 100);
        BOOST_TEST_MESSAGE("loss " << row.loss << ": applied p50 " << figures.applied_p50 << " p99 "
                                   << figures.applied_p99 << " ms, acknowledged p99 "
                                   << figures.acknowledged_p99 << " ms, " << figures.datagrams
                                   << " datagrams");
        BOOST_TEST_CONTEXT("loss " << row.loss)
        {
            BOOST_TEST(figures.applied_p99 <= row.applied_ms);
            BOOST_TEST(figures.acknowledged_p99 <= row.acknowledged_ms);
            BOOST_TEST(figures.datagrams <= row.datagrams);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_last_edge_has_it_soon_under_bursts)
{
    struct Row {
        double loss;
        double applied_ms;
    };
    for (const Row& row : {Row{0.01, 150}, Row{0.1, 200}, Row{0.3, 250}, Row{0.5, 320}}) {
        const Figures figures = figures_of({.loss = row.loss, .burst = 20ms}, 20);
        BOOST_TEST_MESSAGE("bursts, loss " << row.loss << ": applied p50 " << figures.applied_p50
                                           << " p99 " << figures.applied_p99 << " ms, "
                                           << figures.datagrams << " datagrams");
        BOOST_TEST_CONTEXT("loss " << row.loss) BOOST_TEST(figures.applied_p99 <= row.applied_ms);
    }
}

RC_BOOST_PROP(everything_arrives_whatever_is_lost, (std::uint64_t seed))
{
    Conditions conditions;
    conditions.loss = *rc::gen::inRange(0, 90) / 100.0;
    conditions.burst = Nanos{Millis{*rc::gen::inRange(0, 60)}};
    conditions.delay = Nanos{Millis{*rc::gen::inRange(1, 120)}};
    conditions.interval = Nanos{std::chrono::microseconds{*rc::gen::inRange(1, 30'000)}};
    conditions.purges = 30;
    SimulatedEdge edge{conditions, seed};
    edge.run();
    RC_ASSERT(edge.applied.size() == conditions.purges);
    RC_ASSERT(edge.sender.unacknowledged() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
