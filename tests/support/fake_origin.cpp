#include "tests/support/fake_origin.hpp"

#include <algorithm>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemark::support
{
namespace
{
std::string head_text(int status, const Fields& fields)
{
    std::string text = "HTTP/1.1 " + std::to_string(status) + " Said so\r\n";
    for (const Field& field : fields)
        text += field.name + ": " + field.value + "\r\n";
    return text;
}

bool says_how_it_ends(int status, const Fields& fields)
{
    return status < 200 || status == 204 || status == 304 ||
           std::any_of(fields.begin(), fields.end(), [](const Field& f) {
               return same_name(f.name, "Content-Length") || same_name(f.name, "Transfer-Encoding");
           });
}

std::string hex(std::size_t number)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    do {
        text.insert(text.begin(), kDigits[number % 16]);
    } while ((number /= 16) != 0);
    return text;
}
} // namespace

std::string chunked(std::string_view body)
{
    return hex(body.size()) + "\r\n" + std::string(body) + "\r\n0\r\n\r\n";
}

bool Exchange::send(std::string_view bytes)
{
    return socket_.write(bytes);
}

bool Exchange::answer(int status, const Fields& fields, std::string_view body)
{
    std::string text = head_text(status, fields);
    if (!says_how_it_ends(status, fields))
        text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n";
    if (request_.method() != "HEAD") text += body;
    return send(text);
}

bool Exchange::head(int status, const Fields& fields)
{
    return send(head_text(status, fields) + "\r\n");
}

bool Exchange::chunk(std::string_view bytes)
{
    return send(hex(bytes.size()) + "\r\n" + std::string(bytes) + "\r\n");
}

bool Exchange::last_chunk(const Fields& trailers)
{
    std::string text = "0\r\n";
    for (const Field& field : trailers)
        text += field.name + ": " + field.value + "\r\n";
    return send(text + "\r\n");
}

std::string Exchange::read_body_some(std::size_t most)
{
    return reader_.read_body_some(most);
}

bool Exchange::peer_leaves(Deadline deadline)
{
    try {
        while (!socket_.read_some(4096, deadline).empty())
            continue;
        return true;
    } catch (const ConnectionReset&) {
        return true;
    } catch (const Timeout&) {
        return false;
    }
}

FakeOrigin::FakeOrigin(Family family, const std::string& unix_path)
{
    endpoint_.family = family;
    endpoint_.path = unix_path;
    fallback_.handler = [](Exchange& x) { x.answer(404, {}, "no such page at the origin"); };
    start();
}

FakeOrigin::~FakeOrigin()
{
    open_gates();
    stop();
}

void FakeOrigin::start()
{
    constexpr int kBacklog = 1024;
    if (endpoint_.family == Family::unix_path) ::unlink(endpoint_.path.c_str());
    listener_ = listen_on(endpoint_, kBacklog);
    stopping_ = false;
    acceptor_ = std::thread([this] { accept_loop(); });
}

void FakeOrigin::stop()
{
    if (!acceptor_.joinable()) return; // down already
    stopping_ = true;
    ::shutdown(listener_.get(), SHUT_RDWR); // wakes poll()
    acceptor_.join();
    listener_.reset();
    for (Connection& connection : connections_)
        connection.socket.wake();
    for (Connection& connection : connections_)
        connection.thread.join();
    connections_.clear();
}

void FakeOrigin::go_down()
{
    stop();
}

void FakeOrigin::listen_again()
{
    start();
}

void FakeOrigin::accept_loop()
{
    while (!stopping_) {
        pollfd entry{listener_.get(), POLLIN, 0};
        ::poll(&entry, 1, 100);
        FileDescriptor fd(
            ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd.get() < 0) continue;
        const std::lock_guard lock(mutex_);
        ++accepted_;
        changed_.notify_all();
        connections_.remove_if([](Connection& c) {
            if (c.done) c.thread.join();
            return c.done.load();
        });
        Connection& connection = connections_.emplace_back();
        connection.socket = Socket(std::move(fd));
        connection.thread = std::thread([this, &connection] { serve(connection); });
    }
}

void FakeOrigin::serve(Connection& connection)
{
    HttpReader reader(connection.socket);
    try {
        while (!stopping_ && serve_one(connection.socket, reader))
            continue;
    } catch (const ConnectionReset&) { // clients may
    } catch (const std::exception& error) {
        if (!stopping_) complain(error.what());
    }
    // The descriptor stays until the thread is joined: stop() may still name it.
    connection.socket.wake();
    connection.done = true;
}

bool FakeOrigin::serve_one(Socket& socket, HttpReader& reader)
{
    constexpr std::chrono::seconds kIdle{
        120}; // a pooled connection may rest longer than one step's patience
    auto head = reader.read_head(soon(kIdle));
    if (!head) return false;
    int nth = 0;
    const std::size_t index = note_request(*head, nth);
    const Route route = route_of(head->target());
    Exchange exchange(socket, reader, std::move(*head), nth);
    reader.begin_request_body(exchange.request_);
    if (route.whole_request) {
        if (exchange.request_.has("Expect")) exchange.send("HTTP/1.1 100 Continue\r\n\r\n");
        reader.read_body(exchange.request_);
        note_body(index, exchange.request_);
        if (!exchange.request_.complete) return false;
    }
    route.handler(exchange);
    if (exchange.aborting_) socket.reset_peer();
    return !exchange.closing_ && reader.body_complete();
}

FakeOrigin::Route FakeOrigin::route_of(const std::string& target) const
{
    const std::lock_guard lock(mutex_);
    const auto found = routes_.find(target);
    return found == routes_.end() ? fallback_ : found->second;
}

std::size_t FakeOrigin::note_request(const Message& head, int& nth)
{
    const std::lock_guard lock(mutex_);
    seen_.push_back(head);
    seen_.back().complete = false; // until its body has been read
    nth = static_cast<int>(std::count_if(
        seen_.begin(), seen_.end(), [&](const Message& m) { return m.target() == head.target(); }));
    changed_.notify_all();
    return seen_.size() - 1;
}

void FakeOrigin::note_body(std::size_t index, const Message& request)
{
    const std::lock_guard lock(mutex_);
    seen_[index] = request;
    changed_.notify_all();
}

void FakeOrigin::complain(const std::string& what)
{
    const std::lock_guard lock(mutex_);
    complaints_.push_back(what);
}

void FakeOrigin::on(const std::string& target, Handler handler)
{
    const std::lock_guard lock(mutex_);
    routes_[target] = {std::move(handler), true};
}

void FakeOrigin::on_head(const std::string& target, Handler handler)
{
    const std::lock_guard lock(mutex_);
    routes_[target] = {std::move(handler), false};
}

void FakeOrigin::otherwise(Handler handler)
{
    const std::lock_guard lock(mutex_);
    fallback_ = {std::move(handler), true};
}

void FakeOrigin::page(const std::string& target, const Fields& fields, const std::string& body,
                      int status)
{
    on(target, [=](Exchange& x) { x.answer(status, fields, body); });
}

Gate& FakeOrigin::gate()
{
    const std::lock_guard lock(mutex_);
    return gates_.emplace_back();
}

void FakeOrigin::open_gates()
{
    const std::lock_guard lock(mutex_);
    for (Gate& gate : gates_)
        gate.open();
}

int FakeOrigin::count(const std::string& target) const
{
    return static_cast<int>(requests(target).size());
}

int FakeOrigin::total() const
{
    const std::lock_guard lock(mutex_);
    return static_cast<int>(seen_.size());
}

int FakeOrigin::connections() const
{
    const std::lock_guard lock(mutex_);
    return accepted_;
}

void FakeOrigin::wait_for(const std::string& target, int count, Deadline deadline)
{
    std::unique_lock lock(mutex_);
    const auto enough = [&] {
        return std::count_if(seen_.begin(), seen_.end(),
                             [&](const Message& m) { return m.target() == target; }) >= count;
    };
    if (!changed_.wait_until(lock, deadline, enough))
        throw Timeout("request " + std::to_string(count) + " for " + target + " at the origin");
}

std::vector<Message> FakeOrigin::requests(const std::string& target) const
{
    const std::lock_guard lock(mutex_);
    std::vector<Message> found;
    std::copy_if(seen_.begin(), seen_.end(), std::back_inserter(found),
                 [&](const Message& m) { return m.target() == target; });
    return found;
}

Message FakeOrigin::last(const std::string& target) const
{
    const auto all = requests(target);
    if (all.empty()) throw std::out_of_range("the origin saw no request for " + target);
    return all.back();
}

std::vector<std::string> FakeOrigin::complaints() const
{
    const std::lock_guard lock(mutex_);
    return complaints_;
}
} // namespace tidemark::support
