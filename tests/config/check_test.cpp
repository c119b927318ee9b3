#include "config/check.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace tidemark::config;

namespace
{
std::string checked(const std::string& toml)
{
    const std::string path = (std::filesystem::temp_directory_path() /
                              ("tidemark-check-" + std::to_string(::getpid()) + ".toml"))
                                 .string();
    std::ofstream(path) << toml;
    const auto kind = check_file(path);
    std::filesystem::remove(path);
    if (kind) return *kind == FileKind::origin ? "origin" : "edge";
    return text_of(kind.error().front()).substr(path.size());
}
} // namespace

BOOST_AUTO_TEST_SUITE(config_check)

BOOST_AUTO_TEST_CASE(a_file_is_checked_as_that_of_the_daemon_it_is_for)
{
    BOOST_TEST(checked("listen = [\":80\"]\n[[site]]\nupstreams = [\"http://a\"]\n") == "edge");
    const std::string whole = "admin = \"127.0.0.1:1\"\nlink = \":2\"\ndata = \"/d\"\n"
                              "certs = \"/c\"\n";
    BOOST_TEST(checked(whole) == "origin");
    BOOST_TEST(checked(whole + "lease_max = \"1ms\"\n").starts_with(":5:13: lease_max"));
    BOOST_TEST(checked("link = \n").starts_with(":1:"));
    BOOST_TEST(checked("listen = [\":80\"]\nlink = \":2\"\n").starts_with(":2:"));
}

BOOST_AUTO_TEST_CASE(a_file_that_says_only_how_an_origin_behaves_is_an_origins)
{
    BOOST_TEST((kind_of("[retention]\nversions = 1000\n") == FileKind::origin));
    BOOST_TEST((kind_of("heartbeat = \"1s\"\n") == FileKind::origin));
    BOOST_TEST((kind_of("") == FileKind::edge));
    BOOST_TEST((kind_of("= =") == FileKind::edge));
}

BOOST_AUTO_TEST_SUITE_END()
