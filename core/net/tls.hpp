#pragma once
#include "core/base/bytes.hpp"
#include "core/base/result.hpp"
#include "core/net/address.hpp"
#include "core/net/loop.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <uv.h>

// TLS 1.3 between our own nodes: both ends show a certificate of one private CA, no names of hosts,
// no 0-RTT, no tickets.
namespace tidemark::net
{
// Who a certificate of our CA names.
struct PeerIdentity {
    std::string role;   // its OU: "origin" or "edge"
    std::string name;   // its CN
    std::string serial; // upper-case hex
    friend bool operator==(const PeerIdentity&, const PeerIdentity&) = default;
};

enum class TlsRole : std::uint8_t { server, client };

// Paths of PEM files.
struct TlsFiles {
    std::string ca;
    std::string certificate;
    std::string key;
    std::string crl; // "": nothing is looked up as revoked
};

// What the files said when it was loaded. Immutable; streams share it. To follow changed files load
// again and give the new one to new streams: those that are open keep what they have.
class TlsContext
{
  public:
    // `peer_role`: the only role that is accepted at the other end. Errors: a text that names the
    // file.
    [[nodiscard]] static Result<std::shared_ptr<const TlsContext>, std::string>
    load(TlsRole role, const TlsFiles& files, std::string_view peer_role);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    // Of our own certificate.
    [[nodiscard]] const PeerIdentity& identity() const noexcept;

  private:
    friend class TlsStream;
    struct Loaded;
    explicit TlsContext(std::unique_ptr<Loaded> loaded) noexcept;
    std::unique_ptr<Loaded> loaded_;
};

struct TlsEnd {
    enum class Reason : std::uint8_t {
        eof,         // the peer said that it is done
        reset,       // the connection broke, or ended without a word
        unreachable, // never connected
        handshake,   // one side refused the other, or garbage or nothing came (10 s)
        protocol,    // bytes after the handshake that are no TLS
    };
    Reason reason;
    std::string text; // for the log: "the peer's certificate is revoked"
};

// Who owns the stream listens to it. No call comes from inside a call of the owner's. Any may
// close() the stream.
class TlsListener
{
  public:
    // The handshake is through. A client learns only after this whether the server takes its
    // certificate (RFC 8446 §4.4.4): a refusal is an on_end(handshake) before the first on_bytes().
    virtual void on_open(const PeerIdentity& peer) noexcept = 0;
    virtual void on_bytes(ByteView bytes) noexcept = 0; // borrowed for the call, 1 to 16 KiB
    // So many bytes of write() went to the kernel since the last call.
    virtual void on_sent(std::size_t bytes) noexcept = 0;
    // Once, and nothing but on_closed() after it. The owner calls close().
    virtual void on_end(const TlsEnd& end) noexcept = 0;
    // Last, in a later turn than close(). The owner may destroy the stream from here on.
    virtual void on_closed() noexcept = 0;

  protected:
    ~TlsListener() = default;
};

//   made ──connect, accept──→ shaking hands ──on_open──→ open ──on_end──→ ended
//   any ──close──→ closing ──on_closed──→ destroyed by its owner
class TlsStream
{
  public:
    static constexpr Millis kHandshakeTimeout{10'000};

    TlsStream(Loop& loop, std::shared_ptr<const TlsContext> context, TlsListener& listener,
              Millis handshake_timeout = kHandshakeTimeout);
    ~TlsStream(); // after on_closed(), or never connected
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    // False: no socket could be had (descriptors); nothing is told then but on_closed() after a
    // close(). Client contexts connect, server contexts accept.
    [[nodiscard]] bool connect(const Address& to);
    [[nodiscard]] bool accept(uv_stream_t* server, bool is_unix);

    // Queues a copy; it leaves before the loop waits, if the socket takes it. Before on_open() it
    // waits for the handshake. Nothing bounds the queue but the owner, who watches queued_bytes().
    // Ignored after shutdown(), the end and close().
    void write(ByteView bytes);
    [[nodiscard]] std::size_t queued_bytes() const noexcept; // written and not yet on_sent()

    // The peer is held back meanwhile. At most one call of on_bytes() is under way when this is
    // called, and no other follows.
    void read_stop() noexcept;
    void read_start() noexcept; // reading is how a stream begins

    // Ends our side once what was written is sent. The peer sees an eof, and answers by ending too.
    void shutdown() noexcept;
    // At once. What is queued and not sent is lost.
    void close() noexcept;
    [[nodiscard]] bool closing() const noexcept;

    // A key only both ends of this connection know (RFC 8446 §7.5, RFC 5705). False before
    // on_open().
    [[nodiscard]] bool export_key(std::string_view label, ByteView context,
                                  std::span<std::uint8_t> out) const;

    [[nodiscard]] bool is_open() const noexcept;             // between on_open() and the end
    [[nodiscard]] const PeerIdentity& peer() const noexcept; // from on_open() on
    [[nodiscard]] Address peer_address() const;

  private:
    struct Body;
    std::unique_ptr<Body> body_;
};
} // namespace tidemark::net
