#include "bench/demo_site/server.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <memory>
#include <openssl/evp.h>
#include <optional>
#include <poll.h>
#include <semaphore>
#include <string_view>
#include <sys/time.h>
#include <thread>

namespace tidemark::demo
{
namespace
{
constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::size_t kChunkLineBytesMax = 1024;
constexpr std::ptrdiff_t kConnectionsMax = 512;
constexpr timeval kPatience{60, 0}; // for a peer that is silent or does not read

WallTime read_clock()
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return WallTime{Millis{now.tv_sec * 1000 + now.tv_nsec / 1'000'000}};
}

class Sha256
{
  public:
    Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free)
    {
        EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
    }
    void add(std::string_view bytes)
    {
        EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
    }
    [[nodiscard]] std::string hex()
    {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        unsigned length = 0;
        EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
        std::string text;
        for (unsigned i = 0; i < length; ++i)
            text += fmt::format("{:02x}", digest[i]);
        return text;
    }

  private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

// Bytes of one connection, read as they are needed. What a call cannot give is nothing: the
// connection is over.
class Input
{
  public:
    explicit Input(int fd) : fd_(fd) {}

    // Up to and without `end`, which is taken too.
    [[nodiscard]] std::optional<std::string> take_until(std::string_view end, std::size_t at_most)
    {
        for (;;) {
            if (const std::size_t at = held_.find(end); at != std::string::npos) {
                std::string taken = held_.substr(0, at);
                held_.erase(0, at + end.size());
                return taken;
            }
            if (held_.size() > at_most || !fill()) return std::nullopt;
        }
    }
    template <class Visit> [[nodiscard]] bool take(std::uint64_t bytes, const Visit& visit)
    {
        while (bytes > 0) {
            if (held_.empty() && !fill()) return false;
            const std::string_view part = std::string_view(held_).substr(
                0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes, held_.size())));
            visit(part);
            bytes -= part.size();
            held_.erase(0, part.size());
        }
        return true;
    }
    [[nodiscard]] bool empty() const noexcept { return held_.empty(); }

  private:
    bool fill()
    {
        std::array<char, kBufferBytes> buffer;
        ssize_t got = 0;
        do
            got = recv(fd_, buffer.data(), buffer.size(), 0);
        while (got < 0 && errno == EINTR);
        if (got <= 0) return false;
        held_.append(buffer.data(), static_cast<std::size_t>(got));
        return true;
    }

    int fd_;
    std::string held_;
};

bool send_all(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::optional<Request> parse_head(std::string_view head)
{
    const std::size_t line_end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, line_end);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last || line.substr(last + 1) != "HTTP/1.1")
        return std::nullopt;
    Request request;
    request.method = line.substr(0, first);
    std::string_view target = line.substr(first + 1, last - first - 1);
    if (target.empty() || target.front() != '/') return std::nullopt;
    const std::size_t question = std::min(target.find('?'), target.size());
    request.path = target.substr(0, question);
    request.query = target.substr(std::min(question + 1, target.size()));
    head.remove_prefix(std::min(line_end + 2, head.size()));
    while (!head.empty()) {
        const std::size_t end = std::min(head.find("\r\n"), head.size());
        const std::string_view field = head.substr(0, end);
        const std::size_t colon = field.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        request.fields.emplace_back(field.substr(0, colon), trim(field.substr(colon + 1)));
        head.remove_prefix(std::min(end + 2, head.size()));
    }
    return request;
}

// The chunks of RFC 9112 §7.1, trailers dropped.
template <class Visit> bool take_chunks(Input& input, const Visit& visit)
{
    for (;;) {
        const auto line = input.take_until("\r\n", kChunkLineBytesMax);
        if (!line) return false;
        std::uint64_t size = 0;
        const auto parsed = std::from_chars(line->data(), line->data() + line->size(), size, 16);
        if (parsed.ec != std::errc{}) return false;
        if (size == 0) break;
        const bool whole = input.take(size, visit);
        if (!whole || input.take_until("\r\n", 2) != "") return false;
    }
    for (;;) {
        const auto trailer = input.take_until("\r\n", kHeadBytesMax);
        if (!trailer) return false;
        if (trailer->empty()) return true;
    }
}

// Reads the body and notes its length and digest.
bool take_body(Input& input, int fd, Request& request)
{
    const bool chunked = iequals(value_of(request.fields, "Transfer-Encoding"), "chunked");
    const std::string_view announced = value_of(request.fields, "Content-Length");
    const auto length = parse_decimal(announced.empty() ? "0" : announced);
    if (!length || (chunked && !announced.empty())) return false;
    if (iequals(value_of(request.fields, "Expect"), "100-continue") && input.empty() &&
        !send_all(fd, "HTTP/1.1 100 Continue\r\n\r\n"))
        return false;
    Sha256 digest;
    const auto visit = [&](std::string_view part) {
        digest.add(part);
        request.body_bytes += part.size();
    };
    if (!(chunked ? take_chunks(input, visit) : input.take(*length, visit))) return false;
    request.body_sha256 = digest.hex();
    return true;
}

std::string head_of(const Response& response, std::uint64_t body_bytes, bool close, WallTime now)
{
    std::string head =
        fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\nServer: "
                    "tidemark-demo-site\r\n",
                    response.status,
                    response.status == 200   ? "OK"
                    : response.status == 304 ? "Not Modified"
                    : response.status == 404 ? "Not Found"
                    : response.status == 405 ? "Method Not Allowed"
                                             : "Bad Request",
                    fmt::gmtime(since_epoch(now).count()));
    for (const auto& [name, value] : response.fields)
        head += name + ": " + value + "\r\n";
    if (response.status != 304) head += fmt::format("Content-Length: {}\r\n", body_bytes);
    if (close) head += "Connection: close\r\n";
    return head + "\r\n";
}

bool send_response(int fd, const Response& response, bool head_only, bool close, WallTime now)
{
    const std::uint64_t whole = std::max<std::uint64_t>(response.body_bytes, response.body.size());
    std::string first = head_of(response, whole, close, now);
    if (head_only) return send_all(fd, first);
    first += response.body;
    if (!send_all(fd, first)) return false;
    for (std::uint64_t left = whole - response.body.size(); left > 0;) {
        const auto part = std::string_view(response.body)
                              .substr(0, static_cast<std::size_t>(
                                             std::min<std::uint64_t>(left, response.body.size())));
        if (!send_all(fd, part)) return false;
        left -= part.size();
    }
    return true;
}

void log_request(const Request& request, const Response& response, WallTime now)
{
    // One call writes the whole line, so lines of several threads do not mix.
    fmt::print("{:%H:%M:%S} {} {}{}{} {}\n", fmt::gmtime(since_epoch(now).count()), request.method,
               request.path, request.query.empty() ? "" : "?", request.query, response.status);
    std::fflush(stdout);
}

void serve_connection(int fd, Site& site, const ServerOptions& options)
{
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    bench::disable_delay(fd);
    Input input(fd);
    for (bool close = false; !close;) {
        const auto head = input.take_until("\r\n\r\n", kHeadBytesMax);
        if (!head) return;
        auto request = parse_head(*head);
        if (!request || !take_body(input, fd, *request)) {
            Response refusal;
            refusal.status = 400;
            refusal.fields = {{"Cache-Control", "no-store"}};
            static_cast<void>(send_response(fd, refusal, false, true, read_clock()));
            return;
        }
        close = iequals(value_of(request->fields, "Connection"), "close");
        const WallTime now = read_clock();
        const Response response = site.answer(*request, now);
        std::this_thread::sleep_for(response.delay);
        if (options.log) log_request(*request, response, now);
        const bool head_only = request->method == "HEAD" || response.status == 304;
        if (!send_response(fd, response, head_only, close, now + response.delay)) return;
    }
}
} // namespace

void serve(const bench::UniqueFd& listener, Site& site, const ServerOptions& options)
{
    std::counting_semaphore<> room(kConnectionsMax);
    for (;;) {
        room.acquire();
        bench::UniqueFd fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd.is_open()) { // aborted while it waited, or no descriptor is left: then others must
                             // end first
            std::this_thread::sleep_for(Millis{10});
            room.release();
            continue;
        }
        std::thread([fd = std::move(fd), &site, options, &room]() mutable {
            serve_connection(fd.get(), site, options);
            fd.close();
            room.release();
        }).detach();
    }
}
} // namespace tidemark::demo
