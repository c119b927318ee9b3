#include "bench/sockets.hpp"
#include "program.hpp"

#include <boost/test/unit_test.hpp>
#include <poll.h>
#include <unistd.h>

using namespace tidemark::bench;

namespace
{
// Sends `bytes` in pieces of `piece` and returns all that comes until the server closes.
std::string talk(const ServerProgram& server, std::string_view bytes, std::size_t piece)
{
    const UniqueFd fd = start_connect(*resolve(*parse_host_port(server.address())));
    const auto wait_for = [&](short events) {
        pollfd wanted{fd.get(), events, 0};
        BOOST_TEST_REQUIRE(poll(&wanted, 1, 20'000) == 1);
    };
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
        wait_for(POLLOUT);
        const std::string_view part = bytes.substr(0, piece);
        BOOST_TEST_REQUIRE(write(fd.get(), part.data(), part.size()) ==
                           static_cast<ssize_t>(part.size()));
    }
    std::string all;
    char buffer[4096];
    for (;;) {
        wait_for(POLLIN);
        const ssize_t got = read(fd.get(), buffer, sizeof buffer);
        if (got <= 0) return all;
        all.append(buffer, static_cast<std::size_t>(got));
    }
}

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

constexpr std::string_view kHelloSum =
    "5 bytes, sha256 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n";
} // namespace

BOOST_AUTO_TEST_SUITE(bench_demo_site_program)

BOOST_AUTO_TEST_CASE(uploads_of_known_length_and_in_chunks_are_digested_alike)
{
    const ServerProgram site({TIDEMARK_DEMO_SITE_PROGRAM});
    const std::string head = "POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    const std::string sized = head + "Content-Length: 5\r\n\r\nhello";
    const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
                                       "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nSum: 1\r\n\r\n";
    for (const std::string& bytes : {sized, chunked})
        for (const std::size_t piece : {std::size_t{1}, bytes.size()})
            BOOST_TEST(contains(talk(site, bytes, piece), kHelloSum), bytes);
}

BOOST_AUTO_TEST_CASE(requests_on_one_connection_are_answered_in_turn)
{
    const ServerProgram site({TIDEMARK_DEMO_SITE_PROGRAM});
    const std::string answers = talk(site,
                                     "HEAD /big?bytes=70000 HTTP/1.1\r\nHost: x\r\n\r\n"
                                     "GET /big?bytes=3 HTTP/1.1\r\nHost: x\r\n"
                                     "Connection: close\r\n\r\n",
                                     1000);
    BOOST_TEST(contains(answers, "Content-Length: 70000\r\n"));
    BOOST_TEST(contains(answers, "Content-Length: 3\r\n"));
    BOOST_TEST(answers.substr(answers.size() - 7) == "\r\n\r\nthe");
}

BOOST_AUTO_TEST_CASE(a_long_page_comes_whole)
{
    const ServerProgram site({TIDEMARK_DEMO_SITE_PROGRAM});
    const std::string answer =
        talk(site, "GET /big?bytes=1000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 1000);
    BOOST_TEST(answer.size() - answer.find("\r\n\r\n") - 4 == 1'000'000U);
}

BOOST_AUTO_TEST_CASE(what_it_cannot_read_is_refused)
{
    const ServerProgram site({TIDEMARK_DEMO_SITE_PROGRAM});
    for (const char* bytes : {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
                              "POST /upload HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                              "POST /upload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"})
        BOOST_TEST(contains(talk(site, bytes, 1000), "HTTP/1.1 400 "), bytes);
}

BOOST_AUTO_TEST_SUITE_END()
