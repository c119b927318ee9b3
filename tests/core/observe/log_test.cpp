#include "core/observe/log.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace tidemark;

namespace
{
// What standard error receives while `speak` runs.
template <class Speak> std::string said(Speak speak)
{
    std::FILE* file = std::tmpfile();
    BOOST_REQUIRE(file != nullptr);
    const int before = ::dup(STDERR_FILENO);
    ::dup2(::fileno(file), STDERR_FILENO);
    speak();
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    std::rewind(file);
    std::string text(1 << 20, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    return text;
}
// Every digit as 0.
std::string shape(std::string text)
{
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }, '0');
    return text;
}
} // namespace

BOOST_AUTO_TEST_SUITE(log_lines)

BOOST_AUTO_TEST_CASE(a_line_has_an_iso_time_a_level_and_the_text)
{
    const std::string text = said([] { log::warn("upstream {} failed {} times", "a", 3); });
    BOOST_TEST(shape(text) == "0000-00-00T00:00:00.000Z warn  upstream a failed 0 times\n");
}

BOOST_AUTO_TEST_CASE(below_the_level_nothing_is_said)
{
    const std::string text = said([] {
        log::debug("a");
        log::set_level(log::Level::debug);
        log::debug("b");
        log::trace("c");
        log::set_level(log::Level::error);
        log::warn("d");
        log::error("e");
        log::set_level(log::Level::info);
    });
    BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 2);
    BOOST_TEST(text.find(" b\n") != text.npos);
    BOOST_TEST(text.find(" e\n") != text.npos);
}

BOOST_AUTO_TEST_CASE(a_peers_control_bytes_stay_on_one_line)
{
    const std::string text = said([] { log::info("{}", "a\nb\x1b[31m"); });
    BOOST_TEST(text.ends_with(" a\\x0ab\\x1b[31m\n"));
}

BOOST_AUTO_TEST_CASE(braces_in_a_value_are_no_format)
{
    const std::string text = said([] { log::info("{}", "{} {0:x}"); });
    BOOST_TEST(text.ends_with(" {} {0:x}\n"));
}

BOOST_AUTO_TEST_CASE(threads_do_not_mix_their_lines)
{
    const std::string text = said([] {
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([t] {
                for (int i = 0; i < 200; ++i)
                    log::info("{} {}", t, std::string(50, static_cast<char>('a' + t)));
            });
        for (std::thread& thread : threads)
            thread.join();
    });
    std::set<std::string> kinds;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        kinds.insert(line.substr(25));
    BOOST_TEST(kinds.size() == 4U);
    BOOST_TEST(kinds.count("info  2 " + std::string(50, 'c')) == 1U);
    BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 800);
}

BOOST_AUTO_TEST_CASE(levels_are_named)
{
    for (const std::string_view name : log::kLevelNames)
        BOOST_TEST(log::text_of(log::level_named(name).value()) == name);
    BOOST_TEST(!log::level_named("verbose").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
