#include "core/net/tls_words.hpp"

#include <algorithm>
#include <memory>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace tidemark::net
{
namespace
{
constexpr std::size_t kNameBytesMax = 63;
constexpr int kSerialBytesMax = 20; // RFC 5280 §4.1.2.2

bool is_plain(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= kNameBytesMax &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '-' || c == '_' || c == '.';
           });
}

// The one attribute `nid` of the subject, "" if there is none, several, or a strange one.
std::string only_attribute(const X509& certificate, int nid)
{
    const X509_NAME* subject = X509_get_subject_name(&certificate);
    const int at = X509_NAME_get_index_by_NID(subject, nid, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, nid, at) >= 0) return {};
    const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                static_cast<std::size_t>(ASN1_STRING_length(value)));
    return is_plain(text) ? std::string(text) : std::string{};
}

std::string serial_of(const X509& certificate)
{
    const ASN1_INTEGER* serial = X509_get0_serialNumber(&certificate);
    const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> number(ASN1_INTEGER_to_BN(serial, nullptr),
                                                            &BN_free);
    if (!number || BN_num_bytes(number.get()) > kSerialBytesMax) return {};
    const std::unique_ptr<char, void (*)(char*)> hex(BN_bn2hex(number.get()),
                                                     [](char* text) { OPENSSL_free(text); });
    return hex ? hex.get() : std::string{};
}

// "edge \"a\", serial 01AB": what an unverified certificate says of itself, made fit for a log.
std::string holder_text(const X509* certificate)
{
    if (certificate == nullptr) return {};
    const auto identity = identity_of(*certificate);
    if (!identity) return {};
    return ": " + identity->role + " \"" + identity->name + "\", serial " + identity->serial;
}

std::string refusal_words(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_REVOKED:
        return "certificate revoked";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "certificate expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "certificate not yet valid (is a clock wrong?)";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return "unknown CA";
    case X509_V_ERR_INVALID_PURPOSE:
        return "certificate not made for this use";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
        return "our revocation list is not of this CA";
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return "our revocation list has expired";
    default:
        return std::string("certificate refused (") + X509_verify_cert_error_string(error) + ")";
    }
}

// The alert with which the peer refused us (RFC 8446 §6.2), or what we found wrong.
const char* error_words(int reason)
{
    switch (reason) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return "the peer refused our certificate: certificate revoked";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return "the peer refused our certificate: expired, or not yet valid";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return "the peer refused our certificate: unknown CA";
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        return "the peer refused our certificate: wrong role";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        return "the peer refused our certificate";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return "the peer wants a certificate of us";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "the peer showed no certificate";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
        return "the peer does not speak TLS 1.3";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
        return "what came is no TLS";
    default:
        return nullptr;
    }
}
} // namespace

Result<PeerIdentity, std::string> identity_of(const X509& certificate)
{
    PeerIdentity identity;
    identity.role = only_attribute(certificate, NID_organizationalUnitName);
    identity.name = only_attribute(certificate, NID_commonName);
    identity.serial = serial_of(certificate);
    if (identity.role.empty()) return fail(std::string("certificate without a role (OU)"));
    if (identity.name.empty()) return fail(std::string("certificate without a name (CN)"));
    return identity;
}

std::string refusal_text(int error, const X509* certificate)
{
    return refusal_words(error) + holder_text(certificate);
}

std::string take_error_text()
{
    const unsigned long error = ERR_get_error();
    ERR_clear_error();
    if (error == 0) return "the TLS library gave no reason";
    if (ERR_GET_LIB(error) == ERR_LIB_SSL)
        if (const char* words = error_words(ERR_GET_REASON(error))) return words;
    const char* reason = ERR_reason_error_string(error);
    return reason != nullptr ? std::string("TLS: ") + reason : "TLS error " + std::to_string(error);
}
} // namespace tidemark::net
