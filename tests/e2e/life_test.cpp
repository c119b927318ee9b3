#include "tests/e2e/stand.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <deque>
#include <thread>

// The program as an operator meets it: configuration, signals, the admin endpoint.
using namespace tidemark::e2e;

namespace
{
const std::string kSite = "[[site]]\nupstreams = [\"ORIGIN\"]\n";

// Clients that ask again and again, each on one connection, until told to stop; counts what fails.
class Load
{
  public:
    Load(const Endpoint& where, int clients, bool new_connections)
    {
        for (int i = 0; i < clients; ++i)
            threads_.emplace_back([=, this] { run(where, new_connections); });
    }
    ~Load() { stop(); }
    void stop()
    {
        stopping_ = true;
        for (std::thread& thread : threads_)
            thread.join();
        threads_.clear();
    }
    void wait_for_more(int requests)
    {
        const int goal = done_ + requests;
        BOOST_TEST(poll_until(soon(), [&] { return done_ >= goal; }));
    }
    [[nodiscard]] int failed() const { return failed_; }
    [[nodiscard]] int done() const { return done_; }

  private:
    void run(const Endpoint& where, bool new_connections)
    {
        std::unique_ptr<RawClient> client;
        while (!stopping_) {
            try {
                if (!client || new_connections) client = std::make_unique<RawClient>(where);
                const Message answer = client->get("/" + std::to_string(done_ % 10));
                const bool good = answer.status() == 200 && answer.complete;
                ++(good ? done_ : failed_);
                if (same_name(answer.value("Connection"), "close")) client.reset();
            } catch (const std::exception&) {
                ++failed_;
                client.reset();
            }
        }
    }

    std::atomic<bool> stopping_ = false;
    std::atomic<int> done_ = 0;
    std::atomic<int> failed_ = 0;
    std::vector<std::thread> threads_;
};

void answer_all(Stand& stand)
{
    stand.origin.otherwise([](Exchange& x) {
        const bool cacheable = x.request().target() < "/5";
        x.answer(200, cacheable ? kFresh : kNoStore, "page " + x.request().target());
    });
}
} // namespace

BOOST_AUTO_TEST_SUITE(signals)

BOOST_AUTO_TEST_CASE(sighup_takes_a_new_file_without_a_failed_request)
{
    const auto stand = Stand::with_config("[cache]\nstrip_tags = true\n" + kSite);
    stand->origin.page("/tagged", {{"Surrogate-Key", "t"}}, "x");
    answer_all(*stand);
    Load kept(stand->edge().at(), 2, false);
    Load fresh(stand->edge().at(), 2, true);
    for (const bool strip : {false, true, false, true}) {
        stand->write_config(std::string("[cache]\nstrip_tags = ") + (strip ? "true\n" : "false\n") +
                            kSite);
        stand->edge().signal(SIGHUP);
        BOOST_TEST(poll_until(
            soon(), [&] { return stand->get("/tagged").has("Surrogate-Key") == !strip; }));
        kept.wait_for_more(50);
        fresh.wait_for_more(50);
    }
    kept.stop();
    fresh.stop();
    BOOST_TEST(kept.failed() == 0);
    BOOST_TEST(fresh.failed() == 0);
}

BOOST_AUTO_TEST_CASE(a_reload_keeps_what_is_stored)
{
    const auto stand = Stand::with_config(kSite);
    stand->origin.page("/a", kFresh, "x");
    stand->origin.page("/tagged", {{"Surrogate-Key", "t"}}, "x");
    stand->get("/a");
    stand->write_config("[cache]\nstrip_tags = false\n" + kSite);
    stand->edge().signal(SIGHUP);
    BOOST_TEST(poll_until(soon(), [&] { return stand->get("/tagged").has("Surrogate-Key"); }));
    BOOST_TEST(is_hit(stand->get("/a")));
}

BOOST_AUTO_TEST_CASE(a_bad_file_is_refused_on_reload_and_the_old_one_kept)
{
    const auto stand = Stand::with_config(kSite);
    stand->origin.page("/a", kNoStore, "x");
    stand->write_config("[limits]\nheed = 3\n" + kSite);
    stand->edge().signal(SIGHUP);
    BOOST_TEST(poll_until(
        soon(), [&] { return stand->edge().log().find("edge.toml:2:1") != std::string::npos; }));
    BOOST_TEST(stand->get("/a").body == "x");
    BOOST_TEST(stand->edge().running());
}

BOOST_AUTO_TEST_CASE(sigterm_lets_what_was_accepted_end_and_exits_0)
{
    Stand stand;
    Gate& gate = stand.origin.gate();
    stand.origin.on("/slow", [&](Exchange& x) {
        if (!gate.wait()) return x.abort();
        x.answer(200, kFresh, "slow");
    });
    stand.origin.on("/half", [&](Exchange& x) {
        x.head(200, {{"Content-Length", "8"}});
        x.send("half");
        if (!gate.wait()) return x.abort();
        x.send("half");
    });
    RawClient slow = stand.client();
    slow.send_request("GET", "/slow");
    RawClient half = stand.client();
    half.send_request("GET", "/half");
    RawClient idle = stand.client();
    idle.get("/none");
    stand.origin.wait_for("/slow", 1);
    stand.origin.wait_for("/half", 1);
    stand.edge().signal(SIGTERM);
    BOOST_TEST(idle.closed_by_peer());
    BOOST_TEST(stand.edge().running());
    gate.open();
    BOOST_TEST(slow.read_response().body == "slow");
    BOOST_TEST(half.read_response().body == "halfhalf");
    BOOST_TEST(stand.edge().wait_for_exit() == 0);
}

BOOST_AUTO_TEST_CASE(sigterm_under_load_breaks_off_no_answer)
{
    Stand stand;
    answer_all(stand);
    std::atomic<int> broken = 0;
    std::atomic<int> done = 0;
    std::deque<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
        clients.emplace_back([&] {
            try {
                for (;;) {
                    RawClient client = stand.client();
                    client.send_request("GET", "/" + std::to_string(done % 10));
                    // Not accepted, or closed before a byte was said: the drain's right. Anything
                    // begun must be whole.
                    const Message head = client.read_response_head();
                    std::string body;
                    for (std::string piece; !(piece = client.body().read_body_some()).empty();)
                        body += piece;
                    if (!client.body().body_complete() || head.status() != 200) ++broken;
                    ++done;
                }
            } catch (const Malformed&) {
                ++broken;
            } catch (const std::exception&) {
            }
        });
    }
    BOOST_TEST(poll_until(soon(), [&] { return done > 100; }));
    stand.edge().signal(SIGTERM);
    for (std::thread& client : clients)
        client.join();
    BOOST_TEST(broken == 0);
    BOOST_TEST(stand.edge().wait_for_exit() == 0);
}

BOOST_AUTO_TEST_CASE(a_drain_ends_at_its_limit)
{
    const auto stand = Stand::with_config("drain_timeout = \"300ms\"\n" + kSite);
    Gate& never = stand->origin.gate();
    stand->origin.on("/slow", [&](Exchange& x) {
        (void)never.wait();
        x.close();
    });
    RawClient client = stand->client();
    client.send_request("GET", "/slow");
    stand->origin.wait_for("/slow", 1);
    stand->edge().signal(SIGTERM);
    BOOST_TEST(stand->edge().wait_for_exit() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(help_and_version_say_so_and_exit_0)
{
    const ProgramResult help = run_tidemark({"--help"});
    BOOST_TEST(help.exit_code == 0);
    for (const char* word : {"edge", "check"})
        BOOST_TEST(help.out.find(word) != std::string::npos);
    const ProgramResult edge_help = run_tidemark({"edge", "--help"});
    BOOST_TEST(edge_help.exit_code == 0);
    for (const char* flag : {"--listen", "--upstream", "--admin", "--workers", "--memory", "--name",
                             "--access-log", "--log-level", "--config"})
        BOOST_TEST(edge_help.out.find(flag) != std::string::npos, flag);
    const ProgramResult version = run_tidemark({"--version"});
    BOOST_TEST(version.exit_code == 0);
    BOOST_TEST(version.out.find('.') != std::string::npos);
}

BOOST_AUTO_TEST_CASE(check_accepts_a_good_file)
{
    const TempDir dir;
    const auto file = dir.write("edge.toml", "listen = [\"127.0.0.1:8080\"]\n[[site]]\n"
                                             "upstreams = [\"http://127.0.0.1:3000\"]\n");
    BOOST_TEST(run_tidemark({"check", "--config", file}).exit_code == 0);
}

BOOST_AUTO_TEST_CASE(check_reports_every_error_with_its_place_and_the_nearest_name)
{
    const TempDir dir;
    const auto file = dir.write("edge.toml", "listen = [\"127.0.0.1:99999\"]\n"
                                             "wrokers = 2\n"
                                             "[limits]\n"
                                             "  fields = \"many\"\n"
                                             "[[site]]\n"
                                             "upstreams = [\"ftp://x\"]\n");
    const ProgramResult result = run_tidemark({"check", "--config", file});
    BOOST_TEST(result.exit_code == 1);
    const std::string all = result.out + result.err;
    for (const char* place : {"edge.toml:1:", "edge.toml:2:1", "edge.toml:4:", "edge.toml:6:"})
        BOOST_TEST(all.find(place) != std::string::npos, place << " in\n" << all);
    BOOST_TEST(all.find("workers") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_edge_with_a_bad_configuration_does_not_start)
{
    for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
             {"edge"},
             {"edge", "--listen", "127.0.0.1:0"},
             {"edge", "--upstream", "http://127.0.0.1:1"},
             {"edge", "--listen", "nonsense", "--upstream", "http://127.0.0.1:1"},
             {"edge", "--config", "/nonexistent.toml"},
             {"edge", "--memory", "many", "--listen", "127.0.0.1:0", "--upstream", "http://a"},
             {"edge", "--no-such-flag"},
             {"no-such-command"}}) {
        BOOST_TEST_CONTEXT(args.back())
        {
            const ProgramResult result = run_tidemark(args);
            BOOST_TEST(result.exit_code != 0);
            BOOST_TEST(result.exit_code < 128);
            BOOST_TEST(!result.err.empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(an_address_that_is_taken_is_an_error_that_names_it)
{
    FakeOrigin taken;
    const std::string address = taken.endpoint().listen_flag();
    const ProgramResult result =
        run_tidemark({"edge", "--listen", address, "--upstream", "http://127.0.0.1:1"});
    BOOST_TEST(result.exit_code != 0);
    BOOST_TEST(result.err.find(address) != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(admin)

BOOST_AUTO_TEST_CASE(healthz_metrics_and_status_tell_how_it_goes)
{
    Stand stand;
    stand.origin.page("/a", kFresh, "x");
    for (int i = 0; i < 5; ++i)
        stand.get("/a");
    BOOST_TEST(stand.edge().ask_admin("GET", "/healthz").status() == 200);
    const Message metrics = stand.edge().ask_admin("GET", "/metrics");
    BOOST_TEST(metrics.status() == 200);
    BOOST_TEST(metrics.value("Content-Type").starts_with("text/plain"));
    BOOST_TEST(metrics.body.find("# TYPE tidemark_") != std::string::npos);
    const Message status = stand.edge().ask_admin("GET", "/v1/status");
    BOOST_TEST(status.status() == 200);
    BOOST_TEST(status.value("Content-Type").starts_with("application/json"));
    BOOST_TEST(status.body.find("edge-1") != std::string::npos);
    BOOST_TEST(stand.edge().ask_admin("GET", "/nothing").status() == 404);
    BOOST_TEST(one_of(stand.edge().ask_admin("POST", "/healthz", "x").status(), {404, 405}));
}

BOOST_AUTO_TEST_CASE(a_malformed_admin_request_is_refused)
{
    Stand stand;
    RawClient client(stand.edge().admin());
    client.send("GET /healthz HTTP/1.1\r\n\r\n");
    BOOST_TEST(client.read_response().status() == 400);
    BOOST_TEST(client.closed_by_peer());
    BOOST_TEST(stand.edge().ask_admin("GET", "/healthz").status() == 200);
}

BOOST_AUTO_TEST_CASE(every_request_is_a_line_of_the_access_log)
{
    const TempDir dir;
    const std::string path = dir.path("access.log");
    Stand stand({"--access-log", path});
    stand.origin.page("/logged", kFresh, "x");
    stand.get("/logged");
    stand.get("/logged");
    BOOST_TEST(poll_until(soon(), [&] {
        const std::string log = text_of_file(path);
        const auto first = log.find("/logged");
        return first != std::string::npos && log.find("/logged", first + 1) != std::string::npos;
    }));
}

BOOST_AUTO_TEST_CASE(sites_are_told_apart_by_host)
{
    FakeOrigin other;
    other.otherwise([](Exchange& x) { x.answer(200, kNoStore, "other"); });
    const auto stand = Stand::with_config(
        kSite + "[[site]]\nhosts = [\"shop.example\", \"*.shop.example\"]\nupstreams = [\"" +
        other.url() + "\"]\n");
    stand->origin.page("/", kNoStore, "default");
    const auto body = [&](const char* host) { return stand->get("/", {{"Host", host}}).body; };
    BOOST_TEST(body("shop.example") == "other");
    BOOST_TEST(body("SHOP.example:8080") == "other");
    BOOST_TEST(body("www.shop.example") == "other");
    BOOST_TEST(body("example") == "default");
    BOOST_TEST(body("notshop.example") == "default");
}

BOOST_AUTO_TEST_CASE(the_rules_of_a_site_shape_key_and_storing)
{
    const auto stand = Stand::with_config(kSite + R"(
[site.key]
drop_query = ["utm_*"]
cookies = ["currency"]
[site.bypass]
cookies = ["wordpress_logged_in_*"]
paths = ["/cart*"]
[[site.path]]
match = "/static/*"
ttl = "1h"
ignore_query = true
strip_response_fields = ["Set-Cookie"]
)");
    stand->origin.otherwise([](Exchange& x) {
        const bool plain = x.request().target().starts_with("/static");
        x.answer(200, plain ? Fields{{"Set-Cookie", "a=b"}} : kFresh, x.request().target());
    });
    const auto hit = [&](const char* target, const Fields& fields = {}) {
        return is_hit(stand->get(target, fields));
    };
    BOOST_TEST(!hit("/a?x=1&utm_source=mail"));
    BOOST_TEST(hit("/a?x=1&utm_medium=web"));
    BOOST_TEST(stand->origin.count("/a?x=1") == 1);
    BOOST_TEST(!hit("/a?x=1", {{"Cookie", "currency=eur; sid=1"}}));
    BOOST_TEST(hit("/a?x=1", {{"Cookie", "sid=2; currency=eur"}}));
    BOOST_TEST(!hit("/a?x=1", {{"Cookie", "wordpress_logged_in_ab=1"}}));
    BOOST_TEST(hit("/a?x=1"));
    BOOST_TEST(!hit("/cart/1"));
    BOOST_TEST(!hit("/cart/1"));
    BOOST_TEST(!hit("/static/x.css?v=1"));
    const Message asset = stand->get("/static/x.css?v=2");
    BOOST_TEST(is_hit(asset));
    BOOST_TEST(!asset.has("Set-Cookie"));
}

BOOST_AUTO_TEST_SUITE_END()
