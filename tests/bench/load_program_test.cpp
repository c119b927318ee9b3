#include "program.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace tidemark::bench;
using nlohmann::json;

namespace
{
struct Finished {
    int exit_code;
    json results;
};

Finished load(std::vector<std::string> arguments)
{
    std::vector<std::string> command{TIDEMARK_BENCH_PROGRAM, "load", "--json"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    Program program(command);
    json results = json::parse(program.read_all(), nullptr, false);
    return {program.exit_code(), std::move(results)};
}

ServerProgram floor_of(const std::string& body_bytes)
{
    return ServerProgram({TIDEMARK_BENCH_PROGRAM, "floor", "--body-bytes", body_bytes});
}
} // namespace

// The real programs against each other. What they count is checked, never how fast they were.
BOOST_AUTO_TEST_SUITE(bench_load_program)

BOOST_AUTO_TEST_CASE(an_open_loop_sends_what_was_asked_for_and_counts_every_answer)
{
    const ServerProgram floor = floor_of("100");
    const auto [code, results] =
        load({"--url", "http://" + floor.address() + "/{}", "--zipf", "50,0.9", "--rate", "60",
              "--duration", "1s", "--connections", "3", "--threads", "2"});
    BOOST_TEST(code == 0);
    BOOST_TEST(results.at("mode") == "open");
    BOOST_TEST(results.at("requests") == 60);
    BOOST_TEST(results.at("responses") == 60);
    BOOST_TEST(results.at("errors_total") == 0);
    BOOST_TEST(results.at("status").at("200") == 60);
    BOOST_TEST(results.at("body_bytes") == 6'000);
    BOOST_TEST(results.at("cache").at("unmarked") == 60);
    BOOST_TEST(results.at("latency_us").at("max").get<double>() > 0);
}

BOOST_AUTO_TEST_CASE(the_warm_up_is_sent_and_not_counted)
{
    const ServerProgram floor = floor_of("10");
    const auto [code, results] = load({"--url", "http://" + floor.address() + "/", "--rate", "50",
                                       "--warmup", "500ms", "--duration", "500ms"});
    BOOST_TEST(code == 0);
    BOOST_TEST(results.at("requests") == 25);
}

BOOST_AUTO_TEST_CASE(a_pipelined_closed_loop_gets_every_answer_whole)
{
    // 300 kB: several reads and writes an answer, and the path that counts bytes without copying
    // them.
    const ServerProgram floor = floor_of("300000");
    const auto [code, results] =
        load({"--url", "http://" + floor.address() + "/", "--max", "--duration", "300ms",
              "--connections", "2", "--pipeline", "3"});
    BOOST_TEST(code == 0);
    BOOST_TEST(results.at("mode") == "closed");
    const auto responses = results.at("responses").get<std::uint64_t>();
    BOOST_TEST(responses > 0U);
    BOOST_TEST(results.at("requests") == responses);
    BOOST_TEST(results.at("body_bytes") == responses * 300'000);
}

BOOST_AUTO_TEST_CASE(requests_to_a_dead_server_are_reported_not_forgotten)
{
    std::string address;
    {
        const ServerProgram floor = floor_of("10");
        address = floor.address();
    }
    const auto [code, results] = load({"--url", "http://" + address + "/", "--rate", "40",
                                       "--duration", "500ms", "--timeout", "200ms"});
    BOOST_TEST(code == 1);
    BOOST_TEST(results.at("requests") == 20);
    BOOST_TEST(results.at("responses") == 0);
    BOOST_TEST(results.at("errors").at("unsent") == 20);
    BOOST_TEST(results.at("errors").at("connect").get<int>() > 0);
}

BOOST_AUTO_TEST_CASE(an_answer_that_takes_too_long_counts_as_a_timeout_and_in_the_percentiles)
{
    const ServerProgram site({TIDEMARK_DEMO_SITE_PROGRAM});
    const auto [code, results] = load({"--url", "http://" + site.address() + "/slow", "--rate",
                                       "10", "--duration", "200ms", "--timeout", "300ms"});
    BOOST_TEST(code == 1);
    BOOST_TEST(results.at("errors").at("timeout") == 2);
    BOOST_TEST(results.at("latency_us").at("p50").get<double>() >= 300'000);
}

BOOST_AUTO_TEST_CASE(a_run_that_cannot_begin_says_so)
{
    BOOST_TEST(load({"--url", "nonsense", "--max"}).exit_code == 2);
    BOOST_TEST(load({"--url", "http://127.0.0.1:1/"}).exit_code == 2);
}

BOOST_AUTO_TEST_SUITE_END()
