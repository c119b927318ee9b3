#include "tests/support/raw_client.hpp"

namespace tidemark::support
{
RawClient::RawClient(const Endpoint& where)
    : authority_(where.authority()), socket_(Socket::connect(where)), reader_(socket_)
{
}

bool RawClient::send(std::string_view bytes, Deadline deadline)
{
    return socket_.write(bytes, deadline);
}

void RawClient::send_request(std::string_view method, std::string_view target, const Fields& fields,
                             std::string_view body)
{
    std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
    bool has_host = false;
    bool has_framing = false;
    for (const Field& field : fields) {
        text += field.name + ": " + field.value + "\r\n";
        has_host |= same_name(field.name, "Host");
        has_framing |=
            same_name(field.name, "Content-Length") || same_name(field.name, "Transfer-Encoding");
    }
    if (!has_host) text += "Host: " + authority_ + "\r\n";
    if (!body.empty() && !has_framing)
        text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n";
    text += body;
    send(text);
}

Message RawClient::read_response_head(std::string_view request_method, Deadline deadline)
{
    auto head = reader_.read_head(deadline);
    if (!head) throw std::runtime_error("the connection was closed without an answer");
    reader_.begin_response_body(*head, request_method);
    return std::move(*head);
}

Message RawClient::read_response(std::string_view request_method, Deadline deadline)
{
    Message message = read_response_head(request_method, deadline);
    reader_.read_body(message, deadline);
    return message;
}

Message RawClient::ask(std::string_view method, std::string_view target, const Fields& fields,
                       std::string_view body)
{
    send_request(method, target, fields, body);
    for (;;) {
        Message message = read_response(method);
        if (message.status() >= 200 || message.status() == 101) return message;
    }
}

Message RawClient::get(std::string_view target, const Fields& fields)
{
    return ask("GET", target, fields);
}

std::string RawClient::read_until_close(Deadline deadline)
{
    return reader_.read_until_close(deadline);
}

bool RawClient::closed_by_peer(Deadline deadline)
{
    try {
        return read_until_close(deadline).empty();
    } catch (const Timeout&) {
        return false;
    }
}

Message get(const Endpoint& where, std::string_view target, const Fields& fields)
{
    return RawClient(where).get(target, fields);
}

Message ask(const Endpoint& where, std::string_view method, std::string_view target,
            const Fields& fields, std::string_view body)
{
    return RawClient(where).ask(method, target, fields, body);
}
} // namespace tidemark::support
