#include "bench/purge/http.hpp"

#include "core/base/text.hpp"

#include <cerrno>
#include <charconv>
#include <optional>
#include <poll.h>

namespace tidemark::bench
{
namespace
{
constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kBodyBytesMax = 64 * 1024 * 1024;

bool wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline)
{
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd wanted{fd, events, 0};
    return left.count() > 0 && ::poll(&wanted, 1, static_cast<int>(left.count())) == 1;
}

std::string lower(std::string_view text)
{
    std::string low;
    append_lower(low, text);
    return low;
}

template <class T> std::optional<T> number_in(std::string_view text)
{
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

// What an admin endpoint sends: a status line and a length.
std::optional<std::pair<int, std::size_t>> status_and_length(std::string_view head)
{
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    constexpr std::string_view kLength = "\r\ncontent-length:";
    if (!head.starts_with(kVersion)) return std::nullopt;
    const auto status = number_in<int>(head.substr(kVersion.size()));
    const std::string low = lower(head);
    const std::size_t at = low.find(kLength);
    if (!status) return std::nullopt;
    if (at == std::string::npos) return std::pair{*status, std::size_t{0}};
    const auto length =
        number_in<std::size_t>(trim(std::string_view(low).substr(at + kLength.size(), 24)));
    if (!length || *length > kBodyBytesMax) return std::nullopt;
    return std::pair{*status, *length};
}
} // namespace

Result<ApiAnswer, std::string> ApiConnection::call(std::string_view method, std::string_view target,
                                                   std::string_view body, std::string_view fields,
                                                   std::chrono::milliseconds patience)
{
    const Deadline deadline = std::chrono::steady_clock::now() + patience;
    const std::string port = std::to_string(port_);
    std::string request;
    request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1:");
    request.append(port).append("\r\n").append(fields);
    if (!body.empty()) request.append("Content-Type: application/json\r\n");
    if (!body.empty() || method != "GET")
        request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    request.append("\r\n").append(body);

    // Not a byte of an answer on a kept connection: the server had closed it.
    const bool kept = fd_.is_open();
    for (int attempt = kept ? 0 : 1; attempt < 2; ++attempt) {
        if (!fd_.is_open() && !connect(deadline)) return fail("no connection to 127.0.0.1:" + port);
        received_.clear();
        if (send(request, deadline)) {
            auto answer = receive(deadline);
            if (answer || !received_.empty() || attempt == 1) return answer;
        }
        fd_.close();
    }
    return fail("127.0.0.1:" + port + " takes no request");
}

bool ApiConnection::connect(Deadline deadline)
{
    const auto address = resolve({"127.0.0.1", std::to_string(port_)});
    if (!address) return false;
    fd_ = start_connect(*address);
    if (!fd_.is_open() || !wait_for(fd_.get(), POLLOUT, deadline)) return false;
    int error = 0;
    socklen_t bytes = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (error != 0) fd_.close();
    return error == 0;
}

bool ApiConnection::send(std::string_view bytes, Deadline deadline)
{
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno != EAGAIN || !wait_for(fd_.get(), POLLOUT, deadline))
            return false;
    }
    return true;
}

bool ApiConnection::receive_some(Deadline deadline)
{
    char buffer[64 * 1024];
    for (;;) {
        const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
        if (got > 0) received_.append(buffer, static_cast<std::size_t>(got));
        if (got >= 0) return got > 0;
        if (errno != EAGAIN || !wait_for(fd_.get(), POLLIN, deadline)) return false;
    }
}

Result<ApiAnswer, std::string> ApiConnection::receive(Deadline deadline)
{
    const auto broken = [&](const char* what) {
        fd_.close();
        return fail("127.0.0.1:" + std::to_string(port_) + ": " + what);
    };
    std::size_t head_end = std::string::npos;
    while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) {
        if (received_.size() > kHeadBytesMax) return broken("a head without an end");
        if (!receive_some(deadline)) return broken("no answer");
    }
    const auto head = status_and_length(std::string_view(received_).substr(0, head_end + 2));
    if (!head) return broken("not an answer to understand");
    const std::size_t whole = head_end + 4 + head->second;
    while (received_.size() < whole)
        if (!receive_some(deadline)) return broken("the answer broke off");
    ApiAnswer answer{head->first, received_.substr(head_end + 4, head->second)};
    if (lower(received_.substr(0, head_end + 2)).find("\r\nconnection: close") != std::string::npos)
        fd_.close();
    return answer;
}
} // namespace tidemark::bench
