#include "app/admin_client.hpp"

#include "core/http/body.hpp"
#include "core/http/parser.hpp"
#include "core/net/address.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

// The one file of the program that pays for it, beside the admin endpoint's own.
#include <nlohmann/json.hpp>

namespace tidemark::app
{
namespace
{
using Json = nlohmann::json;

constexpr int kFailed = 1;
constexpr int kAnswerSeconds = 30;
constexpr std::size_t kAnswerBytesMax = 16 << 20;

struct Answer {
    std::uint16_t status = 0;
    std::string body;
};

// A blocking socket: this is a command, not a daemon.
class Socket
{
  public:
    Socket() = default;
    ~Socket()
    {
        if (fd_ >= 0) close(fd_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    [[nodiscard]] bool connect(const net::Address& to)
    {
        fd_ = socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd_ < 0) return false;
        const timeval limit{kAnswerSeconds, 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (!to.is_unix()) {
            const socklen_t bytes =
                to.family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
            return ::connect(fd_, to.raw(), bytes) == 0;
        }
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        std::memcpy(local.sun_path, to.path().data(), to.path().size());
        return ::connect(fd_, reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0;
    }
    [[nodiscard]] bool write(std::string_view bytes) const
    {
        while (!bytes.empty()) {
            const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    // "" at the end, or after an error.
    [[nodiscard]] std::string_view read()
    {
        const ssize_t n = recv(fd_, buffer_, sizeof buffer_, 0);
        return {buffer_, n > 0 ? static_cast<std::size_t>(n) : 0};
    }

  private:
    int fd_ = -1;
    char buffer_[16 * 1024];
};

Result<Answer, std::string> read_answer(Socket& socket)
{
    http::ResponseParser parser{http::HeadLimits{}};
    http::BodyDecoder body;
    Answer answer;
    bool in_body = false;
    for (;;) {
        std::string_view bytes = socket.read();
        if (bytes.empty()) return fail(std::string("the answer broke off"));
        if (!in_body) {
            std::size_t consumed = 0;
            const auto progress = parser.feed(bytes, consumed);
            if (!progress)
                return fail("not an HTTP answer: " + std::string(http::text_of(progress.error())));
            if (*progress == http::HeadProgress::need_more) continue;
            bytes.remove_prefix(consumed);
            answer.status = parser.head().status;
            body = http::BodyDecoder(parser.head().framing);
            in_body = true;
        }
        while (!bytes.empty() && !body.complete()) {
            const auto step = body.next(bytes);
            if (!step) return fail(std::string("the answer's body is malformed"));
            answer.body.append(step->data);
            bytes.remove_prefix(step->consumed);
        }
        if (body.complete()) return answer;
        if (answer.body.size() > kAnswerBytesMax)
            return fail(std::string("the answer is too large"));
    }
}

// `fields`: further lines of the head.
Result<Answer, std::string> ask(const AdminEndpoint& admin, std::string_view method,
                                std::string_view path, const std::string& body,
                                const std::string& fields = {})
{
    const auto address = net::Address::parse(config::text_of(admin.address));
    if (!address) return fail(address.error());
    Socket socket;
    if (!socket.connect(*address)) return fail(std::string(std::strerror(errno)));
    std::string request = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: " +
                          (address->is_unix() ? "localhost" : address->text()) + "\r\n";
    if (admin.token) request += "Authorization: Bearer " + *admin.token + "\r\n";
    if (!body.empty())
        request +=
            "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n";
    request += fields + "Connection: close\r\n\r\n" + body;
    if (!socket.write(request)) return fail(std::string(std::strerror(errno)));
    return read_answer(socket);
}

int unreachable(const AdminEndpoint& admin, const std::string& why)
{
    std::fprintf(stderr, "tidemark: no answer from the admin endpoint %s: %s\n",
                 config::text_of(admin.address).c_str(), why.c_str());
    return kFailed;
}

// What a problem document says, or the body as it is.
int refused(const Answer& answer)
{
    const Json problem = Json::parse(answer.body, nullptr, false);
    const std::string detail = problem.is_object()
                                   ? problem.value("detail", problem.value("title", answer.body))
                                   : answer.body;
    std::fprintf(stderr, "tidemark: refused (%d): %s\n", answer.status, detail.c_str());
    return kFailed;
}

Json body_of(const PurgeCommand& command)
{
    static constexpr const char* kTypes[] = {"uri",  "group",   "uri-prefix",
                                             "host", "pattern", "all"};
    Json body = {{"type", kTypes[static_cast<std::size_t>(command.scope)]}};
    if (command.scope != PurgeScope::all) body["selectors"] = command.selectors;
    if (command.mode == PurgeMode::soft) body["mode"] = "soft";
    if (command.mode == PurgeMode::refresh) body["mode"] = "refresh";
    if (command.mode == PurgeMode::erase) body["purge"] = true;
    if (command.key) body["key"] = *command.key;
    if (command.note) body["note"] = *command.note;
    if (command.dry_run) body["dry_run"] = true;
    if (command.max_stale) body["max_stale"] = command.max_stale->count();
    return body;
}

// Where to ask, and for how long the answer may take (RFC 7240 §4.3).
std::string path_of(const PurgeCommand& command)
{
    if (!command.wait) return "/v1/purge";
    const std::uint32_t percent = command.wait->percent;
    return "/v1/purge?wait=" + (percent == 100 ? "all" : std::to_string(percent) + "%25");
}

std::string fields_of(const PurgeCommand& command)
{
    if (!command.wait || !command.wait->timeout) return {};
    return "Prefer: wait=" + std::to_string(command.wait->timeout->count()) + "\r\n";
}
} // namespace

int run_purge(const PurgeCommand& command)
{
    const auto answer =
        ask(command.admin, "POST", path_of(command), body_of(command).dump(), fields_of(command));
    if (!answer) return unreachable(command.admin, answer.error());
    if (answer->status != 200) return refused(*answer);
    const Json reply = Json::parse(answer->body, nullptr, false);
    if (!reply.is_object()) return unreachable(command.admin, "its answer is no JSON object");
    const Json edges = reply.value("edges", Json::object());
    std::printf("purged: version %llu, %llu of %llu edge(s) clean\n", reply.value("version", 0ULL),
                edges.value("clean", 0ULL), edges.value("registered", 0ULL));
    return 0;
}

int run_status(const StatusCommand& command)
{
    const auto answer = ask(command.admin, "GET", "/v1/status", "");
    if (!answer) return unreachable(command.admin, answer.error());
    if (answer->status != 200) return refused(*answer);
    std::fputs(answer->body.c_str(), stdout);
    return 0;
}
} // namespace tidemark::app
