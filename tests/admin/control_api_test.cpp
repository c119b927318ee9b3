#include "admin/control_api.hpp"

#include "tests/core/net/running.hpp"
#include "tests/support/fake_authority.hpp"

#include <nlohmann/json.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemark::admin
{
namespace
{
using Json = nlohmann::json;

struct Api {
    net::test::RunningLoop running;
    support::FakeAuthority authority;
    std::unique_ptr<ControlApi> api;
    std::unique_ptr<HttpServer> server;
    net::Timer tick{running.loop, [] {}}; // conditions are looked at once a turn
    net::Address address;
    int client = -1;
    std::string received;

    Api()
    {
        auto socket = net::ListenSocket::open(net::Address::parse("127.0.0.1:0").value(),
                                              net::ListenSocket::Sharing::alone);
        address = socket->address();
        api = std::make_unique<ControlApi>(running.loop, authority, Pages({}, Tokens()));
        server = std::make_unique<HttpServer>(running.loop, std::move(*socket), *api);
        tick.start(Millis{1}, Millis{1});
        connect();
    }
    ~Api()
    {
        if (client >= 0) ::close(client);
        server->close();
        api->close();
        running.idle();
    }
    // Anew, with limits.
    void limit(const ApiSettings& settings)
    {
        server->close();
        api->close();
        running.idle();
        api = std::make_unique<ControlApi>(running.loop, authority, Pages({}, Tokens()), settings);
        auto socket = net::ListenSocket::open(net::Address::parse("127.0.0.1:0").value(),
                                              net::ListenSocket::Sharing::alone);
        address = socket->address();
        server = std::make_unique<HttpServer>(running.loop, std::move(*socket), *api);
        tick.start(Millis{1}, Millis{1});
        connect();
    }
    void connect()
    {
        if (client >= 0) ::close(client);
        client = ::socket(AF_INET, SOCK_STREAM, 0);
        BOOST_TEST_REQUIRE(::connect(client, address.raw(), sizeof(sockaddr_in)) == 0);
        received.clear();
    }
    void send(const std::string& text)
    {
        BOOST_TEST_REQUIRE(::send(client, text.data(), text.size(), 0) ==
                           static_cast<ssize_t>(text.size()));
    }
    static std::string request(const std::string& method, const std::string& path,
                               const std::string& body = "", const std::string& fields = "")
    {
        return method + " " + path + " HTTP/1.1\r\nHost: a\r\n" + fields +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    void until(const std::function<bool()>& done) { running.until(done); }
    struct Answer {
        int status = 0;
        std::string head;
        Json body;
    };
    std::optional<Answer> take()
    {
        char piece[4096];
        for (ssize_t n = 0; (n = ::recv(client, piece, sizeof piece, MSG_DONTWAIT)) > 0;)
            received.append(piece, static_cast<std::size_t>(n));
        const std::size_t end = received.find("\r\n\r\n");
        if (end == std::string::npos) return std::nullopt;
        const std::size_t at = received.find("Content-Length: ") + 16;
        const std::size_t size = std::stoul(received.substr(at));
        if (received.size() < end + 4 + size) return std::nullopt;
        Answer answer{std::stoi(received.substr(9, 3)), received.substr(0, end),
                      Json::parse(received.substr(end + 4, size))};
        received.erase(0, end + 4 + size);
        return answer;
    }
    Answer answer()
    {
        std::optional<Answer> got;
        until([&] { return (got = take()).has_value(); });
        return *got;
    }
    void until_submitted(std::size_t count = 1)
    {
        until([&] { return authority.pending.size() >= count; });
    }
};
constexpr const char* kPurge = R"({"type":"uri","selectors":["http://h/"]})";
} // namespace

BOOST_AUTO_TEST_SUITE(control_api)

BOOST_FIXTURE_TEST_CASE(a_purge_is_accepted_once_it_is_durable, Api)
{
    authority.applied_by = {{"a", 0}};
    send(request("POST", "/v1/purge", kPurge));
    until_submitted();
    BOOST_TEST(authority.pending.front().drafts.front().actor == "local");
    authority.accept();
    const Answer got = answer();
    BOOST_TEST(got.status == 202);
    BOOST_TEST(got.body["version"] == 1);
    BOOST_TEST(got.body["journal"] == "000000000000000a");
    BOOST_TEST(got.body["token"] == "t1");
    BOOST_TEST(got.body["edges"]["registered"] == 1);
    BOOST_TEST(!got.body.contains("missing"));
}

BOOST_FIXTURE_TEST_CASE(who_waits_hears_200_when_the_last_edge_is_clean, Api)
{
    authority.applied_by = {{"a", 1}, {"b", 0}};
    send(request("POST", "/v1/purge", kPurge, "Prefer: wait=20\r\n"));
    until_submitted();
    authority.accept();
    running.idle();
    BOOST_TEST(!take().has_value());
    authority.applied_by["b"] = 1;
    api->progress();
    BOOST_TEST(answer().status == 200);
}

BOOST_FIXTURE_TEST_CASE(pages_of_other_sites_give_no_orders, Api)
{
    send(request("POST", "/v1/purge", kPurge, "Origin: http://elsewhere.example\r\n"));
    BOOST_TEST(answer().status == 403);
    send(request("POST", "/v1/purge", kPurge, "Origin: null\r\n"));
    BOOST_TEST(answer().status == 403);
    send(request("POST", "/v1/purge", kPurge, "Origin: http://a\r\n"));
    until_submitted();
    authority.accept();
    BOOST_TEST(answer().status == 202);
}

BOOST_FIXTURE_TEST_CASE(a_batch_is_done_when_each_of_its_versions_is, Api)
{
    authority.applied_by = {{"a", 2}, {"b", 2}};
    authority.lacks = {{"b", 1}};
    const std::string batch = std::string(R"({"batch":[)") + kPurge + "," + kPurge + "]}";
    send(request("POST", "/v1/purge?wait=all", batch));
    until_submitted();
    authority.accept();
    running.idle();
    BOOST_TEST(!take().has_value());
    authority.lacks.clear();
    api->progress();
    const Answer got = answer();
    BOOST_TEST(got.status == 200);
    BOOST_TEST(got.body["versions"] == Json::array({1, 2}));
}

BOOST_FIXTURE_TEST_CASE(half_of_the_edges_are_enough_where_half_was_asked_for, Api)
{
    authority.applied_by = {{"a", 1}, {"b", 0}};
    send(request("POST", "/v1/purge?wait=50%25", kPurge));
    until_submitted();
    authority.accept();
    BOOST_TEST(answer().status == 200);
}

BOOST_FIXTURE_TEST_CASE(a_wait_that_runs_out_names_who_is_missing, Api)
{
    authority.applied_by = {{"a", 1}, {"b", 0}};
    send(request("POST", "/v1/purge?wait=all&timeout=0", kPurge));
    until_submitted();
    authority.accept();
    const Answer got = answer();
    BOOST_TEST(got.status == 202);
    BOOST_TEST(got.body["missing"] == Json::array({"b"}));
}

BOOST_FIXTURE_TEST_CASE(a_client_that_goes_is_no_longer_waited_for, Api)
{
    authority.applied_by = {{"a", 0}};
    send(request("POST", "/v1/purge?wait=all", kPurge));
    until_submitted();
    connect();
    running.idle();
    authority.accept();
    send(request("GET", "/v1/edges"));
    BOOST_TEST(answer().status == 200);
}

BOOST_FIXTURE_TEST_CASE(pipelined_requests_are_answered_in_order, Api)
{
    send(request("POST", "/v1/purge", kPurge) + request("GET", "/nothing") +
         request("GET", "/v1/edges"));
    until_submitted();
    running.idle();
    BOOST_TEST(!take().has_value());
    authority.accept();
    BOOST_TEST(answer().status == 202);
    BOOST_TEST(answer().status == 404);
    BOOST_TEST(answer().status == 200);
}

BOOST_FIXTURE_TEST_CASE(what_the_journal_refuses_is_said, Api)
{
    send(request("POST", "/v1/purge", kPurge));
    until_submitted();
    authority.refuse(journal::AppendError::no_space);
    Answer got = answer();
    BOOST_TEST(got.status == 503);
    BOOST_TEST(got.head.find("Retry-After: 5") != std::string::npos);
    send(request("POST", "/v1/purge", kPurge));
    until_submitted();
    authority.refuse(journal::AppendError::key_used);
    got = answer();
    BOOST_TEST(got.status == 409);
    BOOST_TEST(got.body["field"] == "key");
}

BOOST_FIXTURE_TEST_CASE(wrong_methods_bodies_and_parameters_are_problems, Api)
{
    send(request("GET", "/v1/purge"));
    Answer got = answer();
    BOOST_TEST(got.status == 405);
    BOOST_TEST(got.head.find("Allow: POST") != std::string::npos);
    send(request("POST", "/v1/purge", "{"));
    BOOST_TEST(answer().status == 400);
    send(request("POST", "/v1/purge?wait=some", kPurge));
    BOOST_TEST(answer().body["field"] == "wait");
    send(request("GET", "/v1/journal?limit=0"));
    BOOST_TEST(answer().body["field"] == "limit");
    send("POST /v1/purge HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    got = answer();
    BOOST_TEST(got.status == 413);
    BOOST_TEST(got.head.find("application/problem+json") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_dry_run_makes_no_version, Api)
{
    send(request("POST", "/v1/purge", R"({"type":"all","dry_run":true})"));
    const Answer got = answer();
    BOOST_TEST(got.status == 200);
    BOOST_TEST(got.body["would_hit"]["responses"] == 3);
    BOOST_TEST(got.body["edges"][0]["name"] == "edge");
    BOOST_TEST(authority.pending.empty());
}

BOOST_FIXTURE_TEST_CASE(a_dry_run_where_nothing_is_stored_says_so, Api)
{
    authority.hits.clear();
    send(request("POST", "/v1/purge", R"({"type":"all","dry_run":true})"));
    const Answer got = answer();
    BOOST_TEST(got.status == 200);
    BOOST_TEST(got.body["dry_run"] == true);
    BOOST_TEST(got.body["edges"].empty());
    BOOST_TEST(got.body["would_hit"].is_null());
    BOOST_TEST(got.body["detail"].get<std::string>().find("an edge") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(more_selectors_than_allowed_are_refused, Api)
{
    limit({.selectors_max = 2});
    send(request("POST", "/v1/purge",
                 R"({"type":"uri","selectors":["http://h/1","http://h/2","http://h/3"]})"));
    const Answer got = answer();
    BOOST_TEST(got.status == 422);
    BOOST_TEST(got.body["field"] == "selectors");
    BOOST_TEST(api->counters().too_many_selectors == 1U);
    send(request("POST", "/v1/purge", R"({"type":"uri","selectors":["http://h/1","http://h/2"]})"));
    until_submitted();
}

BOOST_FIXTURE_TEST_CASE(versions_beyond_the_rate_are_told_when_to_come_again, Api)
{
    limit({.versions_per_second = 1});
    send(request("POST", "/v1/purge", kPurge));
    until_submitted();
    authority.accept();
    BOOST_TEST(answer().status == 202);
    send(request("POST", "/v1/purge", kPurge));
    const Answer got = answer();
    BOOST_TEST(got.status == 429);
    BOOST_TEST(got.head.find("Retry-After: 1") != std::string::npos);
    BOOST_TEST(authority.pending.empty());
    BOOST_TEST(api->counters().too_fast == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_undo_needs_a_young_purge_that_did_not_erase, Api)
{
    send(request("POST", "/v1/undo", R"({"version":1})"));
    BOOST_TEST(answer().status == 404);
    purge::Message message;
    message.version = 1;
    message.site = "*";
    message.body = purge::Invalidate{{{}}, false};
    authority.found.messages = {message};
    send(request("POST", "/v1/undo", R"({"version":1})"));
    BOOST_TEST(answer().status == 409);
    authority.found.messages.front().issued_at = running.loop.wall();
    send(request("POST", "/v1/undo", R"({"version":1})"));
    until_submitted();
    authority.accept();
    BOOST_TEST(answer().status == 202);
}

BOOST_FIXTURE_TEST_CASE(content_is_streamed_with_its_head, Api)
{
    const std::string body(300'000, 'b');
    send("PUT /v1/content?url=http://h/a HTTP/1.1\r\nHost: a\r\nContent-Type: text/css\r\n"
         "Tidemark-Header-X-A: 1\r\nX-B: 2\r\nContent-Length: 300000\r\n\r\n");
    send(body.substr(0, 100'000));
    running.idle();
    send(body.substr(100'000));
    until_submitted();
    BOOST_TEST(authority.uploaded == body);
    BOOST_TEST(authority.uploaded_head == "Content-Type: text/css\r\nX-A: 1\r\n");
    authority.accept();
    BOOST_TEST(answer().status == 202);
    send(request("PUT", "/v1/content?url=nothing", "x"));
    BOOST_TEST(answer().body["field"] == "url");
}

BOOST_FIXTURE_TEST_CASE(an_edge_that_may_serve_is_removed_by_force_only, Api)
{
    authority.applied_by = {{"a b", 0}};
    send(request("DELETE", "/v1/edges/a%20b"));
    BOOST_TEST(answer().status == 409);
    send(request("DELETE", "/v1/edges/a%20b?force=true"));
    BOOST_TEST(answer().status == 200);
    send(request("DELETE", "/v1/edges/c"));
    BOOST_TEST(answer().status == 404);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::admin
