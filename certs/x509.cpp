#include "certs/x509.hpp"

#include <array>
#include <ctime>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace tidemark::certs
{
namespace
{
using Number = std::unique_ptr<BIGNUM, Freed<BIGNUM, BN_free>>;
using Integer = std::unique_ptr<ASN1_INTEGER, Freed<ASN1_INTEGER, ASN1_INTEGER_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION, X509_EXTENSION_free>>;
using Revoked = std::unique_ptr<X509_REVOKED, Freed<X509_REVOKED, X509_REVOKED_free>>;
using Time = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME, ASN1_TIME_free>>;
struct CloseBio {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
using Memory = std::unique_ptr<BIO, CloseBio>;

constexpr long kVersion3 = 2;     // RFC 5280 §4.1.2.1
constexpr long kListVersion2 = 1; // RFC 5280 §5.1.2.1

std::time_t unix_time(WallTime t)
{
    return static_cast<std::time_t>(since_epoch(t).count());
}

std::string hex_of(const ASN1_INTEGER* value)
{
    const Number number(ASN1_INTEGER_to_BN(value, nullptr));
    const std::unique_ptr<char, void (*)(char*)> hex(number ? BN_bn2hex(number.get()) : nullptr,
                                                     [](char* text) { OPENSSL_free(text); });
    return hex ? hex.get() : "";
}

// 127 random bits (RFC 5280 §4.1.2.2 wants at most 20 bytes, positive and unique).
bool set_random_serial(X509& certificate)
{
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
    bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7F) | 0x40);
    const Number number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    return number &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool add_name(X509_NAME* name, const char* field, const std::string& value)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
}

bool add_extension(X509& certificate, X509* issuer, int nid, const char* value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, &certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

bool fill_common(X509& certificate, EVP_PKEY& key, const Subject& subject, Validity validity)
{
    X509_NAME* name = X509_get_subject_name(&certificate);
    return X509_set_version(&certificate, kVersion3) == 1 && set_random_serial(certificate) &&
           ASN1_TIME_set(X509_getm_notBefore(&certificate), unix_time(validity.from)) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(&certificate), unix_time(validity.to)) != nullptr &&
           X509_set_pubkey(&certificate, &key) == 1 && add_name(name, "OU", subject.role) &&
           add_name(name, "CN", subject.name);
}

template <class Write> std::string text_from(Write write)
{
    const Memory memory(BIO_new(BIO_s_mem()));
    if (!memory || write(memory.get()) != 1) return {};
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

Memory memory_of(std::string_view text)
{
    return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key is no key for us: nobody is there to ask for its pass phrase.
int no_pass_phrase(char*, int, int, void*)
{
    return 0;
}

bool add_revoked(X509_CRL& list, const std::string& serial, WallTime now)
{
    BIGNUM* raw = nullptr;
    BN_hex2bn(&raw, serial.c_str());
    const Number number(raw);
    const Integer integer(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
    const Time when(ASN1_TIME_set(nullptr, unix_time(now)));
    Revoked entry(X509_REVOKED_new());
    if (!integer || !when || !entry ||
        X509_REVOKED_set_serialNumber(entry.get(), integer.get()) != 1 ||
        X509_REVOKED_set_revocationDate(entry.get(), when.get()) != 1 ||
        X509_CRL_add0_revoked(&list, entry.get()) != 1)
        return false;
    static_cast<void>(entry.release()); // the list's now
    return true;
}

bool copy_revoked(X509_CRL& list, X509_CRL& before)
{
    STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(&before);
    for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
        Revoked entry(X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i)));
        if (!entry || X509_CRL_add0_revoked(&list, entry.get()) != 1) return false;
        static_cast<void>(entry.release());
    }
    return true;
}

// RFC 5280 §5.2.3: rises with each list.
Integer next_number(X509_CRL* before)
{
    const Integer old(before == nullptr ? nullptr
                                        : static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(
                                              before, NID_crl_number, nullptr, nullptr)));
    const Number number(old ? ASN1_INTEGER_to_BN(old.get(), nullptr) : BN_new());
    if (!number || BN_add_word(number.get(), 1) != 1) return nullptr;
    return Integer(BN_to_ASN1_INTEGER(number.get(), nullptr));
}

bool add_list_extensions(X509_CRL& list, X509& ca, X509_CRL* before)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, &ca, nullptr, nullptr, &list, 0);
    const Extension key_id(
        X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always"));
    const Integer number = next_number(before);
    return key_id && number && X509_CRL_add_ext(&list, key_id.get(), -1) == 1 &&
           X509_CRL_add1_ext_i2d(&list, NID_crl_number, number.get(), 0, 0) == 1;
}
} // namespace

Key make_key()
{
    return Key(EVP_EC_gen("P-256"));
}

Certificate make_ca(EVP_PKEY& key, Validity validity)
{
    Certificate ca(X509_new());
    if (!ca || !fill_common(*ca, key, {"ca", "Tidemark CA"}, validity)) return nullptr;
    // Two CAs must not be taken for each other.
    X509_NAME* name = X509_get_subject_name(ca.get());
    const bool made =
        add_name(name, "serialNumber", serial_of(*ca)) &&
        X509_set_issuer_name(ca.get(), name) == 1 &&
        add_extension(*ca, ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(*ca, ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(*ca, ca.get(), NID_subject_key_identifier, "hash") &&
        X509_sign(ca.get(), &key, EVP_sha256()) != 0;
    return made ? std::move(ca) : nullptr;
}

Certificate make_leaf(const Holder& ca, EVP_PKEY& key, const Subject& subject, Validity validity)
{
    Certificate leaf(X509_new());
    if (!leaf || !fill_common(*leaf, key, subject, validity)) return nullptr;
    const char* uses = subject.role == "origin" ? "serverAuth,clientAuth" : "clientAuth";
    X509* issuer = ca.certificate.get();
    const bool made = X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer)) == 1 &&
                      add_extension(*leaf, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                      add_extension(*leaf, issuer, NID_key_usage, "critical,digitalSignature") &&
                      add_extension(*leaf, issuer, NID_ext_key_usage, uses) &&
                      add_extension(*leaf, issuer, NID_subject_key_identifier, "hash") &&
                      add_extension(*leaf, issuer, NID_authority_key_identifier, "keyid:always") &&
                      X509_sign(leaf.get(), ca.key.get(), EVP_sha256()) != 0;
    return made ? std::move(leaf) : nullptr;
}

RevocationList make_list(const Holder& ca, X509_CRL* before,
                         const std::vector<std::string>& serials, WallTime now)
{
    RevocationList list(X509_CRL_new());
    const Time from(ASN1_TIME_set(nullptr, unix_time(now)));
    X509* issuer = ca.certificate.get();
    if (!list || !from || X509_CRL_set_version(list.get(), kListVersion2) != 1 ||
        X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(issuer)) != 1 ||
        X509_CRL_set1_lastUpdate(list.get(), from.get()) != 1 ||
        X509_CRL_set1_nextUpdate(list.get(), X509_get0_notAfter(issuer)) != 1 ||
        !add_list_extensions(*list, *issuer, before) ||
        (before != nullptr && !copy_revoked(*list, *before)))
        return nullptr;
    for (const std::string& serial : serials)
        if (!add_revoked(*list, serial, now)) return nullptr;
    X509_CRL_sort(list.get());
    return X509_CRL_sign(list.get(), ca.key.get(), EVP_sha256()) != 0 ? std::move(list) : nullptr;
}

std::string pem_of(EVP_PKEY& key)
{
    return text_from([&](BIO* out) {
        return PEM_write_bio_PrivateKey(out, &key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

std::string pem_of(X509& certificate)
{
    return text_from([&](BIO* out) { return PEM_write_bio_X509(out, &certificate); });
}

std::string pem_of(X509_CRL& list)
{
    return text_from([&](BIO* out) { return PEM_write_bio_X509_CRL(out, &list); });
}

Key read_key(std::string_view pem)
{
    Key key(PEM_read_bio_PrivateKey(memory_of(pem).get(), nullptr, &no_pass_phrase, nullptr));
    ERR_clear_error();
    return key;
}

Certificate read_certificate(std::string_view pem)
{
    Certificate certificate(
        PEM_read_bio_X509(memory_of(pem).get(), nullptr, &no_pass_phrase, nullptr));
    ERR_clear_error();
    return certificate;
}

RevocationList read_list(std::string_view pem)
{
    RevocationList list(
        PEM_read_bio_X509_CRL(memory_of(pem).get(), nullptr, &no_pass_phrase, nullptr));
    ERR_clear_error();
    return list;
}

std::string serial_of(const X509& certificate)
{
    return hex_of(X509_get0_serialNumber(&certificate));
}

WallTime expiry_of(const X509& certificate)
{
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &parts) != 1) return WallTime{};
    return wall_time_of(Seconds{timegm(&parts)});
}

std::set<std::string> serials_of(X509_CRL& list)
{
    std::set<std::string> serials;
    STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(&list);
    for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i)
        serials.insert(hex_of(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i))));
    return serials;
}
} // namespace tidemark::certs
