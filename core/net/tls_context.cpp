#include "core/net/tls_context.hpp"

#include "core/net/tls_words.hpp"

#include <cerrno>
#include <cstring>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

namespace tidemark::net
{
namespace
{
constexpr long kCertificateBytesMax = 16 << 10; // of the peer's whole list

template <class T, void (*Free)(T*)> struct Freed {
    void operator()(T* object) const noexcept { Free(object); }
};
using CrlPointer = std::unique_ptr<X509_CRL, Freed<X509_CRL, X509_CRL_free>>;
struct CloseBio {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
using BioPointer = std::unique_ptr<BIO, CloseBio>;

auto unusable(const std::string& path, const char* what)
{
    ERR_clear_error();
    const bool readable = ::access(path.c_str(), R_OK) == 0;
    return fail(path + (readable ? std::string(": ") + what
                                 : std::string(": cannot be read: ") + std::strerror(errno)));
}

// The peer's certificate is of our CA, in time and not revoked; is it of the role we expect? The
// question goes first, for an edge that poses as the origin fails in more ways than this one.
int on_verify(int good, X509_STORE_CTX* store)
{
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* refusal = static_cast<std::string*>(SSL_get_app_data(ssl));
    const auto* peer_role =
        static_cast<const std::string*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const X509* certificate = X509_STORE_CTX_get_current_cert(store);
    const int error = X509_STORE_CTX_get_error(store);
    const bool leaf = X509_STORE_CTX_get_error_depth(store) == 0;
    if (leaf && certificate != nullptr && (good != 0 || error == X509_V_ERR_INVALID_PURPOSE)) {
        const auto identity = identity_of(*certificate);
        if (identity && identity->role == *peer_role && good != 0) return 1;
        if (!identity || identity->role != *peer_role) {
            *refusal = identity ? "wrong role: the certificate of \"" + identity->name +
                                      "\" is for the role \"" + identity->role + "\", expected \"" +
                                      *peer_role + "\""
                                : identity.error();
            X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
            return 0;
        }
    }
    if (good != 0) return 1;
    *refusal = refusal_text(error, certificate);
    return 0;
}

void set_rules(SSL_CTX* context)
{
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_early_data(context, 0);
    SSL_CTX_set_max_cert_list(context, kCertificateBytesMax);
    SSL_CTX_set_ciphersuites(
        context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, &on_verify);
    // Never ask a terminal for the pass phrase of an encrypted key.
    SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
}

Result<void, std::string> load_ca(SSL_CTX* context, const std::string& path)
{
    if (SSL_CTX_load_verify_file(context, path.c_str()) != 1)
        return unusable(path, "holds no certificate of a CA in PEM");
    return {};
}

Result<void, std::string> load_own(SSL_CTX* context, const TlsFiles& files)
{
    if (SSL_CTX_use_certificate_file(context, files.certificate.c_str(), SSL_FILETYPE_PEM) != 1)
        return unusable(files.certificate, "holds no certificate in PEM");
    // use_PrivateKey would say no more than "mismatch" here, but it would say it of the key's file.
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        const bool mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
        return unusable(files.key, mismatch ? "is not the key of the certificate"
                                            : "holds no usable private key in PEM");
    }
    if (SSL_CTX_check_private_key(context) != 1)
        return unusable(files.key, "is not the key of the certificate");
    return {};
}

Result<void, std::string> load_crl(SSL_CTX* context, const std::string& path)
{
    if (path.empty()) return {};
    const BioPointer file(BIO_new_file(path.c_str(), "r"));
    const CrlPointer crl(file ? PEM_read_bio_X509_CRL(file.get(), nullptr, nullptr, nullptr)
                              : nullptr);
    if (!crl) return unusable(path, "holds no revocation list in PEM");
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    if (X509_STORE_add_crl(store, crl.get()) != 1)
        return unusable(path, "holds no usable revocation list");
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return {};
}
} // namespace

void carry_refusal(SSL& ssl, std::string& refusal) noexcept
{
    SSL_set_app_data(&ssl, &refusal);
}

TlsContext::TlsContext(std::unique_ptr<Loaded> loaded) noexcept : loaded_(std::move(loaded)) {}
TlsContext::~TlsContext() = default;

const PeerIdentity& TlsContext::identity() const noexcept
{
    return loaded_->identity;
}

Result<std::shared_ptr<const TlsContext>, std::string>
TlsContext::load(TlsRole role, const TlsFiles& files, std::string_view peer_role)
{
    auto loaded = std::make_unique<Loaded>();
    loaded->role = role;
    loaded->peer_role = peer_role;
    loaded->context.reset(
        SSL_CTX_new(role == TlsRole::server ? TLS_server_method() : TLS_client_method()));
    SSL_CTX* context = loaded->context.get();
    if (context == nullptr) return fail("TLS cannot be had: " + take_error_text());
    SSL_CTX_set_app_data(context, &loaded->peer_role); // as long-lived as the context's owner
    set_rules(context);
    for (const auto& step :
         {load_ca(context, files.ca), load_own(context, files), load_crl(context, files.crl)})
        if (!step) return fail(step.error());
    auto identity = identity_of(*SSL_CTX_get0_certificate(context));
    if (!identity) return fail(files.certificate + ": " + identity.error());
    loaded->identity = *std::move(identity);
    return std::shared_ptr<const TlsContext>(new TlsContext(std::move(loaded)));
}
} // namespace tidemark::net
