#include "bench/purge/fleet.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace tidemark::bench
{
namespace
{
using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr Nanos kStartPatience = 30s;
constexpr Nanos kPollPause = 2ms;

// Below the ports that the kernel gives away by itself, free for TCP and UDP.
class FreePorts
{
  public:
    FreePorts() : next_(static_cast<std::uint16_t>(kFirst + ::getpid() * 61 % kCount)) {}
    std::uint16_t take()
    {
        for (int i = 0; i < kCount; ++i) {
            const std::uint16_t port = next_;
            next_ = static_cast<std::uint16_t>(kFirst + (next_ + 1 - kFirst) % kCount);
            if (is_free(port, SOCK_STREAM) && is_free(port, SOCK_DGRAM)) return port;
        }
        throw BenchError("no port is free");
    }

  private:
    static constexpr int kFirst = 20'000;
    static constexpr int kCount = 12'000;
    static bool is_free(std::uint16_t port, int type)
    {
        const UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
        const int yes = 1;
        if (type == SOCK_STREAM) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    }
    std::uint16_t next_;
};

std::string loopback(std::uint16_t port)
{
    return "127.0.0.1:" + std::to_string(port);
}

std::string program_beside_us()
{
    return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "tidemark").string();
}

std::filesystem::path made_directory()
{
    std::string name = (std::filesystem::temp_directory_path() / "tidemark-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw BenchError("cannot make a directory " + name);
    return name;
}

std::string end_of_file(const std::string& path)
{
    constexpr std::size_t kEnd = 2'000;
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    const std::string all = text.str();
    return all.size() <= kEnd ? all : all.substr(all.size() - kEnd);
}

Json parsed(const Result<ApiAnswer, std::string>& answer, int status, const std::string& what)
{
    if (!answer) throw BenchError(what + ": " + answer.error());
    if (answer->status != status && !(status == 202 && answer->status == 200))
        throw BenchError(what + ": " + std::to_string(answer->status) + " " + answer->body);
    Json json = Json::parse(answer->body, nullptr, false);
    if (json.is_discarded()) throw BenchError(what + ": not JSON: " + answer->body);
    return json;
}

std::string page(std::uint64_t number)
{
    return R"({"type":"uri","selectors":["http://bench.test/page/)" + std::to_string(number) +
           R"("]})";
}
} // namespace

bool interrupted()
{
    sigset_t pending;
    ::sigpending(&pending);
    return ::sigismember(&pending, SIGINT) == 1 || ::sigismember(&pending, SIGTERM) == 1;
}

MonoTime monotonic_now() noexcept
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return MonoTime{Seconds{now.tv_sec} + Nanos{now.tv_nsec}};
}

void rest_until(MonoTime when)
{
    constexpr Nanos kPiece = 100ms;
    for (Nanos left = when - monotonic_now(); left > Nanos{0}; left = when - monotonic_now()) {
        if (interrupted()) throw BenchError("interrupted");
        const Nanos piece = std::min(left, kPiece);
        const timespec time{0, static_cast<long>(piece.count())};
        ::nanosleep(&time, nullptr);
    }
    if (interrupted()) throw BenchError("interrupted");
}

void rest(Nanos time)
{
    rest_until(monotonic_now() + time);
}

std::string purge_of(std::uint64_t number)
{
    return page(number);
}

std::string batch_of(std::uint64_t first_page, std::uint64_t count)
{
    std::string body = R"({"batch":[)";
    for (std::uint64_t i = 0; i < count; ++i)
        body.append(i == 0 ? "" : ",").append(page(first_page + i));
    return body + "]}";
}

Fleet::Fleet(const PurgeOptions& options, std::uint32_t edges)
    : directory_(made_directory()),
      program_(options.program.empty() ? program_beside_us() : options.program), seed_(options.seed)
{
    try {
        FreePorts ports;
        for (std::uint32_t i = 0; i < edges; ++i) {
            const std::uint16_t port = ports.take();
            edges_.emplace_back("edge-" + std::to_string(i + 1), port, ports.take());
        }
        link_ = ports.take();
        origin_admin_ = ports.take();
        RelayOptions network;
        network.seed = seed_;
        network.doors = edges;
        relay_ = std::make_unique<Relay>(link_, network);
        make_certificates();
        begin_origin();
        for (std::uint32_t i = 0; i < edges; ++i)
            begin_edge(edges_[i], relay_->port(i));
        for (Edge& edge : edges_)
            wait_for(edge.name, *edge.process, edge.admin);
        wait_until_connected();
    } catch (...) {
        end();
        throw;
    }
}

Fleet::~Fleet()
{
    end();
}

void Fleet::end()
{
    // They might use the directory until they are gone.
    edges_.clear();
    origin_process_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

std::string Fleet::path(const std::string& name) const
{
    return (directory_ / name).string();
}

Child Fleet::begin(std::vector<std::string> words, const std::string& name) const
{
    words.insert(words.begin(), program_);
    ChildCommand command;
    command.words = std::move(words);
    command.out = path(name + ".log");
    command.err = command.out;
    command.dies_with_thread = true;
    return Child(command);
}

void Fleet::make_certificates()
{
    std::string names;
    for (const Edge& edge : edges_)
        names += (names.empty() ? "" : ",") + edge.name;
    Child child = begin({"certs", "init", path("certs"), "--edges", names}, "certs");
    if (!child.wait(std::chrono::ceil<Millis>(kStartPatience)) || child.exit_code() != 0)
        throw BenchError(program_ + " certs init failed: " + end_of_file(path("certs.log")));
}

void Fleet::begin_origin()
{
    origin_process_.emplace(
        begin({"origin", "--admin", loopback(origin_admin_), "--link", loopback(link_), "--data",
               path("origin"), "--certs", path("certs")},
              "origin"));
    origin_.emplace(origin_admin_);
    wait_for("origin", *origin_process_, *origin_);
}

void Fleet::begin_edge(Edge& edge, std::uint16_t through)
{
    edge.process.emplace(begin({"edge",
                                "--listen",
                                loopback(edge.port),
                                "--admin",
                                loopback(edge.admin_port),
                                "--upstream",
                                "http://" + loopback(upstream_.port()),
                                "--name",
                                edge.name,
                                "--origin",
                                loopback(through),
                                "--certs",
                                path("certs"),
                                "--data",
                                path(edge.name),
                                "--workers",
                                "1",
                                "--memory",
                                "64MiB",
                                "--access-log",
                                "off"},
                               edge.name));
}

void Fleet::wait_for(const std::string& name, Child& child, ApiConnection& admin)
{
    const MonoTime deadline = monotonic_now() + kStartPatience;
    for (;;) {
        const auto answer = admin.call("GET", "/healthz");
        if (answer && answer->status == 200) return;
        if (!child.running() || monotonic_now() > deadline)
            throw BenchError(name + " does not come up: " + end_of_file(path(name + ".log")));
        rest(20ms);
    }
}

void Fleet::wait_until_connected()
{
    const MonoTime deadline = monotonic_now() + kStartPatience;
    for (;;) {
        const Json all = parsed(origin_->call("GET", "/v1/edges"), 200, "GET /v1/edges");
        std::size_t connected = 0;
        if (all.contains("edges"))
            for (const Json& edge : all["edges"])
                if (edge.value("connected", false)) ++connected;
        if (connected == edges_.size()) return;
        if (monotonic_now() > deadline)
            throw BenchError("only " + std::to_string(connected) + " edges connect; the log of " +
                             edges_.back().name + ": " +
                             end_of_file(path(edges_.back().name + ".log")));
        rest(50ms);
    }
}

DoorCounters Fleet::traffic() const
{
    DoorCounters sum;
    const auto add = [](WayCounters& into, const WayCounters& more) {
        into.datagrams += more.datagrams;
        into.datagram_bytes += more.datagram_bytes;
        into.lost += more.lost;
        into.duplicated += more.duplicated;
        into.stream_bytes += more.stream_bytes;
    };
    for (std::size_t door = 0; door < relay_->doors(); ++door) {
        const DoorCounters one = relay_->counters(door);
        add(sum.to_target, one.to_target);
        add(sum.to_client, one.to_client);
        sum.streams += one.streams;
    }
    return sum;
}

Accepted Fleet::purge(const std::string& body)
{
    const auto answer = origin_->call("POST", "/v1/purge", body);
    const MonoTime at = monotonic_now();
    const Json json = parsed(answer, 202, "POST /v1/purge");
    if (!json.contains("version")) throw BenchError("no version in " + answer->body);
    return {json["version"].get<std::uint64_t>(), at};
}

bool Fleet::purge_everywhere(const std::string& body, Seconds patience)
{
    const std::string prefer = "Prefer: wait=" + std::to_string(patience.count()) + "\r\n";
    const auto answer = origin_->call("POST", "/v1/purge?wait=all", body, prefer, patience + 10s);
    if (!answer) throw BenchError("POST /v1/purge?wait=all: " + answer.error());
    if (answer->status != 200 && answer->status != 202)
        throw BenchError("POST /v1/purge?wait=all: " + answer->body);
    return answer->status == 200;
}

std::uint64_t Fleet::applied_through(Edge& edge) const
{
    const Json json =
        parsed(edge.admin.call("GET", "/v1/applied"), 200, edge.name + ": GET /v1/applied");
    return json.value("through", std::uint64_t{0});
}

bool Fleet::wait_applied(std::uint64_t version, Nanos patience)
{
    const MonoTime deadline = monotonic_now() + patience;
    bool all = true;
    for (Edge& edge : edges_)
        all = wait_applied(edge, version, deadline - monotonic_now()) && all;
    return all;
}

bool Fleet::wait_applied(Edge& edge, std::uint64_t version, Nanos patience)
{
    const MonoTime deadline = monotonic_now() + patience;
    while (applied_through(edge) < version) {
        if (monotonic_now() > deadline) return false;
        rest(kPollPause);
    }
    return true;
}

std::vector<std::optional<MonoTime>> Fleet::applied_times(Edge& edge, std::uint64_t first,
                                                          std::uint64_t count) const
{
    std::vector<std::optional<MonoTime>> times(count);
    const std::string target =
        "/v1/applied?first=" + std::to_string(first) + "&last=" + std::to_string(first + count - 1);
    const Json json = parsed(edge.admin.call("GET", target), 200, edge.name + ": GET " + target);
    for (const Json& one : json.at("times")) {
        const auto version = one.at("version").get<std::uint64_t>();
        if (version >= first && version - first < count)
            times[version - first] = MonoTime{Nanos{one.at("monotonic_ns").get<std::int64_t>()}};
    }
    return times;
}
} // namespace tidemark::bench
