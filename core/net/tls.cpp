#include "core/net/tls.hpp"

#include "core/base/check.hpp"
#include "core/net/stream.hpp"
#include "core/net/tls_context.hpp"
#include "core/net/tls_words.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <optional>

namespace tidemark::net
{
namespace
{
constexpr std::size_t kRecordBytes = 16 << 10;   // RFC 8446 §5.1
constexpr std::size_t kPieceBytes = 64 << 10;    // small writes are gathered up to this
constexpr std::size_t kGatherBytes = 256 << 10;  // sealed at once, for one write to the socket
constexpr std::size_t kBacklogBytes = 512 << 10; // sealed and untaken: the peer is not read on
constexpr std::size_t kKeptBytes = 64 << 10;     // of a buffer that has nothing to hold

struct FreeSsl {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};

// Sealed bytes on both ways between OpenSSL and a stream, without copies of their own.
struct Wire {
    ByteView in; // what came and was not taken yet
    Bytes out;   // what is to go
};

int wire_write(BIO* bio, const char* data, std::size_t size, std::size_t* written) noexcept
{
    static_cast<Wire*>(BIO_get_data(bio))->out.append(data, size);
    *written = size;
    return 1;
}

int wire_read(BIO* bio, char* data, std::size_t size, std::size_t* taken) noexcept
{
    Wire& wire = *static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *taken = std::min(size, wire.in.size());
    if (*taken == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    std::memcpy(data, wire.in.data(), *taken);
    wire.in.remove_prefix(*taken);
    return 1;
}

long wire_control(BIO*, int command, long, void*) noexcept
{
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* wire_method()
{
    static const BIO_METHOD* const kMethod = [] {
        BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wire");
        TIDEMARK_CHECK(method != nullptr);
        BIO_meth_set_write_ex(method, &wire_write);
        BIO_meth_set_read_ex(method, &wire_read);
        BIO_meth_set_ctrl(method, &wire_control);
        return method;
    }();
    return kMethod;
}

BIO* make_bio(Wire& wire)
{
    BIO* bio = BIO_new(wire_method());
    TIDEMARK_CHECK(bio != nullptr);
    BIO_set_data(bio, &wire);
    BIO_set_init(bio, 1);
    return bio;
}

uv_buf_t buffer_of(ByteView bytes) noexcept
{
    uv_buf_t buffer;
    buffer.base = const_cast<char*>(bytes.data());
    buffer.len = bytes.size();
    return buffer;
}

void empty(Bytes& bytes)
{
    if (bytes.capacity() > kKeptBytes)
        Bytes{}.swap(bytes);
    else
        bytes.clear();
}

// Bytes of the owner's that wait to be sealed.
class PlainQueue
{
  public:
    void push(ByteView bytes)
    {
        bytes_ += bytes.size();
        if (pieces_.empty() || pieces_.back().size() + bytes.size() > kPieceBytes)
            pieces_.emplace_back();
        pieces_.back().append(bytes);
    }
    [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }
    [[nodiscard]] ByteView front() const noexcept
    {
        return ByteView(pieces_.front()).substr(front_gone_);
    }
    void pop(std::size_t count)
    {
        bytes_ -= count;
        front_gone_ += count;
        if (front_gone_ < pieces_.front().size()) return;
        front_gone_ = 0;
        pieces_.pop_front();
    }

  private:
    std::deque<Bytes> pieces_;
    std::size_t front_gone_ = 0;
    std::size_t bytes_ = 0;
};
} // namespace

// Everything that tells the listener runs in a callback of the loop: the owner's calls only note
// what is wanted and ask for work() in this turn.
struct TlsStream::Body final : StreamListener {
    enum class Phase : std::uint8_t { made, connecting, shaking, open, ended };

    Body(Loop& l, std::shared_ptr<const TlsContext> c, TlsListener& owner, Millis timeout);
    ~Body();

    void begin(Phase phase);
    void ask_for_work() noexcept;
    void work() noexcept;
    void take_input() noexcept;
    [[nodiscard]] bool shake_hands() noexcept;
    [[nodiscard]] bool read_some() noexcept;
    void opened() noexcept;
    void failed() noexcept;
    void flush() noexcept;
    void seal() noexcept;
    [[nodiscard]] bool seal_end() noexcept;
    void count_sent() noexcept;
    void watch() noexcept;
    void late() noexcept;
    void end(TlsEnd::Reason reason, std::string text) noexcept;
    void close() noexcept;
    void part_closed() noexcept;

    void on_connected(int status) noexcept override;
    void on_bytes(std::string_view bytes) noexcept override;
    void on_end(StreamEnd how) noexcept override;
    void on_written(bool ok) noexcept override;
    void on_closed() noexcept override { part_closed(); }

    [[nodiscard]] bool over() const noexcept { return closing || phase == Phase::ended; }

    Loop& loop;
    std::shared_ptr<const TlsContext> context;
    TlsListener& listener;
    Stream stream;
    std::optional<Timer> deadline;
    Millis timeout;
    uv_idle_t idle{};
    Wire wire;
    Bytes unread;        // of the wire, while the owner does not read
    Bytes flying;        // given to the stream, which borrows it
    std::string refusal; // of the peer's certificate
    std::unique_ptr<SSL, FreeSsl> ssl;
    PeerIdentity peer;
    PlainQueue plain;
    std::size_t queued = 0; // written and not told as sent
    std::size_t sealed = 0; // of those, how many are in wire.out and flying
    Phase phase = Phase::made;
    bool idle_made = false;
    bool paused = false; // by the owner
    bool heard = false;  // the peer has sent bytes of its own
    bool ending = false; // shutdown() was called
    bool end_sealed = false;
    bool end_sent = false;
    bool unsendable = false; // the socket is broken; reading will tell how
    bool closing = false;
    int parts_closed = 0;
};

TlsStream::Body::Body(Loop& l, std::shared_ptr<const TlsContext> c, TlsListener& owner,
                      Millis handshake_timeout)
    : loop(l), context(std::move(c)), listener(owner), stream(l, *this), timeout(handshake_timeout),
      ssl(SSL_new(context->loaded_->context.get()))
{
    TIDEMARK_CHECK(ssl != nullptr);
    BIO* bio = make_bio(wire);
    SSL_set_bio(ssl.get(), bio, bio);
    carry_refusal(*ssl, refusal);
    if (context->loaded_->role == TlsRole::server)
        SSL_set_accept_state(ssl.get());
    else
        SSL_set_connect_state(ssl.get());
}

TlsStream::Body::~Body()
{
    TIDEMARK_CHECK(parts_closed == 2 || !idle_made);
}

void TlsStream::Body::begin(Phase next)
{
    TIDEMARK_CHECK(phase == Phase::made && !closing);
    phase = next;
    idle_made = true;
    uv_idle_init(loop.raw(), &idle);
    idle.data = this;
    deadline.emplace(loop, [this] { late(); });
    deadline->start(timeout);
}

void TlsStream::Body::ask_for_work() noexcept
{
    if (!idle_made || over()) return;
    uv_idle_start(&idle, [](uv_idle_t* handle) {
        auto* self = static_cast<Body*>(handle->data);
        self->loop.enter();
        uv_idle_stop(handle);
        self->work();
    });
}

void TlsStream::Body::work() noexcept
{
    if (over() || phase == Phase::connecting) return;
    take_input();
    if (!over()) flush();
}

void TlsStream::Body::on_connected(int status) noexcept
{
    if (over()) return;
    if (status != 0)
        return end(TlsEnd::Reason::unreachable,
                   std::string("cannot connect: ") + uv_strerror(status));
    phase = Phase::shaking;
    stream.no_delay();
    work();
}

void TlsStream::Body::on_bytes(std::string_view bytes) noexcept
{
    if (over()) return;
    if (unread.empty())
        wire.in = bytes;
    else
        wire.in = unread.append(bytes);
    work();
}

// What the owner does not want to have yet is kept; it is no more than one read of the stream.
void TlsStream::Body::take_input() noexcept
{
    while (!over() && (phase == Phase::open ? read_some() : shake_hands())) {
    }
    if (over()) return;
    if (wire.in.empty())
        empty(unread);
    else
        unread = Bytes(wire.in); // a copy first: the view may be of `unread`
    wire.in = unread;
}

// True: through.
bool TlsStream::Body::shake_hands() noexcept
{
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl.get());
    if (result == 1) {
        opened();
        return true;
    }
    if (SSL_get_error(ssl.get(), result) != SSL_ERROR_WANT_READ) failed();
    return false;
}

void TlsStream::Body::opened() noexcept
{
    const X509* certificate = SSL_get0_peer_certificate(ssl.get());
    auto identity = certificate != nullptr ? identity_of(*certificate)
                                           : fail(std::string("the peer showed no certificate"));
    if (!identity) return end(TlsEnd::Reason::handshake, identity.error());
    peer = *std::move(identity);
    phase = Phase::open;
    deadline.reset();
    listener.on_open(peer);
}

// True: there may be more.
bool TlsStream::Body::read_some() noexcept
{
    if (paused) return false;
    std::array<char, kRecordBytes> bytes; // filled as far as it is told
    ERR_clear_error();
    const int count = SSL_read(ssl.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (count > 0) {
        heard = true;
        listener.on_bytes({bytes.data(), static_cast<std::size_t>(count)});
        return true;
    }
    const int error = SSL_get_error(ssl.get(), count);
    if (error == SSL_ERROR_WANT_READ) return false;
    if (error == SSL_ERROR_ZERO_RETURN)
        end(TlsEnd::Reason::eof, "the peer ended the connection");
    else
        failed();
    return false;
}

// A client hears only after its own handshake what the server thinks of its certificate.
void TlsStream::Body::failed() noexcept
{
    const bool shaking =
        phase == Phase::shaking || (context->loaded_->role == TlsRole::client && !heard);
    std::string text = take_error_text();
    if (!refusal.empty()) text = "we refused the peer: " + refusal;
    end(shaking ? TlsEnd::Reason::handshake : TlsEnd::Reason::protocol, std::move(text));
}

void TlsStream::Body::seal() noexcept
{
    while (!plain.empty() && wire.out.size() < kGatherBytes) {
        const ByteView piece = plain.front().substr(0, kGatherBytes - wire.out.size());
        ERR_clear_error();
        const int count = SSL_write(ssl.get(), piece.data(), static_cast<int>(piece.size()));
        if (count <= 0) return failed();
        sealed += static_cast<std::size_t>(count);
        plain.pop(static_cast<std::size_t>(count));
    }
}

// True: there is an end to send.
bool TlsStream::Body::seal_end() noexcept
{
    if (!ending || end_sealed || !plain.empty()) return false;
    end_sealed = true;
    SSL_shutdown(ssl.get());
    return !wire.out.empty();
}

// One gathered write a time; the loop's other work comes in between.
void TlsStream::Body::flush() noexcept
{
    if (stream.writing() || unsendable) return watch();
    if (phase == Phase::open) {
        seal();
        if (over()) return;
        static_cast<void>(seal_end());
    }
    if (!wire.out.empty()) {
        const uv_buf_t all = buffer_of(wire.out);
        const std::int64_t taken = stream.try_write({&all, 1});
        unsendable = taken < 0;
        if (unsendable) return watch();
        if (static_cast<std::size_t>(taken) < wire.out.size()) {
            flying.swap(wire.out);
            const uv_buf_t rest =
                buffer_of(ByteView(flying).substr(static_cast<std::size_t>(taken)));
            stream.write({&rest, 1});
        } else
            count_sent();
    }
    if (over()) return;
    if (end_sealed && !end_sent && wire.out.empty() && !stream.writing()) {
        end_sent = true;
        stream.shutdown();
    }
    if (!plain.empty() && !stream.writing()) ask_for_work();
    watch();
}

void TlsStream::Body::count_sent() noexcept
{
    if (stream.writing()) return;
    empty(flying.empty() ? wire.out : flying);
    const std::size_t count = std::exchange(sealed, 0);
    queued -= count;
    if (count > 0) listener.on_sent(count);
}

void TlsStream::Body::on_written(bool ok) noexcept
{
    if (over()) return;
    unsendable = !ok;
    if (ok) count_sent();
    if (!over()) flush();
}

// Reads while the owner wants bytes and the peer takes ours: one that only asks for answers (RFC
// 8446 §4.6.3) and never takes them must not fill our memory. A connection that broke while we
// wrote is read to its end: there the peer's reason may stand.
void TlsStream::Body::watch() noexcept
{
    if (over()) return;
    const bool held = phase == Phase::open && paused;
    if (unsendable && held) return end(TlsEnd::Reason::reset, "the connection broke");
    if (!held && (unsendable || wire.out.size() < kBacklogBytes))
        stream.read_start();
    else
        stream.read_stop();
}

void TlsStream::Body::on_end(StreamEnd how) noexcept
{
    if (over()) return;
    if (phase != Phase::open)
        return end(TlsEnd::Reason::handshake, "the peer ended the connection in the handshake");
    end(TlsEnd::Reason::reset, how == StreamEnd::eof
                                   ? "the connection ended without the peer's word"
                                   : "the connection broke");
}

void TlsStream::Body::late() noexcept
{
    const std::string time = std::to_string(timeout.count()) + " ms";
    if (phase == Phase::connecting)
        end(TlsEnd::Reason::unreachable, "no connection within " + time);
    else
        end(TlsEnd::Reason::handshake, "no handshake within " + time);
}

// The alert that says why goes out if the socket takes it now.
void TlsStream::Body::end(TlsEnd::Reason reason, std::string text) noexcept
{
    if (over()) return;
    phase = Phase::ended;
    deadline.reset();
    uv_idle_stop(&idle);
    stream.read_stop();
    if (!stream.writing() && !wire.out.empty() && !unsendable &&
        reason != TlsEnd::Reason::unreachable) {
        const uv_buf_t alert = buffer_of(wire.out);
        static_cast<void>(stream.try_write({&alert, 1}));
    }
    listener.on_end({reason, std::move(text)});
}

void TlsStream::Body::close() noexcept
{
    if (closing) return;
    const bool whole = phase == Phase::open && queued == 0 && !stream.writing() && !end_sealed &&
                       !unsendable && wire.out.empty();
    if (whole) {
        SSL_shutdown(ssl.get());
        const uv_buf_t last = buffer_of(wire.out);
        static_cast<void>(stream.try_write({&last, 1}));
    }
    closing = true;
    deadline.reset();
    if (!idle_made) uv_idle_init(loop.raw(), &idle);
    idle_made = true;
    idle.data = this;
    uv_close(reinterpret_cast<uv_handle_t*>(&idle), [](uv_handle_t* handle) {
        auto* self = static_cast<Body*>(handle->data);
        self->loop.enter();
        self->part_closed();
    });
    stream.close();
}

// The stream and the idle handle. One that was never made is closed at once; the other never is.
void TlsStream::Body::part_closed() noexcept
{
    if (++parts_closed == 2) listener.on_closed();
}

TlsStream::TlsStream(Loop& loop, std::shared_ptr<const TlsContext> context, TlsListener& listener,
                     Millis handshake_timeout)
    : body_(std::make_unique<Body>(loop, std::move(context), listener, handshake_timeout))
{
}

TlsStream::~TlsStream() = default;

bool TlsStream::connect(const Address& to)
{
    TIDEMARK_CHECK(body_->context->loaded_->role == TlsRole::client);
    if (!body_->stream.connect(to)) return false;
    body_->begin(Body::Phase::connecting);
    return true;
}

bool TlsStream::accept(uv_stream_t* server, bool is_unix)
{
    TIDEMARK_CHECK(body_->context->loaded_->role == TlsRole::server);
    if (!body_->stream.accept(server, is_unix)) return false;
    body_->begin(Body::Phase::shaking);
    body_->stream.no_delay();
    body_->stream.read_start();
    return true;
}

void TlsStream::write(ByteView bytes)
{
    if (body_->over() || body_->ending || bytes.empty()) return;
    body_->plain.push(bytes);
    body_->queued += bytes.size();
    body_->ask_for_work();
}

std::size_t TlsStream::queued_bytes() const noexcept
{
    return body_->queued;
}

void TlsStream::read_stop() noexcept
{
    body_->paused = true;
    if (body_->phase == Body::Phase::open) body_->stream.read_stop();
}

void TlsStream::read_start() noexcept
{
    body_->paused = false;
    body_->ask_for_work(); // which reads on after what is here already
}

void TlsStream::shutdown() noexcept
{
    body_->ending = true;
    body_->ask_for_work();
}

void TlsStream::close() noexcept
{
    body_->close();
}

bool TlsStream::closing() const noexcept
{
    return body_->closing;
}

bool TlsStream::export_key(std::string_view label, ByteView context,
                           std::span<std::uint8_t> out) const
{
    if (!is_open()) return false;
    return SSL_export_keying_material(
               body_->ssl.get(), out.data(), out.size(), label.data(), label.size(),
               reinterpret_cast<const unsigned char*>(context.data()), context.size(), 1) == 1;
}

bool TlsStream::is_open() const noexcept
{
    return body_->phase == Body::Phase::open && !body_->closing;
}

const PeerIdentity& TlsStream::peer() const noexcept
{
    return body_->peer;
}

Address TlsStream::peer_address() const
{
    return body_->stream.peer();
}
} // namespace tidemark::net
