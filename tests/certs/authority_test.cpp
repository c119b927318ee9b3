#include "certs/authority.hpp"

#include "tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <sys/stat.h>

namespace tidemark::certs
{
namespace
{
using support::TempDir;
using support::text_of_file;

constexpr WallTime kNow = wall_time_of(Seconds{1'800'000'000});
constexpr Seconds kDay{86'400};

std::string why(const Result<void, std::string>& result)
{
    return result ? "" : result.error();
}

// A CA of its own, and the verbs of a test on it.
struct Ca {
    explicit Ca(std::vector<std::string> edges = {"a", "b"})
    {
        BOOST_TEST_REQUIRE(why(init(folder, edges, kNow)) == "");
    }
    std::vector<Issued> issued() const { return list(folder).value(); }
    std::string text(const std::string& name) const { return text_of_file(folder + "/" + name); }

    TempDir dir;
    std::string folder = dir.path("certs");
};

std::string states(const std::vector<Issued>& all)
{
    std::string out;
    for (const Issued& one : all)
        out += one.role + "/" + one.name + (one.revoked ? " revoked" : "") +
               (one.replaced ? " replaced" : "") + "; ";
    return out;
}
} // namespace

BOOST_AUTO_TEST_SUITE(authority)

BOOST_AUTO_TEST_CASE(a_new_ca_has_an_origin_and_its_edges)
{
    const Ca ca;
    BOOST_TEST(states(ca.issued()) == "origin/origin; edge/a; edge/b; ");
    for (const char* name : {"ca", "origin", "a", "b"}) {
        BOOST_TEST(ca.text(std::string(name) + ".pem").starts_with("-----BEGIN CERTIFICATE-----"));
        BOOST_TEST(ca.text(std::string(name) + ".key").starts_with("-----BEGIN PRIVATE KEY-----"));
    }
    BOOST_TEST(ca.text("crl.pem").starts_with("-----BEGIN X509 CRL-----"));
    BOOST_TEST((expiry_of(ca.folder + "/a.pem").value() == kNow + kDay * 398));
    BOOST_TEST((expiry_of(ca.folder + "/ca.pem").value() == kNow + kDay * 3652));
    BOOST_TEST((ca.issued()[1].expires == kNow + kDay * 398));
    BOOST_TEST(ca.issued()[0].serial != ca.issued()[1].serial);
}

BOOST_AUTO_TEST_CASE(keys_are_for_their_owner_alone_and_nothing_is_left_over)
{
    const Ca ca;
    for (const auto& entry : std::filesystem::directory_iterator(ca.folder)) {
        struct stat status {
        };
        BOOST_TEST_REQUIRE(::stat(entry.path().c_str(), &status) == 0);
        const bool is_key = entry.path().extension() == ".key";
        BOOST_TEST((status.st_mode & 0777) == (is_key ? 0600U : 0644U), entry.path());
        BOOST_TEST(entry.path().extension() != ".new");
    }
}

BOOST_AUTO_TEST_CASE(an_existing_ca_is_never_overwritten)
{
    const Ca ca;
    const std::string before = ca.text("ca.key");
    const std::vector<std::string> edges = {"c"};
    BOOST_TEST(why(init(ca.folder, edges, kNow)) ==
               ca.folder + "/ca.pem: there is a CA already; tidemark certs add and renew use it");
    std::filesystem::remove(ca.folder + "/ca.pem");
    BOOST_TEST(why(init(ca.folder, edges, kNow)).find("/ca.key: there is a CA already") !=
               std::string::npos);
    BOOST_TEST((ca.text("ca.key") == before));
}

BOOST_AUTO_TEST_CASE(names_that_would_not_do_are_refused)
{
    const TempDir dir;
    for (const std::string& name :
         {std::string(), std::string("a/b"), std::string("a b"), std::string("a\n"),
          std::string(64, 'x'), std::string("origin"), std::string("ca"), std::string("crl")})
        BOOST_TEST_CONTEXT(name)
        {
            const std::vector<std::string> edges = {name};
            BOOST_TEST(why(init(dir.path("certs"), edges, kNow)) != "");
            BOOST_TEST(!std::filesystem::exists(dir.path("certs")));
        }
    BOOST_TEST(check_edge_name(std::string(63, 'x')).has_value());
    BOOST_TEST(check_edge_name("Edge-1_fra.example").has_value());
    const std::vector<std::string> twice = {"a", "a"};
    BOOST_TEST(why(init(dir.path("certs"), twice, kNow)) == "\"a\" is there twice");
}

BOOST_AUTO_TEST_CASE(an_edge_is_added_once)
{
    const Ca ca;
    const std::vector<std::string> c = {"c"};
    BOOST_TEST(why(add(ca.folder, c, kNow)) == "");
    BOOST_TEST(states(ca.issued()) == "origin/origin; edge/a; edge/b; edge/c; ");
    BOOST_TEST(why(add(ca.folder, c, kNow)) ==
               "\"c\" has a certificate; tidemark certs renew makes it anew");
}

BOOST_AUTO_TEST_CASE(renewing_makes_a_new_key_and_a_later_end)
{
    const Ca ca;
    const std::string key = ca.text("a.key");
    const std::vector<std::string> names = {"a", "origin"};
    BOOST_TEST(why(renew(ca.folder, names, kNow + kDay * 100)) == "");
    BOOST_TEST((ca.text("a.key") != key));
    BOOST_TEST((expiry_of(ca.folder + "/a.pem").value() == kNow + kDay * 498));
    BOOST_TEST(states(ca.issued()) ==
               "origin/origin replaced; edge/a replaced; edge/b; edge/a; origin/origin; ");
    const std::vector<std::string> nobody = {"nobody"};
    BOOST_TEST(why(renew(ca.folder, nobody, kNow)) == "\"nobody\" has no certificate to renew");
}

BOOST_AUTO_TEST_CASE(no_certificate_outlives_its_ca)
{
    const Ca ca;
    BOOST_TEST(why(renew_all(ca.folder, kNow + kDay * 3600)) == "");
    BOOST_TEST((expiry_of(ca.folder + "/a.pem").value() == kNow + kDay * 3652));
}

BOOST_AUTO_TEST_CASE(revoking_covers_every_certificate_of_the_name_and_lasts)
{
    const Ca ca;
    const std::vector<std::string> a = {"a"};
    BOOST_TEST(why(renew(ca.folder, a, kNow)) == "");
    BOOST_TEST(why(revoke(ca.folder, "a", kNow)) == "");
    BOOST_TEST(states(ca.issued()) ==
               "origin/origin; edge/a revoked replaced; edge/b; edge/a revoked; ");
    BOOST_TEST(why(revoke(ca.folder, "a", kNow)) == "\"a\" is revoked already");
    BOOST_TEST(why(revoke(ca.folder, "z", kNow)) == "\"z\" has no certificate to revoke");
    BOOST_TEST(why(renew(ca.folder, a, kNow)) ==
               "\"a\" is revoked; tidemark certs add issues anew");

    BOOST_TEST(why(revoke(ca.folder, "b", kNow)) == ""); // what was revoked before stays so
    BOOST_TEST(why(add(ca.folder, a, kNow)) == "");
    BOOST_TEST(why(renew_all(ca.folder, kNow)) == ""); // leaves out who is revoked
    BOOST_TEST(states(ca.issued()) ==
               "origin/origin replaced; edge/a revoked replaced; edge/b revoked; "
               "edge/a revoked replaced; edge/a replaced; origin/origin; edge/a; ");
}

BOOST_AUTO_TEST_CASE(damage_is_named_with_its_place)
{
    const Ca ca;
    const std::string index = ca.text("issued.txt");
    static_cast<void>(ca.dir.write("certs/issued.txt", index + "what is this\n"));
    BOOST_TEST(list(ca.folder).error() ==
               ca.folder + "/issued.txt:4: expected SERIAL ROLE NAME EXPIRES");
    static_cast<void>(ca.dir.write("certs/issued.txt", index));
    static_cast<void>(ca.dir.write("certs/ca.key", ca.text("a.key")));
    const std::vector<std::string> c = {"c"};
    BOOST_TEST(why(add(ca.folder, c, kNow)) == ca.folder + "/ca.key: is not the key of ca.pem");
    static_cast<void>(ca.dir.write("certs/a.pem", "nonsense"));
    BOOST_TEST(expiry_of(ca.folder + "/a.pem").error() ==
               ca.folder + "/a.pem: holds no certificate in PEM");
    BOOST_TEST(why(add(ca.dir.path("none"), c, kNow)).find("No such file") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::certs
