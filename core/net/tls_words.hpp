#pragma once
#include "core/base/result.hpp"
#include "core/net/tls.hpp"

#include <openssl/x509.h>
#include <string>

// What OpenSSL's numbers mean, in words for a log. Of tls.cpp and tls_context.cpp.
namespace tidemark::net
{
// Who `certificate` names; the error says what is wrong with its names. Both have exactly one OU
// and one CN of 1 to 63 letters, digits, '-', '_' and '.'.
[[nodiscard]] Result<PeerIdentity, std::string> identity_of(const X509& certificate);

// Why we refuse a certificate: `error` is an X509_V_ERR_….
[[nodiscard]] std::string refusal_text(int error, const X509* certificate);

// The oldest error of this thread's queue, which is emptied.
[[nodiscard]] std::string take_error_text();
} // namespace tidemark::net
