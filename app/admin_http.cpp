#include "app/admin_http.hpp"

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

namespace tidemark::app
{
namespace
{
constexpr std::size_t kAnswerBytesMax = 64 << 20;

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

    [[nodiscard]] bool connect(const net::Address& to, Seconds limit)
    {
        fd_ = socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd_ < 0) return false;
        const timeval at_most{limit.count(), 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &at_most, sizeof at_most);
        setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &at_most, sizeof at_most);
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

Result<AdminAnswer, std::string> read_answer(Socket& socket)
{
    http::ResponseParser parser{http::HeadLimits{}};
    http::BodyDecoder body;
    AdminAnswer answer;
    bool in_body = false;
    for (;;) {
        std::string_view bytes = socket.read();
        if (bytes.empty())
            return fail(std::string("the answer broke off, or did not come in time"));
        while (!in_body && !bytes.empty()) {
            std::size_t consumed = 0;
            const auto progress = parser.feed(bytes, consumed);
            if (!progress)
                return fail("not an HTTP answer: " + std::string(http::text_of(progress.error())));
            bytes.remove_prefix(consumed);
            if (*progress == http::HeadProgress::need_more) break;
            answer.status = parser.head().status;
            body = http::BodyDecoder(parser.head().framing);
            in_body = answer.status >= 200; // 100 Continue has none
            parser.reset();
        }
        while (in_body && !bytes.empty() && !body.complete()) {
            const auto step = body.next(bytes);
            if (!step) return fail(std::string("the answer's body is malformed"));
            answer.body.append(step->data);
            bytes.remove_prefix(step->consumed);
            if (answer.body.size() > kAnswerBytesMax)
                return fail(std::string("the answer is too long"));
        }
        if (in_body && body.complete()) return answer;
    }
}

std::string head_of(const AdminEndpoint& admin, const AdminRequest& request,
                    const net::Address& address)
{
    std::string head = std::string(request.method) + " " + request.target +
                       " HTTP/1.1\r\nHost: " + (address.is_unix() ? "localhost" : address.text()) +
                       "\r\n";
    if (admin.token) head += "Authorization: Bearer " + *admin.token + "\r\n";
    for (const auto& [name, value] : request.fields)
        head.append(name).append(": ").append(value).append("\r\n");
    if (request.pieces)
        head += "Transfer-Encoding: chunked\r\n";
    else if (!request.body.empty())
        head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    return head + "Connection: close\r\n\r\n";
}

bool write_chunks(const Socket& socket, const std::function<std::string_view()>& pieces)
{
    for (;;) {
        const std::string_view piece = pieces();
        char size[24];
        std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        if (!socket.write(size) || !socket.write(piece) || !socket.write("\r\n")) return false;
        if (piece.empty()) return true;
    }
}
} // namespace

Result<AdminAnswer, std::string> ask(const AdminEndpoint& admin, const AdminRequest& request)
{
    const auto address = net::Address::parse(config::text_of(admin.address));
    if (!address) return fail(address.error());
    Socket socket;
    if (!socket.connect(*address, request.answer_within))
        return fail(std::string(std::strerror(errno)));
    const std::string head = head_of(admin, request, *address);
    // Who refuses an upload answers before it is through: the answer says more than the write.
    const bool sent = socket.write(head) && (request.pieces ? write_chunks(socket, request.pieces)
                                                            : socket.write(request.body));
    const std::string why = sent ? "" : std::strerror(errno);
    auto answer = read_answer(socket);
    if (!answer && !sent) return fail(why);
    return answer;
}
} // namespace tidemark::app
