#include "edge/worker/background_get.hpp"

#include "core/base/hash.hpp"
#include "edge/worker/worker.hpp"
#include "tests/edge/worker/one_page_origin.hpp"
#include "tests/edge/worker/sites.hpp"

#include <boost/test/unit_test.hpp>
#include <future>
#include <optional>

using namespace tidemark;
using namespace tidemark::worker;

namespace
{
const std::string kUri = "http://h/page";

// One worker without a listening socket, before an origin that has one page.
struct Edge {
    explicit Edge(const std::string& answer) : origin(answer)
    {
        sites->upstreams().front().second->set_addresses({origin.address()});
        shared.descriptors = share_descriptors(1'000, 1);
        worker.emplace(shared, sites, std::vector<net::ListenSocket>{}, access_log->producer(0), 1);
        worker->start();
    }
    ~Edge()
    {
        worker->drain(Millis{0});
        worker.reset();
    }
    // Until the worker says that it is over.
    void get(const std::string& uri = kUri)
    {
        std::promise<void> done;
        BOOST_REQUIRE(worker->refresh(uri, [&done] { done.set_value(); }));
        BOOST_REQUIRE(
            (done.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready));
    }
    [[nodiscard]] std::string stored()
    {
        const auto reader = shared.epochs.join();
        reader->online();
        std::string body = "nothing";
        shared.store.each_variant(hash_bytes(kUri), kUri, [&](const store::StoredResponse& one) {
            body.clear();
            for (std::size_t i = 0; i < one.body_pieces(); ++i)
                body.append(one.body_piece(i));
            return false;
        });
        return body;
    }

    test::OnePageOrigin origin;
    std::shared_ptr<const serve::Sites> sites = test::any_site();
    Shared shared{store::MemoryOptions{}};
    std::unique_ptr<observe::AccessLog> access_log =
        std::move(observe::AccessLog::open("", {}).value());
    std::optional<Worker> worker;
};

std::string answer_of(const std::string& lines, const std::string& body)
{
    return "HTTP/1.1 200 OK\r\n" + lines + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}
} // namespace

BOOST_AUTO_TEST_SUITE(background_get)

BOOST_AUTO_TEST_CASE(what_it_fetches_is_stored)
{
    const std::string body(300'000, 'x');
    Edge edge(answer_of("Cache-Control: max-age=60\r\n", body));
    edge.get();
    BOOST_TEST((edge.stored() == body));
    BOOST_TEST(edge.origin.requests() == 1);
    edge.get(); // there is a fresh one now
    BOOST_TEST(edge.origin.requests() == 1);
}

BOOST_AUTO_TEST_CASE(it_is_over_when_nothing_can_be_stored_too)
{
    Edge edge(answer_of("Cache-Control: no-store\r\n", std::string(2'000'000, 'x')));
    edge.get();
    BOOST_TEST(edge.stored() == "nothing");
}

BOOST_AUTO_TEST_CASE(it_is_over_when_the_upstream_fails_or_the_uri_is_none)
{
    Edge edge("no HTTP at all");
    edge.get();
    edge.get("what is this");
    BOOST_TEST(edge.stored() == "nothing");
}

BOOST_AUTO_TEST_CASE(a_worker_that_drains_does_not_wait_for_it)
{
    Edge edge(""); // says nothing, ever
    BOOST_REQUIRE(edge.worker->refresh(kUri, [] {}));
    edge.origin.wait_for_request();
    edge.worker->drain(Millis{0});
    edge.worker->join();
    BOOST_TEST(edge.worker->done());
}

BOOST_AUTO_TEST_SUITE_END()
