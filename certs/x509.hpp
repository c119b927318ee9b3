#pragma once
#include "core/base/result.hpp"
#include "core/base/time.hpp"

#include <memory>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Keys, certificates and revocation lists, made and read. Of authority.cpp.
namespace tidemark::certs
{
template <class T, void (*Free)(T*)> struct Freed {
    void operator()(T* object) const noexcept { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using RevocationList = std::unique_ptr<X509_CRL, Freed<X509_CRL, X509_CRL_free>>;

struct Subject {
    std::string role;
    std::string name;
};
struct Validity {
    WallTime from;
    WallTime to;
};
// A certificate and the key that goes with it.
struct Holder {
    Certificate certificate;
    Key key;
};

// Null where the library cannot: out of memory, or no random bytes.
[[nodiscard]] Key make_key();
[[nodiscard]] Certificate make_ca(EVP_PKEY& key, Validity validity);
[[nodiscard]] Certificate make_leaf(const Holder& ca, EVP_PKEY& key, const Subject& subject,
                                    Validity validity);
// The CA's list with all of `before` (may be null) and `serials`, in hex; its number is one higher.
// It is valid for as long as the CA.
[[nodiscard]] RevocationList make_list(const Holder& ca, X509_CRL* before,
                                       const std::vector<std::string>& serials, WallTime now);

[[nodiscard]] std::string pem_of(EVP_PKEY& key);
[[nodiscard]] std::string pem_of(X509& certificate);
[[nodiscard]] std::string pem_of(X509_CRL& list);
// Null: the text holds none.
[[nodiscard]] Key read_key(std::string_view pem);
[[nodiscard]] Certificate read_certificate(std::string_view pem);
[[nodiscard]] RevocationList read_list(std::string_view pem);

[[nodiscard]] std::string serial_of(const X509& certificate); // upper-case hex
[[nodiscard]] WallTime expiry_of(const X509& certificate);
[[nodiscard]] std::set<std::string> serials_of(X509_CRL& list); // upper-case hex
} // namespace tidemark::certs
