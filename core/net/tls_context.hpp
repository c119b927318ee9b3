#pragma once
#include "core/net/tls.hpp"

#include <memory>
#include <openssl/ssl.h>
#include <string>

namespace tidemark::net
{
struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};

struct TlsContext::Loaded {
    std::unique_ptr<SSL_CTX, FreeContext> context;
    TlsRole role = TlsRole::client;
    std::string peer_role;
    PeerIdentity identity;
};

// The context's verification puts why it refused a peer into the text that `ssl` carries as its
// application data (a std::string).
void carry_refusal(SSL& ssl, std::string& refusal) noexcept;
} // namespace tidemark::net
