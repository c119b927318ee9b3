#include "edge/worker/client_connection.hpp"

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "edge/worker/worker.hpp"

#include <algorithm>

namespace tidemark::worker
{
namespace
{
constexpr std::size_t kInputBytesMax = 64 * 1024; // of requests that wait for their turn
constexpr std::size_t kBatchBytes = 256 * 1024;   // of answers written at once
constexpr std::uint64_t kPullBytes = 256 * 1024;  // of a body taken at once
constexpr Millis kLinger{2'000};
constexpr Millis kDrainIdle{500};
} // namespace

ClientConnection::ClientConnection(Worker& worker) : worker_(worker), stream_(worker.loop(), *this)
{
}

ClientConnection::~ClientConnection() = default;

bool ClientConnection::accept(uv_stream_t* server, bool is_unix)
{
    const bool room = worker_.make_room_for_client();
    if (!stream_.accept(server, is_unix)) return false;
    stream_.no_delay();
    counted_ = true;
    worker_.shared().connections.fetch_add(1, std::memory_order_relaxed);
    worker_.count(Metric::connections).add();
    worker_.count(Metric::connections_total).add();
    set_deadline(worker_.settings().timeouts.idle);
    stream_.read_start();
    if (over_limits() || !room) shed();
    return true;
}

bool ClientConnection::over_limits()
{
    const config::LimitSettings& limits = worker_.settings().limits;
    if (limits.connections_per_address != 0) {
        counted_address_ = stream_.peer().host_text();
        if (worker_.shared().addresses.add(counted_address_) > limits.connections_per_address)
            return true;
    }
    return false;
}

void ClientConnection::set_deadline(Millis after) noexcept
{
    deadline_ = after.count() == 0 ? MonoTime::max() : worker_.loop().mono() + after;
}

// ---- Reading
// ----------------------------------------------------------------------------------------------------------

void ClientConnection::on_bytes(std::string_view bytes) noexcept
{
    worker_.count(Metric::bytes_in).add(bytes.size());
    if (state_ == State::lingering || state_ == State::closing) return;
    if (state_ == State::tunnel) {
        set_deadline(worker_.settings().timeouts.tunnel_idle);
        exchange_->on_tunnel_bytes(bytes);
        return update_reading();
    }
    if (!input_.empty()) {
        input_.append(bytes);
        process();
    } else {
        const std::size_t used = take(bytes);
        if (state_ == State::open && used < bytes.size()) input_.assign(bytes.substr(used));
    }
    update_reading();
}

void ClientConnection::process()
{
    if (processing_ || input_.empty()) return;
    const std::size_t used = take(input_);
    input_.erase(0, used);
    if (input_.empty()) input_.shrink_to_fit();
    if (peer_ended_ && input_.empty()) return no_more_input();
    update_reading();
}

// Reads on while more can be used, and to notice a client that goes away; not beyond what may wait.
void ClientConnection::update_reading()
{
    if (state_ == State::closing || peer_ended_) return;
    bool wanted = input_.size() < kInputBytesMax;
    if (state_ == State::tunnel) wanted = !exchange_->tunnel_full();
    if (state_ == State::open && exchange_ && !request_ended_)
        wanted = wanted && exchange_->wants_request_body();
    if (wanted && !stream_.reading()) {
        // Only time in which we listened counts for the client's rate.
        rate_began_ = worker_.loop().mono();
        rate_bytes_ = 0;
    }
    if (wanted)
        stream_.read_start();
    else
        stream_.read_stop();
}

std::size_t ClientConnection::take(std::string_view bytes)
{
    processing_ = true;
    std::size_t used = 0;
    worker_.output().clear();
    while (used < bytes.size() && state_ == State::open) {
        const std::string_view rest = bytes.substr(used);
        if (exchange_ && !request_ended_) {
            if (!exchange_->wants_request_body()) break;
            used += take_body(rest);
        } else if (!exchange_ && !stream_.writing() && held_.empty()) {
            if (worker_.output().bytes() > kBatchBytes) {
                send(worker_.output());
                continue;
            }
            used += take_head(rest);
        } else
            break;
    }
    if (state_ != State::closing && !worker_.output().empty()) send(worker_.output());
    processing_ = false;
    return used;
}

std::size_t ClientConnection::take_head(std::string_view bytes)
{
    std::unique_ptr<http::RequestParser> parser =
        partial_ ? std::move(partial_) : worker_.take_parser();
    std::size_t consumed = 0;
    const auto progress = parser->feed(bytes, consumed);
    if (!progress) {
        const std::uint16_t status = http::status_of(progress.error());
        worker_.give_back(std::move(parser));
        worker_.count(Metric::bad_requests).add();
        reject(status);
        return bytes.size();
    }
    if (*progress == http::HeadProgress::need_more) {
        // A total deadline for the head, from its first byte: slow senders do not renew it.
        if (parser->started() && request_ended_) {
            request_ended_ = false;
            set_deadline(worker_.settings().timeouts.head);
        }
        partial_ = std::move(parser);
        return bytes.size();
    }
    begin(parser->head());
    worker_.give_back(std::move(parser));
    return consumed;
}

bool ClientConnection::may_keep(const http::RequestHead& head) const
{
    const std::uint32_t most = worker_.settings().limits.requests_per_connection;
    return head.keep_alive && !worker_.draining() && (most == 0 || requests_ < most);
}

void ClientConnection::begin(const http::RequestHead& head)
{
    ++requests_;
    worker_.count(Metric::requests).add();
    http10_ = head.minor_version == 0;
    keep_ = may_keep(head);
    request_ended_ = true;
    const bool has_body = head.framing.kind != http::BodyFraming::Kind::none;
    if (!has_body) {
        if (worker_.answer_hit(head, keep_, *this, worker_.output())) {
            if (keep_)
                set_deadline(worker_.settings().timeouts.idle);
            else {
                send(worker_.output());
                linger();
            }
            return;
        }
    }
    if (!worker_.output().empty()) send(worker_.output());
    if (state_ == State::closing) return;
    with_trailers_ = false;
    head.fields.each(http::FieldId::te, [&](std::string_view value) {
        http::each_list_member(
            value, [&](std::string_view member) { with_trailers_ |= iequals(member, "trailers"); });
    });
    reply_begun_ = reply_ended_ = chunked_ = false;
    body_bytes_ = reply_bytes_ = 0;
    body_ = http::BodyDecoder(head.framing);
    request_ended_ = body_.complete();
    rate_began_ = worker_.loop().mono();
    rate_bytes_ = 0;
    const serve::Site* site = worker_.sites()->match(head.authority);
    body_limit_ = ~0ULL;
    if (site != nullptr && site->settings.body_bytes) body_limit_ = *site->settings.body_bytes;
    if (head.framing.kind == http::BodyFraming::Kind::length &&
        head.framing.length_bytes > body_limit_)
        return reject(413);
    set_deadline(request_ended_ ? Millis{0} : worker_.settings().timeouts.body_idle);
    exchange_ = std::make_unique<Exchange>(worker_, *this, head, stream_.peer().host_text());
    exchange_->start();
    if (exchange_ && request_ended_) exchange_->on_request_end();
}

std::size_t ClientConnection::take_body(std::string_view bytes)
{
    const auto step = body_.next(bytes);
    if (!step) {
        body_failed(step.error());
        return bytes.size();
    }
    body_bytes_ += step->data.size();
    rate_bytes_ += step->data.size();
    if (body_bytes_ > body_limit_) {
        exchange_->on_request_broken(413);
        return bytes.size();
    }
    set_deadline(worker_.settings().timeouts.body_idle);
    if (!step->data.empty()) exchange_->on_request_body(step->data);
    if (step->complete) {
        request_ended_ = true;
        set_deadline(Millis{0});
        if (exchange_) exchange_->on_request_end();
        if (exchange_ && reply_ended_) finish_exchange();
    }
    return step->consumed;
}

void ClientConnection::body_failed(http::BodyError error)
{
    worker_.count(Metric::bad_requests).add();
    exchange_->on_request_broken(error == http::BodyError::too_large ? 413 : 400);
}

void ClientConnection::on_end(net::StreamEnd end) noexcept
{
    peer_ended_ = true;
    if (state_ == State::tunnel) {
        if (end == net::StreamEnd::reset) return abort();
        return exchange_->on_tunnel_end();
    }
    if (state_ == State::lingering || end == net::StreamEnd::reset) return close();
    if (input_.empty()) no_more_input();
}

// The peer ended its side, and all that it sent has had its turn.
void ClientConnection::no_more_input()
{
    if (state_ != State::open) return;
    // The body broke off: whoever sent half a request may still read why nothing came of it.
    if (exchange_ && !request_ended_) return exchange_->on_request_broken(400);
    // A client may end its side and still wait for its answers (RFC 9112 §9.6).
    if (!exchange_ && held_.empty() && !stream_.writing()) close();
}

// An answer to something that cannot be understood: said, then the connection ends (RFC 9112 §9.6).
void ClientConnection::reject(std::uint16_t status)
{
    worker_.count(Metric::refused).add();
    exchange_.reset();
    Output& out = worker_.output();
    std::string& text = out.begin_text();
    const std::string_view reason = serve::reason_of(status);
    text.append("HTTP/1.1 ");
    append_decimal(text, status);
    text.append(" ").append(reason).append("\r\nContent-Type: text/plain\r\nContent-Length: ");
    append_decimal(text, static_cast<std::int64_t>(reason.size() + 1));
    text.append("\r\nCache-Control: no-store\r\n");
    if (status == 503) text.append("Retry-After: 1\r\n");
    text.append("Connection: close\r\n\r\n").append(reason).append("\n");
    out.end_text();
    send(out);
    linger();
}

// ---- Writing
// ----------------------------------------------------------------------------------------------------------

void ClientConnection::send(Output& out)
{
    if (state_ == State::closing || out.empty()) return;
    worker_.count(Metric::bytes_out).add(out.bytes());
    std::size_t sent = 0;
    if (!stream_.writing() && held_.empty()) {
        const auto& buffers = out.buffers();
        const std::int64_t n = stream_.try_write(buffers);
        if (n < 0) {
            out.clear();
            return close();
        }
        sent = static_cast<std::size_t>(n);
        if (sent == out.bytes()) return out.clear();
    }
    held_.emplace_back(out, sent);
    out.clear();
    send_held();
}

void ClientConnection::send_held()
{
    if (held_.empty() || stream_.writing() || state_ == State::closing) return;
    write_moved_ = worker_.loop().mono();
    queued_before_ = 0;
    stream_.write(held_.front().buffers());
}

void ClientConnection::on_written(bool ok) noexcept
{
    held_.pop_front();
    if (!ok) return close();
    if (!held_.empty()) return send_held();
    if (state_ == State::lingering) return linger();
    if (state_ == State::tunnel) return exchange_->on_client_drained();
    if (exchange_ && reply_begun_)
        pump();
    else if (peer_ended_ && !exchange_ && input_.empty())
        return close();
    process();
}

void ClientConnection::send_interim(std::uint16_t status, std::string_view lines)
{
    static_cast<void>(status);
    if (http10_ || reply_begun_ || state_ != State::open) return; // RFC 9110 §15.2
    Output out;
    out.text(lines);
    out.text("\r\n");
    send(out);
}

void ClientConnection::send_reply(const Reply& reply)
{
    reply_begun_ = true;
    // What is left of the request's body would be taken for the next request.
    if (reply.close || !request_ended_) keep_ = false;
    chunked_ = reply.has_body && !reply.body_bytes && !http10_;
    if (reply.has_body && !reply.body_bytes && http10_) keep_ = false;
    Output& out = worker_.output();
    out.text(reply.lines);
    std::string& text = out.begin_text();
    text.append(reply.more_lines);
    if (chunked_) text.append("Transfer-Encoding: chunked\r\n");
    if (!keep_)
        text.append("Connection: close\r\n");
    else if (http10_)
        text.append("Connection: keep-alive\r\n");
    text.append("\r\n");
    out.end_text();
    reply_ended_ = !reply.has_body;
    if (reply_ended_) {
        send(out);
        return finish_exchange();
    }
    pump();
}

void ClientConnection::body_ready()
{
    if (reply_begun_) pump();
}

// Takes body from the exchange as long as the socket takes it from us.
void ClientConnection::pump()
{
    if (pumping_ || state_ != State::open) return;
    pumping_ = true;
    Output& out = worker_.output(); // may hold the head
    bool waiting = false;
    while (!waiting && !reply_ended_ && state_ == State::open && !stream_.writing() &&
           held_.empty()) {
        Output body;
        const Pull pulled = exchange_->pull(body, kPullBytes);
        reply_bytes_ += body.bytes();
        if (chunked_ && !body.empty()) {
            std::string& text = out.begin_text();
            http::append_chunk_size(text, body.bytes());
            out.end_text();
        }
        const bool had_body = !body.empty();
        out.append(std::move(body));
        if (chunked_ && had_body) out.text("\r\n");
        if (pulled == Pull::cut) {
            send(out);
            pumping_ = false;
            return abort();
        }
        if (pulled == Pull::end) {
            reply_ended_ = true;
            if (chunked_) {
                out.text("0\r\n");
                if (with_trailers_) out.text(exchange_->trailer_lines());
                out.text("\r\n");
            }
        }
        waiting = pulled == Pull::wait;
        send(out);
    }
    if (!out.empty()) send(out);
    pumping_ = false;
    if (reply_ended_ && exchange_) finish_exchange();
}

void ClientConnection::finish_exchange()
{
    if (!exchange_ || state_ != State::open) return;
    worker_.log_access(*exchange_, reply_bytes_, true);
    worker_.bury(std::move(exchange_));
    if (!request_ended_ || !keep_) return linger();
    set_deadline(worker_.settings().timeouts.idle);
    if (peer_ended_ && input_.empty() && held_.empty() && !stream_.writing()) return close();
    process();
}

void ClientConnection::want_request_body()
{
    update_reading();
    process();
}

// ---- Tunnel
// -----------------------------------------------------------------------------------------------------------

void ClientConnection::become_tunnel(const Reply& reply)
{
    Output out;
    out.text(reply.lines);
    out.text(reply.more_lines);
    out.text("\r\n");
    send(out);
    if (state_ != State::open) return;
    state_ = State::tunnel;
    set_deadline(worker_.settings().timeouts.tunnel_idle);
    worker_.count(Metric::tunnels).add();
    if (!input_.empty()) exchange_->on_tunnel_bytes(std::exchange(input_, {}));
    update_reading();
}

void ClientConnection::send_tunnel_bytes(std::string_view bytes)
{
    set_deadline(worker_.settings().timeouts.tunnel_idle);
    Output out;
    out.text(bytes);
    send(out);
}

bool ClientConnection::tunnel_backed_up() const
{
    return stream_.writing();
}

void ClientConnection::end_tunnel()
{
    if (state_ == State::closing) return;
    worker_.log_access(*exchange_, 0, true);
    worker_.bury(std::move(exchange_));
    linger();
}

// ---- Ending
// -----------------------------------------------------------------------------------------------------------

// Ends our side and reads on for a while, so that what was sent is not lost to a reset (RFC 9112
// §9.6).
void ClientConnection::linger()
{
    if (state_ == State::closing) return;
    input_.clear();
    partial_.reset();
    state_ = State::lingering;
    if (!held_.empty() || stream_.writing()) {
        set_deadline(worker_.settings().timeouts.write_idle);
        return;
    }
    if (peer_ended_) return close();
    stream_.shutdown();
    set_deadline(kLinger);
    stream_.read_start();
}

void ClientConnection::end_exchange() noexcept
{
    if (!exchange_) return;
    worker_.log_access(*exchange_, reply_bytes_, false);
    worker_.bury(std::move(exchange_));
}

void ClientConnection::abort()
{
    if (state_ == State::closing) return;
    state_ = State::closing;
    end_exchange();
    uncount();
    stream_.reset();
}

void ClientConnection::close() noexcept
{
    if (state_ == State::closing) return;
    state_ = State::closing;
    end_exchange();
    uncount();
    stream_.close();
}

// Just before its descriptor is free.
void ClientConnection::uncount() noexcept
{
    if (!std::exchange(counted_, false)) return;
    worker_.shared().connections.fetch_sub(1, std::memory_order_relaxed);
    worker_.count(Metric::connections).sub();
}

void ClientConnection::shed()
{
    worker_.count(Metric::connections_shed).add();
    worker_.output().clear();
    reject(503);
}

void ClientConnection::drain() noexcept
{
    keep_ = false;
    // A request may be on its way: it gets its answer, and with it the word that the connection
    // ends.
    if (state_ == State::open && idle())
        deadline_ = std::min(deadline_, worker_.loop().mono() + kDrainIdle);
}

void ClientConnection::on_closed() noexcept
{
    if (!counted_address_.empty()) worker_.shared().addresses.remove(counted_address_);
    uncount();
    worker_.closed(*this);
}

void ClientConnection::check_deadline(MonoTime now) noexcept
{
    if (state_ == State::closing) return;
    const config::TimeoutSettings& timeouts = worker_.settings().timeouts;
    if (stream_.writing()) {
        const std::size_t queued = stream_.queued_bytes();
        if (queued != queued_before_) {
            queued_before_ = queued;
            write_moved_ = now;
        }
        if (timeouts.write_idle.count() != 0 && now - write_moved_ > timeouts.write_idle) {
            worker_.count(Metric::timeouts).add();
            return abort();
        }
    }
    const bool reading_body =
        state_ == State::open && exchange_ && !request_ended_ && stream_.reading();
    if (reading_body && timeouts.body_min_rate != 0 && now - rate_began_ > timeouts.body_idle) {
        const auto seconds = std::chrono::duration_cast<Seconds>(now - rate_began_).count();
        if (rate_bytes_ < timeouts.body_min_rate * static_cast<std::uint64_t>(seconds)) {
            worker_.count(Metric::timeouts).add();
            return exchange_->on_request_broken(408);
        }
    }
    if (now < deadline_) return;
    if (reading_body) {
        worker_.count(Metric::timeouts).add();
        return exchange_->on_request_broken(408);
    }
    if (exchange_ && state_ == State::open)
        return set_deadline(Millis{0}); // not the client's fault
    if (state_ == State::tunnel) return abort();
    if (partial_ && partial_->started()) {
        worker_.count(Metric::timeouts).add();
        return reject(408);
    }
    close();
}
} // namespace tidemark::worker
