#include "tests/e2e/stand.hpp"

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

// HTTP/1.1 on both sides (RFC 9112): connections, bodies, interim answers, back-pressure, tunnels.
using namespace tidemark::e2e;

namespace
{
// Bytes whose value tells their place.
std::string pattern(std::uint64_t offset, std::size_t bytes)
{
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i)
        text[i] = static_cast<char>('!' + (offset + i) * 2654435761U / 65536 % 90);
    return text;
}

#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kGrowthBytesMax = 96U << 20; // its shadow counts too
#else
constexpr std::size_t kGrowthBytesMax = 40U << 20;
#endif
constexpr std::uint64_t kLargeBytes = 128ULL << 20;

// The count stays where it is: whoever moves it is blocked.
bool stands_still(const std::atomic<std::uint64_t>& count)
{
    std::uint64_t last = count;
    auto since = Clock::now();
    return poll_until(soon(), [&] {
        if (count != last || count == 0) {
            last = count;
            since = Clock::now();
        }
        return Clock::now() - since > std::chrono::milliseconds(300);
    });
}
} // namespace

BOOST_AUTO_TEST_SUITE(connections)

BOOST_AUTO_TEST_CASE(a_connection_serves_many_requests)
{
    Stand stand;
    stand.origin.page("/a", kFresh, "a");
    stand.origin.page("/b", kNoStore, "b");
    RawClient client = stand.client();
    for (int i = 0; i < 50; ++i) {
        BOOST_TEST(client.get("/a").body == "a");
        BOOST_TEST(client.get("/b").body == "b");
    }
    BOOST_TEST(stand.origin.connections() <= 2);
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_their_order)
{
    constexpr int kRequests = 60;
    Stand stand;
    stand.origin.otherwise([](Exchange& x) {
        const bool cacheable = x.request().target().back() % 2 == 0;
        x.answer(200, cacheable ? kFresh : kNoStore, x.request().target());
    });
    RawClient client = stand.client();
    std::string burst;
    for (int i = 0; i < kRequests; ++i)
        burst += "GET /" + std::to_string(i % 20) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(burst);
    for (int i = 0; i < kRequests; ++i)
        BOOST_TEST(client.read_response().body == "/" + std::to_string(i % 20));
}

BOOST_AUTO_TEST_CASE(a_request_may_arrive_byte_by_byte)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) { x.answer(200, {}, x.request().body); });
    RawClient client = stand.client();
    for (const char c :
         std::string("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"))
        client.send({&c, 1});
    BOOST_TEST(client.read_response().body == "abcde");
}

BOOST_AUTO_TEST_CASE(connection_close_is_honoured)
{
    Stand stand;
    stand.origin.page("/a", kFresh, "a");
    RawClient client = stand.client();
    const Message answer = client.get("/a", {{"Connection", "close"}});
    BOOST_TEST(answer.body == "a");
    BOOST_TEST(same_name(answer.value("Connection"), "close"));
    BOOST_TEST(client.closed_by_peer());
}

BOOST_AUTO_TEST_CASE(an_http_1_0_client_gets_no_chunks_and_a_closed_connection)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("hello"));
    });
    RawClient client = stand.client();
    client.send("GET /a HTTP/1.0\r\nHost: a\r\n\r\n");
    const Message answer = client.read_response();
    BOOST_TEST(!answer.has("Transfer-Encoding"));
    BOOST_TEST(answer.body == "hello");
    BOOST_TEST(client.closed_by_peer());
}

BOOST_AUTO_TEST_CASE(a_client_that_ended_its_side_still_gets_its_answer)
{
    Stand stand;
    stand.origin.page("/a", kNoStore, "a");
    RawClient client = stand.client();
    client.send_request("GET", "/a");
    client.end_writing();
    BOOST_TEST(client.read_response().body == "a");
    BOOST_TEST(client.closed_by_peer());
}

BOOST_AUTO_TEST_CASE(an_absolute_target_names_the_host)
{
    Stand stand;
    stand.origin.on("/a?b=c", [](Exchange& x) { x.answer(200, {}, x.request().value("Host")); });
    RawClient client = stand.client();
    client.send("GET http://one.example/a?b=c HTTP/1.1\r\nHost: two.example\r\n\r\n");
    BOOST_TEST(client.read_response().body == "one.example"); // RFC 9112 §3.2.2
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(bodies)

BOOST_AUTO_TEST_CASE(a_request_body_arrives_whole_however_it_was_framed)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) { x.answer(200, {}, x.request().body); });
    const std::string body = pattern(0, 100'000);
    RawClient client = stand.client();
    BOOST_TEST((client.ask("POST", "/a", {}, body).body == body));
    BOOST_TEST(
        (client.ask("PUT", "/a", {{"Transfer-Encoding", "chunked"}}, chunked(body)).body == body));
    BOOST_TEST(client.ask("POST", "/a", {{"Content-Length", "0"}}).body == "");
}

BOOST_AUTO_TEST_CASE(an_answer_arrives_whole_however_it_was_framed_and_cut_up)
{
    const std::string body = pattern(0, 5000);
    const std::string answers[] = {
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 5000\r\n\r\n" + body,
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n" +
            chunked(body),
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: close\r\n\r\n" + body,
        "HTTP/1.0 200 OK\r\nCache-Control: max-age=60\r\n\r\n" + body,
    };
    Stand stand;
    int row = 0;
    for (const std::string& answer : answers) {
        for (const std::size_t step : {answer.size(), std::size_t{997}, std::size_t{13}}) {
            BOOST_TEST_CONTEXT("answer " << row << " in steps of " << step)
            {
                const std::string target = "/" + std::to_string(row) + "/" + std::to_string(step);
                stand.origin.on(target, [&, step](Exchange& x) {
                    for (std::size_t at = 0; at < answer.size(); at += step)
                        x.send(std::string_view(answer).substr(at, step));
                    if (answer.find("ength: 5000") == std::string::npos) x.close();
                });
                const Message miss = stand.get(target);
                BOOST_TEST((miss.body == body));
                BOOST_TEST(miss.complete);
                const Message hit = stand.get(target);
                BOOST_TEST((hit.body == body));
            }
        }
        ++row;
    }
}

BOOST_AUTO_TEST_CASE(statuses_without_a_body_never_carry_one)
{
    Stand stand;
    RawClient client = stand.client();
    stand.origin.page("/204", {{"Cache-Control", "max-age=60"}}, "", 204);
    stand.origin.on("/304", [](Exchange& x) {
        const Fields fields{{"Cache-Control", "no-cache"}, {"ETag", "\"a\""}};
        if (!x.request().has("If-None-Match")) return void(x.answer(200, fields, "hello"));
        x.head(304, {fields[0], fields[1], {"Content-Length", "77"}});
    });
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(client.get("/204").status() == 204);
        BOOST_TEST(client.get("/304").body == "hello");
        BOOST_TEST(client.get("/304", {{"If-None-Match", "\"a\""}}).status() == 304);
    }
    BOOST_TEST(stand.origin.connections() == 1);
}

BOOST_AUTO_TEST_CASE(trailers_never_become_fields)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        x.head(200, {{"Cache-Control", "max-age=60"}, {"Transfer-Encoding", "chunked"}});
        x.chunk("body");
        x.last_chunk({{"X-Trailer", "t"}, {"Content-Length", "1"}});
    });
    for (int i = 0; i < 2; ++i) {
        const Message answer = stand.get("/a");
        BOOST_TEST(answer.body == "body");
        BOOST_TEST(answer.complete);
        BOOST_TEST(!answer.has("X-Trailer"));
        for (const Field& trailer : answer.trailers)
            BOOST_TEST(trailer.name != "Content-Length");
    }

    stand.origin.on("/up", [](Exchange& x) { x.answer(200, {}, x.request().body); });
    const Message up = stand.ask("POST", "/up", {{"Transfer-Encoding", "chunked"}},
                                 "4\r\nbody\r\n0\r\nX-Trailer: t\r\nHost: evil\r\n\r\n");
    BOOST_TEST(up.body == "body");
    const Message seen = stand.origin.last("/up");
    BOOST_TEST(!seen.has("X-Trailer"));
    BOOST_TEST(seen.trailers.empty()); // nobody asked for them
    BOOST_TEST(seen.value("Host") != "evil");
}

BOOST_AUTO_TEST_CASE(a_client_that_expects_100_gets_it_before_its_body)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) { x.answer(200, {}, x.request().body); });
    RawClient client = stand.client();
    client.send_request("POST", "/a", {{"Expect", "100-continue"}, {"Content-Length", "4"}});
    BOOST_TEST(client.read_response("POST").status() == 100);
    client.send("body");
    const Message answer = client.read_response("POST");
    BOOST_TEST(answer.status() == 200);
    BOOST_TEST(answer.body == "body");
    BOOST_TEST(client.get("/none").status() == 404); // the connection goes on
}

BOOST_AUTO_TEST_CASE(a_final_answer_instead_of_100_ends_the_upstream_connection)
{
    Stand stand;
    stand.origin.on_head("/a", [](Exchange& x) {
        x.answer(403, kNoStore, "no");
        (void)x.peer_leaves();
        x.close();
    });
    RawClient client = stand.client();
    client.send_request("POST", "/a", {{"Expect", "100-continue"}, {"Content-Length", "4"}});
    Message answer = client.read_response("POST");
    if (answer.status() == 100) {
        client.send("body");
        answer = client.read_response("POST");
    }
    BOOST_TEST(answer.status() == 403);
    stand.origin.page("/b", {}, "b");
    BOOST_TEST(stand.get("/b").body == "b");
    BOOST_TEST(stand.origin.connections() == 2);
}

BOOST_AUTO_TEST_CASE(early_hints_are_relayed_and_not_stored)
{
    for (const bool one_segment : {true, false}) {
        Stand stand;
        Gate& gate = stand.origin.gate();
        stand.origin.on("/a", [&](Exchange& x) {
            const std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n";
            const std::string last = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"
                                     "Content-Length: 2\r\n\r\nok";
            if (one_segment) {
                x.send(early + last);
                return;
            }
            x.send(early);
            if (!gate.wait()) return x.abort();
            x.send(last);
        });
        RawClient client = stand.client();
        client.send_request("GET", "/a");
        const Message early = client.read_response();
        BOOST_TEST(early.status() == 103);
        BOOST_TEST(early.value("Link") == "</s.css>");
        gate.open();
        BOOST_TEST(client.read_response().body == "ok");
        client.send_request("GET", "/a");
        const Message hit = client.read_response();
        BOOST_TEST(hit.status() == 200);
        BOOST_TEST(is_hit(hit));
        BOOST_TEST(!hit.has("Link"));
    }
}

BOOST_AUTO_TEST_CASE(a_102_does_not_disturb)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        x.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
        x.answer(200, {}, "ok");
    });
    BOOST_TEST(stand.get("/a").body == "ok");
}

BOOST_AUTO_TEST_CASE(an_http_1_0_client_is_sent_no_interim_answer)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        x.send("HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n");
        x.answer(200, {}, "ok");
    });
    RawClient client = stand.client();
    client.send("GET /a HTTP/1.0\r\nHost: a\r\n\r\n");
    BOOST_TEST(client.read_response().status() == 200); // RFC 9110 §15.2
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(back_pressure)

BOOST_AUTO_TEST_CASE(a_slow_reader_of_a_large_answer_does_not_make_memory_grow)
{
    for (const char* control : {"no-store", "max-age=600"}) {
        BOOST_TEST_CONTEXT(control)
        {
            Stand stand({"--memory", "16MiB"});
            std::atomic<std::uint64_t> sent = 0;
            stand.origin.on("/large", [&](Exchange& x) {
                x.head(200, {{"Cache-Control", control},
                             {"Content-Length", std::to_string(kLargeBytes)}});
                while (sent < kLargeBytes && x.send(pattern(sent, 1 << 16)))
                    sent += 1 << 16;
            });
            const std::size_t before = stand.edge().resident_bytes();
            RawClient client = stand.client();
            client.socket().set_receive_buffer(64 * 1024);
            client.send_request("GET", "/large");
            BOOST_TEST(client.read_response_head().status() == 200);
            BOOST_TEST(stands_still(sent));
            BOOST_TEST(sent < kLargeBytes / 2);
            BOOST_TEST(stand.edge().resident_bytes() < before + kGrowthBytesMax);

            std::uint64_t got = 0;
            bool same = true;
            for (;;) {
                const std::string piece = client.body().read_body_some();
                if (piece.empty()) break;
                same &= piece == pattern(got, piece.size());
                got += piece.size();
            }
            BOOST_TEST(same);
            BOOST_TEST(got == kLargeBytes);
            BOOST_TEST(client.body().body_complete());
            BOOST_TEST(stand.edge().resident_bytes() < before + kGrowthBytesMax);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_slow_upstream_of_a_large_upload_does_not_make_memory_grow)
{
    Stand stand;
    Gate& gate = stand.origin.gate();
    std::atomic<std::uint64_t> got = 0;
    std::atomic<bool> same = true;
    stand.origin.on_head("/up", [&](Exchange& x) {
        if (!gate.wait(soon(2 * kPatience))) return x.abort();
        for (;;) {
            const std::string piece = x.read_body_some();
            if (piece.empty()) break;
            if (piece != pattern(got, piece.size())) same = false;
            got += piece.size();
        }
        x.answer(200, {}, std::to_string(got));
    });
    const std::size_t before = stand.edge().resident_bytes();
    RawClient client = stand.client();
    client.send_request("PUT", "/up", {{"Content-Length", std::to_string(kLargeBytes)}});
    std::atomic<std::uint64_t> sent = 0;
    std::thread sender([&] {
        while (sent < kLargeBytes && client.send(pattern(sent, 1 << 16), soon(2 * kPatience)))
            sent += 1 << 16;
    });
    BOOST_TEST(stands_still(sent));
    BOOST_TEST(sent < kLargeBytes / 2);
    BOOST_TEST(stand.edge().resident_bytes() < before + kGrowthBytesMax);
    gate.open();
    sender.join();
    BOOST_TEST(client.read_response("PUT").body == std::to_string(kLargeBytes));
    BOOST_TEST(same);
    BOOST_TEST(stand.edge().resident_bytes() < before + kGrowthBytesMax);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(tunnels)

namespace
{
const Fields kWebSocket{{"Connection", "Upgrade"},
                        {"Upgrade", "websocket"},
                        {"Sec-WebSocket-Version", "13"},
                        {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};

void echo_tunnel(Exchange& x)
{
    x.head(101, {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}});
    for (;;) {
        const std::string bytes = x.read_raw();
        if (bytes.empty() || !x.send("echo:" + bytes)) break;
    }
    x.close();
}
} // namespace

BOOST_AUTO_TEST_CASE(a_websocket_is_tunnelled_until_either_side_leaves)
{
    Stand stand;
    stand.origin.on("/ws", echo_tunnel);
    RawClient client = stand.client();
    const Message answer = client.ask("GET", "/ws", kWebSocket);
    BOOST_TEST(answer.status() == 101);
    BOOST_TEST(same_name(answer.value("Upgrade"), "websocket"));
    for (const std::string word : {"one", "two"}) {
        client.send(word);
        std::string back;
        while (back.size() < 8)
            back += client.socket().read_some();
        BOOST_TEST(back == "echo:" + word);
    }
    client.end_writing();
    BOOST_TEST(client.closed_by_peer());
}

BOOST_AUTO_TEST_CASE(an_upgrade_that_the_origin_declines_is_an_ordinary_answer)
{
    Stand stand;
    stand.origin.page("/ws", kNoStore, "no", 403);
    RawClient client = stand.client();
    BOOST_TEST(client.ask("GET", "/ws", kWebSocket).status() == 403);
    BOOST_TEST(client.get("/ws").status() == 403);
}

BOOST_AUTO_TEST_CASE(an_upgrade_that_the_site_does_not_allow_is_not_forwarded)
{
    Stand stand;
    stand.origin.page("/", kNoStore, "plain");
    for (const char* protocol : {"h2c", "TLS/1.0", "foo"}) {
        BOOST_TEST_CONTEXT(protocol)
        {
            const Message answer = stand.get("/", {{"Connection", "Upgrade, HTTP2-Settings"},
                                                   {"Upgrade", protocol},
                                                   {"HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"}});
            BOOST_TEST(answer.body == "plain");
            BOOST_TEST(!stand.origin.last("/").has("Upgrade"));
            BOOST_TEST(!stand.origin.last("/").has("HTTP2-Settings"));
        }
    }
}

BOOST_AUTO_TEST_CASE(an_upgrade_nobody_asked_for_is_a_bad_answer)
{
    Stand stand;
    stand.origin.on("/", [](Exchange& x) {
        x.head(101, {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}});
        x.close();
    });
    BOOST_TEST(stand.get("/").status() == 502);
}

BOOST_AUTO_TEST_SUITE_END()
