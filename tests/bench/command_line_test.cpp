#include "bench/command_line.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark;
using namespace tidemark::bench;

namespace
{
Command parse(std::vector<const char*> words)
{
    words.insert(words.begin(), "tidemark-bench");
    return parse_command_line(static_cast<int>(words.size()), words.data());
}

std::string complaint(const std::vector<const char*>& words)
{
    const Command command = parse(words);
    const auto* end = std::get_if<CommandLineEnd>(&command);
    BOOST_TEST_REQUIRE(end != nullptr);
    BOOST_TEST(end->code == 2);
    return end->text;
}

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}
} // namespace

BOOST_AUTO_TEST_SUITE(bench_command_line)

BOOST_AUTO_TEST_CASE(a_load_line_becomes_its_options)
{
    const Command command = parse(
        {"load",          "--url",     "http://a/1", "--url",    "http://a/2", "--rate", "250.5",
         "--connections", "8",         "--threads",  "2",        "--duration", "2m",     "--warmup",
         "500ms",         "--timeout", "3",          "--header", "A: b",       "--json"});
    const auto* load = std::get_if<LoadOptions>(&command);
    BOOST_TEST_REQUIRE(load != nullptr);
    BOOST_TEST((load->urls == std::vector<std::string>{"http://a/1", "http://a/2"}));
    BOOST_TEST(load->rate == 250.5);
    BOOST_TEST(load->connections == 8U);
    BOOST_TEST(load->threads == 2U);
    BOOST_TEST((load->duration == Seconds{120}));
    BOOST_TEST((load->warmup == Millis{500}));
    BOOST_TEST((load->timeout == Seconds{3}));
    BOOST_TEST((load->fields == std::vector<std::string>{"A: b"}));
    BOOST_TEST(load->json);
}

BOOST_AUTO_TEST_CASE(a_purge_line_becomes_its_options)
{
    const Command command =
        parse({"purge",    "--loss", "10",          "--burst", "20ms",    "--delay", "5ms",
               "--jitter", "2ms",    "--duplicate", "1",       "--edges", "3",       "--purges",
               "7",        "--rate", "50",          "--seed",  "9",       "--json",  "-"});
    const auto* purge = std::get_if<PurgeOptions>(&command);
    BOOST_TEST_REQUIRE(purge != nullptr);
    BOOST_TEST((purge->run == PurgeRun::propagation));
    BOOST_TEST(purge->loss == 0.1);
    BOOST_TEST((purge->burst == Millis{20}));
    BOOST_TEST((purge->delay == Millis{5}));
    BOOST_TEST((purge->jitter == Millis{2}));
    BOOST_TEST(purge->duplicate == 0.01);
    BOOST_TEST(purge->edges == 3U);
    BOOST_TEST(purge->purges == 7U);
    BOOST_TEST(purge->rate == 50);
    BOOST_TEST(purge->seed == 9U);
    BOOST_TEST(purge->json == "-");
}

BOOST_AUTO_TEST_CASE(a_purge_run_measures_one_thing)
{
    const std::pair<const char*, PurgeRun> runs[] = {{"--suite", PurgeRun::suite},
                                                     {"--throughput", PurgeRun::throughput},
                                                     {"--partition", PurgeRun::partition}};
    for (const auto& [flag, run] : runs) {
        const Command command = parse({"purge", flag});
        const auto* purge = std::get_if<PurgeOptions>(&command);
        BOOST_TEST_REQUIRE(purge != nullptr);
        BOOST_TEST((purge->run == run));
    }
    BOOST_TEST(contains(complaint({"purge", "--suite", "--partition"}), "exclude each other"));
    BOOST_TEST(contains(complaint({"purge", "--delay", "soon"}), "is not a time"));
    BOOST_TEST(contains(complaint({"purge", "--los", "10"}), "did you mean --loss?"));
}

BOOST_AUTO_TEST_CASE(a_rate_of_zero_is_the_closed_loop)
{
    for (const std::vector<const char*>& words :
         {std::vector<const char*>{"load", "--url", "http://a/", "--max", "--pipeline", "4"},
          std::vector<const char*>{"load", "--url", "http://a/", "--rate", "0", "--pipeline",
                                   "4"}}) {
        const Command command = parse(words);
        const auto* load = std::get_if<LoadOptions>(&command);
        BOOST_TEST_REQUIRE(load != nullptr);
        BOOST_TEST(load->rate == 0);
        BOOST_TEST(load->pipeline == 4U);
    }
}

BOOST_AUTO_TEST_CASE(a_mistyped_name_is_answered_with_the_nearest)
{
    BOOST_TEST(contains(complaint({"load", "--conections", "4"}), "did you mean --connections?"));
    BOOST_TEST(contains(complaint({"flor"}), "did you mean floor?"));
    BOOST_TEST(!contains(complaint({"load", "--xyzzyxyzzy"}), "did you mean"));
}

BOOST_AUTO_TEST_CASE(a_line_that_makes_no_sense_says_what_is_missing)
{
    BOOST_TEST(contains(complaint({"load", "--url", "http://a/"}), "--rate R, or --max"));
    BOOST_TEST(contains(complaint({"load", "--max"}), "--url URL"));
    BOOST_TEST(contains(complaint({"load", "--max", "--rate", "5"}), "exclude"));
    BOOST_TEST(contains(complaint({"load", "--url", "http://a/", "--rate", "5", "--pipeline", "2"}),
                        "--pipeline goes with --max"));
    BOOST_TEST(contains(complaint({"floor"}), "--listen"));
    BOOST_TEST(contains(complaint({"load", "--url", "http://a/", "--max", "--duration", "5x"}),
                        "'5x' is not a time"));
    BOOST_TEST(
        contains(complaint({"load", "--url", "http://a/", "--max", "--zipf", "5"}), "--zipf"));
    BOOST_TEST(
        contains(complaint({"load", "--urls", "/nonexistent/urls", "--max"}), "cannot read"));
}

BOOST_AUTO_TEST_CASE(help_and_version_are_no_errors)
{
    for (const std::vector<const char*>& words :
         {std::vector<const char*>{"--help"}, std::vector<const char*>{"--version"},
          std::vector<const char*>{"load", "--help"},
          std::vector<const char*>{"floor", "--help"}}) {
        const Command command = parse(words);
        const auto* end = std::get_if<CommandLineEnd>(&command);
        BOOST_TEST_REQUIRE(end != nullptr);
        BOOST_TEST(end->code == 0);
        BOOST_TEST(contains(end->text, words.back() == std::string("--version") ? "0." : "Usage"));
    }
}

BOOST_AUTO_TEST_CASE(a_time_has_a_unit_or_is_in_seconds)
{
    const struct {
        const char* text;
        Nanos value;
    } rows[] = {{"250ms", Millis{250}}, {"10s", Seconds{10}},    {"10", Seconds{10}},
                {"2m", Seconds{120}},   {"1.5s", Millis{1'500}}, {"0", Nanos{0}}};
    for (const auto& row : rows) {
        const auto parsed = parse_duration(row.text);
        BOOST_TEST_REQUIRE(parsed.has_value(), row.text);
        BOOST_TEST((*parsed == row.value), row.text);
    }
    for (const char* text : {"", "s", "-1s", "10h", "nan", "inf", "1 s", "100000s"})
        BOOST_TEST(!parse_duration(text).has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()
